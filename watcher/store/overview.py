"""What pages, health checks and metrics read: counts, ages and the newest rows. Reads only, but for the beat."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from watcher.model import EventView
from watcher.store import backlog as waiting
from watcher.store import deliveries as delivery_rows
from watcher.store import digests as digest_rows
from watcher.store import events as event_rows
from watcher.store import feeds as feed_rows
from watcher.store import hubs as hub_rows
from watcher.store import items as item_rows
from watcher.store import pages as page_rows
from watcher.store.dialect import insert
from watcher.store.schema import (
    alerts,
    beats,
    canaries,
    channels,
    deliveries,
    digests,
    events,
    feeds,
    hubs,
    items,
    matches,
    pages,
    pushes,
    rule_sets,
    service,
    stories,
)


def backlog(conn: Connection, now: datetime) -> dict[str, dict[str, Any]]:
    """By step of the line: `{"waiting": int, "oldest_s": float | None}`."""
    steps = {
        "feeds": (feed_rows.LIVE, feeds.c.next_poll_at),
        "pushes": (hub_rows.UNREAD, pushes.c.received_at),
        "hubs": (hub_rows.LIVE, hubs.c.next_ask_at),
        "items": (item_rows.WAITING, items.c.next_classify_at),
        "pages": (page_rows.WAITING, pages.c.next_fetch_at),
        "events": (event_rows.WAITING, events.c.updated_at),
        "digests": (digest_rows.OPEN, digests.c.closes_at),
        "deliveries": (delivery_rows.WAITING, deliveries.c.next_attempt_at),
    }
    return {step: waiting.depth(conn, where=where, due_at=due_at, now=now) for step, (where, due_at) in steps.items()}


def counts(conn: Connection) -> dict[str, int]:
    """Rows by table, and what was parked."""
    tables = (feeds, items, matches, stories, events, alerts, digests, deliveries)
    found = {table.name: conn.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    parked = select(func.count()).where(items.c.parked_reason.is_not(None))
    return found | {"items_parked": conn.execute(parked).scalar_one()}


def recent_events(conn: Connection, limit: int) -> list[EventView]:
    """The newest events, newest first."""
    return event_rows.recent(conn, limit=limit)


def recent_deliveries(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest messages, newest first, without their bytes."""
    return delivery_rows.listing(conn, limit=limit)


def feed_outcomes(conn: Connection) -> dict[str, int]:
    """Live feeds by the outcome of their last poll."""
    return feed_rows.outcomes(conn)


def page_outcomes(conn: Connection) -> dict[str, int]:
    """Article pages of the last weeks: waiting, read, or why not."""
    return page_rows.outcomes(conn)


def delivery_states(conn: Connection) -> dict[str, int]:
    """Messages by state."""
    return delivery_rows.states(conn)


def troubled_feeds(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Live feeds that do not fare well, those that need a person first, then the longest failing; paused ones not."""
    columns = feeds.c
    rank = case({state.value: place for place, state in enumerate(feed_rows.TROUBLED)}, value=columns.health)
    query = select(
        columns.id,
        columns.url,
        columns.title,
        columns.health,
        columns.health_reason,
        columns.health_since,
        columns.failing_since,
        columns.next_poll_at,
        columns.disabled_reason,
    ).where(
        columns.retired_at.is_(None),
        columns.health.in_([state.value for state in feed_rows.TROUBLED]),
        func.coalesce(columns.disabled_reason, "") != feed_rows.PAUSED,
    )
    rows = conn.execute(query.order_by(rank, columns.health_since, columns.id).limit(limit))
    return [dict(row._mapping) for row in rows]


def troubled_channels(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Live channels that are disabled or whose breaker is open: id, why, since when, until when."""
    columns = channels.c
    shown = (columns.id, columns.disabled_reason, columns.fault, columns.failing_since, columns.open_until)
    stopped = or_(columns.disabled_reason.is_not(None), and_(columns.failures > 0, columns.open_until.is_not(None)))
    query = select(*shown).where(columns.retired_at.is_(None), stopped)
    return [dict(row._mapping) for row in conn.execute(query.order_by(columns.id).limit(limit))]


def canary(conn: Connection) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The newest canary, and the newest that arrived."""
    query = select(canaries).order_by(canaries.c.started_at.desc()).limit(1)
    newest = conn.execute(query).one_or_none()
    arrived = conn.execute(query.where(canaries.c.arrived_at.is_not(None))).one_or_none()
    return dict(newest._mapping) if newest else None, dict(arrived._mapping) if arrived else None


def in_use_since(conn: Connection) -> datetime | None:
    """When the first rules came into use; None before a worker has read any."""
    first: datetime | None = conn.execute(select(func.min(rule_sets.c.first_used_at))).scalar_one_or_none()
    return first


def newest_item_at(conn: Connection) -> datetime | None:
    """When the newest item was stored."""
    at: datetime | None = conn.execute(select(func.max(items.c.first_seen_at))).scalar_one_or_none()
    return at


def beat_at(conn: Connection, name: str) -> datetime | None:
    """When the periodic duty of that name last ran."""
    return conn.execute(select(beats.c.at).where(beats.c.name == name)).scalar_one_or_none()


def record_beat(conn: Connection, name: str, *, now: datetime) -> None:
    """Note that the periodic duty ran."""
    statement = insert(conn, beats).values(name=name, at=now)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now}))


def remember(conn: Connection, name: str, value: Any) -> None:
    """Keep something that watcher.yml says of the service, for processes that do not read the file."""
    statement = insert(conn, service).values(name=name, value={"value": value})
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": {"value": value}}))


def signing_key(conn: Connection) -> str:
    """The key that signs our links where no setting gives one: made once, the same for every process."""
    fresh = insert(conn, service).values(name="signing_key", value={"value": secrets.token_urlsafe(32)})
    conn.execute(fresh.on_conflict_do_nothing(index_elements=["name"]))
    return str(remembered(conn, "signing_key"))


def remembered(conn: Connection, name: str) -> Any:
    """What `remember` kept; None when it never did."""
    kept = conn.execute(select(service.c.value).where(service.c.name == name)).scalar_one_or_none()
    return kept["value"] if kept else None
