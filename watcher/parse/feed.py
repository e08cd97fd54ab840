"""A feed's bytes to its items: which format, how many, which of them are one and the same.

What an entry becomes is `watcher.parse.item`'s duty; whether an item is new is the store's.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

from watcher import wire
from watcher.model import JSON, ItemDraft, ParsedFeed
from watcher.parse.charset import decode
from watcher.parse.dates import EARLIEST
from watcher.parse.entry import Document, NotAFeed
from watcher.parse.item import make_item, text_of
from watcher.parse.json_feed import read_json_feed
from watcher.parse.language import primary
from watcher.parse.link import canonical
from watcher.parse.plain import one_line, shorten
from watcher.parse.xml_feed import read_xml_feed

__all__ = ["NotAFeed", "parse", "read"]

MAX_ENTRIES = 2000
_DROPPED_SHOWN = 20
_FEED_TITLE_CHARACTERS = 300
_NEVER = datetime.max.replace(tzinfo=UTC)


def _document(body: bytes, content_type: str | None) -> Document:
    if not body.strip():
        raise NotAFeed("an empty document")
    text, _charset = decode(body, content_type)
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        return read_json_feed(text, MAX_ENTRIES)
    return read_xml_feed(text, MAX_ENTRIES)


def _first_link(items: list[ItemDraft]) -> str | None:
    """The link that keeps the plain identity: of the item that came first, else the one that sorts first.

    Never the one that stands first or last: publishers turn their lists around, and identities must not jump.
    """
    linked = [(item.published_at or _NEVER, item.link) for item in items if item.link is not None]
    return min(linked)[1] if linked else None


def _marked(item: ItemDraft) -> ItemDraft:
    mark = hashlib.sha256((item.link or "").encode()).hexdigest()[:12]
    return replace(item, identity=f"{item.identity}#{mark}", alias=f"{item.alias}#{mark}")


def _apart(items: list[ItemDraft]) -> tuple[list[ItemDraft], int]:
    """Items that share an identity are told apart by their links; else the newest stands, of equals the last.

    Also says how many fell away.
    """
    groups: dict[str, list[ItemDraft]] = {}
    for item in items:
        groups.setdefault(item.identity, []).append(item)
    if len(groups) == len(items):
        return items, 0
    plain = {identity: _first_link(group) for identity, group in groups.items()}
    kept: dict[str, ItemDraft] = {}
    for item in items:
        if item.link is not None and item.link != plain[item.identity]:
            item = _marked(item)
        other = kept.get(item.identity)
        if other is None or _said_at(item) >= _said_at(other):
            kept[item.identity] = item
    return list(kept.values()), len(items) - len(kept)


def _said_at(item: ItemDraft) -> datetime:
    return item.updated_at or item.published_at or EARLIEST


def _shown(dropped: list[str]) -> tuple[str, ...]:
    more = len(dropped) - _DROPPED_SHOWN
    return (*dropped[:_DROPPED_SHOWN], f"and {more} more") if more > 0 else tuple(dropped)


def parse(
    body: bytes, content_type: str | None, url: str, *, now: datetime | None = None, torn: bool = True
) -> ParsedFeed:
    """The feed in `body` (RSS 0.9x–2.0, RDF, Atom, JSON Feed), its items in document order.

    `content_type` is the HTTP header, a hint for the character set; `url` resolves relative links. At most 2,000
    entries and 64 KB of text each; `dropped` says what was left out. A document that breaks off inside an entry is not
    `complete`: `torn` says whether that last entry is given as far as it came, or left out. Raises NotAFeed.
    """
    now = now or datetime.now(UTC)
    document = _document(body, content_type)
    base = canonical(document.link, url) or url
    items: list[ItemDraft] = []
    dropped = list(document.dropped)
    entries = document.entries
    if not document.complete and not torn:
        entries = entries[:-1]
        dropped.append("the last entry, which the document breaks off in")
    for entry in entries:
        item, cuts = make_item(entry, base=base, feed_language=document.language, now=now)
        if item.title or item.text or item.link:
            items.append(item)
        else:
            cuts = ("an entry without title, text and link",)
        dropped += cuts
    items, repeated = _apart(items)
    dropped += [f"{repeated} repeated entries; the newest of each is kept"] * bool(repeated)
    return ParsedFeed(
        title=shorten(one_line(text_of(document.title)), _FEED_TITLE_CHARACTERS) or None,
        link=canonical(document.link, url),
        language=primary(document.language),
        wishes=document.wishes,
        hub_url=document.hub_url or None,
        self_url=document.self_url or None,
        items=tuple(items),
        well_formed=document.well_formed,
        complete=document.complete,
        dropped=_shown(dropped),
    )


def read(payload: JSON) -> JSON:
    """`parse` for the sandbox: `{"body_b64", "content_type", "url", "now"?}` in, `ParsedFeed`'s wire form out.

    What is no feed is an answer, not a failure: `{"not_a_feed": why}`. `now` is an ISO 8601 instant. A torn last entry
    is left out: half of its words, under an identity that may come after them, are nothing to store.
    """
    body = base64.b64decode(payload["body_b64"])
    now = datetime.fromisoformat(payload["now"]) if payload.get("now") else None
    try:
        return wire.dump(parse(body, payload.get("content_type"), payload["url"], now=now, torn=False))
    except NotAFeed as reason:
        return {"not_a_feed": str(reason)}
