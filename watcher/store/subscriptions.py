"""Channels and subscriptions as rows, kept in step with watcher.yml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, update

from watcher import wire
from watcher.model import ChannelConfig, Origin, SubscriptionConfig
from watcher.store import deliveries
from watcher.store.feeds import SyncReport
from watcher.store.schema import channels, subscriptions

OPS = "_ops"
"""Id of the subscription that carries the service's own notices."""


def sync_channels(conn: Connection, configs: Sequence[ChannelConfig], *, now: datetime) -> SyncReport:
    """Make the `file` rows equal to watcher.yml. What waits for a changed channel, disabled or not, goes at once."""
    report = _sync(conn, channels, {config.id: wire.dump(config) for config in configs}, now=now)
    if report.changed:
        deliveries.wake_channel(conn, report.changed, now=now)
    return report


def sync_subscriptions(
    conn: Connection, configs: Sequence[SubscriptionConfig], *, ops: Sequence[str], now: datetime
) -> SyncReport:
    """Make the `file` rows equal to watcher.yml, the one for `ops:` included."""
    wanted = {config.id: wire.dump(config) for config in configs}
    if ops:
        own = SubscriptionConfig(id=OPS, title="The service itself", channels=tuple(ops))
        wanted[OPS] = wire.dump(own)
    return _sync(conn, subscriptions, wanted, now=now)


def _sync(conn: Connection, table: Table, wanted: Mapping[str, Any], *, now: datetime) -> SyncReport:
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


def active(conn: Connection) -> list[SubscriptionConfig]:
    """Every live subscription but the service's own, in order of id."""
    query = select(subscriptions.c.config).where(subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS)
    return [wire.load(SubscriptionConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def get(conn: Connection, subscription_id: str) -> SubscriptionConfig | None:
    """One live subscription."""
    query = select(subscriptions.c.config).where(
        subscriptions.c.id == subscription_id, subscriptions.c.retired_at.is_(None)
    )
    config = conn.execute(query).scalar_one_or_none()
    return None if config is None else wire.load(SubscriptionConfig, config)


def channel_configs(conn: Connection, ids: Sequence[str]) -> list[ChannelConfig]:
    """The live channels of those ids, disabled ones included (what is addressed to them waits)."""
    query = select(channels.c.config).where(channels.c.id.in_(ids), channels.c.retired_at.is_(None))
    return [wire.load(ChannelConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def disable_channel(conn: Connection, channel_id: str, *, reason: str) -> bool:
    """Stop sending to a channel until watcher.yml changes it or somebody enables it; False when it was so already."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_(None))
    return conn.execute(statement.values(disabled_reason=reason)).rowcount > 0


def enable_channel(conn: Connection, channel_id: str) -> bool:
    """Let a disabled channel send again; False when it was not disabled."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_not(None))
    return conn.execute(statement.values(disabled_reason=None)).rowcount > 0


def channel_listing(conn: Connection) -> list[dict[str, Any]]:
    """Every live channel: id, kind and, when it does not send, why."""
    query = select(channels).where(channels.c.retired_at.is_(None)).order_by(channels.c.id)
    return [
        {"id": row.id, "kind": row.config["kind"], "disabled_reason": row.disabled_reason}
        for row in conn.execute(query)
    ]
