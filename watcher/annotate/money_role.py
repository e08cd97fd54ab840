"""Decides what each amount is for, from the words of its clause and the amounts beside it.

Every cue (`role_cues.txt`) of the sentence scores by its weight and its distance to the amount; the stance of the
clause then turns what is hoped for into targets and forecasts and what is past into past rounds.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from watcher.annotate.cues import CueScanner, Hit, between, tables
from watcher.annotate.folding import fold
from watcher.annotate.stance import Clock, Piece, clock_of, pieces
from watcher.model import MoneyRole, Sentence, Stance

_REACH = 130.0
"""How far, in points, a cue may stand from its amount."""
_LATIN, _WIDE = 0.8, 2.0
_WEIGHT = {1: 34.0, 2: 62.0, 3: 78.0, 4: 104.0}
_WRONG_SIDE = 30.0
_HEADING_REACH = 1500
_NEAR = 70.0
"""A score that only a cue a few words away reaches."""


class _Points(dict[str, float]):
    """How far apart a character sets what stands on its two sides: a letter `_LATIN`, a CJK character `_WIDE`."""

    def __missing__(self, char: str) -> float:
        self[char] = points = _LATIN if char < "\u2e80" else _WIDE
        return points


_POINTS = _Points({**dict.fromkeys(",，、", 12.0), **dict.fromkeys(";；:—", 30.0), "(": 10.0, "\n": 30.0})
_OTHER_AMOUNT = 34.0
_TABLES = tables("role_cues.txt")
_RANK = {header[0]: -index for index, (header, _) in reversed(list(enumerate(_TABLES)))}
_SCAN = CueScanner(("/".join(header), phrases) for header, phrases in _TABLES if header[0] != "heading")
_HEADINGS = {name: header[1] for header, names in _TABLES if header[0] == "heading" for name in names}
_HEADING = re.compile(r"(?:^|\n|[.。]\s)\s*(?P<name>[^\n.:。;,]{3,24})\s*(?::|\n)")
_MONEY_IN = (MoneyRole.RAISED, MoneyRole.INVESTED, MoneyRole.GRANTED, MoneyRole.COMMITTED, MoneyRole.EQUITY)
_LISTED = (*_MONEY_IN, MoneyRole.MILESTONE, MoneyRole.TOTAL_TO_DATE, MoneyRole.PRICE, MoneyRole.REVENUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount's place; `same_as` is the index of the amount that it restates in another currency."""

    start: int
    end: int
    same_as: int | None = None
    small: bool = False
    """Too little to be a round or a deal: a price, unless a fine."""


def roles(text: str, sentences: Sequence[Sentence], amounts: Sequence[Amount], dated: date | None) -> list[MoneyRole]:
    """The role of each amount, in order."""
    clock = clock_of(text, dated)
    starts = [one.start for one in sentences]
    page = _page(text)
    groups = _groups(amounts)
    ends = dict(groups)
    found: list[MoneyRole] = []
    for index, amount in enumerate(amounts):
        if amount.same_as is not None:
            found.append(found[amount.same_as])
            continue
        at = bisect_right(starts, amount.start) - 1
        left, right = (sentences[at].start, sentences[at].end) if at >= 0 else (0, len(text))
        window = max(left, amount.start - 400), min(right, amount.end + 300)
        role = _scored(page, groups, (amount.start, ends[amount.start]), window)
        role = role or _inherited(amounts, found, index, left) or _under_heading(page, amount.start)
        if amount.small and role is not MoneyRole.FINE:
            role = MoneyRole.PRICE
        found.append(_by_stance(role or MoneyRole.OTHER, _clause(text, left, right, amount, clock)))
    return found


_Groups = list[tuple[int, int]]
"""Where each amount starts and ends, its restatements in other currencies included, in order."""


def _groups(amounts: Sequence[Amount]) -> _Groups:
    groups: _Groups = []
    for amount in amounts:
        if amount.same_as is None or not groups:
            groups.append((amount.start, amount.end))
        else:
            groups[-1] = (groups[-1][0], amount.end)
    return groups


