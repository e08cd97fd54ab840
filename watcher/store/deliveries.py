"""Deliveries and attempts as rows: the outbox, with the very bytes that are sent."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from watcher import wire
from watcher.model import ChannelConfig, Delivery, DeliveryState, Envelope, NextAttempt, Outcome, OutcomeKind
from watcher.store import database
from watcher.store.database import now_sql
from watcher.store.dialect import insert
from watcher.store.schema import (
    Instant,
    alerts,
    attempts,
    channels,
    deliveries,
    digests,
    subscriptions,
    suppressions,
)

_SOON = timedelta(seconds=2)
"""A rate that frees the channel within this is waited for on the spot."""
_WOKEN = timedelta(days=1)
"""For how long at least a message is tried that somebody woke."""
_LONG = timedelta(minutes=1)
"""A channel that is free only after this was asked to wait; a rate alone is shorter."""

_SENDABLE = exists().where(
    channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_(None), channels.c.disabled_reason.is_(None)
)
_PENDING = deliveries.c.state == literal_column(f"'{DeliveryState.PENDING.value}'", String())
"""Written out: SQLite uses a partial index only when it sees the index's condition in the statement."""
WAITING = and_(_PENDING, _SENDABLE)


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
    thousand messages takes one place, like any other.
    """
    instant = now_sql(conn, now)
    may_send = and_(
        channels.c.retired_at.is_(None),
        channels.c.disabled_reason.is_(None),
        or_(channels.c.open_until.is_(None), channels.c.open_until <= now),
        or_(channels.c.free_at.is_(None), channels.c.free_at <= now + _SOON),
    )
    first = func.min(deliveries.c.id)
    query = select(first).join(channels, channels.c.id == deliveries.c.channel_id).where(may_send, *_due(instant))
    query = query.group_by(channels.c.id, channels.c.turn_at).order_by(channels.c.turn_at.nulls_first(), first)
    return list(conn.execute(query.limit(limit)).scalars())


def _due(instant: Any) -> tuple[ColumnElement[bool], ...]:
    """Waiting, due, and held by nobody.

    Those held are few and in an index of their own. A row's lease is not looked at: it lies behind the message's bytes,
    which SQLite would read from the disk row by row.
    """
    held = deliveries.alias("held")
    taken = select(held.c.id).where(held.c.lease_owner.is_not(None), held.c.lease_until >= instant)
    return (_PENDING, deliveries.c.next_attempt_at <= instant, deliveries.c.id.not_in(taken))


def _due_of(channel_id: str, instant: Any) -> Select[Any]:
    """Ids of one channel's messages that are due and that nobody holds, longest due first."""
    query = select(deliveries.c.id).where(deliveries.c.channel_id == channel_id, *_due(instant))
    return query.order_by(deliveries.c.next_attempt_at, deliveries.c.id)


def due_of(conn: Connection, channel_id: str, *, now: datetime, limit: int) -> list[int]:
    """Ids of the channel's messages that are due and that nobody holds, longest due first; may it send or not."""
    return list(conn.execute(_due_of(channel_id, now_sql(conn, now)).limit(limit)).scalars())


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The message that a channel would send next; its row is locked until the transaction ends."""

    id: int
    digest_id: int
    subscription_id: str
    immediate: bool
    created_at: datetime


def oldest(conn: Connection, channel_id: str, *, now: datetime) -> Candidate | None:
    """The channel's longest due message that nobody holds or is looking at."""
    picked = _due_of(channel_id, now_sql(conn, now)).limit(1).with_for_update(skip_locked=True)
    found = conn.execute(picked).scalar_one_or_none()
    if found is None:
        return None
    columns = (deliveries.c.digest_id, deliveries.c.created_at, digests.c.subscription_id, digests.c.immediate)
    row = conn.execute(select(*columns).join(digests).where(deliveries.c.id == found)).one()
    return Candidate(id=found, **row._mapping)


def stopped(conn: Connection, subscription_id: str, address_key: str | None) -> str | None:
    """Why nothing may be sent to this subscription, at this address, any more; None when it may.

    The subscription's row stays locked until the transaction ends: whoever claims a message in it does so before or
    after its reader unsubscribes, and after it not at all. The lock is not a shared one: claims that share it could
    keep the reader waiting for as long as there is something to send.
    """
    columns = (subscriptions.c.ended_at, subscriptions.c.ended_by, subscriptions.c.retired_at)
    query = select(*columns).where(subscriptions.c.id == subscription_id).with_for_update(key_share=True)
    row = conn.execute(query).one_or_none()
    if row is not None and row.ended_at is not None:
        return f"unsubscribed{f' ({row.ended_by})' if row.ended_by else ''}"
    if row is not None and row.retired_at is not None:
        return "the subscription was removed"
    if address_key is None:
        return None
    refused = select(suppressions.c.reason).where(
        suppressions.c.address_key == address_key, suppressions.c.suppressed_at.is_not(None)
    )
    why = conn.execute(refused).scalar_one_or_none()
    return None if why is None else f"the address is suppressed: {why}"


def events_of(conn: Connection, digest_id: int) -> list[int]:
    """Ids of the events that the digest tells."""
    return list(conn.execute(select(alerts.c.event_id).where(alerts.c.digest_id == digest_id)).scalars())


