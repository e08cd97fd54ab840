"""When to look at a feed again, and why. Pure: `now` is an argument, jitter is a function of the feed.

How far apart a feed's items come is told by `watcher.fetch.habit`, what headers ask by `watcher.fetch.headers`, what
the document asks by `watcher.parse.wishes`; here they are weighed against one another.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from watcher.model import Feed, FetchOutcome, FetchResult, NextPoll, Wishes

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
RETRY_AFTER_MAX_S = 7 * DAY_S
FULL_FETCH_EVERY = timedelta(days=30)
_HABIT_SHARE = 1 / 24
"""Of a feed's usual gap: a daily feed is asked hourly, a weekly one every seven hours."""
_SAFETY_NET_S = 6 * HOUR_S
_JITTER_SHARE = 0.1
_JITTER_MAX_S = 900.0
_DOUBLINGS_MAX = 16
_SUCCESSES = frozenset({FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED})


class PollReason(StrEnum):
    """What set the time of the next poll."""

    INTERVAL = "interval"
    HABIT = "habit"
    MAX_AGE = "max_age"
    TTL = "ttl"
    PERIOD = "period"
    SKIP_HOURS = "skip_hours"
    SKIP_DAYS = "skip_days"
    PUSHED = "pushed"
    NO_VALIDATORS = "no_validators"
    RETRY_AFTER = "retry_after"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN = "forbidden"
    BACK_OFF = "back_off"
    GONE = "gone"


def full_fetch_due(feed: Feed, now: datetime) -> bool:
    """Whether the next request must be unconditional: the first one, and one a month in case the validators lie."""
    if feed.first_fetched_at is None or feed.last_full_at is None:
        return True
    return now - feed.last_full_at >= FULL_FETCH_EVERY


