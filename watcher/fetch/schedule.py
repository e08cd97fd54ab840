"""When to look at a feed again, and why. Pure: `now` is an argument, jitter is a function of the feed."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import FetchOutcome, FetchResult, NextPoll

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
RETRY_AFTER_MAX_S = 7 * DAY_S
_JITTER_SHARE = 0.1
_JITTER_MAX_S = 900.0
_DOUBLINGS_MAX = 16


class PollReason(StrEnum):
    """What set the time of the next poll."""

    INTERVAL = "interval"
    MAX_AGE = "max_age"
    TTL = "ttl"
    NO_VALIDATORS = "no_validators"
    RETRY_AFTER = "retry_after"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN = "forbidden"
    BACK_OFF = "back_off"
    GONE = "gone"


def jitter_s(feed_id: int, interval_s: float) -> float:
    """Up to a tenth of the interval and a quarter of an hour more, the same for a feed at every poll."""
    digest = hashlib.blake2b(str(feed_id).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32 * min(interval_s * _JITTER_SHARE, _JITTER_MAX_S)


def _after_success(
    result: FetchResult, *, every_s: float, max_s: float, ttl_s: float | None
) -> tuple[float, PollReason]:
    """The longest of what we want and what the publisher asks for; they can only lengthen, up to the cap."""
    wishes = [
        (every_s, PollReason.INTERVAL),
        (result.max_age_s or 0.0, PollReason.MAX_AGE),
        (ttl_s or 0.0, PollReason.TTL),
    ]
    given = result.validators
    if result.outcome is FetchOutcome.CHANGED and not (given.etag or given.last_modified):
        # Each poll of such a feed costs its publisher the whole document.
        wishes.append((DAY_S, PollReason.NO_VALIDATORS))
    wait_s, reason = max(wishes, key=lambda wish: wish[0])
    return min(wait_s, max_s), reason


def _after_failure(result: FetchResult, *, error_count: int, every_s: float, max_s: float) -> tuple[float, PollReason]:
    doublings = min(max(error_count - 1, 0), _DOUBLINGS_MAX)
    back_off_s = min(max(every_s, HOUR_S) * 2**doublings, max_s)
    if result.retry_after_s is not None:
        return max(every_s, min(result.retry_after_s, RETRY_AFTER_MAX_S)), PollReason.RETRY_AFTER
    if result.outcome is FetchOutcome.RATE_LIMITED:
        return max(HOUR_S, min(every_s * 2 ** (doublings + 1), max_s)), PollReason.RATE_LIMITED
    if result.outcome is FetchOutcome.FORBIDDEN:
        return max(back_off_s, 6 * HOUR_S), PollReason.FORBIDDEN
    return back_off_s, PollReason.BACK_OFF


def next_poll(
    *,
    feed_id: int,
    result: FetchResult,
    error_count: int,
    every_s: float,
    max_s: float,
    ttl_s: float | None,
    now: datetime,
) -> NextPoll:
    """The next poll of a feed after `result`, with the number of failures in a row.

    `error_count` is the number before this result. `every_s` is the shortest interval, `max_s` the longest that a
    publisher's wishes or our back-off can reach; only Retry-After may go beyond, up to seven days. Jitter only
    lengthens, so no promise about the shortest time is broken. 410 disables.
    """
    max_s = max(max_s, every_s)
    if result.outcome in (FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED):
        count = 0
        wait_s, reason = _after_success(result, every_s=every_s, max_s=max_s, ttl_s=ttl_s)
    else:
        count = error_count + 1
        wait_s, reason = _after_failure(result, error_count=count, every_s=every_s, max_s=max_s)
    gone = result.outcome is FetchOutcome.GONE
    if gone:
        wait_s, reason = max_s, PollReason.GONE
    at = now + timedelta(seconds=wait_s + jitter_s(feed_id, wait_s))
    return NextPoll(next_poll_at=at, reason=reason.value, error_count=count, disabled=gone)
