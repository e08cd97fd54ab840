"""WebSub hubs as rows: what we have agreed with them, and the documents that they sent.

What a hub's words come to is decided by `watcher.fetch.hub`; here it is written, and read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, literal, or_, select, update

from watcher.model import Hub, HubMode, HubState, HubStep, Push
from watcher.store import backlog, database, tallies
from watcher.store import feeds as feed_rows
from watcher.store.dialect import insert
from watcher.store.schema import Instant, feeds, hubs, pushes

LIVE = hubs.c.state != "ended"
UNREAD = pushes.c.done_at.is_(None)
PUSHED = "pushed"
"""The reason of a poll that is late because a hub is trusted to push."""
_OVER = ("leaving", "ended")
_FOLLOWED = hubs.c.state.not_in(_OVER)
_SOONER = timedelta(hours=1)
_JUST_NOW = timedelta(minutes=5)
"""A poll that brings something so soon after a push may have been faster than the next push."""


def _hub(row: Row[Any]) -> Hub:
    return Hub(
        id=row.id,
        feed_id=row.feed_id,
        hub_url=row.hub_url,
        topic_url=row.topic_url,
        token=row.token,
        secret=row.secret,
        state=HubState(row.state),
        tries=row.tries,
        callback_url=row.callback_url,
        asked_mode=HubMode(row.asked_mode) if row.asked_mode else None,
        asked_at=row.asked_at,
        slot_at=row.slot_at,
        expires_at=row.expires_at,
        attempt=row.attempt,
    )


def _values(step: HubStep) -> dict[str, Any]:
    return {
        "state": step.state.value,
        "reason": step.reason,
        "tries": step.tries,
        "next_ask_at": step.next_ask_at,
        "slot_at": None,
    }


# ── what feeds announce ──────────────────────────────────────────────────────────────────────────────────────────────


def want(
    conn: Connection, feed_id: int, *, hub_url: str, topic_url: str, token: str, secret: str, reason: str, now: datetime
) -> None:
    """Ask this hub for the feed, as soon as may be; one that is wanted already stays as it is."""
    row = {
        "feed_id": feed_id,
        "hub_url": hub_url,
        "topic_url": topic_url,
        "token": token,
        "secret": secret,
        "state": HubState.WANTED.value,
        "reason": reason,
        "next_ask_at": now,
    }
    conn.execute(insert(conn, hubs).values(row).on_conflict_do_nothing())


def followed(conn: Connection, feed_id: int) -> Hub | None:
    """The feed's hub, whatever its state, but for those that are being left."""
    row = conn.execute(_FOLLOWED_BY, {"feed": feed_id}).one_or_none()
    return _hub(row) if row else None


_FOLLOWED_BY = select(hubs).where(hubs.c.feed_id == bindparam("feed"), _FOLLOWED)
"""Asked at every poll that brings a document, so it is made once."""


def leave(conn: Connection, feed_id: int, *, reason: str, now: datetime) -> None:
    """Stop: a hub that was ever asked is asked to push no more, another is forgotten at once."""
    _leave(conn, hubs.c.feed_id == feed_id, reason=reason, now=now)
    _distrust(conn, hubs.c.feed_id == feed_id, due_at=now)


def _leave(conn: Connection, where: Any, *, reason: str, now: datetime) -> None:
    state = case((hubs.c.asked_at.is_(None), HubState.ENDED.value), else_=HubState.LEAVING.value)
    values = {"state": state, "reason": reason, "tries": 0, "next_ask_at": now}
    conn.execute(update(hubs).where(where, _FOLLOWED).values(**values))


