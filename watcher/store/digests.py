"""Alerts and digests as rows: which event concerns which subscription, and in which window it is told."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from watcher import wire
from watcher.model import Notice, Window
from watcher.store import backlog, database
from watcher.store.dialect import insert
from watcher.store.schema import alerts, deliveries, digests
from watcher.store.subscriptions import OPS

_NOTICE_KEY = 70
OPEN = and_(digests.c.closed_at.is_(None), digests.c.parked_reason.is_(None), digests.c.held_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    id: int
    event_id: int
    revision: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedDigest:
    """A digest whose window has closed and whose messages are not written yet."""

    id: int
    key: str
    subscription_id: str
    window: Window
    immediate: bool
    notice: Notice | None
    attempt: int
    periods: int = 1
    """How many periods of its schedule it covers: more than one after an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A digest to be opened, if it is not there yet."""

    subscription_id: str
    window: Window
    immediate: bool
    late_at: datetime | None = None


def open_window(
    conn: Connection,
    subscription_id: str,
    window: Window,
    *,
    immediate: bool,
    now: datetime,
    late_at: datetime | None = None,
) -> int | None:
    """The id of the subscription's digest for that window, made when it is new; None when it has closed already.

    The row stays locked until the transaction ends, so that it cannot close under an alert that is being added.
    """
    one = Opening(subscription_id=subscription_id, window=window, immediate=immediate, late_at=late_at)
    return open_windows(conn, [one], now=now).get(subscription_id)


def open_windows(conn: Connection, openings: Sequence[Opening], *, now: datetime) -> dict[str, int]:
    """As `open_window` for one window each of many subscriptions: ids by subscription, without what has closed."""
    wanted = {(one.subscription_id, one.window.key): one for one in openings}
    if not wanted:
        return {}
    _make(conn, [wanted[name] for name in sorted(wanted)], now=now)  # one order for all: no two wait in a circle
    query = select(digests.c.id, digests.c.subscription_id, digests.c.window, digests.c.closes_at).where(
        digests.c.subscription_id.in_({name for name, _ in wanted}),
        digests.c.window.in_({key for _, key in wanted}),
        OPEN,
    )
    found = {}
    for row in conn.execute(query.order_by(digests.c.id).with_for_update()).all():
        one = wanted.get((row.subscription_id, row.window))
        if one is None:
            continue
        found[row.subscription_id] = row.id
        if row.closes_at != one.window.closes_at:  # the schedule has changed since the window was opened
            moved = update(digests).where(digests.c.id == row.id)
            conn.execute(moved.values(closes_at=one.window.closes_at, late_at=one.late_at))
    return found


def _make(conn: Connection, openings: Sequence[Opening], *, now: datetime) -> None:
    rows = [
        {
            "key": uuid.uuid4().hex,
            "subscription_id": one.subscription_id,
            "window": one.window.key,
            "closes_at": one.window.closes_at,
            "immediate": one.immediate,
            "late_at": one.late_at,
            "created_at": now,
        }
        for one in openings
    ]
    conn.execute(insert(conn, digests).on_conflict_do_nothing(index_elements=["subscription_id", "window"]), rows)


def messages(conn: Connection, subscription_ids: Collection[str], *, after: datetime) -> dict[str, list[Window]]:
    """The windows that close after then, by subscription: each is a message sent or to be sent."""
    query = select(digests.c.subscription_id, digests.c.window, digests.c.closes_at).where(
        digests.c.subscription_id.in_(subscription_ids),
        digests.c.closes_at > after,
        digests.c.notice.is_(None),
        digests.c.merged_into.is_(None),
    )
    found: dict[str, list[Window]] = {}
    for row in conn.execute(query):
        found.setdefault(row.subscription_id, []).append(Window(key=row.window, closes_at=row.closes_at))
    return found


def add_notice(conn: Connection, key: str, notice: Notice, *, now: datetime) -> bool:
    """Tell `ops:` something once: a second notice with the same key is dropped. False when it was told before."""
    name = key if len(key) <= _NOTICE_KEY else hashlib.sha256(key.encode()).hexdigest()
    return _add_written(conn, OPS, Window(key=f"notice:{name}", closes_at=now), notice)


def add_letter(conn: Connection, subscription_id: str, key: str, notice: Notice, *, now: datetime) -> bool:
    """Write something to one subscription's reader at once, whatever its hours: one letter for each key."""
    return _add_written(conn, subscription_id, Window(key=f"letter:{key}", closes_at=now), notice)


