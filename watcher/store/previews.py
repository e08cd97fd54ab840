"""What a digest would be made of before it is: the open window of a subscription, and the events of the last days."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from watcher.model import EventView, Window
from watcher.store import events as event_rows
from watcher.store.digests import OPEN, ClaimedDigest
from watcher.store.schema import digests, events


def open_digest(conn: Connection, subscription_id: str) -> ClaimedDigest | None:
    """The subscription's digest that closes next, as if it were claimed; notices and letters left out."""
    query = (
        select(digests)
        .where(OPEN, digests.c.subscription_id == subscription_id, digests.c.notice.is_(None))
        .order_by(digests.c.closes_at, digests.c.id)
        .limit(1)
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    return ClaimedDigest(
        id=row.id,
        key=row.key,
        subscription_id=subscription_id,
        window=Window(key=row.window, closes_at=row.closes_at),
        immediate=row.immediate,
        notice=None,
        attempt=0,
    )


def events_since(conn: Connection, since: datetime, *, limit: int) -> list[EventView]:
    """The events that came or changed since then and were not a feed's history, newest first."""
    query = (
        select(events.c.id)
        .where(events.c.updated_at >= since, events.c.history.is_(False))
        .order_by(events.c.updated_at.desc(), events.c.id.desc())
        .limit(limit)
    )
    ids = list(conn.execute(query).scalars())
    found = event_rows.views(conn, ids)
    return [found[one] for one in ids]
