from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from watcher.digest.quiet import held_until
from watcher.model import QuietHours

NIGHT = QuietHours(begins=time(22), ends=time(7))
NOON = QuietHours(begins=time(12), ends=time(14))
BEFORE_DAWN = QuietHours(begins=time(2, 15), ends=time(2, 45))


def local(zone: str, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo(zone), fold=fold)


@pytest.mark.parametrize(
    ("quiet", "zone", "at", "until"),
    [
        (NIGHT, "Asia/Shanghai", (2026, 11, 22, 21, 59), None),
        (NIGHT, "Asia/Shanghai", (2026, 11, 22, 22, 0), (2026, 11, 23, 7, 0)),
        (NIGHT, "Asia/Shanghai", (2026, 11, 23, 0, 0), (2026, 11, 23, 7, 0)),
        (NIGHT, "Asia/Shanghai", (2026, 11, 23, 6, 59, 59), (2026, 11, 23, 7, 0)),
        (NIGHT, "Asia/Shanghai", (2026, 11, 23, 7, 0), None),
        (NOON, "Asia/Shanghai", (2026, 11, 22, 13, 0), (2026, 11, 22, 14, 0)),
        (NOON, "Asia/Shanghai", (2026, 11, 22, 14, 0), None),
        # The night of the spring change is an hour shorter, that of the autumn one an hour longer.
        (NIGHT, "Europe/Berlin", (2026, 3, 28, 23, 0), (2026, 3, 29, 7, 0)),
        (NIGHT, "Europe/Berlin", (2026, 10, 24, 23, 0), (2026, 10, 25, 7, 0)),
        # 02:15 to 02:45 does not exist in spring: nothing is held then.
        (BEFORE_DAWN, "Europe/Berlin", (2026, 3, 29, 3, 0), None),
        # It exists twice in autumn: the first is quiet, the second is not.
        (BEFORE_DAWN, "Europe/Berlin", (2026, 10, 25, 2, 30), (2026, 10, 25, 2, 45)),
        (NIGHT, "Pacific/Kiritimati", (2026, 11, 22, 23, 0), (2026, 11, 23, 7, 0)),
        # Apia had no 30 December 2011: the night of the 29th and that of the 30th are one.
        (NIGHT, "Pacific/Apia", (2011, 12, 29, 23, 0), (2011, 12, 31, 7, 0)),
        (NIGHT, "Pacific/Apia", (2011, 12, 31, 3, 0), (2011, 12, 31, 7, 0)),
    ],
)
def test_what_would_go_out_in_quiet_hours_is_held_until_they_end(quiet, zone, at, until):
    expected = local(zone, *until).astimezone(UTC) if until else None
    assert held_until(quiet, zone, local(zone, *at)) == expected


def test_the_second_of_two_equal_times_of_an_autumn_night_is_not_quiet():
    assert held_until(BEFORE_DAWN, "Europe/Berlin", local("Europe/Berlin", 2026, 10, 25, 2, 30, fold=1)) is None


def test_the_night_of_a_clock_change_is_held_for_its_true_length():
    berlin = ZoneInfo("Europe/Berlin")
    lengths = []
    for day in ((2026, 3, 28), (2026, 10, 24), (2026, 11, 22)):
        at = datetime(*day, 22, tzinfo=berlin).astimezone(UTC)
        until = held_until(NIGHT, "Europe/Berlin", at)
        assert until is not None
        lengths.append(until - at)
    assert lengths == [timedelta(hours=8), timedelta(hours=10), timedelta(hours=9)]


def test_without_quiet_hours_nothing_is_held():
    assert held_until(None, "UTC", datetime(2026, 11, 22, 3, tzinfo=UTC)) is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Kiritimati"])
@pytest.mark.parametrize("quiet", [NIGHT, NOON, BEFORE_DAWN], ids=["night", "noon", "in the gap"])
def test_the_end_of_quiet_hours_is_never_quiet_and_never_further_than_a_day(zone, quiet):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at.year == 2026:
        until = held_until(quiet, zone, at)
        if until is not None:
            assert at < until <= at + timedelta(hours=11)
            assert held_until(quiet, zone, until) is None
        at += timedelta(hours=1, minutes=15)
