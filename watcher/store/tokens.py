"""Rows of the API's keys: their names, digests and scopes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from watcher.store.dialect import insert
from watcher.store.schema import tokens


def add(
    conn: Connection, name: str, *, digest: str, scopes: Sequence[str], now: datetime, ends_at: datetime | None
) -> bool:
    """Keep a new token; False when one of that name was ever made: names stand in the audit log and stay unique."""
    values = {"name": name, "digest": digest, "scopes": list(scopes), "created_at": now, "ends_at": ends_at}
    statement = insert(conn, tokens).values(**values).on_conflict_do_nothing(index_elements=["name"])
    return conn.execute(statement.returning(tokens.c.id)).first() is not None


def get(conn: Connection, digest: str, *, now: datetime) -> dict[str, Any] | None:
    """The token of that digest, while it holds."""
    query = select(tokens).where(tokens.c.digest == digest, tokens.c.revoked_at.is_(None))
    row = conn.execute(query).mappings().first()
    if row is None or (row["ends_at"] is not None and row["ends_at"] <= now):
        return None
    return dict(row)


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every token but its digest, the newest first."""
    shown = [column for column in tokens.c if column.name != "digest"]
    return [dict(row) for row in conn.execute(select(*shown).order_by(tokens.c.id.desc())).mappings()]


def touch(conn: Connection, token_id: int, *, now: datetime) -> None:
    """It was used."""
    conn.execute(update(tokens).where(tokens.c.id == token_id).values(used_at=now))


def revoke(conn: Connection, name: str, *, now: datetime) -> bool:
    """End a token; whether there was one that held."""
    holds = (tokens.c.name == name, tokens.c.revoked_at.is_(None))
    return conn.execute(update(tokens).where(*holds).values(revoked_at=now)).rowcount > 0
