"""Which events a feed of our own holds: of everybody, or what one subscription was told."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from watcher.model import EventView, RuleStatus
from watcher.store import events as event_rows
from watcher.store.schema import alerts, events


def newest(conn: Connection, *, limit: int) -> list[EventView]:
    """The events that changed last, those of experimental rules and of first fetches left out."""
    wanted = (events.c.status != RuleStatus.EXPERIMENTAL.value, events.c.history.is_(False))
    query = select(events.c.id).where(*wanted).order_by(events.c.updated_at.desc(), events.c.id.desc())
    return _views(conn, list(conn.execute(query.limit(limit)).scalars()))


def told(conn: Connection, subscription_id: str, *, limit: int) -> list[EventView]:
    """The events that concerned the subscription last."""
    query = (
        select(alerts.c.event_id)
        .where(alerts.c.subscription_id == subscription_id)
        .group_by(alerts.c.event_id)
        .order_by(func.max(alerts.c.id).desc())
    )
    return _views(conn, list(conn.execute(query.limit(limit)).scalars()))


def _views(conn: Connection, ids: list[int]) -> list[EventView]:
    found = event_rows.views(conn, ids)
    return [found[one] for one in ids]
