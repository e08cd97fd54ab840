"""A sentence of evidence as marked and unmarked pieces; leaves how a mark looks to each way out."""

from __future__ import annotations

from watcher.model import Snippet
from watcher.wording.text import flat, joins


def segments(snippet: Snippet, limit: int = 420) -> tuple[tuple[str, bool], ...]:
    """The snippet as (words, marked) pieces in order, about `limit` code points around its first mark."""
    text, marks = snippet.text, _sound_marks(snippet)
    start, end = _around(text, marks[0][0] if marks else 0, limit)
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for left, right in marks:
        left, right = max(left, at), min(right, end)
        if left < right:
            pieces += [(text[at:left], False), (text[left:right], True)]
            at = right
    pieces += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    clean = ((flat(words), marked) for words, marked in pieces)
    return tuple((words, marked) for words, marked in clean if words)


def _sound_marks(snippet: Snippet) -> list[tuple[int, int]]:
    sound = sorted((start, end) for start, end in snippet.marks if 0 <= start < end <= len(snippet.text))
    apart: list[tuple[int, int]] = []
    for start, end in sound:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _around(text: str, mark: int, limit: int) -> tuple[int, int]:
    if len(text) <= limit:
        return 0, len(text)
    start = 0 if mark < limit * 2 // 3 else min(mark - limit // 3, len(text) - limit)
    end = min(start + limit, len(text))
    if start and (space := text.find(" ", start, start + 24)) >= 0:
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", end - 24, end)) > mark:
        end = space
    while end > mark + 1 and end < len(text) and joins(text[end - 1], text[end]):
        end -= 1
    return start, end
