"""What response headers ask of us: wait this long, stay fresh that long. Pure; deciding is `schedule`'s duty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,12}")
_MAX_AGE = re.compile(r'max-age\s*=\s*"?([0-9]{1,12})"?')


def http_date(value: str | None) -> datetime | None:
    """An HTTP-date (RFC 9110 section 5.6.7, all three forms) as an instant; None when it is not one."""
    if not value:
        return None
    try:
        when = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _said_at(headers: Mapping[str, str], now: datetime) -> datetime:
    """The server's own clock where it tells it: its other instants are relative to that."""
    return http_date(headers.get("date")) or now


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that Retry-After asks for (RFC 9110 section 10.2.3); None when absent, past, negative or garbage."""
    value = (headers.get("retry-after") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until = http_date(value)
    if until is None:
        return None
    wait_s = (until - _said_at(headers, now)).total_seconds()
    return wait_s if wait_s > 0 else None


def freshness_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds for which the response says it stays fresh (RFC 9111 section 4.2.1), less its Age.

    max-age goes before Expires. None when neither is usable, or with no-cache, no-store.
    """
    directives = [part.strip().lower() for part in (headers.get("cache-control") or "").split(",")]
    if any(directive.partition("=")[0].strip() in ("no-cache", "no-store") for directive in directives):
        return None
    age = (headers.get("age") or "").strip()
    age_s = float(age) if _SECONDS.fullmatch(age) else 0.0
    for directive in directives:
        if found := _MAX_AGE.fullmatch(directive):
            return max(0.0, float(found[1]) - age_s)
    expires = http_date(headers.get("expires"))
    if expires is None:
        return None
    fresh_s = (expires - _said_at(headers, now)).total_seconds() - age_s
    return fresh_s if fresh_s > 0 else None
