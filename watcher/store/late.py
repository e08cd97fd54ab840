"""Digests of a schedule that an outage has delayed: which are too late to be sent for themselves, and their merging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select, update

from watcher.store import backlog, database
from watcher.store.digests import OPEN
from watcher.store.schema import alerts, digests


@dataclass(frozen=True, slots=True, kw_only=True)
class LateDigest:
    """A digest that could not be sent in time."""

    id: int
    subscription_id: str
    closes_at: datetime
    periods: int


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of open digests that are too late and that nobody is writing, longest due first."""
    where = and_(OPEN, digests.c.late_at <= database.now_sql(conn, now))
    return backlog.due(conn, digests, where=where, due_at=digests.c.closes_at, now=now, limit=limit)


def take(conn: Connection, digest_id: int, *, now: datetime) -> LateDigest | None:
    """One of `due`, locked until the transaction ends; None when somebody was faster."""
    clock = database.now_sql(conn, now)
    free = or_(digests.c.lease_until.is_(None), digests.c.lease_until < clock)
    query = select(digests).where(digests.c.id == digest_id, OPEN, digests.c.late_at <= clock, free)
    row = conn.execute(query.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    return LateDigest(id=row.id, subscription_id=row.subscription_id, closes_at=row.closes_at, periods=row.periods)


def merge(conn: Connection, late: LateDigest, into: int | None, *, periods: int, now: datetime) -> None:
    """Close the digest without a message; its alerts go into another one, which then covers so many periods.

    Without another (its subscription has ended) they stay where they are, told to nobody.
    """
    closed = {"closed_at": now, "merged_into": into, "lease_until": None, "lease_owner": None, "attempt": 0}
    conn.execute(update(digests).where(digests.c.id == late.id).values(**closed))
    if into is None:
        return
    conn.execute(update(alerts).where(alerts.c.digest_id == late.id).values(digest_id=into))
    longer = and_(digests.c.id == into, digests.c.periods < periods)
    conn.execute(update(digests).where(longer).values(periods=periods))


def last_closing(conn: Connection, subscription_id: str) -> datetime | None:
    """When the last window of the subscription's schedule that has a row closes or closed."""
    query = select(func.max(digests.c.closes_at)).where(
        digests.c.subscription_id == subscription_id, digests.c.late_at.is_not(None)
    )
    return conn.execute(query).scalar_one_or_none()
