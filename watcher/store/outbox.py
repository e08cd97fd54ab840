"""The claim of one message of a channel, whether it may still be sent, and what came of it.

These statements run for every message, so each is made once: putting one together takes longer than running it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Update, bindparam, exists, func, or_, select, update

from watcher import wire
from watcher.model import (
    ChannelConfig,
    Delivery,
    DeliveryState,
    Envelope,
    NextAttempt,
    Outcome,
    OutcomeKind,
)
from watcher.store import database
from watcher.store.deliveries import PENDING, WAITING, is_due
from watcher.store.schema import (
    Instant,
    attempts,
    channels,
    deliveries,
    digests,
    mutes,
    subscriptions,
    suppressions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The message that a channel would send next; its row is locked until the transaction ends."""

    id: int
    digest_id: int
    subscription_id: str
    immediate: bool


def due_of(conn: Connection, channel_id: str, *, now: datetime, limit: int) -> list[int]:
    """Ids of the channel's messages that are due and that nobody holds, longest due first; may it send or not."""
    given = {"channel": channel_id, "most": limit, "instant": now}
    return list(conn.execute(_due_of(conn.dialect.name), _asked(conn, given)).scalars())


def oldest(conn: Connection, channel_id: str, *, now: datetime) -> Candidate | None:
    """The channel's longest due message that nobody holds or is looking at."""
    row = conn.execute(_oldest(conn.dialect.name), _asked(conn, {"channel": channel_id, "instant": now})).one_or_none()
    return None if row is None else Candidate(**row._mapping)


def _clock(dialect: str) -> Any:
    return bindparam("instant", type_=Instant()) if dialect == "sqlite" else database.server_clock()


def _asked(conn: Connection, given: dict[str, Any]) -> dict[str, Any]:
    """Without the instant where the server has a clock of its own."""
    return given if conn.dialect.name == "sqlite" else {name: one for name, one in given.items() if name != "instant"}


@lru_cache(maxsize=2)
def _due_of(dialect: str) -> Select[Any]:
    query = select(deliveries.c.id).where(deliveries.c.channel_id == bindparam("channel"), *is_due(_clock(dialect)))
    return query.order_by(deliveries.c.next_attempt_at, deliveries.c.id).limit(bindparam("most", type_=None))


@lru_cache(maxsize=2)
def _oldest(dialect: str) -> Select[Any]:
    columns = (deliveries.c.id, deliveries.c.digest_id, digests.c.subscription_id, digests.c.immediate)
    mine = deliveries.c.channel_id == bindparam("channel")
    query = select(*columns).join(digests).where(mine, *is_due(_clock(dialect)))
    query = query.order_by(deliveries.c.next_attempt_at, deliveries.c.id).limit(1)
    return query.with_for_update(skip_locked=True, of=deliveries)


# ── may it still be sent ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the subscription of a message stands."""

    stopped: str | None
    """Why nothing may be sent to it any more."""
    mutes: bool
    """Whether people muted anything in it."""


def standing(
    conn: Connection, subscription_id: str, address_key: str | None, *, channel_id: str | None = None
) -> Standing:
    """Whether anything may be sent to this subscription by this channel, at this address.

    The subscription's row stays locked until the transaction ends: whoever claims a message in it does so before or
    after its reader unsubscribes, and after it not at all. The lock is not a shared one: claims that share it could
    keep the reader waiting for as long as there is something to send.
    """
    row = conn.execute(_SUBSCRIPTION, {"subscription": subscription_id}).one_or_none()
    why = None
    if row is not None and row.ended_at is not None:
        why = f"unsubscribed{f' ({row.ended_by})' if row.ended_by else ''}"
    elif row is not None and row.retired_at is not None:
        why = "the subscription was removed"
    elif row is not None and channel_id in (row.left_channels or ()):
        why = "unsubscribed from this channel"
    elif address_key is not None:
        refused = conn.execute(_REFUSED, {"address": address_key}).scalar_one_or_none()
        why = None if refused is None else f"the address is suppressed: {refused}"
    return Standing(stopped=why, mutes=row is not None and row.mutes)


_SUBSCRIPTION = (
    select(
        subscriptions.c.ended_at,
        subscriptions.c.ended_by,
        subscriptions.c.retired_at,
        subscriptions.c.left_channels,
        exists().where(mutes.c.subscription_id == subscriptions.c.id).label("mutes"),
    )
    .where(subscriptions.c.id == bindparam("subscription"))
    .with_for_update(key_share=True, of=subscriptions)
)
_REFUSED = select(suppressions.c.reason).where(
    suppressions.c.address_key == bindparam("address"), suppressions.c.suppressed_at.is_not(None)
)


