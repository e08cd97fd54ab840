"""Whether two items tell the same story: a decision with its reason, from words, names, numbers and contradictions.

Pure. Which items are worth comparing is `candidates`' business, what a whole pile of items comes to is `group`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import log, sqrt

from rapidfuzz import fuzz

from watcher.story.facts import Facts, facts
from watcher.story.fingerprint import Fingerprint
from watcher.story.series import apart, renamed


class Reason(StrEnum):
    """Why two items tell the same story or do not; stored, shown and counted."""

    SAME_PAGE = "same_page"
    SAME_TEXT = "same_text"
    SAME_TITLE = "same_title"
    WORDS = "words"
    NAMES_ACROSS_LANGUAGES = "names_across_languages"
    FACTS = "facts"
    ROUNDUP = "roundup"
    OTHER_ASSET = "other_asset"
    OTHER_PARTIES = "other_parties"
    OTHER_AMOUNT = "other_amount"
    OTHER_NUMBER = "other_number"
    TOO_FAR_APART = "too_far_apart"
    TOO_LITTLE_IN_COMMON = "too_little_in_common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    same: bool
    reason: Reason
    score: float
    """0 to 1; `SAME_FROM` and more is the same story."""


SAME_FROM = 0.29
COPY_FROM = 0.92
SURE_FROM = 0.60
"""From here on only another substance or another company speaks against it."""
AGREED_FROM = 0.14
"""From here on facts are looked at, and suffice where they agree."""
ACROSS_WORTH = 0.80
"""A likeness across languages, told by names alone, counts so much of one by all words."""
CONTRADICTED_WORTH = 0.4
SHORT_WORTH = 1.3
DAYS_FREE, DAYS_FADE, DAYS_MOST = 3, 30, 90
_PRIOR_ITEMS, _PRIOR_COUNT = 200.0, 0.5
_NEWS_COUNT = {"~": 2.0, "=": 2.0}
"""In how many of the prior's items a news word or a country is taken to stand."""
_BOOST = {"@": 1.2, "#": 1.1, "+": 1.0, "~": 0.65, "=": 0.55}


class Weights:
    """How much a feature tells: its rarity among the items seen so far, over a prior that keeps the first ones sane."""

    def __init__(self) -> None:
        self.items = 0
        self.counts: dict[str, int] = {}

    def add(self, features: Iterable[str]) -> None:
        self.items += 1
        for one in features:
            self.counts[one] = self.counts.get(one, 0) + 1

    def of(self, feature: str) -> float:
        prior = _NEWS_COUNT.get(feature[0], _PRIOR_COUNT)
        rarity = log((self.items + _PRIOR_ITEMS) / (self.counts.get(feature, 0) + prior))
        return max(0.0, rarity) * _BOOST.get(feature[0], 1.0)

    def vector(self, counted: Mapping[str, float]) -> dict[str, float]:
        """Features weighted and scaled to length 1; empty where nothing tells anything."""
        weighed = {one: log(1.0 + count) * self.of(one) for one, count in counted.items()}
        length = sqrt(sum(value * value for value in weighed.values()))
        return {one: value / length for one, value in weighed.items() if value} if length else {}


