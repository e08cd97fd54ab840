"""Pages of articles as rows: which items wait for their whole text, and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from watcher.store import backlog
from watcher.store.schema import pages

WAITING = pages.c.state == "waiting"


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of pages whose time has come and that nobody holds, longest due first."""
    return backlog.due(conn, pages, where=WAITING, due_at=pages.c.next_fetch_at, now=now, limit=limit)
