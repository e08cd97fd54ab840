"""When a feed is looked at again, and why: exact seconds for every row of the status table and every wish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from watcher.fetch.schedule import full_fetch_due, jitter_s, next_poll
from watcher.model import AlertHistory, Feed, FetchOutcome, FetchResult, NextPoll, Validators, Wishes

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
"""A Wednesday."""
MINUTE, HOUR, DAY = 60, 3600, 86400
BOTH = Validators(etag='"1"', last_modified="Sun, 01 Mar 2026 10:00:00 GMT")
NO_VALIDATORS = Validators()


def feed(feed_id: int = 7, **more: Any) -> Feed:
    known: dict[str, Any] = {
        "url": "https://example.org/feed",
        "asked_url": "https://example.org/feed",
        "title": None,
        "language": None,
        "tags": (),
        "alert_history": AlertHistory.NONE,
        "every_s": None,
        "headers": {},
        "validators": BOTH,
        "first_fetched_at": NOW - timedelta(days=100),
        "last_full_at": NOW - timedelta(days=1),
        "error_count": 0,
        "attempt": 1,
        "created_at": NOW - timedelta(days=100),
    }
    return Feed(id=feed_id, **{**known, **more})


def after(
    outcome: FetchOutcome,
    *,
    known: Feed | None = None,
    every_s: float = HOUR,
    max_s: float = DAY,
    wishes: Wishes = Wishes(),  # noqa: B008 - a frozen value
    now: datetime = NOW,
    **said: Any,
) -> NextPoll:
    result = FetchResult(outcome=outcome, **{"validators": BOTH, **said})
    return next_poll(feed=known or feed(), result=result, wishes=wishes, every_s=every_s, max_s=max_s, now=now)


def waits(poll: NextPoll, seconds: float, *, now: datetime = NOW) -> bool:
    """Is it that wait and the jitter of feed 7, to the microsecond?"""
    return poll.next_poll_at == now + timedelta(seconds=seconds + jitter_s(7, seconds))


CHANGED, SAME, LIMITED = FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED, FetchOutcome.RATE_LIMITED
FORBIDDEN, SERVER = FetchOutcome.FORBIDDEN, FetchOutcome.SERVER_ERROR


@pytest.mark.parametrize(
    ("poll", "seconds", "reason"),
    [
        pytest.param(after(CHANGED), HOUR, "interval", id="200"),
        pytest.param(after(SAME), HOUR, "interval", id="304"),
        pytest.param(after(SAME, validators=NO_VALIDATORS), HOUR, "interval", id="304 that repeats no validator"),
        pytest.param(after(CHANGED, every_s=600), 600, "interval", id="200, asked every ten minutes"),
        pytest.param(after(CHANGED, every_s=7 * DAY), 7 * DAY, "interval", id="200, asked weekly"),
        pytest.param(after(CHANGED, max_age_s=7200.0), 7200, "max_age", id="200, max-age"),
        pytest.param(after(SAME, max_age_s=7200.0), 7200, "max_age", id="304, max-age"),
        pytest.param(after(CHANGED, max_age_s=60.0), HOUR, "interval", id="200, short max-age"),
        pytest.param(after(CHANGED, max_age_s=2.0**31), DAY, "max_age", id="200, huge max-age"),
        pytest.param(after(CHANGED, retry_after_s=7200.0), 7200, "retry_after", id="200, Retry-After"),
        pytest.param(after(CHANGED, validators=NO_VALIDATORS), DAY, "no_validators", id="200 without validators"),
        pytest.param(after(CHANGED, validators=Validators(etag='"1"')), HOUR, "interval", id="200, ETag only"),
        pytest.param(
            after(CHANGED, validators=Validators(last_modified="x")), HOUR, "interval", id="200, Last-Modified only"
        ),
        pytest.param(
            after(CHANGED, known=feed(every_s=600), every_s=600, validators=NO_VALIDATORS),
            600,
            "interval",
            id="200 without validators, asked every ten minutes by a person",
        ),
        pytest.param(after(LIMITED, retry_after_s=5400.0), 5400, "retry_after", id="429, Retry-After"),
        pytest.param(after(LIMITED, retry_after_s=10.0), HOUR, "retry_after", id="429, short Retry-After"),
        pytest.param(after(LIMITED, retry_after_s=0.0), HOUR, "retry_after", id="429, garbage in Retry-After"),
        pytest.param(after(LIMITED, retry_after_s=1e9), 7 * DAY, "retry_after", id="429, huge Retry-After"),
        pytest.param(after(LIMITED), 2 * HOUR, "rate_limited", id="429"),
        pytest.param(after(LIMITED, every_s=600), HOUR, "rate_limited", id="429, asked every ten minutes"),
        pytest.param(after(LIMITED, known=feed(error_count=1)), 4 * HOUR, "rate_limited", id="second 429"),
        pytest.param(after(LIMITED, known=feed(error_count=9)), DAY, "rate_limited", id="tenth 429"),
        pytest.param(after(SERVER, status=503, retry_after_s=7200.0), 7200, "retry_after", id="503, Retry-After"),
        pytest.param(
            after(SERVER, status=503, retry_after_s=0.0, known=feed(error_count=5)),
            HOUR,
            "retry_after",
            id="503, garbage in Retry-After",
        ),
        pytest.param(after(SERVER, status=503), HOUR, "back_off", id="503"),
        pytest.param(after(SERVER, status=500, retry_after_s=7200.0), 7200, "retry_after", id="500, Retry-After"),
        pytest.param(
            after(SERVER, status=500, retry_after_s=60.0, known=feed(error_count=3)),
            8 * HOUR,
            "back_off",
            id="500, short Retry-After",
        ),
        pytest.param(after(FORBIDDEN, status=403), 6 * HOUR, "forbidden", id="403"),
        pytest.param(after(FORBIDDEN, status=401, known=feed(error_count=3)), 8 * HOUR, "forbidden", id="fourth 401"),
        pytest.param(after(FORBIDDEN, status=403, retry_after_s=9 * HOUR), 9 * HOUR, "retry_after", id="403, longer"),
        pytest.param(after(FORBIDDEN, known=feed(error_count=99)), DAY, "forbidden", id="hundredth 403"),
        pytest.param(after(FetchOutcome.NOT_FOUND), HOUR, "back_off", id="404"),
        pytest.param(after(FetchOutcome.NOT_FOUND, known=feed(error_count=2)), 4 * HOUR, "back_off", id="third 404"),
        pytest.param(after(FetchOutcome.NOT_FOUND, known=feed(error_count=999)), DAY, "back_off", id="404 for years"),
        pytest.param(after(FetchOutcome.GONE), DAY, "gone", id="410"),
        pytest.param(after(SERVER, status=500, every_s=600), HOUR, "back_off", id="500, asked every ten minutes"),
        pytest.param(after(SERVER, status=500, every_s=3 * HOUR), 3 * HOUR, "back_off", id="500, asked every 3 h"),
        pytest.param(after(FetchOutcome.TIMEOUT, known=feed(error_count=1)), 2 * HOUR, "back_off", id="timeout twice"),
        pytest.param(after(FetchOutcome.DNS, known=feed(error_count=4)), 16 * HOUR, "back_off", id="DNS five times"),
        pytest.param(after(FetchOutcome.TLS, known=feed(error_count=400)), DAY, "back_off", id="TLS for ever"),
        pytest.param(after(FetchOutcome.CONNECTION), HOUR, "back_off", id="reset"),
        pytest.param(after(FetchOutcome.NOT_A_FEED), HOUR, "back_off", id="200, a page"),
        pytest.param(after(FetchOutcome.EMPTY_BODY), HOUR, "back_off", id="200, nothing"),
        pytest.param(after(FetchOutcome.TRUNCATED), HOUR, "back_off", id="200, cut short"),
        pytest.param(after(FetchOutcome.REDIRECT_LOOP), HOUR, "back_off", id="redirect loop"),
        pytest.param(after(FetchOutcome.PARSER_FAILED, known=feed(error_count=2)), 4 * HOUR, "back_off", id="parser"),
        pytest.param(
            after(FetchOutcome.TIMEOUT, every_s=60, max_s=600, known=feed(error_count=9)),
            600,
            "back_off",
            id="timeout, the setting allows ten minutes at most",
        ),
    ],
)
def test_the_status_table_gives_exact_seconds_and_a_reason(poll: NextPoll, seconds: float, reason: str) -> None:
    assert (poll.reason, waits(poll, seconds)) == (reason, True)


@pytest.mark.parametrize(
    ("habit_s", "silence_s", "seconds", "reason"),
    [
        (None, None, HOUR, "interval"),
        (None, 999 * DAY, HOUR, "interval"),
        (600.0, 0, HOUR, "interval"),
        (DAY, 0, HOUR, "interval"),
        (2 * DAY, 0, 2 * HOUR, "habit"),
        (7 * DAY, 0, 7 * HOUR, "habit"),
        (30 * DAY, 0, DAY, "habit"),
        (3650 * DAY, None, DAY, "habit"),
        (600.0, 3 * DAY, 3 * HOUR, "habit"),
        (600.0, 365 * DAY, DAY, "habit"),
        (600.0, -5 * DAY, HOUR, "interval"),
    ],
)
def test_a_feed_is_asked_as_often_as_it_posts(
    habit_s: float | None, silence_s: float | None, seconds: float, reason: str
) -> None:
    newest = None if silence_s is None else NOW - timedelta(seconds=silence_s)
    for outcome in (CHANGED, SAME):
        poll = after(outcome, known=feed(habit_s=habit_s, newest_item_at=newest))
        assert (poll.reason, waits(poll, seconds)) == (reason, True)


def test_who_sets_a_feeds_interval_is_not_overruled_by_its_habit() -> None:
    poll = after(SAME, known=feed(every_s=900, habit_s=30.0 * DAY), every_s=900)
    assert (poll.reason, waits(poll, 900)) == ("interval", True)


def test_the_longest_reason_decides() -> None:
    known = feed(habit_s=2.0 * DAY)
    wishes = Wishes(ttl_s=3 * HOUR, period_s=4 * HOUR)
    assert after(SAME, known=known, wishes=wishes, max_age_s=5.0 * HOUR).reason == "max_age"
    assert after(SAME, known=known, wishes=wishes).reason == "period"
    assert after(SAME, known=known, wishes=Wishes(ttl_s=3 * HOUR)).reason == "ttl"
    assert after(SAME, known=known).reason == "habit"


@pytest.mark.parametrize(
    ("wishes", "at", "reason"),
    [
        pytest.param(Wishes(ttl_s=3 * HOUR), "04 15:00", "ttl", id="ttl"),
        pytest.param(Wishes(ttl_s=60), "04 13:00", "interval", id="short ttl"),
        pytest.param(Wishes(ttl_s=7 * DAY), "05 12:00", "ttl", id="long ttl"),
        pytest.param(Wishes(period_s=6 * HOUR), "04 18:00", "period", id="period"),
        pytest.param(Wishes(period_s=HOUR), "04 13:00", "interval", id="hourly"),
        pytest.param(
            Wishes(period_s=HOUR, base_at=datetime(2000, 1, 1, 0, 30, tzinfo=UTC)),
            "04 13:00",
            "interval",
            id="hourly at half past",
        ),
        pytest.param(
            Wishes(period_s=DAY, base_at=datetime(2000, 1, 1, 6, tzinfo=UTC)), "05 06:00", "period", id="daily at six"
        ),
        pytest.param(
            Wishes(period_s=DAY, base_at=datetime(2000, 1, 1, 12, 59, tzinfo=UTC)),
            "05 12:00",
            "period",
            id="daily, the next edition too soon for us and the one after it behind the cap",
        ),
        pytest.param(
            Wishes(period_s=DAY, base_at=datetime(2000, 1, 1, 13, tzinfo=UTC)), "04 13:00", "interval", id="at one"
        ),
        pytest.param(
            Wishes(period_s=DAY, base_at=datetime(2090, 1, 1, 6, tzinfo=UTC)), "05 06:00", "period", id="base ahead"
        ),
        pytest.param(
            Wishes(period_s=7 * DAY, base_at=datetime(2000, 1, 1, tzinfo=UTC)), "05 12:00", "period", id="weekly"
        ),
    ],
)
def test_a_documents_wishes_only_lengthen(wishes: Wishes, at: str, reason: str) -> None:
    seconds = (datetime.strptime(f"2026-03-{at}+0000", "%Y-%m-%d %H:%M%z") - NOW).total_seconds()
    poll = after(SAME, wishes=wishes)
    assert (poll.reason, waits(poll, seconds)) == (reason, True)


@pytest.mark.parametrize(
    ("now", "wishes", "at", "reason"),
    [
        pytest.param("04 12:00", Wishes(skip_hours=(13,)), "04 14:00", "skip_hours", id="one hour"),
        pytest.param("04 12:40", Wishes(skip_hours=(13, 14, 15)), "04 16:00", "skip_hours", id="three hours"),
        pytest.param("04 22:30", Wishes(skip_hours=(23, 0, 1, 2)), "05 03:00", "skip_hours", id="over midnight"),
        pytest.param("04 12:00", Wishes(skip_hours=tuple(range(24))), None, "interval", id="every hour"),
        pytest.param("04 12:00", Wishes(skip_hours=tuple(range(23))), "04 23:00", "skip_hours", id="all but one"),
        pytest.param("04 12:00", Wishes(skip_hours=(12, 14)), None, "interval", id="other hours"),
        pytest.param("04 23:30", Wishes(skip_days=(3,)), "05 23:30", "skip_days", id="a day, up to the cap"),
        pytest.param("05 06:00", Wishes(skip_days=(3,)), "06 00:00", "skip_days", id="the rest of a day"),
        pytest.param("07 20:00", Wishes(skip_days=(5, 6)), "08 20:00", "skip_days", id="a weekend, up to the cap"),
        pytest.param("08 12:00", Wishes(skip_days=(5, 6)), "09 00:00", "skip_days", id="the rest of a weekend"),
        pytest.param("04 12:00", Wishes(skip_days=tuple(range(7))), None, "interval", id="every day"),
        pytest.param(
            "05 06:00", Wishes(skip_days=(3,), skip_hours=(0, 1)), "06 02:00", "skip_hours", id="a day, then hours"
        ),
        pytest.param(
            "04 22:50", Wishes(skip_hours=(23,), skip_days=(3,)), "05 22:50", "skip_days", id="hour, then day"
        ),
        pytest.param("04 12:00", Wishes(skip_hours=(15,), ttl_s=3 * HOUR), "04 16:00", "skip_hours", id="after a ttl"),
    ],
)
def test_skipped_hours_and_days_are_kept_in_gmt(now: str, wishes: Wishes, at: str | None, reason: str) -> None:
    start = datetime.strptime(f"2026-03-{now}+0000", "%Y-%m-%d %H:%M%z")
    poll = after(SAME, wishes=wishes, now=start.astimezone(timezone(timedelta(hours=9))))
    assert poll.reason == reason
    if at is None:
        assert waits(poll, HOUR, now=start)
        return
    end = datetime.strptime(f"2026-03-{at}+0000", "%Y-%m-%d %H:%M%z")
    late_s = jitter_s(7, DAY) if end - start == timedelta(days=1) else jitter_s(7, HOUR)
    assert poll.next_poll_at == end + timedelta(seconds=late_s)


def test_a_failed_feed_is_not_tried_again_in_a_skipped_hour() -> None:
    poll = after(SERVER, status=500, wishes=Wishes(skip_hours=(13,)))
    assert poll.next_poll_at == datetime(2026, 3, 4, 14, tzinfo=UTC) + timedelta(seconds=jitter_s(7, HOUR))


def test_a_skipped_hour_never_shortens_retry_after() -> None:
    poll = after(LIMITED, retry_after_s=3.0 * DAY, wishes=Wishes(skip_hours=(12,)))
    assert (poll.reason, waits(poll, 3 * DAY)) == ("retry_after", True)


@pytest.mark.parametrize("outcome", [CHANGED, SAME])
def test_the_first_success_forgets_all_errors(outcome: FetchOutcome) -> None:
    poll = after(outcome, known=feed(error_count=9))
    assert (poll.error_count, poll.reason, waits(poll, HOUR)) == (0, "interval", True)


@pytest.mark.parametrize("outcome", [o for o in FetchOutcome if o not in (CHANGED, SAME)])
def test_every_other_outcome_counts_an_error_and_waits_at_least_an_hour(outcome: FetchOutcome) -> None:
    poll = after(outcome, known=feed(error_count=2), every_s=60)
    assert poll.error_count == 3
    assert poll.next_poll_at >= NOW + timedelta(hours=1)
    assert poll.disabled is (outcome is FetchOutcome.GONE)


def test_f11_jitter_is_the_same_for_a_feed_and_differs_between_feeds() -> None:
    spread = {round(jitter_s(number, HOUR)) for number in range(200)}
    assert jitter_s(7, HOUR) == pytest.approx(22.687, abs=0.001)
    assert len(spread) > 120
    assert min(spread) >= 0
    assert max(spread) <= 360
    assert max(jitter_s(number, DAY) for number in range(200)) <= 900


def test_f11_feeds_that_skip_the_same_hours_do_not_come_back_at_one_instant() -> None:
    wishes = Wishes(skip_hours=tuple(range(13, 20)))
    seconds = {after(SAME, known=feed(number), wishes=wishes).next_poll_at.timestamp() for number in range(200)}
    assert len(seconds) == 200


def test_nothing_is_asked_before_retry_after_ends() -> None:
    for number in range(50):
        for outcome in (LIMITED, SERVER, FORBIDDEN, FetchOutcome.NOT_FOUND):
            poll = after(outcome, known=feed(number), every_s=60, retry_after_s=9999.0)
            assert poll.next_poll_at >= NOW + timedelta(seconds=9999)


@pytest.mark.parametrize(
    ("known", "due"),
    [
        (feed(first_fetched_at=None, last_full_at=None), True),
        (feed(first_fetched_at=None), True),
        (feed(last_full_at=None), True),
        (feed(), False),
        (feed(last_full_at=NOW - timedelta(days=30) + timedelta(seconds=1)), False),
        (feed(last_full_at=NOW - timedelta(days=30)), True),
    ],
)
def test_f2_only_the_first_request_and_one_a_month_are_unconditional(known: Feed, due: bool) -> None:
    assert full_fetch_due(known, NOW) is due
