"""What is kept back after the database was restored from a backup, until a person lets it go or drops it.

Between the backup and the restore the service told people what the rows no longer know of. Which row may be one of
those is decided in `watcher.pipeline.restore_guard`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from watcher.model import DeliveryState
from watcher.store import deliveries as delivery_rows
from watcher.store import overview
from watcher.store.schema import (
    alerts,
    deliveries,
    digests,
    event_sources,
    events,
    feeds,
    hosts,
    hubs,
    items,
    pages,
    pushes,
    service,
)

_ROW = "restore_guard"
_LEASED = (feeds, items, pages, hubs, pushes, events, digests, deliveries)
HELD = and_(
    deliveries.c.state != literal_column("'sent'"),  # what the index of unsent messages asks for, to the letter
    deliveries.c.state == DeliveryState.HELD.value,
)
REASON = "the database was restored: this may have been sent since the backup"
DROPPED = "dropped after the database was restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A restore, as long as it matters."""

    taken_at: datetime
    """When the backup was made: what the rows know."""
    restored_at: datetime
    settled_at: datetime | None = None
    """When a person dropped what was held; from then on what may have been told is stored in silence."""

    @property
    def holds(self) -> bool:
        """Whether somebody still has to decide."""
        return self.settled_at is None


def guard(conn: Connection) -> Guard | None:
    """The restore that matters now; None in a database that never was restored, or whose rows were let go."""
    kept = overview.remembered(conn, _ROW)
    if not kept:
        return None
    instants = {name: datetime.fromisoformat(value) for name, value in kept.items() if value}
    return Guard(**instants)


def _remember(conn: Connection, one: Guard) -> None:
    settled = one.settled_at.isoformat() if one.settled_at else None
    times = {"taken_at": one.taken_at.isoformat(), "restored_at": one.restored_at.isoformat(), "settled_at": settled}
    overview.remember(conn, _ROW, times)


# ── taking hold ──────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(conn: Connection, *, taken_at: datetime, restored_at: datetime) -> None:
    """Keep back all that waited when the backup was made, and let every feed be read whole again.

    In the transaction that fills the tables. A digest whose window closes later was sent by nobody and stays.
    """
    _remember(conn, Guard(taken_at=taken_at, restored_at=restored_at))
    for table in _LEASED:
        held = or_(table.c.lease_owner.is_not(None), table.c.lease_until.is_not(None))
        conn.execute(update(table).where(held).values(lease_owner=None, lease_until=None))
    conn.execute(update(hosts).values(held_by=None, held_until=None))
    _rewind(conn, restored_at)
    page_waits = exists().where(pages.c.item_id == items.c.id, pages.c.state == "waiting")
    unread = or_(items.c.classified_at.is_(None), page_waits)
    conn.execute(update(items).where(unread, items.c.history.is_(False)).values(held_at=restored_at))
    waiting = and_(events.c.alerted_revision < events.c.revision, events.c.history.is_(False))
    conn.execute(update(events).where(waiting).values(held_revision=events.c.revision))
    closed = and_(digests.c.closed_at.is_(None), digests.c.closes_at <= restored_at)
    conn.execute(update(digests).where(closed).values(held_at=restored_at))
    values = {"state": DeliveryState.HELD.value, "reason": REASON, "next_attempt_at": None}
    conn.execute(update(deliveries).where(deliveries.c.state == DeliveryState.PENDING.value).values(**values))


def _rewind(conn: Connection, now: datetime) -> None:
    """Forget the validators, so that no 304 hides what came since; a feed that failed keeps its time."""
    known = {"etag": None, "last_modified": None, "last_full_at": None, "caught_up_at": None, "slot_at": None}
    conn.execute(update(feeds).values(**known))
    due = {"next_poll_at": now, "next_poll_reason": "restored from a backup"}
    conn.execute(update(feeds).where(feeds.c.error_count == 0, feeds.c.next_poll_at > now).values(**due))


def going_out(conn: Connection, story_id: int) -> set[int]:
    """Ids of the story's events that wait to be told and are not kept back."""
    free = or_(events.c.held_revision.is_(None), events.c.held_revision < events.c.revision)
    waiting = and_(events.c.story_id == story_id, events.c.alerted_revision < events.c.revision, free)
    return set(conn.execute(select(events.c.id).where(waiting)).scalars())


def keep_back(conn: Connection, event_ids: Collection[int]) -> None:
    """Tell nobody of these events' present revisions before a person has decided."""
    waiting = and_(events.c.id.in_(event_ids), events.c.alerted_revision < events.c.revision)
    conn.execute(update(events).where(waiting).values(held_revision=events.c.revision))


# ── what is held ─────────────────────────────────────────────────────────────────────────────────────────────────────


