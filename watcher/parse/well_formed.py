"""Well-formed RSS, RDF and Atom straight from expat, as feedparser would give them, in a tenth of its time.

feedparser stays the parser of record: this reader keeps its rules for the few fields that become an item, and hands
over every document that is not well-formed or has a shape whose treatment there is peculiar (`Unusual`). Tests hold
both to the same items. The result has feedparser's shape, so that `watcher.parse.xml_feed` reads either one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin
from xml.parsers import expat
from xml.sax.saxutils import escape

from feedparser.api import StrictFeedParser
from feedparser.urls import make_safe_absolute_uri

from watcher.parse.bounds import megabytes
from watcher.parse.entry import Broken, NotAFeed, Reading, Unusual
from watcher.parse.xml_names import (
    ADDRESSES,
    ASIDES,
    AUTHORS,
    CATEGORIES,
    CONTENTS,
    DATES,
    DESCRIPTIONS,
    INLINE,
    ITUNES_SCHEME,
    LISTS,
    MEDIA_SCHEME,
    NAMES,
    SUMMARIES,
    TITLES,
    XHTML,
    Names,
)
from watcher.parse.xml_text import HTML, content_type, local_of, mapped, mended, quoted, without_wrapper

TAGS = 500
DEPTH = 25_000
# In a million characters; no publisher spends less than 17 characters on an element throughout.
ELEMENTS = 60_000
_VERSIONS = {"http://purl.org/rss/1.0/": "rss10", "http://www.w3.org/2005/atom": "atom10"}
_EXTRA_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/+")
_FALSE_ENTITY = re.compile(r"&([A-Za-z0-9_]+);")

# What feedparser would file under a name that is read here, or read as markup of an older kind.
_PECULIAR = {"links", "tags", "authors", "author_detail", "title_detail", "summary_detail", "description_detail"}
_PECULIAR |= {"content_detail", "date", "abstract", "body", "xhtml_body"}
# Other elements of the channel end what stands in its picture or its search form.
_OF_PICTURE = {"title", "link", "description", "url", "href", "width", "height"}
_OF_FORM = {"title", "link", "description", "name"}

_Attributes = dict[str, str]
_Ending = Callable[[str], None]


def is_well_formed(text: str) -> bool:
    """Is it XML at all, whatever it says? Takes a fiftieth of the time of reading it."""
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text, True)
    except expat.ExpatError:
        return False
    return True


def read_well_formed(text: str) -> Reading:
    """The feed in `text`; raises Unusual on what feedparser must read and NotAFeed on endless nesting."""
    events = _Events(int(ELEMENTS * megabytes(text)))
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.namespace_prefixes = True
    parser.buffer_text = True
    parser.StartElementHandler = events.start
    parser.EndElementHandler = events.end
    parser.CharacterDataHandler = events.text
    parser.StartNamespaceDeclHandler = events.namespace
    parser.StartDoctypeDeclHandler = events.doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Broken(str(error)) from None
    if not events.read.version:
        raise Unusual("no version")
    return events.read


class _Events:
    """Follows the document and files each text where feedparser files it."""

    def __init__(self, elements: int) -> None:
        self.read = Reading()
        self._left = elements
        self._names = Names()
        self._depth = 0
        self._entry: dict[str, Any] | None = None
        self._depths: dict[str, int] = {}
        self._title_depth = -1
        self._in_feed = False
        self._source_at = 0
        self._aside = ""
        self._has_content = False
        self._lang: str | None = None
        self._base = ""
        # The language that an element's own one hides until its end, and the base of each open element; one that begins
        # inside is not forgotten at its element's end, as feedparser has it.
        self._hidden: dict[int, str | None] = {}
        self._bases: dict[int, str] = {}
        # The element whose text is being collected, those around it, and what to do with the text at its end.
        self._at = 0
        self._pieces: list[str] = []
        self._ending: _Ending | None = None
        self._outer: list[tuple[int, list[str], _Ending | None]] = []
        self._author: dict[str, str] | None = None
        self._kind = ""

    # ── expat's events ───────────────────────────────────────────────────────────────────────────────────────────────

    def doctype(self, *_details: object) -> None:
        raise Unusual("a document type")

    def namespace(self, prefix: str | None, uri: str | None) -> None:
        if not uri:
            return
        if not self.read.version:
            if prefix is None and uri.lower() == "http://my.netscape.com/rdf/simple/0.9/":
                self.read.version = "rss090"
            else:
                self.read.version = _VERSIONS.get(uri.lower(), "")
        self._names.declare(prefix or "", uri)

    def text(self, text: str) -> None:
        if self._at:
            self._pieces.append(escape(text) if self._kind == "application/xhtml+xml" else text)

    def start(self, name: str, attributes: _Attributes) -> None:
        self._depth += 1
        self._left -= 1
        if self._depth > DEPTH:
            raise NotAFeed(f"XML nested more than {DEPTH} deep")
        if self._left < 0:
            raise NotAFeed("XML of more elements than a feed needs")
        key = self._names.element(name)
        if attributes:
            attributes = self._names.attributes(attributes)
            self._settle(key, attributes)
        if self._base:
            self._bases[self._depth] = self._base
        if self._at:
            self._start_inside(name, key, attributes)
            return
        if self._aside:
            self._end_aside(key)
        start = _STARTS.get(key)
        if start is not None:
            start(self, key, attributes)
        elif key in _PECULIAR:
            raise Unusual(f"an element named {key}")

    def end(self, name: str) -> None:
        if self._at == self._depth:
            pieces, ending = self._pieces, self._ending
            self._at, self._pieces, self._ending = self._outer.pop()
            assert ending is not None
            ending("".join(pieces).strip() if self._kind != "application/xhtml+xml" else self._xhtml(pieces))
        elif self._at and self._kind == "application/xhtml+xml":
            self._pieces.append(f"</{local_of(name)}>")
        elif self._depth == self._source_at:
            self._source_at = 0
        elif not self._at:
            self._end_holder(self._names.element(name))
        if self._depth in self._hidden:
            self._lang = self._hidden.pop(self._depth)
        self._depth -= 1
        if self._base:
            self._base = self._bases.get(self._depth, self._base)

    # ── where things stand ───────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, key: str, attributes: _Attributes) -> None:
        """Language and base of the element and of what it holds."""
        base = attributes.get("xml:base", attributes.get("base"))
        lang = attributes.get("xml:lang", attributes.get("lang"))
        if base:
            made = make_safe_absolute_uri(self._base, base) if self._base else _EXTRA_SLASHES.sub(r"\1", base)
            self._base = made or self._base
            if not self._base.startswith(("http://", "https://")):
                raise Unusual("a base that is no address")
        if lang is None:
            return
        self._hidden[self._depth] = self._lang
        self._lang = lang or None
        if lang and key in ("feed", "rss"):
            self.read.feed["language"] = lang.replace("_", "-")

    def _end_aside(self, key: str) -> None:
        if "_" not in key and key not in (_OF_PICTURE if self._aside == "image" else _OF_FORM):
            self._aside = ""

    def _end_holder(self, key: str) -> None:
        if key in ("item", "entry"):
            self._entry, self._has_content = None, False
        elif key in ("channel", "feed"):
            self._in_feed = False
        elif key in ("image", "textinput"):
            self._aside = ""

    def _holder(self) -> dict[str, Any]:
        """What the element belongs to: the entry, the channel, or something that nobody reads."""
        if self._source_at or self._aside:
            return {}
        return self.read.feed if self._entry is None else self._entry

    def _collect(self, ending: _Ending, kind: str = "") -> None:
        self._outer.append((self._at, self._pieces, self._ending))
        self._at, self._pieces, self._ending, self._kind = self._depth, [], ending, kind

    def _resolved(self, address: str) -> str:
        address = _EXTRA_SLASHES.sub(r"\1", address)
        if not self._base:
            return address
        try:
            return urljoin(self._base, address)
        except ValueError:
            return ""

    def _keep(self, name: str, text: str, detail: dict[str, Any] | None = None) -> None:
        """File a text under its name: the outermost one of an entry stands, of equals the last."""
        if name == "title" and -1 < self._title_depth <= self._depth:
            return
        holder = self._holder()
        if holder is self._entry:
            if self._depth <= self._depths.get(name, self._depth):
                self._depths[name] = self._depth
                holder[name] = text
        elif self._in_feed:
            holder[name] = text
        else:
            return
        if detail is not None:
            holder[f"{name}_detail"] = detail

    # ── holders ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_rss(self, _key: str, _attributes: _Attributes) -> None:
        if not self.read.version.startswith("rss"):
            self.read.version = "rss"

    def _start_channel(self, key: str, attributes: _Attributes) -> None:
        if self._entry is not None or "lastmod" in attributes or "href" in attributes:
            raise Unusual("a channel of the old definition format")
        self._in_feed = True
        if key == "feed" and not self.read.version:
            self.read.version = "atom"

    def _start_item(self, _key: str, attributes: _Attributes) -> None:
        if self._entry is not None or self._source_at or "lastmod" in attributes or "href" in attributes:
            raise Unusual("an entry inside of another one, or of the old definition format")
        self._entry = {}
        self._depths = {}
        self._title_depth = -1
        if attributes.get("rdf:about"):
            self._entry["id"] = attributes["rdf:about"]
        self.read.entries.append(self._entry)

    def _start_source(self, _key: str, _attributes: _Attributes) -> None:
        if self._source_at:
            raise Unusual("a source inside of a source")
        self._source_at = self._depth
        self._title_depth = -1

    def _start_aside(self, key: str, _attributes: _Attributes) -> None:
        if self._entry is not None:
            raise Unusual(f"an entry with an element named {key}")
        self._aside, self._title_depth = key, -1

    def _start_owner(self, _key: str, _attributes: _Attributes) -> None:
        if self._entry is not None:
            raise Unusual("an entry with an owner")

    def _start_date(self, key: str, _attributes: _Attributes) -> None:
        self._collect(lambda text: self._keep(DATES[key], mended(text)))

    def _start_language(self, _key: str, _attributes: _Attributes) -> None:
        self._collect(lambda text: self._keep("language", mended(text)))

    def _start_original(self, _key: str, attributes: _Attributes) -> None:
        if attributes:
            raise Unusual("an original link with attributes")
        self._collect(lambda text: self._keep("feedburner_origlink", mended(text)))

    def _start_guid(self, _key: str, attributes: _Attributes) -> None:
        is_link = attributes.get("ispermalink", "true") == "true"

        def ending(text: str) -> None:
            text = mended(self._resolved(text) if is_link and text else text)
            self._keep("id", text)
            if is_link:
                self._holder().setdefault("link", text)

        self._collect(ending)

    def _start_link(self, _key: str, attributes: _Attributes) -> None:
        rel = attributes.get("rel", "alternate")
        kind = attributes.get("type", "application/atom+xml" if rel == "self" else "text/html")
        address = attributes.get("url", attributes.get("uri", attributes.get("href")))
        holder = self._holder()
        link = {"rel": rel}
        holder.setdefault("links", []).append(link)
        if address or "href" in attributes:
            link["href"] = self._resolved(address or attributes["href"])
            if rel == "alternate" and mapped(kind) in HTML:
                holder["link"] = link["href"]
            return

        def ending(text: str) -> None:
            text = mended(self._resolved(text) if text else text)
            if holder is self._entry:
                text = text.replace("&amp;", "&")
            elif not self._in_feed:
                return
            holder["link"] = _FALSE_ENTITY.sub(r"&\g<1>", text)
            if text:
                link["href"] = holder["link"]

        self._collect(ending)

    def _start_category(self, key: str, attributes: _Attributes) -> None:
        if self._entry is None or self._source_at:
            return
        tags = self._entry.setdefault("tags", [])
        if len(tags) >= TAGS:
            return
        default = MEDIA_SCHEME if key == "media_category" else attributes.get("domain")
        scheme = attributes.get("scheme", default)
        tag = {"term": attributes.get("term"), "scheme": scheme, "label": attributes.get("label")}
        if key == "itunes_category":
            tag = {"term": attributes.get("text"), "scheme": ITUNES_SCHEME, "label": None}
        if any(tag.values()) and tag not in tags:
            tags.append(tag)

        def ending(text: str) -> None:
            text = mended(text)
            if text and tags and not tags[-1]["term"]:
                tags[-1]["term"] = text
            elif text and (plain := {"term": text, "scheme": None, "label": None}) not in tags:
                tags.append(plain)

        self._collect(ending)

    def _start_list(self, key: str, attributes: _Attributes) -> None:
        if self._entry is None or self._source_at or attributes:
            return
        tags, scheme = self._entry.setdefault("tags", []), ITUNES_SCHEME if key == "itunes_keywords" else None

        def ending(text: str) -> None:
            for word in filter(None, map(str.strip, mended(text).split(",", TAGS)[:TAGS])):
                tag = {"term": word, "scheme": scheme, "label": None}
                if tag not in tags:
                    tags.append(tag)

        self._collect(ending)

    def _start_author(self, _key: str, _attributes: _Attributes) -> None:
        if self._entry is None or self._source_at:
            return
        entry = self._entry
        author: dict[str, str] = {}
        earlier = entry.get("author", "")
        if "@" in earlier:
            raise Unusual("an author after one with an address")

        def ending(text: str) -> None:
            self._author = None
            self._keep("author", mended(text))
            name, email = author.get("name"), author.get("email")
            if earlier and author and not name:
                raise Unusual("an author without a name after one with a name")
            if name or email:
                entry["author"] = f"{name} ({email})" if name and email else name or email

        self._author = author
        self._collect(ending)

    def _start_inside(self, name: str, key: str, attributes: _Attributes) -> None:
        """An element inside of one whose text is collected."""
        if not self._kind and self._author is not None:
            self._start_in_author(key)
            return
        inline = key in INLINE
        if self._kind == "application/xhtml+xml":
            inline = inline or (name.startswith(f"{XHTML} ") and key not in ("xhtml_body", "xhtml_svg"))
        if not (self._kind and inline) or any(":" in known for known in attributes):
            raise Unusual("an element inside of a text")
        # Markup that was to be escaped and is not: from here on it is taken as it stands.
        self._kind = "application/xhtml+xml"
        shown = "".join(f" {known}={quoted(value)}" for known, value in attributes.items())
        self._pieces.append(f"<{local_of(name)}{shown}>")

    def _start_in_author(self, key: str) -> None:
        author = self._author
        assert author is not None
        if len(self._outer) > 1:
            raise Unusual("an element inside of a name")

        def ending(text: str) -> None:
            if key in NAMES:
                author[NAMES[key]] = text
            elif key in ADDRESSES:
                author["href"] = text
            elif text:
                raise Unusual("words about an author")

        self._collect(ending)

    # ── markup ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_title(self, key: str, attributes: _Attributes) -> None:
        def ending(text: str) -> None:
            if self._markup("title", text) and key != "media_title":
                self._title_depth = self._depth

        self._collect(ending, content_type(attributes, "text/plain"))

    def _start_summary(self, key: str, attributes: _Attributes) -> None:
        if self._source_at:
            raise Unusual("a source with a description")
        if "summary" in self._holder() and not self._has_content:
            self._start_content(key, attributes)
            return
        described = key in DESCRIPTIONS
        # A channel's description goes by another name there, so that it does not count as a first summary.
        name = "subtitle" if described and self._entry is None else "summary"

        def ending(text: str) -> None:
            self._markup(name, text)

        self._collect(ending, content_type(attributes, "text/html" if described else "text/plain"))

    def _start_content(self, key: str, attributes: _Attributes) -> None:
        if self._source_at:
            raise Unusual("a source with content")
        self._has_content = True

        def ending(text: str) -> None:
            value = self._markup("content", text)
            self._holder().setdefault("summary", value)

        self._collect(ending, content_type(attributes, "text/html" if key in CONTENTS else "text/plain"))

    def _start_other_markup(self, _key: str, attributes: _Attributes) -> None:
        def ending(_text: str) -> None:
            self._kind = ""

        self._collect(ending, content_type(attributes, "text/plain"))

    def _markup(self, name: str, text: str) -> str:
        """File a text with its type and language; feedparser looks for HTML in what RSS calls plain."""
        kind, self._kind = self._kind, ""
        if kind == "text/plain" and not self.read.version.startswith("atom") and ("<" in text or "&" in text):
            kind = "text/html" if StrictFeedParser.looks_like_html(text) else kind
        text = mended(text)
        detail = {"type": kind, "language": self._lang and self._lang.replace("_", "-"), "value": text}
        if name != "content":
            self._keep(name, text, detail)
        elif self._entry is not None:
            self._entry.setdefault("content", []).append(detail)
        return text

    def _xhtml(self, pieces: list[str]) -> str:
        return "".join(without_wrapper(pieces) if self.read.version == "atom10" else pieces).strip()


_STARTS: dict[str, Callable[[_Events, str, _Attributes], None]] = {
    "rss": _Events._start_rss,
    "channel": _Events._start_channel,
    "feed": _Events._start_channel,
    "item": _Events._start_item,
    "entry": _Events._start_item,
    "source": _Events._start_source,
    "image": _Events._start_aside,
    "textinput": _Events._start_aside,
    "itunes_owner": _Events._start_owner,
    "language": _Events._start_language,
    "dc_language": _Events._start_language,
    "feedburner_origlink": _Events._start_original,
    "guid": _Events._start_guid,
    "id": _Events._start_guid,
    "link": _Events._start_link,
    "content": _Events._start_content,
}
_STARTS |= dict.fromkeys(DATES, _Events._start_date)
_STARTS |= dict.fromkeys(CATEGORIES, _Events._start_category)
_STARTS |= dict.fromkeys(LISTS, _Events._start_list)
_STARTS |= dict.fromkeys(AUTHORS, _Events._start_author)
_STARTS |= dict.fromkeys(TITLES, _Events._start_title)
_STARTS |= dict.fromkeys(DESCRIPTIONS | SUMMARIES, _Events._start_summary)
_STARTS |= dict.fromkeys(CONTENTS, _Events._start_content)
_STARTS |= dict.fromkeys(ASIDES, _Events._start_other_markup)
