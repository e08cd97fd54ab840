"""Decides what each amount is for, from the words of its clause and the amounts beside it.

Every cue (`role_cues`) of the sentence scores by its weight and its distance to the amount; the stance of the clause
then turns what is hoped for into targets and forecasts and what is past into past rounds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from watcher.annotate.cues import CueScanner, Hit, between
from watcher.annotate.folding import fold, is_cjk
from watcher.annotate.role_cues import CUES, HEADINGS
from watcher.annotate.stance import Piece, pieces, reference_day
from watcher.model import MoneyRole, Sentence, Stance

_REACH = 160
"""How far, in points, a cue may stand from its amount; a CJK character counts for `_WIDE` points."""
_WIDE = 2.5
_WEIGHT = {1: 34.0, 2: 62.0, 3: 78.0}
_WRONG_SIDE = 30.0
_COMMA = 12.0
_OTHER_AMOUNT = 34.0
_CLAUSE = 8.0
_RANK = {role: len(CUES) - index for index, (role, *_rest) in reversed(list(enumerate(CUES)))}
_SCAN = CueScanner({f"{role}/{weight}/{side}": phrases for role, weight, side, phrases in CUES})
_HEADING = re.compile(r"(?:^|\n|[.。]\s)\s*(?P<name>[^\n.:。;,]{3,24})\s*(?::|\n)")
_MONEY_IN = (MoneyRole.RAISED, MoneyRole.INVESTED, MoneyRole.GRANTED, MoneyRole.COMMITTED, MoneyRole.EQUITY)
_LISTED = (*_MONEY_IN, MoneyRole.MILESTONE, MoneyRole.TOTAL_TO_DATE, MoneyRole.PRICE, MoneyRole.REVENUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount's place; `same_as` is the index of the amount that it restates in another currency."""

    start: int
    end: int
    same_as: int | None = None


def roles(text: str, sentences: Sequence[Sentence], amounts: Sequence[Amount], dated: date | None) -> list[MoneyRole]:
    """The role of each amount, in order."""
    hits = _hits(text)
    day = reference_day(text, dated)
    starts = [one.start for one in sentences]
    found: list[MoneyRole] = []
    for index, amount in enumerate(amounts):
        if amount.same_as is not None:
            found.append(found[amount.same_as])
            continue
        at = bisect_right(starts, amount.start) - 1
        left, right = (sentences[at].start, sentences[at].end) if at >= 0 else (0, len(text))
        role = _scored(text, hits, amounts, index, max(left, amount.start - 400), min(right, amount.end + 300))
        role = role or _inherited(text, amounts, found, index, left) or _under_heading(text, amount.start)
        found.append(_by_stance(role or MoneyRole.OTHER, _clause(text, left, right, amount, day)))
    return found


@lru_cache(maxsize=4)
def _hits(text: str) -> list[Hit]:
    return _SCAN.hits(fold(text))


def _scored(
    text: str, hits: Sequence[Hit], amounts: Sequence[Amount], index: int, left: int, right: int
) -> MoneyRole | None:
    amount = amounts[index]
    best: dict[str, float] = {}
    for hit in between(hits, left, right):
        role, weight, side = hit.label.split("/")
        if hit.start < amount.end and hit.end > amount.start:
            continue
        score = _WEIGHT[int(weight)] - _distance(text, hit, amounts, index, side)
        if score > 0:
            best[role] = max(best.get(role, 0.0), score)
    if not best:
        return None
    return MoneyRole(max(best, key=lambda role: (best[role], _RANK[role])))


def _distance(text: str, hit: Hit, amounts: Sequence[Amount], index: int, side: str) -> float:
    amount = amounts[index]
    before = hit.end <= amount.start
    gap = text[hit.end : amount.start] if before else text[amount.end : hit.start]
    if len(gap) > _REACH:
        return float(_REACH)
    points = sum(_WIDE if is_cjk(char) else 1.0 for char in gap) * 0.8
    points += _COMMA * sum(gap.count(mark) for mark in ",，、") + 2.5 * _COMMA * sum(
        gap.count(mark) for mark in ";；:—("
    )
    if side == "after" and not before:
        points += _WRONG_SIDE
    low, high = (hit.end, amount.start) if before else (amount.end, hit.start)
    points += _OTHER_AMOUNT * sum(
        1 for one in amounts if one.same_as is None and low <= one.start < high and one is not amount
    )
    return points + (0.0 if before else 3.0)


def _inherited(
    text: str, amounts: Sequence[Amount], found: Sequence[MoneyRole], index: int, left: int
) -> MoneyRole | None:
    """The role of the amount before in the same list: "X landed $26 million …, Y €31 million …"."""
    if not index or amounts[index - 1].start < left or found[index - 1] not in _LISTED:
        return None
    return found[index - 1]


def _under_heading(text: str, at: int) -> MoneyRole | None:
    folded = fold(text)
    for heading in reversed(list(_HEADING.finditer(folded, max(0, at - 1500), at))):
        role = HEADINGS.get(heading["name"].strip())
        if role is not None:
            return MoneyRole(role) if role else None
    return None


def _clause(text: str, left: int, right: int, amount: Amount, day: date | None) -> Piece:
    parts = pieces(text, left, right, day)
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
