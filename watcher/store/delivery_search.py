"""Messages as people look for them: by what they tell, to whom, when and how they stand; a page at a time.

A page ends at an id and the next one begins below it, so that no page costs more than the first. Nothing is counted
over the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, func, literal_column, select

from watcher.model import DeliveryState
from watcher.store import event_search
from watcher.store.event_search import EventFilter
from watcher.store.schema import alerts, deliveries, digests, events

_APART = timedelta(hours=1)
"""Ids follow the order in which rows were made but for what two workers do at the same time."""
_WORDY = 500
"""Of so many events, the newest that words are found in, the messages are shown."""
_UNSENT = deliveries.c.state != literal_column(f"'{DeliveryState.SENT.value}'", String())
"""Written out, as the partial index says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for; everything that is given must hold."""

    states: tuple[DeliveryState, ...] = ()
    channel: str = ""
    subscription: str = ""
    event_id: int | None = None
    digest_id: int | None = None
    id: int | None = None
    key: str = ""
    """The public id: a webhook-id, or what stands before the @ of a Message-ID."""
    words: str = ""
    """Words of an event that is told, each by its beginning."""
    since: datetime | None = None
    until: datetime | None = None
    """Up to and without that instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of messages, newest first; `older` is the id below which the next page begins, None after the last."""

    rows: tuple[dict[str, Any], ...]
    older: int | None


def find(conn: Connection, wanted: Wanted, *, limit: int, before: int | None = None) -> Found:
    """Messages without their bytes: as `deliveries.listing` says, with `told` (how many events) and `title`."""
    ids = list(conn.execute(_matching(conn, wanted, before).limit(limit + 1)).scalars())
    shown = ids[:limit]
    return Found(rows=tuple(_rows(conn, shown)), older=shown[-1] if len(ids) > limit else None)


def _matching(conn: Connection, wanted: Wanted, before: int | None) -> Select[Any]:
    table = deliveries.c
    where: list[ColumnElement[bool]] = []
    if wanted.states:
        where.append(table.state.in_([one.value for one in wanted.states]))
        if DeliveryState.SENT not in wanted.states:
            where.append(_UNSENT)
    if wanted.channel:
        where.append(table.channel_id == wanted.channel)
    if wanted.key:
        where.append(table.key == wanted.key)
    if wanted.id is not None:
        where.append(table.id == wanted.id)
    if wanted.digest_id is not None:
        where.append(table.digest_id == wanted.digest_id)
    where += [table.digest_id.in_(one) for one in _digests(conn, wanted)]
    where += _within(conn, wanted.since, wanted.until)
    if before is not None:
        where.append(table.id < before)
    return select(table.id).where(*where).order_by(table.id.desc())


def _digests(conn: Connection, wanted: Wanted) -> list[Select[Any]]:
    """The digests that a message must be of, one query for each thing that is asked of them."""
    found = []
    if wanted.subscription:
        found.append(select(digests.c.id).where(digests.c.subscription_id == wanted.subscription))
    if wanted.event_id is not None:
        found.append(select(alerts.c.digest_id).where(alerts.c.event_id == wanted.event_id))
    if wanted.words:
        named = event_search.search(conn, EventFilter(text=wanted.words), limit=_WORDY)
        found.append(select(alerts.c.digest_id).where(alerts.c.event_id.in_(named)))
    return found


def _within(conn: Connection, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """The span of time, and the ids that can lie in it: an id is looked up faster than a time behind a message."""
    table, where = deliveries.c, []
    if since is not None:
        first = select(table.id).where(table.created_at >= since - _APART).order_by(table.created_at, table.id).limit(1)
        where += [table.created_at >= since, table.id >= (conn.execute(first).scalar_one_or_none() or 0) - 1]
    if until is not None:
        beyond = select(table.id).where(table.created_at >= until + _APART).order_by(table.created_at, table.id)
        last = conn.execute(beyond.limit(1)).scalar_one_or_none()
        where += [table.created_at < until, *([table.id <= last] if last is not None else [])]
    return where


def _rows(conn: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    table = deliveries.c
    shown = (table.id, table.key, table.digest_id, table.channel_id, table.part, table.state, table.reason)
    times = (table.created_at, table.next_attempt_at, table.finished_at, table.expires_at)
    whose = (digests.c.subscription_id, digests.c.window, digests.c.immediate, digests.c.notice)
    query = select(*shown, table.attempt, *times, *whose).join(digests).where(table.id.in_(ids))
    rows = [dict(row._mapping) for row in conn.execute(query.order_by(table.id.desc()))]
    told = titles(conn, [row["digest_id"] for row in rows])
    for row in rows:
        notice = row.pop("notice")
        many, title = told.get(row["digest_id"], (0, ""))
        row |= {"told": many, "title": title or (notice["subject"] if notice else "")}
    return rows


def titles(conn: Connection, digest_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """How many alerts each digest has, and the title of the event of its first one."""
    columns = (alerts.c.digest_id, func.count(), func.min(alerts.c.id))
    query = select(*columns).where(alerts.c.digest_id.in_(set(digest_ids))).group_by(alerts.c.digest_id)
    counted = {row[0]: (row[1], row[2]) for row in conn.execute(query)}
    first = [alert_id for _, alert_id in counted.values()]
    named = select(alerts.c.id, events.c.title).join(events, events.c.id == alerts.c.event_id)
    title = {row[0]: row[1] for row in conn.execute(named.where(alerts.c.id.in_(first)))}
    return {digest_id: (many, title.get(alert_id, "")) for digest_id, (many, alert_id) in counted.items()}


def told_in(conn: Connection, digest_id: int, *, limit: int) -> list[dict[str, Any]]:
    """What a digest tells, in the order it came: event_id, revision, reason, and the event's title, rule and level."""
    columns = (alerts.c.event_id, alerts.c.revision, alerts.c.reason, alerts.c.created_at)
    about = (events.c.title, events.c.rule_id, events.c.rule_title, events.c.level)
    query = select(*columns, *about).join(events, events.c.id == alerts.c.event_id)
    query = query.where(alerts.c.digest_id == digest_id).order_by(alerts.c.id).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]
