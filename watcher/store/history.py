"""The stored history that rules are tried on: items of the last days, what rules made of them, how long they stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, or_, select, update

from watcher.model import Item
from watcher.store.items import item_of, select_items
from watcher.store.schema import event_sources, events, feeds, items, matches, rule_sets, stories

Told = tuple[int, str]
"""A story and a rule: what one event is made of."""
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """How often a rule fired: its events, and its share of the items that were classified."""

    rule_id: str
    events: int
    items: int
    last_at: datetime | None
    shared: Mapping[str, int]
    """By other rule: in how many of its stories that one fired too."""


def item(conn: Connection, item_id: int) -> Item | None:
    """One stored item; None when no item has that id."""
    row = conn.execute(select_items().where(items.c.id == item_id)).one_or_none()
    return None if row is None else item_of(row)


def some(conn: Connection, ids: Sequence[int]) -> list[Item]:
    """The stored items of those ids, in order of id; give a few hundred at a time."""
    return [item_of(row) for row in conn.execute(select_items().where(items.c.id.in_(ids)).order_by(items.c.id))]


def batch(conn: Connection, *, since: datetime, after: int = 0, limit: int = 200) -> list[Item]:
    """The next stored items with words, first seen since then, whose ids follow `after`."""
    kept = and_(_with_words_since(since), items.c.id > after)
    return [item_of(row) for row in conn.execute(select_items().where(kept).order_by(items.c.id).limit(limit))]


def ids_since(conn: Connection, *, since: datetime, limit: int) -> list[int]:
    """Ids of the newest items first seen since then, newest first."""
    query = select(items.c.id).where(items.c.first_seen_at >= since)
    return list(conn.execute(query.order_by(items.c.first_seen_at.desc(), items.c.id.desc()).limit(limit)).scalars())


def newest(conn: Connection, *, since: datetime, limit: int) -> list[Item]:
    """The newest items with words, first seen since then, newest first."""
    query = select_items().where(_with_words_since(since)).order_by(items.c.id.desc()).limit(limit)
    return [item_of(row) for row in conn.execute(query)]


def _with_words_since(since: datetime) -> ColumnElement[bool]:
    return and_(items.c.first_seen_at >= since, or_(items.c.title != "", items.c.text != ""))


def listing(conn: Connection, *, rule_id: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest items: id, time, feed, title, and the rules whose events they tell."""
    told_by = select(event_sources.c.item_id, events.c.rule_id).join(events, events.c.id == event_sources.c.event_id)
    query = select(items.c.id, items.c.first_seen_at, items.c.title, feeds.c.title.label("feed"), feeds.c.url)
    query = query.join(feeds, feeds.c.id == items.c.feed_id)
    if rule_id is not None:
        mine = told_by.where(events.c.rule_id == rule_id).subquery()
        query = query.where(items.c.id.in_(select(mine.c.item_id)))
    rows = conn.execute(query.order_by(items.c.id.desc()).limit(limit)).all()
    rules: dict[int, list[str]] = {}
    for row in conn.execute(told_by.where(event_sources.c.item_id.in_([row.id for row in rows]))):
        rules.setdefault(row.item_id, []).append(row.rule_id)
    return [
        {"id": row.id, "first_seen_at": row.first_seen_at, "feed": row.feed or row.url, "title": row.title}
        | {"rules": sorted(rules.get(row.id, []))}
        for row in rows
    ]


def count(conn: Connection, *, since: datetime) -> int:
    """How many items were first seen since then."""
    return int(conn.execute(select(func.count()).where(items.c.first_seen_at >= since)).scalar_one())


# ── what rules made of them ──────────────────────────────────────────────────────────────────────────────────────────


def running_version(conn: Connection) -> str | None:
    """The version of the rules that classified the newest classified item; None when nothing was classified yet."""
    query = select(items.c.classified_with).where(items.c.classified_at.is_not(None))
    return conn.execute(query.order_by(items.c.classified_at.desc(), items.c.id.desc()).limit(1)).scalar_one_or_none()


def rule_files(conn: Connection, version: str) -> dict[str, str] | None:
    """The text of the rule files of a version, by name; None when it was not kept."""
    found = conn.execute(select(rule_sets.c.files).where(rule_sets.c.version == version)).scalar_one_or_none()
    return None if found is None else dict(found)


def newest_rule_set(conn: Connection) -> str | None:
    """The newest version whose files were kept."""
    return conn.execute(
        select(rule_sets.c.version).order_by(rule_sets.c.first_used_at.desc()).limit(1)
    ).scalar_one_or_none()