def keep_in_step(conn: Connection, *, public_url: str | None, unfollowed: str, addressless: str, now: datetime) -> None:
    """Leave the hubs of feeds that nobody follows; ask anew where our own address is known now, or has changed.

    `unfollowed` and `addressless` are the reasons for the one and of those that wait for the other.
    """
    gone = select(feeds.c.id).where(or_(feeds.c.retired_at.is_not(None), feeds.c.disabled_reason.is_not(None)))
    _leave(conn, hubs.c.feed_id.in_(gone), reason=unfollowed, now=now)
    if public_url is None:
        return
    ours = literal(f"{public_url.rstrip('/')}/push/") + hubs.c.token
    elsewhere = and_(hubs.c.callback_url.is_not(None), hubs.c.callback_url != ours)
    conn.execute(
        update(hubs)
        .where(_FOLLOWED, hubs.c.next_ask_at > now, or_(elsewhere, hubs.c.reason == addressless))
        .values(next_ask_at=now, tries=0)
    )


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of hubs that are to be asked (again) and that nobody holds, longest due first."""
    return backlog.due(conn, hubs, where=LIVE, due_at=hubs.c.next_ask_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[Hub]:
    """Lease those of `ids` that are due, either the ones never tried or the ones tried `before` without an end."""
    where = and_(LIVE, hubs.c.next_ask_at <= database.now_sql(conn, now), backlog.tried(hubs, before))
    rows = database.claim(conn, hubs, ids, owner=owner, lease_s=lease_s, now=now, where=[where], limit=len(ids))
    return [_hub(row) for row in rows]


def open_request(
    conn: Connection, hub: Hub, *, owner: str, mode: HubMode, callback_url: str, now: datetime
) -> Hub | None:
    """Note what is asked before it is asked, since a hub may verify it before it answers; None: the lease was lost."""
    statement = (
        update(hubs)
        .where(hubs.c.id == hub.id, hubs.c.lease_owner == owner, hubs.c.attempt == hub.attempt)
        .values(asked_mode=mode.value, asked_at=now, callback_url=callback_url)
        .returning(*hubs.c)
    )
    row = conn.execute(statement).one_or_none()
    return _hub(row) if row else None


def finish(conn: Connection, hub: Hub, *, owner: str, step: HubStep) -> bool:
    """Write what the request came to and free the lease; False when the lease was lost.

    What the hub said on the callback meanwhile, or what its feed has announced, is newer and stands.
    """
    row = conn.execute(select(hubs).where(hubs.c.id == hub.id).with_for_update()).one()
    spoke = hub.asked_at is not None and row.verified_at is not None and row.verified_at >= hub.asked_at
    stands = spoke or row.state != hub.state.value
    values = {"attempt": 0} | ({} if stands else _values(step))
    return database.finish(conn, hubs, hub.id, owner=owner, attempt=hub.attempt, values=values)


def wait_turn(conn: Connection, hub: Hub, *, owner: str, until: datetime, slot_at: datetime) -> bool:
    """Free a hub whose host has no time now, with its place in the host's queue."""
    values = {"attempt": 0, "next_ask_at": until, "slot_at": slot_at}
    return database.finish(conn, hubs, hub.id, owner=owner, attempt=hub.attempt, values=values)


# ── the callback ─────────────────────────────────────────────────────────────────────────────────────────────────────


def by_token(conn: Connection, token: str) -> Hub | None:
    """The subscription whose callback ends so."""
    row = conn.execute(select(hubs).where(hubs.c.token == token)).one_or_none()
    return _hub(row) if row else None


