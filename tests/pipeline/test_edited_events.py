"""Entries that their publisher changed, down the whole line: who hears of it, and how often."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from stage import SECRET, Stage

from watcher import pipeline
from watcher.model import EventView
from watcher.pipeline import STEPS
from watcher.store import events
from watcher.store.schema import feeds, items, matches

RULE = """id: edit-test
title: Deals of the tests of edits
status: stable
level: high
description: Finds the made-up deals that the tests of edits publish.
selections:
  deal:
    any: ["raises|raised"]
condition: deal
facts:
  amount: {kind: money, choose: largest, look: item}
tests:
  - match: {text: Acme raised $1 million.}
  - no_match: {text: Acme opened a laboratory.}
"""
TODAY = datetime.now(UTC).replace(microsecond=0)
Entry = tuple[str, str, str]
ROUND = ("round", "Kestrel Bio raises money for kidney drugs", "Kestrel Bio of Basel raised $30 million.")


@pytest.fixture(autouse=True)
def _own_rules(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))
    rules = tmp_path / "edit-rules"
    rules.mkdir()
    (rules / "edit-test.yml").write_text(RULE, "utf-8")
    stage.runtime.rules.folder = rules


def bring(stage: Stage, entries: Sequence[Entry]) -> None:
    """Let the first feed hold these entries, poll it, and do every step for what waits."""
    told = "".join(
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title><link>https://news.example/{guid}</link>"
        f"<pubDate>{format_datetime(TODAY)}</pubDate><description>{text}</description></item>"
        for guid, title, text in entries
    )
    stage.web.serve("/feed/0", f"<rss version='2.0'><channel><title>News</title>{told}</channel></rss>".encode())
    pipeline.apply_config(stage.runtime)
    stage.poll()
    for _ in range(8):
        for step, ids in (waiting := pipeline.due(stage.runtime)).items():
            STEPS[step](stage.runtime, ids)
        if not waiting:
            return


def kinds(stage: Stage) -> list[str]:
    return [json.loads(request.body)["type"] for request in stage.web.got("/hook")]


def last(stage: Stage) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(stage.web.got("/hook")[-1].body)["data"]
    return told


def the_event(stage: Stage) -> EventView:
    with stage.runtime.database.read() as conn:
        (event,) = events.recent(conn, limit=5)
    return event


def test_an_edit_revises_its_event_and_readers_get_one_update(stage: Stage) -> None:
    bring(stage, [ROUND])
    bring(stage, [(*ROUND[:2], "Kestrel Bio of Basel raised $36 million.")])
    bring(stage, [(*ROUND[:2], "Kestrel Bio of Basel raised $36 million. 7 comments")])
    assert kinds(stage) == ["event.created", "event.updated"]
    assert [change["before"] + " → " + change["after"] for change in last(stage)["changes"]] == ["30M USD → 36M USD"]
    assert "Update:" in json.loads(stage.web.got("/slack")[1].body)["text"]
    assert (the_event(stage).revision, len(the_event(stage).sources)) == (2, 1)
    with stage.runtime.database.read() as conn:
        assert conn.execute(select(func.count()).select_from(matches)).scalar_one() == 1


def test_an_edit_that_changes_no_fact_tells_nobody(stage: Stage) -> None:
    bring(stage, [ROUND])
    bring(stage, [(*ROUND[:2], "Kestrel Bio of Basel raised $30 million. Its shares rose.")])
    assert kinds(stage) == ["event.created"]
    assert the_event(stage).revision == 1


def test_an_edit_that_makes_a_rule_match_is_news(stage: Stage) -> None:
    bring(stage, [("round", "Kestrel Bio has news", "More to follow.")])
    assert kinds(stage) == []
    bring(stage, [ROUND])
    assert kinds(stage) == ["event.created"]


def test_an_edit_of_an_item_of_the_first_fetch_alerts_nobody(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("alert_history: all", "alert_history: none"), "utf-8")
    bring(stage, [ROUND, ("other", "Onoda Pharma has news", "More to follow.")])
    edited = (*ROUND[:2], "Kestrel Bio of Basel raised $36 million.")
    bring(stage, [edited, ("other", "Onoda Pharma raises money", "Onoda Pharma raised $9 million.")])
    assert kinds(stage) == []
    with stage.runtime.database.read() as conn:
        assert conn.execute(select(items.c.edits).order_by(items.c.id)).scalars().all() == [1, 1]
        known = events.views(conn, [1])[1]
    assert known.amount is not None
    assert (known.amount.value, known.revision) == (36e6, 1)


def test_new_ids_for_all_entries_tell_nobody_again_and_ops_once(stage: Stage) -> None:
    entries = [ROUND, *((f"post-{n}", f"Notice number {n} of the day", f"Room {n} is open.") for n in range(1, 12))]
    bring(stage, entries)
    with stage.runtime.database.write() as conn:
        conn.execute(feeds.update().values(first_fetched_at=datetime(2026, 1, 1, tzinfo=UTC)))
    bring(stage, [(f"cms-{guid}", title, text) for guid, title, text in entries])
    assert kinds(stage) == ["event.created"]
    assert sum("suddenly brought 12 of 12" in str(mail.message["Subject"]) for mail in stage.inbox.mails) == 1
