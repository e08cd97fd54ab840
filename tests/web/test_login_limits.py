"""How long somebody waits after wrong passwords."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watcher.store.logins import Failed
from watcher.web.login_limits import EVERYWHERE, PLACE, Limit, LoginReason, after_failure, refusal, taken_back, wait

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def waits(limit: Limit, count: int) -> list[float]:
    """The pauses in seconds after so many failures, each tried at the first moment that it could be."""
    found, now, pauses = None, NOW, []
    for _ in range(count):
        found = after_failure(found, limit, now)
        pauses.append(wait(found, now).total_seconds())
        now = found.free_at
    return pauses


def test_a_place_waits_ever_longer_up_to_a_quarter_of_an_hour() -> None:
    assert waits(PLACE, 14) == [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_all_places_together_are_slowed_and_never_shut_out() -> None:
    pauses = waits(EVERYWHERE, 40)
    assert pauses[:30] == [0] * 30
    assert pauses[30:] == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]


def test_a_place_can_try_hardly_more_than_a_hundred_passwords_a_day() -> None:
    found, now, tries = None, NOW, 0
    while now < NOW + timedelta(days=1):
        found = after_failure(found, PLACE, now)
        now, tries = found.free_at, tries + 1
    assert tries == 107


@pytest.mark.parametrize(("later", "failures"), [(timedelta(hours=24), 4), (timedelta(hours=24, seconds=1), 1)])
def test_failures_are_forgotten_after_a_day_without_one(later: timedelta, failures: int) -> None:
    before = Failed(failures=3, failed_at=NOW, free_at=NOW)
    assert after_failure(before, PLACE, NOW + later).failures == failures


def test_a_try_that_was_right_counts_against_nobody() -> None:
    once = after_failure(None, EVERYWHERE, NOW)
    assert taken_back(once) is None
    assert taken_back(None) is None
    left = taken_back(after_failure(once, EVERYWHERE, NOW))
    assert left == Failed(failures=1, failed_at=NOW, free_at=NOW)


def test_a_refusal_says_whose_failures_are_waited_for() -> None:
    mine = Failed(failures=5, failed_at=NOW, free_at=NOW + timedelta(seconds=4))
    all_of_us = Failed(failures=40, failed_at=NOW, free_at=NOW + timedelta(seconds=30))
    assert refusal("me", "all", {}, NOW) is None
    assert refusal("me", "all", {"me": mine}, NOW) == (LoginReason.THIS_PLACE, timedelta(seconds=4))
    assert refusal("me", "all", {"all": all_of_us}, NOW) == (LoginReason.ALL_PLACES, timedelta(seconds=30))
    assert refusal("me", "all", {"me": mine, "all": all_of_us}, NOW + timedelta(seconds=30)) is None
    # a browser that is known waits for nobody else
    assert refusal("me", "", {"all": all_of_us}, NOW) is None
