"""Why a clause does not hold in a stretch of text, in words, and how near it came. Walking a rule is `explain`'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from watcher import wording
from watcher.match.decide import count_places
from watcher.match.likeness import Reading, read
from watcher.match.rule import (
    AssetClause,
    Clause,
    DateClause,
    ItemClause,
    LikenessClause,
    MoneyClause,
    NearClause,
    PartyClause,
    PhraseClause,
    PlaceClause,
    RegexClause,
)
from watcher.match.view import Unit, View
from watcher.model import Asset, DateMention, Money, Party, Place

ABSENT, ELSEWHERE, UNFIT, FEW, CLOSE = 1.0, 0.6, 0.5, 0.35, 0.2
"""Costs of a miss: nothing there, only in another stretch, of another kind, too few of them, a figure just missed."""
MOST_NAMED = 3


class Miss(NamedTuple):
    """How far a clause is from holding, from 0 (it holds) to about 1, and what is missing, in words."""

    cost: float
    words: str


HELD = Miss(0.0, "")


class Missing:
    """Says what clauses miss in units of one news text. `holds` asks the evaluation that production runs."""

    def __init__(self, view: View, params: Mapping[str, Any], holds: Callable[[Clause, Unit], bool]) -> None:
        self._view = view
        self._params = params
        self._holds = holds
        self._whole: Unit = view.everything

    def of(self, clause: Clause, unit: Unit) -> Miss:
        """The miss of a clause without clauses inside that does not hold in the unit."""
        match clause:
            case MoneyClause():
                return self._money(clause, unit)
            case PlaceClause():
                return self._places(clause, unit)
            case PartyClause():
                return self._parties(clause, unit)
            case AssetClause():
                return self._assets(clause, unit)
            case DateClause():
                return self._dates(clause, unit)
            case ItemClause():
                return self._item(clause)
            case NearClause():
                return self._near(clause, unit)
            case PhraseClause() | RegexClause():
                return self._words(clause, unit)
            case LikenessClause():
                return self._likeness(clause, unit)
            case _:
                return Miss(ABSENT, f"{clause.label} does not hold")

    def _elsewhere(self, clause: Clause, unit: Unit) -> bool:
        return unit != self._whole and self._holds(clause, self._whole)

    def _words(self, clause: PhraseClause | RegexClause, unit: Unit) -> Miss:
        if isinstance(clause, PhraseClause) and clause.count > 1:
            found = {one.stretch for one in self._view.find_any(clause.phrases, unit)}
            if found:
                words = wording.joined((repr(self._view.original(one)) for one in sorted(found)), MOST_NAMED)
                return Miss(FEW, f"only {len(found)} of {clause.count} times {words_of(clause)}: {words}")
        if self._elsewhere(clause, unit):
            return Miss(ELSEWHERE, f"{words_of(clause)} only in another sentence")
        return Miss(ABSENT, f"nothing of {words_of(clause)}" if isinstance(clause, RegexClause) else nothing_of(clause))

    def _near(self, clause: NearClause, unit: Unit) -> Miss:
        absent = [inner for inner in clause.clauses if not self._holds(inner, unit)]
        if absent:
            misses = [self.of(inner, unit) for inner in absent]
            share = len(absent) / len(clause.clauses)
            return Miss(min(ABSENT, share * max(miss.cost for miss in misses)), "; ".join(one.words for one in misses))
        order = " in this order" if clause.ordered else ""
        return Miss(UNFIT, f"{clause.label}: all is there, but not within {clause.words} words{order}")

    def _item(self, clause: ItemClause) -> Miss:
        news = self._view.news
        has = {"language": news.language, "feed": news.feed}.get(clause.about) or wording.joined(news.tags)
        told = f"is {has}" if has else "is not known"
        return Miss(UNFIT, f"the {clause.about} {told}, not {_either(sorted(clause.values))}")

    def _likeness(self, clause: LikenessClause, unit: Unit) -> Miss:
        reading = read(clause.model, self._view, unit)
        if reading.likeness > clause.at_most:
            told = _weighed(reading, 1)
            return Miss(
                UNFIT, f"{clause.label}: it reads too much like {clause.model.name} ({reading.likeness:.2f}{told})"
            )
        close = CLOSE if reading.likeness > clause.at_least / 2 else ABSENT
        said = f"its likeness to {clause.model.name} is {reading.likeness:.2f}, below {clause.at_least:g}"
        return Miss(close, said + _weighed(reading, -1))

    # ── annotations ──

    def _none_of(self, kind: str, what: str, unit: Unit) -> Miss:
        """Nothing of the kind stands in the unit."""
        others: list[Any] = self._view.annotated(kind, self._whole) if unit != self._whole else []
        if not others:
            return Miss(ABSENT, f"no {what} found")
        return Miss(ELSEWHERE, f"no {what} here, only in other sentences: {_names(others)}")

    def _money(self, clause: MoneyClause, unit: Unit) -> Miss:
        every: list[Money] = self._view.annotated("money", unit)
        if not every:
            return self._none_of("money", "amount", unit)
        fit = [one for one in every if not clause.roles or one.role in clause.roles]
        if not fit:
            told = wording.joined((f"{_amount(one)} as {_plain(one.role)}" for one in every), MOST_NAMED)
            return Miss(UNFIT, f"no amount is told as {_either(map(_plain, sorted(clause.roles)))}, only {told}")
        for right, what in (
            ([one for one in fit if not clause.bounds or one.bound in clause.bounds], "of the bound asked for"),
            ([one for one in fit if not clause.currencies or one.currency in clause.currencies], "of that currency"),
        ):
            if not right:
                return Miss(UNFIT, f"no amount {what}, only {_names(fit)}")
        return self._too_small(clause, fit)

    def _too_small(self, clause: MoneyClause, fit: Sequence[Money]) -> Miss:
        least = self._params.get(clause.param) if clause.param else clause.at_least_usd
        below = [one for one in fit if one.converted and least and one.converted.usd < least]
        if least and below:
            best = max(below, key=lambda one: one.converted.usd if one.converted else 0.0)
            return Miss(CLOSE, f"amount {_amount(best)} is below {wording.usd(least)}")
        if least:
            return Miss(
                CLOSE, f"amount {_amount(fit[0])} has no known dollar value to hold against {wording.usd(least)}"
            )
        return Miss(FEW, f"only {_counted(len(fit), 'amount')} found: {_names(fit)}; {clause.count} are asked for")

    def _places(self, clause: PlaceClause, unit: Unit) -> Miss:
        every: list[Place] = self._view.annotated("place", unit)
        if not every:
            return self._none_of("place", "place", unit)
        fit = [one for one in every if self._fits(clause, one)]
        number = count_places(fit, apart=clause.apart)
        if not number:
            return Miss(UNFIT, f"no {_either(sorted(clause.kinds)) or 'such place'} found, only {_names(every)}")
        return self._few(
            "place", number, fit, clause.count, unit, [one for one in self._all("place") if self._fits(clause, one)]
        )

    def _fits(self, clause: PlaceClause, place: Place) -> bool:
        kind = not clause.kinds or place.kind in clause.kinds
        country = not clause.countries or place.country in clause.countries
        return (
            kind and country and (not clause.names or {place.key.lower(), place.name.lower()} & clause.names != set())
        )

    def _parties(self, clause: PartyClause, unit: Unit) -> Miss:
        every: list[Party] = self._view.annotated("party", unit)
        what = _either(sorted(clause.kinds)) or "party"
        if not every:
            return self._none_of("party", what, unit)
        fit = [one for one in every if not clause.kinds or one.kind in clause.kinds]
        if not fit:
            return Miss(UNFIT, f"no {what} found, only {_names(every)}")
        number = len({one.key for one in fit})
        if clause.abroad and number >= clause.count:
            return Miss(UNFIT, f"no {what} is known to be from abroad: {_names(fit)}")
        others = [one for one in self._all("party") if not clause.kinds or one.kind in clause.kinds]
        return self._few(what, number, fit, clause.count, unit, others)

    def _assets(self, clause: AssetClause, unit: Unit) -> Miss:
        every: list[Asset] = self._view.annotated("asset", unit)
        if not every:
            return self._none_of("asset", "asset", unit)
        fit = [one for one in every if not clause.kinds or one.kind in clause.kinds]
        if not fit:
            return Miss(UNFIT, f"no asset of kind {_either(sorted(clause.kinds))}, only {_names(every)}")
        return self._few("asset", len({one.name for one in fit}), fit, clause.count, unit, [])

    def _dates(self, clause: DateClause, unit: Unit) -> Miss:
        every: list[DateMention] = self._view.annotated("date", unit)
        if self._view.news.dated is None:
            return Miss(ABSENT, "the item has no date of its own to hold a date against")
        if not every:
            return self._none_of("date", "date", unit)
        older, newer = clause.older_than_days, clause.newer_than_days
        wanted = [f"older than {older} days"] if older is not None else []
        wanted += [f"at most {newer} days old"] if newer is not None else []
        return Miss(UNFIT, f"no date is {' and '.join(wanted)}, only {_names(every)}")

    def _all(self, kind: str) -> list[Any]:
        return self._view.annotated(kind, self._whole)

    def _few(
        self, what: str, number: int, fit: Sequence[Any], asked: int, unit: Unit, everywhere: Sequence[Any]
    ) -> Miss:
        """Some are there, but fewer than asked for; those of other sentences are named."""
        count = f"one {what}" if number == 1 else _counted(number, what)
        outer = {key for one in fit if isinstance(one, Place) for key in one.within} if number < len(fit) else set()
        fit = [one for one in fit if not isinstance(one, Place) or one.key not in outer]
        here = {_name(one) for one in fit}
        others = (
            [one for one in everywhere if _name(one) not in here and getattr(one, "key", None) not in outer]
            if unit != self._whole
            else []
        )
        further = f"; in other sentences {_names(others)}" if others else ""
        return Miss(
            FEW, f"only {count} found: {_names(fit)}{'' if asked == 2 else f', {asked} are asked for'}{further}"
        )


def words_of(clause: Clause) -> str:
    """A clause of words in short: its list, its few phrases, or how many phrases it has."""
    if not isinstance(clause, PhraseClause):
        return clause.label
    kind, _, names = clause.label.partition(": ")
    if kind == "list":
        return f"the list {names}"
    if len(clause.phrases) <= 3 and len(clause.label) <= 60:
        return _either(f"{phrase.source!r}" for phrase in clause.phrases)
    return f"its {len(clause.phrases)} phrases" if len(clause.phrases) > 1 else "its phrase"


def nothing_of(clause: Clause) -> str:
    """That none of a clause's words occurs."""
    words = words_of(clause)
    if words.startswith("the list"):
        return f"no word of {words}"
    if words == "its phrase":
        return "nothing of its phrase"
    return f"none of {words}" if words.startswith("its ") else f"no {words}"


