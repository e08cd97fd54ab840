"""The sentences that decided a match, cut out of the item with the deciding words marked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from watcher.model import Evidence, Snippet, TextField
from watcher.story.merge import MOST_SNIPPETS

_END = re.compile(r"[.!?](?=[\s\"”’)\]])|[。！？\n]")
_REACH = 240
"""Code points kept on each side of the evidence where no sentence ends."""


def snippets(evidence: Iterable[Evidence], *, title: str, text: str) -> tuple[Snippet, ...]:
    """At most five sentences of evidence in the item's order, the headline first; overlapping ones are one."""
    fields = {TextField.TITLE: title, TextField.TEXT: text}
    windows: dict[tuple[TextField, int, int], set[tuple[int, int]]] = {}
    for one in sorted(evidence, key=lambda one: (one.span.field != TextField.TITLE, one.span.start)):
        span = one.span
        start, end = _window(fields[span.field], span.start, span.end)
        key = next((k for k in windows if k[0] == span.field and k[1] <= start < k[2]), None)
        if key is None or span.end > key[2]:
            key = (span.field, start, end)
        windows.setdefault(key, set()).add((span.start, span.end))
    return tuple(_snippet(fields[field][start:end], start, marks) for (field, start, end), marks in windows.items())[
        :MOST_SNIPPETS
    ]


def _window(text: str, start: int, end: int) -> tuple[int, int]:
    ends = [found.end() for found in _END.finditer(text, max(0, start - _REACH), start)]
    first = ends[-1] if ends else max(0, start - _REACH)
    closing = _END.search(text, max(start, end - 1), end + _REACH)
    last = closing.end() if closing else min(len(text), end + _REACH)
    while first < start and text[first].isspace():
        first += 1
    return first, max(last, end)


def _snippet(text: str, offset: int, marks: Iterable[tuple[int, int]]) -> Snippet:
    joined: list[tuple[int, int]] = []
    for start, end in sorted((start - offset, end - offset) for start, end in marks):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return Snippet(text=text.rstrip(), marks=tuple(joined))
