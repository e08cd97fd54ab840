"""RSS 0.9x–2.0, RDF and Atom to entries. feedparser is the parser of record; it only ever gets bytes in a BytesIO.

Before it reads, the text is made harmless: one known character set, no entity declarations, no endless list of entries.
"""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from watcher.parse.announced import announced_xml
from watcher.parse.entry import Document, Entry, Markup, NotAFeed
from watcher.parse.wishes import wishes_of

_HEADERS = {"content-type": "application/xml; charset=utf-8"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
_ENTITY = re.compile(r"<!ENTITY[^>]{0,2000}>", re.IGNORECASE)
_PARAMETER = re.compile(r"%[A-Za-z_][\w.-]{0,60};")
_PROLOG_CHARACTERS = 20_000
_ROOT = re.compile(r"<(?![?!])(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
_FEED_ELEMENT = re.compile(r"<(?:feed|rss|rdf:RDF)[\s>]")
_ENTRY = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?(?:item|entry)[\s>]")
_ENTRY_END = re.compile(r"</(?:[A-Za-z_][\w.-]*:)?(?:item|entry)\s*>")
_ENDLESS_TAG = re.compile(r"<[A-Za-z][^<>]{65536}")
_OPEN_ELEMENTS = 50_000
_ENDS = {"rss": "</channel></rss>", "feed": "</feed>", "RDF": "</rdf:RDF>"}
_ROOT_END = re.compile(r"</(?:[A-Za-z_][\w.-]*:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)


def _harmless(text: str) -> str:
    """Without characters that XML forbids and without the DTD's entities, which are only ever bombs or file readers."""
    text = _DECLARATION.sub("", _NOT_XML.sub("", text), count=1).lstrip()
    if "<!ENTITY" not in text[:_PROLOG_CHARACTERS].upper():
        return text
    root = _ROOT.search(text)
    end = root.start() if root else len(text)
    return _PARAMETER.sub("", _ENTITY.sub("", text[:end])) + text[end:]


def _root_name(text: str) -> str:
    root = _ROOT.search(text, 0, _PROLOG_CHARACTERS)
    return root[1] if root else ""


def _bounded(text: str, root: str, max_entries: int) -> tuple[str, int]:
    """The text up to its `max_entries`-th entry, closed again, and how many entries were left out."""
    starts = [found.start() for found in _ENTRY.finditer(text)]
    if len(starts) <= max_entries:
        return text, 0
    return text[: starts[max_entries]] + _ENDS.get(root, ""), len(starts) - max_entries


def _refuse_monsters(text: str) -> None:
    """Shapes that no publisher means and that cost the parser minutes: a tag without end, elements without end."""
    if _ENDLESS_TAG.search(text):
        raise NotAFeed("XML with a tag of more than 64 KB")
    closed = text.count("</")
    if text.count("<") - closed - (closed + text.count("/>")) > _OPEN_ELEMENTS:
        raise NotAFeed(f"XML with more than {_OPEN_ELEMENTS} elements left open")


def _breaks_off(text: str) -> bool:
    """Does the document end inside an entry? Then that entry's words may be half of what was meant."""
    open_entries = len(_ENTRY.findall(text)) - len(_ENTRY_END.findall(text))
    return open_entries > 0 and not _ROOT_END.search(text[-500:])


def _string(holder: Any, *names: str) -> str:
    # The plain dict's view: feedparser's own look-up answers for other keys than the one asked.
    for name in names:
        value = dict.get(holder, name)
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


def read_xml_feed(text: str, max_entries: int) -> Document:
    """The document of an RSS, RDF or Atom feed, as much of it as can be read; raises NotAFeed on anything else."""
    text = _harmless(text)
    root = _root_name(text)
    page = root.lower() in ("html", "body", "head")
    # A feed inside of a page is odd and exists; a page without one is the usual log-in form.
    if page and not _FEED_ELEMENT.search(text[:_PROLOG_CHARACTERS]):
        raise NotAFeed("an HTML page")
    _refuse_monsters(text)
    text, over = _bounded(text, root, max_entries)
    cut_short = not over and _breaks_off(text)
    found = feedparser.parse(
        io.BytesIO(text.encode("utf-8")), response_headers=_HEADERS, sanitize_html=False, resolve_relative_uris=False
    )
    version = dict.get(found, "version") or ""
    entries, feed = dict.get(found, "entries") or [], dict.get(found, "feed") or {}
    if not version and not any(_string(entry, "title", "link", "id") for entry in entries):
        raise NotAFeed("XML, but not a feed" if root else "not XML, HTML or JSON")
    kept = entries[:-1] if cut_short else entries[:max_entries]
    hub_url, self_url = announced_xml(text)
    dropped = [f"{over} entries over {max_entries}"] * bool(over)
    dropped += ["the last entry, which the document breaks off in"] * cut_short
    return Document(
        title=_markup(dict.get(feed, "title_detail"), guess=True),
        link=_string(feed, "link"),
        language=_string(feed, "language"),
        hub_url=hub_url,
        self_url=self_url,
        wishes=wishes_of(text),
        entries=tuple(_entry(entry, atom=version.startswith("atom")) for entry in kept),
        well_formed=not dict.get(found, "bozo"),
        complete=not cut_short,
        dropped=tuple(dropped),
    )
