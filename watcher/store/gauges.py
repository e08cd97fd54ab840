"""What metrics show of the present: how much was put aside or is shut. Each query counts few rows by an index."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, String, case, func, literal_column, select

from watcher.model import DeliveryState
from watcher.store.schema import beats, channels, deliveries, digests, events, items

_UNSENT = deliveries.c.state != literal_column(f"'{DeliveryState.SENT.value}'", String())
"""Written out, as the partial index says it."""


def parked(conn: Connection) -> dict[str, int]:
    """Rows that were put aside, by step: they wait for somebody to look."""
    tables = (items, events, digests)
    return {
        table.name: conn.execute(select(func.count(table.c.id)).where(table.c.parked_reason.is_not(None))).scalar_one()
        for table in tables
    }


def unsent(conn: Connection) -> dict[str, int]:
    """Messages that were not sent, by state."""
    query = select(deliveries.c.state, func.count()).where(_UNSENT).group_by(deliveries.c.state)
    found = {str(state): int(count) for state, count in conn.execute(query)}
    return {state.value: found.get(state.value, 0) for state in DeliveryState if state is not DeliveryState.SENT}


def breakers(conn: Connection) -> dict[tuple[str, str], int]:
    """Live channels by kind and by how they stand: working, failing, shut for a while, disabled."""
    stands = case(
        (channels.c.disabled_reason.is_not(None), "disabled"),
        (channels.c.open_until.is_not(None), "shut"),
        (channels.c.failures > 0, "failing"),
        else_="working",
    )
    kind = channels.c.config["kind"].as_string()
    query = select(kind, stands, func.count()).where(channels.c.retired_at.is_(None)).group_by(kind, stands)
    return {(str(row[0]), str(row[1])): row[2] for row in conn.execute(query)}


def beaten(conn: Connection) -> dict[str, datetime]:
    """When each periodic duty last ran, by name."""
    return {row.name: row.at for row in conn.execute(select(beats))}
