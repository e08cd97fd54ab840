"""Stories, matches and events as rows, and the event as people see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    or_,
    select,
    update,
)

from watcher import wire
from watcher.model import Change, EventView, Fact, Item, Level, Match, Revision, RuleStatus, Snippet, Source
from watcher.store import backlog, database, event_search
from watcher.store.dialect import insert
from watcher.store.schema import event_sources, events, feeds, items, matches, revisions, rule_sets

_FREE = or_(events.c.held_revision.is_(None), events.c.held_revision < events.c.revision)
WAITING = and_(events.c.alerted_revision < events.c.revision, events.c.parked_reason.is_(None), _FREE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventState:
    """The part of a stored event that merging another source may change."""

    id: int
    revision: int
    facts: Mapping[str, Fact]
    snippets: tuple[Snippet, ...]
    history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedEvent:
    """An event whose newest revision has not been offered to the subscriptions yet."""

    id: int
    revision: int
    history: bool
    attempt: int


def _facts_out(facts: Mapping[str, Fact]) -> list[Any]:
    """Facts as a list, because JSONB keeps no order of keys and the first money fact stands for the event."""
    return [wire.dump(fact) for fact in facts.values()]


def _facts_in(data: Sequence[Any]) -> dict[str, Fact]:
    return {fact.name: fact for fact in (wire.load(Fact, one) for one in data)}


def add_match(conn: Connection, item_id: int, match: Match, *, now: datetime) -> None:
    """Keep what a rule found on an item; repeating it changes nothing."""
    body = wire.dump(match) | {"facts": _facts_out(match.facts)}
    values = {"item_id": item_id, "rule_id": match.rule_id, "rules_version": match.rules_version}
    statement = insert(conn, matches).values(**values, body=body, created_at=now)
    conn.execute(statement.on_conflict_do_nothing(index_elements=list(values)))


def forget_matches(conn: Connection, item_id: int) -> None:
    """Drop what rules found on an item before its words changed."""
    conn.execute(delete(matches).where(matches.c.item_id == item_id))


def keep_rule_set(
    conn: Connection, *, version: str, files: Mapping[str, str], own: Mapping[str, str] | None = None, now: datetime
) -> None:
    """Keep the text of the rules that are in use, so that they can be asked again after they changed.

    `own`: the own version of each rule, by its id.
    """
    if conn.execute(select(rule_sets.c.version).where(rule_sets.c.version == version)).first() is not None:
        return  # the text of all rules is long, and this is asked with every batch
    statement = insert(conn, rule_sets).values(
        version=version, files=dict(files), own=dict(own) if own else None, first_used_at=now
    )
    conn.execute(statement.on_conflict_do_nothing(index_elements=["version"]))


def state(conn: Connection, *, story_id: int, rule_id: str) -> EventState | None:
    """The stored event of that story and rule, locked until the transaction ends; None when there is none."""
    return next(iter(_states(conn, events.c.story_id == story_id, events.c.rule_id == rule_id)), None)


def ids_of_story(conn: Connection, story_id: int) -> list[int]:
    """Ids of the story's events."""
    return list(conn.execute(select(events.c.id).where(events.c.story_id == story_id).order_by(events.c.id)).scalars())


def states(conn: Connection, ids: Sequence[int]) -> list[EventState]:
    """The stored events of those ids, locked until the transaction ends, in the order of their ids."""
    return _states(conn, events.c.id.in_(ids))


def _states(conn: Connection, *where: ColumnElement[bool]) -> list[EventState]:
    rows = conn.execute(select(events).where(*where).order_by(events.c.id).with_for_update()).all()
    return [
        EventState(
            id=row.id,
            revision=row.revision,
            facts=_facts_in(row.facts),
            snippets=tuple(wire.load(Snippet, one) for one in row.snippets),
            history=row.history,
        )
        for row in rows
    ]


def create(
    conn: Connection, *, story_id: int, match: Match, item: Item, snippets: Sequence[Snippet], now: datetime
) -> int | None:
    """A new event at revision 1; None when another transaction made it first."""
    values = {
        "story_id": story_id,
        "rule_id": match.rule_id,
        "rule_title": match.rule_title,
        "level": match.level.value,
        "status": match.status.value,
        "revision": 1,
        "title": item.title or item.text[:120],
        "history": item.history,
        "created_at": now,
        "updated_at": now,
        "rules_version": match.rules_version,
        **_told(match.facts, snippets),
    }
    statement = insert(conn, events).values(**values).on_conflict_do_nothing(index_elements=["story_id", "rule_id"])
    return conn.execute(statement.returning(events.c.id)).scalar_one_or_none()


