"""Mutes that people set by command or on a page; those of watcher.yml are in the subscription's configuration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, or_, select

from watcher.model import Mute, MuteKind, Origin
from watcher.store.dialect import insert
from watcher.store.schema import mutes


def add(conn: Connection, subscription_id: str, mute: Mute, *, origin: Origin, now: datetime) -> None:
    """Mute something until an instant, or for good without one; a second mute of the same changes its end."""
    named = {"subscription_id": subscription_id, "kind": mute.kind.value, "value": mute.value}
    said = {"until_at": mute.until, "origin": origin.value, "created_at": now}
    statement = insert(conn, mutes).values(**named, **said)
    conn.execute(statement.on_conflict_do_update(index_elements=list(named), set_=said))


def remove(conn: Connection, subscription_id: str, mute_id: int) -> bool:
    """End a mute now; False when the subscription has none of that number."""
    mine = (mutes.c.subscription_id == subscription_id, mutes.c.id == mute_id)
    return conn.execute(delete(mutes).where(*mine)).rowcount > 0


def active(conn: Connection, subscription_id: str, now: datetime) -> tuple[Mute, ...]:
    """The subscription's mutes that have not ended, oldest first."""
    return active_of(conn, [subscription_id], now).get(subscription_id, ())


def active_of(conn: Connection, subscription_ids: Iterable[str] | None, now: datetime) -> dict[str, tuple[Mute, ...]]:
    """The mutes that have not ended, by subscription; of every subscription when none is named."""
    query = select(mutes).where(or_(mutes.c.until_at.is_(None), mutes.c.until_at > now))
    if subscription_ids is not None:
        query = query.where(mutes.c.subscription_id.in_(list(subscription_ids)))
    found: dict[str, tuple[Mute, ...]] = {}
    for row in conn.execute(query.order_by(mutes.c.id)):
        mute = Mute(kind=MuteKind(row.kind), value=row.value, until=row.until_at)
        found[row.subscription_id] = (*found.get(row.subscription_id, ()), mute)
    return found


def listing(conn: Connection, subscription_id: str) -> list[dict[str, Any]]:
    """The subscription's mutes, ended ones too, oldest first: id, kind, value, until, origin, created_at."""
    query = select(mutes).where(mutes.c.subscription_id == subscription_id).order_by(mutes.c.id)
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "value": row.value,
            "until": row.until_at,
            "origin": row.origin,
            "created_at": row.created_at,
        }
        for row in conn.execute(query)
    ]


def erase(conn: Connection, subscription_id: str) -> int:
    """Forget all of the subscription's mutes; how many."""
    return conn.execute(delete(mutes).where(mutes.c.subscription_id == subscription_id)).rowcount
