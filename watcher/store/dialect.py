"""The few statements that PostgreSQL and SQLite both know but SQLAlchemy spells per dialect."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(conn: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_in(conn.dialect.name, table)


def insert_in(dialect: str, table: Table) -> Any:
    """`insert` for statements that are made once, by the name of the dialect."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
