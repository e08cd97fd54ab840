"""What the states of a feed mean, in words for people: for the command and the console. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.fetch.schedule import PollReason
from watcher.wording import counted, one_line

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_REASONS = {
    PollReason.INTERVAL: "the shortest time between two polls",
    PollReason.HABIT: "how often it posts",
    PollReason.MAX_AGE: "its answer is fresh until then (Cache-Control, Expires)",
    PollReason.TTL: "its ttl",
    PollReason.PERIOD: "its update period (sy:*)",
    PollReason.SKIP_HOURS: "the hours it asks to skip",
    PollReason.SKIP_DAYS: "the days it asks to skip",
    PollReason.PUSHED: "a hub tells its news; this is the safety net",
    PollReason.NO_VALIDATORS: "it cannot say that nothing changed, so it is asked less often",
    PollReason.RETRY_AFTER: "it asked to wait (Retry-After)",
    PollReason.RATE_LIMITED: "it said that we ask too often",
    PollReason.FORBIDDEN: "it refuses us, so it is asked less often",
    PollReason.BACK_OFF: "longer after each failure",
    PollReason.GONE: "it is gone for good",
}
_ORIGINS = {
    "file": "in watcher.yml",
    "cli": "by command",
    "page": "on the page",
    "api": "through the API",
    "self": "by the program",
}


def span(seconds: float) -> str:
    """A length of time in its largest unit: "40 s", "12 min", "3 h", "5 days"."""
    seconds = abs(seconds)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return counted(round(seconds / 86400), "day")


def why(reason: str) -> str:
    """What set the time of a poll, or why there is none; a reason without words of its own as it is."""
    return _REASONS.get(PollReason(reason), reason) if reason in set(PollReason) else one_line(reason)


def added_by(origin: str) -> str:
    """By whom a feed was added."""
    return _ORIGINS.get(origin, origin)


def wishes(asked: Mapping[str, Any]) -> str:
    """What the publisher asks of those who poll; empty when it asks nothing."""
    parts = []
    if asked.get("ttl_s"):
        parts.append(f"ttl {span(asked['ttl_s'])}")
    if asked.get("period_s"):
        parts.append(f"every {span(asked['period_s'])}")
    if asked.get("skip_hours"):
        parts.append(f"not at {', '.join(str(hour) for hour in asked['skip_hours'])} h GMT")
    if asked.get("skip_days"):
        parts.append(f"not on {', '.join(_DAYS[day] for day in asked['skip_days'] if 0 <= day < len(_DAYS))}")
    return "; ".join(parts)
