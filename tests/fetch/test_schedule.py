"""When a feed is looked at again, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.fetch.schedule import jitter_s, next_poll
from watcher.model import FetchOutcome, FetchResult, NextPoll, Validators

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = 3600, 86400
BOTH = Validators(etag='"1"', last_modified="Sun, 01 Mar 2026 10:00:00 GMT")


def after(
    outcome: FetchOutcome, error_count: int = 0, every_s: int = HOUR, ttl_s: int | None = None, **more: Any
) -> NextPoll:
    result = FetchResult(outcome=outcome, **{"validators": BOTH, **more})
    return next_poll(
        feed_id=7, result=result, error_count=error_count, every_s=every_s, max_s=DAY, ttl_s=ttl_s, now=NOW
    )


def wait_s(poll: NextPoll) -> float:
    """Seconds without the jitter of feed 7."""
    whole = (poll.next_poll_at - NOW).total_seconds()
    for guess in (HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR, 16 * HOUR, DAY, 7 * DAY, 1800, 7200, 10800, 5400, 600):
        if abs(guess + jitter_s(7, guess) - whole) < 0.001:
            return guess
    return whole


@pytest.mark.parametrize(
    ("poll", "seconds", "reason"),
    [
        (after(FetchOutcome.CHANGED), HOUR, "interval"),
        (after(FetchOutcome.NOT_MODIFIED), HOUR, "interval"),
        (after(FetchOutcome.NOT_MODIFIED, validators=Validators()), HOUR, "interval"),
        (after(FetchOutcome.CHANGED, every_s=600), 600, "interval"),
        (after(FetchOutcome.CHANGED, max_age_s=7200.0), 7200, "max_age"),
        (after(FetchOutcome.CHANGED, max_age_s=60.0), HOUR, "interval"),
        (after(FetchOutcome.CHANGED, max_age_s=1e9), DAY, "max_age"),
        (after(FetchOutcome.CHANGED, ttl_s=10800), 10800, "ttl"),
        (after(FetchOutcome.CHANGED, ttl_s=10**7), DAY, "ttl"),
        (after(FetchOutcome.CHANGED, every_s=7 * DAY), 7 * DAY, "interval"),
        (after(FetchOutcome.CHANGED, validators=Validators()), DAY, "no_validators"),
        (after(FetchOutcome.CHANGED, validators=Validators(etag='"1"')), HOUR, "interval"),
        (after(FetchOutcome.RATE_LIMITED, retry_after_s=5400.0), 5400, "retry_after"),
        (after(FetchOutcome.RATE_LIMITED, retry_after_s=10.0), HOUR, "retry_after"),
        (after(FetchOutcome.RATE_LIMITED, retry_after_s=1e9), 7 * DAY, "retry_after"),
        (after(FetchOutcome.SERVER_ERROR, retry_after_s=7200.0), 7200, "retry_after"),
        (after(FetchOutcome.RATE_LIMITED), 2 * HOUR, "rate_limited"),
        (after(FetchOutcome.RATE_LIMITED, every_s=600), HOUR, "rate_limited"),
        (after(FetchOutcome.RATE_LIMITED, error_count=1), 4 * HOUR, "rate_limited"),
        (after(FetchOutcome.FORBIDDEN), 6 * HOUR, "forbidden"),
        (after(FetchOutcome.FORBIDDEN, error_count=3), 8 * HOUR, "forbidden"),
        (after(FetchOutcome.GONE), DAY, "gone"),
        (after(FetchOutcome.NOT_FOUND), HOUR, "back_off"),
        (after(FetchOutcome.TIMEOUT, error_count=1), 2 * HOUR, "back_off"),
        (after(FetchOutcome.DNS, error_count=4), 16 * HOUR, "back_off"),
        (after(FetchOutcome.TLS, error_count=400), DAY, "back_off"),
        (after(FetchOutcome.SERVER_ERROR, every_s=600), HOUR, "back_off"),
        (after(FetchOutcome.PARSER_FAILED, error_count=2), 4 * HOUR, "back_off"),
    ],
)
def test_the_next_poll_and_its_reason(poll: NextPoll, seconds: float, reason: str) -> None:
    assert (wait_s(poll), poll.reason) == (seconds, reason)


@pytest.mark.parametrize("outcome", [FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED])
def test_the_first_success_forgets_all_errors(outcome: FetchOutcome) -> None:
    assert after(outcome, error_count=9).error_count == 0


@pytest.mark.parametrize(
    "outcome", [o for o in FetchOutcome if o not in (FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED)]
)
def test_every_other_outcome_counts_an_error_and_waits_at_least_an_hour(outcome: FetchOutcome) -> None:
    poll = after(outcome, error_count=2, every_s=60)
    assert poll.error_count == 3
    assert poll.next_poll_at >= NOW + timedelta(hours=1)
    assert poll.disabled is (outcome is FetchOutcome.GONE)


def test_jitter_is_the_same_for_a_feed_and_differs_between_feeds() -> None:
    spread = {round(jitter_s(feed, HOUR)) for feed in range(200)}
    assert jitter_s(7, HOUR) == jitter_s(7, HOUR)
    assert len(spread) > 120
    assert min(spread) >= 0
    assert max(spread) <= 360
    assert max(jitter_s(feed, DAY) for feed in range(200)) <= 900


def test_nothing_is_asked_before_retry_after_ends() -> None:
    for feed in range(50):
        result = FetchResult(outcome=FetchOutcome.RATE_LIMITED, retry_after_s=9999.0)
        poll = next_poll(feed_id=feed, result=result, error_count=0, every_s=60, max_s=DAY, ttl_s=None, now=NOW)
        assert poll.next_poll_at >= NOW + timedelta(seconds=9999)