def _add_written(conn: Connection, subscription_id: str, window: Window, notice: Notice) -> bool:
    values = {
        "key": uuid.uuid4().hex,
        "subscription_id": subscription_id,
        "window": window.key,
        "closes_at": window.closes_at,
        "immediate": True,
        "notice": wire.dump(notice),
        "created_at": window.closes_at,
    }
    statement = insert(conn, digests).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["subscription_id", "window"])
    return conn.execute(statement.returning(digests.c.id)).first() is not None


def add_alert(
    conn: Connection,
    *,
    subscription_id: str,
    event_id: int,
    revision: int,
    reason: str,
    digest_id: int,
    now: datetime,
) -> None:
    """Say that the event concerns the subscription."""
    add_alerts(conn, {subscription_id: (digest_id, reason)}, event_id=event_id, revision=revision, now=now)


def add_alerts(
    conn: Connection, told: Mapping[str, tuple[int, str]], *, event_id: int, revision: int, now: datetime
) -> None:
    """Say that the event concerns these subscriptions: in which digest each is told, and why."""
    if not told:
        return
    rows = [
        {
            "subscription_id": subscription_id,
            "event_id": event_id,
            "revision": revision,
            "reason": reason,
            "digest_id": digest_id,
            "created_at": now,
        }
        for subscription_id, (digest_id, reason) in told.items()
    ]
    named = ["subscription_id", "event_id", "revision"]
    conn.execute(insert(conn, alerts).on_conflict_do_nothing(index_elements=named), rows)


