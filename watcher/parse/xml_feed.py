"""RSS 0.9x–2.0, RDF and Atom to entries. feedparser is the parser of record; it only ever gets bytes in a BytesIO.

Before it reads, the text is made harmless: one known character set, no entity declarations, no endless list of entries.
"""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from watcher.parse.announced import announced_xml
from watcher.parse.bounds import breaks_off, first_entries, harmless, mended, root_name
from watcher.parse.costs import affordable
from watcher.parse.entry import Broken, Document, Entry, Markup, NotAFeed, Reading, Unusual
from watcher.parse.well_formed import is_well_formed, read_well_formed
from watcher.parse.wishes import wishes_of

_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_PAGE_CHARACTERS = 20_000
_FEED_ELEMENT = re.compile(r"<(?:feed|rss|rdf:RDF)[\s>]")
# What feedparser is known to raise on documents made to break it; none of it says anything about us.
_BREAKS_IT = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RecursionError)


def _string(holder: Any, *names: str) -> str:
    # The plain dict's view: feedparser's own look-up answers for other keys than the one asked.
    get = dict.get
    for name in names:
        value = get(holder, name)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _markup(detail: Any, *, guess: bool) -> Markup:
    if not isinstance(detail, dict):
        return Markup(value="")
    html = _string(detail, "type") in _HTML_TYPES
    return Markup(value=_string(detail, "value"), html=html, guess=guess and not html)


def _content(entry: Any, *, guess: bool) -> Markup:
    pieces = [piece for piece in dict.get(entry, "content") or [] if _string(piece, "value")]
    wanted = [piece for piece in pieces if _string(piece, "type").startswith(("text/", "application/xhtml"))]
    longest = max(wanted, key=lambda piece: len(piece["value"]), default=None)
    return _markup(longest, guess=guess)


def _language(entry: Any) -> str:
    said = _string(entry, "language")
    if said:
        return said
    pieces = (dict.get(entry, "content") or [])[:1]
    for detail in (*pieces, dict.get(entry, "summary_detail"), dict.get(entry, "title_detail")):
        if detail and _string(detail, "language"):
            return _string(detail, "language")
    return ""


def _link(entry: Any) -> str:
    link = _string(entry, "feedburner_origlink", "link")
    if link:
        return link
    links = dict.get(entry, "links") or []
    return next((_string(other, "href") for other in links if _string(other, "rel") in ("alternate", "")), "")


def _named(entry: Any, name: str, *, atom: bool) -> Markup:
    """A title or summary; some modules give one without saying its type."""
    detail = dict.get(entry, f"{name}_detail")
    return _markup(detail, guess=not atom) if detail else Markup(value=_string(entry, name), guess=True)


def _entry(entry: Any, *, atom: bool) -> Entry:
    tags = dict.get(entry, "tags") or []
    return Entry(
        guid=_string(entry, "id"),
        link=_link(entry),
        title=_named(entry, "title", atom=atom),
        content=_content(entry, guess=not atom),
        summary=_named(entry, "summary", atom=atom),
        author=_string(entry, "author"),
        language=_language(entry),
        categories=tuple(_string(tag, "label", "term") for tag in tags),
        published=_string(entry, "published", "created"),
        updated=_string(entry, "updated"),
    )


def _by_feedparser(text: str, *, broken: bool = False) -> Reading:
    text, over = affordable(text, broken=broken)
    # What no XML document begins with spares it the attempt to read a broken one strictly.
    body = ("&" if broken else "") + text
    try:
        found = feedparser.parse(
            io.BytesIO(body.encode()), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
        )
    except _BREAKS_IT as error:
        raise NotAFeed(f"XML that cannot be read ({type(error).__name__})") from None
    reading = Reading()
    reading.version = dict.get(found, "version") or ""
    reading.feed, reading.entries = dict.get(found, "feed") or {}, dict.get(found, "entries") or []
    reading.well_formed = not dict.get(found, "bozo")
    reading.over = over
    return reading


def _read(text: str) -> Reading:
    """By expat when it is well-formed, or is so with its ampersands mended; else by feedparser."""
    try:
        return read_well_formed(text)
    except Broken:
        pass
    except Unusual:
        if is_well_formed(text):
            return _by_feedparser(text)
    reading = _read_broken(text)
    reading.well_formed = False
    return reading


def _read_broken(broken: str) -> Reading:
    text = mended(broken)
    if text == broken or not is_well_formed(text):
        return _by_feedparser(text, broken=True)
    try:
        return read_well_formed(text)
    except Unusual:
        return _by_feedparser(text)


def read_xml_feed(text: str, max_entries: int) -> Document:
    """The document of an RSS, RDF or Atom feed, as much of it as can be read; raises NotAFeed on anything else."""
    text = harmless(text)
    root = root_name(text)
    page = root.lower() in ("html", "body", "head")
    # A feed inside of a page is odd and exists; a page without one is the usual log-in form.
    if page and not _FEED_ELEMENT.search(text[:_PAGE_CHARACTERS]):
        raise NotAFeed("an HTML page")
    text, over = first_entries(text, root, max_entries)
    reading = _read(text)
    over += reading.over
    torn = not over and not reading.well_formed and breaks_off(text)
    if not reading.version and not any(_string(entry, "title", "link", "id") for entry in reading.entries):
        raise NotAFeed("XML, but not a feed" if root else "not XML, HTML or JSON")
    hub_url, self_url = announced_xml(text)
    atom = reading.version.startswith("atom")
    return Document(
        title=_markup(dict.get(reading.feed, "title_detail"), guess=True),
        link=_string(reading.feed, "link"),
        language=_string(reading.feed, "language"),
        hub_url=hub_url,
        self_url=self_url,
        wishes=wishes_of(text),
        entries=tuple(_entry(entry, atom=atom) for entry in reading.entries[:max_entries]),
        well_formed=reading.well_formed,
        complete=not torn,
        dropped=(f"{over} entries over {len(reading.entries)}",) if over else (),
    )
