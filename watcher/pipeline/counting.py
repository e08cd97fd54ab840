"""Brings the totals of metrics up to date: a part of every sweep, done by one sweep at a time and seldom."""

from __future__ import annotations

from datetime import timedelta

from watcher.runtime import Runtime
from watcher.store import overview, tallies

_EVERY = timedelta(seconds=15)


def count_up(rt: Runtime) -> None:
    """Count what came since the last time; at once again while there is more."""
    now = rt.clock()
    with rt.database.read() as conn:
        last = overview.beat_at(conn, "count")
    if last is not None and timedelta() <= now - last < _EVERY:
        return
    with rt.database.write() as conn:
        overview.record_beat(conn, "count", now=now)  # locks its row: the next sweep waits for what we counted
        if tallies.settle(conn, now=now):
            overview.record_beat(conn, "count", now=now - _EVERY)
