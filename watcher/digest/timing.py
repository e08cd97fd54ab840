"""In which window an event is told to a subscription: its own, its schedule's, or where quiet hours or a budget end.

A schedule is asked of `window`, quiet hours of `quiet`, budgets of `budget`; here is which goes before which:

- What comes by itself (`immediate`) is held in quiet hours and goes, all in one message, when they end; what is over
  the budget goes in one message when there is room again. There is no exception for what is urgent.
- Hourly digests are not closed inside quiet hours; the first after them takes what came.
- The hour of a daily or weekly digest was chosen by its reader, so it goes at that hour, quiet or not; and it needs no
  budget, since its schedule is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from watcher.digest.budget import room_at
from watcher.digest.quiet import held_until
from watcher.digest.window import late_from, next_windows
from watcher.model import SubscriptionConfig, When, Window


class Hold(StrEnum):
    """Why what comes by itself is told later; the beginning of the window's key, so that the store knows it too."""

    QUIET = "quiet"
    OVER = "over"
    FLOOR = "floor"
    """Its rule is below its floor: it comes once a day, at the hour of the subscription's schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A window, with what its row keeps beside it."""

    window: Window
    immediate: bool
    late_at: datetime | None = None
    """From when on it is merged into the next one instead; None where it is sent however late."""


def hold_of(window: Window) -> Hold | None:
    """Why the window's events were held; None when they were not."""
    prefix, colon, _ = window.key.partition(":")
    return Hold(prefix) if colon and prefix in set(Hold) else None


def timings(
    subscription: SubscriptionConfig,
    at: datetime,
    *,
    name: str,
    messages: Sequence[Window] = (),
    below_floor: bool = False,
) -> Iterator[Timing]:
    """Pure: the windows that can tell an event raised at `at`, the best first; another is for when that one is closed.

    `name`: the key of a window that tells only this event. `messages`: the subscription's windows that close after
    `at` less the budget's time; only a subscription with a budget needs them. `below_floor`: the event's rule is wrong
    too often to be told by itself.
    """
    if subscription.schedule.when is not When.IMMEDIATE:
        yield from scheduled(subscription, at)
        return
    if below_floor:
        yield from _daily(subscription, at)
        return
    closes_at, hold = _allowed_at(subscription, at, messages)
    if hold is not None:
        yield Timing(window=Window(key=f"{hold}:{closes_at:%Y-%m-%dT%H:%M:%SZ}", closes_at=closes_at), immediate=False)
    yield Timing(window=Window(key=name, closes_at=closes_at), immediate=True)


def _allowed_at(
    subscription: SubscriptionConfig, at: datetime, messages: Sequence[Window]
) -> tuple[datetime, Hold | None]:
    # another worker's message of this very moment counts, whichever of the two clocks is ahead
    taken = [one.closes_at if hold_of(one) else min(one.closes_at, at) for one in messages]
    shared = {one.closes_at for one in messages if one.closes_at > at and hold_of(one) is not None}
    hold: Hold | None = None
    while at not in shared:
        if (end := held_until(subscription.quiet, subscription.schedule.zone, at)) is not None:
            at, hold = end, Hold.QUIET
        elif (room := room_at(subscription.budget, taken, at)) > at:
            at, hold = room, Hold.OVER
        else:
            break
    return at, hold


def _daily(subscription: SubscriptionConfig, after: datetime) -> Iterator[Timing]:
    schedule = replace(subscription.schedule, when=When.DAILY)
    for window in next_windows(schedule, after):
        closes_at = held_until(subscription.quiet, schedule.zone, window.closes_at) or window.closes_at
        yield Timing(window=Window(key=f"{Hold.FLOOR}:{window.key}", closes_at=closes_at), immediate=False)


def scheduled(subscription: SubscriptionConfig, after: datetime) -> Iterator[Timing]:
    """The windows of the subscription's schedule that close after `after`, without end; none for `immediate`."""
    schedule = subscription.schedule
    for window in next_windows(schedule, after):
        by_itself = schedule.when is When.HOURLY
        if by_itself and held_until(subscription.quiet, schedule.zone, window.closes_at) is not None:
            continue
        yield Timing(window=window, immediate=False, late_at=late_from(schedule, window.closes_at))
