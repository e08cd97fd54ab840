"""Rows of who is logged in at the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from watcher.store.schema import sessions


def add(
    conn: Connection, session_id: str, *, name: str, password_key: str, client: str, now: datetime, ends_at: datetime
) -> None:
    """A new login; `session_id` is the digest of its cookie."""
    times = {"created_at": now, "seen_at": now, "ends_at": ends_at}
    conn.execute(insert(sessions).values(id=session_id, name=name, password_key=password_key, client=client, **times))


def get(conn: Connection, session_id: str, *, password_key: str, now: datetime) -> dict[str, Any] | None:
    """The login, while it holds and was made with the password that holds now."""
    query = select(sessions).where(
        sessions.c.id == session_id, sessions.c.password_key == password_key, sessions.c.ends_at > now
    )
    row = conn.execute(query).mappings().first()
    return dict(row) if row else None


def live(conn: Connection, *, password_key: str, now: datetime, limit: int) -> list[dict[str, Any]]:
    """The logins that hold, the last used first."""
    holds = (sessions.c.password_key == password_key, sessions.c.ends_at > now)
    query = select(sessions).where(*holds).order_by(sessions.c.seen_at.desc()).limit(limit)
    return [dict(row) for row in conn.execute(query).mappings()]


def touch(conn: Connection, session_id: str, *, now: datetime, ends_at: datetime) -> None:
    """It was used, and holds until `ends_at`."""
    conn.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=now, ends_at=ends_at))


def end(conn: Connection, session_id: str) -> None:
    """Log out."""
    conn.execute(delete(sessions).where(sessions.c.id == session_id))


def end_all(conn: Connection) -> int:
    """Log everybody out; returns how many."""
    return conn.execute(delete(sessions)).rowcount


def forget_ended(conn: Connection, *, now: datetime) -> int:
    """Drop what no longer holds; returns how many."""
    return conn.execute(delete(sessions).where(sessions.c.ends_at <= now)).rowcount