def withhold(conn: Connection, delivery_id: int, *, reason: str, now: datetime) -> None:
    """Never send the message, and say why."""
    values = {"state": DeliveryState.WITHHELD.value, "reason": reason, "finished_at": now, "next_attempt_at": None}
    conn.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))


# ── the claim ────────────────────────────────────────────────────────────────────────────────────────────────────────


def claim(conn: Connection, delivery_id: int, *, owner: str, lease_s: float, now: datetime) -> Delivery | None:
    """Lease one message and write its attempt row; None when it is not due, held, or its channel may not send."""
    given = {"row": delivery_id, "owner": owner, "moment": now}
    if conn.dialect.name == "sqlite":
        given |= {"instant": now, "until": now + timedelta(seconds=lease_s)}
    else:
        given |= {"seconds": lease_s}
    row = conn.execute(_claiming(conn.dialect.name), given).one_or_none()
    if row is None:
        return None
    uncertain, unfinished = _ended_badly(conn, row.id, after=row.tries_from) if row.attempt > 1 else (0, 0)
    conn.execute(attempts.insert(), {"delivery_id": row.id, "number": row.attempt, "started_at": now})
    way = conn.execute(_WAY, {"row": row.id}).one()
    return Delivery(
        id=row.id,
        key=row.key,
        channel=wire.load(ChannelConfig, way.config),
        envelope=Envelope(message_id=row.message_id, content_type=row.content_type, body=row.body),
        attempt=row.attempt,
        tries=row.attempt - row.tries_from,
        first_attempt_at=row.first_attempt_at,
        immediate=way.immediate,
        expires_at=row.expires_at,
        uncertain=uncertain,
        unfinished=unfinished,
    )


@lru_cache(maxsize=2)
def _claiming(dialect: str) -> Update:
    instant = _clock(dialect)
    until = bindparam("until", type_=Instant()) if dialect == "sqlite" else database.server_clock(bindparam("seconds"))
    free = or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until < instant)
    first = func.coalesce(deliveries.c.first_attempt_at, bindparam("moment", type_=Instant()), type_=Instant())
    values = {"lease_until": until, "lease_owner": bindparam("owner"), "attempt": deliveries.c.attempt + 1}
    statement = update(deliveries).where(deliveries.c.id == bindparam("row"), WAITING, free)
    statement = statement.where(deliveries.c.next_attempt_at <= instant).values(**values, first_attempt_at=first)
    return statement.returning(*deliveries.c)


_WAY = (
    select(channels.c.config, digests.c.immediate)
    .select_from(deliveries)
    .join(digests)
    .join(channels, channels.c.id == deliveries.c.channel_id)
    .where(deliveries.c.id == bindparam("row"))
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


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def finish(
    conn: Connection, delivery: Delivery, *, owner: str, outcome: Outcome, following: NextAttempt, now: datetime
) -> bool:
    """Write what the attempt came to and when the next one is; False when the lease was lost.

    The attempt row is written even then: what went out went out.
    """
    told = {"ended": now, "kind": outcome.kind.value, "why": outcome.reason, "words": outcome.detail}
    conn.execute(_ENDING, {"of": delivery.id, "which": delivery.attempt, **told})
    values = {
        "state": following.state.value,
        "reason": following.reason,
        "next_attempt_at": following.next_attempt_at,
        "finished_at": now if following.state is not DeliveryState.PENDING else None,
    }
    return database.finish(conn, deliveries, delivery.id, owner=owner, attempt=delivery.attempt, values=values)


_ENDING = (
    update(attempts)
    .where(attempts.c.delivery_id == bindparam("of"), attempts.c.number == bindparam("which"))
    .values(
        finished_at=bindparam("ended", type_=Instant()),
        outcome=bindparam("kind"),
        reason=bindparam("why"),
        detail=bindparam("words"),
    )
)


def wake_waiting(conn: Connection, channel_id: str, *, now: datetime) -> int:
    """Let what waits for a later try go at once, since the channel works again; how many. Their tries go on counting.

    What may have arrived waits on: its copy has a time of its own.
    """
    where = (
        deliveries.c.channel_id == channel_id,
        PENDING,
        deliveries.c.next_attempt_at > now,
        deliveries.c.lease_owner.is_(None),
        deliveries.c.reason.not_like("uncertain: %"),
    )
    return conn.execute(update(deliveries).where(*where).values(next_attempt_at=now)).rowcount
