"""Subscriptions as rows, kept in step with watcher.yml."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from watcher import wire
from watcher.model import SubscriptionConfig
from watcher.store import file_rows
from watcher.store.feeds import SyncReport
from watcher.store.schema import subscriptions

OPS = "_ops"
"""Id of the subscription that carries the service's own notices."""


def sync_subscriptions(
    conn: Connection, configs: Sequence[SubscriptionConfig], *, ops: Sequence[str], now: datetime
) -> SyncReport:
    """Make the `file` rows equal to watcher.yml, the one for `ops:` included."""
    wanted = {config.id: wire.dump(config) for config in configs}
    if ops:
        own = SubscriptionConfig(id=OPS, title="The service itself", channels=tuple(ops))
        wanted[OPS] = wire.dump(own)
    return file_rows.sync(conn, subscriptions, wanted, now=now)


def active(conn: Connection) -> list[SubscriptionConfig]:
    """Every live subscription but the service's own and those nobody has confirmed yet, in order of id."""
    query = select(subscriptions.c.config).where(
        subscriptions.c.retired_at.is_(None),
        subscriptions.c.unconfirmed_since.is_(None),
        subscriptions.c.id != OPS,
    )
    return [wire.load(SubscriptionConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def get(conn: Connection, subscription_id: str) -> SubscriptionConfig | None:
    """One live subscription."""
    query = select(subscriptions.c.config).where(
        subscriptions.c.id == subscription_id, subscriptions.c.retired_at.is_(None)
    )
    config = conn.execute(query).scalar_one_or_none()
    return None if config is None else wire.load(SubscriptionConfig, config)


def end(conn: Connection, subscription_id: str, *, by: str, now: datetime) -> bool:
    """End a subscription at its reader's wish; False when it had ended or is not there. A reload does not undo it."""
    live = (subscriptions.c.id == subscription_id, subscriptions.c.ended_at.is_(None), subscriptions.c.id != OPS)
    statement = update(subscriptions).where(*live, subscriptions.c.retired_at.is_(None))
    return conn.execute(statement.values(ended_at=now, ended_by=by)).rowcount > 0


def resume(conn: Connection, subscription_id: str) -> bool:
    """Let an ended subscription be told again; False when it had not ended."""
    ended = (subscriptions.c.id == subscription_id, subscriptions.c.ended_at.is_not(None))
    return conn.execute(update(subscriptions).where(*ended).values(ended_at=None, ended_by=None)).rowcount > 0
