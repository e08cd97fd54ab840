"""Stories over feeds: who is told once, who hears of a change, and what stays as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from stage import SECRET, Stage

from watcher import pipeline, runtime, settings
from watcher.model import Again, EventView
from watcher.pipeline import STEPS
from watcher.store import events, stories

RULE = """id: line-test
title: Deals of the story tests
status: stable
level: high
description: Finds the made-up deals that the tests of stories publish.
selections:
  deal:
    any: ["raises|raised|won", 融资]
condition: deal
facts:
  amount: {kind: money, choose: largest, look: item}
tests:
  - match: {text: Acme raised $1 million.}
  - no_match: {text: Acme opened a laboratory.}
"""
TODAY = datetime.now(UTC).replace(microsecond=0)
Entry = tuple[str, str, datetime]


def deal(amount: str, at: datetime = TODAY, title: str = "Kestrel Bio raises {} for kidney drugs") -> Entry:
    text = f"Kestrel Bio of Basel raised {amount} from Northwind Capital to develop KB-210 for kidney disease."
    return title.format(amount), text, at


def feed(entries: Sequence[Entry], name: str) -> bytes:
    told = "".join(
        f"<item><guid isPermaLink='false'>{name}-{number}</guid><title>{escape(title)}</title>"
        f"<link>https://{name}.example/{number}</link><pubDate>{format_datetime(at)}</pubDate>"
        f"<description>{escape(text)}</description></item>"
        for number, (title, text, at) in enumerate(entries)
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{told}</channel></rss>".encode()


@pytest.fixture(autouse=True)
def _own_rules(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))
    rules = tmp_path / "story-rules"
    rules.mkdir()
    (rules / "line-test.yml").write_text(RULE, "utf-8")
    stage.runtime.rules.folder = rules


def bring(stage: Stage, number: int, *entries: Entry) -> None:
    """Let a feed hold these entries and do every step for what waits."""
    stage.web.serve(f"/feed/{number}", feed(entries, f"feed{number}"))
    pipeline.apply_config(stage.runtime)
    stage.poll()
    drain(stage)


def drain(stage: Stage) -> None:
    for _ in range(8):
        waiting = pipeline.due(stage.runtime)
        if not waiting:
            return
        for step, ids in waiting.items():
            STEPS[step](stage.runtime, ids)


def hooked(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in stage.web.got("/hook")]


def kinds(stage: Stage) -> list[str]:
    return [message["type"] for message in hooked(stage)]


def the_event(stage: Stage) -> EventView:
    with stage.runtime.database.read() as conn:
        (event,) = events.recent(conn, limit=5)
    return event


def test_two_tellings_in_two_feeds_are_one_event_told_once_with_both_sources(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million"))
    bring(stage, 1, deal("$30 million", TODAY, "Kidney drug maker Kestrel Bio raised {}"))
    assert kinds(stage) == ["event.created"]
    assert [source.link for source in the_event(stage).sources] == [
        "https://feed0.example/0",
        "https://feed1.example/0",
    ]


def test_two_deals_stay_two(stage: Stage) -> None:
    other = ("Onoda Pharma won a $9 million grant", "Onoda Pharma of Osaka won a $9 million grant on sepsis.", TODAY)
    bring(stage, 0, deal("$30 million"), other)
    assert kinds(stage) == ["event.created"] * 2


def test_a_corrected_amount_is_an_update_for_those_who_were_told(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million", TODAY - timedelta(days=1)))
    bring(stage, 1, deal("$36 million"))
    assert kinds(stage) == ["event.created", "event.updated"]
    told = hooked(stage)[1]["data"]
    assert told["changes"] == [
        {
            "fact": "amount",
            "before": "30M USD",
            "after": "36M USD",
            "why": "newer",
            "text": "amount corrected from 30M USD to 36M USD by a newer source",
        }
    ]
    assert told["event"]["revision"] == 2
    assert "Update:" in json.loads(stage.web.got("/slack")[1].body)["text"]
    assert the_event(stage).revisions[0].item_id == 2


def test_a_digest_tells_what_changed_only_to_those_who_heard_before(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million", TODAY - timedelta(days=1)))
    stage.send_digest()
    drain(stage)
    bring(stage, 1, deal("$36 million"))
    stage.send_digest()
    drain(stage)
    first, second = (mail.message.get_body(("plain",)).get_content() for mail in stage.inbox.mails)
    assert "Update" not in first
    assert "Update: Amount corrected from 30M USD to 36M USD by a newer source" in " ".join(second.split())


def test_sources_of_one_time_that_contradict_each_other_are_shown_and_nobody_is_told_again(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million"))
    bring(stage, 1, deal("$36 million", TODAY + timedelta(minutes=5)))
    assert kinds(stage) == ["event.created"]
    amount = the_event(stage).amount
    assert amount is not None
    assert (amount.value, [other.value for other in amount.others]) == (30e6, [36e6])


def test_a_deal_that_ended_is_an_update_though_no_rule_finds_the_report(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million", TODAY - timedelta(days=1)))
    title = "Kestrel Bio and Northwind Capital terminate $30 million round for kidney drugs"
    text = "Kestrel Bio of Basel and Northwind Capital gave up the round that was to pay for KB-210 for kidney disease."
    bring(stage, 1, (title, text, TODAY))
    assert kinds(stage) == ["event.created", "event.updated"]
    assert [change["text"] for change in hooked(stage)[1]["data"]["changes"]] == ["reported as ended"]
    assert the_event(stage).stage == "ended"


def test_who_asked_for_more_than_was_told_hears_when_the_amount_grows_and_once(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("now: {", "now: {at_least: 35M USD, "), "utf-8")
    bring(stage, 0, deal("$30 million", TODAY - timedelta(days=1)))
    assert kinds(stage) == []
    bring(stage, 1, deal("$36 million"))
    assert kinds(stage) == ["event.created"]
    bring(stage, 2, deal("$36 million", TODAY, "Northwind backs Kestrel Bio, which raised {}"))
    assert kinds(stage) == ["event.created"]


def test_who_was_told_hears_that_an_amount_shrank_below_what_was_asked(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("now: {", "now: {at_least: 25M USD, "), "utf-8")
    bring(stage, 0, deal("$30 million", TODAY - timedelta(days=1)))
    bring(stage, 1, deal("$20 million"))
    assert kinds(stage) == ["event.created", "event.updated"]
    assert hooked(stage)[1]["data"]["reason"].startswith("told before; now 20M USD is below")


def test_a_second_language_tells_those_who_read_only_that_one(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("now: {", "now: {languages: [de], "), "utf-8")
    bring(stage, 0, deal("$30 million"))
    assert kinds(stage) == []
    with stage.runtime.database.write() as conn:
        conn.exec_driver_sql("UPDATE items SET language = 'de', classified_at = NULL")
    drain(stage)
    with stage.runtime.database.write() as conn:
        events.offer_again(conn, 1)
    drain(stage)
    assert kinds(stage) == ["event.created"]
    assert len(stage.web.got("/slack")) == 1


def test_the_full_text_of_an_item_revises_its_event(stage: Stage) -> None:
    bring(stage, 0, ("Kestrel Bio raises money for kidney drugs", "Kestrel Bio raised money.", TODAY))
    with stage.runtime.database.write() as conn:
        conn.exec_driver_sql("UPDATE items SET text = 'Kestrel Bio raised $36 million from Northwind Capital.'")
    assert pipeline.reclassify(stage.runtime, [1, 99], Again.TEXT) == {pipeline.Step.ITEMS: [1]}
    drain(stage)
    assert [change["text"] for change in hooked(stage)[1]["data"]["changes"]] == ["amount now known: 36M USD"]
    assert (the_event(stage).revision, len(the_event(stage).sources)) == (2, 1)


def test_new_rules_asked_for_rewrite_in_silence_and_tell_only_new_events(stage: Stage) -> None:
    opened = ("Onoda Pharma opened a laboratory", "Onoda Pharma opened a laboratory in Osaka.", TODAY)
    bring(stage, 0, ("Kestrel Bio raises money for kidney drugs", "Kestrel Bio raised $3 million.", TODAY), opened)
    with stage.runtime.database.write() as conn:
        conn.exec_driver_sql("UPDATE items SET text = 'Kestrel Bio raised $9 million.' WHERE id = 1")
    rules = stage.runtime.rules.folder / "line-test.yml"
    rules.write_text(
        RULE.replace("raises|raised|won", "raises|raised|won|opened").split("tests:")[0] + "tests:\n"
        "  - match: {text: Acme opened a laboratory.}\n  - no_match: {text: Acme sleeps.}\n",
        "utf-8",
    )
    stage.runtime.rules._looked_at = 0.0
    pipeline.reclassify(stage.runtime, [1, 2], Again.RULES)
    drain(stage)
    assert [message["data"]["event"]["title"] for message in hooked(stage)] == [
        "Kestrel Bio raises money for kidney drugs",
        "Onoda Pharma opened a laboratory",
    ]
    with stage.runtime.database.read() as conn:
        known = events.views(conn, [1])[1]
    assert known.amount is not None
    assert (known.amount.value, known.revision) == (9e6, 1)


def test_a_story_that_nobody_tells_any_more_closes(stage: Stage) -> None:
    bring(stage, 0, deal("$30 million"))
    with stage.runtime.database.write() as conn:
        now = stage.runtime.clock()
        assert stories.close_old(conn, older_than=timedelta(days=14), now=now + timedelta(days=13)) == 0
        assert stories.close_old(conn, older_than=timedelta(days=14), now=now + timedelta(days=15)) == 1
        assert conn.exec_driver_sql("SELECT count(*) FROM story_keys").scalar_one() == 0
    bring(stage, 1, deal("$30 million", TODAY, "Kidney drug maker Kestrel Bio raised {}"))
    assert kinds(stage) == ["event.created"] * 2


def test_two_workers_that_read_two_tellings_at_once_make_one_story(stage: Stage) -> None:
    for number, title in enumerate(("Kestrel Bio raises {} for kidney drugs", "Kidney drugs: {} for Kestrel Bio")):
        stage.web.serve(f"/feed/{number}", feed([deal("$30 million", TODAY, title)], f"feed{number}"))
    pipeline.apply_config(stage.runtime)
    STEPS[pipeline.Step.FEEDS](stage.runtime, pipeline.due(stage.runtime)[pipeline.Step.FEEDS])
    others = [runtime.open(settings.load(stage.environ)) for _ in range(2)]
    for one in others:
        one.rules.folder = stage.runtime.rules.folder
        one.rules.engine()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: pipeline.classify_items(pair[0], [pair[1]]), zip(others, (1, 2), strict=True)))
    for one in others:
        one.close()
    assert len(the_event(stage).sources) == 2
