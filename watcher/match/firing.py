"""Which selections of a rule ever hold: on news, selection by selection, whether the rule as a whole matches or not."""

from __future__ import annotations

from collections import Counter

from watcher.match.evaluate import Engine
from watcher.model import NewsText


class Firing:
    """Counts, over the news it is shown, how often each selection of each rule held."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.items = 0
        self.matched: Counter[str] = Counter()
        self._held: Counter[tuple[str, str]] = Counter()

    def see(self, news: NewsText) -> None:
        """Count one more news text."""
        self.items += 1
        for evaluation in self._engine.evaluations(news):
            rule = evaluation.rule
            self.matched[rule.id] += evaluation.verdict(told=False).match is not None
            for name in rule.selections:
                self._held[rule.id, name] += evaluation.held(name)

    def never(self, rule_id: str) -> tuple[str, ...]:
        """The selections of the rule that held in nothing that was seen."""
        rule = self._engine.rule_set.rule(rule_id)
        return tuple(name for name in rule.selections if not self._held[rule_id, name]) if rule else ()
