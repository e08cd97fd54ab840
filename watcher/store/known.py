"""Which stored items the entries of a document are: by identity, else by what stays when a publisher changes its ids.

What is done with an entry that no item is, or whose words changed, is left to `watcher.pipeline.intake`.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    func,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from watcher.model import ItemDraft
from watcher.store.schema import Instant, feeds, items

_CHUNK = 500
_NOT_WORDS = re.compile(r"[\W_]+")
_KEY_CHARACTERS = 300
"""Of the text, where an item has no title."""
_SITE = re.compile(r"https?://[^/?#]+/?(?:#.*)?", re.IGNORECASE)
_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)
_MOST_CANDIDATES = 5000
"""Items looked at for entries that are matched loosely; titles such as "Update" are shared by thousands."""


class By(StrEnum):
    """By what an entry was known."""

    IDENTITY = "identity"
    ALIAS = "alias"
    """The same id but for scheme and host, and the same title."""
    LINK = "link"
    """Another id, the same page and the same title."""
    DATE = "date"
    """Another id, the same title and the same publish date."""
    PAGE = "page"
    """Only while a whole document is doubted: the same page, which no other entry and no other item names."""
    DAY = "day"
    """Only while a whole document is doubted: the same title, published within a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The stored item that an entry is."""

    item_id: int
    content_hash: str
    by: By


def title_key(title: str, text: str) -> int | None:
    """63 bits of the title without case, width and punctuation, of the text's beginning where there is no title.

    None where there are no words at all.
    """
    return _hashed(title or text[:_KEY_CHARACTERS])


@lru_cache(maxsize=1024)  # it is asked when an entry is looked for, and again when it is stored
def _hashed(told: str) -> int | None:
    folded = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", told).casefold()).strip()
    if not folded:
        return None
    digest = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def find(conn: Connection, feed_id: int, drafts: Sequence[ItemDraft]) -> list[Known | None]:
    """The item of the feed that each entry is, in their order; None for one that the feed has not brought before.

    An item is found by the entry's identity, else by the same title with the same alias, page or publish date. No
    item is two entries of one document: what still stands in it under its own id is not taken for another. Entries
    without an item lock the feed until the transaction ends: a poll and a push at once must not both bring them.
    """
    ask, known = _QUERIES[conn.dialect.name], dict[str, Known]()
    for chunk in _chunks([draft.identity for draft in drafts]):
        for row in conn.execute(ask.by_identity, _asked(conn, feed_id, identities=chunk)):
            known[row.identity] = Known(item_id=row.id, content_hash=row.content_hash, by=By.IDENTITY)
    found = [known.get(draft.identity) for draft in drafts]
    if all(found):
        return found
    if conn.dialect.name == "postgresql":  # SQLite's write transactions are alone by themselves
        conn.execute(_LOCK, {"feed": feed_id})
    left = _left(drafts, found)
    return _fill(found, left, _same_title(conn, feed_id, left), _under_another_id)


def find_loosely(
    conn: Connection, feed_id: int, drafts: Sequence[ItemDraft], found: Sequence[Known | None]
) -> list[Known | None]:
    """`found` with more of the entries recognised: for a document that most likely is an old one under new ids.

    A page is enough then, if only one entry and one item name it, and so is a title on the same day.
    """
    ask, left = _QUERIES[conn.dialect.name], _left(drafts, found)
    rows: list[Row[Any]] = []
    for chunk in _chunks([link for entry in left for link in _both_schemes(entry.page)]):
        rows += conn.execute(ask.by_link, _asked(conn, feed_id, links=chunk))
    for chunk in _chunks([entry.key for entry in left if entry.key is not None]):
        rows += conn.execute(ask.by_title, _asked(conn, feed_id, titles=chunk))
    unique = {row.id: row for row in rows}.values()
    entries = Counter(_page(draft.link) for draft in drafts)
    stored = Counter(_page(row.link) for row in unique)

    def same(row: Row[Any], entry: _Entry) -> By | None:
        if entry.page and entry.page == _page(row.link) and entries[entry.page] == stored[entry.page] == 1:
            return By.PAGE
        at = entry.draft.published_at
        near = row.published_at and at and abs(row.published_at - at) <= _DAY
        return By.DAY if near and row.title_key is not None and row.title_key == entry.key else None

    return _fill(found, left, unique, same)


def take_ids(conn: Connection, drafts: Sequence[ItemDraft], found: Sequence[Known | None]) -> None:
    """Give items that were known by something else the identity that their entry has now: the next look finds it."""
    rows = [
        {"item": one.item_id, "identity": draft.identity, "alias": draft.alias}
        for draft, one in zip(drafts, found, strict=True)
        if one is not None and one.by is not By.IDENTITY
    ]
    if rows:
        conn.execute(_TAKE_ID, rows)


def past(
    conn: Connection, feed_id: int, *, first_fetched_at: datetime | None, now: datetime
) -> tuple[datetime | None, float]:
    """What the feed has brought until now: its newest publish date, and how many items a day in the last month.

    The date is none later than the item was seen, and None while no item has one. Items of the first fetch that have
    no date tell nothing of how often the feed brings some. Reads all rows of the feed: for a document that is doubted.
    """
    at = func.coalesce(items.c.published_at, items.c.first_seen_at)
    seen = case((items.c.published_at > items.c.first_seen_at, items.c.first_seen_at), else_=items.c.published_at)
    counted = at > now - _MONTH
    if first_fetched_at is not None:
        counted = and_(counted, or_(items.c.published_at.is_not(None), items.c.first_seen_at > first_fetched_at))
    query = select(func.max(seen), func.count(case((counted, 1))), func.min(case((counted, at))))
    newest, count, oldest = conn.execute(query.where(items.c.feed_id == feed_id)).one()
    days = max((now - oldest) / _DAY, 1.0) if oldest else 1.0
    return newest, count / days


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry that no identity is known for, with what else it may be known by; `number` is its place."""

    number: int
    draft: ItemDraft
    key: int | None
    page: str | None


