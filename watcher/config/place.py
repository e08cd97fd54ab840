"""A place in watcher.yml where values are read and refused, and the fields of which a kind of object is made.

What a single value must look like is `watcher.config.values`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from watcher import strict_yaml
from watcher.errors import Mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A value's place, with the list that collects mistakes."""

    document: strict_yaml.Document
    mistakes: list[Mistake] = field(repr=False)
    path: tuple[str | int, ...] = ()

    def down(self, key: str | int) -> At:
        return At(document=self.document, mistakes=self.mistakes, path=(*self.path, key))

    def refuse(self, message: str, instead: str = "") -> None:
        self.mistakes.append(self.document.mistake(self.path, message, instead))

    def name(self) -> str:
        return next((str(part) for part in reversed(self.path) if isinstance(part, str)), "the file")


Read = Callable[[At, Any], Any]
"""Reads one value: gives what the model wants, or None after refusing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    read: Read
    schema: Mapping[str, Any]
    doc: str
    required: bool = False


def mapping(at: At, value: Any, fields: tuple[Field, ...]) -> dict[str, Any] | None:
    """The known fields of a mapping, read; refuses unknown and missing ones. None when it is no mapping."""
    if not isinstance(value, dict):
        at.refuse(f"{at.name()} must be a mapping of {listed(f.name for f in fields)}, not {kind_of(value)}")
        return None
    known = {entry.name: entry for entry in fields}
    for key in value:
        if key not in known:
            at.down(key).refuse(f"unknown key {quoted(key)}", near(key, known))
    for entry in fields:
        if entry.required and value.get(entry.name) is None:
            at.refuse(f"{entry.name} is missing{_of(at)}", entry.doc)
    return {
        key: known[key].read(at.down(key), inner) for key, inner in value.items() if key in known and inner is not None
    }


def elements(at: At, value: Any) -> Iterator[tuple[At, Any]]:
    if not isinstance(value, list):
        at.refuse(f"{at.name()} must be a list, not {kind_of(value)}", f"write {at.name()}: [{_sample(value)}]")
        return
    for index, inner in enumerate(value):
        yield at.down(index), inner


def near(word: str, known: Iterable[str]) -> str:
    """A question with the nearest known word where one is near enough; else all there are, unless they are many."""
    words = list(known)
    found = process.extractOne(word, words, scorer=fuzz.ratio, processor=str.lower, score_cutoff=60)
    if found:
        return f"did you mean {found[0]}?"
    return f"there is {listed(words)}" if 0 < len(words) <= 12 else ""


def listed(words: Any) -> str:
    words = [str(word) for word in words]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "nothing"


def quoted(value: Any) -> str:
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '…'}'"


def kind_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _sample(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and len(str(value)) < 40 else "…"


def _of(at: At) -> str:
    return f" in {at.name()}" if at.path else ""


def object_schema(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {entry.name: {**entry.schema, "description": entry.doc} for entry in fields},
        **({"required": needed} if (needed := [entry.name for entry in fields if entry.required]) else {}),
    }