def spoken(conn: Connection, hub: Hub, step: HubStep, *, expires_at: datetime | None, now: datetime) -> None:
    """Write what the hub said on the callback: it goes before what any request is waiting for."""
    values = _values(step) | {"verified_at": now, "expires_at": expires_at}
    conn.execute(update(hubs).where(hubs.c.id == hub.id).values(**values))
    if step.state is HubState.ACTIVE:
        renewed = update(feeds).where(feeds.c.id == hub.feed_id, feeds.c.pushed_until.is_not(None))
        conn.execute(renewed.values(pushed_until=expires_at))
    elif hub.state not in (HubState.LEAVING, HubState.ENDED):
        _distrust(conn, hubs.c.id == hub.id, due_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What of a hub waits to be read."""

    count: int
    size: int
    """In bytes."""


def waiting(conn: Connection, hub_id: int) -> Unread:
    """How much of the hub waits to be read."""
    query = select(func.count(), func.coalesce(func.sum(func.length(pushes.c.body)), 0))
    count, size = conn.execute(query.where(pushes.c.hub_id == hub_id, UNREAD)).one()
    return Unread(count=count, size=int(size))


def add_push(
    conn: Connection, hub_id: int, *, content_type: str | None, body: bytes, digest: str, now: datetime
) -> bool:
    """Keep a document until it is read; False when the hub sent these very bytes before, within the last day."""
    row = {"hub_id": hub_id, "content_type": content_type, "body": body, "digest": digest, "received_at": now}
    statement = insert(conn, pushes).values(row).on_conflict_do_nothing().returning(pushes.c.id)
    added = conn.execute(statement).one_or_none() is not None
    if added:
        conn.execute(update(hubs).where(hubs.c.id == hub_id).values(pushed_at=now))
    return added


def count_dropped(conn: Connection, hub_id: int) -> None:
    """Count a document that was not signed with the hub's secret."""
    conn.execute(update(hubs).where(hubs.c.id == hub_id).values(dropped=hubs.c.dropped + 1))
    tallies.add(conn, "pushes_dropped", {"": 1})


# ── reading what was pushed ──────────────────────────────────────────────────────────────────────────────────────────


def unread(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of pushed documents that wait to be read and that nobody holds, oldest first."""
    return backlog.due(conn, pushes, where=UNREAD, due_at=pushes.c.received_at, now=now, limit=limit)


def claim_pushes(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[Push]:
    """Lease those of `ids` that wait, with their feeds: those never tried, or tried `before` without an end."""
    where = and_(UNREAD, backlog.tried(pushes, before))
    rows = database.claim(conn, pushes, ids, owner=owner, lease_s=lease_s, now=now, where=[where], limit=len(ids))
    return [_push(conn, row) for row in rows]


def _push(conn: Connection, row: Row[Any]) -> Push:
    query = select(hubs.c.topic_url, hubs.c.feed_id, feeds.c.retired_at, feeds.c.disabled_reason).join(feeds)
    hub = conn.execute(query.where(hubs.c.id == row.hub_id)).one()
    return Push(
        id=row.id,
        hub_id=row.hub_id,
        feed=feed_rows.get(conn, hub.feed_id),
        live=hub.retired_at is None and hub.disabled_reason is None,
        topic_url=hub.topic_url,
        content_type=row.content_type,
        body=row.body or b"",
        received_at=row.received_at,
        attempt=row.attempt,
    )


def overtaken(conn: Connection, push: Push) -> bool:
    """Whether the feed was polled, or a later document of the hub read, after this one came: it may be out of date."""
    feed = feed_rows.get(conn, push.feed.id)
    if feed.last_polled_at is not None and feed.last_polled_at > push.received_at:
        return True
    later = select(pushes.c.id).where(
        pushes.c.hub_id == push.hub_id, pushes.c.received_at > push.received_at, pushes.c.done_at.is_not(None)
    )
    return conn.execute(later.limit(1)).one_or_none() is not None


def finish_push(conn: Connection, push: Push, *, owner: str, reason: str, now: datetime) -> bool:
    """Mark the document read and drop its bytes; False when the lease was lost."""
    values = {"done_at": now, "reason": reason, "body": None, "attempt": 0}
    return database.finish(conn, pushes, push.id, owner=owner, attempt=push.attempt, values=values)


def put_off_push(conn: Connection, push: Push, *, owner: str, until: datetime, reason: str) -> bool:
    """Let nobody read the document before `until`; the try counts."""
    values = {"lease_until": until, "reason": reason}
    return database.finish(conn, pushes, push.id, owner=owner, attempt=push.attempt, values=values)


# ── whether a hub can be trusted ─────────────────────────────────────────────────────────────────────────────────────


def trust(conn: Connection, push: Push, *, now: datetime) -> None:
    """The hub has brought a document that could be read: while its lease runs, polls of the feed may be rare."""
    until = select(hubs.c.expires_at).where(
        hubs.c.id == push.hub_id, hubs.c.state == HubState.ACTIVE.value, hubs.c.expires_at > now
    )
    found = conn.execute(until).scalar_one_or_none()
    if found is not None:
        conn.execute(update(feeds).where(feeds.c.id == push.feed.id).values(pushed_until=found))


def missed(conn: Connection, feed_id: int, *, now: datetime) -> bool:
    """A poll has found items: if the feed's hub should have pushed them, it is trusted no more until it pushes again.

    Whether it was so. What has arrived within the last minutes may only have been overtaken by the poll.
    """
    quiet = or_(hubs.c.pushed_at.is_(None), hubs.c.pushed_at < now - _JUST_NOW)
    silent = and_(hubs.c.feed_id == feed_id, hubs.c.state == HubState.ACTIVE.value, quiet)
    return _distrust(conn, silent, due_at=now + _SOONER)


def _distrust(conn: Connection, where: Any, *, due_at: datetime) -> bool:
    """Poll the feeds of those hubs as if there were none, one that is late for them at `due_at`; whether there were."""
    late = and_(feeds.c.next_poll_reason == PUSHED, feeds.c.next_poll_at > due_at)
    sooner = case((late, literal(due_at, Instant())), else_=feeds.c.next_poll_at)
    values = {"pushed_until": None, "next_poll_at": sooner}
    trusted = feeds.c.id.in_(select(hubs.c.feed_id).where(where)) & feeds.c.pushed_until.is_not(None)
    return conn.execute(update(feeds).where(trusted).values(**values)).rowcount > 0


# ── looking back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def forget(conn: Connection, *, before: datetime, limit: int) -> None:
    """Delete documents read before that time, and hubs left before it of which nothing is kept, a few at a time."""
    done = select(pushes.c.id).where(pushes.c.done_at < before).order_by(pushes.c.id).limit(limit)
    conn.execute(delete(pushes).where(pushes.c.id.in_(done)))
    kept = select(pushes.c.hub_id)
    ended = select(hubs.c.id).where(hubs.c.state == HubState.ENDED.value, hubs.c.next_ask_at < before)
    ended = ended.where(hubs.c.id.not_in(kept)).order_by(hubs.c.id).limit(limit)
    conn.execute(delete(hubs).where(hubs.c.id.in_(ended)))


def by_feed(conn: Connection, *feed_ids: int) -> dict[int, dict[str, Any]]:
    """The hubs of these feeds, of all without any: url, topic, state, why, when its lease ends, when it last pushed."""
    names = ("hub_url", "topic_url", "state", "reason", "expires_at", "pushed_at", "next_ask_at")
    query = select(hubs.c.feed_id, *(hubs.c[name] for name in names)).where(_FOLLOWED)
    if feed_ids:
        query = query.where(hubs.c.feed_id.in_(feed_ids))
    return {row.feed_id: {name: getattr(row, name) for name in names} for row in conn.execute(query)}


def states(conn: Connection) -> dict[str, int]:
    """Hubs by state."""
    query = select(hubs.c.state, func.count()).group_by(hubs.c.state)
    return {row[0]: row[1] for row in conn.execute(query)}


def dropped(conn: Connection) -> int:
    """Pushed documents that were not signed with their hub's secret."""
    return int(conn.execute(select(func.coalesce(func.sum(hubs.c.dropped), 0))).scalar_one())
