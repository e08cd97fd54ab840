"""How often a password may be tried: pure decisions over the failures of one place, and of all places together.

A place waits ever longer; all together are slowed only so far that whoever knows the password still gets in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.store.logins import Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many failures cost nothing; then the wait is `first` and doubles up to `longest`.

    After `forgotten` without a failure the next one is the first again.
    """

    free: int
    first: timedelta
    longest: timedelta
    forgotten: timedelta


class LoginReason(StrEnum):
    """What came of a login."""

    LET_IN = "ok"
    WRONG = "failed"
    THIS_PLACE = "throttled"
    ALL_PLACES = "throttled_globally"
    BUSY = "busy"
    """As many passwords as may be are being compared just now."""
    NO_PASSWORD = "no_password"  # noqa: S105 (a reason, no secret)


PLACE = Limit(free=3, first=timedelta(seconds=2), longest=timedelta(minutes=15), forgotten=timedelta(hours=24))
EVERYWHERE = Limit(free=30, first=timedelta(seconds=1), longest=timedelta(seconds=30), forgotten=timedelta(minutes=15))


def wait(failed: Failed | None, now: datetime) -> timedelta:
    """How long nothing is tried any more; zero when something may be."""
    return max(timedelta(), failed.free_at - now) if failed else timedelta()


def after_failure(failed: Failed | None, limit: Limit, now: datetime) -> Failed:
    """What stands against a place after one more failure."""
    before = 0 if failed is None or now - failed.failed_at > limit.forgotten else failed.failures
    failures = before + 1
    beyond = failures - limit.free - 1
    pause = min(limit.longest, limit.first * 2 ** min(beyond, 30)) if beyond >= 0 else timedelta()
    return Failed(failures=failures, failed_at=now, free_at=now + pause)


def taken_back(failed: Failed | None) -> Failed | None:
    """What stands against all places after one that was counted turned out to be right."""
    if failed is None or failed.failures <= 1:
        return None
    return dataclasses.replace(failed, failures=failed.failures - 1, free_at=failed.failed_at)


def refusal(
    place: str, everywhere: str, found: Mapping[str, Failed], now: datetime
) -> tuple[LoginReason, timedelta] | None:
    """Why nothing is tried for this place now, and for how long; None when it may be."""
    mine, all_of_us = wait(found.get(place), now), wait(found.get(everywhere), now)
    if mine:
        return LoginReason.THIS_PLACE, mine
    return (LoginReason.ALL_PLACES, all_of_us) if all_of_us else None
