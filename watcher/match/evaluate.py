"""The engine: one literal scan over a news text says which rules can still be true, and only those are evaluated. The
annotators run at most once per text, and only when such a rule is left. Made by `compile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ahocorasick_rs

from watcher.annotate import annotate
from watcher.match.decide import Evaluation, Verdict
from watcher.match.fold import fold
from watcher.match.rule import Rule, RuleSet
from watcher.match.view import Annotate, View
from watcher.model import Match, NewsText


class Engine:
    """Compiled rules. Safe to share between threads: nothing changes after it is made."""

    def __init__(
        self,
        rule_set: RuleSet,
        params: Mapping[str, Mapping[str, Any]],
        needs: Sequence[frozenset[str] | None],
        literals: Iterable[str],
        *,
        annotate_with: Annotate = annotate,
    ) -> None:
        """`needs`: per rule the literals of which one must occur, or None; `literals`: those of all their phrases."""
        self.rule_set = rule_set
        self._annotate = annotate_with
        self._params = {rule.id: {**rule.params, **params.get(rule.id, {})} for rule in rule_set.rules}
        self._always = sum(1 << index for index, need in enumerate(needs) if need is None)
        keys = sorted({*literals, *(key for need in needs for key in need or ())})
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
