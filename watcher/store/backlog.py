"""The one query behind every step's backlog: rows that wait, whose time has come and that nobody holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from watcher.store.database import now_sql
from watcher.store.schema import metadata


def _free(table: Table, now: Any) -> ColumnElement[bool]:
    return or_(table.c.lease_until.is_(None), table.c.lease_until < now)


def due(
    conn: Connection, table: Table, *, where: ColumnElement[bool], due_at: ColumnElement[Any], now: datetime, limit: int
) -> list[int]:
    """Ids of waiting rows whose `due_at` has passed and whose lease is free, longest due first."""
    instant = now_sql(conn, now)
    query = select(table.c.id).where(where, due_at <= instant, _free(table, instant))
    return list(conn.execute(query.order_by(due_at, table.c.id).limit(limit)).scalars())


def tried(table: Table, before: bool) -> ColumnElement[bool]:
    """Rows that were claimed before and not finished (`before`), or those that never were.

    Finishing sets `attempt` back to 0, so a row that was tried before broke its step or killed its worker.
    """
    return table.c.attempt > 0 if before else table.c.attempt == 0


def suspects(conn: Connection, table: str, ids: Sequence[int]) -> list[int]:
    """Those of the rows that were claimed before and not finished, in the order of `ids`."""
    rows = metadata.tables[table]
    query = select(rows.c.id).where(rows.c.id.in_(list(ids)), tried(rows, before=True))
    found = set(conn.execute(query).scalars())
    return [one for one in ids if one in found]


def depth(conn: Connection, *, where: ColumnElement[bool], due_at: ColumnElement[Any], now: datetime) -> dict[str, Any]:
    """How many rows are due (held or not) and the age of the oldest: `{"waiting": int, "oldest_s": float | None}`."""
    count, oldest = conn.execute(
        select(func.count(), func.min(due_at)).where(where, due_at <= now_sql(conn, now))
    ).one()
    return {"waiting": count, "oldest_s": (now - oldest).total_seconds() if oldest else None}
