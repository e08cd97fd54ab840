"""The one query behind every step's backlog: rows that wait, whose time has come and that nobody holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Row, Select, Table, Update, bindparam, func, or_, select

from watcher.store import database
from watcher.store.database import now_sql
from watcher.store.schema import Instant, metadata


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


def claim(
    conn: Connection,
    table: Table,
    ids: Sequence[int],
    *,
    waiting: ColumnElement[bool],
    due_at: ColumnElement[Any],
    before: bool,
    owner: str,
    lease_s: float,
    now: datetime,
) -> list[Row[Any]]:
    """Lease those of `ids` that wait and are due, either the ones tried `before` or those that never were.

    As `database.claim`, for steps whose every second counts: the statement is made once for `waiting`, which must be a
    constant.
    """
    if not ids:
        return []
    on_sqlite = conn.dialect.name == "sqlite"
    clock = {"now": now, "until": now + timedelta(seconds=lease_s)} if on_sqlite else {"lease_s": lease_s}
    statement = _claiming(table, waiting, due_at, before, on_sqlite)
    rows = conn.execute(statement, {"ids": list(ids), "owner": owner, **clock}).all()
    return sorted(rows, key=lambda row: int(row.id))


@lru_cache(maxsize=64)
def _claiming(
    table: Table, waiting: ColumnElement[bool], due_at: ColumnElement[Any], before: bool, on_sqlite: bool
) -> Update:
    now: Any = bindparam("now", type_=Instant())
    until: Any = bindparam("until", type_=Instant())
    if not on_sqlite:
        now = database.server_clock()
        until = database.server_clock(bindparam("lease_s", type_=Float()))
    where = (table.c.id.in_(bindparam("ids", expanding=True)), waiting, due_at <= now, _free(table, now))
    rows = select(table.c.id).where(*where, tried(table, before)).order_by(table.c.id)
    return database.claiming(table, rows, until=until, owner=bindparam("owner"))


def suspects(conn: Connection, table: str, ids: Sequence[int]) -> list[int]:
    """Those of the rows that were claimed before and not finished, in the order of `ids`."""
    found = set(conn.execute(_suspects(table), {"ids": list(ids)}).scalars())
    return [one for one in ids if one in found]


@lru_cache(maxsize=64)
def _suspects(table: str) -> Select[Any]:
    rows = metadata.tables[table]
    return select(rows.c.id).where(rows.c.id.in_(bindparam("ids", expanding=True)), tried(rows, before=True))


def depth(conn: Connection, *, where: ColumnElement[bool], due_at: ColumnElement[Any], now: datetime) -> dict[str, Any]:
    """How many rows are due (held or not) and the age of the oldest: `{"waiting": int, "oldest_s": float | None}`."""
    count, oldest = conn.execute(
        select(func.count(), func.min(due_at)).where(where, due_at <= now_sql(conn, now))
    ).one()
    return {"waiting": count, "oldest_s": (now - oldest).total_seconds() if oldest else None}
