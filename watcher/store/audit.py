"""The audit log: who changed what and when, in the same transaction as the change. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from watcher.store.schema import audit

KEPT = timedelta(days=365)


def note(
    conn: Connection,
    *,
    who: str,
    action: str,
    target: str = "",
    detail: Mapping[str, Any] | None = None,
    client: str = "",
    now: datetime,
) -> None:
    """Add a line: `who` did `action` (`feeds.pause`) to `target` (`feed 12`), asked from `client`. No secrets in it."""
    values = {"at": now, "who": who, "action": action, "target": target, "detail": dict(detail or {}), "client": client}
    conn.execute(insert(audit).values(values))


def newest(
    conn: Connection, *, limit: int, before: int | None = None, who: str = "", action: str = ""
) -> list[dict[str, Any]]:
    """Lines newest first; `before` is the id of the last one that was seen.

    `who` is a name; `action` one action (`feeds.pause`), or all of a noun (`feeds`).
    """
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    if who:
        query = query.where(audit.c.who == who)
    if action:
        of_noun = audit.c.action.startswith(f"{action}.", autoescape=True)
        query = query.where((audit.c.action == action) | of_noun)
    return [dict(row) for row in conn.execute(query).mappings()]


def forget(conn: Connection, *, before: datetime, limit: int) -> int:
    """Drop lines older than that, at most `limit`; how many."""
    old = select(audit.c.id).where(audit.c.at < before).order_by(audit.c.at).limit(limit)
    return conn.execute(delete(audit).where(audit.c.id.in_(old.scalar_subquery()))).rowcount
