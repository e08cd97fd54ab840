"""Totals that never fall: what happened is counted once, and stays counted when its rows are removed.

Rows that only ever come are counted up to an id, a minute after they came (`settle`); what leaves no row of its own is
added where it happens (`add`). A metric reads a few small rows, however large the tables are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, select

from watcher.model import OutcomeKind
from watcher.store.dialect import insert
from watcher.store.schema import (
    alerts,
    attempts,
    channels,
    deliveries,
    digests,
    event_sources,
    events,
    items,
    tallies,
)

BUCKETS_S = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3600)
"""Upper ends of the times from a stored item to a message that told it; longer ones are in none."""
LATENCY = "latency"
SEPARATOR = "|"
_SETTLED = timedelta(seconds=60)
"""No transaction lasts as long, so no row of a lower id comes later; and every attempt has ended or died."""
_MOST = 2000
_UPTO = "upto"
_COUNTED: dict[str, tuple[Table, Any]] = {
    "items": (items, items.c.first_seen_at),
    "events": (events, events.c.created_at),
    "alerts": (alerts, alerts.c.created_at),
    "digests": (digests, digests.c.created_at),
    "attempts": (attempts, attempts.c.started_at),
}


def add(conn: Connection, name: str, counts: Mapping[str, int]) -> None:
    """Add to the totals of a name, by label. Last in a transaction: the rows are locked until it ends."""
    # one order for all, so that two transactions never wait for each other in a circle
    rows = [{"name": name, "label": label, "value": count} for label, count in sorted(counts.items()) if count]
    if not rows:
        return
    statement = insert(conn, tallies).values(rows)
    more = {"value": tallies.c.value + statement.excluded.value}
    conn.execute(statement.on_conflict_do_update(index_elements=["name", "label"], set_=more))


def totals(conn: Connection) -> dict[str, dict[str, int]]:
    """All totals, by name and label."""
    found: dict[str, dict[str, int]] = {}
    for name, label, value in conn.execute(select(tallies).where(tallies.c.label != _UPTO)):
        found.setdefault(name, {})[label] = value
    return found


def settle(conn: Connection, *, now: datetime) -> bool:
    """Count the rows that came since the last time, some thousands at most; whether more are left.

    Let one at a time do it: lock a row before.
    """
    more = False
    for name, (table, came_at) in _COUNTED.items():
        after = _upto(conn, name)
        upto = _settled(conn, table, came_at, after, now - _SETTLED)
        if upto is None:
            continue
        add(conn, name, _since(conn, table, after, upto))
        if table is attempts:
            add(conn, LATENCY, _latencies(conn, after, upto))
        add(conn, name, {_UPTO: upto - after})
        more = more or upto - after >= _MOST
    return more


def _upto(conn: Connection, name: str) -> int:
    query = select(tallies.c.value).where(tallies.c.name == name, tallies.c.label == _UPTO)
    return conn.execute(query).scalar_one_or_none() or 0


def _settled(conn: Connection, table: Table, came_at: Any, after: int, before: datetime) -> int | None:
    """The highest id of the next rows that may be counted now; None when there are none."""
    chunk = select(table.c.id, came_at.label("at")).where(table.c.id > after).order_by(table.c.id).limit(_MOST)
    part = chunk.subquery()
    upto: int | None = conn.execute(select(func.max(part.c.id)).where(part.c.at < before)).scalar_one()
    return upto


def _since(conn: Connection, table: Table, after: int, upto: int) -> dict[str, int]:
    between = (table.c.id > after, table.c.id <= upto)
    if table is not attempts:
        return {"": conn.execute(select(func.count()).select_from(table).where(*between)).scalar_one()}
    kind = func.coalesce(channels.c.config["kind"].as_string(), "gone")
    outcome, reason = func.coalesce(attempts.c.outcome, "unfinished"), func.coalesce(attempts.c.reason, "")
    joined = attempts.join(deliveries).outerjoin(channels, channels.c.id == deliveries.c.channel_id)
    query = select(kind, outcome, reason, func.count()).select_from(joined).where(*between)
    # a reason is a word of ours or holds a status; one that is neither must not make metrics grow without end
    return dict(
        Counter(
            {
                SEPARATOR.join((row[0], row[1], row[2][:40])): row[3]
                for row in conn.execute(query.group_by(*query.selected_columns[:3]))
            }
        )
    )


def _latencies(conn: Connection, after: int, upto: int) -> dict[str, int]:
    """How long it took from the storing of the item that led to an immediate alert until it was delivered."""
    joined = (
        attempts.join(deliveries)
        .join(digests, digests.c.id == deliveries.c.digest_id)
        .join(alerts, alerts.c.digest_id == digests.c.id)
        .join(event_sources, event_sources.c.event_id == alerts.c.event_id)
        .join(items, items.c.id == event_sources.c.item_id)
    )
    query = (
        select(attempts.c.finished_at, func.max(items.c.first_seen_at).label("stored_at"))
        .select_from(joined)
        .where(
            attempts.c.id > after,
            attempts.c.id <= upto,
            attempts.c.outcome == OutcomeKind.SENT.value,
            digests.c.immediate,
            items.c.first_seen_at <= alerts.c.created_at,
        )
        .group_by(attempts.c.id, attempts.c.finished_at, alerts.c.id)
    )
    found: Counter[str] = Counter()
    for finished_at, stored_at in conn.execute(query):
        took_s = max(0.0, (finished_at - stored_at).total_seconds())
        bucket = next((str(end) for end in BUCKETS_S if took_s <= end), "+Inf")
        found.update({bucket: 1, "sum_ms": round(took_s * 1000)})
    return dict(found)
