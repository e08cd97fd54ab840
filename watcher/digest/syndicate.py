"""Events as a feed of our own: Atom (RFC 4287) and JSON Feed 1.1, for any reader. Which ones is left to the caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlsplit
from xml.etree import ElementTree as Tree

from watcher import wording
from watcher.model import EventView, Language

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
_ATOM = "http://www.w3.org/2005/Atom"
_LANGUAGE_TAG = {Language.ENGLISH: "en", Language.CHINESE: "zh-CN"}
_SNIPPETS, _SOURCES = 3, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What stands at the head of the feed. `key` tells the feeds of one service apart and never changes."""

    key: str
    title: str
    home: str
    address: str
    language: Language = Language.ENGLISH
    made_at: datetime
    """When the feed counts as changed while it holds no event."""


Page = Callable[[int], str | None]
"""An event's id → the signed address of its page."""


def atom(channel: Channel, events: Sequence[EventView], page: Page) -> bytes:
    """An Atom document, newest first as given; the same rows give the same bytes."""
    Tree.register_namespace("", _ATOM)
    feed = Tree.Element(f"{{{_ATOM}}}feed", {"xml:lang": _LANGUAGE_TAG[channel.language]})
    _text(feed, "id", _tag(channel, "feed", channel.key))
    _text(feed, "title", wording.one_line(channel.title, 200))
    _text(feed, "updated", _instant(max((one.updated_at for one in events), default=channel.made_at)))
    Tree.SubElement(feed, f"{{{_ATOM}}}link", {"rel": "self", "href": channel.address})
    Tree.SubElement(feed, f"{{{_ATOM}}}link", {"rel": "alternate", "href": channel.home})
    _text(Tree.SubElement(feed, f"{{{_ATOM}}}author"), "name", "Biotech Watcher")
    for event in events:
        _entry(feed, channel, event, page(event.id))
    return bytes(Tree.tostring(feed, encoding="utf-8", xml_declaration=True))


def _entry(feed: Tree.Element, channel: Channel, event: EventView, page: str | None) -> None:
    entry = Tree.SubElement(feed, f"{{{_ATOM}}}entry")
    _text(entry, "id", _tag(channel, "event", str(event.id)))
    _text(entry, "title", title(event, channel.language))
    _text(entry, "published", _instant(event.created_at))
    _text(entry, "updated", _instant(event.updated_at))
    link = page or _first_link(event)
    if link:
        Tree.SubElement(entry, f"{{{_ATOM}}}link", {"rel": "alternate", "href": link})
    Tree.SubElement(entry, f"{{{_ATOM}}}category", {"term": event.rule_id, "label": event.rule_title})
    _text(entry, "summary", wording.facts_line(event, channel.language))
    Tree.SubElement(entry, f"{{{_ATOM}}}content", {"type": "html"}).text = content(event, channel.language)


def json_feed(channel: Channel, events: Sequence[EventView], page: Page) -> bytes:
    """A JSON Feed document, newest first as given."""
    items = [
        {
            "id": _tag(channel, "event", str(event.id)),
            "url": page(event.id) or _first_link(event),
            "external_url": _first_link(event),
            "title": title(event, channel.language),
            "summary": wording.facts_line(event, channel.language),
            "content_html": content(event, channel.language),
            "date_published": _instant(event.created_at),
            "date_modified": _instant(event.updated_at),
            "tags": [event.rule_id, *(wording.one_line(tag, 80) for tag in event.tags)],
        }
        for event in events
    ]
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": wording.one_line(channel.title, 200),
        "home_page_url": channel.home,
        "feed_url": channel.address,
        "language": _LANGUAGE_TAG[channel.language],
        "items": [{name: value for name, value in item.items() if value} for item in items],
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def title(event: EventView, language: Language) -> str:
    """The headline behind its rule; a revised event says so, since readers show an entry's newest form alone."""
    named = f"{event.rule_title}: {event.title}"
    return wording.one_line(
        wording.say("subject_update", language, subject=named) if event.revision > 1 else named, 300
    )


def content(event: EventView, language: Language) -> str:
    """Facts, evidence with its deciding words in bold, and sources, as a little HTML; every word of others escaped."""
    facts = "".join(
        f"<tr><th align='left'>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in wording.fact_rows(event, language)
    )
    evidence = "".join(
        "<blockquote>"
        + "".join(f"<b>{escape(words)}</b>" if marked else escape(words) for words, marked in wording.segments(snippet))
        + "</blockquote>"
        for snippet in event.snippets[:_SNIPPETS]
    )
    sources = "".join(
        f"<li>{_source(source.link, source.title, source.feed)}</li>" for source in event.sources[:_SOURCES]
    )
    table = f"<table>{facts}</table>" if facts else ""
    return f"{table}{evidence}<ul>{sources}</ul>"


def _source(link: str | None, headline: str, feed: str) -> str:
    words = escape(wording.one_line(headline, 200) or wording.one_line(feed, 80))
    address = wording.web_link(link)
    linked = f'<a href="{escape(address)}">{words}</a>' if address else words
    return f"{linked} ({escape(wording.one_line(feed, 80))})"


def _first_link(event: EventView) -> str | None:
    return next((link for source in event.sources if (link := wording.web_link(source.link))), None)


def _tag(channel: Channel, kind: str, name: str) -> str:
    """A tag URI (RFC 4151): stays the same however often the feed is made."""
    return f"tag:{urlsplit(channel.home).hostname or 'localhost'},2026:{kind}:{name}"


def _text(parent: Tree.Element, name: str, words: str) -> None:
    Tree.SubElement(parent, f"{{{_ATOM}}}{name}").text = words


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
