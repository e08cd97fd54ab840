"""How far apart a feed's items usually come, read from their times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watcher.fetch.habit import habit_s

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=one) for one in seconds]


@pytest.mark.parametrize(
    ("times", "usual"),
    [
        ([], None),
        (ago(HOUR), None),
        (ago(HOUR, 2 * HOUR), None),
        (ago(HOUR, 2 * HOUR, 3 * HOUR), HOUR),
        (ago(3 * HOUR, HOUR, 2 * HOUR), HOUR),
        (ago(*(600.0 * number for number in range(30))), 600.0),
        (ago(*(DAY * number for number in range(30))), DAY),
        (ago(*(30 * DAY * number for number in range(12))), 30 * DAY),
    ],
    ids=["none", "one", "two", "three", "any order", "ten minutes", "daily", "monthly"],
)
def test_the_usual_gap(times: list[datetime], usual: float | None) -> None:
    assert habit_s(times, now=NOW) == usual


def test_one_holiday_changes_nothing() -> None:
    times = ago(*(HOUR * number for number in range(1, 11)), *(30 * DAY + HOUR * number for number in range(10)))
    assert habit_s(times, now=NOW) == HOUR


def test_items_that_come_within_a_minute_count_as_one() -> None:
    burst = [NOW - timedelta(days=day, seconds=second) for day in (1, 2, 3) for second in range(10)]
    assert habit_s(burst, now=NOW) == DAY


def test_a_first_fetch_without_dates_shows_no_habit() -> None:
    assert habit_s([NOW] * 30, now=NOW) is None


def test_only_the_newest_thirty_items_count() -> None:
    times = ago(*(HOUR * number for number in range(30)), *(1000 * DAY * number for number in range(1, 100)))
    assert habit_s(times, now=NOW) == HOUR


def test_a_long_silence_is_one_more_gap() -> None:
    assert habit_s(ago(50 * DAY, 51 * DAY, 53 * DAY), now=NOW) == 2 * DAY
    assert habit_s(ago(HOUR, 51 * HOUR, 153 * HOUR), now=NOW) == 76 * HOUR


def test_dates_ahead_of_the_clock_are_left_out() -> None:
    assert habit_s([*ago(HOUR, 2 * HOUR, 3 * HOUR), NOW + timedelta(days=300)], now=NOW) == HOUR
    assert habit_s([NOW + timedelta(days=day) for day in range(30)], now=NOW) is None
