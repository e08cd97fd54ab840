"""Stories as rows: which open stories an item may tell, by keys they share, and which items stand for each of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, exists, func, or_, select, update

from watcher.store.dialect import insert
from watcher.store.schema import items, stories, story_keys

_PLACING_KEY = 0x73746F72
"""The advisory lock of PostgreSQL under which items are placed into stories; any number that is ours alone."""
KEY_CHARACTERS = 120
CORE_ITEMS = 5
"""Items that stand for a story: the first so many that are no copies."""
_KEYS_AT_ONCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreItem:
    """An item that stands for its story, with what its module kept of it (JSON)."""

    story_id: int
    item_id: int
    fingerprint: Any


def lock(conn: Connection) -> None:
    """Be the only transaction that places items, until it ends: two tellings at once must not become two stories.

    SQLite's write transactions are that by themselves.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_PLACING_KEY)))


def ensure(conn: Connection, *, key: str, title: str, now: datetime) -> int:
    """The id of the story with that key, made open when it is new."""
    values = {"key": key, "title": title, "created_at": now, "last_item_at": now}
    conn.execute(insert(conn, stories).values(**values).on_conflict_do_nothing(index_elements=["key"]))
    found: int = conn.execute(select(stories.c.id).where(stories.c.key == key)).scalar_one()
    return found


def known(conn: Connection, key: str) -> int | None:
    """The id of the story with that key, open or not."""
    return conn.execute(select(stories.c.id).where(stories.c.key == key)).scalar_one_or_none()


def candidates(conn: Connection, keys: Collection[str], *, limit: int) -> list[int]:
    """Ids of open stories that share a key, those with most keys in common first, the newer first among equals."""
    shared: dict[int, int] = {}
    asked = sorted({key[:KEY_CHARACTERS] for key in keys})
    for start in range(0, len(asked), _KEYS_AT_ONCE):
        query = (
            select(story_keys.c.story_id, func.count())
            .join(stories, stories.c.id == story_keys.c.story_id)
            .where(story_keys.c.key.in_(asked[start : start + _KEYS_AT_ONCE]), stories.c.closed_at.is_(None))
            .group_by(story_keys.c.story_id)
        )
        for story_id, count in conn.execute(query):
            shared[story_id] = shared.get(story_id, 0) + count
    return sorted(shared, key=lambda one: (-shared[one], -one))[:limit]


def core(conn: Connection, story_ids: Sequence[int]) -> list[CoreItem]:
    """The items that stand for these stories, oldest first."""
    columns = (items.c.story_id, items.c.id, items.c.fingerprint)
    query = select(*columns).where(items.c.story_id.in_(story_ids), items.c.fingerprint.is_not(None))
    rows = conn.execute(query.order_by(items.c.id)).all()
    return [CoreItem(story_id=row.story_id, item_id=row.id, fingerprint=row.fingerprint) for row in rows]


def original(conn: Connection, story_id: int, item_id: int, *, page: str | None) -> int | None:
    """The first item of the story that is the same page as this one: the link `page`, or the same headline and text."""
    told = select(items.c.title, items.c.text).where(items.c.id == item_id)
    title, text = conn.execute(told).one()
    same_words = (items.c.title == title) & (items.c.text == text)
    same_page = same_words if page is None else or_(items.c.link == page, same_words)
    query = select(func.min(items.c.id)).where(
        items.c.story_id == story_id, items.c.id < item_id, items.c.copy_of.is_(None), same_page
    )
    found: int | None = conn.execute(query).scalar_one()
    return found


def join(
    conn: Connection,
    story_id: int,
    item_id: int,
    *,
    reason: str,
    copy_of: int | None,
    fingerprint: Any,
    keys: Collection[str],
    now: datetime,
) -> None:
    """Note how the item came to the story; while the core has room, an item that is no copy stands for the story."""
    in_core = select(func.count()).where(
        items.c.story_id == story_id, items.c.fingerprint.is_not(None), items.c.id != item_id
    )
    stands = fingerprint is not None and copy_of is None and conn.execute(in_core).scalar_one() < CORE_ITEMS
    values = {
        "story_id": story_id,
        "story_reason": reason,
        "copy_of": copy_of,
        "fingerprint": fingerprint if stands else None,
    }
    conn.execute(update(items).where(items.c.id == item_id).values(**values))
    conn.execute(update(stories).where(stories.c.id == story_id).values(last_item_at=now))
    if stands and keys:
        rows = [{"key": key[:KEY_CHARACTERS], "story_id": story_id, "created_at": now} for key in sorted(keys)]
        conn.execute(insert(conn, story_keys).on_conflict_do_nothing(index_elements=["key", "story_id"]), rows)


def close_old(conn: Connection, *, older_than: timedelta, now: datetime) -> int:
    """Close the stories that nobody has told for so long and forget their keys; how many."""
    old = stories.c.closed_at.is_(None) & (stories.c.last_item_at < now - older_than)
    closed = conn.execute(update(stories).where(old).values(closed_at=now)).rowcount
    if closed:
        gone = exists().where(stories.c.id == story_keys.c.story_id, stories.c.closed_at.is_not(None))
        conn.execute(delete(story_keys).where(gone))
    return closed
