"""An entry as its publisher sent it, in one shape for every format; lives inside `parse` only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from watcher.errors import CannotHelp
from watcher.model import Wishes


class NotAFeed(CannotHelp):
    """The document is not a feed of any kind that is read here; the message says what it seems to be."""


class Unusual(Exception):
    """The document is not well-formed, or its shape is one that the parser of record must judge."""


class Broken(Unusual):
    """The document is not well-formed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """A piece of text and whether it is HTML; `guess` leaves that to the text itself (RSS titles)."""

    value: str
    html: bool = False
    guess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    guid: str = ""
    link: str = ""
    title: Markup = Markup(value="")
    content: Markup = Markup(value="")
    summary: Markup = Markup(value="")
    author: str = ""
    language: str = ""
    categories: tuple[str, ...] = ()
    published: str = ""
    updated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole feed as its reader found it, before any cleaning."""

    title: Markup = Markup(value="")
    link: str = ""
    language: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    hub_url: str = ""
    self_url: str = ""
    entries: tuple[Entry, ...] = ()
    well_formed: bool = True
    complete: bool = True
    dropped: tuple[str, ...] = ()


class Reading:
    """What was read: `version`, `feed` and `entries`, in feedparser's shape; `over` counts entries left out before."""

    def __init__(self) -> None:
        self.well_formed = True
        self.over = 0
        self.version = ""
        self.feed: dict[str, Any] = {}
        self.entries: list[dict[str, Any]] = []
