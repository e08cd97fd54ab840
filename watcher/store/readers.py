"""Subscriptions as their readers reach them: those that people made on the page (origin `page`), and anybody's state.

A reader's own subscription has one channel of its own, a copy of the operator's mail channel with another recipient.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, cast, delete, literal, select, update

from watcher import wire
from watcher.model import ChannelConfig, DeliveryState, Origin, SubscriptionConfig
from watcher.store.schema import (
    attempts,
    channels,
    deliveries,
    digests,
    mutes,
    signups,
    subscriptions,
    suppressions,
    verdicts,
)
from watcher.store.subscriptions import OPS, end

MAIL = "message/rfc822"
READER = "reader:"
"""Before a subscription's id: who said something of an event."""
ERASED = "erased at the reader's wish"
_PAGE = Origin.PAGE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A subscription with its state. `own`: its reader made it, and may change and erase it."""

    config: SubscriptionConfig
    own: bool
    ended_at: datetime | None = None
    unconfirmed_since: datetime | None = None
    left: tuple[str, ...] = ()
    """Channels whose readers have left while others are told on."""
    address_key: str | None = None

    @property
    def id(self) -> str:
        return self.config.id


def get(conn: Connection, subscription_id: str) -> Reader | None:
    """The live subscription of that id, ended or not; the service's own is nobody's."""
    query = select(subscriptions).where(
        subscriptions.c.id == subscription_id, subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    return Reader(
        config=wire.load(SubscriptionConfig, row.config),
        own=row.origin == _PAGE,
        ended_at=row.ended_at,
        unconfirmed_since=row.unconfirmed_since,
        left=tuple(row.left_channels or ()),
        address_key=row.address_key,
    )


def of_address(conn: Connection, address_key: str) -> list[Reader]:
    """The subscriptions that people made for that address and that have not ended, oldest first."""
    query = select(subscriptions.c.id).where(
        subscriptions.c.address_key == address_key,
        subscriptions.c.origin == _PAGE,
        subscriptions.c.ended_at.is_(None),
    )
    ids = conn.execute(query.order_by(subscriptions.c.created_at, subscriptions.c.id)).scalars().all()
    return [found for one in ids if (found := get(conn, one)) is not None]


def add(
    conn: Connection, config: SubscriptionConfig, channel: ChannelConfig, *, address_key: str, now: datetime
) -> None:
    """A subscription that waits to be confirmed, and the channel to its reader."""
    conn.execute(channels.insert().values(id=channel.id, config=wire.dump(channel), origin=_PAGE))
    values = {"config": wire.dump(config), "origin": _PAGE, "address_key": address_key}
    conn.execute(subscriptions.insert().values(id=config.id, **values, created_at=now, unconfirmed_since=now))


def save(conn: Connection, config: SubscriptionConfig) -> bool:
    """Keep what a reader chose; False when it is not a reader's own subscription."""
    own = (subscriptions.c.id == config.id, subscriptions.c.origin == _PAGE)
    return conn.execute(update(subscriptions).where(*own).values(config=wire.dump(config))).rowcount > 0


def confirm(conn: Connection, subscription_id: str) -> bool:
    """Let the subscription be told from now on; False when it was confirmed before."""
    waiting = (subscriptions.c.id == subscription_id, subscriptions.c.unconfirmed_since.is_not(None))
    return conn.execute(update(subscriptions).where(*waiting).values(unconfirmed_since=None)).rowcount > 0


def follow(conn: Connection, base: ChannelConfig) -> list[str]:
    """Give the readers' channels the server, sender and keys that `base` has now; the ids of those that changed."""
    rows = conn.execute(select(channels).where(channels.c.origin == _PAGE)).all()
    changed = []
    for row in rows:
        wanted = wire.dump(dataclasses.replace(base, id=row.id, to=row.config["to"]))
        if wanted != row.config:
            conn.execute(update(channels).where(channels.c.id == row.id).values(config=wanted))
            changed.append(row.id)
    return changed


def leave(conn: Connection, subscription_id: str, channel_id: str | None, *, by: str, now: datetime) -> bool:
    """Tell the reader of that channel no more; False when it was so. With the last channel the subscription ends."""
    reader = _locked(conn, subscription_id)
    if reader is None or reader.ended_at is not None or channel_id in reader.left:
        return False
    left = (*reader.left, channel_id) if channel_id in reader.config.channels else reader.config.channels
    if set(left) >= set(reader.config.channels):
        return end(conn, subscription_id, by=by, now=now)
    _keep_left(conn, subscription_id, left)
    return True


