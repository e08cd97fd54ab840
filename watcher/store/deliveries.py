"""Deliveries and attempts as rows: what is put into the outbox, with its very bytes, what is due, shown and woken.

The claim of one and what comes of it is `watcher.store.outbox`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    update,
)

from watcher.model import DeliveryState, Envelope
from watcher.store.database import now_sql
from watcher.store.dialect import insert
from watcher.store.schema import (
    Instant,
    attempts,
    channels,
    deliveries,
    digests,
)

_SOON = timedelta(seconds=2)
"""A rate that frees the channel within this is waited for on the spot."""
_IN_HAND = timedelta(seconds=30)
"""Whoever took up a message of a channel longer ago may have died with it in hand."""
_WOKEN = timedelta(days=1)
"""For how long at least a message is tried that somebody woke."""
_LONG = timedelta(minutes=1)
"""A channel that is free only after this was asked to wait; a rate alone is shorter."""

_SENDABLE = exists().where(
    channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_(None), channels.c.disabled_reason.is_(None)
)
PENDING = deliveries.c.state == literal_column(f"'{DeliveryState.PENDING.value}'", String())
"""Written out: SQLite uses a partial index only when it sees the index's condition in the statement."""
WAITING = and_(PENDING, _SENDABLE)


def delivery_key(digest_key: str, channel_id: str, part: int = 0) -> str:
    """The stable public key of one message of a digest on one channel: what a receiver sees at every attempt."""
    which = f"{digest_key}|{channel_id}" + (f"|{part}" if part else "")
    return hashlib.sha256(which.encode()).hexdigest()[:32]


def add(
    conn: Connection,
    *,
    digest_id: int,
    channel_id: str,
    key: str,
    envelope: Envelope,
    now: datetime,
    expires_at: datetime | None = None,
    part: int = 0,
) -> int | None:
    """Put one message into the outbox; None when this part of the digest is there for this channel already.

    `part`: which of a digest's messages it is, where it is cut into several (`watcher.deliver.parts`).
    `expires_at`: until when it is tried (`watcher.deliver.backoff.expires_at`); None is for ever.
    """
    statement = insert(conn, deliveries)
    values = {
        "key": key,
        "digest_id": digest_id,
        "channel_id": channel_id,
        "part": part,
        "state": DeliveryState.PENDING.value,
        "reason": "new",
        "message_id": envelope.message_id,
        "content_type": envelope.content_type,
        "body": envelope.body,
        "created_at": now,
        "next_attempt_at": now,
        "expires_at": expires_at,
    }
    statement = statement.values(**values).on_conflict_do_nothing(index_elements=["digest_id", "channel_id", "part"])
    return conn.execute(statement.returning(deliveries.c.id)).scalar_one_or_none()


# ── what is due ──────────────────────────────────────────────────────────────────────────────────────────────────────


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """One due message of each channel that may send, at most `limit`, the longest neglected channel first.

    One a channel is enough: whoever is sent to look at it goes on with the channel's next one. So a channel with ten
    thousand messages takes one place, like any other, and one of which a message is being sent takes none.
    """
    instant = now_sql(conn, now)
    held = deliveries.alias("of_channel")
    leased = (held.c.lease_owner.is_not(None), held.c.lease_until >= instant)
    in_hand = exists().where(held.c.channel_id == channels.c.id, *leased)
    may_send = and_(
        channels.c.retired_at.is_(None),
        channels.c.disabled_reason.is_(None),
        or_(channels.c.open_until.is_(None), channels.c.open_until <= now),
        or_(channels.c.free_at.is_(None), channels.c.free_at <= now + _SOON),
        or_(channels.c.turn_at.is_(None), channels.c.turn_at < now - _IN_HAND, not_(in_hand)),
    )
    first = func.min(deliveries.c.id)
    query = select(first).join(channels, channels.c.id == deliveries.c.channel_id).where(may_send, *is_due(instant))
    query = query.group_by(channels.c.id, channels.c.turn_at).order_by(channels.c.turn_at.nulls_first(), first)
    return list(conn.execute(query.limit(limit)).scalars())


def is_due(instant: Any) -> tuple[ColumnElement[bool], ...]:
    """The conditions that a message waits, is due at that instant, and is held by nobody.

    Those held are few and in an index of their own. A row's lease is not looked at: it lies behind the message's bytes,
    which SQLite would read from the disk row by row.
    """
    held = deliveries.alias("held")
    taken = select(held.c.id).where(held.c.lease_owner.is_not(None), held.c.lease_until >= instant)
    return (PENDING, deliveries.c.next_attempt_at <= instant, deliveries.c.id.not_in(taken))


# ── setting aside and waking ─────────────────────────────────────────────────────────────────────────────────────────

REMOVED = "channel removed from watcher.yml"
EXPIRED = "expired: its channel took nothing in time"


