"""Which items of a feed's first fetch are history: stored and classified, but nobody is alerted of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from watcher.model import AlertHistory

_RECENT = timedelta(hours=24)


def is_history(
    choice: AlertHistory, *, first_fetched_at: datetime | None, published_at: datetime | None, now: datetime
) -> bool:
    """Whether a new item stays silent; only those of the first fetch can.

    With `24h` an undated item is history: nothing says that it is new.
    """
    if first_fetched_at is not None or choice is AlertHistory.ALL:
        return False
    if choice is AlertHistory.DAY:
        return published_at is None or now - published_at > _RECENT
    return True