def come_back(conn: Connection, subscription_id: str, channel_id: str | None) -> bool:
    """Undo `leave`; False when there is nothing to undo."""
    reader = _locked(conn, subscription_id)
    if reader is None:
        return False
    if reader.ended_at is not None:
        mine = subscriptions.c.id == subscription_id
        conn.execute(update(subscriptions).where(mine).values(ended_at=None, ended_by=None))
        return True
    if channel_id not in reader.left:
        return False
    _keep_left(conn, subscription_id, tuple(one for one in reader.left if one != channel_id))
    return True


def _locked(conn: Connection, subscription_id: str) -> Reader | None:
    conn.execute(select(subscriptions.c.id).where(subscriptions.c.id == subscription_id).with_for_update())
    return get(conn, subscription_id)


def _keep_left(conn: Connection, subscription_id: str, left: tuple[str | None, ...]) -> None:
    statement = update(subscriptions).where(subscriptions.c.id == subscription_id)
    conn.execute(statement.values(left_channels=list(left) or None))


def lapsed(conn: Connection, *, before: datetime, limit: int) -> list[str]:
    """Ids of subscriptions that were asked for before then and never confirmed."""
    query = select(subscriptions.c.id).where(subscriptions.c.unconfirmed_since < before)
    return list(conn.execute(query.order_by(subscriptions.c.unconfirmed_since).limit(limit)).scalars())


def erase(conn: Connection, subscription_id: str, *, now: datetime) -> bool:
    """Erase a reader's own subscription and all that names its reader; cannot be undone. False when it is no such.

    Of what was sent the rows stay, without their bytes; of a bounced address its hash stays, so that nothing is sent
    there again; of what was said of events the verdicts stay, without who said so.
    """
    found = get(conn, subscription_id)
    if found is None or not found.own:
        return False
    _empty_messages(conn, subscription_id, now=now)
    said = f"{READER}{subscription_id}"
    conn.execute(
        update(verdicts).where(verdicts.c.who == said).values(who=literal("erased:") + cast(verdicts.c.id, String))
    )
    if found.address_key is not None:
        known = suppressions.c.address_key == found.address_key
        conn.execute(update(suppressions).where(known).values(address=None))
    for table in (mutes, signups):
        conn.execute(delete(table).where(table.c.subscription_id == subscription_id))
    conn.execute(delete(channels).where(channels.c.id.in_(found.config.channels), channels.c.origin == _PAGE))
    conn.execute(delete(subscriptions).where(subscriptions.c.id == subscription_id))
    return True


def _empty_messages(conn: Connection, subscription_id: str, *, now: datetime) -> None:
    mine = select(digests.c.id).where(digests.c.subscription_id == subscription_id)
    sent = select(deliveries.c.id).where(deliveries.c.digest_id.in_(mine))
    conn.execute(delete(attempts).where(attempts.c.delivery_id.in_(sent)))  # a server's answer may quote the address
    conn.execute(update(deliveries).where(deliveries.c.digest_id.in_(mine)).values(body=b""))
    pending = (deliveries.c.digest_id.in_(mine), deliveries.c.state == DeliveryState.PENDING.value)
    ended = {"state": DeliveryState.PARKED.value, "reason": ERASED, "finished_at": now, "lease_owner": None}
    conn.execute(update(deliveries).where(*pending).values(**ended, lease_until=None))
    conn.execute(update(digests).where(digests.c.subscription_id == subscription_id).values(notice=None))
    waiting = (digests.c.subscription_id == subscription_id, digests.c.closed_at.is_(None))
    conn.execute(update(digests).where(*waiting).values(closed_at=now))


def mail_of(conn: Connection, digest_id: int) -> bytes | None:
    """The first mail that the digest was sent in, as bytes; None when it went out by none, or they were erased."""
    query = select(deliveries.c.body).where(
        deliveries.c.digest_id == digest_id, deliveries.c.content_type == MAIL, deliveries.c.body != b""
    )
    return conn.execute(query.order_by(deliveries.c.id).limit(1)).scalar_one_or_none()


def of_digest(conn: Connection, digest_id: int) -> Reader | None:
    """Whose digest it is; None when that is gone, or was nobody's."""
    owner = conn.execute(select(digests.c.subscription_id).where(digests.c.id == digest_id)).scalar_one_or_none()
    return None if owner is None else get(conn, owner)
