"""Runs the examples inside rules, through the engine that production uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from watcher.annotate.money import parse_threshold
from watcher.match.compile import compile_rules
from watcher.match.rule import Rule, RuleSet, RuleTest
from watcher.model import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One example that came out otherwise than its rule says."""

    rule_id: str
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule_id}: {self.message}"


def run_tests(rule_set: RuleSet, params: Mapping[str, str] | None = None) -> list[Failure]:
    """Run all examples of all rules; what differs, in order. An example is decided by its own rule alone."""
    failures: list[Failure] = []
    for rule in rule_set.rules:
        mine = {name: value for name, value in (params or {}).items() if name.startswith(f"{rule.id}.")}
        engine = compile_rules(RuleSet(rules=(rule,), version=rule_set.version), mine)
        for test in rule.tests:
            (verdict,) = engine.explain(test.news)
            if (verdict.match is not None) != test.expect:
                said = "should match, but does not" if test.expect else "should not match, but does"
                failures.append(_failure(rule, test, f"{said} ({verdict.decided}): {_shown(test)}"))
            elif verdict.match is not None:
                failures += [_failure(rule, test, wrong) for wrong in _differences(test, verdict.match.facts)]
    return failures


def _failure(rule: Rule, test: RuleTest, message: str) -> Failure:
    return Failure(rule_id=rule.id, path=rule.path, line=test.line, message=message)


def _shown(test: RuleTest) -> str:
    text = test.news.title or test.news.text
    return repr(text if len(text) <= 70 else text[:67] + "...")


def _differences(test: RuleTest, facts: Mapping[str, Fact]) -> list[str]:
    wrong = []
    for name, expected in test.facts.items():
        fact = facts.get(name)
        if expected is None and fact is None:
            continue
        if fact is None or not same_value(fact, expected):
            got = "nothing" if fact is None else repr(fact.value)
            wrong.append(f"{name} should be {expected!r}, but is {got}: {_shown(test)}")
    return wrong


def same_value(fact: Fact, expected: Any) -> bool:
    """Whether a fact is what an example expects: text without regard to case, lists in any order, amounts as
    "1.2B USD" (currency and value) or as a number of the fact's currency.
    """
    if isinstance(fact.value, tuple):
        wanted = expected if isinstance(expected, list) else [expected]
        return sorted(str(one).lower() for one in wanted) == sorted(one.lower() for one in fact.value)
    if isinstance(fact.value, bool) or isinstance(expected, bool):
        return fact.value is expected
    if isinstance(fact.value, int | float):
        return _same_amount(fact, expected)
    return str(expected).lower() in (fact.value.lower(), fact.text.lower())


def _same_amount(fact: Fact, expected: Any) -> bool:
    if isinstance(expected, int | float):
        return abs(float(fact.value) - expected) <= abs(expected) * 1e-6  # type: ignore[arg-type]
    try:
        value, currency = parse_threshold(str(expected))
    except ValueError:
        return False
    return currency == fact.currency and abs(float(fact.value) - value) <= value * 1e-6  # type: ignore[arg-type]
