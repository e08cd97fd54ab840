"""Compiles a rule set into an engine: which literals every rule cannot do without, and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.annotate import annotate
from watcher.errors import Mistake, Mistakes
from watcher.match.condition import And, Condition, Name, Not, Of, Or
from watcher.match.evaluate import Engine
from watcher.match.params import PARAMS, read_param
from watcher.match.phrase import shortest, weight
from watcher.match.rule import Clause, Group, NearClause, PhraseClause, Rule, RuleSet, Selection, SelectionClause
from watcher.match.view import Annotate

Need = frozenset[str] | None
"""Literals of which one must occur for something to be true; None when there are no such literals."""


def compile_rules(
    rule_set: RuleSet, params: Mapping[str, str] | None = None, *, annotate_with: Annotate = annotate
) -> Engine:
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
    needs = [need_of(rule) for rule in rule_set.rules]
    return Engine(rule_set, read, needs, annotate_with=annotate_with)


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
    return max(solid, key=lambda need: (min(map(weight, need)), -len(need))) if solid else None
