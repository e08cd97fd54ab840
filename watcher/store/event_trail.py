"""What stands behind one event and what came of it: its items with the marked words, its story, who was told and how.

Every list is bounded, and what a list leaves out is for other pages to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from watcher.model import Span, TextField
from watcher.store.schema import (
    alerts,
    attempts,
    deliveries,
    digests,
    event_sources,
    events,
    feeds,
    items,
    matches,
    stories,
    subscriptions,
    verdicts,
)

ITEMS, TELLINGS, STORY, VERDICTS = 12, 60, 30, 50
_MESSAGES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """An item that tells the event, with its text and the stretches by which the event's rule matched it."""

    id: int
    title: str
    text: str
    feed: str
    link: str | None
    language: str | None
    published_at: datetime | None
    first_seen_at: datetime
    copy: bool
    """It is word for word what another item tells."""
    matched: bool
    """The rule's match of it is kept."""
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A delivery of a digest, and how its last attempt ended."""

    id: int
    channel_id: str
    state: str
    reason: str
    finished_at: datetime | None
    next_attempt_at: datetime | None
    tries: int
    answer: str
    """Of the last attempt: its reason, empty where there was none yet."""
    detail: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An alert: to whom, of which revision, why, in which digest, and the messages of that."""

    subscription_id: str
    title: str | None
    """None where the subscription is gone."""
    revision: int
    reason: str
    at: datetime
    digest_id: int
    immediate: bool
    closes_at: datetime
    closed_at: datetime | None
    parked_reason: str | None
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What else belongs to the event's story."""

    id: int
    open: bool
    items: tuple[Mapping[str, Any], ...]
    """Not among the event's sources: id, title, link, feed, language, at, reason; newest first."""
    events: tuple[Mapping[str, Any], ...]
    """Of other rules: id, rule_id, rule_title, title, at."""
    more: bool
    """There are more items than are given."""


def source_items(conn: Connection, event_id: int, rule_id: str) -> list[SourceItem]:
    """The first items that tell the event, oldest first, copies last."""
    query = select(items, feeds.c.title.label("feed_title"), feeds.c.url)
    query = query.join(event_sources, event_sources.c.item_id == items.c.id).join(feeds, feeds.c.id == items.c.feed_id)
    query = query.where(event_sources.c.event_id == event_id).order_by(items.c.copy_of.is_not(None), items.c.id)
    rows = conn.execute(query.limit(ITEMS)).all()
    found = _matches(conn, [row.id for row in rows], rule_id)
    return [
        SourceItem(
            id=row.id,
            title=row.title,
            text=row.text,
            feed=row.feed_title or row.url,
            link=row.link,
            language=row.language,
            published_at=row.published_at,
            first_seen_at=row.first_seen_at,
            copy=row.copy_of is not None,
            matched=row.id in found,
            spans=tuple(_spans(found.get(row.id, {}))),
        )
        for row in rows
    ]


def _matches(conn: Connection, item_ids: Sequence[int], rule_id: str) -> dict[int, Mapping[str, Any]]:
    """The newest match of the rule by item."""
    query = select(matches.c.item_id, matches.c.body)
    query = query.where(matches.c.item_id.in_(item_ids), matches.c.rule_id == rule_id).order_by(matches.c.id)
    return {row.item_id: row.body for row in conn.execute(query)}


def _spans(body: Mapping[str, Any]) -> Iterator[Span]:
    told = [one.get("span") for one in body.get("evidence", ())]
    for fact in body.get("facts", ()):
        told += [fact.get("span"), *fact.get("more", ())]
    for one in told:
        if one:
            yield Span(field=TextField(one["field"]), start=one["start"], end=one["end"])


