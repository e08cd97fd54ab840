"""Stories as rows: which open stories an item may tell, by keys they share, and which items stand for each of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    any_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from watcher.model import Item
from watcher.store.dialect import insert
from watcher.store.schema import items, stories, story_keys

_PLACING_KEY = 0x73746F72
"""The advisory lock of PostgreSQL under which items are placed into stories; any number that is ours alone."""
CORE_ITEMS = 5
"""Items that stand for a story: the first so many that are no copies."""
_MOST_KEYS = 400
_KNOWN = select(stories.c.id).where(stories.c.key == bindparam("key"))


def _sharing(asked: ColumnElement[bool]) -> Select[tuple[int, int, Any]]:
    in_common = func.count()
    likest = (
        select(story_keys.c.story_id, in_common.label("shared"))
        .where(asked)
        .group_by(story_keys.c.story_id)
        .order_by(in_common.desc(), story_keys.c.story_id.desc())
        .limit(bindparam("stories"))
        .subquery()
    )
    core = select(items.c.story_id, items.c.id, items.c.fingerprint).join(likest, likest.c.story_id == items.c.story_id)
    core = core.where(items.c.fingerprint.is_not(None))
    return core.order_by(likest.c.shared.desc(), likest.c.story_id.desc(), items.c.id)


# made once, and the keys are one parameter: building a statement for each item costs as much as running it
_JSON_KEYS = func.json_each(bindparam("keys")).table_valued("value")
_SHARING = {
    "sqlite": _sharing(story_keys.c.key.in_(select(_JSON_KEYS.c.value))),
    "postgresql": _sharing(story_keys.c.key == any_(bindparam("keys", type_=ARRAY(BigInteger)))),
}


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
    statement = insert(conn, stories).values(**values).on_conflict_do_nothing(index_elements=["key"])
    made: int | None = conn.execute(statement.returning(stories.c.id)).scalar_one_or_none()
    return made if made is not None else conn.execute(_KNOWN, {"key": key}).scalar_one()


def known(conn: Connection, key: str) -> int | None:
    """The id of the story with that key, open or not."""
    return conn.execute(_KNOWN, {"key": key}).scalar_one_or_none()


def hashed(keys: Collection[str]) -> list[int]:
    """Keys of any length as numbers of 63 bits, in order."""
    digests = (hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys)
    return sorted({int.from_bytes(digest, "big") >> 1 for digest in digests})


def candidates(conn: Connection, keys: Sequence[int], *, limit: int) -> list[CoreItem]:
    """The items that stand for the open stories that share a key (`hashed`): at most `limit` stories.

    Those with most keys in common come first, the newer first among equals, and the items of each oldest first.
    """
    asked: object = list(keys[:_MOST_KEYS])
    if conn.dialect.name == "sqlite":
        asked = json.dumps(asked)
    rows = conn.execute(_SHARING[conn.dialect.name], {"keys": asked, "stories": limit}).all()
    return [CoreItem(story_id=row.story_id, item_id=row.id, fingerprint=row.fingerprint) for row in rows]


def original(conn: Connection, story_id: int, item: Item, *, page: str | None) -> int | None:
    """The item of the story that is the same page as this one: the link `page`, or the same headline and text.

    Whichever came to the story before is the original: two workers may place a page's copies in any order.
    """
    same_words = (items.c.title == item.title) & (items.c.text == item.text)
    same_page = same_words if page is None else or_(items.c.link == page, same_words)
    query = select(func.min(items.c.id)).where(
        items.c.story_id == story_id, items.c.id != item.id, items.c.copy_of.is_(None), same_page
    )
    found: int | None = conn.execute(query).scalar_one()
    return found


def join(
    conn: Connection,
    story_id: int,
    item_id: int,
    *,
    reason: str,
    now: datetime,
    copy_of: int | None = None,
    stands: Mapping[str, Any] | None = None,
    keys: Sequence[int] = (),
) -> None:
    """Note how the item came to the story.

    With `stands`, what its module keeps of it, the item stands for the story while there is room in the core, and the
    story is found by the item's `keys` (`hashed`) too.
    """
    if stands is not None:
        in_core = select(func.count()).where(
            items.c.story_id == story_id, items.c.fingerprint.is_not(None), items.c.id != item_id
        )
        if conn.execute(in_core).scalar_one() >= CORE_ITEMS:
            stands = None
    values = {"story_id": story_id, "story_reason": reason, "copy_of": copy_of, "fingerprint": stands}
    conn.execute(update(items).where(items.c.id == item_id).values(**values))
    conn.execute(update(stories).where(stories.c.id == story_id).values(last_item_at=now))
    if stands is not None:
        _add_keys(conn, story_id, keys)


def stand_anew(conn: Connection, story_id: int, item_id: int, stands: Mapping[str, Any], keys: Sequence[int]) -> None:
    """Keep what an item of the core tells now that more of its text is known; nothing for any other item."""
    standing = (items.c.id == item_id) & items.c.fingerprint.is_not(None)
    if conn.execute(update(items).where(standing).values(fingerprint=stands)).rowcount:
        _add_keys(conn, story_id, keys)


def _add_keys(conn: Connection, story_id: int, keys: Sequence[int]) -> None:
    """A closed story takes none: nothing is to find it."""
    still_open = select(stories.c.id).where(stories.c.id == story_id, stories.c.closed_at.is_(None))
    if keys and conn.execute(still_open).first():
        rows = [{"key": key, "story_id": story_id} for key in keys[:_MOST_KEYS]]
        conn.execute(insert(conn, story_keys).on_conflict_do_nothing(index_elements=["key", "story_id"]), rows)


def close_old(conn: Connection, *, older_than: timedelta, now: datetime) -> int:
    """Close the stories that nobody has told for so long and forget their keys; how many."""
    old = stories.c.closed_at.is_(None) & (stories.c.last_item_at < now - older_than)
    closed = conn.execute(update(stories).where(old).values(closed_at=now)).rowcount
    if closed:
        gone = exists().where(stories.c.id == story_keys.c.story_id, stories.c.closed_at.is_not(None))
        conn.execute(delete(story_keys).where(gone))
    return closed
