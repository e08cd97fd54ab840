"""Subscriptions as people look for them: who is told, since when, what they were told last; a page at a time.

An address is found only by its key, so that nobody can leaf through addresses; what a subscription may be told is
`subscriptions`'.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from watcher import wire
from watcher.model import ChannelConfig, ChannelKind, Origin, SubscriptionConfig
from watcher.store.schema import alerts, channels, deliveries, digests, subscriptions, suppressions
from watcher.store.subscriptions import OPS, without
from watcher.store.suppressions import key_of

_ADDRESSES = 1000
"""Channels of watcher.yml that are looked through for an address."""


class Standing(StrEnum):
    """How a subscription stands with its reader."""

    ACTIVE = "active"
    UNCONFIRMED = "unconfirmed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A subscription with its state; `config` is without the channels whose readers left it."""

    config: SubscriptionConfig
    origin: Origin
    standing: Standing
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    unconfirmed_since: datetime | None
    left: tuple[str, ...]
    address_key: str | None

    @property
    def id(self) -> str:
        return self.config.id


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDigest:
    """The digest of a subscription that closed last, and in which states its messages are."""

    id: int
    subscription_id: str
    closed_at: datetime
    alerts: int
    states: tuple[str, ...]


_LISTED = and_(subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS)


def find(
    conn: Connection,
    *,
    limit: int,
    origin: Origin | None = None,
    standing: Standing | None = None,
    words: str = "",
    before: tuple[datetime, str] | None = None,
) -> list[Subscriber]:
    """Live subscriptions, the newest first. `words`: how an id begins, or part of a title that watcher.yml gives.

    `before` is when the last one seen was made, and its id.
    """
    table = subscriptions.c
    query = select(subscriptions).where(_LISTED)
    if origin is not None:
        query = query.where(table.origin == origin.value)
    if standing is not None:
        query = query.where(*_standing(standing))
    if words:
        titled = table.config["title"].as_string().icontains(words, autoescape=True)
        query = query.where(or_(table.id.startswith(words, autoescape=True), and_(table.origin != "page", titled)))
    if before is not None:
        at, name = before
        query = query.where(or_(table.created_at < at, and_(table.created_at == at, table.id < name)))
    query = query.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
    return [_subscriber(row) for row in conn.execute(query)]


def _standing(standing: Standing) -> tuple[Any, ...]:
    table = subscriptions.c
    match standing:
        case Standing.ENDED:
            return (table.ended_at.is_not(None),)
        case Standing.UNCONFIRMED:
            return (table.ended_at.is_(None), table.unconfirmed_since.is_not(None))
    return (table.ended_at.is_(None), table.unconfirmed_since.is_(None))


def get(conn: Connection, subscription_id: str) -> Subscriber | None:
    """One live subscription in whatever state; the service's own too."""
    mine = (subscriptions.c.id == subscription_id, subscriptions.c.retired_at.is_(None))
    row = conn.execute(select(subscriptions).where(*mine)).one_or_none()
    return None if row is None else _subscriber(row)


def of_address(conn: Connection, address_key: str) -> list[Subscriber]:
    """The subscriptions that are sent to the address of that key: readers' own, and those of watcher.yml."""
    own = select(subscriptions).where(_LISTED, subscriptions.c.address_key == address_key)
    found = [_subscriber(row) for row in conn.execute(own.order_by(subscriptions.c.created_at.desc()))]
    mail = select(channels.c.id, channels.c.config).where(channels.c.origin == Origin.FILE.value).limit(_ADDRESSES)
    ways = {row.id for row in conn.execute(mail) if row.config.get("to") and key_of(row.config["to"]) == address_key}
    if not ways:
        return found
    ours = select(subscriptions).where(_LISTED, subscriptions.c.origin != Origin.PAGE.value).limit(_ADDRESSES)
    return found + [one for one in map(_subscriber, conn.execute(ours)) if ways & set(one.config.channels)]


