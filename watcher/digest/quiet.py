"""Quiet hours: until when a message is held that would go out inside them; what is held is left to `timing`.

They are times of the reader's clock and follow the IANA zone: a time that occurs twice means the first, one that a
clock change leaves out means the first instant after it, so no night has two quiet times and none lasts for ever.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from watcher.digest.window import instant_of
from watcher.model import QuietHours

_DAY = timedelta(days=1)


def held_until(quiet: QuietHours | None, zone: str, at: datetime) -> datetime | None:
    """Pure: the end (UTC) of the quiet hours in which `at` lies; None when it lies in none.

    They begin with their first instant and end before their last: a message of 07:00 goes at 07:00.
    """
    if quiet is None:
        return None
    end = _end(quiet, ZoneInfo(zone), at)
    # where a zone skips a day, the night that ends in it and the one that begins in it meet
    following = None if end is None else held_until(quiet, zone, end)
    return following or end


def _end(quiet: QuietHours, zone: ZoneInfo, at: datetime) -> datetime | None:
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        last = day + _DAY if quiet.ends <= quiet.begins else day
        if instant_of(day, quiet.begins, zone) <= at < (end := instant_of(last, quiet.ends, zone)):
            return end.astimezone(UTC)
    return None
