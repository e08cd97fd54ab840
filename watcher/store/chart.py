"""What the charts of the console are drawn from: counts by hour, rule and state, and how long alerts took. Reads only.

Every query is bounded by a time that an index leads to, or by a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, String, and_, func, literal_column, select
from sqlalchemy import cast as as_type

from watcher.model import DeliveryState
from watcher.store.schema import alerts, deliveries, digests, event_sources, events, items

_HOUR = timedelta(hours=1)
_AT_ONCE = timedelta(minutes=5)
"""A digest of one alert that closes later than this was held by quiet hours or a budget: no delay of ours."""


def _hour(conn: Connection, column: Column[Any]) -> ColumnElement[str]:
    """The instant's hour in UTC as `2026-11-22T14`, which is how SQLite keeps an instant's beginning."""
    if conn.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), 'YYYY-MM-DD"T"HH24')
    return func.substr(as_type(column, String), 1, 13)


def hours(now: datetime, number: int) -> list[datetime]:
    """The beginnings of the last so many hours, oldest first, the one that runs now as the last."""
    last = now.replace(minute=0, second=0, microsecond=0)
    return [last - _HOUR * back for back in range(number - 1, -1, -1)]


def _spelt(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H}"


def items_by_hour(conn: Connection, of: Sequence[datetime]) -> list[int]:
    """How many items were stored in each of the hours that begin at `of`."""
    hour = _hour(conn, items.c.first_seen_at)
    query = select(hour, func.count()).where(items.c.first_seen_at >= of[0]).group_by(literal_column("1"))
    found = {str(name): int(count) for name, count in conn.execute(query)}
    return [found.get(_spelt(at), 0) for at in of]


def events_by_rule(conn: Connection, since: datetime) -> list[tuple[str, int]]:
    """How many events each rule told since then, the most first."""
    query = select(events.c.rule_id, func.count()).where(events.c.created_at >= since).group_by(events.c.rule_id)
    return sorted(((str(rule), int(count)) for rule, count in conn.execute(query)), key=lambda row: (-row[1], row[0]))


def deliveries_by_hour(conn: Connection, of: Sequence[datetime]) -> dict[str, list[int]]:
    """By state: how many of the messages that were made in each hour are in it now."""
    hour = _hour(conn, deliveries.c.created_at)
    query = select(deliveries.c.state, hour, func.count()).where(deliveries.c.created_at >= of[0])
    found = {
        (str(state), str(name)): int(count)
        for state, name, count in conn.execute(query.group_by(deliveries.c.state, literal_column("2")))
    }
    return {state.value: [found.get((state.value, _spelt(at)), 0) for at in of] for state in DeliveryState}


def latencies(conn: Connection, since: datetime, *, limit: int = 1000) -> list[tuple[datetime, float]]:
    """(when it was sent, seconds since its item was stored) for the newest alerts that were sent at once, newest first.

    An event's first revision counts from the first of its items. What quiet hours or a budget held back, updates of an
    event, and alerts of digests that close at an hour are left out: they are late by somebody's choice.
    """
    first = (
        select(items.c.first_seen_at)
        .join(event_sources, event_sources.c.item_id == items.c.id)
        .where(event_sources.c.event_id == alerts.c.event_id)
        .order_by(event_sources.c.added_at, event_sources.c.item_id)
        .limit(1)
        .scalar_subquery()
    )
    sent = and_(
        deliveries.c.created_at >= since, deliveries.c.state == DeliveryState.SENT.value, deliveries.c.part == 0
    )
    query = (
        select(deliveries.c.finished_at, digests.c.created_at, digests.c.closes_at, first.label("stored_at"))
        .join(digests, digests.c.id == deliveries.c.digest_id)
        .join(alerts, alerts.c.digest_id == digests.c.id)
        .where(sent, digests.c.immediate, alerts.c.revision == 1)
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    return [
        (sent_at, max(0.0, (sent_at - stored_at).total_seconds()))
        for sent_at, opened_at, closes_at, stored_at in conn.execute(query)
        if stored_at and sent_at and closes_at - opened_at < _AT_ONCE
    ]


def rule_times(conn: Connection, rule_id: str, *, limit: int) -> list[datetime]:
    """When the rule's newest events were found, newest first."""
    query = select(events.c.created_at).where(events.c.rule_id == rule_id).order_by(events.c.created_at.desc())
    return list(conn.execute(query.limit(limit)).scalars())


def rules_since(conn: Connection, since: datetime) -> set[str]:
    """The rules that told an event since then."""
    return set(conn.execute(select(events.c.rule_id).where(events.c.created_at >= since).distinct()).scalars())


def feed_times(conn: Connection, feed_id: int, since: datetime, *, limit: int = 5000) -> list[datetime]:
    """When the feed's items since then were published, or first seen where they do not say; at most `limit` of each."""
    of_feed = items.c.feed_id == feed_id
    dated = select(items.c.published_at).where(of_feed, items.c.published_at >= since).limit(limit)
    undated = (items.c.published_at.is_(None), items.c.first_seen_at >= since)
    times = list(conn.execute(dated).scalars())
    return times + list(conn.execute(select(items.c.first_seen_at).where(of_feed, *undated).limit(limit)).scalars())
