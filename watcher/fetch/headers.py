"""What response headers ask of us: wait this long, stay fresh that long. Pure; deciding is `schedule`'s duty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = float(2**31)
"""What stands for any longer time (RFC 9111 section 1.2.2)."""
_DATE_CHARACTERS = 100
_DIGITS = re.compile(r"[0-9]+")
_MAX_AGE = re.compile(r'max-age\s*=\s*"?([0-9]+)"?')


def _seconds(digits: str) -> float:
    digits = digits.lstrip("0")
    return LONGEST_S if len(digits) > 10 else min(float(digits or 0), LONGEST_S)


def http_date(value: str | None) -> datetime | None:
    """An HTTP-date (RFC 9110 section 5.6.7, all three forms) as an instant; None when it is not one."""
    if not value:
        return None
    try:
        when = parsedate_to_datetime(value[:_DATE_CHARACTERS].strip())
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _said_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """The server's own clock where it tells it: its other instants are relative to that."""
    return http_date(headers.get("date")) or now


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110 section 10.2.3), a date being relative to the server's own clock.

    None when there is no such header; 0 when it names the past, a negative time or nothing readable. Of several the
    longest counts.
    """
    value = (headers.get("retry-after") or "").strip()
    if not value:
        return None
    numbers = [number.strip() for number in value.split(",")]
    if all(_DIGITS.fullmatch(number) for number in numbers):
        return max(_seconds(number) for number in numbers)
    until = http_date(value)
    return max(0.0, (until - _said_at(headers, now)).total_seconds()) if until else 0.0


def freshness_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which the response says it stays fresh (RFC 9111 section 4.2.1), less its Age.

    max-age goes before Expires, the first one before others. None when neither is usable, or with no-cache, no-store.
    """
    directives = [part.strip().lower() for part in (headers.get("cache-control") or "").split(",")]
    if any(directive.partition("=")[0].strip() in ("no-cache", "no-store") for directive in directives):
        return None
    age = (headers.get("age") or "").strip()
    age_s = _seconds(age) if _DIGITS.fullmatch(age) else 0.0
    for directive in directives:
        if found := _MAX_AGE.fullmatch(directive):
            return max(0.0, _seconds(found[1]) - age_s)
    expires = http_date(headers.get("expires"))
    if expires is None:
        return None
    fresh_s = (expires - _said_at(headers, now)).total_seconds() - age_s
    return min(fresh_s, LONGEST_S) if fresh_s > 0 else None
