"""How a feed fares, and that `ops:` hears once of each way into trouble and out of it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.fetch.health import judge, news
from watcher.model import AlertHistory, Feed, FetchOutcome, FetchResult, Health, NextPoll, Validators

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY_S = 86400.0
GOOD = FetchResult(outcome=FetchOutcome.NOT_MODIFIED, status=304)


def days(number: float) -> timedelta:
    return timedelta(days=number)


def a_feed(**changes: Any) -> Feed:
    values: dict[str, Any] = {
        "id": 1,
        "url": "https://news.example.org/feed",
        "asked_url": "https://news.example.org/feed",
        "title": "Park news",
        "language": None,
        "tags": (),
        "alert_history": AlertHistory.NONE,
        "every_s": None,
        "headers": {},
        "validators": Validators(),
        "first_fetched_at": NOW - days(365),
        "last_full_at": NOW,
        "error_count": 0,
        "attempt": 1,
        "created_at": NOW - days(365),
        "newest_item_at": NOW - days(1),
        "habit_s": DAY_S,
        "health": Health.HEALTHY,
    }
    return Feed(**(values | changes))


def bad(outcome: FetchOutcome, detail: str = "") -> FetchResult:
    return FetchResult(outcome=outcome, detail=detail)


def following(feed: Feed, result: FetchResult) -> NextPoll:
    good = result.outcome in (FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED)
    gone = result.outcome is FetchOutcome.GONE
    count = 0 if good else feed.error_count + 1
    return NextPoll(next_poll_at=NOW + days(1), reason="x", error_count=count, disabled=gone)


def told(feed: Feed, result: FetchResult, now: datetime = NOW) -> tuple[Health, str]:
    verdict = judge(feed, result, following(feed, result), now)
    return verdict.health, verdict.reason


@pytest.mark.parametrize(
    ("feed", "result", "health", "reason"),
    [
        (a_feed(health=Health.NEW), GOOD, Health.HEALTHY, ""),
        (a_feed(), bad(FetchOutcome.TIMEOUT, "too slow"), Health.FAILING, "1 poll failed: too slow"),
        (a_feed(error_count=6), bad(FetchOutcome.DNS), Health.FAILING, "7 polls in a row failed: dns"),
        (a_feed(), bad(FetchOutcome.TRUNCATED, "cut"), Health.FAILING, "1 poll failed: cut"),
        (a_feed(), bad(FetchOutcome.FORBIDDEN, "401 Unauthorized"), Health.ATTENTION, "401 Unauthorized"),
        (a_feed(), bad(FetchOutcome.FORBIDDEN, "403 Forbidden"), Health.ATTENTION, "403 Forbidden"),
        (a_feed(), bad(FetchOutcome.FORBIDDEN, "the secret is missing"), Health.ATTENTION, "the secret is missing"),
        (a_feed(), bad(FetchOutcome.REFUSED_ADDRESS, "loopback"), Health.ATTENTION, "loopback"),
        (a_feed(), bad(FetchOutcome.TLS, "expired"), Health.ATTENTION, "expired"),
        (a_feed(), bad(FetchOutcome.NOT_A_FEED, "an HTML page"), Health.ATTENTION, "an HTML page"),
        (a_feed(), bad(FetchOutcome.NOT_FOUND, "404"), Health.FAILING, "1 poll failed: 404"),
        (
            a_feed(failing_since=NOW - days(2.9)),
            bad(FetchOutcome.NOT_FOUND, "404"),
            Health.FAILING,
            "1 poll failed: 404",
        ),
        (a_feed(failing_since=NOW - days(3)), bad(FetchOutcome.NOT_FOUND, "404"), Health.ATTENTION, "404"),
        (a_feed(), bad(FetchOutcome.GONE, "410 Gone"), Health.GONE, "410 Gone"),
        (a_feed(health=Health.ATTENTION, error_count=1), bad(FetchOutcome.TIMEOUT, "t"), Health.ATTENTION, "t"),
        (a_feed(health=Health.STALE), bad(FetchOutcome.TIMEOUT, "t"), Health.STALE, "1 poll failed: t"),
        (a_feed(health=Health.ATTENTION, error_count=9), GOOD, Health.HEALTHY, ""),
    ],
)
def test_the_health_after_a_poll(feed: Feed, result: FetchResult, health: Health, reason: str) -> None:
    assert told(feed, result) == (health, reason)


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({"newest_item_at": NOW - days(14)}, Health.HEALTHY),
        ({"newest_item_at": NOW - days(15)}, Health.STALE),
        ({"newest_item_at": NOW - days(15), "habit_s": 2 * DAY_S}, Health.HEALTHY),
        ({"newest_item_at": NOW - days(17), "habit_s": 2 * DAY_S}, Health.STALE),
        ({"newest_item_at": NOW - days(200), "habit_s": 30 * DAY_S}, Health.HEALTHY),
        ({"newest_item_at": NOW - days(250), "habit_s": 30 * DAY_S}, Health.STALE),
        ({"newest_item_at": NOW - days(29), "habit_s": None}, Health.HEALTHY),
        ({"newest_item_at": NOW - days(31), "habit_s": None}, Health.STALE),
        ({"newest_item_at": NOW - days(300), "last_changed_at": NOW - days(2)}, Health.HEALTHY),
        ({"newest_item_at": None, "habit_s": None, "first_fetched_at": NOW - days(2)}, Health.HEALTHY),
        ({"newest_item_at": None, "habit_s": None}, Health.STALE),
    ],
    ids=lambda value: "" if isinstance(value, dict) else str(value),
)
def test_a_feed_is_stale_when_it_is_silent_far_longer_than_its_habit(changes: dict[str, Any], health: Health) -> None:
    assert told(a_feed(**changes), GOOD)[0] is health


def test_the_reason_of_a_silence_says_how_long_and_what_was_usual() -> None:
    silent = a_feed(newest_item_at=NOW - days(40), habit_s=3 * DAY_S)
    assert told(silent, GOOD)[1] == "nothing new for 40 days; its items used to come every 3 days"


def test_old_items_of_a_first_document_do_not_make_a_feed_fresh() -> None:
    dead = a_feed(first_fetched_at=NOW, last_changed_at=NOW, newest_item_at=NOW - days(400), health=Health.NEW)
    assert told(dead, GOOD)[0] is Health.STALE


def live(feed: Feed, results: list[tuple[FetchResult, float]]) -> list[str]:
    """The subjects that `ops:` hears over the results, each with its hours after NOW; a key is told once."""
    keys: dict[str, str] = {}
    for result, hours in results:
        now = NOW + timedelta(hours=hours)
        after = following(feed, result)
        verdict = judge(feed, result, after, now)
        told = news(feed, verdict, after, now)
        if told is not None:
            keys.setdefault(told.key, told.notice.subject)
        feed = dataclasses.replace(
            feed,
            health=verdict.health,
            error_count=after.error_count,
            failing_since=verdict.failing_since,
            last_polled_at=now,
        )
    return list(keys.values())


FAIL, NO, LOST = bad(FetchOutcome.TIMEOUT, "t"), bad(FetchOutcome.FORBIDDEN, "403"), bad(FetchOutcome.NOT_FOUND, "404")


@pytest.mark.parametrize(
    ("results", "heard"),
    [
        pytest.param([(FAIL, 1), (GOOD, 2)], [], id="one failure passes"),
        pytest.param([(FAIL, h) for h in range(4)] + [(GOOD, 5)], [], id="four failures pass"),
        pytest.param([(FAIL, h) for h in range(12)], ["Park news cannot be read"], id="told at the fifth, once"),
        pytest.param([(FAIL, 0), (FAIL, 24), (FAIL, 48)], ["Park news cannot be read"], id="told after a day, once"),
        pytest.param(
            [(FAIL, 0), (FAIL, 24), (GOOD, 25), (GOOD, 26)],
            ["Park news cannot be read", "Park news is well again"],
            id="and when it is well again",
        ),
        pytest.param(
            [(NO, 0), (NO, 6), (FAIL, 12), (NO, 18), (GOOD, 24), (NO, 30)],
            ["Park news needs attention", "Park news is well again", "Park news needs attention"],
            id="attention is kept until a good poll",
        ),
        pytest.param(
            [(LOST, h) for h in range(0, 96, 12)],
            ["Park news cannot be read", "Park news needs attention"],
            id="404 for three days",
        ),
        pytest.param([(bad(FetchOutcome.GONE, "410 Gone"), 0)], ["Park news is gone"], id="gone"),
        pytest.param([(GOOD, 24 * d) for d in range(30)], ["Park news has fallen silent"], id="silent, told once"),
        pytest.param(
            [(GOOD, 24 * 20), (FAIL, 481), (GOOD, 482), (GOOD, 483)],
            ["Park news has fallen silent"],
            id="a hiccup is no end of a silence",
        ),
    ],
)
def test_ops_hear_once_of_each_way_into_trouble_and_out_of_it(
    results: list[tuple[FetchResult, float]], heard: list[str]
) -> None:
    subjects = live(a_feed(), results)
    assert subjects == heard
