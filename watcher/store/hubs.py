"""WebSub hubs as rows: what we have agreed with them, and the documents that they sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from watcher.store import backlog
from watcher.store.schema import hubs, pushes

LIVE = hubs.c.state != "ended"
UNREAD = pushes.c.done_at.is_(None)


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of hubs that are to be asked (again) and that nobody holds, longest due first."""
    return backlog.due(conn, hubs, where=LIVE, due_at=hubs.c.next_ask_at, now=now, limit=limit)


def unread(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of pushed documents that wait to be read and that nobody holds, oldest first."""
    return backlog.due(conn, pushes, where=UNREAD, due_at=pushes.c.received_at, now=now, limit=limit)
