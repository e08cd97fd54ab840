"""When a subscription's digests close, in its own zone; says nothing about what goes into them.

A daily or weekly window is named by its local date, so a clock change neither doubles nor skips it. Local times follow
the IANA zone: a time that occurs twice means the first, one that a jump leaves out means the first instant after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from watcher.model import Schedule, When, Window

_SECOND = timedelta(seconds=1)
_LATE = {When.HOURLY: timedelta(minutes=30), When.DAILY: timedelta(hours=12), When.WEEKLY: timedelta(hours=84)}
"""Half of each period: beyond it the next digest is nearer."""


def window(schedule: Schedule, at: datetime, *, alert_id: int | None = None) -> Window:
    """The window that takes an alert raised at `at`: the first that closes after it; for `immediate` one of its own.

    Raises ValueError for an immediate schedule without `alert_id` and for a naive `at`.
    """
    if at.tzinfo is None:
        raise ValueError("a window needs an aware instant")
    if schedule.when is When.IMMEDIATE:
        if alert_id is None:
            raise ValueError("an immediate window is named by its alert")
        return Window(key=f"alert:{alert_id}", closes_at=at.astimezone(UTC))
    return next(next_windows(schedule, at))


def next_windows(schedule: Schedule, after: datetime) -> Iterator[Window]:
    """The windows that close after `after`, without end, each later than the one before; none for `immediate`."""
    if schedule.when is When.IMMEDIATE:
        return iter(())
    zone = ZoneInfo(schedule.zone)
    if schedule.when is When.HOURLY:
        return _hours(zone, after.astimezone(UTC))
    return _days(schedule, zone, after.astimezone(UTC))


def late_from(schedule: Schedule, closes_at: datetime) -> datetime | None:
    """From when on a digest that should have closed at `closes_at` is told within the next one; None for `immediate`.

    A daily digest is sent up to 12 hours late.
    """
    late = _LATE.get(schedule.when)
    return None if late is None else closes_at + late


def _hours(zone: ZoneInfo, after: datetime) -> Iterator[Window]:
    instant = after
    while True:
        instant = _next_full_hour(instant, zone)
        local = instant.astimezone(zone)
        # The offset tells the two 02:00 of an autumn night apart.
        yield Window(key=local.isoformat(timespec="hours"), closes_at=instant)


def _next_full_hour(instant: datetime, zone: ZoneInfo) -> datetime:
    while True:
        local = instant.astimezone(zone)
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        instant += timedelta(hours=1) - past
        # A half-hour clock change (Lord Howe) can land between two full hours.
        if instant.astimezone(zone).minute == 0:
            return instant


def _days(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[Window]:
    first = after.astimezone(zone).date() - timedelta(days=1)
    for ahead in count():
        day = first + timedelta(days=ahead)
        if not _wanted(schedule, day) or not _exists(day, zone):
            continue
        closes_at = instant_of(day, schedule.at, zone)
        if closes_at > after:
            yield Window(key=_day_key(schedule, day), closes_at=closes_at)


def _wanted(schedule: Schedule, day: date) -> bool:
    if schedule.when is When.WEEKLY:
        return day.weekday() == schedule.weekday
    return not schedule.weekdays_only or day.weekday() < 5


def _day_key(schedule: Schedule, day: date) -> str:
    if schedule.when is When.DAILY:
        return day.isoformat()
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def _exists(day: date, zone: ZoneInfo) -> bool:
    """False for a date that a zone skipped when it crossed the date line (Apia, 30 December 2011)."""
    return instant_of(day, time(0), zone) < instant_of(day + timedelta(days=1), time(0), zone)


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local date and wall-clock time (PEP 495: the first of two, the end of a gap)."""
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local.replace(fold=1).astimezone(UTC), instant, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the new offset, between one before the jump and one at or after it."""
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after
