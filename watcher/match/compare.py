"""Two rule sets on the same news: what one finds that the other does not, and what both find but read otherwise.

Where the news comes from, and what people would be sent, is left to the callers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from watcher import wording
from watcher.annotate import annotate
from watcher.match.compile import compile_rules
from watcher.match.diff import Kind, rules_diff
from watcher.match.evaluate import Engine
from watcher.match.explain import explain
from watcher.match.rule import RuleSet
from watcher.match.view import Annotate
from watcher.model import Match, NewsText


class Change(StrEnum):
    """What became of a rule's match on one item."""

    NEW = "new"
    LOST = "lost"
    FACTS = "facts"
    """Still a match, but with other facts."""
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one rule on one item; `decided` says by which clause or fact, in words."""

    rule_id: str
    change: Change
    decided: str
    old: Match | None
    new: Match | None


class Comparison:
    """Two rule sets, compiled as far as they differ: rules that are the same in both find the same and are not run."""

    def __init__(self, old: RuleSet, new: RuleSet, params: Mapping[str, str] | None = None) -> None:
        changes = rules_diff(old, new)
        self.changes = changes
        self.rules = tuple(change.rule_id for change in changes if change.changes_matches)
        self.unchanged = tuple(rule.id for rule in new.rules if rule.id not in self.rules)
        self.added = tuple(change.rule_id for change in changes if change.kind is Kind.ADDED)
        once = lru_cache(maxsize=4)(annotate)
        self._old = _engine(old, self.rules, params, once)
        self.new = _engine(new, self.rules, params, once)
        """The candidate's engine of the changed rules; None when it has none of them."""

    def outcomes(self, news: NewsText, *, why: Callable[[str], bool] = lambda _: True) -> tuple[Outcome, ...]:
        """What became of every changed rule that matches by either set.

        `why` says of which rule's lost match the reason is wanted: it costs a walk of the rule, clause by clause.
        """
        old = {match.rule_id: match for match in self._old.matches(news)} if self._old else {}
        new = {match.rule_id: match for match in self.new.matches(news)} if self.new else {}
        return tuple(
            self._outcome(rule_id, old.get(rule_id), new.get(rule_id), news, why) for rule_id in sorted({*old, *new})
        )

    def _outcome(
        self, rule_id: str, old: Match | None, new: Match | None, news: NewsText, why: Callable[[str], bool]
    ) -> Outcome:
        if old is None and new is not None:
            change, decided = Change.NEW, decided_by(new)
        elif new is None:
            change, decided = Change.LOST, self._why_lost(rule_id, news) if why(rule_id) else ""
        else:
            assert old is not None  # one of the two matched
            decided = facts_diff(old, new)
            change = Change.FACTS if decided else Change.KEPT
        return Outcome(rule_id=rule_id, change=change, decided=decided, old=old, new=new)

    def _why_lost(self, rule_id: str, news: NewsText) -> str:
        if self.new is None or self.new.rule_set.rule(rule_id) is None:
            return "the rule is gone"
        return explain(self.new, news, rule_id)[0].nearest


def _engine(
    rule_set: RuleSet, rule_ids: tuple[str, ...], params: Mapping[str, str] | None, annotate_with: Annotate
) -> Engine | None:
    """The engine of those rules of a set that are compared; None when it has none of them."""
    rules = tuple(rule for rule in rule_set.rules if rule.id in rule_ids)
    if not rules:
        return None
    known = {rule.id for rule in rules}
    mine = {name: value for name, value in (params or {}).items() if name.rpartition(".")[0] in known}
    return compile_rules(RuleSet(rules=rules, version=rule_set.version), mine, annotate_with=annotate_with)


def decided_by(match: Match) -> str:
    """The clauses that decided a match, with their words, the first few."""
    told = (f"{one.clause} ({wording.one_line(one.text, 60)!r})" for one in match.evidence[:2])
    return "; ".join(told) or "no words of its own"


def facts_diff(old: Match, new: Match) -> str:
    """Which facts read otherwise: "amount: 30M USD → 35M USD"; empty when all are the same."""
    names = dict.fromkeys([*old.facts, *new.facts])
    parts = []
    for name in names:
        before, after = _fact(old, name), _fact(new, name)
        if before != after:
            parts.append(f"{name}: {before or 'nothing'} → {after or 'nothing'}")
    return "; ".join(parts)


def _fact(match: Match, name: str) -> str:
    fact = match.facts.get(name)
    return wording.joined(wording.values(fact), 4) if fact else ""
