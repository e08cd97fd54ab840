"""Subscriptions as rows, kept in step with watcher.yml."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, exists, or_, select, update

from watcher import wire
from watcher.model import EmptyDay, Origin, SubscriptionConfig, When
from watcher.store import file_rows
from watcher.store.dialect import insert
from watcher.store.feeds import SyncReport
from watcher.store.schema import digests, subscriptions

OPS = "_ops"
"""Id of the subscription that carries the service's own notices."""
TOLD = and_(
    subscriptions.c.retired_at.is_(None),
    subscriptions.c.ended_at.is_(None),
    subscriptions.c.unconfirmed_since.is_(None),
)
"""Live, not unsubscribed, and confirmed where its reader made it: all others are told nothing."""


def sync_subscriptions(
    conn: Connection, configs: Sequence[SubscriptionConfig], *, ops: Sequence[str], now: datetime
) -> SyncReport:
    """Make the `file` rows equal to watcher.yml, the one for `ops:` included; what has ended stays so."""
    wanted = {config.id: wire.dump(config) for config in configs}
    if ops:
        own = SubscriptionConfig(id=OPS, title="The service itself", channels=tuple(ops))
        wanted[OPS] = wire.dump(own)
    return file_rows.sync(conn, subscriptions, wanted, now=now)


def active(conn: Connection) -> list[SubscriptionConfig]:
    """Every subscription that may be told something, the service's own left out, in order of id."""
    query = select(subscriptions.c.config).where(TOLD, subscriptions.c.id != OPS)
    return [wire.load(SubscriptionConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def of_file(conn: Connection, *, limit: int) -> list[SubscriptionConfig]:
    """The subscriptions that watcher.yml names, ended or not, in order of id."""
    theirs = (subscriptions.c.origin == Origin.FILE.value, subscriptions.c.retired_at.is_(None))
    query = select(subscriptions.c.config).where(*theirs, subscriptions.c.id != OPS).order_by("id").limit(limit)
    return [wire.load(SubscriptionConfig, config) for config in conn.execute(query).scalars()]


def get(conn: Connection, subscription_id: str) -> SubscriptionConfig | None:
    """One live subscription that has not ended, with the channels that are left.

    One that waits to be confirmed too: it gets a letter, and no alerts.
    """
    row = conn.execute(_ONE, {"one": subscription_id}).one_or_none()
    return None if row is None else without(wire.load(SubscriptionConfig, row.config), row.left_channels)


_ONE = select(subscriptions.c.config, subscriptions.c.left_channels).where(
    subscriptions.c.id == bindparam("one"), subscriptions.c.retired_at.is_(None), subscriptions.c.ended_at.is_(None)
)


def without(config: SubscriptionConfig, left: Sequence[str] | None) -> SubscriptionConfig:
    """The subscription without the channels whose readers have left it."""
    if not left:
        return config
    return dataclasses.replace(config, channels=tuple(one for one in config.channels if one not in left))


def told_of(conn: Connection, ids: Collection[str]) -> set[str]:
    """Those of the ids that may be told something."""
    return set(conn.execute(select(subscriptions.c.id).where(TOLD, subscriptions.c.id.in_(ids))).scalars())


def put(conn: Connection, config: SubscriptionConfig, *, origin: Origin, now: datetime) -> bool | None:
    """Make the subscription of that id, or change it where it is of the same origin; whether it is new.

    None, and nothing is changed, where another origin has that id. One that has ended stays so.
    """
    row = conn.execute(select(subscriptions.c.origin).where(subscriptions.c.id == config.id).with_for_update()).first()
    if row is None:
        values = {"config": wire.dump(config), "origin": origin.value, "created_at": now}
        made = insert(conn, subscriptions).values(id=config.id, **values).on_conflict_do_nothing(index_elements=["id"])
        return True if conn.execute(made.returning(subscriptions.c.id)).first() else None
    if row.origin != origin.value:
        return None
    conn.execute(update(subscriptions).where(subscriptions.c.id == config.id).values(config=wire.dump(config)))
    return False


def lock(conn: Connection, ids: Collection[str]) -> None:
    """Lock these until the transaction ends, so that two workers cannot both take the last place of a budget."""
    query = select(subscriptions.c.id).where(subscriptions.c.id.in_(ids)).order_by(subscriptions.c.id)
    conn.execute(query.with_for_update(key_share=True)).all()


def end(conn: Connection, subscription_id: str, *, by: str, now: datetime) -> bool:
    """Tell the subscription nothing from now on, whatever watcher.yml says; False when there is none or it has ended.

    `by`: who ended it, in a word: `one_click`, `page`, `cli`.
    """
    live = (subscriptions.c.id != OPS, subscriptions.c.retired_at.is_(None), subscriptions.c.ended_at.is_(None))
    mine = and_(subscriptions.c.id == subscription_id, *live)
    return conn.execute(update(subscriptions).where(mine).values(ended_at=now, ended_by=by)).rowcount > 0


def resume(conn: Connection, subscription_id: str) -> bool:
    """Tell an ended subscription again, and the channels whose readers left it; False when none did.

    Digests that were not due meanwhile still come.
    """
    left = or_(subscriptions.c.ended_at.is_not(None), subscriptions.c.left_channels.is_not(None))
    statement = update(subscriptions).where(subscriptions.c.id == subscription_id, left)
    return conn.execute(statement.values(ended_at=None, ended_by=None, left_channels=None)).rowcount > 0


def wanting_a_window(conn: Connection, *, now: datetime) -> list[SubscriptionConfig]:
    """Subscriptions that want a digest of every period, and whose next one is not a row yet."""
    open_ahead = exists().where(
        digests.c.subscription_id == subscriptions.c.id,
        digests.c.closes_at > now,
        digests.c.late_at.is_not(None),
    )
    query = select(subscriptions.c.config).where(
        TOLD,
        subscriptions.c.config["empty"].as_string() == EmptyDay.SEND.value,
        subscriptions.c.config["schedule"]["when"].as_string() != When.IMMEDIATE.value,
        ~open_ahead,
    )
    return [wire.load(SubscriptionConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every subscription that watcher.yml or its reader has not taken away, the service's own left out, by id.

    `{"id", "origin", "state", "since", "by", "config"}`: the state is active, ended or unconfirmed.
    """
    query = select(subscriptions).where(subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS)
    return [listed(row) for row in conn.execute(query.order_by(subscriptions.c.id))]


def listed(row: Row[Any]) -> dict[str, Any]:
    """A row as `listing` has it."""
    state, since = "active", row.created_at
    if row.ended_at is not None:
        state, since = "ended", row.ended_at
    elif row.unconfirmed_since is not None:
        state, since = "unconfirmed", row.unconfirmed_since
    config = without(wire.load(SubscriptionConfig, row.config), row.left_channels)
    return {"id": row.id, "origin": row.origin, "state": state, "since": since, "by": row.ended_by, "config": config}
