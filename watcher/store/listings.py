"""Lists of rows page by page, by a key that every row has: the id, or the name. What a row means is its own module's.

Each function gives at most `limit` rows that follow `after` a key (for numbers: that are older), so that a page costs
the same wherever it is. Callers ask for one more than they show, to know whether there is a next page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from watcher.model import Origin
from watcher.store.digests import OPEN
from watcher.store.feeds import PAUSED, TROUBLED
from watcher.store.schema import (
    alerts,
    attempts,
    channels,
    deliveries,
    digests,
    event_sources,
    events,
    feeds,
    items,
    stories,
    subscriptions,
    suppressions,
    verdicts,
)
from watcher.store.subscriptions import OPS, listed

Rows = list[dict[str, Any]]


def _rows(conn: Connection, query: Select[Any]) -> Rows:
    return [dict(row) for row in conn.execute(query).mappings()]


def _grouped(conn: Connection, query: Select[Any]) -> dict[Any, Rows]:
    """By the first column, the rest of each row."""
    found: dict[Any, Rows] = {}
    for row in conn.execute(query).mappings():
        values = dict(row)
        key = values.pop(next(iter(values)))
        found.setdefault(key, []).append(values)
    return found


# ── what came in ─────────────────────────────────────────────────────────────────────────────────────────────────────

_ITEM = (items.c.id, items.c.feed_id, items.c.link, items.c.title, items.c.language, items.c.published_at)
_ITEM_STATE = (items.c.first_seen_at, items.c.history, items.c.story_id, items.c.copy_of, items.c.classified_at)


def of_items(
    conn: Connection,
    *,
    limit: int,
    after: int | None = None,
    feed_id: int | None = None,
    story_id: int | None = None,
    rule: str | None = None,
    language: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str | None = None,
    parked: bool | None = None,
) -> Rows:
    """Items, newest first, with their feed's name and the rules whose events they tell; without their text.

    `text` stands in the headline; capital letters make no difference.
    """
    query = select(*_ITEM, *_ITEM_STATE, items.c.parked_reason, feeds.c.title.label("feed"), feeds.c.url)
    query = query.join(feeds, feeds.c.id == items.c.feed_id).order_by(items.c.id.desc()).limit(limit)
    row = items.c
    asked = ((row.feed_id, feed_id), (row.story_id, story_id), (row.language, language))
    query = query.where(*(column == value for column, value in asked if value is not None))
    if after is not None:
        query = query.where(row.id < after)
    if since is not None:
        query = query.where(row.first_seen_at >= since)
    if until is not None:
        query = query.where(row.first_seen_at < until)
    if text is not None:
        query = query.where(row.title.icontains(text, autoescape=True))
    if parked is not None:
        query = query.where(row.parked_reason.is_not(None) if parked else row.parked_reason.is_(None))
    told = select(event_sources.c.item_id, events.c.rule_id, events.c.id.label("event_id"))
    told = told.join(events, events.c.id == event_sources.c.event_id)
    if rule is not None:
        query = query.where(row.id.in_(select(told.where(events.c.rule_id == rule).subquery().c.item_id)))
    found = _rows(conn, query)
    tells = _grouped(conn, told.where(event_sources.c.item_id.in_([one["id"] for one in found])).order_by(events.c.id))
    return [one | {"tells": tells.get(one["id"], [])} for one in found]


def item(conn: Connection, item_id: int) -> dict[str, Any] | None:
    """One item with all its words; None when there is none of that id."""
    found = of_items(conn, limit=1, after=item_id + 1)
    if not found or found[0]["id"] != item_id:
        return None
    columns = (items.c.summary, items.c.text, items.c.author, items.c.categories, items.c.identity, items.c.edits)
    rest = (items.c.updated_at, items.c.edited_at, items.c.from_page, items.c.classified_with, items.c.story_reason)
    row = conn.execute(select(*columns, *rest).where(items.c.id == item_id)).mappings().one()
    return found[0] | dict(row)


def of_stories(conn: Connection, *, limit: int, after: int | None = None, still_open: bool | None = None) -> Rows:
    """Stories, newest first: id, title, times, how many items tell each and its events."""
    query = select(stories.c.id, stories.c.title, stories.c.created_at, stories.c.last_item_at, stories.c.closed_at)
    query = query.order_by(stories.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(stories.c.id < after)
    if still_open is not None:
        query = query.where(stories.c.closed_at.is_(None) if still_open else stories.c.closed_at.is_not(None))
    found = _rows(conn, query)
    ids = [one["id"] for one in found]
    counted = select(items.c.story_id, func.count().label("number")).where(items.c.story_id.in_(ids))
    number = {row.story_id: row.number for row in conn.execute(counted.group_by(items.c.story_id))}
    told = select(events.c.story_id, events.c.id, events.c.rule_id).where(events.c.story_id.in_(ids))
    tells = _grouped(conn, told.order_by(events.c.id))
    return [one | {"items": number.get(one["id"], 0), "events": tells.get(one["id"], [])} for one in found]


def story(conn: Connection, story_id: int) -> dict[str, Any] | None:
    """One story; None when there is none of that id."""
    found = of_stories(conn, limit=1, after=story_id + 1)
    return found[0] if found and found[0]["id"] == story_id else None


_FEED = (feeds.c.id, feeds.c.url, feeds.c.asked_url, feeds.c.title, feeds.c.language, feeds.c.tags, feeds.c.origin)
_FEED_STATE = (feeds.c.health, feeds.c.health_reason, feeds.c.health_since, feeds.c.failing_since, feeds.c.flagged)
_FEED_LAST = (feeds.c.disabled_reason, feeds.c.last_status, feeds.c.last_outcome, feeds.c.last_error)
_FEED_TIMES = (feeds.c.last_polled_at, feeds.c.last_changed_at, feeds.c.next_poll_at, feeds.c.next_poll_reason)
_FEED_REST = (feeds.c.error_count, feeds.c.habit_s, feeds.c.newest_item_at, feeds.c.retired_at, feeds.c.every_s)
_FEED_MORE = (feeds.c.alert_history, feeds.c.full_text, feeds.c.created_at)


def of_feeds(
    conn: Connection,
    *,
    limit: int,
    after: int | None = None,
    health: str | None = None,
    retired: bool = False,
    text: str | None = None,
    troubled: bool = False,
    disabled: str | None = None,
) -> Rows:
    """Feeds, newest first; `text` stands in the title or an address. Without what only the line needs.

    `troubled` are those that do not fare well and are not `disabled` by people; `disabled`: for that reason.
    """
    query = _select_feeds().order_by(feeds.c.id.desc()).limit(limit)
    query = query.where(feeds.c.retired_at.is_not(None) if retired else feeds.c.retired_at.is_(None))
    if after is not None:
        query = query.where(feeds.c.id < after)
    if health is not None:
        query = query.where(feeds.c.health == health)
    if troubled:
        unpaused = func.coalesce(feeds.c.disabled_reason, "") != PAUSED
        query = query.where(feeds.c.health.in_([state.value for state in TROUBLED]), unpaused)
    if disabled is not None:
        query = query.where(feeds.c.disabled_reason == disabled)
    if text is not None:
        words = (feeds.c.title, feeds.c.url, feeds.c.asked_url)
        query = query.where(or_(*(one.icontains(text, autoescape=True) for one in words)))
    return _rows(conn, query)


def feed(conn: Connection, feed_id: int) -> dict[str, Any] | None:
    """One feed, retired or not; None when there is none of that id."""
    return next(iter(_rows(conn, _select_feeds().where(feeds.c.id == feed_id))), None)


def _select_feeds() -> Select[Any]:
    return select(*_FEED, *_FEED_STATE, *_FEED_LAST, *_FEED_TIMES, *_FEED_REST, *_FEED_MORE, feeds.c.headers)


# ── what was told ────────────────────────────────────────────────────────────────────────────────────────────────────


def alerts_of_event(conn: Connection, event_id: int, *, limit: int) -> Rows:
    """Who is told of the event, oldest first, with the messages that told them."""
    row = alerts.c
    query = select(row.id, row.subscription_id, row.revision, row.reason, row.digest_id, row.created_at)
    found = _rows(conn, query.where(row.event_id == event_id).order_by(row.id).limit(limit))
    columns = (deliveries.c.digest_id, deliveries.c.id, deliveries.c.channel_id, deliveries.c.state)
    sent = select(*columns, deliveries.c.reason, deliveries.c.finished_at).order_by(deliveries.c.id)
    by = _grouped(conn, sent.where(deliveries.c.digest_id.in_([one["digest_id"] for one in found])))
    return [one | {"deliveries": by.get(one["digest_id"], [])} for one in found]


def verdicts_of(conn: Connection, event_ids: Sequence[int]) -> dict[int, Rows]:
    """What people said of the events, oldest first, by event."""
    row = verdicts.c
    query = select(row.event_id, row.who, row.verdict, row.note, row.created_at, row.rules_version)
    return _grouped(conn, query.where(row.event_id.in_(list(event_ids))).order_by(row.id))


_SENT = (deliveries.c.id, deliveries.c.key, deliveries.c.digest_id, deliveries.c.channel_id, deliveries.c.part)
_SENT_STATE = (deliveries.c.state, deliveries.c.reason, deliveries.c.message_id, deliveries.c.content_type)
_SENT_TIMES = (deliveries.c.created_at, deliveries.c.first_attempt_at, deliveries.c.next_attempt_at)
_SENT_REST = (deliveries.c.expires_at, deliveries.c.finished_at, deliveries.c.attempt, digests.c.subscription_id)


def _select_deliveries() -> Select[Any]:
    return select(*_SENT, *_SENT_STATE, *_SENT_TIMES, *_SENT_REST, digests.c.window).join(digests)


def delivery(conn: Connection, delivery_id: int) -> dict[str, Any] | None:
    """One message with its bytes as text and every attempt; None when there is none of that id."""
    query = _select_deliveries().add_columns(deliveries.c.body).where(deliveries.c.id == delivery_id)
    row = conn.execute(query).mappings().first()
    if row is None:
        return None
    tried = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    return dict(row) | {"body": row["body"].decode("utf-8", "replace"), "attempts": _rows(conn, tried)}


def of_digests(
    conn: Connection,
    *,
    limit: int,
    after: int | None = None,
    subscription: str | None = None,
    still_open: bool | None = None,
) -> Rows:
    """Digests, newest first, with how many alerts each has and the states of its messages."""
    row = digests.c
    shown = (row.id, row.key, row.subscription_id, row.window, row.closes_at, row.closed_at, row.immediate)
    query = select(*shown, row.created_at, row.parked_reason, row.merged_into, row.notice.is_not(None).label("notice"))
    query = query.order_by(row.id.desc()).limit(limit)
    if after is not None:
        query = query.where(row.id < after)
    if subscription is not None:
        query = query.where(row.subscription_id == subscription)
    if still_open is not None:
        query = query.where(OPEN if still_open else ~OPEN)
    found = _rows(conn, query)
    ids = [one["id"] for one in found]
    counted = select(alerts.c.digest_id, func.count().label("number")).where(alerts.c.digest_id.in_(ids))
    number = {one.digest_id: one.number for one in conn.execute(counted.group_by(alerts.c.digest_id))}
    sent = select(deliveries.c.digest_id, deliveries.c.id, deliveries.c.channel_id, deliveries.c.state)
    by = _grouped(conn, sent.where(deliveries.c.digest_id.in_(ids)).order_by(deliveries.c.id))
    return [one | {"alerts": number.get(one["id"], 0), "deliveries": by.get(one["id"], [])} for one in found]


def digest(conn: Connection, digest_id: int) -> dict[str, Any] | None:
    """One digest; None when there is none of that id."""
    found = of_digests(conn, limit=1, after=digest_id + 1)
    return found[0] if found and found[0]["id"] == digest_id else None


# ── who is told ──────────────────────────────────────────────────────────────────────────────────────────────────────


def channel_ids(conn: Connection, *, limit: int, after: str | None = None) -> list[str]:
    """Ids of live channels, in order."""
    query = select(channels.c.id).where(channels.c.retired_at.is_(None)).order_by(channels.c.id).limit(limit)
    return list(conn.execute(query if after is None else query.where(channels.c.id > after)).scalars())


def live_channels(conn: Connection, ids: Sequence[str]) -> list[str]:
    """Those of the ids that are live channels, of anybody."""
    live = (channels.c.id.in_(list(ids)), channels.c.retired_at.is_(None))
    return list(conn.execute(select(channels.c.id).where(*live).order_by(channels.c.id)).scalars())


def of_the_service(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids that are live channels of watcher.yml: readers' own are nobody else's to send to."""
    mine = (channels.c.id.in_(list(ids)), channels.c.origin == Origin.FILE.value, channels.c.retired_at.is_(None))
    return set(conn.execute(select(channels.c.id).where(*mine)).scalars())


def subscription_rows(conn: Connection, ids: Sequence[str]) -> Rows:
    """The live subscriptions of those ids, by id: `{"id", "origin", "state", "since", "by", "config"}`."""
    live = (subscriptions.c.id.in_(list(ids)), subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS)
    return [listed(row) for row in conn.execute(select(subscriptions).where(*live).order_by(subscriptions.c.id))]


def subscription_ids(conn: Connection, *, limit: int, after: str | None = None) -> list[str]:
    """Ids of live subscriptions, ended ones too and the service's own left out, in order."""
    live = (subscriptions.c.retired_at.is_(None), subscriptions.c.id != OPS)
    query = select(subscriptions.c.id).where(*live).order_by(subscriptions.c.id).limit(limit)
    return list(conn.execute(query if after is None else query.where(subscriptions.c.id > after)).scalars())


def of_suppressions(conn: Connection, *, limit: int, after: str | None = None) -> Rows:
    """Addresses that bounced or complained, by their keys."""
    query = select(suppressions).order_by(suppressions.c.address_key).limit(limit)
    return _rows(conn, query if after is None else query.where(suppressions.c.address_key > after))