def events_of(conn: Connection, item_id: int) -> list[int]:
    """Ids of the events that an item tells."""
    query = select(event_sources.c.event_id).where(event_sources.c.item_id == item_id)
    return list(conn.execute(query.order_by(event_sources.c.event_id)).scalars())


def told(conn: Connection, story_ids: Sequence[int]) -> dict[Told, int]:
    """The events that stories have, by story and rule."""
    found: dict[Told, int] = {}
    for start in range(0, len(story_ids), _CHUNK):
        query = select(events.c.id, events.c.story_id, events.c.rule_id)
        rows = conn.execute(query.where(events.c.story_id.in_(story_ids[start : start + _CHUNK])))
        found |= {(row.story_id, row.rule_id): row.id for row in rows}
    return found


def only_told_by(conn: Connection, lost: Mapping[str, Sequence[int]]) -> list[int]:
    """Ids of the events of each rule whose every source is among the items that the rule lost."""
    found = []
    for rule_id, item_ids in lost.items():
        gone: set[int] = set(item_ids)
        sources: dict[int, set[int]] = {}
        for start in range(0, len(item_ids), _CHUNK):
            query = select(event_sources.c.event_id).join(events, events.c.id == event_sources.c.event_id)
            part = event_sources.c.item_id.in_(item_ids[start : start + _CHUNK])
            touched = conn.execute(query.where(part, events.c.rule_id == rule_id)).scalars().all()
            rows = conn.execute(select(event_sources).where(event_sources.c.event_id.in_(touched)))
            for row in rows:
                sources.setdefault(row.event_id, set()).add(row.item_id)
        found += [event_id for event_id, by in sources.items() if by <= gone]
    return sorted(found)


def outdated(conn: Connection, *, since: datetime, version: str) -> list[int]:
    """Ids of the classified items first seen since then that another version of the rules classified."""
    old = and_(items.c.first_seen_at >= since, items.c.classified_at.is_not(None), items.c.classified_with != version)
    return list(conn.execute(select(items.c.id).where(old).order_by(items.c.id)).scalars())


def fired(conn: Connection, *, since: datetime) -> dict[str, Fired]:
    """What each rule did since then, by its id; rules that never fired are absent. `last_at` looks back without end."""
    last = {
        row.rule_id: row.at
        for row in conn.execute(
            select(events.c.rule_id, func.max(events.c.created_at).label("at")).group_by(events.c.rule_id)
        )
    }
    recent = conn.execute(select(events.c.rule_id, events.c.story_id).where(events.c.created_at >= since)).all()
    rules_of: dict[int, set[str]] = {}
    for row in recent:
        rules_of.setdefault(row.story_id, set()).add(row.rule_id)
    matched = Counter(
        row.rule_id
        for row in conn.execute(
            select(matches.c.rule_id, matches.c.item_id)
            .join(items, items.c.id == matches.c.item_id)
            .where(items.c.first_seen_at >= since)
            .distinct()
        )
    )
    return {
        rule_id: Fired(
            rule_id=rule_id,
            events=sum(rule_id in rules for rules in rules_of.values()),
            items=matched[rule_id],
            last_at=at,
            shared=Counter(other for rules in rules_of.values() if rule_id in rules for other in rules - {rule_id}),
        )
        for rule_id, at in last.items()
    }


# ── how long they stay ───────────────────────────────────────────────────────────────────────────────────────────────


def forget(conn: Connection, *, before: datetime, limit: int) -> int:
    """Drop the words of items first seen before then that no event uses, with their matches; how many items.

    The rows stay, with identity and title: a feed may list an entry for years, and it must not come back as news.
    """
    used = exists().where(event_sources.c.item_id == items.c.id)
    in_open_story = exists().where(stories.c.id == items.c.story_id, stories.c.closed_at.is_(None))
    old = and_(
        items.c.first_seen_at < before,
        or_(items.c.text != "", items.c.summary != ""),
        items.c.lease_owner.is_(None),
        or_(items.c.classified_at.is_not(None), items.c.parked_reason.is_not(None)),
        ~used,
        ~in_open_story,
    )
    ids = conn.execute(select(items.c.id).where(old).order_by(items.c.first_seen_at).limit(limit)).scalars().all()
    if ids:
        conn.execute(delete(matches).where(matches.c.item_id.in_(ids)))
        empty: dict[str, Any] = {"text": "", "summary": "", "author": None, "categories": [], "fingerprint": None}
        conn.execute(update(items).where(items.c.id.in_(ids)).values(**empty))
    return len(ids)
