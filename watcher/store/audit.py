"""The audit log: who changed what and when, in the same transaction as the change. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from watcher.store.schema import audit


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


def newest(conn: Connection, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Lines newest first; `before` is the id of the last one that was seen."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [dict(row) for row in conn.execute(query).mappings()]
