"""Piles of items, joined two at a time, the likest first, and how clearly they stand apart: average linkage.

Pure numbers: what makes two items alike is `group`'s business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

CUTS = (0.40, 0.34, 0.30, 0.26, 0.23, 0.20, 0.175, 0.15, 0.13, 0.11, 0.095, 0.08, 0.07, 0.06, 0.05)
"""Likenesses at which joining may stop, in steps of about an eighth."""
TITLE_CUT, TEXT_CUT, LONELY_CUT = 0.08, 0.16, 0.28
"""Where joining is expected to stop: among headlines, among texts, and where most items have no company."""
TITLE_SPREAD, TEXT_SPREAD, LONELY_SPREAD = 0.7, 1.5, 0.2
"""How far from there it may stop: the logarithm of the factor that one standard deviation is."""
TITLE_FEATURES, TEXT_FEATURES = 6, 10
"""Features of a usual item: so few is a headline, so many a text."""
LONELY_AT, LONELY_FROM, LONELY_TO = 0.07, 0.10, 0.20
"""Items are lonely where this part of them and more is still alone at a likeness that chance alone often reaches."""
LEAST_ITEMS = 40
"""Fewer items tell nothing about where to stop: they are treated as lonely ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The piles as they are where joining stops at `cut`."""

    cut: float
    of: Sequence[int]
    """Number of each item's pile."""
    apart: float
    """How clearly the piles stand apart: the mean silhouette of all items, less than 1; a lone item's is 0."""
    alone: float
    """The part of the items that are alone."""


def joined(near: list[dict[int, float]], features: float) -> Sequence[int]:
    """Number of each item's pile, joined as far as these items call for; `features` is how many a usual one has.

    `near` holds each item's likenesses to others, both ways; it is used up.
    """
    return chosen(list(Piles(near).stages()), features).of


def chosen(stages: Sequence[Stage], features: float) -> Stage:
    """The stage whose piles stand apart most clearly, among those near the cut that is usual for such items."""
    alone = next((one.alone for one in stages if one.cut <= LONELY_AT), 1.0)
    lonely = 1.0 if len(stages[0].of) < LEAST_ITEMS else _part(alone, LONELY_FROM, LONELY_TO)
    long = _part(features, TITLE_FEATURES, TEXT_FEATURES)
    usual = _between(_between(log(TITLE_CUT), log(TEXT_CUT), long), log(LONELY_CUT), lonely)
    spread = _between(_between(TITLE_SPREAD, TEXT_SPREAD, long), LONELY_SPREAD, lonely)
    return max(stages, key=lambda one: log(max(one.apart, 1e-4)) - ((log(one.cut) - usual) / spread) ** 2 / 2)


def _part(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _between(one: float, other: float, part: float) -> float:
    return one + (other - one) * part


class Piles:
    """Piles of items, at first one an item; `near` is taken over and holds the summed likeness of two piles' items."""

    def __init__(self, near: list[dict[int, float]]) -> None:
        self._sizes = [1] * len(near)
        self._inside = [0.0] * len(near)
        """Summed likeness of all pairs of a pile's own items."""
        self._sums: list[dict[int, float] | None] = list(near)
        self._into = list(range(len(near)))

    def stages(self, cuts: Sequence[float] = CUTS) -> Iterator[Stage]:
        """The piles at each cut; cuts fall."""
        for cut in cuts:
            for number in range(len(self._into)):
                if self._sums[number]:
                    self._join_around(number, cut)
            yield self._stage(cut)

    def _join_around(self, first: int, cut: float) -> None:
        """Goes from a pile to its likest until two are each other's likest, joins these, and so on (Murtagh 1983).

        Average linkage does not care in which order such pairs are joined: a join never comes closer to a third pile
        than one of its parts was.
        """
        chain = [first]
        while True:
            pile = chain[-1]
            other = self._likest(pile, chain[-2] if len(chain) > 1 else None, cut)
            if other is None:
                return
            if len(chain) > 1 and other == chain[-2]:
                del chain[-2:]
                self._join(min(pile, other), max(pile, other))
                chain = chain or [min(pile, other)]
            else:
                chain.append(other)

    def _likest(self, pile: int, wanted: int | None, cut: float) -> int | None:
        """The pile likest to this one, if as like as `cut`; among equals the wanted one, else the first."""
        sizes, sums = self._sizes, self._sums[pile] or {}
        least, best, found = cut * sizes[pile], 0.0, None
        if wanted is not None and wanted in sums:
            # another must be likelier by more than a rounding error, or the way could lead in a circle
            best, found = sums[wanted] / sizes[wanted] * (1 + 1e-9), wanted
        for other, value in sums.items():
            mean = value / sizes[other]
            if mean >= least and (mean > best or (mean == best and found is not None and other < found != wanted)):
                best, found = mean, other
        return found

    def _join(self, a: int, b: int) -> None:
        """Joins b into a."""
        mine, theirs = self._sums[a], self._sums[b]
        assert mine is not None
        assert theirs is not None
        self._inside[a] += self._inside[b] + mine.pop(b)
        theirs.pop(a)
        for other, value in theirs.items():
            mine[other] = mine.get(other, 0.0) + value
            back = self._sums[other]
            assert back is not None
            back.pop(b)
            back[a] = mine[other]
        self._sizes[a] += self._sizes[b]
        self._sums[b], self._into[b] = None, a

    def _stage(self, cut: float) -> Stage:
        of = [self._root(number) for number in range(len(self._into))]
        sizes = Counter(of)
        total = sum(size * self._silhouette(pile) for pile, size in sizes.items() if size > 1)
        alone = sum(size == 1 for size in sizes.values())
        return Stage(cut=cut, of=of, apart=total / max(1, len(of)), alone=alone / max(1, len(of)))

    def _silhouette(self, pile: int) -> float:
        """How much closer a pile's items are to each other than to the next pile, as Rousseeuw (1987) counts it."""
        size, sums = self._sizes[pile], self._sums[pile] or {}
        within = 2 * self._inside[pile] / (size * (size - 1))
        nearest = max((value / (size * self._sizes[other]) for other, value in sums.items()), default=0.0)
        return (within - nearest) / max(1.0 - within, 1.0 - nearest, 1e-9)

    def _root(self, number: int) -> int:
        while self._into[number] != number:
            number = self._into[number]
        return number
