"""Items as rows: what came in, what waits to be classified, what was parked and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    null,
    select,
    update,
)

from watcher.model import Again, Item, ItemDraft
from watcher.store import backlog, database, known
from watcher.store.schema import feeds, items

WAITING = and_(items.c.classified_at.is_(None), items.c.parked_reason.is_(None))
_CHUNK = 500


def insert_new(
    conn: Connection, feed_id: int, drafts: Sequence[ItemDraft], *, history: Callable[[ItemDraft], bool], now: datetime
) -> list[int]:
    """Store the drafts that the feed has not brought before, in their order; their ids.

    What counts as brought before is `known.find`'s. `history` says which new ones are silent.
    """
    found = known.find(conn, feed_id, drafts)
    fresh = [draft for draft, one in zip(drafts, found, strict=True) if one is None]
    return add(conn, feed_id, [(draft, history(draft)) for draft in fresh], now=now)


def add(
    conn: Connection,
    feed_id: int,
    fresh: Sequence[tuple[ItemDraft, bool]],
    *,
    now: datetime,
    held: Collection[str] = (),
) -> list[int]:
    """Store drafts, each with whether it stays silent; their ids, in order. One that is stored already is left out.

    `held`: identities of those that may have been told before the database was restored.
    """
    rows = [_row(feed_id, draft, history=silent, now=now) for draft, silent in fresh]
    if held:
        rows = [row | {"held_at": now if row["identity"] in held else None} for row in rows]
    added: list[int] = []
    for start in range(0, len(rows), _CHUNK):
        added += _insert(conn, rows[start : start + _CHUNK])
    return sorted(added)


def _insert(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """One statement of our own text: this insert is most of what a new document costs, and half of that was Core."""
    names = tuple(rows[0])
    binds = _binds(conn.dialect, names)
    values = [bind(row[name]) if bind else row[name] for row in rows for name, bind in zip(names, binds, strict=True)]
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    one = f"({', '.join([mark] * len(names))})"
    text = (
        f"INSERT INTO items ({', '.join(names)}) VALUES {', '.join([one] * len(rows))} "  # noqa: S608 - our own names
        "ON CONFLICT (feed_id, identity) DO NOTHING RETURNING id"
    )
    return [row[0] for row in conn.exec_driver_sql(text, tuple(values))]


@lru_cache(maxsize=8)
def _binds(dialect: Dialect, names: tuple[str, ...]) -> tuple[Callable[[Any], Any] | None, ...]:
    """What each column's type makes of a value for the driver; None where it is taken as it is."""
    return tuple(items.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)


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
        "title_key": known.title_key(draft.title, draft.text),
    }


# ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The part of a stored item that an edit is held against."""

    id: int
    identity: str
    title: str
    summary: str
    text: str
    link: str | None
    published_at: datetime | None
    updated_at: datetime | None
    first_seen_at: datetime
    edits: int
    from_page: bool
    """Its text is its page's, and not what the feed said."""


def stored(conn: Connection, ids: Sequence[int]) -> list[Stored]:
    """Those items in the order of their ids, locked until the transaction ends."""
    told = (items.c.id, items.c.identity, items.c.title, items.c.summary, items.c.text, items.c.link)
    times = (items.c.published_at, items.c.updated_at, items.c.first_seen_at)
    query = select(*told, *times, items.c.edits, items.c.from_page).where(items.c.id.in_(ids)).order_by(items.c.id)
    return [Stored(**row._mapping) for row in conn.execute(query.with_for_update(key_share=True))]


