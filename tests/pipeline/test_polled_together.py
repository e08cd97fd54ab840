"""Feeds that are polled together: written together as far as they go, and none of them harms or waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from polled import Polled, rss
from services.web import HttpSink
from sqlalchemy import event, select, update

from watcher import pipeline
from watcher.errors import TryAgain
from watcher.pipeline import refresh
from watcher.pipeline.steps import as_done
from watcher.store import feeds
from watcher.store.schema import feeds as feed_rows
from watcher.store.schema import items as item_rows

FEEDS = 6


@pytest.fixture
def polled(sqlite_url: str, http_sink: HttpSink, tmp_path: Path) -> Iterator[Polled]:
    """A process with six feeds of two items each that wait for their first poll."""
    opened = Polled(database_url=sqlite_url, folder=tmp_path, web=http_sink)
    for number in range(FEEDS):
        http_sink.serve(f"/{number}", rss(f"a{number}", f"b{number}"))
        opened.add(f"/{number}")
    yield opened
    opened.close()


def outcomes(one: Polled) -> list[str | None]:
    with one.runtime.database.read() as conn:
        return list(conn.execute(select(feed_rows.c.last_outcome).order_by(feed_rows.c.id)).scalars())


def held(one: Polled) -> int:
    with one.runtime.database.read() as conn:
        return len(conn.execute(select(feed_rows.c.id).where(feed_rows.c.lease_owner.is_not(None))).all())


def break_on(monkeypatch: pytest.MonkeyPatch, feed_id: int, error: Exception, *, times: int = 100) -> None:
    """Let writing this feed fail so many times."""
    real, left = refresh.take_in, [times]

    def take_in(conn: Any, feed: Any, *rest: Any, **more: Any) -> Any:
        taken = real(conn, feed, *rest, **more)
        if feed.id == feed_id and left[0] > 0:
            left[0] -= 1
            raise error
        return taken

    monkeypatch.setattr(refresh, "take_in", take_in)


def test_a_feed_that_cannot_be_written_harms_none_of_the_others(
    polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_on(monkeypatch, 3, RuntimeError("a bug of ours"))
    new = pipeline.refresh_feeds(polled.runtime, range(1, FEEDS + 1))
    assert outcomes(polled) == ["changed", "changed", "internal_error", "changed", "changed", "changed"]
    assert polled.items() == 2 * (FEEDS - 1)
    assert len(new[pipeline.Step.ITEMS]) == 2 * (FEEDS - 1)
    assert (polled.row("/2")["last_error"], held(polled)) == ("RuntimeError: a bug of ours", 0)


def test_a_claim_that_was_lost_takes_back_only_its_own_feed(polled: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    real = refresh._fetch

    def fetch(rt: Any, feed: Any) -> Any:
        if feed.id == 2:
            with rt.database.write() as conn:
                conn.execute(update(feed_rows).where(feed_rows.c.id == 2).values(lease_owner="another", attempt=2))
        return real(rt, feed)

    monkeypatch.setattr(refresh, "_fetch", fetch)
    pipeline.refresh_feeds(polled.runtime, range(1, FEEDS + 1))
    assert outcomes(polled) == ["changed", None, "changed", "changed", "changed", "changed"]
    with polled.runtime.database.read() as conn:
        assert not conn.execute(select(item_rows.c.id).where(item_rows.c.feed_id == 2)).all()


def test_a_database_that_is_away_marks_no_feed_as_broken(polled: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    break_on(monkeypatch, 3, TryAgain("the database is busy"))
    with pytest.raises(TryAgain):
        pipeline.refresh_feeds(polled.runtime, range(1, FEEDS + 1))
    assert "internal_error" not in outcomes(polled)
    assert held(polled) >= 1


def test_a_slow_host_keeps_no_other_feed_from_being_written(polled: Polled, http_sink: HttpSink) -> None:
    late = threading.Event()
    real = http_sink._answer_to
    http_sink._answer_to = lambda request: (request.path == "/0" and late.wait(20), real(request))[1]  # type: ignore[method-assign]
    polling = threading.Thread(target=pipeline.refresh_feeds, args=(polled.runtime, range(1, FEEDS + 1)))
    polling.start()
    others = [None, *["changed"] * (FEEDS - 1)]
    give_up_at = time.monotonic() + 15
    while outcomes(polled) != others and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert outcomes(polled) == others
    late.set()
    polling.join(20)
    assert outcomes(polled)[0] == "changed"


def test_answers_that_came_together_are_one_transaction(polled: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "as_done", lambda work, rows: iter([[work(row) for row in rows]]))
    began: list[str] = []
    event.listen(polled.runtime.database._engine, "commit", lambda _conn: began.append("commit"))
    pipeline.refresh_feeds(polled.runtime, range(1, FEEDS + 1))
    assert len(began) <= 3  # the look for suspects, the claim, the feeds
    assert outcomes(polled) == ["changed"] * FEEDS


def test_results_come_as_they_are_done_and_each_once() -> None:
    late = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert late.wait(5)
        return number

    groups = []
    for group in as_done(work, range(8)):
        groups.append(group)
        if sum(len(one) for one in groups) == 7:
            late.set()
    assert sorted(number for group in groups for number in group) == list(range(8))
    assert groups[-1] == [0]


def test_feeds_are_claimed_and_put_back_by_their_own_rows(polled: Polled) -> None:
    """The statement that ends a lease is made once for all rows: the values of one must not stay for the next."""
    rt, now = polled.runtime, polled.clock()
    with rt.database.write() as conn:
        first, second = feeds.claim(conn, [1, 2], owner="me", lease_s=60, now=now)
        assert feeds.put_off(conn, first, owner="me", until=now, reason="first")
        assert not feeds.put_off(conn, second, owner="you", until=now, reason="not mine")
        assert feeds.put_off(conn, second, owner="me", until=now, reason="second", slot_at=now)
    rows = [polled.row("/0"), polled.row("/1")]
    assert [row["next_poll_reason"] for row in rows] == ["first", "second"]
    assert [row["slot_at"] for row in rows] == [None, now]
