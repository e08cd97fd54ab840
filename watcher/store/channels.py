"""Channels as rows: kept in step with watcher.yml, disabled and enabled again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from watcher import wire
from watcher.model import ChannelConfig
from watcher.store import deliveries, file_rows
from watcher.store.feeds import SyncReport
from watcher.store.schema import channels


def sync(conn: Connection, configs: Sequence[ChannelConfig], *, now: datetime) -> SyncReport:
    """Make the `file` rows equal to watcher.yml. What waits for a changed channel, disabled or not, goes at once."""
    report = file_rows.sync(conn, channels, {config.id: wire.dump(config) for config in configs}, now=now)
    if report.changed:
        deliveries.wake_channel(conn, report.changed, now=now)
    return report


def configs(conn: Connection, ids: Sequence[str]) -> list[ChannelConfig]:
    """The live channels of those ids, disabled ones included (what is addressed to them waits)."""
    query = select(channels.c.config).where(channels.c.id.in_(ids), channels.c.retired_at.is_(None))
    return [wire.load(ChannelConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def disable(conn: Connection, channel_id: str, *, reason: str) -> bool:
    """Stop sending to a channel until watcher.yml changes it or somebody enables it; False when it was so already."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_(None))
    return conn.execute(statement.values(disabled_reason=reason)).rowcount > 0


def enable(conn: Connection, channel_id: str) -> bool:
    """Let a disabled channel send again; False when it was not disabled."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_not(None))
    return conn.execute(statement.values(disabled_reason=None)).rowcount > 0


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every live channel: id, kind and, when it does not send, why."""
    query = select(channels).where(channels.c.retired_at.is_(None)).order_by(channels.c.id)
    return [
        {"id": row.id, "kind": row.config["kind"], "disabled_reason": row.disabled_reason}
        for row in conn.execute(query)
    ]
