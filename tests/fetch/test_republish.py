"""Old entries under new ids, a return after silence, a busy day: which is which, by dates."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from watcher.fetch.republish import Past, Verdict, is_plausible, is_republished, is_return, verdicts

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUIET = Past(newest_at=NOW - DAY, per_day=1.0, last_news_at=NOW - DAY)
DAILY_BATCH = Past(newest_at=NOW.replace(hour=0, minute=0) - DAY, per_day=30.0, last_news_at=NOW - DAY)
UNDATED_BATCH = Past(newest_at=None, per_day=30.0, last_news_at=NOW - DAY)
NEVER_DATED = Past(newest_at=None, per_day=0.0, last_news_at=NOW - 2 * DAY)


def spread(count: int, *, over: timedelta, until: datetime = NOW) -> list[datetime | None]:
    """Newest first, evenly apart."""
    return [until - over * number / count for number in range(count)]


@pytest.mark.parametrize(
    ("new", "of", "age", "doubted"),
    [
        (11, 20, 2 * DAY, True),
        (11, 21, 2 * DAY, True),
        (10, 10, 2 * DAY, False),
        (11, 22, 2 * DAY, False),
        (200, 220, 2 * DAY, True),
        (200, 220, DAY, False),
        (200, 200, HOUR, False),
    ],
)
def test_more_than_half_and_more_than_ten_new_entries_are_doubted_in_a_feed_older_than_a_day(
    new: int, of: int, age: timedelta, doubted: bool
) -> None:
    assert is_republished(new=new, of=of, first_fetched_at=NOW - age, now=NOW) is doubted


def test_a_first_fetch_is_never_doubted() -> None:
    assert not is_republished(new=200, of=200, first_fetched_at=None, now=NOW)


@pytest.mark.parametrize(("silence", "back"), [(6 * DAY, False), (7 * DAY, False), (8 * DAY, True)])
def test_a_feed_returns_after_a_week_without_anything_new(silence: timedelta, back: bool) -> None:
    assert is_return(last_news_at=NOW - silence, now=NOW) is back


@pytest.mark.parametrize(
    ("dates", "past", "plausible"),
    [
        pytest.param(spread(100, over=20 * HOUR), QUIET, True, id="posted one by one while we were away"),
        pytest.param([NOW - HOUR] * 100, QUIET, False, id="imported in one second"),
        pytest.param(spread(100, over=timedelta(minutes=10)), QUIET, False, id="imported in ten minutes"),
        pytest.param(spread(200, over=100 * DAY, until=NOW - 2 * DAY), QUIET, False, id="an archive by its dates"),
        pytest.param([None] * 100, QUIET, False, id="no dates, and far more than ever"),
        pytest.param([NOW.replace(hour=0, minute=0)] * 30, DAILY_BATCH, True, id="the batch of every day"),
        pytest.param([None] * 30, UNDATED_BATCH, True, id="the undated batch of every day"),
        pytest.param([None] * 91, UNDATED_BATCH, False, id="more than three such batches"),
        pytest.param([None] * 30, NEVER_DATED, False, id="nothing known of it yet"),
        pytest.param([*spread(10, over=20 * HOUR), *[None] * 11], QUIET, False, id="most of them undated"),
        pytest.param([], QUIET, True, id="nothing at all"),
    ],
)
def test_dates_and_habit_tell_a_busy_feed_from_a_republished_one(
    dates: list[datetime | None], past: Past, plausible: bool
) -> None:
    assert is_plausible(dates, past, now=NOW) is plausible


@pytest.mark.parametrize(
    ("dates", "past", "expected"),
    [
        pytest.param([NOW - 30 * DAY] * 200, QUIET, {Verdict.OLD: 200}, id="an archive"),
        pytest.param([None] * 200, QUIET, {Verdict.UNDATED: 200}, id="an undated archive"),
        pytest.param(
            [NOW - HOUR] * 12 + [NOW - 30 * DAY] * 30,
            QUIET,
            {Verdict.NEWS: 10, Verdict.TOO_MANY: 2, Verdict.OLD: 30},
            id="twelve later ones among an archive",
        ),
        pytest.param(spread(100, over=20 * HOUR), QUIET, {Verdict.NEWS: 100}, id="a busy day"),
        pytest.param(spread(300, over=20 * HOUR), QUIET, {Verdict.NEWS: 200, Verdict.TOO_MANY: 100}, id="too busy"),
        pytest.param([NOW.replace(hour=0, minute=0)] * 30, DAILY_BATCH, {Verdict.NEWS: 30}, id="a daily batch"),
        pytest.param([None] * 30, UNDATED_BATCH, {Verdict.NEWS: 30}, id="an undated daily batch"),
    ],
)
def test_a_doubted_document_tells_only_what_its_dates_speak_for(
    dates: list[datetime | None], past: Past, expected: dict[Verdict, int]
) -> None:
    assert Counter(verdicts(dates, past, doubted=True, now=NOW)) == expected


def test_of_too_many_the_newest_are_told() -> None:
    dates = [NOW - timedelta(minutes=number) for number in range(12)]
    told = verdicts(dates, QUIET, doubted=True, now=NOW)
    assert [verdict is Verdict.NEWS for verdict in told] == [True] * 10 + [False] * 2


def test_a_return_after_silence_tells_what_is_later_and_what_has_no_date_but_not_the_old() -> None:
    away = Past(newest_at=NOW - 9 * DAY, per_day=0.0, last_news_at=NOW - 8 * DAY)
    dates = [NOW - DAY, None, NOW - 10 * DAY, NOW - 9 * DAY]
    told = verdicts(dates, away, doubted=False, now=NOW)
    assert told == [Verdict.NEWS, Verdict.NEWS, Verdict.OLD, Verdict.OLD]


def test_a_return_after_silence_is_bounded() -> None:
    away = Past(newest_at=None, per_day=0.0, last_news_at=NOW - 8 * DAY)
    assert Counter(verdicts([None] * 15, away, doubted=False, now=NOW)) == {Verdict.NEWS: 10, Verdict.TOO_MANY: 5}


def test_a_date_without_a_time_is_no_older_than_what_came_the_same_day() -> None:
    past = Past(newest_at=NOW - HOUR, per_day=0.0, last_news_at=NOW - 8 * DAY)
    today = NOW.replace(hour=0, minute=0)
    assert verdicts([today, today - DAY], past, doubted=True, now=NOW) == [Verdict.NEWS, Verdict.OLD]
