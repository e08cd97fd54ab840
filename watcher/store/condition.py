"""How the database itself is: version, journal, soundness, connections, size, and how far its rows are ahead of us."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from watcher.store.schema import deliveries, digests, events, items


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Of one database; what the other dialect knows is None."""

    version: str
    size_bytes: int
    journal: str | None = None
    """SQLite: `wal` or another."""
    free_bytes: int | None = None
    """SQLite: pages of the file that hold nothing and are used again."""
    faults: tuple[str, ...] = ()
    """SQLite: what `quick_check` says."""
    connections: int | None = None
    connections_max: int | None = None


def sqlite_version() -> tuple[int, ...]:
    """Of the library in use."""
    return sqlite3.sqlite_version_info


def look(conn: Connection) -> Condition:
    """The database's condition; on SQLite its whole file is read."""
    return _sqlite(conn) if conn.dialect.name == "sqlite" else _postgresql(conn)


def _sqlite(conn: Connection) -> Condition:
    def pragma(name: str) -> int:
        return int(conn.execute(text(f"PRAGMA {name}")).scalar_one())

    page = pragma("page_size")
    said = [str(row[0]) for row in conn.execute(text("PRAGMA quick_check(5)"))]
    return Condition(
        version=f"SQLite {sqlite3.sqlite_version}",
        size_bytes=page * pragma("page_count"),
        free_bytes=page * pragma("freelist_count"),
        journal=str(conn.execute(text("PRAGMA journal_mode")).scalar_one()),
        faults=() if said == ["ok"] else tuple(said),
    )


def _postgresql(conn: Connection) -> Condition:
    return Condition(
        version="PostgreSQL " + str(conn.execute(text("SHOW server_version")).scalar_one()).split()[0],
        size_bytes=int(conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one()),
        connections=int(conn.execute(text("SELECT count(*) FROM pg_stat_activity")).scalar_one()),
        connections_max=int(conn.execute(text("SHOW max_connections")).scalar_one()),
    )


def set_aside(conn: Connection) -> dict[str, int]:
    """Rows that broke us or were given up, by kind."""
    asked = {
        "items": select(func.count()).select_from(items).where(items.c.parked_reason.is_not(None)),
        "events": select(func.count()).select_from(events).where(events.c.parked_reason.is_not(None)),
        "digests": select(func.count()).select_from(digests).where(digests.c.parked_reason.is_not(None)),
        "messages": select(func.count())
        .select_from(deliveries)
        .where(deliveries.c.state != "sent", deliveries.c.state == "parked"),
    }
    return {kind: int(conn.execute(query).scalar_one()) for kind, query in asked.items()}


def newest(conn: Connection) -> datetime | None:
    """When the newest item was stored: a clock that shows less has gone back."""
    at: datetime | None = conn.execute(select(func.max(items.c.first_seen_at))).scalar_one()
    return at
