"""The windows of schedules, kept by the sweep: opened for who wants word of empty days, merged when an outage passed.

Everything here is decided by rows that are unique, so any number of sweeps at once come to the same.
"""

from __future__ import annotations

from datetime import datetime

from watcher import log
from watcher.digest.timing import Timing, scheduled
from watcher.model import SubscriptionConfig, Window
from watcher.runtime import Runtime
from watcher.store import Connection, digests, holds, late, subscriptions

_AT_ONCE = 100
_log = log.get("pipeline")


def keep_windows(rt: Runtime, now: datetime) -> None:
    """Merge digests that are too late into the next one, and open the next window for who is told of every period."""
    with rt.database.read() as conn:
        too_late = late.due(conn, now=now, limit=_AT_ONCE)
    for digest_id in too_late:
        with rt.database.write() as conn:
            _merge(conn, digest_id, now)
    with rt.database.read() as conn:
        wanting = subscriptions.wanting_a_window(conn, now=now)
        guard = holds.guard(conn) if wanting else None
    since = guard.restored_at if guard else None
    for start in range(0, len(wanting), _AT_ONCE):
        with rt.database.write() as conn:
            openings = [_opening(conn, one, now, since) for one in wanting[start : start + _AT_ONCE]]
            digests.open_windows(conn, [one for one in openings if one], now=now)


def _opening(
    conn: Connection, subscription: SubscriptionConfig, now: datetime, since: datetime | None
) -> digests.Opening | None:
    """The first window after the last one that can still be sent for itself, so that an outage leaves out none.

    What closed before `since`, when the database was restored, may have been sent.
    """
    last = max(late.last_closing(conn, subscription.id) or now, since or now.min.replace(tzinfo=now.tzinfo))
    if last > now:
        return None  # another sweep was faster
    timing = next(one for one in scheduled(subscription, last) if not _is_late(one, now))
    return digests.Opening(
        subscription_id=subscription.id, window=timing.window, immediate=False, late_at=timing.late_at
    )


def _is_late(timing: Timing, now: datetime) -> bool:
    return timing.late_at is not None and timing.late_at <= now


def _merge(conn: Connection, digest_id: int, now: datetime) -> None:
    taken = late.take(conn, digest_id, now=now)
    if taken is None:
        return
    subscription = subscriptions.get(conn, taken.subscription_id)
    into, more = _next(conn, subscription, taken, now) if subscription else (None, 0)
    late.merge(conn, taken, into, periods=taken.periods + more, now=now)
    _log.warning("a digest was too late and went into the next one", digest=digest_id, into=into)


def _next(
    conn: Connection, subscription: SubscriptionConfig, taken: late.LateDigest, now: datetime
) -> tuple[int | None, int]:
    """The next digest that is in time and open, and how many windows further it is."""
    for more, timing in enumerate(scheduled(subscription, taken.closes_at), 1):
        if _is_late(timing, now):
            continue
        found = digests.open_window(
            conn, subscription.id, timing.window, immediate=False, late_at=timing.late_at, now=now
        )
        if found is not None:
            return found, more
    # the subscription has become an immediate one meanwhile
    own = Window(key=f"late:{taken.id}", closes_at=now)
    return digests.open_window(conn, subscription.id, own, immediate=False, now=now), 0