def alerted(conn: Connection, event_id: int) -> dict[str, int]:
    """The newest revision of the event of which each subscription has an alert, by subscription."""
    query = (
        select(alerts.c.subscription_id, func.max(alerts.c.revision))
        .where(alerts.c.event_id == event_id)
        .group_by(alerts.c.subscription_id)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def untold(conn: Connection, event_id: int, subscription_ids: Collection[str]) -> dict[str, int]:
    """The digests, still open, that are to tell the event to those subscriptions, by subscription; locked.

    What is new about the event belongs there too: its reader is told once, and the newest state.
    """
    query = (
        select(alerts.c.subscription_id, alerts.c.digest_id)
        .join(digests, digests.c.id == alerts.c.digest_id)
        .where(alerts.c.event_id == event_id, alerts.c.subscription_id.in_(subscription_ids), OPEN)
        .order_by(alerts.c.digest_id)
    )
    return {row[0]: row[1] for row in conn.execute(query.with_for_update(of=digests)).all()}


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of digests whose window has closed and whose messages are not written yet, longest due first."""
    return backlog.due(
        conn, digests, where=and_(OPEN, _in_time(conn, now)), due_at=digests.c.closes_at, now=now, limit=limit
    )


def _in_time(conn: Connection, now: datetime) -> ColumnElement[bool]:
    """What is later than that is merged into the next digest, by the sweep."""
    return or_(digests.c.late_at.is_(None), digests.c.late_at > database.now_sql(conn, now))


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[ClaimedDigest]:
    """Lease those of `ids` that are due and still open: those never tried, or those tried `before`."""
    due_now = digests.c.closes_at <= database.now_sql(conn, now)
    where = and_(OPEN, due_now, _in_time(conn, now), backlog.tried(digests, before))
    rows = database.claim(conn, digests, ids, owner=owner, lease_s=lease_s, now=now, where=[where], limit=len(ids))
    return [
        ClaimedDigest(
            id=row.id,
            key=row.key,
            subscription_id=row.subscription_id,
            window=Window(key=row.window, closes_at=row.closes_at),
            immediate=row.immediate,
            notice=wire.load(Notice, row.notice) if row.notice else None,
            attempt=row.attempt,
            periods=row.periods,
        )
        for row in sorted(rows, key=lambda row: row.id)
    ]


def alerts_of(conn: Connection, digest_id: int) -> list[AlertRow]:
    """The digest's alerts in the order they came."""
    return [
        AlertRow(id=row.id, event_id=row.event_id, revision=row.revision, reason=row.reason)
        for row in conn.execute(_ALERTS_OF, {"digest": digest_id})
    ]


_ALERTS_OF = select(alerts).where(alerts.c.digest_id == bindparam("digest")).order_by(alerts.c.id)


def withdraw(conn: Connection, alert_ids: Collection[int]) -> None:
    """Forget alerts of an open digest, as if they had never been raised."""
    conn.execute(delete(alerts).where(alerts.c.id.in_(alert_ids)))


def told_before(conn: Connection, subscription_id: str, event_ids: Sequence[int], digest_id: int) -> Mapping[int, int]:
    """The newest revision that other digests of the subscription told, by event id: those with messages, no others."""
    given = {"subscription": subscription_id, "events": list(event_ids), "digest": digest_id}
    return {row[0]: row[1] for row in conn.execute(_TOLD_BEFORE, given)}


_TOLD_BEFORE = (
    select(alerts.c.event_id, func.max(alerts.c.revision))
    .where(
        alerts.c.subscription_id == bindparam("subscription"),
        alerts.c.event_id.in_(bindparam("events", expanding=True)),
        alerts.c.digest_id != bindparam("digest"),
        exists().where(deliveries.c.digest_id == alerts.c.digest_id),
    )
    .group_by(alerts.c.event_id)
)


def lock(conn: Connection, digest: ClaimedDigest) -> None:
    """Hold the digest's row until the transaction ends, so that no alert is added while its messages are written."""
    conn.execute(select(digests.c.id).where(digests.c.id == digest.id).with_for_update()).one()


def finish(conn: Connection, digest: ClaimedDigest, *, owner: str, now: datetime) -> bool:
    """Close the digest; False when the lease was lost."""
    return database.finish(
        conn, digests, digest.id, owner=owner, attempt=digest.attempt, values={"closed_at": now, "attempt": 0}
    )


def put_off(conn: Connection, digest: ClaimedDigest, *, owner: str, until: datetime, tried: bool = True) -> bool:
    """Free the digest for another try not before `until`."""
    values: dict[str, Any] = {"lease_until": until}  # an unowned lease is only a wait
    if not tried:
        values["attempt"] = 0
    return database.finish(conn, digests, digest.id, owner=owner, attempt=digest.attempt, values=values)


def park(conn: Connection, digest: ClaimedDigest, *, owner: str, reason: str) -> bool:
    """Set a digest aside that could not be written again and again; its alerts stay."""
    values = {"parked_reason": reason}
    return database.finish(conn, digests, digest.id, owner=owner, attempt=digest.attempt, values=values)


def release(conn: Connection, digest: ClaimedDigest, *, owner: str) -> bool:
    """Free a digest that was not written after all; it waits as if it had never been claimed."""
    return database.finish(conn, digests, digest.id, owner=owner, attempt=digest.attempt, values={"attempt": 0})


def wake_parked(conn: Connection) -> int:
    """Let parked digests be written again; how many."""
    statement = update(digests).where(digests.c.parked_reason.is_not(None))
    return conn.execute(statement.values(parked_reason=None, attempt=0, lease_until=None)).rowcount


def close_now(conn: Connection, subscription_id: str, *, now: datetime) -> int:
    """Let the subscription's open digests close at once instead of at their hour; how many.

    The window itself stays free, so that what comes until its hour is still told at that hour.
    """
    statement = update(digests).where(OPEN, digests.c.subscription_id == subscription_id, digests.c.closes_at > now)
    early = digests.c.window + literal(" early ") + cast(digests.c.id, String)
    return conn.execute(statement.values(closes_at=now, window=early, late_at=None)).rowcount


def waiting(conn: Connection, subscription_id: str) -> list[dict[str, Any]]:
    """The subscription's open digests, the next to close first: window, when it closes, how many alerts."""
    count = select(func.count()).where(alerts.c.digest_id == digests.c.id).scalar_subquery()
    query = select(digests.c.window, digests.c.closes_at, count.label("alerts"))
    query = query.where(OPEN, digests.c.subscription_id == subscription_id)
    return [dict(row._mapping) for row in conn.execute(query.order_by(digests.c.closes_at, digests.c.id))]


def listing(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """The newest digests with the number of their alerts and the states of their deliveries."""
    count = select(func.count()).where(alerts.c.digest_id == digests.c.id).scalar_subquery()
    query = select(digests, count.label("alerts")).order_by(digests.c.id.desc()).limit(limit)
    rows = conn.execute(query).all()
    states: dict[int, list[str]] = {}
    wanted = select(deliveries.c.digest_id, deliveries.c.channel_id, deliveries.c.state)
    for digest_id, channel, state in conn.execute(wanted.where(deliveries.c.digest_id.in_([row.id for row in rows]))):
        states.setdefault(digest_id, []).append(f"{channel}: {state}")
    columns = ("id", "key", "subscription_id", "window", "closes_at", "closed_at", "parked_reason", "alerts")
    return [{name: getattr(row, name) for name in columns} | {"deliveries": states.get(row.id, [])} for row in rows]
