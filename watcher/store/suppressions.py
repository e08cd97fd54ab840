"""Addresses that bounced or complained, as rows: how often, why, and since when nothing is sent there any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, select, update

from watcher import wire
from watcher.model import ChannelConfig
from watcher.signing import address_key
from watcher.store.dialect import insert
from watcher.store.schema import channels, deliveries, digests, suppressions

REFUSALS = 3
"""After so many an address is suppressed that is refused for a reason which may end."""
WITHIN = timedelta(days=30)
"""Refusals further apart from the first are counted anew."""
BOUNCED = "bounced: "
"""How the reason of a sent message begins that came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """To whom a delivery went."""

    delivery_id: int
    channel_id: str
    subscription_id: str
    address: str
    bounced: bool
    """Whether its coming back was noted before."""


def key_of(address: str) -> str:
    """Under what an address is kept, with or without a display name.

    A plain hash: the address stands beside it for as long as its reader allows, and the hash must still be found after
    the signing key was changed.
    """
    return address_key(parseaddr(address)[1] or address)


def is_suppressed(key: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether nothing is to be sent to the address of that key; for use inside another statement."""
    return exists().where(suppressions.c.address_key == key, suppressions.c.suppressed_at.is_not(None))


def suppressed(conn: Connection, address: str) -> bool:
    """Whether nothing is to be sent to the address."""
    mine = (suppressions.c.address_key == key_of(address), suppressions.c.suppressed_at.is_not(None))
    return conn.execute(select(suppressions.c.address_key).where(*mine)).first() is not None


def record(conn: Connection, address: str, *, hard: bool, reason: str, now: datetime) -> bool:
    """Note one bounce or complaint; whether it is the one that suppresses the address.

    `hard`: nothing will ever be taken or wanted there, so that once is enough; else three times within 30 days.
    """
    key, table = key_of(address), suppressions.c
    fresh = insert(conn, suppressions).values(
        address_key=key, address=parseaddr(address)[1] or address, bounces=1, reason=reason, since=now
    )
    old = and_(table.since < now - WITHIN, table.suppressed_at.is_(None))
    again = fresh.on_conflict_do_update(
        index_elements=["address_key"],
        set_={
            "bounces": case((old, 1), else_=table.bounces + 1),
            "since": case((old, now), else_=table.since),
            "reason": case((table.suppressed_at.is_(None), reason), else_=table.reason),
        },
    )
    bounces, at = conn.execute(again.returning(table.bounces, table.suppressed_at)).one()
    if at is not None or (not hard and bounces < REFUSALS):
        return False
    conn.execute(update(suppressions).where(table.address_key == key).values(suppressed_at=now))
    return True


def forgive(conn: Connection, address: str) -> bool:
    """Forget what the address did, so that it is sent to again; False when nothing was held against it."""
    return lift(conn, key_of(address))


def lift(conn: Connection, address_key: str) -> bool:
    """As `forgive`, by what the address is kept under: the address itself may have been erased."""
    return conn.execute(delete(suppressions).where(suppressions.c.address_key == address_key)).rowcount > 0


def forgive_key(conn: Connection, key: str) -> bool:
    """As `forgive`, for the address of that key: also where the address itself was erased."""
    return conn.execute(delete(suppressions).where(suppressions.c.address_key == key)).rowcount > 0


def listing(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """What is held against addresses, the newest first; `address` is None where its reader had it erased."""
    table = suppressions.c
    shown = (table.address, table.bounces, table.reason, table.since, table.suppressed_at, table.address_key)
    return [dict(row._mapping) for row in conn.execute(select(*shown).order_by(table.since.desc()).limit(limit))]


def addressee(conn: Connection, delivery_key: str) -> Addressee | None:
    """To whom the delivery of that key went; None when there is none or it was no mail."""
    query = (
        select(deliveries.c.id, deliveries.c.reason, channels.c.id, channels.c.config, digests.c.subscription_id)
        .join(channels, channels.c.id == deliveries.c.channel_id)
        .join(digests, digests.c.id == deliveries.c.digest_id)
        .where(deliveries.c.key == delivery_key)
    )
    row = conn.execute(query).one_or_none()
    to = wire.load(ChannelConfig, row[3]).to if row is not None else None
    if row is None or to is None:
        return None
    return Addressee(
        delivery_id=row[0],
        channel_id=row[2],
        subscription_id=row[4],
        address=to,
        bounced=(row[1] or "").startswith(BOUNCED),
    )


def came_back(conn: Connection, delivery_id: int, *, reason: str) -> None:
    """Say on the message itself that it came back, and why."""
    conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(reason=f"{BOUNCED}{reason}"))
