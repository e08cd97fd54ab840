"""A poll from claim to row, on a real server: turns at hosts, moves, health, and what a reload makes of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from polled import Polled, VirtualClock, rss
from services.web import HttpSink
from sqlalchemy import select, update

from watcher import pipeline
from watcher.model import FeedConfig, Origin
from watcher.net.client import GuardedClient, Response
from watcher.pipeline import Step
from watcher.runtime import Runtime
from watcher.store import feeds
from watcher.store.schema import digests, hosts
from watcher.store.schema import feeds as feed_rows


@pytest.fixture
def polled(sqlite_url: str, http_sink: HttpSink, tmp_path: Path) -> Iterator[Polled]:
    """A process with no feeds yet, on a clock of its own; its feeds live in an allowed network, where no turns are."""
    opened = Polled(database_url=sqlite_url, folder=tmp_path, web=http_sink)
    yield opened
    opened.close()


@pytest.fixture
def real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL takes leases from its own clock."""
    monkeypatch.setattr(VirtualClock, "__call__", lambda _clock: datetime.now(UTC))


def at_once(calls: Sequence[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def told(one: Polled) -> list[str]:
    """Subjects that `ops:` heard, oldest first."""
    with one.runtime.database.read() as conn:
        rows = conn.execute(select(digests.c.notice).where(digests.c.notice.is_not(None)).order_by(digests.c.id))
        return [row.notice["subject"] for row in rows]


def poll_every(one: Polled, hours: float, times: int) -> None:
    """So many polls that far apart, each of all feeds."""
    for _ in range(times):
        one.clock.forward(hours=hours)
        pipeline.poll_now(one.runtime)
        one.poll()


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def moved(one: Polled, *, status: int = 301, polls: int = 4) -> None:
    """A feed that was read at /feed and is at /new since then."""
    one.web.serve("/feed", rss("one", "two"))
    one.add()
    one.poll()
    one.web.answer("/feed", status=status, headers={"Location": "/new"})
    one.web.serve("/new", rss("one", "two"))
    poll_every(one, 8.5, polls)


@pytest.mark.parametrize("status", [301, 308])
def test_a_feed_that_has_moved_for_good_is_polled_there_and_keeps_its_items(polled: Polled, status: int) -> None:
    moved(polled, status=status)
    row = polled.row()
    assert (row["asked_url"], row["url"]) == (polled.web.url("/feed"), polled.web.url("/new"))
    assert (row["moved_url"], row["moved_count"], polled.items()) == (None, 0, 2)
    asked_before = len(polled.web.got("/feed"))
    polled.web.serve("/new", rss("one", "two", "three"))
    poll_every(polled, 2, 1)
    assert len(polled.web.got("/feed")) == asked_before
    assert polled.items() == 3


def test_the_validators_go_along_with_a_move_since_the_new_place_gave_them(polled: Polled) -> None:
    moved(polled)
    poll_every(polled, 2, 1)
    assert polled.web.got("/new")[-1].headers["If-None-Match"]
    assert polled.row()["last_outcome"] == "not_modified"
    assert sum(1 for request in polled.web.requests if not request.headers["If-None-Match"]) == 1


@pytest.mark.parametrize(("status", "polls"), [(302, 6), (303, 6), (307, 6), (301, 3)])
def test_a_temporary_or_a_young_move_is_followed_and_never_stored(polled: Polled, status: int, polls: int) -> None:
    moved(polled, status=status, polls=polls)
    assert polled.row()["url"] == polled.web.url("/feed")
    assert polled.row()["last_outcome"] == "not_modified"
    assert polled.row()["moved_count"] == (3 if status == 301 else 0)


def test_a_feed_that_moves_onto_another_is_joined_with_it_and_ops_hear_of_it(polled: Polled) -> None:
    polled.web.serve("/new", rss("one", "two"))
    polled.add("/new")
    moved(polled)
    old, new = polled.row("/feed"), polled.row("/new")
    assert (old["merged_into"], old["url"]) == (new["id"], polled.web.url("/feed"))
    assert (old["retired_at"] is not None, new["retired_at"]) == (True, None)
    asked = len(polled.web.got("/feed"))
    poll_every(polled, 8, 2)
    assert len(polled.web.got("/feed")) == asked
    assert told(polled) == ["News is the same as another feed"]


def sync(one: Polled, *paths: str) -> feeds.SyncReport:
    with one.runtime.database.write() as conn:
        return feeds.sync_file(conn, [FeedConfig(url=one.web.url(path)) for path in paths], now=one.clock())


def from_file(one: Polled) -> None:
    with one.runtime.database.write() as conn:
        conn.execute(update(feed_rows).values(origin=Origin.FILE.value))


def test_a_reload_neither_retires_a_moved_feed_nor_adds_it_twice(polled: Polled) -> None:
    moved(polled)
    from_file(polled)
    assert sync(polled, "/feed") == feeds.SyncReport()
    assert polled.row()["url"] == polled.web.url("/new")


def test_a_moved_feed_is_known_by_both_its_urls(polled: Polled) -> None:
    moved(polled)
    with polled.runtime.database.write() as conn:
        for path in ("/feed", "/new"):
            assert not feeds.add(conn, FeedConfig(url=polled.web.url(path)), origin=Origin.CLI, now=polled.clock())
        (row,) = feeds.listing(conn)
        assert (row["asked_url"], row["url"]) == (polled.web.url("/feed"), polled.web.url("/new"))
        assert feeds.retire(conn, polled.web.url("/new"), now=polled.clock())


def test_who_writes_the_new_url_into_watcher_yml_keeps_the_row(polled: Polled) -> None:
    moved(polled)
    from_file(polled)
    before = polled.row("/feed")
    assert sync(polled, "/feed", "/new") == feeds.SyncReport()
    assert sync(polled, "/new") == feeds.SyncReport(changed=(polled.web.url("/new"),))
    after = polled.row("/new")
    assert (after["id"], after["url"], after["retired_at"]) == (before["id"], before["url"], None)
    assert sync(polled, "/new") == feeds.SyncReport()


def test_a_reload_leaves_a_joined_feed_joined_until_its_other_half_is_gone(polled: Polled) -> None:
    polled.web.serve("/new", rss("one", "two"))
    polled.add("/new")
    moved(polled)
    from_file(polled)
    assert sync(polled, "/feed", "/new") == feeds.SyncReport()
    assert sync(polled, "/feed") == feeds.SyncReport()
    with polled.runtime.database.write() as conn:
        assert feeds.retire(conn, polled.web.url("/new"), now=polled.clock())
    assert sync(polled, "/feed").added == (polled.web.url("/feed"),)
    assert (polled.row()["retired_at"], polled.row()["merged_into"]) == (None, None)


# ── health and habit ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_ops_hear_once_that_a_feed_fails_and_once_that_it_is_well_again(polled: Polled) -> None:
    polled.web.serve("/feed", rss("one"))
    polled.add()
    polled.poll()
    polled.web.answer("/feed", status=500, times=9)
    poll_every(polled, 1, 4)
    assert told(polled) == []
    poll_every(polled, 1, 5)
    assert told(polled) == ["News cannot be read"]
    row = polled.row()
    assert (row["health"], row["health_reason"], row["error_count"]) == (
        "failing",
        "9 polls in a row failed: 500 Internal Server Error",
        9,
    )
    assert row["failing_since"] == row["health_since"]
    poll_every(polled, 1, 3)
    assert told(polled) == ["News cannot be read", "News is well again"]
    row = polled.row()
    assert (row["health"], row["health_reason"], row["failing_since"]) == ("healthy", None, None)


def test_a_feed_that_asks_for_a_login_needs_attention_at_once(polled: Polled) -> None:
    polled.web.answer("/feed", status=401)
    url = polled.add()
    polled.poll()
    poll_every(polled, 7, 3)
    assert told(polled) == [f"{url} needs attention"]
    with polled.runtime.database.read() as conn:
        assert feeds.healths(conn)["attention"] == 1
        assert feeds.coverage(conn).failing == (url,)


def test_a_feed_that_falls_silent_is_told_once_and_stands_in_the_coverage(polled: Polled) -> None:
    start = polled.clock()
    dates = [start - timedelta(days=day) for day in range(6)]
    polled.web.serve("/feed", rss(*"abcdef", dates=dates))
    polled.add()
    polled.poll()
    assert polled.row()["habit_s"] == pytest.approx(86400)
    assert polled.row()["newest_item_at"] == start
    poll_every(polled, 24, 14)
    assert polled.row()["health"] == "healthy"
    poll_every(polled, 24, 3)
    assert (polled.row()["health"], told(polled)) == ("stale", ["News has fallen silent"])
    with polled.runtime.database.read() as conn:
        assert (feeds.coverage(conn).silent, feeds.coverage(conn).failing) == (("News",), ())
    polled.web.serve("/feed", rss(*"abcdefg", dates=[*dates, polled.clock()]))
    poll_every(polled, 24, 1)
    assert (polled.row()["health"], told(polled)[1:]) == ("healthy", ["News is well again"])


def test_a_body_that_is_no_feed_leaves_items_and_validators_alone(polled: Polled) -> None:
    polled.web.serve("/feed", rss("one"))
    polled.add()
    polled.poll()
    before = polled.row()
    polled.web.answer("/feed", body=b"<html><body>Please log in</body></html>", headers={"ETag": '"other"'}, times=1)
    poll_every(polled, 2, 1)
    after = polled.row()
    assert (after["etag"], after["last_modified"]) == (before["etag"], before["last_modified"])
    assert (after["last_full_at"], polled.items()) == (before["last_full_at"], 1)


# ── turns at hosts ───────────────────────────────────────────────────────────────────────────────────────────────────


class Watched(GuardedClient):
    """Real requests; every name leads to this machine, and each start and end is noted by the virtual clock."""

    def __init__(self, now: Any) -> None:
        super().__init__(("127.0.0.0/8",), resolver=lambda _host, _port, _timeout_s: ("127.0.0.1",))
        self.now = now
        self.starts: list[tuple[datetime, str]] = []
        self.most_at_once = 0
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, max_bytes: int = 0, *, total_s: float | None = None
    ) -> Response:
        host = url.split("/")[2]
        with self._lock:
            self.starts.append((self.now(), url))
            self._open[host] = self._open.get(host, 0) + 1
            self.most_at_once = max(self.most_at_once, self._open[host])
        try:
            return super().get(url, headers, max_bytes, total_s=total_s)
        finally:
            with self._lock:
                self._open[host] -= 1


class AtHosts(Polled):
    """Feeds on hosts of the open net, with two seconds between requests to one."""

    def open(self) -> Runtime:
        self.environ = {"WATCHER_ALLOW_PRIVATE": "", "WATCHER_HOST_SPACING_S": "2", **self.environ}
        rt = super().open()
        rt.client.close()
        rt.client = self.client = Watched(self.clock)
        rt.sleep = self._sleep
        return rt

    def _sleep(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    def at(self, host: str, path: str) -> str:
        return f"http://{host}:{self.web.port}{path}"

    def add_at(self, host: str, *paths: str) -> None:
        with self.runtime.database.write() as conn:
            for path in paths:
                self.web.serve(path, rss(f"of {path}"))
                feeds.add(conn, FeedConfig(url=self.at(host, path)), origin=Origin.CLI, now=self.clock())

    def sweep(self, times: int = 1) -> None:
        """So many sweeps, five seconds apart; a feed at a time, since two that sleep would both move the clock."""
        for _ in range(times):
            began = self.clock()
            for one in pipeline.due(self.runtime).get(Step.FEEDS, []):
                pipeline.refresh_feeds(self.runtime, [one])
            self.clock.now = max(self.clock(), began + timedelta(seconds=5))


@pytest.fixture
def at_hosts(sqlite_url: str, http_sink: HttpSink, tmp_path: Path) -> Iterator[AtHosts]:
    opened = AtHosts(database_url=sqlite_url, folder=tmp_path, web=http_sink)
    yield opened
    opened.close()


def test_twenty_feeds_of_one_host_are_asked_one_at_a_time_and_apart(at_hosts: AtHosts) -> None:
    at_hosts.add_at("many.example.org", *(f"/f{number}" for number in range(20)))
    at_hosts.sweep(20)
    starts = at_hosts.client.starts
    assert len({url for _, url in starts}) == 20
    assert {later - earlier for (earlier, _), (later, _) in pairwise(starts)} == {timedelta(seconds=2)}
    assert at_hosts.items() == 20
    with at_hosts.runtime.database.read() as conn:
        (host,) = conn.execute(select(hosts)).all()
        assert (host.host, host.held_by, host.held_until) == ("many.example.org", None, None)
        assert {row.slot_at for row in conn.execute(select(feed_rows.c.slot_at))} == {None}


def test_workers_that_race_for_one_host_keep_apart_all_the_same(
    database_url: str, http_sink: HttpSink, tmp_path: Path, real_time: None
) -> None:
    spaced = {"WATCHER_HOST_SPACING_S": "0.2", "WATCHER_SWEEP_EVERY_S": "0.2"}
    both = [AtHosts(database_url=database_url, folder=tmp_path, web=http_sink, environ=spaced) for _ in range(2)]
    for one in both:
        one.runtime.sleep = time.sleep
        one.runtime.client = both[0].client
    both[0].add_at("many.example.org", *(f"/f{number}" for number in range(8)))

    def work(rt: Runtime) -> None:
        give_up_at = time.monotonic() + 25
        while len(both[0].client.starts) < 8 and time.monotonic() < give_up_at:
            pipeline.refresh_feeds(rt, pipeline.due(rt).get(Step.FEEDS, []))
            time.sleep(0.1)

    at_once([partial(work, one.runtime) for one in both])
    starts = sorted(both[0].client.starts)
    assert len({url for _, url in starts}) == len(starts) == 8
    # what is kept apart is the permission; the request leaves a commit later
    assert min(later - earlier for (earlier, _), (later, _) in pairwise(starts)) >= timedelta(seconds=0.15)
    assert both[0].client.most_at_once == 1
    for one in both:
        one.close()


def test_a_feed_that_is_put_off_says_what_it_waits_for_and_counts_no_attempt(at_hosts: AtHosts) -> None:
    at_hosts.add_at("many.example.org", *(f"/f{number}" for number in range(9)))
    at_hosts.poll()
    with at_hosts.runtime.database.read() as conn:
        waiting = conn.execute(select(feed_rows).where(feed_rows.c.slot_at.is_not(None))).all()
    assert {(row.next_poll_reason, row.attempt, row.lease_owner) for row in waiting} == {
        ("waits for its host", 0, None)
    }
    assert all(row.next_poll_at == row.slot_at - timedelta(seconds=6) for row in waiting)
    assert len(waiting) + len(at_hosts.client.starts) == 9


def test_feeds_on_their_own_hosts_do_not_wait_for_one_another(at_hosts: AtHosts) -> None:
    for number in range(10):
        at_hosts.add_at(f"h{number}.example.org", f"/f{number}")
    before = at_hosts.clock()
    at_hosts.poll()
    assert [when for when, _ in at_hosts.client.starts] == [before] * 10


def test_names_that_share_a_host_share_its_turns(at_hosts: AtHosts) -> None:
    at_hosts.add_at("a.tumblr.com", "/a")
    at_hosts.add_at("b.tumblr.com", "/b")
    at_hosts.sweep(3)
    (first, _), (second, _) = at_hosts.client.starts
    assert second - first >= timedelta(seconds=2)


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_holds_the_whole_host(at_hosts: AtHosts, status: int) -> None:
    at_hosts.add_at("busy.example.org", *(f"/f{number}" for number in range(6)))
    at_hosts.web.answer("/f0", status=status, headers={"Retry-After": "900"}, times=1)
    at_hosts.add_at("other.example.org", "/calm")
    asked_at = at_hosts.clock()
    at_hosts.poll()
    assert [url for _, url in at_hosts.client.starts if "busy" in url] == [at_hosts.at("busy.example.org", "/f0")]
    for seconds in (60, 500, 250):
        at_hosts.clock.forward(seconds=seconds)
        at_hosts.sweep()
    assert len([url for _, url in at_hosts.client.starts if "busy" in url]) == 1
    at_hosts.sweep(25)
    others = [when for when, url in at_hosts.client.starts if "busy" in url][1:]
    assert min(others) >= asked_at + timedelta(seconds=900)
    assert len(others) >= 5
    assert any("calm" in url for _, url in at_hosts.client.starts)


def test_a_retry_after_of_an_allowed_private_host_holds_its_feed_alone(polled: Polled) -> None:
    for path in ("/a", "/b"):
        polled.web.serve(path, rss(path))
        polled.add(path)
    polled.web.answer("/a", status=429, headers={"Retry-After": "900"}, times=1)
    polled.poll()
    assert {request.path for request in polled.web.requests} == {"/a", "/b"}
    with polled.runtime.database.read() as conn:
        assert conn.execute(select(hosts)).all() == []


def test_a_host_whose_worker_died_is_asked_again_when_its_hold_has_ended(at_hosts: AtHosts) -> None:
    at_hosts.add_at("dead.example.org", "/f")
    start = at_hosts.clock()
    held = {"held_by": "a dead worker", "held_until": start + timedelta(seconds=35)}
    with at_hosts.runtime.database.write() as conn:
        conn.execute(hosts.insert().values(host="dead.example.org", free_at=start, opens_at=start, **held))
    at_hosts.sweep(12)
    ((when, _),) = at_hosts.client.starts
    assert timedelta(seconds=35) <= when - start <= timedelta(seconds=60)


def test_a_feed_that_broke_its_worker_stays_a_suspect_while_it_waits_for_its_host(at_hosts: AtHosts) -> None:
    at_hosts.add_at("dead.example.org", "/f")
    start = at_hosts.clock()
    with at_hosts.runtime.database.write() as conn:
        conn.execute(feed_rows.update().values(attempt=3))
        later = start + timedelta(hours=1)
        conn.execute(hosts.insert().values(host="dead.example.org", free_at=later, opens_at=later))
    at_hosts.poll()
    with at_hosts.runtime.database.read() as conn:
        assert conn.execute(select(feed_rows.c.attempt)).scalar_one() == 3


def test_f10_two_workers_never_fetch_one_url_twice(
    database_url: str, http_sink: HttpSink, tmp_path: Path, real_time: None
) -> None:
    both = [Polled(database_url=database_url, folder=tmp_path, web=http_sink) for _ in range(2)]
    for number in range(12):
        http_sink.serve(f"/f{number}", rss(f"of {number}"))
        both[0].add(f"/f{number}")
    ids = pipeline.due(both[0].runtime)[Step.FEEDS]
    at_once([partial(pipeline.refresh_feeds, one.runtime, ids) for one in both for _ in (1, 2)])
    assert sorted(request.path for request in http_sink.requests) == sorted(f"/f{number}" for number in range(12))
    for one in both:
        one.close()