def _subscriber(row: Row[Any]) -> Subscriber:
    standing = Standing.ACTIVE
    if row.ended_at is not None:
        standing = Standing.ENDED
    elif row.unconfirmed_since is not None:
        standing = Standing.UNCONFIRMED
    return Subscriber(
        config=without(wire.load(SubscriptionConfig, row.config), row.left_channels),
        origin=Origin(row.origin),
        standing=standing,
        created_at=row.created_at,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        unconfirmed_since=row.unconfirmed_since,
        left=tuple(row.left_channels or ()),
        address_key=row.address_key,
    )


# ── what is known of each ────────────────────────────────────────────────────────────────────────────────────────────


def last_digests(conn: Connection, subscription_ids: Sequence[str]) -> dict[str, LastDigest]:
    """By subscription, the digest that closed last, letters and notices left out."""
    mine = (digests.c.subscription_id == subscriptions.c.id, digests.c.closed_at.is_not(None))
    newest = select(digests.c.id).where(*mine, digests.c.notice.is_(None), digests.c.merged_into.is_(None))
    one = newest.order_by(digests.c.closes_at.desc()).limit(1).scalar_subquery()
    ids = [found for (found,) in conn.execute(select(one).where(subscriptions.c.id.in_(subscription_ids))) if found]
    count = select(func.count()).where(alerts.c.digest_id == digests.c.id).scalar_subquery()
    query = select(digests.c.id, digests.c.subscription_id, digests.c.closed_at, count.label("alerts"))
    rows = conn.execute(query.where(digests.c.id.in_(ids))).all()
    states = states_of(conn, ids)
    return {
        row.subscription_id: LastDigest(
            id=row.id,
            subscription_id=row.subscription_id,
            closed_at=row.closed_at,
            alerts=row.alerts,
            states=tuple(state for _, _, state in states.get(row.id, ())),
        )
        for row in rows
    }


def states_of(conn: Connection, digest_ids: Collection[int]) -> dict[int, list[tuple[int, str, str]]]:
    """By digest, its messages in the order they were written: (id, channel, state)."""
    columns = (deliveries.c.digest_id, deliveries.c.id, deliveries.c.channel_id, deliveries.c.state)
    found: dict[int, list[tuple[int, str, str]]] = {}
    query = select(*columns).where(deliveries.c.digest_id.in_(list(digest_ids))).order_by(deliveries.c.id)
    for digest_id, delivery_id, channel_id, state in conn.execute(query):
        found.setdefault(digest_id, []).append((delivery_id, channel_id, state))
    return found


def mail_ways(conn: Connection, channel_ids: Collection[str]) -> dict[str, ChannelConfig]:
    """Those of the channels that are mail, by id."""
    query = select(channels.c.config).where(channels.c.id.in_(list(channel_ids)))
    configs = (wire.load(ChannelConfig, config) for config in conn.execute(query).scalars())
    return {one.id: one for one in configs if one.kind is ChannelKind.EMAIL}


# ── addresses that are sent nothing ──────────────────────────────────────────────────────────────────────────────────


def suppressed(conn: Connection, address_keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """What is held against those of the addresses that are sent nothing, by key."""
    table = suppressions.c
    query = select(suppressions).where(table.address_key.in_(list(address_keys)), table.suppressed_at.is_not(None))
    return {row.address_key: dict(row._mapping) for row in conn.execute(query)}


def readers_of(conn: Connection, address_keys: Collection[str]) -> dict[str, list[str]]:
    """The ids of readers' own subscriptions, by the key of their address."""
    query = select(subscriptions.c.address_key, subscriptions.c.id).where(_LISTED)
    found: dict[str, list[str]] = {}
    for key, name in conn.execute(query.where(subscriptions.c.address_key.in_(list(address_keys)))):
        found.setdefault(key, []).append(name)
    return found


def zones(conn: Connection, subscription_ids: Collection[str]) -> dict[str, str]:
    """The zone of each of the subscriptions, those that have ended or were removed too."""
    query = select(subscriptions.c.id, subscriptions.c.config["schedule"]["zone"].as_string())
    rows = conn.execute(query.where(subscriptions.c.id.in_(list(subscription_ids))))
    return {name: zone or "UTC" for name, zone in rows}
