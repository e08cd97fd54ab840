"""Full text along the whole line: what readers hear of an item, and once more when its page says more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from article_pages import CHINESE, ENGLISH, HTML, SUMMARY, TITLE, Entry, article_page, chinese_page, rss
from row_factories import WHO
from stage import SECRET, Stage

from watcher import pipeline
from watcher.pipeline import STEPS, Step
from watcher.store import items

RULE = """id: line-test
title: Rounds of the page tests
status: stable
level: high
description: Finds the made-up rounds that the tests of full text publish.
selections:
  round:
    any: ["raised|pays for its next trials", 签署合作协议]
condition: round
facts:
  amount: {kind: money, choose: largest, look: item}
tests:
  - match: {text: Acme raised $1 million.}
  - no_match: {text: Acme opened a laboratory.}
"""
FOLDER_OF_RULES = "page-rules"


@pytest.fixture
def line(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    """The whole service with a rule of these tests, its first feed with full text."""
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))
    rules = tmp_path / FOLDER_OF_RULES
    rules.mkdir()
    (rules / "line-test.yml").write_text(RULE, "utf-8")
    stage.runtime.rules.folder = rules
    config = stage.folder / "watcher.yml"
    lines = config.read_text("utf-8").replace("alert_history: all", "alert_history: all\n    full_text: true")
    config.write_text(lines, "utf-8")
    for _ in range(2):
        pipeline.apply_config(stage.runtime)
    return stage


def publish(stage: Stage, source: str, *, title: str = TITLE, text: str = SUMMARY) -> None:
    stage.web.answer("/a", body=source.encode(), headers={"Content-Type": HTML})
    entry = Entry(name="a", link=stage.web.url("/a"), title=title, text=text, at=datetime.now(UTC))
    stage.web.serve("/feed/0", rss(entry))


def go(stage: Stage, *steps: Step) -> None:
    """Do those steps for what waits, in this order."""
    for step in steps:
        ids = pipeline.due(stage.runtime).get(step, [])
        if ids:
            STEPS[step](stage.runtime, ids)


TELL: Sequence[Step] = (Step.ITEMS, Step.EVENTS, Step.DIGESTS, Step.DELIVERIES)


def hooked(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in stage.web.got("/hook")]


def test_an_amount_that_only_the_page_tells_makes_exactly_one_update(line: Stage) -> None:
    publish(line, article_page(ENGLISH))
    go(line, Step.FEEDS, *TELL)
    assert [one["type"] for one in hooked(line)] == ["event.created"]
    ids = pipeline.due(line.runtime)[Step.PAGES]
    for _ in range(2):  # a nudge may come twice
        pipeline.fetch_pages(line.runtime, ids)
        go(line, *TELL)
    assert len(line.web.got("/a")) == 1
    assert [one["type"] for one in hooked(line)] == ["event.created", "event.updated"]
    assert [change["text"] for change in hooked(line)[1]["data"]["changes"]] == ["amount now known: 36M USD"]


def test_an_event_that_only_the_page_tells_is_found(line: Stage) -> None:
    publish(line, chinese_page(), title="启明医药落户重庆国际生物城", text=CHINESE[0][:17] + "…")
    go(line, Step.FEEDS, *TELL)
    assert hooked(line) == []
    go(line, Step.PAGES, *TELL)
    (told,) = hooked(line)
    assert told["type"] == "event.created"
    assert told["data"]["event"]["title"] == "启明医药落户重庆国际生物城"


def test_a_page_that_tells_nothing_more_tells_nobody(line: Stage) -> None:
    publish(line, article_page([ENGLISH[0], *ENGLISH[2:]]))
    go(line, Step.FEEDS, *TELL)
    go(line, Step.PAGES, *TELL)
    assert [one["type"] for one in hooked(line)] == ["event.created"]


def test_a_page_that_comes_while_its_item_is_classified_is_read_and_not_lost(line: Stage) -> None:
    publish(line, article_page(ENGLISH))
    go(line, Step.FEEDS)
    with line.runtime.database.write() as conn:
        (held,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=line.runtime.clock())
    go(line, Step.PAGES)
    with line.runtime.database.write() as conn:
        assert not items.finish(conn, held, owner=WHO, rules_version="v", now=line.runtime.clock())
    go(line, *TELL)
    (told,) = hooked(line)
    assert told["type"] == "event.created"
    assert told["data"]["event"]["facts"]["amount"]["value"] == 36e6
