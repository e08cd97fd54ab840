"""A cursor over a strict YAML document that collects mistakes: every question it is asked has an answer to go on with.

What the keys of a rule mean is left to `reading`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Any, TypeVar

from watcher.errors import Mistake
from watcher.strict_yaml import Document, KeyPath

E = TypeVar("E", bound=StrEnum)


class Node:
    """One place in a document. Mistakes of all nodes of a document go to one list."""

    def __init__(self, document: Document, mistakes: list[Mistake], path: KeyPath = (), value: Any = None) -> None:
        self.document = document
        self.mistakes = mistakes
        self.path = path
        self.value = document.value if not path else value

    @property
    def line(self) -> int:
        return self.document.line(self.path)[0]

    def wrong(self, message: str, instead: str = "") -> None:
        self.mistakes.append(self.document.mistake(self.path, message, instead))

    def child(self, key: str | int) -> Node:
        return Node(self.document, self.mistakes, (*self.path, key), self.value[key])

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def get(self, key: str) -> Node | None:
        return self.child(key) if self.has(key) else None

    def mapping(self, allowed: Collection[str], required: Collection[str] = ()) -> bool:
        """Whether this is a mapping; keys not allowed and keys that are missing become mistakes."""
        if not isinstance(self.value, dict):
            self.wrong(
                f"a mapping is needed here, not {_said(self.value)}",
                f"write keys such as {', '.join(list(allowed)[:4])}",
            )
            return False
        for key in self.value:
            if key not in allowed:
                self.child(key).wrong(f"unknown key {key!r}", _nearest(key, allowed))
        for key in required:
            if key not in self.value:
                self.wrong(f"key {key!r} is missing", f"add '{key}:'")
        return True

    def items(self) -> Iterator[tuple[str, Node]]:
        """The pairs of a mapping, else nothing."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield key, self.child(key)

    def elements(self) -> list[Node]:
        """The elements of a list; a single value counts as a list of one."""
        if isinstance(self.value, list):
            return [self.child(index) for index in range(len(self.value))]
        return [] if self.value is None else [self]

    def text(self, default: str = "") -> str:
        if isinstance(self.value, str) and self.value.strip():
            return self.value.strip()
        self.wrong(
            f"text is needed here, not {_said(self.value)}", "quote it if it is text" if self.value is not None else ""
        )
        return default

    def texts(self) -> tuple[str, ...]:
        return tuple(text for node in self.elements() if (text := node.text()))

    def flag(self, default: bool = False) -> bool:
        if isinstance(self.value, bool):
            return self.value
        self.wrong(f"true or false is needed here, not {_said(self.value)}", "write true or false")
        return default

    def number(self, low: int, high: int, default: int) -> int:
        if isinstance(self.value, int) and not isinstance(self.value, bool) and low <= self.value <= high:
            return self.value
        self.wrong(f"a whole number from {low} to {high} is needed here, not {_said(self.value)}")
        return default

    def share(self, default: float) -> float:
        """A number from 0 to 1."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool) and 0 <= self.value <= 1:
            return float(self.value)
        self.wrong(f"a number from 0 to 1 is needed here, not {_said(self.value)}")
        return default

    def choice(self, kind: type[E], default: E) -> E:
        values = [str(member) for member in kind]
        if self.value in values:
            return kind(self.value)
        self.wrong(f"{_said(self.value)} is not one of {', '.join(values)}", _nearest(str(self.value), values))
        return default

    def choices(self, kind: type[E]) -> frozenset[E]:
        found: set[E] = set()
        values = [str(member) for member in kind]
        for node in self.elements():
            if node.value in values:
                found.add(kind(node.value))
            else:
                node.wrong(f"{_said(node.value)} is not one of {', '.join(values)}", _nearest(str(node.value), values))
        return frozenset(found)


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value) if len(repr(value)) < 60 else repr(value)[:57] + "..."


def _nearest(written: str, allowed: Collection[str]) -> str:
    near = difflib.get_close_matches(written, list(allowed), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(allowed)}"
