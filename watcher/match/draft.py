"""A rule file that is being written: its mistakes, its examples, and what it finds beside the rules that run.

These functions run in a sandbox child, which keeps the running rules compiled from one call to the next: payloads and
answers are JSON. Each answers None for a version of the rules that it does not know: `open_rules` first.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from watcher import wire
from watcher.errors import CannotHelp, Mistake, Mistakes
from watcher.match.compare import Change, Comparison, Outcome, decided_by
from watcher.match.compile import compile_rules
from watcher.match.diff import rules_diff
from watcher.match.examples import MOST_TEXT, example_row, facts_row, shortest
from watcher.match.inline import with_test
from watcher.match.language import Folder, load_draft, load_files
from watcher.match.rule import Rule, RuleSet
from watcher.match.tests import run_tests
from watcher.model import NewsText

_MOST_EVIDENCE = 6
_folders: dict[str, Folder] = {}
_trials: dict[str, Comparison] = {}
"""The last one alone of each."""


def open_rules(payload: Any) -> Any:
    """{version, files: text by name} → the number of rules; the folder has no mistake, else it would not run."""
    if payload["version"] not in _folders:
        _trials.clear()
        _folders.clear()
        _folders[payload["version"]] = load_files(payload["files"])
    return len(_folders[payload["version"]].rule_set.rules)


def check(payload: Any) -> Any:
    """{version, name, text} → {mistakes, failures, rule, differs}: all that is wrong at once, examples that fail.

    `rule` has id, title, status, level, tests and tells_amounts; null while there are mistakes.
    """
    folder = _folders.get(payload["version"])
    if folder is None:
        return None
    answer: dict[str, Any] = {"mistakes": [], "failures": [], "rule": None, "differs": []}
    try:
        drafted = load_draft(folder, payload["name"], payload["text"])
    except Mistakes as caught:
        return answer | {"mistakes": [_mistake(one) for one in caught.mistakes]}
    rule = _drafted(drafted, payload["name"])
    alone = RuleSet(rules=(rule,), version=drafted.version, lists=drafted.lists)
    failures = [{"line": one.line, "message": one.message} for one in run_tests(alone)]
    differs = [f"{one.rule_id}: {line}" for one in rules_diff(folder.rule_set, drafted) for line in one.what]
    return answer | {"failures": failures, "rule": _rule(rule), "differs": differs}


def lint(payload: Any) -> Any:
    """{files: text by name} → every mistake of a whole folder as {path, line, message, instead}; examples included."""
    try:
        folder = load_files(payload["files"])
    except Mistakes as caught:
        return [{"path": one.path, **_mistake(one)} for one in caught.mistakes]
    rules = tuple(rule for rule in folder.rule_set.rules if PurePath(rule.path).name == payload["name"])
    failures = run_tests(RuleSet(rules=rules, version="", lists=folder.rule_set.lists))
    return [{"path": payload["name"], "line": one.line, "message": one.message, "instead": ""} for one in failures]


def run(payload: Any) -> Any:
    """{version, name, text, items: [[id, news]], why: [rule id]} → [outcome] of what matches by either rules.

    An outcome has item, rule, change, decided, evidence and, of what is new, match; `why` names the rules whose lost
    matches are explained.
    """
    folder = _folders.get(payload["version"])
    if folder is None:
        return None
    try:
        comparison = _comparison(folder, payload)
    except Mistakes as mistakes:
        return {"refused": str(mistakes)}
    wanted = set(payload["why"])
    found = []
    for item_id, raw in payload["items"]:
        news = wire.load(NewsText, raw)
        for outcome in comparison.outcomes(news, why=lambda rule_id: rule_id in wanted):
            found.append({"item": item_id, **_outcome(outcome)})
    return {"outcomes": found, "rules": list(comparison.rules)}


def example(payload: Any) -> Any:
    """{version, name, text, news, expect, because} → {text}: the draft with the item as one more inline test.

    It is cut to the sentences by which the draft, else the running rule, matches it. {refused} says why it cannot be.
    """
    folder = _folders.get(payload["version"])
    if folder is None:
        return None
    try:
        return {"text": with_test(payload["text"], _example(folder, payload))}
    except CannotHelp as error:
        return {"refused": str(error)}


def _example(folder: Folder, payload: Any) -> dict[str, Any]:
    drafted = load_draft(folder, payload["name"], payload["text"])
    rule, news = _drafted(drafted, payload["name"]), wire.load(NewsText, payload["news"])
    running = folder.rule_set.rule(rule.id)
    facts: dict[str, Any] = {}
    for one in (rule, running) if running else (rule,):
        cut, match = shortest(compile_rules(RuleSet(rules=(one,), version="")), rule.id, news)
        if match is not None:
            facts = _known(facts_row(match), rule) if payload["expect"] and one is rule else {}
            news = cut
            break
    else:
        news = NewsText(title=news.title, text=news.text[:MOST_TEXT], language=news.language, dated=news.dated)
    return example_row(news, expect=payload["expect"], facts=facts, because=payload["because"])


def _known(facts: dict[str, Any], rule: Rule) -> dict[str, Any]:
    names = {spec.name for spec in rule.facts}
    return {name: value for name, value in facts.items() if name in names}


def _comparison(folder: Folder, payload: Any) -> Comparison:
    key = f"{payload['version']}\0{payload['name']}\0{payload['text']}"
    if key not in _trials:
        _trials.clear()
        _trials[key] = Comparison(folder.rule_set, load_draft(folder, payload["name"], payload["text"]))
    return _trials[key]


def _drafted(rule_set: RuleSet, name: str) -> Rule:
    return next(rule for rule in rule_set.rules if rule.path == name)


def _rule(rule: Rule) -> dict[str, Any]:
    named: dict[str, Any] = {"id": rule.id, "title": rule.title, "status": rule.status, "level": rule.level}
    return named | {"tests": len(rule.tests), "facts": [spec.kind for spec in rule.facts]}


def _mistake(one: Mistake) -> dict[str, Any]:
    return {"line": one.line, "column": one.column, "message": one.message, "instead": one.instead}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    told = outcome.new or outcome.old
    evidence = told.evidence if told else ()
    return {
        "rule": outcome.rule_id,
        "change": outcome.change,
        "decided": outcome.decided or (decided_by(told) if outcome.change is Change.KEPT and told else ""),
        "evidence": [wire.dump(one) for one in evidence[:_MOST_EVIDENCE]],
        "match": wire.dump(outcome.new) if outcome.change is Change.NEW and outcome.new else None,
    }