def edit(
    conn: Connection, item: Stored, draft: ItemDraft, *, now: datetime, held: bool = False, silent: bool = False
) -> None:
    """Write the entry's words of now; the item waits for the rules again, and events that it tells may be revised.

    A text that came from the item's page stays. Whoever reads the old words just now loses the claim, which counts as
    no try. A parked item stays parked. `held`: the change may have been told before the database was restored;
    `silent`: nobody is to hear of it.
    """
    values: dict[str, Any] = {
        "title": draft.title,
        "summary": draft.summary,
        "link": draft.link or items.c.link,
        "author": draft.author or items.c.author,
        "language": draft.language or items.c.language,
        "categories": list(draft.categories),
        "updated_at": draft.updated_at or items.c.updated_at,
        "content_hash": draft.content_hash,
        "title_key": known.title_key(draft.title, draft.text),
        "edits": items.c.edits + 1,
        "edited_at": now,
        "held_at": now if held else None,
    }
    if silent:
        values["history"] = True
    if not item.from_page:
        values["text"] = draft.text
    conn.execute(update(items).where(items.c.id == item.id).values(**values, **_read_again(now)))


def give_page(conn: Connection, item_id: int, text: str, language: str | None, *, now: datetime) -> None:
    """Write the text of the item's page, and the language where none is known; then as after `edit`.

    The content hash stays that of the feed's entry, so that the page is never taken for an edit of it.
    """
    values = {"text": text, "language": func.coalesce(items.c.language, language), "from_page": True}
    conn.execute(update(items).where(items.c.id == item_id).values(**values, **_read_again(now)))


def _read_again(now: datetime) -> dict[str, Any]:
    read_before = items.c.classified_at.is_not(None) | items.c.reclassify.is_not(None)
    return {
        "reclassify": case((read_before, Again.TEXT.value), else_=null()),
        "classified_at": None,
        "next_classify_at": now,
        "attempt": items.c.attempt - case((items.c.lease_owner.is_not(None), 1), else_=0),
        "lease_owner": None,
        "lease_until": None,
    }


def recent_times(conn: Connection, feed_id: int, limit: int = 30) -> list[datetime]:
    """When the feed's newest items were published, or first seen where they have no date; newest first."""
    asked = {"feed": feed_id, "most": limit}
    rows = [row for query in _NEWEST for row in conn.execute(query, asked)]
    return sorted((row.published_at or row.first_seen_at for row in rows), reverse=True)[:limit]


def _newest(dated: ColumnElement[bool]) -> Select[Any]:
    mine = select(items.c.published_at, items.c.first_seen_at).where(items.c.feed_id == bindparam("feed"), dated)
    return mine.order_by(items.c.published_at.desc(), items.c.first_seen_at.desc()).limit(bindparam("most"))


_NEWEST = (_newest(items.c.published_at.is_not(None)), _newest(items.c.published_at.is_(None)))
"""Two queries, so that an index serves each."""


# ── the rules' backlog ───────────────────────────────────────────────────────────────────────────────────────────────


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of items that wait to be classified and that nobody holds, oldest first."""
    return backlog.due(conn, items, where=WAITING, due_at=items.c.next_classify_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[Item]:
    """Lease those of `ids` that still wait, with their feed's title and tags: those never tried, or tried `before`."""
    claimed = backlog.claim(
        conn,
        items,
        ids,
        waiting=WAITING,
        due_at=items.c.next_classify_at,
        before=before,
        owner=owner,
        lease_s=lease_s,
        now=now,
    )
    attempts = {row.id: row.attempt for row in claimed}
    rows = conn.execute(select_items().where(items.c.id.in_(list(attempts))).order_by(items.c.id))
    return [item_of(row, attempt=attempts[row.id]) for row in rows]


def select_items() -> Select[Any]:
    """Items with what `item_of` needs of their feed."""
    titles = (feeds.c.title.label("feed_title"), feeds.c.url.label("feed_url"), feeds.c.tags.label("feed_tags"))
    return select(items, *titles).join(feeds, feeds.c.id == items.c.feed_id)


def item_of(row: Row[Any], *, attempt: int = 0) -> Item:
    """The item in a row of `select_items`; `attempt` is the number of its claim."""
    return Item(
        id=row.id,
        feed_id=row.feed_id,
        feed_title=row.feed_title or row.feed_url,
        feed_tags=tuple(row.feed_tags),
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
        held=row.held_at is not None,
    )


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
