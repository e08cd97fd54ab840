"""Which window an event is told in: quiet hours, budgets and schedules together."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice

import pytest

from watcher.digest.notes import notes
from watcher.digest.timing import Hold, hold_of, scheduled, timings
from watcher.digest.window import late_from
from watcher.model import Budget, Language, QuietHours, Schedule, SubscriptionConfig, When, Window

NIGHT = QuietHours(begins=time(22), ends=time(7))
TWO_AN_HOUR = Budget(messages=2, per_s=3600)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def subscription(when: When = When.IMMEDIATE, **changes) -> SubscriptionConfig:
    schedule = changes.pop("schedule", Schedule(when=when, zone=changes.pop("zone", "UTC")))
    return SubscriptionConfig(id="s", title="S", channels=("hook",), schedule=schedule, **changes)


def sent(*instants: datetime) -> list[Window]:
    return [Window(key=f"event:{number}:1", closes_at=at) for number, at in enumerate(instants)]


def first(told: SubscriptionConfig, at: datetime, messages: list[Window] | None = None):
    return next(timings(told, at, name="event:9:1", messages=messages or []))


def test_what_comes_by_itself_has_a_window_of_its_own_that_closes_at_once():
    timing = first(subscription(quiet=NIGHT, budget=TWO_AN_HOUR), utc(2026, 11, 22, 12))
    assert (timing.window, timing.immediate) == (Window(key="event:9:1", closes_at=utc(2026, 11, 22, 12)), True)


def test_what_comes_in_quiet_hours_shares_one_window_that_closes_when_they_end():
    held = subscription(quiet=NIGHT, zone="Asia/Shanghai")
    windows = {
        first(held, at).window for at in (utc(2026, 11, 22, 14), utc(2026, 11, 22, 19), utc(2026, 11, 22, 22, 59))
    }
    assert windows == {Window(key="quiet:2026-11-22T23:00:00Z", closes_at=utc(2026, 11, 22, 23))}
    assert not first(held, utc(2026, 11, 22, 14)).immediate


def test_what_is_over_the_budget_shares_one_window_that_closes_when_there_is_room():
    messages = sent(utc(2026, 11, 22, 12, 0), utc(2026, 11, 22, 12, 10))
    over = Window(key="over:2026-11-22T13:00:00Z", closes_at=utc(2026, 11, 22, 13))
    for minute in (11, 30, 59):
        assert first(subscription(budget=TWO_AN_HOUR), utc(2026, 11, 22, 12, minute), [*messages, over]).window == over


def test_a_message_of_a_clock_that_is_ahead_takes_its_place_too():
    ahead = sent(utc(2026, 11, 22, 12, 0, 2), utc(2026, 11, 22, 12, 0, 3))
    timing = first(subscription(budget=TWO_AN_HOUR), utc(2026, 11, 22, 12, 0, 1), ahead)
    assert timing.window.key == "over:2026-11-22T13:00:01Z"


def test_the_message_of_what_was_over_takes_a_place_itself():
    messages = sent(utc(2026, 11, 22, 12, 0), utc(2026, 11, 22, 12, 10))
    over = Window(key="over:2026-11-22T13:00:00Z", closes_at=utc(2026, 11, 22, 13))
    timing = first(subscription(budget=TWO_AN_HOUR), utc(2026, 11, 22, 13, 1), [*messages, over])
    assert timing.window.key == "over:2026-11-22T13:10:00Z"


def test_room_that_comes_in_quiet_hours_is_used_when_they_end():
    messages = sent(utc(2026, 11, 22, 21, 30), utc(2026, 11, 22, 21, 40))
    timing = first(subscription(quiet=NIGHT, budget=TWO_AN_HOUR), utc(2026, 11, 22, 21, 50), messages)
    assert timing.window.key == "quiet:2026-11-23T07:00:00Z"


def test_a_day_s_budget_that_is_spent_holds_even_at_the_end_of_quiet_hours():
    messages = sent(utc(2026, 11, 22, 20), utc(2026, 11, 22, 21))
    told = subscription(quiet=NIGHT, budget=Budget(messages=2, per_s=86_400))
    assert first(told, utc(2026, 11, 22, 23), messages).window.key == "over:2026-11-23T20:00:00Z"


def test_a_shared_window_that_closed_under_an_alert_leaves_it_one_of_its_own_at_that_hour():
    found = [one.window for one in timings(subscription(quiet=NIGHT), utc(2026, 11, 22, 23), name="event:9:1")]
    assert [one.key for one in found] == ["quiet:2026-11-23T07:00:00Z", "event:9:1"]
    assert {one.closes_at for one in found} == {utc(2026, 11, 23, 7)}


@pytest.mark.parametrize("when", [When.DAILY, When.WEEKLY])
def test_the_hour_that_a_reader_chose_goes_before_quiet_hours(when):
    told = subscription(schedule=Schedule(when=when, at=time(6)), quiet=NIGHT)
    assert first(told, utc(2026, 11, 22, 12)).window.closes_at == utc(2026, 11, 23, 6)


def test_hourly_digests_wait_for_the_first_hour_that_is_not_quiet():
    hours = [
        one.window.closes_at.hour
        for one in islice(scheduled(subscription(When.HOURLY, quiet=NIGHT), utc(2026, 11, 22, 20, 5)), 3)
    ]
    assert hours == [21, 7, 8]


@pytest.mark.parametrize(
    ("when", "late"),
    [(When.HOURLY, timedelta(minutes=30)), (When.DAILY, timedelta(hours=12)), (When.WEEKLY, timedelta(hours=84))],
)
def test_a_digest_is_sent_late_for_half_its_period(when, late):
    assert late_from(Schedule(when=when), utc(2026, 11, 22, 8)) == utc(2026, 11, 22, 8) + late


def test_what_comes_by_itself_is_never_too_late():
    assert late_from(Schedule(when=When.IMMEDIATE), utc(2026, 11, 22, 8)) is None


@pytest.mark.parametrize(
    ("key", "hold"),
    [
        ("quiet:2026-11-23T07:00:00Z", Hold.QUIET),
        ("over:2026-11-23T07:00:00Z", Hold.OVER),
        ("event:1:1", None),
        ("over", None),
        ("2026-11-22T07+05:30", None),
    ],
)
def test_the_key_of_a_window_says_why_its_events_were_held(key, hold):
    assert hold_of(Window(key=key, closes_at=utc(2026, 11, 23))) is hold


@pytest.mark.parametrize(
    ("changes", "key", "events", "periods", "words"),
    [
        ({}, "event:1:1", 1, 1, ()),
        (
            {"budget": Budget(messages=20, per_s=3600)},
            "over:x",
            12,
            1,
            ("12 further events: your budget of 20 messages an hour was used up.",),
        ),
        (
            {"budget": Budget(messages=5, per_s=86_400)},
            "over:x",
            1,
            1,
            ("1 further event: your budget of 5 messages a day was used up.",),
        ),
        ({"quiet": NIGHT}, "quiet:x", 3, 1, ("Held during your quiet hours, 22:00 to 07:00.",)),
        (
            {"schedule": Schedule()},
            "2026-11-23",
            3,
            2,
            ("This digest covers 2 days: those before could not be told in time.",),
        ),
        (
            {"schedule": Schedule(when=When.HOURLY)},
            "x",
            3,
            5,
            ("This digest covers 5 hours: those before could not be told in time.",),
        ),
        # Quiet hours that were taken out of watcher.yml meanwhile.
        ({}, "quiet:x", 3, 1, ()),
        (
            {"budget": Budget(messages=20, per_s=3600), "language": Language.CHINESE},
            "over:x",
            12,
            1,
            ("另有12个事件：每小时20条消息的额度已用完。",),
        ),
    ],
)
def test_a_digest_says_why_it_comes_as_it_comes(changes, key, events, periods, words):
    window = Window(key=key, closes_at=utc(2026, 11, 23))
    assert notes(subscription(**changes), window, events=events, periods=periods) == words