def _told(facts: Mapping[str, Fact], snippets: Sequence[Snippet]) -> dict[str, Any]:
    amount = next((fact for fact in facts.values() if fact.kind == "money"), None)
    stage = facts.get("stage")
    return {
        "facts": _facts_out(facts),
        "snippets": [wire.dump(snippet) for snippet in snippets],
        "amount_usd": amount.usd if amount else None,
        "stage": str(stage.value) if stage else None,
    }


def revise(
    conn: Connection,
    event_id: int,
    *,
    revision: int,
    facts: Mapping[str, Fact],
    snippets: Sequence[Snippet],
    now: datetime,
    changes: Sequence[Change] = (),
    item_id: int | None = None,
    rules_version: str | None = None,
) -> None:
    """Write merged facts; a higher `revision` makes the event wait for its alerts again.

    `changes` are what the revision changed, and `item_id` the item that brought it. The version of the rules is kept
    when one is given.
    """
    values = {"revision": revision, "updated_at": now, **_told(facts, snippets)}
    if rules_version:
        values["rules_version"] = rules_version
    conn.execute(update(events).where(events.c.id == event_id).values(**values))
    if changes:
        changed = [wire.dump(change) for change in changes]
        row = {"event_id": event_id, "revision": revision, "item_id": item_id, "changed": changed, "created_at": now}
        statement = insert(conn, revisions).values(**row)
        conn.execute(statement.on_conflict_do_nothing(index_elements=["event_id", "revision"]))
    event_search.index(conn, [event_id])


def become_news(conn: Connection, event_id: int) -> None:
    """Let an event that was only history be told: something about it has changed now."""
    conn.execute(update(events).where(events.c.id == event_id).values(history=False))


def offer_again(conn: Connection, event_id: int) -> None:
    """Let the present revision be offered once more, to those whom it did not concern before.

    Whoever offers it just now may not have seen what is new about it, so that claim ends and counts as no try.
    """
    held = case((events.c.lease_owner.is_not(None), 1), else_=0)
    values = {
        "alerted_revision": events.c.revision - 1,
        "attempt": events.c.attempt - held,
        "lease_until": None,
        "lease_owner": None,
    }
    statement = update(events).where(events.c.id == event_id, events.c.alerted_revision <= events.c.revision)
    conn.execute(statement.values(**values))


