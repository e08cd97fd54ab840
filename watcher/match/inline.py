"""Adds an element to `tests:` in the text of a rule file; every other byte of the text stays as it was.

What was added is proved: the new text reads as the old one with one more test, or it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watcher import strict_yaml
from watcher.errors import CannotHelp
from watcher.match.examples import as_yaml

_KEY = "tests"
_TRIED = 20
"""Lines after the last that is no comment: what looks like one may be the end of a text."""


def with_test(text: str, row: Mapping[str, Any]) -> str:
    """The text with `row` as the last of its tests, in the indentation and with the line ends of those before.

    Raises Mistakes for a text that is no YAML, CannotHelp where the tests are not written one below the other.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    before = strict_yaml.load("rule", text)
    wanted = _value(before.value, row)
    for at, indent in _places(text, before):
        added = as_yaml([row], indent=indent).replace("\n", end)
        if _KEY not in before.value:
            added = f"{_KEY}:{end}{added}"
        gap = "" if not text[:at] or text[:at].endswith("\n") else end
        after = text[:at] + gap + added + text[at:]
        if _same(after, wanted):
            return after
    raise CannotHelp("the tests are not written one below the other: add it by hand")


def _value(value: Any, row: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(_KEY, []), list | None):
        raise CannotHelp("a rule with a list of tests is needed")
    return value | {_KEY: [*(value.get(_KEY) or []), strict_yaml.load("test", as_yaml([row])).value[0]]}


def _same(text: str, wanted: Any) -> bool:
    try:
        return bool(strict_yaml.load("rule", text).value == wanted)
    except CannotHelp:
        return False


def _places(text: str, document: strict_yaml.Document) -> Iterator[tuple[int, int]]:
    """Offsets where the element may go, each with the indentation of its dash; the first that reads right is taken."""
    lines = text.splitlines(keepends=True)
    if _KEY not in document.value:
        yield len(text), 2
        return
    first = document.line((_KEY,))[0]
    following = [line for path, (line, _) in document.places.items() if len(path) == 1 and line > first]
    last = min(following, default=len(lines) + 1) - 1
    indent = next((_indent(line) for line in lines[first:last] if line.lstrip().startswith("-")), 2)
    written = [number for number in range(first, last + 1) if not _aside(lines[number - 1])]
    near = max(written, default=first)
    for number in (*range(near, min(near + _TRIED, last)), last):
        yield sum(len(line) for line in lines[:number]), indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _aside(line: str) -> bool:
    bare = line.strip()
    return not bare or bare.startswith("#")
