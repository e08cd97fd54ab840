"""Why a rule matched an item and why not: clause by clause in the stretch that decided, and the nearest miss in words.

Every "holds" here is asked of the evaluation that production runs; this module only walks it and keeps what it said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher import wording
from watcher.match.condition import And, Condition, Name, Not, Of, Or, holds, names_of
from watcher.match.decide import Evaluation, Hit
from watcher.match.evaluate import Engine
from watcher.match.misses import ABSENT, HELD, Miss, Missing, words_of
from watcher.match.rule import (
    AssetClause,
    Clause,
    DateClause,
    Group,
    ItemClause,
    MoneyClause,
    NearClause,
    PartyClause,
    PlaceClause,
    Rule,
    Selection,
    SelectionClause,
)
from watcher.match.view import Unit, View
from watcher.model import FactKind, Level, Match, NewsText, RuleStatus, Span, Stance

MAX_UNITS = 200
"""Sentences in which the nearest miss of a selection is looked for; a match is found wherever it stands."""
MOST_TOLD = 2
"""Pieces of the nearest miss that are told in one line; the clauses below it tell them all."""
AGAINST, WRONG_STANCE, NOTHING_NEAR = 0.4, 0.25, 0.5
"""Cost of a clause that speaks against, of words in a clause of another stance, and from when on nothing is near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseTrace:
    """One clause in one stretch. Under `none` a clause that holds speaks against the selection."""

    label: str
    holds: bool
    cost: float
    """How far it is from holding: 0 when it holds, about 1 when nothing of it is there."""
    why: str
    """What is missing, in words; empty when it holds."""
    words: str = ""
    """The first words found."""
    found: tuple[Span, ...] = ()
    inner: tuple[ClauseTrace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionTrace:
    """A selection where it holds first, or else where it comes nearest to holding."""

    name: str
    holds: bool
    cost: float
    why: str
    unit: tuple[Span, ...]
    """The stretch looked at: a sentence, a clause, or the fields of the whole item; empty when there is none."""
    more: int
    """In how many further stretches it holds."""
    stance: Stance | None
    """Of the clause around the first words found."""
    cue: str
    words: str
    """The first words found."""
    groups: tuple[ClauseTrace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a rule came to on an item. `nearest` is empty when it matches."""

    rule_id: str
    title: str
    level: Level
    status: RuleStatus
    match: Match | None
    decided: str
    nearest: str
    nearest_in: tuple[str, ...]
    """The selections that the nearest miss is about."""
    selections: tuple[SelectionTrace, ...]
    """In the order in which the condition names them."""
    against: tuple[str, ...]
    """The selections that stand under a `not`."""


def explain(engine: Engine, news: NewsText, rule_id: str | None = None) -> tuple[Explanation, ...]:
    """What every rule, or the one of that id, came to on a news text. `match` is what `Engine.matches` gives."""
    view = engine.view(news)
    rules = [rule for rule in engine.rule_set.rules if rule_id in (None, rule.id)]
    return tuple(_Walk(rule, view, engine).explanation() for rule in rules)


class _Walk(Evaluation):
    """The evaluation of one rule, walked clause by clause."""

    def __init__(self, rule: Rule, view: View, engine: Engine) -> None:
        super().__init__(rule, view, engine.params(rule.id), engine.version)
        self._missing = Missing(view, self.params, lambda clause, unit: self._clause(clause, unit) is not None)

    def explanation(self) -> Explanation:
        rule, verdict = self.rule, self.verdict()
        traces = {name: self._selection(rule.selections[name]) for name in names_of(rule.condition)}
        nearest, about = ("", ()) if verdict.match else self._nearest(traces, verdict.decided)
        return Explanation(
            rule_id=rule.id,
            title=rule.title,
            level=rule.level,
            status=rule.status,
            match=verdict.match,
            decided=", ".join(dict.fromkeys(verdict.decided.split(", "))) if verdict.match else verdict.decided,
            nearest=nearest,
            nearest_in=about,
            selections=tuple(traces.values()),
            against=names_of(rule.condition, negated=True),
        )

    # ── the nearest miss ──

    def _nearest(self, traces: dict[str, SelectionTrace], decided: str) -> tuple[str, tuple[str, ...]]:
        if holds(self.rule.condition, self._is_true):
            return self._amount_miss() or decided, ()
        cost, missing = self._distance(self.rule.condition, traces, wanted=True)
        told = list(dict.fromkeys(piece for _, words in missing for piece in words.split("; ")))
        if cost >= NOTHING_NEAR:
            return "nothing in it comes near", ()
        if len(told) > MOST_TOLD:
            told = [*told[:MOST_TOLD], f"and {len(told) - MOST_TOLD} more"]
        return "; ".join(told), tuple(dict.fromkeys(name for name, _ in missing))

    def _amount_miss(self) -> str:
        """That the amount of the event is below the rule's parameter; empty when an exception decided."""
        if any(self._units_of(exception.selection) for exception in self.rule.exceptions):
            return ""
        facts = self._facts(self._deciding())
        if not self._too_small(facts):
            return ""
        least = wording.usd(self.params["at_least"])
        amount = next((fact for fact in facts.values() if fact.kind is FactKind.MONEY), None)
        if amount is None:
            return f"no amount is found, and at_least asks for {least}"
        dollars = wording.amount_usd(amount)
        if dollars is None:
            return f"amount {wording.amount(amount)} has no known dollar value, and at_least asks for {least}"
        worth = "" if amount.currency == "USD" else f" ({wording.usd(dollars)})"
        return f"amount {wording.amount(amount)}{worth} is below {least}"

    def _distance(
        self, condition: Condition, traces: dict[str, SelectionTrace], *, wanted: bool
    ) -> tuple[float, list[tuple[str, str]]]:
        """How far a condition is from being true (`wanted`) or false, and what would have to change: (name, words)."""
        match condition:
            case Name(name):
                return self._of_name(traces[name], wanted)
            case Not(inner):
                return self._distance(inner, traces, wanted=not wanted)
            case And(parts) | Or(parts):
                told = [self._distance(part, traces, wanted=wanted) for part in parts]
                every = isinstance(condition, And) == wanted
                if not every:
                    return min(told, key=lambda one: one[0])
                quiet = [isinstance(part, Not) and not one[0] for part, one in zip(parts, told, strict=True)]
                return _all_of([one for one, silent in zip(told, quiet, strict=True) if not silent])
            case Of(count, names):
                told = sorted((self._of_name(traces[name], wanted) for name in names), key=lambda one: one[0])
                return _all_of(told[: count if wanted else len(told) - count + 1])

    def _of_name(self, trace: SelectionTrace, wanted: bool) -> tuple[float, list[tuple[str, str]]]:
        if trace.holds is wanted:
            return 0.0, []
        if wanted:
            return trace.cost, [(trace.name, trace.why)]
        if self.rule.selections[trace.name].learned:
            return ABSENT, [(trace.name, "it does not read like it")]
        return AGAINST, [(trace.name, f"{trace.name} speaks against it{_words(trace.words)}")]

    # ── selections and clauses ──

    def _selection(self, selection: Selection) -> SelectionTrace:
        held = self._result(selection.name)
        units = self.view.units(selection.within, selection.where)[:MAX_UNITS]
        if held:
            best = self._in_unit(selection, held[0][0])
        elif units:
            best = min((self._in_unit(selection, unit) for unit in units), key=lambda one: one[0])
        else:
            best = (ABSENT, "the item has no such part", (), ())
        cost, why, groups, unit = best
        first = next((span for group in groups for span in spans(group)), None)
        clause = self.view.clause_at(first.field, max(first.start, first.end - 1)) if first else None
        return SelectionTrace(
            name=selection.name,
            holds=bool(held),
            cost=0.0 if held else max(cost, 0.01),
            why="" if held else why,
            unit=tuple(stretch.span for stretch in unit),
            more=max(0, len(held) - 1),
            stance=clause.stance if clause else None,
            cue=clause.cue if clause else "",
            words=self.view.original(first) if first else "",
            groups=groups,
        )

    def _in_unit(self, selection: Selection, unit: Unit) -> tuple[float, str, tuple[ClauseTrace, ...], Unit]:
        groups = self._groups(selection, unit)
        cost = _mean_cost(selection.groups, groups)
        return cost, "; ".join(group.why for group in groups if not group.holds), groups, unit

    def _groups(self, selection: Selection, unit: Unit) -> tuple[ClauseTrace, ...]:
        """The groups of a selection as production reads them: the first that is not `none` carries the stance."""
        traces = []
        anchored = not selection.stances
        for group in selection.groups:
            anchor = None if anchored else selection
            traces.append(self._group_trace(group, unit, anchor))
            anchored = anchored or group.op != "none"
        return tuple(traces)

    def _group_trace(self, group: Group, unit: Unit, anchor: Selection | None = None) -> ClauseTrace:
        held = self._group(group, unit, anchor)
        inner = tuple(self._trace(clause, unit) for clause in group.clauses)
        miss = HELD
        if held is None:
            plain = self._group(group, unit, None) if anchor else None
            miss = self._stance_miss(plain, anchor) if anchor and plain else _group_miss(group, inner)
        return ClauseTrace(label=group.op, holds=held is not None, cost=miss.cost, why=miss.words, inner=inner)

    def _stance_miss(self, hits: Sequence[Hit], anchor: Selection) -> Miss:
        """The words stand there, but in a clause of another stance than the selection asks for."""
        for hit in hits:
            field, start, end = hit.found.stretch
            for position in (start, max(start, end - 1)):
                clause = self.view.clause_at(field, position)
                if clause and clause.stance not in anchor.stances:
                    cue = f" ({clause.cue!r})" if clause.cue else ""
                    return Miss(WRONG_STANCE, f"the words are there, but the clause is {clause.stance}{cue}")
        return Miss(WRONG_STANCE, "the words are there, but not in a clause of the stance asked for")

    def _trace(self, clause: Clause, unit: Unit) -> ClauseTrace:
        if isinstance(clause, Group):
            return self._group_trace(clause, unit)
        hits = self._clause(clause, unit)
        if isinstance(clause, SelectionClause):
            return self._referred(clause, unit, hits)
        if hits is not None:
            inner = tuple(self._trace(one, unit) for one in clause.clauses) if isinstance(clause, NearClause) else ()
            return self._held(clause.label, hits, inner)
        miss = self._missing.of(clause, unit)
        return ClauseTrace(label=clause.label, holds=False, cost=miss.cost, why=miss.words)

    def _held(self, label: str, hits: Sequence[Hit], inner: tuple[ClauseTrace, ...]) -> ClauseTrace:
        found = tuple(dict.fromkeys(hit.found.stretch.span for hit in hits))
        words = self.view.original(found[0]) if found else ""
        return ClauseTrace(label=label, holds=True, cost=0.0, why="", words=words, found=found, inner=inner)

    def _referred(self, clause: SelectionClause, unit: Unit, hits: list[Hit] | None) -> ClauseTrace:
        cost, why, groups, _ = self._in_unit(self.rule.selections[clause.name], unit)
        if hits is not None:
            return self._held(clause.label, hits, groups)
        return ClauseTrace(label=clause.label, holds=False, cost=max(cost, 0.01), why=why, inner=groups)


def spans(trace: ClauseTrace) -> list[Span]:
    """What was found of a clause and of those inside it, but for what only speaks against."""
    if trace.label == "none":
        return []
    return [*trace.found, *(span for inner in trace.inner for span in spans(inner))]


def _all_of(told: Sequence[tuple[float, list[tuple[str, str]]]]) -> tuple[float, list[tuple[str, str]]]:
    """All are needed: the mean of their costs, so that three of four are nearer than none of one."""
    return sum(cost for cost, _ in told) / max(1, len(told)), [one for _, every in told for one in every]


def _group_miss(group: Group, inner: Sequence[ClauseTrace]) -> Miss:
    if group.op == "none":
        against = [one for one in inner if one.holds]
        return Miss(AGAINST, "; ".join(f"{_named(one.label)} speaks against it{_words(one.words)}" for one in against))
    failing = [one for one in inner if not one.holds]
    if group.op == "all":
        return Miss(_mean_cost(group.clauses, inner), "; ".join(one.why for one in failing))
    nearest = min(failing, key=lambda one: one.cost, default=None)
    if nearest is None:
        return Miss(ABSENT, "it has no clauses")
    if nearest.cost < ABSENT or len(failing) == 1:
        return Miss(nearest.cost, nearest.why)
    return Miss(ABSENT, f"nothing of {wording.joined(map(words_of, group.clauses), 3)}")


_NO_WORDS = PlaceClause | PartyClause | MoneyClause | AssetClause | DateClause | ItemClause


def _mean_cost(clauses: Sequence[Clause], traces: Sequence[ClauseTrace]) -> float:
    """The weighted mean of what is asked for, and on top of it what speaks against."""
    asked = [
        (_weight(clause, trace), trace.cost)
        for clause, trace in zip(clauses, traces, strict=True)
        if trace.label != "none"
    ]
    against = sum(trace.cost for trace in traces if trace.label == "none")
    return sum(weight * cost for weight, cost in asked) / max(1, sum(weight for weight, _ in asked)) + against


def _weight(clause: Clause, trace: ClauseTrace) -> int:
    """Words say more of what a text is about than that some party or place stands in it."""
    if isinstance(clause, Group):
        held = trace.holds and clause.op == "any"
        pairs = zip(clause.clauses, trace.inner, strict=True)
        return max((_weight(one, inner) for one, inner in pairs if inner.holds or not held), default=1)
    return 1 if isinstance(clause, _NO_WORDS) else 3


def _named(label: str) -> str:
    kind, _, names = label.partition(": ")
    return f"{'the list ' if kind == 'list' else ''}{names}" if kind in ("list", "selection") else label


def _words(found: str) -> str:
    return f" ({wording.one_line(found, 60)!r})" if found else ""
