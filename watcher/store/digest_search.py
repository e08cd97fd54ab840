"""Windows as people look at them: open, sent, empty, late and parked ones, with what came of each; a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, select

from watcher.store.delivery_search import titles
from watcher.store.digests import OPEN
from watcher.store.schema import alerts, deliveries, digests
from watcher.store.subscriber_search import states_of


class Fate(StrEnum):
    """What became of a window."""

    OPEN = "open"
    SENT = "sent"
    """It has messages; how they fared is theirs to say."""
    EMPTY = "empty"
    """It closed with nothing to tell."""
    LATE = "late"
    """It was too late to be sent for itself, and went into the next one."""
    PARKED = "parked"
    """It could not be written."""


_HAS_ALERTS = exists().where(alerts.c.digest_id == digests.c.id)
_HAS_MESSAGES = exists().where(deliveries.c.digest_id == digests.c.id)
_FATES: dict[Fate, tuple[ColumnElement[bool], ...]] = {
    Fate.OPEN: (OPEN,),
    Fate.SENT: (digests.c.closed_at.is_not(None), digests.c.merged_into.is_(None), _HAS_MESSAGES),
    # immediate messages are only made to tell something
    Fate.EMPTY: (digests.c.closed_at.is_not(None), digests.c.late_at.is_not(None), ~_HAS_ALERTS, ~_HAS_MESSAGES),
    Fate.LATE: (digests.c.merged_into.is_not(None),),
    Fate.PARKED: (digests.c.parked_reason.is_not(None),),
}
_COLUMNS = (
    digests.c.id,
    digests.c.subscription_id,
    digests.c.window,
    digests.c.closes_at,
    digests.c.immediate,
    digests.c.notice,
    digests.c.created_at,
    digests.c.closed_at,
    digests.c.parked_reason,
    digests.c.late_at,
    digests.c.periods,
    digests.c.merged_into,
)


def find(
    conn: Connection, *, limit: int, fate: Fate | None = None, subscription: str = "", before: int | None = None
) -> list[dict[str, Any]]:
    """Windows newest first, each with `told` (how many alerts), the `title` of the first, and its `messages`.

    A message is (id, channel, state). `before` is the id of the last one seen.
    """
    query = select(*_COLUMNS).where(*(_FATES[fate] if fate else ()))
    if subscription:
        query = query.where(digests.c.subscription_id == subscription)
    if before is not None:
        query = query.where(digests.c.id < before)
    return _filled(conn, conn.execute(query.order_by(digests.c.id.desc()).limit(limit)).all())


def closing(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """The open windows that close next."""
    query = select(*_COLUMNS).where(OPEN).order_by(digests.c.closes_at, digests.c.id)
    return _filled(conn, conn.execute(query.limit(limit)).all())


def get(conn: Connection, digest_id: int) -> dict[str, Any] | None:
    """One window, as `find` says."""
    found = _filled(conn, conn.execute(select(*_COLUMNS).where(digests.c.id == digest_id)).all())
    return found[0] if found else None


def merged(conn: Connection, digest_id: int) -> list[int]:
    """The ids of the late windows of the same subscription that went into this one."""
    owner = select(digests.c.subscription_id).where(digests.c.id == digest_id).scalar_subquery()
    mine = (digests.c.subscription_id == owner, digests.c.merged_into == digest_id)
    return list(conn.execute(select(digests.c.id).where(*mine).order_by(digests.c.id)).scalars())


def _filled(conn: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    told, messages = titles(conn, ids), states_of(conn, ids)
    found = []
    for row in rows:
        many, title = told.get(row.id, (0, ""))
        notice = row.notice["subject"] if row.notice else ""
        known = dict(row._mapping) | {"notice": bool(row.notice), "told": many, "title": title or notice}
        found.append(known | {"messages": messages.get(row.id, [])})
    return found
