"""The overview over real rows, and what its figures are judged to mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import at_desk, open_service, served
from row_factories import WHO, add_event, add_feed, add_items, draft, match, now
from services.valkey import Valkey

from watcher import runtime
from watcher.model import DeliveryState, Fact, FactKind, Level, RuleStatus, Snippet
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import chart, events, feeds, items, overview, schema, stories
from watcher.store.database import Database
from watcher.web.console import standing
from watcher.web.console.standing import Figures, Grade

HOSTILE = '<script>alert(1)</script>\u202e{{ 7 * 7 }}\x07 & "quoted"'
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WELL: dict[str, Any] = {
    "now": NOON,
    "checks": {"database": "", "broker": "", "sweep": ""},
    "backlog": {},
    "canary": None,
    "arrived": None,
    "feeds": {"healthy": 142},
    "failing_long": 0,
    "channels": [],
    "parked": 0,
    "newest_item_at": NOON,
}


@pytest.fixture
def rt(database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path, redis_url=valkey.broker_url, canary_every_s=0)
    with opened.database.write() as conn:
        overview.record_beat(conn, "sweep", now=opened.clock())
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as opened:
        yield opened


def flat(page: str) -> str:
    """The words of a page without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def add_hostile_event(database: Database) -> None:
    feed_id = add_feed(database, "https://hostile.example/feed", title=HOSTILE)
    with database.write() as conn:
        bad = draft("bad", title=HOSTILE, link="javascript:alert(1)", text="x")
        (item_id,) = items.insert_new(conn, feed_id, [bad], history=lambda _: False, now=now())
    with database.write() as conn:
        (item,) = items.claim(conn, [item_id], owner=WHO, lease_s=60, now=now())
        told = match(
            "hostile",
            rule_title=HOSTILE,
            status=RuleStatus.EXPERIMENTAL,
            level=Level.HIGH,
            facts={"party": Fact(name="party", kind=FactKind.PARTY, value=HOSTILE)},
        )
        story = stories.ensure(conn, key="hostile", title=HOSTILE, now=now())
        snippets = [Snippet(text=HOSTILE, marks=((0, 8),))]
        made = events.create(conn, story_id=story, match=told, item=item, snippets=snippets, now=now())
        assert made is not None
        events.add_source(conn, made, item.id, now=now())


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_sees_the_overview_without_a_login(rt: Runtime) -> None:
    with served(rt) as stranger:
        answer = stranger.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_an_empty_service_says_what_to_do_first(client: httpx.Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Nothing is watched yet: add a feed" in page.text
    assert "No events yet" in page.text
    assert "Nothing has been sent yet" in page.text
    assert "no canary yet" in page.text
    assert '<a href="/feeds#add">' in page.text


def test_the_page_shows_an_event_with_its_facts_and_its_source(rt: Runtime, client: httpx.Client) -> None:
    event_id = add_event(rt.database)
    page = client.get("/").text
    assert f'<a href="/events/{event_id}" lang="en">Title of a</a>' in page
    assert '<span class="soft">Amount</span> <span lang="en">5M USD</span>' in page
    assert '<span class="soft">Recipient</span> <span lang="en">Acme Bio</span>' in page
    assert "Park news" in page


def test_what_publishers_write_is_text_and_nothing_else(rt: Runtime, client: httpx.Client) -> None:
    add_hostile_event(rt.database)
    page = client.get("/").text
    assert "<script>" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page
    assert "\x07" not in page
    assert "{{ 7 * 7 }}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "on trial, not sent" in page
    assert " style=" not in page


def test_a_feed_in_trouble_stands_with_its_reason_and_is_said_at_the_top(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add_feed(rt.database, title="Labiotech")
    with rt.database.write() as conn:
        values = {"health": "attention", "health_reason": "403 Forbidden", "failing_since": now() - timedelta(days=2)}
        conn.execute(schema.feeds.update().values(**values))
    page = client.get("/").text
    assert "The line works; 1 feed needs a person" in page
    assert f'<a href="/feeds/{feed_id}" lang="en">Labiotech</a>' in page
    assert "403 Forbidden, since 2 d" in page


def test_a_paused_feed_is_no_trouble_of_the_service(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add_feed(rt.database, title="Labiotech")
    with rt.database.write() as conn:
        conn.execute(schema.feeds.update().values(health="failing", error_count=9, health_reason="503"))
        assert feeds.pause(conn, feed_id)
        assert feeds.coverage(conn).failing == ()
    assert "Every feed fares well." in client.get("/").text


def test_the_charts_count_the_last_day_and_are_told_as_tables(rt: Runtime, client: httpx.Client) -> None:
    feed = add_feed(rt.database)
    add_items(rt.database, feed, "a", "b", "c")
    page = client.get("/").text
    assert "3 items in 24 hours, the most, 3, in the hour from" in page
    assert page.count("<svg viewBox=") == 3
    assert page.count("As a table") == 3
    assert f'<tr><th scope="row">{now():%H}:00</th><td class="count">3</td></tr>' in page


def test_a_database_that_is_away_is_said_and_not_crashed_upon(valkey: Valkey, tmp_path: Path) -> None:
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/none"
    away = runtime.open(Settings(database_url=url, redis_url=valkey.broker_url, data_dir=tmp_path))
    with served(away) as stranger:
        answer = stranger.get("/")
    away.close()
    assert "hunter2" not in answer.text
    assert answer.status_code in (303, 503)


# ── what the charts read ─────────────────────────────────────────────────────────────────────────────────────────────


def test_counts_are_given_by_the_hour_in_which_they_fell(rt: Runtime) -> None:
    feed = add_feed(rt.database)
    add_items(rt.database, feed, "a", "b", "c")
    times = (NOON - timedelta(hours=1, minutes=1), NOON - timedelta(hours=1), NOON + timedelta(minutes=59))
    with rt.database.write() as conn:
        for number, at in enumerate(times, 1):
            conn.execute(schema.items.update().where(schema.items.c.id == number).values(first_seen_at=at))
    hours = chart.hours(NOON + timedelta(minutes=30), 3)
    assert hours == [NOON - timedelta(hours=2), NOON - timedelta(hours=1), NOON]
    with rt.database.read() as conn:
        assert chart.items_by_hour(conn, hours) == [1, 1, 1]


def add_sent(rt: Runtime, event_id: int, *, sent_at: datetime, held: bool = False, immediate: bool = True) -> None:
    """An alert of that event that went out at `sent_at`."""
    with rt.database.write() as conn:
        closes = NOON + timedelta(hours=5) if held else NOON
        row = {"key": f"d{event_id}{sent_at}{held}", "subscription_id": "desk", "window": f"{sent_at}{held}"}
        row |= {"closes_at": closes, "immediate": immediate, "created_at": NOON, "closed_at": closes}
        digest = conn.execute(schema.digests.insert().values(**row)).inserted_primary_key[0]
        alert = {"subscription_id": row["window"], "event_id": event_id, "revision": 1, "reason": "rule"}
        conn.execute(schema.alerts.insert().values(**alert, digest_id=digest, created_at=NOON))
        sent = {"key": row["key"], "digest_id": digest, "channel_id": "hook", "state": "sent", "reason": "200"}
        rest = {"message_id": "m", "content_type": "x", "body": b"", "created_at": NOON, "finished_at": sent_at}
        conn.execute(schema.deliveries.insert().values(**sent, **rest))


def test_latency_runs_from_the_item_to_the_sent_alert_and_leaves_out_what_was_held_back(rt: Runtime) -> None:
    event_id = add_event(rt.database)
    with rt.database.write() as conn:
        conn.execute(schema.items.update().values(first_seen_at=NOON - timedelta(seconds=7)))
    add_sent(rt, event_id, sent_at=NOON + timedelta(seconds=3))
    add_sent(rt, event_id, sent_at=NOON + timedelta(hours=5), held=True)
    add_sent(rt, event_id, sent_at=NOON + timedelta(hours=6), immediate=False)
    with rt.database.read() as conn:
        assert chart.latencies(conn, NOON - timedelta(hours=1)) == [(NOON + timedelta(seconds=3), 10.0)]
        assert chart.latencies(conn, NOON + timedelta(hours=1)) == []
        states = chart.deliveries_by_hour(conn, [NOON])
    assert states == {state.value: [3 if state is DeliveryState.SENT else 0] for state in DeliveryState}


def test_events_are_counted_by_rule_the_most_first(rt: Runtime) -> None:
    add_event(rt.database)
    add_hostile_event(rt.database)
    with rt.database.read() as conn:
        assert chart.events_by_rule(conn, now() - timedelta(hours=1)) == [("funding", 1), ("hostile", 1)]
        assert chart.rules_since(conn, now() - timedelta(hours=1)) == {"funding", "hostile"}
        assert chart.events_by_rule(conn, now() + timedelta(hours=1)) == []


# ── what the figures mean ────────────────────────────────────────────────────────────────────────────────────────────


def judged(**changes: Any) -> tuple[Grade, str]:
    figures = Figures(**(WELL | changes))
    found = standing.findings(figures)
    return standing.grade(found), standing.sentence(figures, found)


@pytest.mark.parametrize(
    ("changes", "grade", "sentence"),
    [
        ({}, "well", "All is well: 142 feeds watched, nothing waits too long"),
        ({"feeds": {}}, "well", "Nothing is watched yet: add a feed"),
        (
            {"checks": {"broker": "ConnectionError: it does not answer"}},
            "broken",
            "Broken: Broker: ConnectionError: it does not answer",
        ),
        (
            {"backlog": {"items": {"waiting": 812, "oldest_s": 900.0}}},
            "broken",
            "Broken: 812 items to read, the oldest for 15 min",
        ),
        (
            {"backlog": {"feeds": {"waiting": 3, "oldest_s": 7300.0}}},
            "look",
            "The line works; 3 feeds to poll, the oldest for 2 h",
        ),
        (
            {"backlog": {"items": {"waiting": 5, "oldest_s": 60.0}}},
            "well",
            "All is well: 142 feeds watched, nothing waits too long",
        ),
        ({"parked": 1}, "look", "The line works; 1 message of the last day given up"),
        ({"feeds": {"healthy": 9, "attention": 1, "gone": 1}}, "look", "The line works; 2 feeds need a person"),
        ({"failing_long": 1}, "look", "The line works; 1 feed has failed for more than a day"),
        ({"parked": 2, "failing_long": 1}, "look", "The line works; 2 things want a look"),
        (
            {"checks": {"rules": "refused"}, "rules_in_force": True},
            "look",
            "The line works; rules: refused",
        ),
        ({"checks": {"rules": "refused"}, "rules_in_force": False}, "broken", "Broken: Rules: refused"),
        ({"mistakes": ["watcher.yml:3: no"]}, "look", "The line works; watcher.yml was refused: watcher.yml:3: no"),
        (
            {"checks": {"sweep": "old", "broker": "away"}, "parked": 1},
            "broken",
            "Broken: 2 things keep news from being found or told",
        ),
    ],
)
def test_one_sentence_says_how_it_stands(changes: dict[str, Any], grade: str, sentence: str) -> None:
    assert judged(**changes) == (grade, sentence)


def test_a_channel_that_does_not_send_is_named_with_its_fault() -> None:
    stopped = {"id": "deal-slack", "disabled_reason": "the receiver answered 404", "fault": "http_404"}
    assert judged(channels=[stopped]) == (
        "look",
        "The line works; channel deal-slack does not send: the receiver answered 404",
    )


def days(*back: float) -> list[datetime]:
    return [NOON - timedelta(days=one) for one in back]


@pytest.mark.parametrize(
    ("times", "dead"),
    [
        (days(13, 14, 15, 16), False),
        (days(15, 16, 17, 18), True),
        (days(60, 70, 80, 90), False),
        (days(81, 91, 101, 111), True),
        (days(29), False),
        (days(31), True),
    ],
)
def test_a_rule_is_quiet_when_it_is_silent_far_longer_than_it_used_to(times: list[datetime], dead: bool) -> None:
    found = standing.quiet("funding", times, in_use_since=None, now=NOON)
    assert (found is not None) is dead


@pytest.mark.parametrize(("since", "dead"), [(None, False), (days(29)[0], False), (days(31)[0], True)])
def test_a_rule_that_never_told_anything_gets_a_month(since: datetime | None, dead: bool) -> None:
    assert (standing.quiet("funding", [], in_use_since=since, now=NOON) is not None) is dead


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [([], 0.5, None), ([4.0], 0.95, 4.0), ([3.0, 1.0, 2.0], 0.5, 2.0), (list(range(1, 101)), 0.95, 95)],
)
def test_percentiles_are_values_that_were_measured(values: list[float], share: float, found: float | None) -> None:
    assert standing.percentile(values, share) == found