def _left(drafts: Sequence[ItemDraft], found: Sequence[Known | None]) -> list[_Entry]:
    return [
        _Entry(number, draft, title_key(draft.title, draft.text), _page(draft.link))
        for number, (draft, one) in enumerate(zip(drafts, found, strict=True))
        if one is None
    ]


def _fill(
    found: Sequence[Known | None],
    left: Sequence[_Entry],
    candidates: Iterable[Row[Any]],
    same: Callable[[Row[Any], _Entry], By | None],
) -> list[Known | None]:
    """`found`, its gaps filled with the candidates that are the `same`; each candidate is taken once."""
    filled = list(found)
    taken = {one.item_id for one in found if one is not None}
    by_title, by_page = defaultdict(list), defaultdict(list)
    for row in candidates:
        by_title[row.title_key].append(row)
        by_page[_page(row.link)].append(row)
    if not by_title:
        return filled
    for entry in left:
        likely = [*by_title.get(entry.key, ()), *(by_page.get(entry.page, ()) if entry.page else ())]
        for row in likely:
            by = None if row.id in taken else same(row, entry)
            if by is not None:
                filled[entry.number] = Known(item_id=row.id, content_hash=row.content_hash, by=by)
                taken.add(row.id)
                break
    return filled


def _under_another_id(row: Row[Any], entry: _Entry) -> By | None:
    draft = entry.draft
    if row.title_key is None or row.title_key != entry.key:
        return None
    if row.alias == draft.alias:
        return By.ALIAS
    if row.published_at is not None and row.published_at == draft.published_at:
        return By.DATE
    if entry.page is None or entry.page != _page(row.link):
        return None
    # one page under one headline may be written anew every day: then its date and its words are others
    apart = row.published_at and draft.published_at and abs(row.published_at - draft.published_at) > _DAY
    return By.LINK if not apart or row.content_hash == draft.content_hash else None


def _page(link: str | None) -> str | None:
    """The link without its scheme; None where it names only a site, as many entries of a feed may."""
    return None if not link or _SITE.fullmatch(link) else link.partition("://")[2]


def _both_schemes(page: str | None) -> tuple[str, ...]:
    return () if page is None else (f"https://{page}", f"http://{page}")


# ── queries ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Queries:
    """The statements of one dialect, each list of values one parameter: building one costs as much as running it."""

    by_identity: Select[Any]
    by_title: Select[Any]
    by_title_and_more: Select[Any]
    by_link: Select[Any]


def _queries(among: Callable[[str, Column[Any]], Any]) -> _Queries:
    columns = (items.c.id, items.c.alias, items.c.link, items.c.title_key, items.c.published_at, items.c.content_hash)
    of_feed = items.c.feed_id == bindparam("feed")
    candidates = select(*columns).where(of_feed).order_by(items.c.id.desc())
    titles, links = among("titles", items.c.title_key), among("links", items.c.link)
    more = or_(among("aliases", items.c.alias), links, among("dates", items.c.published_at))
    identities = among("identities", items.c.identity)
    return _Queries(
        select(items.c.id, items.c.identity, items.c.content_hash).where(of_feed, identities),
        candidates.where(titles).limit(_MOST_CANDIDATES),
        candidates.where(titles, more),
        candidates.where(links),
    )


def _in_json(name: str, column: Column[Any]) -> Any:
    listed = func.json_each(bindparam(name, type_=Text)).table_valued("value", name=name)
    return type_coerce(column, Text).in_(select(listed.c.value))


def _in_array(name: str, column: Column[Any]) -> Any:
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


_QUERIES = {"sqlite": _queries(_in_json), "postgresql": _queries(_in_array)}
_LOCK = select(feeds.c.id).where(feeds.c.id == bindparam("feed")).with_for_update(key_share=True)
_TAKE_ID = (
    update(items)
    .where(items.c.id == bindparam("item", type_=BigInteger))
    .values(identity=bindparam("identity"), alias=bindparam("alias"))
)


def _asked(conn: Connection, feed_id: int, **lists: Sequence[Any]) -> dict[str, Any]:
    if conn.dialect.name == "postgresql":
        return {"feed": feed_id, **lists}
    bind = Instant().process_bind_param
    plain = {
        name: [bind(value, conn.dialect) if isinstance(value, datetime) else value for value in values]
        for name, values in lists.items()
    }
    return {"feed": feed_id} | {name: json.dumps(values, ensure_ascii=False) for name, values in plain.items()}


def _same_title(conn: Connection, feed_id: int, left: Sequence[_Entry]) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for chunk in _chunks(left):
        asked = _asked(
            conn,
            feed_id,
            titles=[entry.key for entry in chunk if entry.key is not None],
            aliases=[entry.draft.alias for entry in chunk],
            links=[link for entry in chunk for link in _both_schemes(entry.page)],
            dates=[entry.draft.published_at for entry in chunk if entry.draft.published_at],
        )
        rows += conn.execute(_QUERIES[conn.dialect.name].by_title_and_more, asked)
    return rows


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))
