"""What the readers of places hand over, keys for places that no gazetteer knows, the choice among namesakes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.annotate.gazetteer import Entry, latin_key
from watcher.model import PlaceKind


@dataclass(frozen=True, slots=True)
class Found:
    start: int
    end: int
    name: str
    kind: PlaceKind
    country: str | None
    key: str
    within: tuple[str, ...]


def slug(text: str) -> str:
    return re.sub(r"[^\w]+", "-", latin_key(text)).strip("-")


def made_key(parent: str, name: str, type_name: str) -> str:
    """A key for a place outside the gazetteer: below its parent, by its own name and the canonical name of its type."""
    own = "-".join(p for p in (slug(name), type_name) if p)
    return f"{parent}/{own}" if parent else own


def choose(entries: Sequence[Entry], countries: Sequence[str | None]) -> Entry:
    """Among places of one name the one in a country lately named, else the likeliest (the first)."""
    for country in reversed([c for c in countries if c]):
        for entry in entries:
            if entry.country == country and entry.kind is not PlaceKind.COUNTRY:
                return entry if entries[0].kind is not PlaceKind.COUNTRY else entries[0]
    return entries[0]