def park_unsendable(conn: Connection, *, now: datetime) -> int:
    """Set aside what waits for a channel that watcher.yml no longer names; how many."""
    gone = exists().where(channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_not(None))
    statement = update(deliveries).where(PENDING, gone)
    values = {"state": DeliveryState.PARKED.value, "reason": REMOVED, "finished_at": now}
    return conn.execute(statement.values(**values)).rowcount


def expire(conn: Connection, *, now: datetime) -> dict[str, int]:
    """Set aside what was to be sent by now and waits for a channel that is shut; how many, by channel.

    What waits for an open channel has its last try first, and is set aside by what comes of it.
    """
    shut = or_(channels.c.disabled_reason.is_not(None), channels.c.open_until > now, channels.c.free_at > now + _LONG)
    where = (
        PENDING,
        deliveries.c.channel_id.in_(select(channels.c.id).where(shut)),
        deliveries.c.expires_at <= now,
        or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < now_sql(conn, now)),
    )
    values = {"state": DeliveryState.PARKED.value, "reason": EXPIRED, "finished_at": now, "next_attempt_at": None}
    statement = update(deliveries).where(*where).values(**values).returning(deliveries.c.channel_id)
    return dict(Counter(conn.execute(statement).scalars()))


def retry(conn: Connection, ids: Sequence[int] | None, *, now: datetime, channel: str | None = None) -> int:
    """Wake messages (every parked one without `ids`): same bytes, same id, due at once, all tries anew; how many.

    By its id also a message that waits for a later try is woken; one that was withheld stays. `channel` narrows the
    parked ones to a channel's. They are tried for a day at least.
    """
    if ids is None:
        which = deliveries.c.state == DeliveryState.PARKED.value
    else:
        done = (DeliveryState.SENT.value, DeliveryState.WITHHELD.value)
        which = and_(deliveries.c.id.in_(list(ids)), deliveries.c.state.not_in(done))
    if channel is not None:
        which = and_(which, deliveries.c.channel_id == channel)
    return wake(conn, which, reason="retried by hand", now=now)


def wake_channel(conn: Connection, channel_ids: Sequence[str], *, now: datetime) -> int:
    """Let what waits for channels that changed or came back go at once; how many."""
    waits = or_(deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.reason == REMOVED)
    which = and_(deliveries.c.channel_id.in_(list(channel_ids)), waits)
    return wake(conn, which, reason="the channel changed", now=now)


def wake(conn: Connection, which: ColumnElement[bool], *, reason: str, now: datetime) -> int:
    """Let messages of this module's table be sent at once, all tries anew, for a day at least; how many."""
    values = {"state": DeliveryState.PENDING.value, "reason": reason, "next_attempt_at": now}
    begun = {"first_attempt_at": None, "finished_at": None, "tries_from": deliveries.c.attempt}
    least = now + _WOKEN
    until = case((deliveries.c.expires_at > least, deliveries.c.expires_at), else_=literal(least, Instant()))
    return conn.execute(update(deliveries).where(which).values(**values, **begun, expires_at=until)).rowcount


def listing(
    conn: Connection,
    *,
    limit: int,
    states: Sequence[str] = (),
    channel: str | None = None,
    subscription: str | None = None,
) -> list[dict[str, Any]]:
    """The newest messages: what, to which channel, in which state and why; without their bytes."""
    columns = deliveries.c
    shown = (columns.id, columns.key, columns.channel_id, columns.state, columns.reason, columns.message_id)
    times = (columns.created_at, columns.first_attempt_at, columns.next_attempt_at, columns.finished_at)
    query = select(*shown, columns.attempt, *times, columns.expires_at, digests.c.subscription_id, digests.c.window)
    query = query.join(digests)
    if states:
        query = query.where(columns.state.in_(states))
    if channel is not None:
        query = query.where(columns.channel_id == channel)
    if subscription is not None:
        query = query.where(digests.c.subscription_id == subscription)
    return [dict(row._mapping) for row in conn.execute(query.order_by(columns.id.desc()).limit(limit))]


def show(conn: Connection, delivery_id: int) -> dict[str, Any] | None:
    """One message with its bytes (as text) and every attempt."""
    query = select(deliveries, digests.c.subscription_id, digests.c.window).join(digests)
    row = conn.execute(query.where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    tries = conn.execute(select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number))
    told = {name: value for name, value in row._mapping.items() if not name.startswith("lease_")}
    return told | {"body": row.body.decode("utf-8", "replace"), "attempts": [dict(one._mapping) for one in tries]}


def states(conn: Connection, *, channel: str | None = None) -> dict[str, int]:
    """How many messages are in each state, of one channel or of all."""
    query = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    if channel is not None:
        query = query.where(deliveries.c.channel_id == channel)
    return {row[0]: row[1] for row in conn.execute(query)}
