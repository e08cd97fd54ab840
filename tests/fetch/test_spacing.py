"""Turns at hosts: whose requests are kept apart, and who starts when. All with a clock of our own."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from watcher.fetch.spacing import Turn, admit, closed_until, host_key, is_private
from watcher.model import FetchOutcome, FetchResult, HostState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHARED = ("tumblr.com", "rsshub.example.org/")


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ask(state: HostState | None, slot_at: datetime | None = None, now: datetime = NOW) -> tuple[Turn, float, HostState]:
    """The turn, how many seconds after NOW it is, and the new state; 2 s apart, 6 s of lead, 35 s of hold."""
    told = admit(state, slot_at=slot_at, now=now, spacing_s=2, lead_s=6, hold_s=35)
    return told.turn, (told.starts_at - NOW).total_seconds(), told.state


# ── whose requests are kept apart ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.example.org/feed", "www.example.org"),
        ("http://WWW.Example.ORG.:8080/other", "www.example.org"),
        ("https://a.tumblr.com/rss", "tumblr.com"),
        ("https://tumblr.com/rss", "tumblr.com"),
        ("https://nottumblr.com/rss", "nottumblr.com"),
        ("https://rsshub.example.org/twitter/user/x", "rsshub.example.org/twitter"),
        ("https://rsshub.example.org/github/issue", "rsshub.example.org/github"),
        ("https://rsshub.example.org", "rsshub.example.org/"),
        ("https://sub.rsshub.example.org/twitter", "sub.rsshub.example.org"),
        ("https://bücher.example.com/feed", "xn--bcher-kva.example.com"),
        ("http://[2001:db8::1]/feed", "2001:db8::1"),
        ("http://192.0.2.7/feed", "192.0.2.7"),
        ("gopher://example.org/", ""),
        ("not a url", ""),
    ],
)
def test_the_key_of_a_url_is_its_host_or_what_is_shared(url: str, key: str) -> None:
    assert host_key(url, SHARED) == key


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://10.1.2.3/feed", True),
        ("http://10.1.2.3:9999/feed", True),
        ("http://intranet/feed", True),
        ("http://news.corp/feed", True),
        ("http://192.168.1.1/feed", False),
        ("https://www.example.org/feed", False),
        ("nonsense", False),
    ],
)
def test_a_host_that_was_allowed_on_purpose_has_no_turns(url: str, private: bool) -> None:
    assert is_private(url, ("10.0.0.0/8",)) is private
    assert not is_private(url, ())


# ── one host, seconds in detail ──────────────────────────────────────────────────────────────────────────────────────


def test_the_first_at_a_host_starts_at_once_and_holds_it() -> None:
    turn, at, state = ask(None)
    assert (turn, at) == (Turn.NOW, 0)
    assert state == HostState(free_at=later(2), opens_at=later(2), held_until=later(35))


def test_those_behind_wait_for_their_slots_and_the_far_ones_come_back() -> None:
    _, _, state = ask(None)
    told = []
    for _ in range(5):
        turn, at, state = ask(state)
        told.append((turn, at))
    assert told == [(Turn.SOON, 2), (Turn.SOON, 4), (Turn.SOON, 6), (Turn.LATER, 8), (Turn.LATER, 10)]


def test_who_comes_back_keeps_its_slot_and_reserves_nothing_anew() -> None:
    queue = HostState(free_at=later(100), opens_at=NOW)
    assert ask(queue, later(8))[:2] == (Turn.LATER, 8)
    assert ask(queue, later(5)) == (Turn.SOON, 5, queue)
    turn, at, state = ask(queue, NOW)
    assert (turn, at, state.free_at) == (Turn.NOW, 0, later(100))


def test_a_missed_slot_is_no_reason_to_wait_where_the_host_is_free() -> None:
    assert ask(HostState(free_at=later(100), opens_at=NOW), later(-3600))[0] is Turn.NOW


def test_a_long_missed_slot_queues_anew_where_the_host_is_busy() -> None:
    busy = HostState(free_at=later(100), opens_at=later(1), held_until=later(30))
    assert ask(busy, later(-3600))[:2] == (Turn.LATER, 100)
    assert ask(busy, later(-1))[:2] == (Turn.SOON, 1)


def test_a_slow_host_is_looked_at_again_and_then_left_for_later() -> None:
    slow = HostState(free_at=NOW, opens_at=later(-5), held_until=later(20))
    assert ask(slow, NOW)[:2] == (Turn.SOON, 0.5)
    assert ask(slow, later(-6.5))[:2] == (Turn.LATER, 12)
    assert ask(slow)[:2] == (Turn.LATER, 12)


def test_what_a_dead_worker_held_is_free_after_its_time() -> None:
    assert ask(HostState(free_at=NOW, opens_at=later(-40), held_until=NOW))[0] is Turn.NOW


def test_nobody_starts_before_a_closed_host_opens_whatever_slot_it_had() -> None:
    closed = HostState(free_at=later(3600), opens_at=later(3600))
    assert ask(closed, later(1))[:2] == (Turn.LATER, 3600)
    assert ask(closed, later(-1))[:2] == (Turn.LATER, 3600)
    assert ask(closed)[:2] == (Turn.LATER, 3600)


# ── a whole host ─────────────────────────────────────────────────────────────────────────────────────────────────────


def drain(feeds: int, *, takes_s: float, late_s: float = 0.0) -> tuple[list[float], int, int]:
    """Starts in seconds, the most put-offs of one feed, and those of all, until every feed was polled once.

    `late_s` is how late the sweep and the workers are with a row that is due.
    """
    state, starts, put_offs = HostState(free_at=NOW, opens_at=NOW), [], [0] * feeds
    # (when, order, feed, slot, frees the host)
    todo: list[tuple[float, int, int, datetime | None]] = [(0.0, one, one, None) for one in range(feeds)]
    ends: float | None = None
    order = feeds
    while todo:
        at, _, feed, slot = heapq.heappop(todo)
        if ends is not None and ends <= at:
            state, ends = HostState(free_at=state.free_at, opens_at=state.opens_at), None
        told = admit(state, slot_at=slot, now=later(at), spacing_s=2, lead_s=6, hold_s=35)
        state, order = told.state, order + 1
        if told.turn is Turn.NOW:
            starts.append(at)
            ends = at + takes_s
            continue
        wait_s = (told.starts_at - later(at)).total_seconds()
        if told.turn is Turn.LATER:
            put_offs[feed] += 1
            wait_s = max(0.0, wait_s - 6) + late_s
        heapq.heappush(todo, (at + wait_s, order, feed, told.slot_at))
    return starts, max(put_offs), sum(put_offs)


def test_500_due_feeds_of_one_host_drain_at_one_per_spacing_with_one_put_off_each() -> None:
    starts, most, total = drain(500, takes_s=0.3)
    assert starts == [2.0 * number for number in range(500)]
    assert (most, total) == (1, 496)


@pytest.mark.parametrize("late_s", [3.0, 11.0, 60.0])
def test_no_feed_starves_where_workers_are_late(late_s: float) -> None:
    starts, most, _ = drain(500, takes_s=0.3, late_s=late_s)
    assert len(starts) == 500
    assert min(later - earlier for earlier, later in pairwise(starts)) >= 2
    assert starts[-1] <= 1100
    assert most <= 4


def test_no_feed_starves_at_a_host_that_answers_slowly() -> None:
    starts, most, total = drain(100, takes_s=5.0)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    assert len(starts) == 100
    assert min(gaps) >= 5
    assert starts[-1] <= 100 * 7.5
    assert most <= 12
    assert total <= 300


# ── what hosts ask ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "asked_s", "closed_s"),
    [
        (429, 600.0, 600),
        (503, 600.0, 600),
        (429, 1e9, 7 * 86400),
        (429, None, None),
        (200, 600.0, None),
        (403, 600.0, None),
    ],
)
def test_a_retry_after_closes_the_host_for_seven_days_at_most(
    status: int, asked_s: float | None, closed_s: float | None
) -> None:
    result = FetchResult(outcome=FetchOutcome.RATE_LIMITED, status=status, retry_after_s=asked_s)
    assert closed_until(result, NOW) == (None if closed_s is None else later(closed_s))