def add_source(conn: Connection, event_id: int, item_id: int, *, now: datetime) -> bool:
    """Note that the item tells the event; repeating it changes nothing and gives False."""
    statement = insert(conn, event_sources).values(event_id=event_id, item_id=item_id, added_at=now)
    statement = statement.on_conflict_do_nothing(index_elements=["event_id", "item_id"])
    added = conn.execute(statement.returning(event_sources.c.item_id)).first() is not None
    if added:
        event_search.index(conn, [event_id])
    return added


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of events with a revision that the subscriptions have not been asked about, oldest first."""
    return backlog.due(conn, events, where=WAITING, due_at=events.c.updated_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[ClaimedEvent]:
    """Lease those of `ids` that still wait: those never tried, or those tried `before`."""
    where = [WAITING, backlog.tried(events, before)]
    rows = database.claim(conn, events, ids, owner=owner, lease_s=lease_s, now=now, where=where, limit=len(ids))
    return [
        ClaimedEvent(id=row.id, revision=row.revision, history=row.history, attempt=row.attempt)
        for row in sorted(rows, key=lambda row: row.id)
    ]


def hold(conn: Connection, event: ClaimedEvent, *, owner: str) -> bool:
    """Lock the event until the transaction ends; False when the lease was lost."""
    mine = (events.c.id == event.id, events.c.lease_owner == owner, events.c.attempt == event.attempt)
    return conn.execute(select(events.c.id).where(*mine).with_for_update()).first() is not None


def finish(conn: Connection, event: ClaimedEvent, *, owner: str) -> bool:
    """Mark this revision as offered to every subscription; False when the lease was lost."""
    values = {"alerted_revision": event.revision, "attempt": 0}
    return database.finish(conn, events, event.id, owner=owner, attempt=event.attempt, values=values)


def put_off(conn: Connection, event: ClaimedEvent, *, owner: str, until: datetime, tried: bool = True) -> bool:
    """Free the event for another try not before `until`."""
    values: dict[str, Any] = {"lease_until": until}  # an unowned lease is only a wait
    if not tried:
        values["attempt"] = 0
    return database.finish(conn, events, event.id, owner=owner, attempt=event.attempt, values=values)


def park(conn: Connection, event: ClaimedEvent, *, owner: str, reason: str) -> bool:
    """Set an event aside that could not be offered again and again; it stays stored and can be woken."""
    values = {"parked_reason": reason}
    return database.finish(conn, events, event.id, owner=owner, attempt=event.attempt, values=values)


def wake_parked(conn: Connection) -> int:
    """Let parked events be offered again; how many."""
    statement = update(events).where(events.c.parked_reason.is_not(None))
    return conn.execute(statement.values(parked_reason=None, attempt=0, lease_until=None)).rowcount


def views(conn: Connection, ids: Sequence[int]) -> dict[int, EventView]:
    """The events of those ids as people see them, with all their sources, by id."""
    rows = conn.execute(_VIEWED, {"ids": list(ids)}).all()
    sources, revised = _sources(conn, ids), _revisions(conn, ids)
    return {row.id: _view(row, sources.get(row.id, []), revised.get(row.id, ())) for row in rows}


def recent(conn: Connection, *, limit: int) -> list[EventView]:
    """The newest events, newest first."""
    ids = list(conn.execute(select(events.c.id).order_by(events.c.id.desc()).limit(limit)).scalars())
    found = views(conn, ids)
    return [found[one] for one in ids]


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# made once: making such a statement takes longer than running it
_VIEWED = select(events).where(events.c.id.in_(_IDS))
_SOURCES: Select[Any] = (
    select(
        event_sources.c.event_id,
        *(items.c[name] for name in ("id", "title", "link", "published_at", "language", "copy_of")),
        feeds.c.title.label("feed_title"),
        feeds.c.url,
        feeds.c.tags,
    )
    .join(items, items.c.id == event_sources.c.item_id)
    .join(feeds, feeds.c.id == items.c.feed_id)
    .where(event_sources.c.event_id.in_(_IDS))
    .order_by(items.c.id)
)
_REVISIONS = (
    select(revisions).where(revisions.c.event_id.in_(_IDS)).order_by(revisions.c.event_id, revisions.c.revision)
)


def _sources(conn: Connection, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    grouped: dict[int, list[Row[Any]]] = {}
    for row in conn.execute(_SOURCES, {"ids": list(ids)}):
        grouped.setdefault(row.event_id, []).append(row)
    return grouped


def _revisions(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[Revision, ...]]:
    grouped: dict[int, tuple[Revision, ...]] = {}
    for row in conn.execute(_REVISIONS, {"ids": list(ids)}):
        changes = tuple(wire.load(Change, one) for one in row.changed)
        one = Revision(number=row.revision, changes=changes, item_id=row.item_id, at=row.created_at)
        grouped[row.event_id] = (*grouped.get(row.event_id, ()), one)
    return grouped


def _view(row: Row[Any], told_by: Sequence[Row[Any]], revised: tuple[Revision, ...]) -> EventView:
    ids = {item.id for item in told_by}
    sources = tuple(
        Source(
            item_id=item.id,
            title=item.title,
            link=item.link,
            feed=item.feed_title or item.url,
            published_at=item.published_at,
            language=item.language,
        )
        for item in told_by
        if item.copy_of not in ids
    )
    return EventView(
        id=row.id,
        rule_id=row.rule_id,
        rule_title=row.rule_title,
        level=Level(row.level),
        status=RuleStatus(row.status),
        revision=row.revision,
        title=row.title,
        facts=_facts_in(row.facts),
        sources=sources,
        snippets=tuple(wire.load(Snippet, one) for one in row.snippets),
        tags=tuple(sorted({tag for item in told_by for tag in item.tags})),
        created_at=row.created_at,
        updated_at=row.updated_at,
        revisions=revised,
        languages=tuple(sorted({item.language for item in told_by if item.language})),
        story_id=row.story_id,
    )
