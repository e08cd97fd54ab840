"""Budgets: when there is room for one more message, from the instants of those that went; keeps no count itself.

A budget of 20 messages an hour means any hour, not the clock's: the place of a message is free again an hour later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from watcher.model import Budget

_SECOND = timedelta(seconds=1)


def room_at(budget: Budget | None, taken: Iterable[datetime], at: datetime) -> datetime:
    """Pure: `at` itself when there is room for a message then, else the first full second at which there is.

    `taken`: the instants of the subscription's messages in any order. A message takes its place for `budget.per_s`
    seconds from its instant on; instants after `at` take none yet.
    """
    if budget is None:
        return at
    period = timedelta(seconds=budget.per_s)
    held = sorted(one for one in taken if at - period < one <= at)
    if len(held) < budget.messages:
        return at
    return _full_second(held[-budget.messages] + period)


def _full_second(instant: datetime) -> datetime:
    # a rounded instant names the window that everything over the budget shares
    return instant if instant.microsecond == 0 else instant.replace(microsecond=0) + _SECOND