def dot(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """The sum of products over common features; of two vectors of length 1 it is their cosine."""
    if len(a) > len(b):
        a, b = b, a
    return sum(value * b[one] for one, value in a.items() if one in b)


def across(a: Fingerprint, b: Fingerprint) -> bool:
    """Are the two known to be in different languages?"""
    return a.language != b.language and "und" not in (a.language, b.language)


def copies(a: Fingerprint, b: Fingerprint) -> Reason | None:
    """The reason why two items are one page or one text, if they are."""
    if a.page and a.page == b.page and (a.title == b.title or fuzz.ratio(a.title, b.title) > 60 or not a.title):
        return Reason.SAME_PAGE
    if a.body and a.body == b.body:
        return Reason.SAME_TEXT
    if len(a.title) > 24 and a.title == b.title and not a.roundup:
        return Reason.SAME_TITLE
    return None


def contradiction(a: Fingerprint, b: Fingerprint) -> Reason | None:
    """Codes of different substances where both name some."""
    if a.codes and b.codes and not a.codes & b.codes:
        return Reason.OTHER_ASSET
    return None


def days_worth(a: Fingerprint, b: Fingerprint) -> float:
    """1 within three days, fading to a half at a month and to nothing at three; 1 where a date is missing."""
    if a.telling.dated is None or b.telling.dated is None:
        return 1.0
    days = abs((a.telling.dated - b.telling.dated).days)
    if days <= DAYS_FREE:
        return 1.0
    if days <= DAYS_FADE:
        return 1.0 - 0.5 * (days - DAYS_FREE) / (DAYS_FADE - DAYS_FREE)
    return max(0.0, 0.5 * (DAYS_MOST - days) / (DAYS_MOST - DAYS_FADE))


class Compared:
    """A telling made ready to be compared: its words weighed, its facts read when they are first asked for."""

    __slots__ = ("_facts", "_read", "neutral", "print", "words")

    def __init__(
        self,
        told: Fingerprint,
        words: Mapping[str, float],
        neutral: Mapping[str, float],
        read: Callable[[], Facts] | None = None,
    ) -> None:
        self.print, self.words, self.neutral = told, words, neutral
        self._read = read or partial(facts, told.telling)
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        if self._facts is None:
            self._facts = self._read()
        return self._facts


def compared(told: Fingerprint, weights: Weights) -> Compared:
    """The telling with its words weighed by how rare they are now."""
    return Compared(told, weights.vector(told.words), weights.vector(told.neutral))


def likeness(a: Compared, b: Compared) -> float:
    """How alike two tellings are by words, 0 to 1; across languages by names, numbers and news words alone."""
    value = ACROSS_WORTH * dot(a.neutral, b.neutral) if across(a.print, b.print) else dot(a.words, b.words)
    return value * length_worth(a.print, b.print)


def length_worth(a: Fingerprint, b: Fingerprint) -> float:
    """What a likeness counts by length: two short texts without headlines have fewer words to share."""
    return SHORT_WORTH if a.short and b.short else 1.0


_UNWEIGHTED = Weights()


def same(a: Fingerprint, b: Fingerprint, weights: Weights = _UNWEIGHTED) -> Decision:
    """Do two items tell the same story? Annotates both where words leave it open.

    Without `weights` every feature counts as about equally rare. Symmetric; never raises on any text.
    """
    if reason := copies(a, b):
        return Decision(same=True, reason=reason, score=1.0)
    one, other = compared(a, weights), compared(b, weights)
    return judged(one, other, likeness(one, other))


def judged(one: Compared, other: Compared, by_words: float) -> Decision:
    """The decision on two items that are no copies, whose likeness by words is known."""
    a, b = one.print, other.print
    score = by_words * days_worth(a, b)
    if score < AGREED_FROM:
        return Decision(same=False, reason=_too_little(by_words, score), score=score)
    if reason := _against(a, b):
        return Decision(same=False, reason=reason, score=score * CONTRADICTED_WORTH)
    if by_words >= SAME_FROM > score:
        return Decision(same=False, reason=Reason.TOO_FAR_APART, score=score)
    reason = Reason.NAMES_ACROSS_LANGUAGES if across(a, b) else Reason.WORDS
    # in two languages a company may go by names that nothing brings together
    if not across(a, b) and strangers(one.facts, other.facts):
        return Decision(same=False, reason=Reason.OTHER_PARTIES, score=score * CONTRADICTED_WORTH)
    if score >= SURE_FROM:
        return Decision(same=True, reason=reason, score=score)
    if contradicted := clash(one.facts, other.facts):
        return Decision(same=False, reason=contradicted, score=score * CONTRADICTED_WORTH)
    if agree(one.facts, other.facts):
        return Decision(same=True, reason=Reason.FACTS, score=max(score, SAME_FROM))
    if score >= SAME_FROM:
        return Decision(same=True, reason=reason, score=score)
    return Decision(same=False, reason=Reason.TOO_LITTLE_IN_COMMON, score=score)


def _too_little(by_words: float, score: float) -> Reason:
    return Reason.TOO_FAR_APART if by_words >= SAME_FROM > score else Reason.TOO_LITTLE_IN_COMMON


def _against(a: Fingerprint, b: Fingerprint) -> Reason | None:
    """What speaks against one story before any fact is read."""
    if a.roundup or b.roundup:
        return Reason.ROUNDUP
    if apart(a.telling.title, b.telling.title):
        return Reason.OTHER_NUMBER
    if renamed(a.telling.title, b.telling.title):
        return Reason.OTHER_PARTIES
    return contradiction(a, b)


def strangers(a: Facts, b: Facts) -> bool:
    """Whether both headlines name companies and no company of one telling can be one of the other's."""
    if not (a.heads and b.heads) or a.codes & b.codes:
        return False
    return not any(_one_name(x, y) for x in a.parties for y in b.parties)


def _one_name(a: str, b: str) -> bool:
    """Names that begin with one word, or of which one is a part of the other."""
    words, others = a.split("-"), b.split("-")
    return words[0] == others[0] or set(words) <= set(others) or set(others) <= set(words)


def clash(a: Facts, b: Facts) -> Reason | None:
    """Headlines that name another counterpart, or the same kind of payment with another amount."""
    shared = a.codes & b.codes
    if not shared and a.codes and b.codes:
        return Reason.OTHER_ASSET
    if shared:
        return None
    common = a.heads & b.heads
    if len(a.heads) >= 2 and len(b.heads) >= 2 and len(common) == 1 and not (a.parties & b.parties) - common:
        return Reason.OTHER_PARTIES
    for role in a.amounts.keys() & b.amounts.keys():
        x, y = a.amounts[role], b.amounts[role]
        if min(x, y) < 0.8 * max(x, y) and not len(a.parties & b.parties) >= 2:
            return Reason.OTHER_AMOUNT
    return None


def agree(a: Facts, b: Facts) -> bool:
    """A code and a party, two parties and an amount, or an amount with a party or a place in common."""
    parties, amounts = a.parties & b.parties, a.rounded & b.rounded
    if a.codes & b.codes and (parties or amounts):
        return True
    return bool(amounts and (parties or a.places & b.places)) or len(parties) >= 3