def withhold(conn: Connection, delivery_id: int, *, reason: str, now: datetime) -> None:
    """Never send the message, and say why."""
    values = {"state": DeliveryState.WITHHELD.value, "reason": reason, "finished_at": now, "next_attempt_at": None}
    conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


def claim(conn: Connection, delivery_id: int, *, owner: str, lease_s: float, now: datetime) -> Delivery | None:
    """Lease one message and write its attempt row; None when it is not due, held, or its channel may not send."""
    where = and_(WAITING, deliveries.c.next_attempt_at <= now_sql(conn, now))
    rows = database.claim(
        conn, deliveries, [delivery_id], owner=owner, lease_s=lease_s, now=now, where=[where], limit=1
    )
    if not rows:
        return None
    row = rows[0]
    if row.first_attempt_at is None:
        conn.execute(update(deliveries).where(deliveries.c.id == row.id).values(first_attempt_at=now))
    uncertain, unfinished = _ended_badly(conn, row.id, after=row.tries_from) if row.attempt > 1 else (0, 0)
    conn.execute(attempts.insert().values(delivery_id=row.id, number=row.attempt, started_at=now))
    both = select(channels.c.config, digests.c.immediate).select_from(deliveries).join(digests)
    both = both.join(channels, channels.c.id == deliveries.c.channel_id).where(deliveries.c.id == row.id)
    config, immediate = conn.execute(both).one()
    return Delivery(
        id=row.id,
        key=row.key,
        channel=wire.load(ChannelConfig, config),
        envelope=Envelope(message_id=row.message_id, content_type=row.content_type, body=row.body),
        attempt=row.attempt,
        tries=row.attempt - row.tries_from,
        first_attempt_at=row.first_attempt_at or now,
        immediate=immediate,
        expires_at=row.expires_at,
        uncertain=uncertain,
        unfinished=unfinished,
    )


def _ended_badly(conn: Connection, delivery_id: int, *, after: int) -> tuple[int, int]:
    """Of the attempts after that number, how many ended uncertain and how many never did."""
    columns = (
        func.count().filter(attempts.c.outcome == OutcomeKind.UNCERTAIN.value),
        func.count().filter(attempts.c.finished_at.is_(None)),
    )
    mine = (attempts.c.delivery_id == delivery_id, attempts.c.number > after)
    uncertain, unfinished = conn.execute(select(*columns).where(*mine)).one()
    return uncertain, unfinished


def finish(
    conn: Connection, delivery: Delivery, *, owner: str, outcome: Outcome, following: NextAttempt, now: datetime
) -> bool:
    """Write what the attempt came to and when the next one is; False when the lease was lost.

    The attempt row is written even then: what went out went out.
    """
    told = {"finished_at": now, "outcome": outcome.kind.value, "reason": outcome.reason, "detail": outcome.detail}
    conn.execute(
        update(attempts)
        .where(attempts.c.delivery_id == delivery.id, attempts.c.number == delivery.attempt)
        .values(**told)
    )
    values = {
        "state": following.state.value,
        "reason": following.reason,
        "next_attempt_at": following.next_attempt_at,
        "finished_at": now if following.state is not DeliveryState.PENDING else None,
    }
    return database.finish(conn, deliveries, delivery.id, owner=owner, attempt=delivery.attempt, values=values)


REMOVED = "channel removed from watcher.yml"
EXPIRED = "expired: its channel took nothing in time"


def park_unsendable(conn: Connection, *, now: datetime) -> int:
    """Set aside what waits for a channel that watcher.yml no longer names; how many."""
    gone = exists().where(channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_not(None))
    statement = update(deliveries).where(_PENDING, gone)
    values = {"state": DeliveryState.PARKED.value, "reason": REMOVED, "finished_at": now}
    return conn.execute(statement.values(**values)).rowcount


def expire(conn: Connection, *, now: datetime) -> dict[str, int]:
    """Set aside what was to be sent by now and waits for a channel that is shut; how many, by channel.

    What waits for an open channel has its last try first, and is set aside by what comes of it.
    """
    shut = or_(channels.c.disabled_reason.is_not(None), channels.c.open_until > now, channels.c.free_at > now + _LONG)
    where = (
        _PENDING,
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
    return _wake(conn, which, reason="retried by hand", now=now)


def wake_waiting(conn: Connection, channel_id: str, *, now: datetime) -> int:
    """Let what waits for a later try go at once, since the channel works again; how many. Their tries go on counting.

    What may have arrived waits on: its copy has a time of its own.
    """
    where = (
        deliveries.c.channel_id == channel_id,
        _PENDING,
        deliveries.c.next_attempt_at > now,
        deliveries.c.lease_owner.is_(None),
        deliveries.c.reason.not_like("uncertain: %"),
    )
    return conn.execute(update(deliveries).where(*where).values(next_attempt_at=now)).rowcount


def wake_channel(conn: Connection, channel_ids: Sequence[str], *, now: datetime) -> int:
    """Let what waits for channels that changed or came back go at once; how many."""
    waits = or_(deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.reason == REMOVED)
    which = and_(deliveries.c.channel_id.in_(list(channel_ids)), waits)
    return _wake(conn, which, reason="the channel changed", now=now)


def _wake(conn: Connection, which: ColumnElement[bool], *, reason: str, now: datetime) -> int:
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
