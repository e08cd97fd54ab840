"""All rules in one engine: one literal scan over a news text says which rules can still be true, and only those are
evaluated. The annotators run at most once per text, and only when such a rule is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ahocorasick_rs

from watcher.annotate import annotate
from watcher.errors import Mistake, Mistakes
from watcher.match.condition import And, Condition, Name, Not, Of, Or
from watcher.match.evaluate import Evaluation, Verdict
from watcher.match.fold import fold, is_cjk
from watcher.match.params import PARAMS, read_param
from watcher.match.phrase import shortest
from watcher.match.rule import Clause, Group, NearClause, PhraseClause, Rule, RuleSet, Selection, SelectionClause
from watcher.match.view import Annotate, View
from watcher.model import Match, NewsText

Need = frozenset[str] | None
"""Literals of which one must occur for something to be true; None when there are no such literals."""


class Engine:
    """Compiled rules. Safe to share between threads: nothing changes after it is made."""

    def __init__(
        self, rule_set: RuleSet, params: Mapping[str, Mapping[str, Any]], *, annotate_with: Annotate = annotate
    ) -> None:
        self.rule_set = rule_set
        self._annotate = annotate_with
        self._params = {rule.id: {**rule.params, **params.get(rule.id, {})} for rule in rule_set.rules}
        needs = [need_of(rule) for rule in rule_set.rules]
        self._always = sum(1 << index for index, need in enumerate(needs) if need is None)
        keys = sorted(
            {key for rule in rule_set.rules for key in _keys(rule)} | {key for need in needs for key in need or ()}
        )
        self._keys = keys
        self._masks = [0] * len(keys)
        at = {key: index for index, key in enumerate(keys)}
        for index, need in enumerate(needs):
            for key in need or ():
                self._masks[at[key]] |= 1 << index
        self._scan = ahocorasick_rs.AhoCorasick(keys) if keys else None

    @property
    def version(self) -> str:
        return self.rule_set.version

    def candidates(self, folded: str) -> tuple[int, set[int]]:
        """A bit per rule that can still be true of a folded text, and the literals found in it."""
        if self._scan is None:
            return self._always, set()
        found = {hit[0] for hit in self._scan.find_matches_as_indexes(folded, overlapping=True)}
        left = self._always
        masks = self._masks
        for index in found:
            left |= masks[index]
        return left, found

    def matches(self, news: NewsText) -> tuple[Match, ...]:
        """The matches of all rules on one news text, in order of rule id."""
        return tuple(verdict.match for verdict in self._verdicts(news) if verdict.match is not None)

    def explain(self, news: NewsText) -> tuple[Verdict, ...]:
        """What every rule came to, and which clause decided."""
        told = {verdict.rule_id: verdict for verdict in self._verdicts(news)}
        silent = "none of its words occur"
        return tuple(
            told.get(rule.id) or Verdict(rule_id=rule.id, match=None, decided=silent) for rule in self.rule_set.rules
        )

    def naive(self, news: NewsText) -> tuple[Match, ...]:
        """As `matches`, clause by clause for every rule and without the scan: what the scan must agree with."""
        view = View(news, self._annotate)
        verdicts = [self._evaluate(rule, view) for rule in self.rule_set.rules]
        return tuple(verdict.match for verdict in verdicts if verdict.match is not None)

    def _verdicts(self, news: NewsText) -> list[Verdict]:
        left, found = self.candidates(fold(f"{news.title}\n{news.text}"))
        if not left:
            return []
        view = View(news, self._annotate, frozenset(self._keys[index] for index in found))
        return [self._evaluate(rule, view) for index, rule in enumerate(self.rule_set.rules) if left >> index & 1]

    def _evaluate(self, rule: Rule, view: View) -> Verdict:
        return Evaluation(rule, view, self._params[rule.id], self.rule_set.version).verdict()


def compile_rules(rule_set: RuleSet, params: Mapping[str, str] | None = None) -> Engine:
    """Compile a rule set. `params` overrides rules' parameters: {"funding.at_least": "0USD"}.

    Raises Mistakes for parameters that name no rule, no parameter or no value.
    """
    mistakes: list[Mistake] = []
    read: dict[str, dict[str, Any]] = {}
    for name, value in (params or {}).items():
        rule_id, _, key = name.rpartition(".")
        if rule_set.rule(rule_id) is None:
            known = ", ".join(rule.id for rule in rule_set.rules)
            mistakes.append(
                Mistake(path=f"--param {name}", line=0, message=f"no rule {rule_id!r}", instead=f"one of: {known}")
            )
            continue
        try:
            read.setdefault(rule_id, {})[key] = read_param(key, value)
        except ValueError as error:
            mistakes.append(
                Mistake(path=f"--param {name}", line=0, message=str(error), instead=f"{rule_id}.{PARAMS[0]}=10M USD")
            )
    if mistakes:
        raise Mistakes(mistakes)
    return Engine(rule_set, read)


def need_of(rule: Rule) -> Need:
    """The literals without any of which the rule cannot be true."""
    return _of_condition(rule.condition, rule)


def _of_condition(condition: Condition, rule: Rule) -> Need:
    match condition:
        case Name(name):
            return _of_selection(rule.selections[name], rule)
        case And(parts):
            return _best([_of_condition(part, rule) for part in parts])
        case Or(parts):
            return _either([_of_condition(part, rule) for part in parts])
        case Of(_, names):
            return _either([_of_selection(rule.selections[name], rule) for name in names])
        case Not():
            return None


def _of_selection(selection: Selection, rule: Rule) -> Need:
    return _best([_of_clause(group, rule) for group in selection.groups])


def _of_clause(clause: Clause, rule: Rule) -> Need:
    match clause:
        case PhraseClause():
            return _either([phrase.keys or None for phrase in clause.phrases])
        case Group(op="all") | NearClause():
            return _best([_of_clause(one, rule) for one in clause.clauses])
        case Group(op="any"):
            return _either([_of_clause(one, rule) for one in clause.clauses])
        case SelectionClause():
            return _of_selection(rule.selections[clause.name], rule)
        case _:
            return None


def _either(needs: list[Need]) -> Need:
    if not needs or any(need is None for need in needs):
        return None
    return shortest(frozenset(key for need in needs if need for key in need))


def _best(needs: list[Need]) -> Need:
    """The most selective of literals that are all needed: few and long ones."""
    solid = [need for need in needs if need]
    return (
        max(solid, key=lambda need: (min(sum(1 + is_cjk(char) for char in key) for key in need), -len(need)))
        if solid
        else None
    )


def _keys(rule: Rule) -> set[str]:
    """The literals of all phrases of a rule."""
    selections = [*rule.selections.values(), *(exception.selection for exception in rule.exceptions)]
    stack: list[Clause] = [group for selection in selections for group in selection.groups]
    phrases = [*rule.frames]
    for spec in rule.facts:
        phrases += [*spec.phrases, *(phrase for _, values in spec.values for phrase in values)]
    while stack:
        clause = stack.pop()
        if isinstance(clause, PhraseClause):
            phrases += clause.phrases
        elif isinstance(clause, Group | NearClause):
            stack += clause.clauses
    return {key for phrase in phrases for key in phrase.keys}
