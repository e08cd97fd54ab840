"""The engine: one literal scan over a news text says which rules can still be true, and only those are evaluated. The
annotators run at most once per text, and only when such a rule is left. Made by `compile`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from watcher.annotate import MAX_TEXT, annotate
from watcher.match.decide import Evaluation, Verdict
from watcher.match.lexicon import Lexicon
from watcher.match.rule import Rule, RuleSet
from watcher.match.scan import Scan
from watcher.match.view import Annotate, View
from watcher.model import Match, NewsText


class Engine:
    """Compiled rules. Safe to share between threads: nothing changes after it is made."""

    def __init__(
        self,
        rule_set: RuleSet,
        params: Mapping[str, Mapping[str, Any]],
        needs: Sequence[frozenset[str] | None],
        *,
        annotate_with: Annotate = annotate,
    ) -> None:
        """`needs`: per rule the literals of which one must occur, or None."""
        self.rule_set = rule_set
        self._annotate = annotate_with
        self._params = {rule.id: {**rule.params, **params.get(rule.id, {})} for rule in rule_set.rules}
        self._always = sum(1 << index for index, need in enumerate(needs) if need is None)
        self._scan = _scan(needs)
        self._lexicon = Lexicon(rule_set.rules)

    @property
    def version(self) -> str:
        return self.rule_set.version

    def candidates(self, news: NewsText) -> int:
        """A bit per rule that can still be true of a news text."""
        return self._always | (self._scan.bits(f"{news.title}\n{news.text}") if self._scan else 0)

    def matches(self, news: NewsText) -> tuple[Match, ...]:
        """The matches of all rules on one news text, in order of rule id."""
        verdicts = (one.verdict(told=False) for one in self.evaluations(news))
        return tuple(verdict.match for verdict in verdicts if verdict.match is not None)

    def explain(self, news: NewsText) -> tuple[Verdict, ...]:
        """What every rule came to, and which clause decided."""
        told = {one.rule.id: one.verdict() for one in self.evaluations(news)}
        silent = "none of its words occur"
        return tuple(
            told.get(rule.id) or Verdict(rule_id=rule.id, match=None, decided=silent) for rule in self.rule_set.rules
        )

    def naive(self, news: NewsText) -> tuple[Match, ...]:
        """As `matches`, clause by clause for every rule and without the scan: what the scan must agree with."""
        view = View(_bounded(news), self._annotate)
        verdicts = (self._of(rule, view).verdict(told=False) for rule in self.rule_set.rules)
        return tuple(verdict.match for verdict in verdicts if verdict.match is not None)

    def view(self, news: NewsText) -> View:
        """A news text as the rules see it."""
        return View(_bounded(news), self._annotate, self._lexicon)

    def params(self, rule_id: str) -> Mapping[str, Any]:
        """The checked parameters of a rule, overrides put in."""
        return self._params[rule_id]

    def evaluations(self, news: NewsText) -> Iterator[Evaluation]:
        """Of the rules that can still be true of a news text, in order of rule id; they share one view."""
        news = _bounded(news)
        left = self.candidates(news)
        if not left:
            return
        view = self.view(news)
        for index, rule in enumerate(self.rule_set.rules):
            if left >> index & 1:
                yield self._of(rule, view)

    def _of(self, rule: Rule, view: View) -> Evaluation:
        return Evaluation(rule, view, self._params[rule.id], self.rule_set.version)


def _bounded(news: NewsText) -> NewsText:
    if len(news.title) <= MAX_TEXT and len(news.text) <= MAX_TEXT:
        return news
    return replace(news, title=news.title[:MAX_TEXT], text=news.text[:MAX_TEXT])


def _scan(needs: Sequence[frozenset[str] | None]) -> Scan | None:
    """The scan that gives the bits of the rules which the literals of a text keep possible."""
    masks: dict[str, int] = {}
    for index, need in enumerate(needs):
        for key in need or ():
            masks[key] = masks.get(key, 0) | 1 << index
    return Scan(masks) if masks else None