class _Page(NamedTuple):
    """A text's cues, and running sums of how far apart its characters stand, in points."""

    hits: list[Hit]
    points: array[float]
    headings: list[tuple[int, str]]


@lru_cache(maxsize=4)
def _page(text: str) -> _Page:
    folded = fold(text)
    headings = [
        (found.end(), _HEADINGS[name])
        for found in _HEADING.finditer(folded)
        if (name := found["name"].strip()) in _HEADINGS
    ]
    return _Page(_SCAN.hits(folded), array("d", accumulate(map(_POINTS.__getitem__, folded), initial=0.0)), headings)


def _scored(page: _Page, groups: _Groups, amount: tuple[int, int], window: tuple[int, int]) -> MoneyRole | None:
    best: dict[str, float] = {}
    for hit in between(page.hits, *window):
        if hit.start < amount[1] and hit.end > amount[0]:
            continue
        role, weight, side = hit.label.split("/")
        score = _WEIGHT[int(weight)] - _distance(page, hit, groups, amount, side)
        if score > 0:
            best[role] = max(best.get(role, 0.0), score)
    if not best:
        return None
    winner = max(best, key=lambda role: (best[role], _RANK[role]))
    return _summed(best) if winner == "sum" else MoneyRole(winner)


def _summed(best: Mapping[str, float]) -> MoneyRole:
    """What a bare "in total" sums up: the strongest other trade in its sentence says."""
    deal = max(best.get(role, 0.0) for role in ("deal_total", "upfront", "milestone"))
    site, cash = best.get("invested", 0.0), best.get("raised", 0.0)
    if not max(deal, site, cash):
        return MoneyRole.OTHER
    if best.get("milestone", 0.0) > _NEAR:
        return MoneyRole.MILESTONE
    if deal >= max(site, cash):
        return MoneyRole.DEAL_TOTAL
    return MoneyRole.INVESTED if site > cash else MoneyRole.TOTAL_TO_DATE


def _distance(page: _Page, hit: Hit, groups: _Groups, amount: tuple[int, int], side: str) -> float:
    before = hit.end <= amount[0]
    low, high = (hit.end, amount[0]) if before else (amount[1], hit.start)
    points = page.points[high] - page.points[low]
    if points > _REACH:
        return points
    if side == "after" and not before:
        points += _WRONG_SIDE
    points += _OTHER_AMOUNT * (bisect_left(groups, (low,)) != bisect_left(groups, (high,)))
    return points + (0.0 if before else 3.0)


def _inherited(amounts: Sequence[Amount], found: Sequence[MoneyRole], index: int, left: int) -> MoneyRole | None:
    """The role of the amount before in the same list: "X landed $26 million …, Y €31 million …"."""
    if not index or amounts[index - 1].start < left or found[index - 1] not in _LISTED:
        return None
    return found[index - 1]


def _under_heading(page: _Page, at: int) -> MoneyRole | None:
    index = bisect_right(page.headings, (at, "")) - 1
    if index < 0 or at - page.headings[index][0] > _HEADING_REACH:
        return None
    role = page.headings[index][1]
    return MoneyRole(role) if role != "none" else None


def _clause(text: str, left: int, right: int, amount: Amount, clock: Clock) -> Piece:
    parts = pieces(text, left, right, clock)
    return next((part for part in parts if part.start <= amount.start < part.end), parts[-1])


def _by_stance(role: MoneyRole, clause: Piece) -> MoneyRole:
    if clause.stance is Stance.ASSERTED or role not in _MONEY_IN:
        return role
    if clause.stance is Stance.BACKGROUND:
        return MoneyRole.PAST_ROUND if role is not MoneyRole.INVESTED else role
    if clause.stance in (Stance.SOUGHT, Stance.RUMOURED):
        return MoneyRole.TARGET
    if clause.stance is Stance.EXPECTED:
        return MoneyRole.FORECAST
    if clause.stance is Stance.PLANNED:
        return MoneyRole.COMMITTED if role in (MoneyRole.INVESTED, MoneyRole.COMMITTED) else MoneyRole.TARGET
    return role