def _amount(money: Money) -> str:
    if money.currency is None:
        return money.text
    own = f"{wording.compact(money.value)} {money.currency}"
    return own if money.currency == "USD" or not money.converted else f"{own} ({wording.usd(money.converted.usd)})"


def _name(annotated: Any) -> str:
    match annotated:
        case Money():
            return _amount(annotated)
        case DateMention():
            return annotated.text
        case _:
            return str(annotated.name)


def _names(every: Sequence[Any]) -> str:
    return wording.joined(dict.fromkeys(map(_name, every)), MOST_NAMED)


def _plain(word: str) -> str:
    return str(word).replace("_", " ")


def _either(words: Any) -> str:
    every = list(words)
    return " or ".join(filter(None, [", ".join(every[:-1]), every[-1]])) if every else ""


def _counted(number: int, one: str) -> str:
    plural = one[:-1] + "ies" if one.endswith("y") else one + "s"
    return f"{number} {one if number == 1 else plural}"


def _weighed(reading: Reading, sign: int) -> str:
    """The features that spoke most for it (sign 1) or against it (-1), in words."""
    told = [repr(name) for name, weight in reading.words if weight * sign > 0]
    return f"; most {'for' if sign > 0 else 'against'} it: {wording.joined(told, MOST_NAMED)}" if told else ""
