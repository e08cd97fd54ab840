"""A whole pile of items into stories at once: the likest join first, by the mean likeness of all their items.

The order of the items does not matter. One by one, as items arrive, is `candidates`' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from statistics import median

from watcher.story.fingerprint import Fingerprint, Telling, fingerprint
from watcher.story.piles import joined
from watcher.story.same import (
    ACROSS_WORTH,
    CONTRADICTED_WORTH,
    Weights,
    across,
    contradiction,
    copies,
    days_worth,
    dot,
    length_worth,
)
from watcher.story.series import apart, renamed

LEAST = 0.03
"""Likenesses below count as none: chance words."""
PROMISING = 0.02
"""Items are compared in full where their rare features alone come to this likeness."""
LEAST_COMMON, COMMON_PART = 300, 0.08
"""A feature of more items than these, or of more than this part, is common: it finds nothing by itself."""


def group(items: Iterable[Telling]) -> dict[str, str]:
    """Story of every item by the items' ids; a story is named after its first item in the order of ids."""
    prints = sorted((fingerprint(item) for item in items), key=lambda one: one.telling.id)
    of = stories(prints)
    first: dict[int, str] = {}
    for one, story in zip(prints, of, strict=True):
        first.setdefault(story, one.telling.id)
    return {one.telling.id: first[story] for one, story in zip(prints, of, strict=True)}


def stories(prints: Sequence[Fingerprint]) -> list[int]:
    """Number of the story of each fingerprint."""
    if not prints:
        return []
    return list(joined(likenesses(prints), median(len(one.words) for one in prints)))


def likenesses(prints: Sequence[Fingerprint]) -> list[dict[int, float]]:
    """Of every item the items that are at all like it, with how much: 0 to 1."""
    weights = Weights()
    for one in prints:
        weights.add({*one.words, *one.neutral})
    common = max(LEAST_COMMON, int(COMMON_PART * len(prints)))
    # names count among the words too: what is told differs more by them than by what happened
    within = _Vectors(weights, [{**one.words, **one.neutral} for one in prints], common)
    outside = _Vectors(weights, [one.neutral for one in prints], common)
    told: dict[str, _Vectors] = {one.language: outside.alike() for one in prints}
    near: list[dict[int, float]] = [{} for _ in prints]
    for number, one in enumerate(prints):
        found = {other: value for other, value in within.near(number) if not across(one, prints[other])}
        for language, vectors in told.items():
            if language != one.language and "und" not in (language, one.language):
                found.update((other, ACROSS_WORTH * value) for other, value in vectors.near(number))
        for other, by_words in found.items():
            value = likeness(one, prints[other], by_words)
            if value >= LEAST:
                near[number][other] = near[other][number] = value
        within.post(number)
        told[one.language].post(number)
    return near


class _Vectors:
    """Vectors of all items, and an index of those posted so far by their features, the common ones left out."""

    def __init__(self, weights: Weights, counted: Sequence[Mapping[str, float]], common: int) -> None:
        self._vectors = [weights.vector(one) for one in counted]
        self._rare = [
            {name: value for name, value in one.items() if weights.counts[name] <= common} for one in self._vectors
        ]
        self._posted: dict[str, list[tuple[int, float]]] = {}

    def alike(self) -> _Vectors:
        """The same vectors with an empty index."""
        other = copy(self)
        other._posted = {}
        return other

    def post(self, number: int) -> None:
        for feature, value in self._rare[number].items():
            self._posted.setdefault(feature, []).append((number, value))

    def near(self, number: int) -> list[tuple[int, float]]:
        """The posted items whose rare features promise a likeness, with their cosine."""
        sums: dict[int, float] = {}
        for feature, value in self._rare[number].items():
            for other, theirs in self._posted.get(feature, ()):
                sums[other] = sums.get(other, 0.0) + value * theirs
        mine = self._vectors[number]
        return [(other, dot(mine, self._vectors[other])) for other, value in sums.items() if value >= PROMISING]


def likeness(a: Fingerprint, b: Fingerprint, value: float) -> float:
    """The likeness by words, corrected by what words do not tell: copies, contradictions, days, round-ups."""
    if copies(a, b):
        return 1.0
    if a.roundup or b.roundup:
        return 0.0
    if apart(a.telling.title, b.telling.title) or renamed(a.telling.title, b.telling.title):
        return 0.0
    return value * length_worth(a, b) * days_worth(a, b) * (CONTRADICTED_WORTH if contradiction(a, b) else 1.0)
