"""Lists of feeds as OPML 2.0 (opml.org/spec2.opml), read and written; pure. Which of them are taken is the caller's.

Read with defusedxml: a document type declaration, and so every entity and every outside file, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from watcher.errors import CannotHelp
from watcher.parse.charset import decode
from watcher.wording import one_line

MAX_BYTES = 16 * 1024 * 1024
MAX_FEEDS = 10_000
MAX_DEPTH = 100
_TITLE_CHARACTERS = 300
_TAG_CHARACTERS = 100
_TAGS = 20
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAKED = re.compile(r"&(?!#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)")
_LIST_MARKS = frozenset(",/")


class NotOpml(CannotHelp):
    """The document is no OPML that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One feed of a list. `url` is what was written, spaces cut off, and may be anything."""

    url: str
    title: str | None = None
    tags: tuple[str, ...] = ()
    """The outlines it stands in, outermost first, then its categories."""
    language: str | None = None
    line: int = 0
    """Where it stands in the document, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """What an OPML document holds."""

    title: str | None = None
    outlines: tuple[Outline, ...] = ()
    over: int = 0
    """Feeds beyond the limit, left out."""
    linked: tuple[tuple[str, int], ...] = ()
    """Lists that it only points to, each with its line; they are not fetched."""


class _Builder:
    """Takes the parser's events one by one: no tree is built, so a document costs what its feeds cost."""

    def __init__(self) -> None:
        self.outlines: list[Outline] = []
        self.linked: list[tuple[str, int]] = []
        self.over = 0
        self.title = ""
        self.root = ""
        self.parser: Any = None
        self._open: list[str] = []
        self._folders: list[str | None] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2].lower()
        self.root = self.root or name
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise NotOpml(f"OPML with more than {MAX_DEPTH} levels")
        if name == "outline":
            self._take({key.rpartition("}")[2].lower(): value.strip() for key, value in attributes.items()})

    def _take(self, given: dict[str, str]) -> None:
        url = given.get("xmlurl", "") or (given.get("url", "") if given.get("type", "").lower() in _FEED_KINDS else "")
        title = one_line(given.get("title") or given.get("text") or "", _TITLE_CHARACTERS) or None
        title = None if title == url else title
        self._folders.append(None if url else title)
        line = self.parser.CurrentLineNumber
        if url and len(self.outlines) >= MAX_FEEDS:
            self.over += 1
        elif url:
            language = one_line(given.get("language", ""), 16) or None
            self.outlines.append(
                Outline(url=url, title=title, tags=self._tags(given.get("category", "")), language=language, line=line)
            )
        elif given.get("url") and given.get("type", "").lower() in ("include", "link"):
            self.linked.append((given["url"], line))

    def _tags(self, category: str) -> tuple[str, ...]:
        """Folders, then categories: a comma-separated list of words or slash-delimited paths."""
        folders = [folder for folder in self._folders if folder]
        words = [one_line(word, _TAG_CHARACTERS) for path in category.split(",")[:_TAGS] for word in path.split("/")]
        named = [one_line(folder, _TAG_CHARACTERS) for folder in folders] + [word for word in words if word]
        return tuple(dict.fromkeys(named))[:_TAGS]

    def end(self, tag: str) -> None:
        self._open.pop()
        if tag.rpartition("}")[2].lower() == "outline":
            self._folders.pop()

    def data(self, text: str) -> None:
        if self._open[-2:] == ["head", "title"] and len(self.title) < _TITLE_CHARACTERS:
            self.title += text

    def found(self) -> FeedList:
        """What was read; raises NotOpml when it was something else."""
        if self.root != "opml":
            raise NotOpml("XML, but not OPML")
        return FeedList(
            title=one_line(self.title, _TITLE_CHARACTERS) or None,
            outlines=tuple(self.outlines),
            over=self.over,
            linked=tuple(self.linked[:MAX_FEEDS]),
        )


_FEED_KINDS = frozenset({"rss", "atom", "rdf", "feed", "rss1", "pie"})


def _read(text: str) -> FeedList:
    builder = _Builder()
    parser = DefusedXMLParser(target=builder, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    builder.parser = parser.parser
    parser.feed(text.encode("utf-8"))
    parser.close()
    return builder.found()


def read_opml(body: bytes) -> FeedList:
    """The feeds of an OPML document, in its order, at most 10,000; outlines around them become their tags.

    Naked ampersands, a usual mistake in addresses, and characters that XML forbids are repaired. Raises NotOpml.
    """
    if len(body) > MAX_BYTES:
        raise NotOpml(f"OPML of more than {MAX_BYTES // 1024 // 1024} MiB")
    if not body.strip():
        raise NotOpml("an empty document")
    text, _charset = decode(body, None)
    text = _NOT_XML.sub("", _DECLARATION.sub("", text.lstrip("\ufeff"), count=1))
    try:
        try:
            return _read(text)
        except ParseError:
            repaired = _NAKED.sub("&amp;", text)
            if repaired == text:
                raise
            return _read(repaired)
    except DefusedXmlException:
        raise NotOpml("OPML with a document type declaration, which is refused") from None
    except ParseError as error:
        line, _column = error.position
        raise NotOpml(f"line {line}: not well-formed XML") from None


def _folders(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The tags that are written as outlines: the first, for other readers, and those a category list cannot hold."""
    return tuple(tag for place, tag in enumerate(tags) if place == 0 or _LIST_MARKS & set(tag))


def write_opml(outlines: Iterable[Outline], *, title: str, now: datetime) -> bytes:
    """An OPML 2.0 document that `read_opml` reads back to the same feeds, titles, languages and tags.

    A feed stands in an outline named like its first tag; its other tags are its `category`.
    """
    root = Element("opml", version="2.0")
    head = SubElement(root, "head")
    SubElement(head, "title").text = _plain(title)
    SubElement(head, "dateCreated").text = format_datetime(now)
    body = SubElement(root, "body")
    places: dict[tuple[str, ...], Element] = {(): body}
    for outline in outlines:
        tags = tuple(_plain(tag) for tag in outline.tags)
        folders = _folders(tags)
        for depth in range(1, len(folders) + 1):
            if folders[:depth] not in places:
                places[folders[:depth]] = SubElement(
                    places[folders[: depth - 1]], "outline", text=folders[depth - 1], title=folders[depth - 1]
                )
        shown = _plain(outline.title or "")
        given = {"type": "rss", "text": shown or _plain(outline.url), "title": shown, "xmlUrl": _plain(outline.url)}
        if outline.language:
            given["language"] = _plain(outline.language)
        others = [tag for tag in tags if tag not in folders]
        if others:
            given["category"] = ",".join(others)
        SubElement(places[folders], "outline", given)
    indent(root)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _plain(text: str) -> str:
    return one_line(_NOT_XML.sub("", text))
