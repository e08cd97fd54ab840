"""The drill of politeness: feeds of every kind of behaviour over seven virtual days with twenty restarts.

What the server wrote down must keep every line of the checklist. `DRILL_FEEDS=200` is the whole of it.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from polled import Polled, VirtualClock
from services.web import HttpSink
from torture import KINDS, TortureServer, Visit

from watcher import log, pipeline
from watcher.model import FeedConfig, Origin
from watcher.pipeline import Step
from watcher.sandbox import Sandbox
from watcher.store import feeds

FEEDS = int(os.environ.get("DRILL_FEEDS", str(2 * len(KINDS))))
DAYS = 7
RESTARTS = 20
LATE_MINUTES = 20
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What came of it."""

    start_at: datetime
    visits: list[Visit]
    by_feed: dict[int, list[Visit]]
    """Without the second halves of redirects."""
    right_after_restarts: int
    """Requests that a process made just after its start, when nothing was due."""
    most_at_once: int
    strange: list[str]
    next_at: list[datetime]
    """When the live feeds are due after the week."""
    items: int


def _overlap(polled: Polled) -> None:
    """A rolling restart: the old process and the new one work on the same nudges."""
    ids = pipeline.due(polled.runtime).get(Step.FEEDS, [])
    other = polled.open()
    both = [threading.Thread(target=pipeline.refresh_feeds, args=(rt, ids)) for rt in (polled.runtime, other)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    polled.end(polled.runtime)
    polled.runtime = other


def _live(polled: Polled, server: TortureServer) -> int:
    """Seven days; gives how many requests restarts caused."""
    extra = 0
    for number in range(RESTARTS):
        polled.run(hours=24 * DAYS / RESTARTS - 0.5, late_minutes=LATE_MINUTES)
        polled.clock.forward(minutes=30)
        _overlap(polled) if number % 2 else polled.poll()
        before = len(server.visits)
        polled.restart()
        polled.poll()
        extra += len(server.visits) - before
    return extra


@pytest.fixture(scope="module")
def week(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """Every feed polled for seven days by twenty-one processes, one after the other and some together."""
    log.configure(level="ERROR", json_lines=True)
    folder = tmp_path_factory.mktemp("polite")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'watcher.db')}"
    clock, unused = VirtualClock(), HttpSink()
    server = TortureServer(clock)
    with Sandbox() as child:
        contact = {"WATCHER_USER_AGENT_CONTACT": "https://example.org/bot"}
        polled = Polled(database_url=url, folder=folder, web=unused, clock=clock, sandbox=child, environ=contact)
        with polled.runtime.database.write() as conn:
            for number in range(FEEDS):
                feeds.add(conn, FeedConfig(url=server.url(number)), origin=Origin.CLI, now=clock())
        polled.poll()
        extra = _live(polled, server)
        with polled.runtime.database.read() as conn:
            next_at = [row["next_poll_at"] for row in feeds.listing(conn) if row["disabled_reason"] is None]
        items = polled.items()
        polled.close()
    server.stop()
    by_feed: dict[int, list[Visit]] = defaultdict(list)
    for visit in server.visits:
        if not visit.hop:
            by_feed[visit.feed].append(visit)
    yield Week(
        start_at=server.start_at,
        visits=server.visits,
        by_feed=by_feed,
        right_after_restarts=extra,
        most_at_once=server.most_at_once,
        strange=server.strange,
        next_at=next_at,
        items=items,
    )


def kind(week: Week, name: str) -> list[list[Visit]]:
    """The visits of each feed of that kind."""
    return [visits for visits in week.by_feed.values() if visits[0].kind == name]


def whole(visit: Visit) -> bool:
    """Was it answered with a feed's whole document?"""
    return visit.said.status == 200 and visit.said.keep


def test_f1_no_feed_is_asked_twice_within_an_hour_nor_twice_a_day_without_validators(week: Week) -> None:
    assert len(week.by_feed) == FEEDS
    for visits in week.by_feed.values():
        for earlier, later in pairwise(visits):
            assert later.at - earlier.at >= HOUR, (earlier, later)
            if whole(earlier) and earlier.given == (None, None):
                assert later.at - earlier.at >= DAY, (earlier, later)


def test_f2_a_feed_with_validators_is_asked_for_its_whole_document_once(week: Week) -> None:
    for visits in week.by_feed.values():
        unconditional = [visit for visit in visits if visit.sent == (None, None)]
        with_validators = [visit for visit in unconditional if whole(visit) and visit.given != (None, None)]
        assert len(with_validators) <= 1, with_validators
        assert not any(visit.known != (None, None) for visit in unconditional), unconditional


