"""Items as rows: what came in, what waits to be classified, what was parked and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, and_, func, select, update

from watcher.model import Again, Item, ItemDraft
from watcher.store import backlog, database
from watcher.store.dialect import insert
from watcher.store.schema import feeds, items

WAITING = and_(items.c.classified_at.is_(None), items.c.parked_reason.is_(None))
_CHUNK = 500


def insert_new(
    conn: Connection, feed_id: int, drafts: Sequence[ItemDraft], *, history: Callable[[ItemDraft], bool], now: datetime
) -> list[int]:
    """Store the drafts that the feed has not brought before, in their order; their ids.

    Known means the same identity, or the same alias and title (a guid that only changed its scheme or host; the title
    keeps apart what an aggregator joins from several hosts). `history` says which new ones are silent.
    """
    identities = _known(conn, feed_id, items.c.identity, [draft.identity for draft in drafts])
    aliases = _known(conn, feed_id, items.c.alias, [draft.alias for draft in drafts])
    told = {(row.alias, row.title) for row in aliases}
    known = {row.identity for row in identities}
    fresh = [draft for draft in drafts if draft.identity not in known and (draft.alias, draft.title) not in told]
    if not fresh:
        return []
    statement = insert(conn, items).on_conflict_do_nothing(index_elements=["feed_id", "identity"])
    rows = [_row(feed_id, draft, history=history(draft), now=now) for draft in fresh]
    return sorted(conn.execute(statement.returning(items.c.id), rows).scalars())


def _known(conn: Connection, feed_id: int, column: Column[str], values: Sequence[str]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for start in range(0, len(values), _CHUNK):
        query = select(items.c.identity, items.c.alias, items.c.title)
        found += conn.execute(query.where(items.c.feed_id == feed_id, column.in_(values[start : start + _CHUNK])))
    return found


def _row(feed_id: int, draft: ItemDraft, *, history: bool, now: datetime) -> dict[str, Any]:
    return {
        "feed_id": feed_id,
        "identity": draft.identity,
        "alias": draft.alias,
        "link": draft.link,
        "title": draft.title,
        "summary": draft.summary,
        "text": draft.text,
        "author": draft.author,
        "language": draft.language,
        "categories": list(draft.categories),
        "published_at": draft.published_at,
        "updated_at": draft.updated_at,
        "first_seen_at": now,
        "content_hash": draft.content_hash,
        "history": history,
        "next_classify_at": now,
    }


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of items that wait to be classified and that nobody holds, oldest first."""
    return backlog.due(conn, items, where=WAITING, due_at=items.c.next_classify_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[Item]:
    """Lease those of `ids` that still wait, with their feed's title and tags: those never tried, or tried `before`."""
    where = and_(WAITING, items.c.next_classify_at <= database.now_sql(conn, now), backlog.tried(items, before))
    attempts = {
        row.id: row.attempt
        for row in database.claim(
            conn, items, ids, owner=owner, lease_s=lease_s, now=now, where=[where], limit=len(ids)
        )
    }
    return [_item(row, attempts[row.id]) for row in _with_feed(conn, list(attempts))]


def _with_feed(conn: Connection, ids: Sequence[int]) -> Sequence[Row[Any]]:
    query = select(items, feeds.c.title.label("feed_title"), feeds.c.url.label("feed_url"), feeds.c.tags)
    return conn.execute(query.join(feeds).where(items.c.id.in_(ids)).order_by(items.c.id)).all()


def _item(row: Row[Any], attempt: int) -> Item:
    return Item(
        id=row.id,
        feed_id=row.feed_id,
        feed_title=row.feed_title or row.feed_url,
        feed_tags=tuple(row.tags),
        link=row.link,
        title=row.title,
        text=row.text,
        language=row.language,
        published_at=row.published_at,
        first_seen_at=row.first_seen_at,
        history=row.history,
        attempt=attempt,
        story_id=row.story_id,
        again=Again(row.reclassify) if row.reclassify else None,
    )


def recent_times(conn: Connection, feed_id: int, *, limit: int) -> list[datetime]:
    """When the feed's newest items came (published, else first seen), newest first."""
    came_at = func.coalesce(items.c.published_at, items.c.first_seen_at)
    query = select(items.c.published_at, items.c.first_seen_at).where(items.c.feed_id == feed_id)
    rows = conn.execute(query.order_by(came_at.desc(), items.c.id.desc()).limit(limit))
    return [row.published_at or row.first_seen_at for row in rows]


def newest_words(conn: Connection, *, limit: int) -> list[tuple[str, str]]:
    """Titles and the beginnings of texts of the newest items."""
    query = select(items.c.title, func.substr(items.c.text, 1, 600)).order_by(items.c.id.desc()).limit(limit)
    return [(row[0], row[1]) for row in conn.execute(query)]


def finish(conn: Connection, item: Item, *, owner: str, rules_version: str, now: datetime) -> bool:
    """Mark the item classified with these rules; False when the lease was lost."""
    values = {"classified_at": now, "classified_with": rules_version, "reclassify": None, "attempt": 0}
    return database.finish(conn, items, item.id, owner=owner, attempt=item.attempt, values=values)


def reclassify(conn: Connection, ids: Sequence[int], why: Again, *, now: datetime) -> list[int]:
    """Let classified items wait for the rules once more; the ids of those that do."""
    found: list[int] = []
    for start in range(0, len(ids), _CHUNK):
        statement = update(items).where(items.c.id.in_(ids[start : start + _CHUNK]), items.c.classified_at.is_not(None))
        values = {"classified_at": None, "reclassify": why.value, "next_classify_at": now, "attempt": 0}
        found += conn.execute(statement.values(**values).returning(items.c.id)).scalars()
    return sorted(found)


def put_off(conn: Connection, item: Item, *, owner: str, until: datetime) -> bool:
    """Free the item for another try not before `until`."""
    values = {"next_classify_at": until}
    return database.finish(conn, items, item.id, owner=owner, attempt=item.attempt, values=values)


def release(conn: Connection, item: Item, *, owner: str) -> bool:
    """Free an item that was not looked at after all; it waits as if it had never been claimed."""
    return database.finish(conn, items, item.id, owner=owner, attempt=item.attempt, values={"attempt": 0})


def park(conn: Connection, item: Item, *, owner: str, reason: str) -> bool:
    """Set the item aside: it made the rules fail too often. It stays stored and can be woken."""
    values = {"parked_reason": reason}
    return database.finish(conn, items, item.id, owner=owner, attempt=item.attempt, values=values)


def wake_parked(conn: Connection, *, now: datetime) -> int:
    """Let parked items be classified again; how many."""
    statement = update(items).where(items.c.parked_reason.is_not(None))
    return conn.execute(statement.values(parked_reason=None, attempt=0, next_classify_at=now)).rowcount


def parked(conn: Connection, *, limit: int) -> list[dict[str, Any]]:
    """The newest parked items: id, title, link and why."""
    query = select(items.c.id, items.c.title, items.c.link, items.c.parked_reason)
    query = query.where(items.c.parked_reason.is_not(None)).order_by(items.c.id.desc()).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]
