"""Rows that watcher.yml describes (channels, subscriptions), kept in step with it; rows of other origins are left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from watcher.model import Origin
from watcher.store.feeds import SyncReport


def sync(conn: Connection, table: Table, wanted: Mapping[str, Any], *, now: datetime) -> SyncReport:
    """Make the `file` rows of the table equal to `wanted` (configurations as JSON, by id)."""
    rows = {row.id: row for row in conn.execute(select(table).order_by(table.c.id))}
    added, changed = [], []
    for one, config in wanted.items():
        row = rows.get(one)
        if row is None:
            stamp = {"created_at": now} if "created_at" in table.c else {}
            conn.execute(table.insert().values(id=one, config=config, origin=Origin.FILE.value, **stamp))
            added.append(one)
        elif row.origin == Origin.FILE and (row.config != config or row.retired_at is not None):
            fresh = {"disabled_reason": None} if "disabled_reason" in table.c else {}
            conn.execute(update(table).where(table.c.id == one).values(config=config, retired_at=None, **fresh))
            changed.append(one)
    gone = [one for one, row in rows.items() if row.origin == Origin.FILE and not row.retired_at and one not in wanted]
    if gone:
        conn.execute(update(table).where(table.c.id.in_(gone)).values(retired_at=now))
    return SyncReport(added=tuple(added), changed=tuple(changed), retired=tuple(gone))
