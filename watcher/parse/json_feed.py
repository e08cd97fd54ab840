"""JSON Feed 1.0 and 1.1 (jsonfeed.org) to entries. Fields of the wrong type count as missing."""

from __future__ import annotations

import json
from typing import Any

from watcher.parse.announced import announced_json
from watcher.parse.entry import Document, Entry, Markup, NotAFeed

_HEAD = "jsonfeed.org/version/"


def _text(holder: Any, *names: str) -> str:
    """The first of the named fields that holds a string; numbers count, since ids are often sent so."""
    for name in names:
        value = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(value, bool):
            continue
        if isinstance(value, (int, float)):
            value = str(value)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _list(holder: Any, name: str) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, list) else []


def _author(item: dict[str, Any]) -> str:
    names = [_text(author, "name") for author in _list(item, "authors")]
    return ", ".join(name for name in names if name) or _text(item.get("author"), "name")


def _entry(item: dict[str, Any]) -> Entry:
    html = _text(item, "content_html")
    return Entry(
        guid=_text(item, "id"),
        link=_text(item, "url", "external_url"),
        title=Markup(value=_text(item, "title"), guess=True),
        content=Markup(value=html, html=True) if html else Markup(value=_text(item, "content_text")),
        summary=Markup(value=_text(item, "summary")),
        author=_author(item),
        language=_text(item, "language"),
        categories=tuple(tag for tag in _list(item, "tags") if isinstance(tag, str)),
        published=_text(item, "date_published"),
        updated=_text(item, "date_modified"),
    )


def read_json_feed(text: str, max_entries: int) -> Document:
    """The document of a JSON Feed; raises NotAFeed on other JSON and on what is no JSON."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAFeed("neither XML nor well-formed JSON") from None
    if not isinstance(whole, dict) or _HEAD not in _text(whole, "version") or not isinstance(whole.get("items"), list):
        raise NotAFeed("JSON, but not a JSON Feed")
    items = [item for item in whole["items"] if isinstance(item, dict)]
    odd, over = len(whole["items"]) - len(items), max(len(items) - max_entries, 0)
    dropped = [f"{odd} items that are not objects"] * bool(odd) + [f"{over} entries over {max_entries}"] * bool(over)
    hub_url, self_url = announced_json(whole)
    return Document(
        hub_url=hub_url,
        self_url=self_url,
        title=Markup(value=_text(whole, "title")),
        link=_text(whole, "home_page_url"),
        language=_text(whole, "language"),
        entries=tuple(_entry(item) for item in items[:max_entries]),
        well_formed=odd == 0,
        dropped=tuple(dropped),
    )
