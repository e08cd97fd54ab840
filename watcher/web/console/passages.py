"""An item's own words with the evidence marked, as pieces for a page; how a mark looks is left to the page.

Pure, and made for any text: marks that do not fit it are left out, and what a page cannot hold is said to be missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watcher import wording
from watcher.model import Snippet, Span

WHOLE = 6000
"""A text of so many code points is shown whole; of a longer one the paragraphs with marks."""
MOST = 12_000
_PARAGRAPH = re.compile(r"[^\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passages:
    """Paragraphs, each as (words, marked) pieces in order."""

    paragraphs: tuple[tuple[tuple[str, bool], ...], ...]
    left_out: int = 0
    """Paragraphs that are not shown."""


def passages(text: str, spans: Sequence[Span]) -> Passages:
    """The text with those stretches of it marked, made clean; `spans` are code points of `text`."""
    shown: list[tuple[tuple[str, bool], ...]] = []
    left_out, room, whole = 0, MOST, len(text) <= WHOLE
    for found in _PARAGRAPH.finditer(text):
        start, end = found.span()
        marks = tuple(
            (max(span.start, start) - start, min(span.end, end) - start)
            for span in spans
            if span.start < end and span.end > start
        )
        if room <= 0 or not (whole or marks):
            left_out += 1
            continue
        pieces = wording.segments(Snippet(text=found[0], marks=marks), min(room, WHOLE))
        if any(words.strip() for words, _ in pieces):
            shown.append(pieces)
            room -= sum(len(words) for words, _ in pieces)
    return Passages(paragraphs=tuple(shown), left_out=left_out)
