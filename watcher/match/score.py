"""Precision, recall and F1 of rules on labelled news, with Wilson's 95 % intervals (Wilson 1927, JASA 22:209)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How often a rule was right on some items."""

    right: int = 0
    false: int = 0
    missed: int = 0
    silent: int = 0

    @property
    def told(self) -> int:
        """Items that were labelled or found; without any, the shares below say nothing."""
        return self.right + self.false + self.missed

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.false + self.missed
        return 2 * self.right / total if total else 1.0

    @property
    def f1_interval(self) -> tuple[float, float]:
        """F1 is 2g / (1 + g) of the share g = right / (right + false + missed): Wilson's interval of g, mapped."""
        low, high = wilson(self.right, self.right + self.false + self.missed)
        return 2 * low / (1 + low), 2 * high / (1 + high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One item's labels beside what the rules said."""

    language: str
    labels: frozenset[str]
    matched: frozenset[str]


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    middle = share + _Z * _Z / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z * _Z / (4 * total * total))
    scale = 1 + _Z * _Z / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def count(rule_id: str, judged: Iterable[Judged]) -> Counts:
    """The counts of one rule over some items."""
    right = false = missed = silent = 0
    for item in judged:
        label, said = rule_id in item.labels, rule_id in item.matched
        right += label and said
        false += said and not label
        missed += label and not said
        silent += not label and not said
    return Counts(right=right, false=false, missed=missed, silent=silent)
