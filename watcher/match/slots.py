"""Slots: annotations inside phrases. `<licensee=party:company,university>` stands for one annotation of that type and
kind; a sentence is *tagged* by putting one private character in place of each annotation, so that a phrase with slots
is an ordinary regular expression over the tagged sentence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from watcher.model import Asset, AssetKind, DateMention, Money, MoneyRole, Party, PartyKind, Place, PlaceKind

Annotated: TypeAlias = Party | Place | Money | Asset | DateMention

_BASE = 0xE000
_ROOM = 0x40
KINDS: dict[str, tuple[str, ...]] = {
    "party": tuple(PartyKind),
    "place": tuple(PlaceKind),
    "money": tuple(MoneyRole),
    "asset": tuple(AssetKind),
    "date": ("day", "month", "quarter", "year"),
}
_TYPES = tuple(KINDS)


class SlotError(ValueError):
    """A slot that names no annotation; the message says what may stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot of a phrase. `name` is empty where no fact asks for what it holds."""

    name: str
    types: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def codes(self) -> str:
        """The private characters that may stand here, as the inside of a character class."""
        return "".join(_code(kind, value) for kind, values in self.types for value in values)


def _code(kind: str, value: str | StrEnum) -> str:
    values = KINDS[kind]
    return chr(_BASE + _ROOM * _TYPES.index(kind) + values.index(value))


def read_slot(text: str) -> Slot:
    """Read the inside of `<…>`: `type`, `type:kind,kind`, several joined by `|`, with `name=` in front if wanted."""
    name, equals, rest = text.partition("=")
    if not equals:
        name, rest = "", text
    if name and not name.isidentifier():
        raise SlotError(f"{name!r} cannot name a fact: use letters, digits and _")
    types = []
    for part in rest.split("|"):
        kind, colon, wanted = part.strip().partition(":")
        if kind not in KINDS:
            raise SlotError(f"<{text}>: write one of {', '.join(KINDS)}")
        values = tuple(value.strip() for value in wanted.split(",")) if colon else KINDS[kind]
        unknown = [value for value in values if value not in KINDS[kind]]
        if unknown:
            raise SlotError(f"<{text}>: {unknown[0]!r} is no kind of {kind}: write one of {', '.join(KINDS[kind])}")
        types.append((kind, values))
    return Slot(name=name, types=tuple(types))


def kind_of(annotated: Annotated) -> tuple[str, str]:
    """Type and kind of an annotation, as slots call them."""
    match annotated:
        case Party():
            return "party", annotated.kind
        case Place():
            return "place", annotated.kind
        case Money():
            return "money", annotated.role
        case Asset():
            return "asset", annotated.kind
        case DateMention():
            return "date", annotated.precision


@dataclass(frozen=True, slots=True)
class Tagged:
    """A stretch of folded text with annotations put as private characters."""

    text: str
    held: dict[int, Annotated]
    """Position in `text` → the annotation that its character stands for."""
    cuts: tuple[int, ...]
    """Positions in `text` where the offset to the original changes, ascending, first 0 …"""
    offsets: tuple[int, ...]
    """… and the position in the original at each of them."""

    @property
    def codes(self) -> frozenset[str]:
        """The private characters in `text`."""
        return frozenset(self.text[position] for position in self.held)

    def begins(self, starts: frozenset[str], originals: Iterable[int]) -> list[int]:
        """Where in `text` annotations of `starts` stand, and what begins at positions of the original, in order."""
        found = {position for position in self.held if self.text[position] in starts}
        for original in originals:
            index = bisect_right(self.offsets, original) - 1
            position = self.cuts[index] + original - self.offsets[index]
            if index + 1 == len(self.cuts) or position < self.cuts[index + 1] - 1:
                found.add(position)
        return sorted(found)

    def original(self, position: int) -> int:
        """Where a position of `text` lies in the original."""
        index = bisect_right(self.cuts, position) - 1
        return self.offsets[index] + position - self.cuts[index]

    def original_end(self, position: int) -> int:
        """Where a stretch that ends at `position` of `text` ends in the original."""
        last = self.held.get(position - 1)
        return last.end if last is not None else self.original(position - 1) + 1 if position else self.original(0)


def tag(folded: str, start: int, end: int, annotations: list[Annotated]) -> Tagged:
    """Tag `folded[start:end]`. Of two annotations that overlap the longer one stays, of equal ones the first given."""
    chosen: list[Annotated] = []
    for annotated in sorted(annotations, key=lambda one: one.start):
        if chosen and annotated.start < chosen[-1].end:
            if annotated.end - annotated.start > chosen[-1].end - chosen[-1].start:
                chosen[-1] = annotated
        elif annotated.end > annotated.start:
            chosen.append(annotated)
    parts: list[str] = []
    held: dict[int, Annotated] = {}
    cuts, offsets = [0], [start]
    length, reached = 0, start
    for annotated in chosen:
        kind, value = kind_of(annotated)
        if value not in KINDS[kind]:
            continue
        parts.append(_plain(folded[reached : annotated.start]))
        length += annotated.start - reached
        parts.append(_code(kind, value))
        held[length] = annotated
        length += 1
        reached = annotated.end
        cuts.append(length)
        offsets.append(reached)
    parts.append(_plain(folded[reached:end]))
    return Tagged("".join(parts), held, tuple(cuts), tuple(offsets))


def _plain(text: str) -> str:
    if text.isascii() or not any("\ue000" <= char <= "\ue1ff" for char in text):
        return text
    return "".join(" " if "\ue000" <= char <= "\ue1ff" else char for char in text)