def counts(conn: Connection) -> dict[str, int]:
    """Rows that are kept back: `events`, `digests`, `deliveries`, `items` (unread), and `feeds` not read again yet."""
    unread = and_(items.c.held_at.is_not(None), items.c.classified_at.is_(None))
    asked = {
        "events": select(func.count()).select_from(events).where(events.c.held_revision.is_not(None), _WAITS),
        "digests": select(func.count()).select_from(digests).where(digests.c.held_at.is_not(None)),
        "deliveries": select(func.count()).select_from(deliveries).where(HELD),
        "items": select(func.count()).select_from(items).where(unread),
        "feeds": select(func.count()).select_from(feeds).where(_BEHIND),
    }
    return {name: int(conn.execute(query).scalar_one()) for name, query in asked.items()}


_WAITS = and_(events.c.alerted_revision < events.c.revision, events.c.held_revision >= events.c.revision)
_BEHIND = and_(feeds.c.caught_up_at.is_(None), feeds.c.retired_at.is_(None), feeds.c.disabled_reason.is_(None))


def listing(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """What would go out, oldest first: `kind`, `id`, `since`, `what`, and `where` it goes if that is known."""
    found: list[dict[str, Any]] = []
    for query in (_messages(), _digests(), _events()):
        rows = conn.execute(query.limit(limit - len(found))).mappings() if len(found) < limit else ()
        found += [dict(row) for row in rows]
    return found


def _messages() -> Select[Any]:
    told = (digests.c.subscription_id + " " + digests.c.window).label("what")
    columns = (deliveries.c.id, deliveries.c.created_at.label("since"), told, deliveries.c.channel_id.label("where"))
    query = select(literal_column("'delivery'").label("kind"), *columns).join(digests)
    return query.where(HELD).order_by(deliveries.c.id)


def _digests() -> Select[Any]:
    told = select(func.count()).where(alerts.c.digest_id == digests.c.id).scalar_subquery().label("alerts")
    columns = (digests.c.id, digests.c.closes_at.label("since"), digests.c.window.label("what"), told)
    query = select(literal_column("'digest'").label("kind"), *columns, digests.c.subscription_id.label("where"))
    return query.where(digests.c.held_at.is_not(None)).order_by(digests.c.id)


def _events() -> Select[Any]:
    published = select(
        func.min(func.coalesce(items.c.published_at, items.c.first_seen_at, type_=items.c.first_seen_at.type))
    )
    published = published.join(event_sources, event_sources.c.item_id == items.c.id)
    since = published.where(event_sources.c.event_id == events.c.id).scalar_subquery().label("since")
    columns = (events.c.id, since, events.c.title.label("what"), events.c.rule_id.label("where"))
    query = select(literal_column("'event'").label("kind"), *columns)
    return query.where(events.c.held_revision.is_not(None), _WAITS).order_by(events.c.id)


# ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────────────


def release(conn: Connection, *, now: datetime) -> dict[str, int]:
    """Let everything go out, each message under the id that it had; how many rows of each kind."""
    found = counts(conn)
    delivery_rows.wake(conn, HELD, reason="let go after a restore", now=now)
    conn.execute(update(digests).where(digests.c.held_at.is_not(None)).values(held_at=None))
    conn.execute(update(events).where(events.c.held_revision.is_not(None)).values(held_revision=None))
    conn.execute(update(items).where(items.c.held_at.is_not(None)).values(held_at=None))
    conn.execute(delete(service).where(service.c.name == _ROW))
    return found


def drop(conn: Connection, *, now: datetime) -> dict[str, int]:
    """Tell nobody of what is held; how many rows of each kind. The events stay, and what changes in them is told.

    Feeds that were not read since the restore bring what was there before it in silence.
    """
    found = counts(conn)
    over = {"state": DeliveryState.WITHHELD.value, "reason": DROPPED, "finished_at": now, "next_attempt_at": None}
    conn.execute(update(deliveries).where(HELD).values(**over))
    closed = {"held_at": None, "closed_at": now, "parked_reason": None}
    conn.execute(update(digests).where(digests.c.held_at.is_not(None)).values(**closed))
    held = events.c.held_revision.is_not(None)
    told = and_(held, events.c.alerted_revision < events.c.held_revision)
    conn.execute(update(events).where(told).values(alerted_revision=events.c.held_revision, parked_reason=None))
    conn.execute(update(events).where(held).values(held_revision=None))
    unread = and_(items.c.held_at.is_not(None), _unread())
    conn.execute(update(items).where(unread).values(history=True))
    conn.execute(update(items).where(items.c.held_at.is_not(None)).values(held_at=None))
    before = guard(conn)
    if before is not None:
        _remember(conn, Guard(taken_at=before.taken_at, restored_at=before.restored_at, settled_at=now))
    return found


def _unread() -> ColumnElement[bool]:
    page_waits = exists().where(pages.c.item_id == items.c.id, pages.c.state == "waiting")
    return or_(items.c.classified_at.is_(None), page_waits)
