"""Reads whether an amount is exact, about, at least or at most, from the words beside it (`bounds.txt`)."""

from __future__ import annotations

import re

from watcher.annotate.cues import spelled, tables
from watcher.annotate.folding import fold
from watcher.model import Bound

_REACH = 34
_ARTICLE = r"\s?(?:(?:an?|the|another|a\sfurther|an\sadditional)\s)?"


def _words(place: str, bound: Bound) -> str:
    forms = {
        fold(form)
        for header, phrases in tables("bounds.txt")
        if header == (place, bound.value)
        for phrase in phrases
        for form in spelled(phrase)
    }
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))


_BEFORE = tuple(
    (bound, re.compile(rf"(?:(?<![a-z])|(?<=[^a-z]))(?:{_words('before', bound)}){_ARTICLE}$"))
    for bound in (Bound.AT_MOST, Bound.AT_LEAST, Bound.ABOUT)
)
_NOT_LESS = re.compile(r"\b(?:no|not)\sless\sthan\s$")
_AFTER = tuple(
    (bound, re.compile(rf"\s?(?:{_words('after', bound)})(?![a-z家个名项元年])"))
    for bound in (Bound.AT_LEAST, Bound.ABOUT)
)


def bound_of(folded: str, start: int, end: int) -> Bound:
    """The bound of the amount at `[start, end)` of a folded text."""
    before = folded[max(0, start - _REACH) : start]
    if _NOT_LESS.search(before):
        return Bound.AT_LEAST
    for bound, pattern in _BEFORE:
        if pattern.search(before):
            return bound
    return next((bound for bound, pattern in _AFTER if pattern.match(folded, end)), Bound.EXACT)