def jitter_s(feed_id: int, interval_s: float) -> float:
    """Up to a tenth of the interval and a quarter of an hour more, the same for a feed at every poll."""
    digest = hashlib.blake2b(str(feed_id).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32 * min(interval_s * _JITTER_SHARE, _JITTER_MAX_S)


def _habit_wait_s(feed: Feed, now: datetime) -> float:
    """A share of how far apart items come, or of the present silence if that is longer; 0 when nothing is known.

    Who set `every` for this feed knows better than what we guess from its past.
    """
    if feed.habit_s is None or feed.every_s is not None:
        return 0.0
    silence_s = (now - feed.newest_item_at).total_seconds() if feed.newest_item_at else 0.0
    return max(feed.habit_s, silence_s) * _HABIT_SHARE


def _period_wait_s(wishes: Wishes, *, every_s: float, now: datetime) -> float:
    """The syndication module's period, or with a base the time to its first new edition that we may ask for."""
    if not wishes.period_s or wishes.period_s <= every_s:
        return 0.0
    if wishes.base_at is None:
        return float(wishes.period_s)
    into_s = (now - wishes.base_at).total_seconds() + every_s
    return every_s + -into_s % wishes.period_s


def _pushed_wait_s(feed: Feed, now: datetime) -> float:
    """While a hub brings what is new, polls only guard against its silence: every six hours, within its lease."""
    if feed.pushed_until is None or feed.pushed_until <= now or feed.every_s is not None:
        return 0.0
    return min(_SAFETY_NET_S, (feed.pushed_until - now).total_seconds())


def _after_success(
    feed: Feed, result: FetchResult, wishes: Wishes, *, every_s: float, max_s: float, now: datetime
) -> tuple[float, PollReason]:
    """The longest of what we want and what the publisher asks for; they can only lengthen, up to the cap."""
    waits = [
        (every_s, PollReason.INTERVAL),
        (_habit_wait_s(feed, now), PollReason.HABIT),
        (result.max_age_s or 0.0, PollReason.MAX_AGE),
        (float(wishes.ttl_s or 0), PollReason.TTL),
        (_period_wait_s(wishes, every_s=every_s, now=now), PollReason.PERIOD),
        (result.retry_after_s or 0.0, PollReason.RETRY_AFTER),
        (_pushed_wait_s(feed, now), PollReason.PUSHED),
    ]
    given = result.validators
    unvalidated = result.outcome is FetchOutcome.CHANGED and not (given.etag or given.last_modified)
    if unvalidated and feed.every_s is None:
        # Each poll of such a feed costs its publisher the whole document.
        waits.append((DAY_S, PollReason.NO_VALIDATORS))
    wait_s, reason = max(waits, key=lambda wait: wait[0])
    return min(wait_s, max_s), reason


def _after_failure(result: FetchResult, *, error_count: int, every_s: float, max_s: float) -> tuple[float, PollReason]:
    """Back-off by what went wrong; `error_count` has this failure in it."""
    doublings = min(max(error_count - 1, 0), _DOUBLINGS_MAX)
    back_off_s = min(max(every_s, HOUR_S) * 2**doublings, max_s)
    asked_s = result.retry_after_s
    if asked_s is not None and (result.outcome is FetchOutcome.RATE_LIMITED or result.status == 503):
        return max(every_s, min(asked_s, RETRY_AFTER_MAX_S)), PollReason.RETRY_AFTER
    if result.outcome is FetchOutcome.RATE_LIMITED:
        own = max(HOUR_S, min(every_s * 2 ** (doublings + 1), max_s)), PollReason.RATE_LIMITED
    elif result.outcome is FetchOutcome.FORBIDDEN:
        own = max(back_off_s, 6 * HOUR_S), PollReason.FORBIDDEN
    else:
        own = back_off_s, PollReason.BACK_OFF
    asked = min(asked_s or 0.0, RETRY_AFTER_MAX_S), PollReason.RETRY_AFTER
    return max(own, asked, key=lambda wait: wait[0])


def _unless_all(skipped: tuple[int, ...], count: int) -> frozenset[int]:
    """Who skips every hour, or every day, says nothing that could be obeyed."""
    return frozenset(skipped) if len(frozenset(skipped)) < count else frozenset()


def _allowed(at: datetime, wishes: Wishes, *, latest: datetime, jitter: float) -> tuple[datetime, PollReason | None]:
    """`at`, or the first instant after it outside the skipped hours and days (GMT), but `latest` at the latest.

    `jitter` is added to the full hour at which skipping ends, or all feeds would come at once.
    """
    if at >= latest:
        return at, None
    hours, days = _unless_all(wishes.skip_hours, 24), _unless_all(wishes.skip_days, 7)
    reason = None
    moved = at.astimezone(UTC)
    while moved.weekday() in days or moved.hour in hours:
        if moved.weekday() in days:
            reason, moved = PollReason.SKIP_DAYS, moved.replace(hour=0) + timedelta(days=1)
        else:
            reason, moved = PollReason.SKIP_HOURS, moved + timedelta(hours=1)
        moved = moved.replace(minute=0, second=0, microsecond=0)
        if moved > latest:
            return latest, reason
    return (moved + timedelta(seconds=jitter) if reason else at), reason


def next_poll(
    *, feed: Feed, result: FetchResult, wishes: Wishes, every_s: float, max_s: float, now: datetime
) -> NextPoll:
    """The next poll of `feed` after `result`, why then, and the number of failures in a row.

    `feed.error_count` is the number before this result; `feed.habit_s` and `feed.newest_item_at` are best those after
    it. `wishes` are those of the newest document known. `every_s` is the shortest interval, `max_s` the longest that
    habit, a publisher's wishes or our back-off can reach; only Retry-After may go beyond, up to seven days. Jitter only
    lengthens, so no promise about the shortest time is broken. 410 disables.
    """
    max_s = max(max_s, every_s)
    if result.outcome is FetchOutcome.GONE:
        at = now + timedelta(seconds=max_s + jitter_s(feed.id, max_s))
        return NextPoll(next_poll_at=at, reason=PollReason.GONE.value, error_count=feed.error_count + 1, disabled=True)
    if result.outcome in _SUCCESSES:
        count = 0
        wait_s, reason = _after_success(feed, result, wishes, every_s=every_s, max_s=max_s, now=now)
    else:
        count = feed.error_count + 1
        wait_s, reason = _after_failure(result, error_count=count, every_s=every_s, max_s=max_s)
    at = now + timedelta(seconds=wait_s + jitter_s(feed.id, wait_s))
    latest = now + timedelta(seconds=max_s + jitter_s(feed.id, max_s))
    at, skipped = _allowed(at, wishes, latest=latest, jitter=jitter_s(feed.id, HOUR_S))
    return NextPoll(next_poll_at=at, reason=(skipped or reason).value, error_count=count)
