"""Deliveries and attempts as rows: the outbox, with the very bytes that are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select, update

from watcher import wire
from watcher.model import ChannelConfig, Delivery, DeliveryState, Envelope, NextAttempt, Outcome
from watcher.store import backlog, database
from watcher.store.dialect import insert
from watcher.store.schema import attempts, channels, deliveries, digests

_SENDABLE = exists().where(
    channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_(None), channels.c.disabled_reason.is_(None)
)
WAITING = and_(deliveries.c.state == DeliveryState.PENDING.value, _SENDABLE)


def delivery_key(digest_key: str, channel_id: str) -> str:
    """The stable public key of one digest on one channel: what a receiver sees at every attempt."""
    return hashlib.sha256(f"{digest_key}|{channel_id}".encode()).hexdigest()[:32]


def add(
    conn: Connection, *, digest_id: int, channel_id: str, key: str, envelope: Envelope, now: datetime
) -> int | None:
    """Put one message into the outbox; None when this digest is there for this channel already."""
    statement = insert(conn, deliveries)
    values = {
        "key": key,
        "digest_id": digest_id,
        "channel_id": channel_id,
        "state": DeliveryState.PENDING.value,
        "reason": "new",
        "message_id": envelope.message_id,
        "content_type": envelope.content_type,
        "body": envelope.body,
        "created_at": now,
        "next_attempt_at": now,
    }
    statement = statement.values(**values).on_conflict_do_nothing(index_elements=["digest_id", "channel_id"])
    return conn.execute(statement.returning(deliveries.c.id)).scalar_one_or_none()


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of messages whose next attempt is due on a channel that may send, longest due first."""
    return backlog.due(conn, deliveries, where=WAITING, due_at=deliveries.c.next_attempt_at, now=now, limit=limit)


def claim(conn: Connection, delivery_id: int, *, owner: str, lease_s: float, now: datetime) -> Delivery | None:
    """Lease one message and write its attempt row; None when it is not due, held, or its channel may not send."""
    where = and_(WAITING, deliveries.c.next_attempt_at <= database.now_sql(conn, now))
    rows = database.claim(
        conn, deliveries, [delivery_id], owner=owner, lease_s=lease_s, now=now, where=[where], limit=1
    )
    if not rows:
        return None
    row = rows[0]
    if row.first_attempt_at is None:
        conn.execute(update(deliveries).where(deliveries.c.id == row.id).values(first_attempt_at=now))
    conn.execute(attempts.insert().values(delivery_id=row.id, number=row.attempt, started_at=now))
    config = conn.execute(select(channels.c.config).where(channels.c.id == row.channel_id)).scalar_one()
    return Delivery(
        id=row.id,
        key=row.key,
        channel=wire.load(ChannelConfig, config),
        envelope=Envelope(message_id=row.message_id, content_type=row.content_type, body=row.body),
        attempt=row.attempt,
        tries=row.attempt - row.tries_from,
        first_attempt_at=row.first_attempt_at or now,
    )


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


def park_unsendable(conn: Connection, *, now: datetime) -> int:
    """Set aside what waits for a channel that watcher.yml no longer names; how many."""
    gone = exists().where(channels.c.id == deliveries.c.channel_id, channels.c.retired_at.is_not(None))
    statement = update(deliveries).where(deliveries.c.state == DeliveryState.PENDING.value, gone)
    values = {"state": DeliveryState.PARKED.value, "reason": REMOVED, "finished_at": now}
    return conn.execute(statement.values(**values)).rowcount


def retry(conn: Connection, ids: Sequence[int] | None, *, now: datetime) -> int:
    """Wake messages (every parked one without `ids`): same bytes, same id, due at once, all tries anew; how many.

    By its id also a message that waits for a later try is woken.
    """
    if ids is None:
        which = deliveries.c.state == DeliveryState.PARKED.value
    else:
        which = and_(deliveries.c.id.in_(list(ids)), deliveries.c.state != DeliveryState.SENT.value)
    return _wake(conn, which, reason="retried by hand", now=now)


def wake_channel(conn: Connection, channel_ids: Sequence[str], *, now: datetime) -> int:
    """Let what waits for channels that changed or came back go at once; how many."""
    waits = or_(deliveries.c.state == DeliveryState.PENDING.value, deliveries.c.reason == REMOVED)
    which = and_(deliveries.c.channel_id.in_(list(channel_ids)), waits)
    return _wake(conn, which, reason="the channel changed", now=now)


def _wake(conn: Connection, which: ColumnElement[bool], *, reason: str, now: datetime) -> int:
    values = {"state": DeliveryState.PENDING.value, "reason": reason, "next_attempt_at": now}
    begun = {"first_attempt_at": None, "finished_at": None, "tries_from": deliveries.c.attempt}
    return conn.execute(update(deliveries).where(which).values(**values, **begun)).rowcount


def listing(conn: Connection, *, limit: int, states: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The newest messages: what, to which channel, in which state and why; without their bytes."""
    columns = deliveries.c
    shown = (columns.id, columns.key, columns.channel_id, columns.state, columns.reason, columns.message_id)
    times = (columns.created_at, columns.first_attempt_at, columns.next_attempt_at, columns.finished_at)
    query = select(*shown, columns.attempt, *times, digests.c.subscription_id, digests.c.window).join(digests)
    if states:
        query = query.where(deliveries.c.state.in_(states))
    return [dict(row._mapping) for row in conn.execute(query.order_by(deliveries.c.id.desc()).limit(limit))]


def show(conn: Connection, delivery_id: int) -> dict[str, Any] | None:
    """One message with its bytes (as text) and every attempt."""
    row = conn.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        return None
    tries = conn.execute(select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number))
    told = {name: value for name, value in row._mapping.items() if not name.startswith("lease_")}
    return told | {"body": row.body.decode("utf-8", "replace"), "attempts": [dict(one._mapping) for one in tries]}


def states(conn: Connection) -> dict[str, int]:
    """How many messages are in each state."""
    query = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return {row[0]: row[1] for row in conn.execute(query)}