def tellings(conn: Connection, event_id: int) -> list[Telling]:
    """Who was told of the event, or will be with the next digest; the newest alerts first."""
    kept = (alerts.c.subscription_id, alerts.c.revision, alerts.c.reason, alerts.c.created_at, alerts.c.digest_id)
    digest = (digests.c.immediate, digests.c.closes_at, digests.c.closed_at, digests.c.parked_reason)
    query = select(*kept, *digest, subscriptions.c.config)
    query = query.join(digests, digests.c.id == alerts.c.digest_id)
    query = query.outerjoin(subscriptions, subscriptions.c.id == alerts.c.subscription_id)
    rows = conn.execute(query.where(alerts.c.event_id == event_id).order_by(alerts.c.id.desc()).limit(TELLINGS)).all()
    sent = _messages(conn, {row.digest_id for row in rows})
    return [
        Telling(
            subscription_id=row.subscription_id,
            title=row.config.get("title") if row.config else None,
            revision=row.revision,
            reason=row.reason,
            at=row.created_at,
            digest_id=row.digest_id,
            immediate=row.immediate,
            closes_at=row.closes_at,
            closed_at=row.closed_at,
            parked_reason=row.parked_reason,
            messages=tuple(sent.get(row.digest_id, ())),
        )
        for row in rows
    ]


def _messages(conn: Connection, digest_ids: Iterable[int]) -> dict[int, list[Message]]:
    kept = ("id", "digest_id", "channel_id", "state", "reason", "finished_at", "next_attempt_at")
    query: Select[Any] = select(*(deliveries.c[name] for name in kept)).where(deliveries.c.digest_id.in_(digest_ids))
    rows = conn.execute(query.order_by(deliveries.c.id).limit(_MESSAGES)).all()
    tried = _attempts(conn, [row.id for row in rows])
    found: dict[int, list[Message]] = {}
    for row in rows:
        values = dict(row._mapping)
        found.setdefault(values.pop("digest_id"), []).append(Message(**values, **tried.get(row.id, _UNTRIED)))
    return found


_UNTRIED: Mapping[str, Any] = {"tries": 0, "answer": "", "detail": "", "answered_at": None}


def _attempts(conn: Connection, delivery_ids: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """How many attempts each delivery had and how the last of them ended."""
    last = select(func.max(attempts.c.id).label("id"), func.count().label("tries"))
    last_of = last.where(attempts.c.delivery_id.in_(delivery_ids)).group_by(attempts.c.delivery_id).subquery()
    query = select(attempts, last_of.c.tries).join(last_of, last_of.c.id == attempts.c.id)
    return {
        row.delivery_id: {
            "tries": row.tries,
            "answer": row.reason or "",
            "detail": row.detail or "",
            "answered_at": row.finished_at,
        }
        for row in conn.execute(query)
    }


def story(conn: Connection, story_id: int, event_id: int) -> Story:
    """What else belongs to the event's story."""
    sources = select(event_sources.c.item_id).where(event_sources.c.event_id == event_id)
    at = func.coalesce(items.c.published_at, items.c.first_seen_at).label("at")
    feed = func.coalesce(feeds.c.title, feeds.c.url).label("feed")
    reason = items.c.story_reason.label("reason")
    query = select(items.c.id, items.c.title, items.c.link, items.c.language, reason, at, feed)
    query = query.join(feeds, feeds.c.id == items.c.feed_id)
    query = query.where(items.c.story_id == story_id, items.c.id.not_in(sources)).order_by(items.c.id.desc())
    alike = [dict(row._mapping) for row in conn.execute(query.limit(STORY + 1))]
    told = select(events.c.id, events.c.rule_id, events.c.rule_title, events.c.title, events.c.created_at.label("at"))
    others = told.where(events.c.story_id == story_id, events.c.id != event_id).order_by(events.c.id).limit(STORY)
    closed = conn.execute(select(stories.c.closed_at).where(stories.c.id == story_id)).scalar_one_or_none()
    return Story(
        id=story_id,
        open=closed is None,
        items=tuple(alike[:STORY]),
        events=tuple(dict(row._mapping) for row in conn.execute(others)),
        more=len(alike) > STORY,
    )


def said(conn: Connection, event_id: int) -> list[dict[str, Any]]:
    """What people said of the event, newest first: who, verdict, note, created_at, rules_version."""
    query = select(verdicts).where(verdicts.c.event_id == event_id).order_by(verdicts.c.created_at.desc())
    return [dict(row._mapping) for row in conn.execute(query.limit(VERDICTS))]