def test_f3_to_f6_every_request_carries_the_last_validators_byte_for_byte_and_no_older_ones(week: Week) -> None:
    for visit in week.visits:
        assert visit.sent == visit.known, visit
    pairs = {visit.sent for visit in week.visits}
    assert {
        ('W/"a, b;br"', None),
        (None, "Sun, 1 Feb 2026 8:00:00 gmt"),
        (None, "Sun, 01 Feb 2026 08:00:00 GMT"),
    } < pairs
    assert not any(etag in ('"wrong"', '"no"', '"redirect"') for etag, _ in pairs)


def test_f7_no_cookie_no_referer_no_cache_buster(week: Week) -> None:
    for visit in week.visits:
        assert not {"cookie", "referer", "cache-control", "pragma", "a-im", "range"} & visit.headers.keys(), visit
        assert visit.target in (f"/f/{visit.feed}", f"/moved/{visit.feed}")


def test_f8_the_user_agent_says_what_this_is_and_whom_to_ask(week: Week) -> None:
    agents = {tuple(visit.headers["user-agent"]) for visit in week.visits}
    assert agents == {("biotech-watcher/0.1 (feed reader; +https://example.org/bot)",)}


def test_f9_twenty_restarts_cause_no_request(week: Week) -> None:
    assert week.right_after_restarts == 0


def test_f10_a_feed_is_never_fetched_twice_at_once_and_nothing_but_feeds_is(week: Week) -> None:
    assert (week.most_at_once, week.strange) == (1, [])


def test_f11_feeds_that_were_added_together_are_due_at_different_times(week: Week) -> None:
    seconds = Counter(when.replace(microsecond=0) for when in week.next_at)
    assert len(seconds) > 0.95 * len(week.next_at)
    assert not any(count > max(3, FEEDS / 10) for count in Counter(when.minute for when in week.next_at).values())


def test_f12_gzip_only_is_offered_and_read(week: Week) -> None:
    assert {tuple(visit.headers["accept-encoding"]) for visit in week.visits} == {("gzip",)}
    assert all(visits[-1].said.status == 304 for visits in kind(week, "gzip"))


def test_no_request_falls_inside_a_retry_after(week: Week) -> None:
    asked = 0
    for visits in week.by_feed.values():
        for earlier, later in pairwise(visits):
            if earlier.said.wait is not None:
                asked += 1
                assert later.at - earlier.at >= earlier.said.wait, (earlier, later)
    assert asked >= 4
    assert all(len(visits) == 1 for visits in kind(week, "wants years"))


def test_requests_an_hour_stay_below_the_number_of_feeds(week: Week) -> None:
    hours = Counter((visit.at - week.start_at) // HOUR for visit in week.visits if not visit.hop)
    assert max(hours.values()) <= FEEDS
    assert len(week.visits) < 5 * DAYS * FEEDS


def test_back_off_doubles_and_success_ends_it(week: Week) -> None:
    for name in ("fails at first", "missing"):
        for visits in kind(week, name):
            failed = [visit for visit in visits if visit.said.status >= 400]
            waited = [(later.at - earlier.at) / HOUR for earlier, later in pairwise(failed)]
            late = LATE_MINUTES / 60 + 0.5
            assert all(own <= took <= own * 1.1 + late for own, took in zip((1, 2, 4, 8), waited, strict=False)), waited
            assert len(waited) >= 4
    assert all(visits[-1].said.status == 304 for visits in kind(week, "fails at first"))
    for visits in kind(week, "forbidden"):
        assert all(later.at - earlier.at >= 6 * HOUR for earlier, later in pairwise(visits))
    assert all([visit.said.status for visit in visits].count(410) == 1 for visits in kind(week, "gone"))


def test_wishes_are_kept(week: Week) -> None:
    for visits in kind(week, "fresh for six hours"):
        assert all(later.at - earlier.at >= 6 * HOUR for earlier, later in pairwise(visits))
    for visits in kind(week, "ttl"):
        assert all(later.at - earlier.at >= 10 * HOUR for earlier, later in pairwise(visits))
    for visits in kind(week, "skips the night"):
        assert not any(visit.at.hour < 8 for visit in visits)
    for visits in kind(week, "skips weekends"):
        assert sum(visit.at.weekday() >= 5 for visit in visits) <= 2


def test_what_posts_often_is_asked_more_often_than_what_posts_monthly(week: Week) -> None:
    fresh, monthly = kind(week, "fresh"), kind(week, "monthly")
    assert all(len(visits) > 40 for visits in fresh)
    assert all(len(visits) <= DAYS + 1 for visits in monthly)
    assert all(sum(whole(visit) for visit in visits) == 5 for visits in fresh)
