"""Evaluates one rule on one view of a news text, clause by clause, and keeps which clause decided.

Knows nothing of the scan over all rules: evaluating without it gives the same result, only slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, NamedTuple

from watcher.match.condition import holds, names_of
from watcher.match.facts import read_facts
from watcher.match.likeness import read
from watcher.match.rule import (
    AssetClause,
    Clause,
    DateClause,
    Group,
    ItemClause,
    LikenessClause,
    MoneyClause,
    NearClause,
    PartyClause,
    PhraseClause,
    PlaceClause,
    RegexClause,
    Rule,
    Selection,
    SelectionClause,
    Within,
)
from watcher.match.slots import Annotated
from watcher.match.view import Found, Stretch, Unit, View, words_between
from watcher.model import Evidence, Fact, FactKind, Match, Money, Party, Place, Stance

MAX_EVIDENCE = 12
MAX_COMBINATIONS = 2000


class Hit(NamedTuple):
    """One reason why a clause holds."""

    label: str
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule came to on an item: the match, or in words why there is none."""

    rule_id: str
    match: Match | None
    decided: str


class Evaluation:
    """One rule on one view. `params` are checked values; `version` goes onto the match."""

    def __init__(self, rule: Rule, view: View, params: Mapping[str, Any], version: str) -> None:
        self.rule = rule
        self.view = view
        self.params = params
        self.version = version
        self._results: dict[str, list[tuple[Unit, list[Hit]]]] = {}
        self._judged: dict[tuple[int, Unit], list[Hit] | None] = {}

    def verdict(self, *, told: bool = True) -> Verdict:
        """Decide. Exceptions and the amount are asked only when the condition holds.

        Unless `told`, the words for a condition that does not hold are left out: they need every selection evaluated.
        """
        rule = self.rule
        if not holds(rule.condition, self._is_true):
            return self._no(self._why_not() if told else "")
        for exception in rule.exceptions:
            if self._units_of(exception.selection):
                return self._no(f"exception {exception.path}:{exception.line}: {exception.reason}")
        deciding = self._deciding()
        facts = self._facts(deciding)
        too_small = self._too_small(facts)
        if too_small:
            return self._no(too_small)
        match = Match(
            rule_id=rule.id,
            rule_title=rule.title,
            level=rule.level,
            status=rule.status,
            rules_version=self.version,
            facts=facts,
            evidence=self._evidence(deciding),
        )
        return Verdict(rule_id=rule.id, match=match, decided=", ".join(name for name, _, _ in deciding))

    def _facts(self, deciding: Sequence[tuple[str, Unit, list[Hit]]]) -> dict[str, Fact]:
        return read_facts(self.rule, self.view, [hit.found for _, _, hits in deciding for hit in hits])

    def held(self, name: str) -> bool:
        """Whether a selection of the rule holds anywhere."""
        return self._is_true(name)

    def _no(self, why: str) -> Verdict:
        return Verdict(rule_id=self.rule.id, match=None, decided=why)

    def _is_true(self, name: str) -> bool:
        return bool(self._result(name))

    def _result(self, name: str) -> list[tuple[Unit, list[Hit]]]:
        if name not in self._results:
            self._results[name] = self._units_of(self.rule.selections[name])
        return self._results[name]

    def _deciding(self) -> list[tuple[str, Unit, list[Hit]]]:
        """What is shown and read for facts: where words decided, the sentence that a model likes most is left out."""
        selections = self.rule.selections
        names = [name for name in names_of(self.rule.condition, negated=False) if selections[name].evidence]
        deciding = [(name, unit, hits) for name in names for unit, hits in self._result(name)]
        worded = [one for one in deciding if one[2] and not selections[one[0]].learned]
        return worded or deciding

    def _why_not(self) -> str:
        absent = [name for name in names_of(self.rule.condition, negated=False) if not self._is_true(name)]
        against = [name for name in names_of(self.rule.condition, negated=True) if self._is_true(name)]
        parts = [f"absent: {', '.join(absent)}"] if absent else []
        for name in against:
            hits = [hit for _, hits in self._result(name) for hit in hits]
            words = f" ({self.view.original(hits[0].found.stretch)!r})" if hits else ""
            parts.append(f"against: {name}{words}")
        return "; ".join(parts) or "condition"

    def _evidence(self, deciding: Sequence[tuple[str, Unit, list[Hit]]]) -> tuple[Evidence, ...]:
        kept: dict[Stretch, Evidence] = {}
        for name, _, hits in deciding:
            for hit in hits:
                stretch = hit.found.stretch
                if stretch not in kept and len(kept) < MAX_EVIDENCE:
                    span = stretch.span
                    label = f"{name}: {hit.label}"
                    kept[stretch] = Evidence(clause=label, span=span, text=self.view.original(stretch))
        return tuple(kept.values())

    def _too_small(self, facts: Mapping[str, Fact]) -> str:
        """Why the amount rules the match out; empty when it does not. A threshold of 0 asks for no amount."""
        at_least = self.params.get("at_least")
        if not at_least:
            return ""
        amount = next((fact for fact in facts.values() if fact.kind is FactKind.MONEY), None)
        if amount is None or amount.usd is None:
            skip = self.params.get("unknown_amount", "match") == "skip"
            return f"no amount in USD is known, and at_least is {at_least:,.0f}" if skip else ""
        highest = amount.usd * (amount.high / float(amount.value)) if amount.high and amount.value else amount.usd  # type: ignore[arg-type]
        return "" if highest >= at_least else f"{amount.text} is {amount.usd:,.0f} USD, less than {at_least:,.0f}"

    # ── selections ──

    def _units_of(self, selection: Selection) -> list[tuple[Unit, list[Hit]]]:
        needs = self.view.needs(selection)
        if not self.view.possible(needs):
            return []
        found = []
        for unit in self.view.units(selection.within, selection.where):
            hits = self._selection_in(selection, unit)
            if hits is not None:
                found.append((unit, hits))
        return found

    def _selection_in(self, selection: Selection, unit: Unit) -> list[Hit] | None:
        """The hits of a selection in a unit, judged once: selections may name one another."""
        key = (id(selection), unit)
        if key not in self._judged:
            possible = self.view.possible(self.view.needs(selection), unit)
            self._judged[key] = self._judge(selection, unit) if possible else None
        return self._judged[key]

    def _judge(self, selection: Selection, unit: Unit) -> list[Hit] | None:
        every: list[Hit] = []
        anchored = not selection.stances
        for group in selection.groups:
            hits = self._group(group, unit, selection if not anchored else None)
            if hits is None:
                return None
            anchored = anchored or group.op != "none"
            every += hits
        return every

    def _group(self, group: Group, unit: Unit, anchor: Selection | None) -> list[Hit] | None:
        """The hits of a group; `anchor` asks that its first clause stands in a clause of an allowed stance."""
        if group.op == "none":
            return None if any(self._clause(clause, unit) is not None for clause in group.clauses) else []
        every: list[Hit] = []
        held = False
        for index, clause in enumerate(group.clauses):
            hits = self._clause(clause, unit)
            if hits is not None and anchor is not None and (group.op == "any" or index == 0):
                hits = [hit for hit in hits if self._stands(hit, anchor)] or None
            if hits is None and group.op == "all":
                return None
            held = held or hits is not None
            every += hits or []
        return every if held else None

    def _stands(self, hit: Hit, anchor: Selection) -> bool:
        """Whether the hit ends in a clause of an allowed stance and does not begin in one that is denied or ended."""
        field, start, end = hit.found.stretch
        first = self.view.stance_at(field, start)
        if first in (Stance.DENIED, Stance.ENDED) and first not in anchor.stances:
            return False
        return self.view.stance_at(field, max(start, end - 1)) in anchor.stances

    # ── clauses ──

    def _clause(self, clause: Clause, unit: Unit) -> list[Hit] | None:
        """The hits of a clause in a unit; None when it does not hold."""
        match clause:
            case PhraseClause():
                found = self.view.find_any(clause.phrases, unit)
                enough = len({one.stretch for one in found}) >= clause.count
                return [Hit(clause.label, one) for one in found] if enough else None
            case RegexClause():
                found = self.view.search(clause, unit)
                return [Hit(clause.label, one) for one in found] or None
            case Group():
                return self._group(clause, unit, None)
            case NearClause():
                return self._near(clause, unit)
            case SelectionClause():
                return self._selection_in(self.rule.selections[clause.name], unit)
            case LikenessClause():
                return self._likeness(clause, unit)
            case ItemClause():
                return [] if self._about_item(clause) else None
            case _:
                return self._annotated(clause, unit)

    def _likeness(self, clause: LikenessClause, unit: Unit) -> list[Hit] | None:
        reading = read(clause.model, self.view, unit)
        if not clause.at_least <= reading.likeness <= clause.at_most:
            return None
        return [Hit(clause.label, Found(reading.sentence))] if reading.sentence and clause.at_least else []

    def _annotated(
        self, clause: MoneyClause | PlaceClause | PartyClause | AssetClause | DateClause, unit: Unit
    ) -> list[Hit] | None:
        match clause:
            case MoneyClause():
                kept: list[Annotated] = [one for one in self.view.annotated("money", unit) if self._money(clause, one)]
                enough = len(kept) >= clause.count
            case PlaceClause():
                kept = [one for one in self.view.annotated("place", unit) if _place(clause, one)]
                enough = count_places(kept, apart=clause.apart) >= clause.count
            case PartyClause():
                places = self.view.annotated("place", unit) if clause.abroad else []
                here = {place.country for place in places if place.country}
                kept = [one for one in self.view.annotated("party", unit) if _party(clause, one, here)]
                enough = len({one.key for one in kept}) >= clause.count  # type: ignore[union-attr]
            case AssetClause():
                kept = [
                    one for one in self.view.annotated("asset", unit) if not clause.kinds or one.kind in clause.kinds
                ]
                enough = len({one.name for one in kept}) >= clause.count  # type: ignore[union-attr]
            case DateClause():
                kept = [one for one in self.view.annotated("date", unit) if self._date(clause, one)]
                enough = bool(kept)
        return [_hit(clause.label, one) for one in kept] if enough else None

    def _money(self, clause: MoneyClause, money: Money) -> bool:
        if clause.roles and money.role not in clause.roles:
            return False
        if clause.bounds and money.bound not in clause.bounds:
            return False
        if clause.currencies and money.currency not in clause.currencies:
            return False
        at_least = self.params.get(clause.param) if clause.param else clause.at_least_usd
        return not at_least or (money.converted is not None and money.converted.usd >= at_least)

    def _date(self, clause: DateClause, mention: Any) -> bool:
        if self.view.news.dated is None:
            return False
        age = (self.view.news.dated - mention.day).days
        old_enough = clause.older_than_days is None or age > clause.older_than_days
        return old_enough and (clause.newer_than_days is None or age <= clause.newer_than_days)

    def _about_item(self, clause: ItemClause) -> bool:
        news = self.view.news
        if clause.about == "tag":
            return any(tag.lower() in clause.values for tag in news.tags)
        value = (news.language if clause.about == "language" else news.feed) or ""
        return value.lower() in clause.values or (clause.about == "language" and value.lower()[:2] in clause.values)

    def _near(self, clause: NearClause, unit: Unit) -> list[Hit] | None:
        rows: list[list[Hit]] = []
        for inner in clause.clauses:
            hits = self._clause(inner, unit)
            if not hits:
                return None
            rows.append(hits)
        found = [
            list(hits)
            for hits, _ in zip(product(*rows), range(MAX_COMBINATIONS), strict=False)
            if self._stand_near(hits, clause)
        ]
        return list(dict.fromkeys(hit for hits in found for hit in hits)) or None

    def _stand_near(self, hits: Sequence[Hit], clause: NearClause) -> bool:
        stretches = [hit.found.stretch for hit in hits]
        ordered = sorted(stretches, key=lambda one: (one.start, one.end))
        if len({one.field for one in stretches}) > 1 or (clause.ordered and ordered != stretches):
            return False
        folded = self.view.folded[ordered[0].field]
        gaps = pairwise(ordered)
        return all(words_between(folded, one.end, max(one.end, other.start)) <= clause.words for one, other in gaps)


def _hit(label: str, annotated: Annotated) -> Hit:
    return Hit(label, Found(Stretch.of(annotated)))


def _party(clause: PartyClause, party: Party, here: set[str]) -> bool:
    """`here`: the countries of the places beside the party."""
    if clause.kinds and party.kind not in clause.kinds:
        return False
    return not clause.abroad or bool(party.country and here and party.country not in here)


def _place(clause: PlaceClause, place: Place) -> bool:
    if clause.kinds and place.kind not in clause.kinds:
        return False
    if clause.countries and place.country not in clause.countries:
        return False
    return not clause.names or place.key.lower() in clause.names or place.name.lower() in clause.names


def count_places(places: Sequence[Any], *, apart: bool) -> int:
    """How many different places these are; with `apart` one that contains another of them does not count."""
    keys = {place.key for place in places}
    if apart:
        keys -= {outer for place in places for outer in place.within}
    return len(keys)


__all__ = ["Evaluation", "Hit", "Verdict", "Within", "count_places"]
