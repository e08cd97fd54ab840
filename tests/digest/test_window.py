from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from watcher.digest.window import next_windows, window
from watcher.model import Schedule, When, Window

ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Africa/Casablanca",
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def daily(zone: str, at: time = time(8), **rest) -> Schedule:
    return Schedule(when=When.DAILY, at=at, zone=zone, **rest)


@pytest.mark.parametrize(
    ("schedule", "raised_at", "key", "closes_at"),
    [
        (daily("Asia/Shanghai"), utc(2026, 11, 21, 23, 59), "2026-11-22", utc(2026, 11, 22, 0)),
        (daily("Asia/Shanghai"), utc(2026, 11, 22, 0), "2026-11-23", utc(2026, 11, 23, 0)),
        (daily("Pacific/Kiritimati"), utc(2026, 11, 21, 17), "2026-11-22", utc(2026, 11, 21, 18)),
        (daily("Pacific/Pago_Pago"), utc(2026, 11, 22, 18), "2026-11-22", utc(2026, 11, 22, 19)),
        # Clocks go forward: 08:00 comes an hour earlier in UTC, and once.
        (daily("Europe/Berlin"), utc(2026, 3, 28, 8), "2026-03-29", utc(2026, 3, 29, 6)),
        # 02:30 does not exist that night: the first instant after the gap.
        (daily("Europe/Berlin", time(2, 30)), utc(2026, 3, 28, 12), "2026-03-29", utc(2026, 3, 29, 1)),
        # 02:30 exists twice that night: the first of the two.
        (daily("Europe/Berlin", time(2, 30)), utc(2026, 10, 24, 12), "2026-10-25", utc(2026, 10, 25, 0, 30)),
        # Raised between the two 02:30: the day's digest is closed, so the next day's.
        (daily("Europe/Berlin", time(2, 30)), utc(2026, 10, 25, 1), "2026-10-26", utc(2026, 10, 26, 1, 30)),
        # Lord Howe leaves out half an hour.
        (daily("Australia/Lord_Howe", time(2, 15)), utc(2026, 10, 3, 12), "2026-10-04", utc(2026, 10, 3, 15, 30)),
        # Apia had no 30 December 2011.
        (daily("Pacific/Apia", time(0)), utc(2011, 12, 29, 11), "2011-12-31", utc(2011, 12, 30, 10)),
        (daily("UTC", weekdays_only=True), utc(2026, 11, 20, 9), "2026-11-23", utc(2026, 11, 23, 8)),
        (
            Schedule(when=When.WEEKLY, weekday=0, zone="Asia/Tokyo"),
            utc(2026, 11, 22),
            "2026-W48",
            utc(2026, 11, 22, 23),
        ),
        # ISO week 53 and the year that it belongs to.
        (Schedule(when=When.WEEKLY, weekday=4, zone="UTC"), utc(2020, 12, 31), "2020-W53", utc(2021, 1, 1, 8)),
        (
            Schedule(when=When.HOURLY, zone="Asia/Kolkata"),
            utc(2026, 11, 22, 1, 10),
            "2026-11-22T07+05:30",
            utc(2026, 11, 22, 1, 30),
        ),
    ],
)
def test_an_alert_falls_into_the_window_that_closes_next(schedule, raised_at, key, closes_at):
    assert window(schedule, raised_at) == Window(key=key, closes_at=closes_at)


def test_the_two_equal_hours_of_an_autumn_night_are_two_windows():
    hours = islice(next_windows(Schedule(when=When.HOURLY, zone="Europe/Berlin"), utc(2026, 10, 24, 23, 30)), 3)
    assert [hour.key for hour in hours] == ["2026-10-25T02+02:00", "2026-10-25T02+01:00", "2026-10-25T03+01:00"]


def test_an_immediate_alert_is_its_own_window_and_has_no_next():
    at = datetime(2026, 11, 22, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
    immediate = Schedule(when=When.IMMEDIATE)
    assert window(immediate, at, alert_id=7) == Window(key="alert:7", closes_at=utc(2026, 11, 22, 12))
    assert list(next_windows(immediate, at)) == []


def test_an_immediate_window_without_an_alert_and_a_naive_instant_are_refused():
    with pytest.raises(ValueError, match="named by its alert"):
        window(Schedule(when=When.IMMEDIATE), utc(2026, 1, 1))
    with pytest.raises(ValueError, match="aware"):
        window(Schedule(), datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(at=time(0)),
        Schedule(at=time(2, 30)),
        Schedule(at=time(8), weekdays_only=True),
        Schedule(at=time(23, 59)),
        Schedule(when=When.WEEKLY, weekday=6, at=time(2)),
    ],
    ids=["midnight", "in the gap", "weekdays", "late", "weekly"],
)
def test_windows_of_three_years_rise_strictly_with_unique_keys(zone, schedule):
    schedule = Schedule(
        when=schedule.when, at=schedule.at, weekday=schedule.weekday, weekdays_only=schedule.weekdays_only, zone=zone
    )
    per_year = 52 if schedule.when is When.WEEKLY else 260 if schedule.weekdays_only else 365
    found = list(islice(next_windows(schedule, utc(2025, 1, 1)), 3 * per_year))
    assert len({one.key for one in found}) == len(found)
    assert all(a.closes_at < b.closes_at for a, b in pairwise(found))
    assert found[-1].closes_at - utc(2025, 1, 1) <= timedelta(days=3 * 366 + 7)


@pytest.mark.parametrize("zone", ZONES)
def test_hours_of_half_a_year_rise_strictly_with_unique_keys(zone):
    found = list(islice(next_windows(Schedule(when=When.HOURLY, zone=zone), utc(2026, 2, 1, 0, 7)), 6000))
    assert len({one.key for one in found}) == len(found)
    steps = {b.closes_at - a.closes_at for a, b in pairwise(found)}
    assert steps <= {timedelta(minutes=30), timedelta(hours=1), timedelta(minutes=90)}


def test_the_chosen_window_is_the_first_of_those_that_follow():
    schedule = daily("America/New_York")
    at = utc(2026, 11, 1, 3)
    assert window(schedule, at) == next(next_windows(schedule, at))
