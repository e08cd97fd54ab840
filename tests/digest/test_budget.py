from datetime import UTC, datetime, timedelta

import pytest

from watcher.digest.budget import room_at
from watcher.model import Budget

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TWO_AN_HOUR = Budget(messages=2, per_s=3600)


def ago(*minutes: float) -> list[datetime]:
    return [NOON - timedelta(minutes=one) for one in minutes]


@pytest.mark.parametrize(
    ("budget", "taken", "room"),
    [
        (None, ago(1, 2, 3), NOON),
        (TWO_AN_HOUR, [], NOON),
        (TWO_AN_HOUR, ago(10), NOON),
        (TWO_AN_HOUR, ago(10, 50), NOON + timedelta(minutes=10)),
        # A place is free again exactly an hour after it was taken, and not before.
        (TWO_AN_HOUR, ago(10, 60), NOON),
        (TWO_AN_HOUR, ago(10, 59.99), NOON + timedelta(seconds=1)),
        # Two of four must pass before there is room for one.
        (TWO_AN_HOUR, ago(10, 20, 30, 40), NOON + timedelta(minutes=40)),
        # What is to come takes no place yet.
        (TWO_AN_HOUR, [NOON + timedelta(minutes=5), NOON - timedelta(minutes=5)], NOON),
        (Budget(messages=1, per_s=604_800), ago(1), NOON + timedelta(days=7) - timedelta(minutes=1)),
    ],
)
def test_there_is_room_when_the_oldest_message_that_counts_has_passed(budget, taken, room):
    assert room_at(budget, taken, NOON) == room


def test_the_instant_of_room_is_a_full_second_so_that_all_that_is_over_shares_it():
    sent = [NOON - timedelta(minutes=50, microseconds=250), NOON - timedelta(minutes=10)]
    first = room_at(TWO_AN_HOUR, sent, NOON)
    assert first == room_at(TWO_AN_HOUR, sent, NOON + timedelta(minutes=3)) == NOON + timedelta(minutes=10)


def test_no_hour_has_more_messages_than_the_budget():
    sent: list[datetime] = []
    at = NOON
    for _ in range(500):
        at += timedelta(seconds=97)
        instant = room_at(Budget(messages=5, per_s=3600), sent, at)
        if instant not in sent:
            sent.append(instant)
    sent.sort()
    assert all(later - earlier >= timedelta(hours=1) for earlier, later in zip(sent, sent[5:], strict=False))
    assert len(sent) >= 60
