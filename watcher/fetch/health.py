"""How a feed fares after a poll, in one word and a line of reason, and when `ops:` should hear of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.model import Feed, FetchOutcome, FetchResult, Health, NextPoll, Notice

FAILURES = 5
FAILING_FOR = timedelta(days=1)
"""So many failures in a row, or failures for so long, are worth a word to `ops:`; fewer pass by themselves."""
NOT_FOUND_FOR = timedelta(days=3)
SILENT_AT_LEAST = timedelta(days=14)
SILENT_UNKNOWN = timedelta(days=30)
"""For a feed that has brought too little to have a habit."""
SILENT_HABITS = 8
_DAY_S = 86400.0
_NEEDS_A_PERSON = frozenset(
    {FetchOutcome.FORBIDDEN, FetchOutcome.REFUSED_ADDRESS, FetchOutcome.TLS, FetchOutcome.NOT_A_FEED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    health: Health
    reason: str = ""
    """One line for people; empty while all is well."""
    failing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A notice, and the key under which it is told once."""

    key: str
    notice: Notice


def judge(feed: Feed, result: FetchResult, following: NextPoll, now: datetime) -> Verdict:
    """How `feed` fares after `result`.

    `feed` is as it was before the poll, but for the habit and the newest item, which are best those after it. Only a
    good poll ends the need for a person: that a server which asked for a login is now silent mends nothing.
    """
    if following.disabled:
        return Verdict(health=Health.GONE, reason=result.detail or "410 Gone", failing_since=feed.failing_since or now)
    if not following.error_count:
        silent = _silence(feed, now)
        return Verdict(health=Health.STALE, reason=silent) if silent else Verdict(health=Health.HEALTHY)
    since = feed.failing_since or now
    what = result.detail or result.outcome.value
    gone_missing = result.outcome is FetchOutcome.NOT_FOUND and now - since >= NOT_FOUND_FOR
    if result.outcome in _NEEDS_A_PERSON or gone_missing or feed.health is Health.ATTENTION:
        return Verdict(health=Health.ATTENTION, reason=what, failing_since=since)
    polls = "1 poll" if following.error_count == 1 else f"{following.error_count} polls in a row"
    reason = f"{polls} failed: {what}"
    lasting = _lasting(following.error_count, since, now)
    silent_still = feed.health is Health.STALE and not lasting
    return Verdict(health=Health.STALE if silent_still else Health.FAILING, reason=reason, failing_since=since)


def _lasting(failures: int, since: datetime | None, now: datetime | None) -> bool:
    return failures >= FAILURES or bool(since and now and now - since >= FAILING_FOR)


def _last_word_at(feed: Feed) -> datetime:
    """When the feed last brought something. What its first document held counts by its own dates, not as new."""
    first = feed.first_fetched_at or feed.created_at
    since = feed.newest_item_at or first
    brought = feed.last_changed_at
    return max(since, brought) if brought and brought > first else since


def _silence(feed: Feed, now: datetime) -> str:
    """In words, how long it has been silent, if that is far longer than its habit; else nothing."""
    silent = now - _last_word_at(feed)
    if feed.habit_s is None:
        return f"nothing new for {silent.days} days" if silent > SILENT_UNKNOWN else ""
    if silent <= max(SILENT_AT_LEAST, timedelta(seconds=SILENT_HABITS * feed.habit_s)):
        return ""
    return f"nothing new for {silent.days} days; its items used to come {_apart(feed.habit_s)}"


def _apart(habit_s: float) -> str:
    days = round(habit_s / _DAY_S)
    return "daily or faster" if days <= 1 else f"every {days} days"


def was_told(feed: Feed) -> bool:
    """Whether `ops:` has heard of the trouble in which `feed` was before this poll."""
    if feed.health is Health.FAILING:
        return _lasting(feed.error_count, feed.failing_since, feed.last_polled_at)
    return feed.health in (Health.ATTENTION, Health.STALE, Health.GONE)


def news(feed: Feed, verdict: Verdict, following: NextPoll, now: datetime) -> News | None:
    """What to tell `ops:` of the step from `feed.health` to the verdict: one word into trouble and one out of it."""
    told = was_told(feed)
    if verdict.health is Health.HEALTHY:
        return (
            _news(feed, "is well again", f"well:{feed.id}:{now.isoformat()}", "It is read as usual.") if told else None
        )
    if told and verdict.health is feed.health:
        return None
    since = (verdict.failing_since or now).isoformat()
    again = f"It is tried again {following.next_poll_at:%Y-%m-%d %H:%M} UTC."
    why = f"{verdict.reason[:1].upper()}{verdict.reason[1:]}."
    if verdict.health is Health.GONE:
        return _news(feed, "is gone", f"gone:{feed.id}:{since}", why, "It is polled no more; its items stay.")
    if verdict.health is Health.ATTENTION:
        return _news(feed, "needs attention", f"attention:{feed.id}:{since}", why, again)
    if verdict.health is Health.STALE:
        key = f"stale:{feed.id}:{_last_word_at(feed).isoformat()}"
        return _news(feed, "has fallen silent", key, why, "It answers and is polled on.")
    if _lasting(following.error_count, verdict.failing_since, now):
        return _news(feed, "cannot be read", f"failing:{feed.id}:{since}", why, again)
    return None


def _news(feed: Feed, what: str, key: str, *lines: str) -> News:
    return News(key=key, notice=Notice(subject=f"{feed.title or feed.url} {what}", lines=(feed.url, *lines)))
