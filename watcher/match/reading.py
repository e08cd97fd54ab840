"""Reads one rule file into a Rule, or says everything that is wrong with it. Files and folders are `language`'s."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from watcher.match.clauses import Shared, named_selections, read_group
from watcher.match.codes import filled
from watcher.match.condition import ConditionError, Name, Of, names_of, read_condition
from watcher.match.nodes import Node
from watcher.match.params import PARAMS, read_param
from watcher.match.phrase import Phrase, PhraseError, read_phrase
from watcher.match.rule import (
    BelowFloor,
    FactSpec,
    Floor,
    Look,
    Rule,
    RuleException,
    RuleTest,
    Selection,
    Where,
    Within,
)
from watcher.match.slots import KINDS
from watcher.model import FactKind, Language, Level, NewsText, RuleStatus, Stance

RULE_KEYS = (
    "id", "title", "titles", "status", "level", "description", "tags", "falsepositives", "params", "selections",
    "condition", "frames", "facts", "floor", "floor_verdicts", "below_floor", "tests",
)  # fmt: skip
SELECTION_KEYS = ("within", "in", "stance", "evidence", "all", "any", "none")
FACT_KEYS = (
    "kind",
    "kinds",
    "prefer",
    "look",
    "captured_only",
    "choose",
    "many",
    "apart",
    "unlike",
    "phrases",
    "values",
    "default",
)
TEST_KEYS = ("match", "no_match", "facts", "because")
NEWS_KEYS = ("title", "text", "language", "published", "feed", "tags")
FLOOR_VERDICTS = 12
"""By default: fewer verdicts than this have an interval too wide to act on."""
CHOOSE = ("first", "last", "largest", "foremost")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def read_rule(node: Node, shared: Shared) -> Rule | None:
    """The rule of one document; None, with mistakes in the node's list, when there is nothing to go on with."""
    if not node.mapping(RULE_KEYS, required=("id", "title", "status", "level", "selections", "condition", "tests")):
        return None
    selections = _selections(node.get("selections"), shared)
    condition = _condition(node, selections)
    facts = tuple(_fact(name, child, shared) for name, child in _pairs(node.get("facts")))
    rule = Rule(
        id=_id(node),
        title=_text(node, "title"),
        titles=_titles(node.get("titles")),
        status=_enum(node, "status", RuleStatus, RuleStatus.EXPERIMENTAL),
        level=_enum(node, "level", Level, Level.MEDIUM),
        description=_text(node, "description"),
        tags=_texts(node, "tags"),
        falsepositives=_texts(node, "falsepositives"),
        params=_params(node.get("params")),
        selections=selections,
        condition=condition,
        frames=_phrases(node.get("frames"), shared),
        facts=facts,
        floor=_floor(node),
        tests=_tests(node.get("tests")),
        path=node.document.path_name,
    )
    _check_names(node, rule)
    return rule


def _text(node: Node, key: str) -> str:
    child = node.get(key)
    return child.text() if child else ""


def _texts(node: Node, key: str) -> tuple[str, ...]:
    child = node.get(key)
    return child.texts() if child else ()


def _titles(node: Node | None) -> dict[Language, str]:
    """The title in other languages, by the language's code."""
    if node is None or not node.mapping(tuple(Language)):
        return {}
    return {language: child.text() for language in Language if (child := node.get(language))}


def _enum(node: Node, key: str, kind: Any, default: Any) -> Any:
    child = node.get(key)
    return child.choice(kind, default) if child else default


def _id(node: Node) -> str:
    child = node.get("id")
    if child is None:
        return ""
    text = child.text()
    if text and not _ID.match(text):
        child.wrong(f"id {text!r} is not made of small letters, digits and hyphens", "write it like licensing-deal")
    return text


def _pairs(node: Node | None) -> list[tuple[str, Node]]:
    if node is None:
        return []
    if not isinstance(node.value, dict):
        node.wrong("a mapping of names is needed here", "write 'name:' and its keys below")
        return []
    pairs = list(node.items())
    for name, child in pairs:
        if not _NAME.match(name):
            child.wrong(f"name {name!r} is not made of small letters, digits and _", "write it like deal_signed")
    return pairs


def _selections(node: Node | None, shared: Shared) -> dict[str, Selection]:
    names = [name for name, _ in _pairs(node)]
    found = {name: _selection(name, child, shared, names) for name, child in (node.items() if node else ())}
    if node is not None and isinstance(node.value, dict):
        _refuse_circles(node, found)
    return found


def _selection(name: str, node: Node, shared: Shared, names: list[str]) -> Selection:
    node.mapping(SELECTION_KEYS)
    groups = tuple(read_group(op, child, shared, names) for op in ("all", "any", "none") if (child := node.get(op)))
    if not groups:
        node.wrong(f"selection {name!r} has no clauses", "add 'all:', 'any:' or 'none:' with a list of clauses")
    within = node.get("within")
    where = node.get("in")
    stance, evidence = node.get("stance"), node.get("evidence")
    return Selection(
        name=name,
        within=within.choice(Within, Within.SENTENCE) if within else Within.SENTENCE,
        where=where.choice(Where, Where.ANYWHERE) if where else Where.ANYWHERE,
        stances=stance.choices(Stance) if stance else frozenset(),
        groups=groups,
        evidence=evidence.flag(True) if evidence else True,
    )


def _refuse_circles(node: Node, selections: dict[str, Selection]) -> None:
    """A selection that needs itself, directly or through others."""

    uses = {name: named_selections(selection.groups) for name, selection in selections.items()}
    for name in selections:
        seen: set[str] = set()
        todo = list(uses[name])
        while todo:
            other = todo.pop()
            if other == name:
                node.child(name).wrong(f"selection {name!r} refers to itself", "break the circle")
                break
            if other in uses and other not in seen:
                seen.add(other)
                todo.extend(uses[other])


def _condition(node: Node, selections: dict[str, Selection]) -> Any:
    child = node.get("condition")
    if child is None:
        return Name("")
    try:
        return read_condition(child.text(), tuple(selections))
    except ConditionError as error:
        child.wrong(f"condition: {error}")
        return Of(1, tuple(selections))  # so that no selection is called unused besides


def _phrases(node: Node | None, shared: Shared) -> tuple[Phrase, ...]:
    found = []
    for child in filled(node, "phrases"):
        text = child.text()
        try:
            found += [read_phrase(text, shared.lists)] if text else []
        except PhraseError as error:
            child.wrong(str(error))
    return tuple(found)


def _fact(name: str, node: Node, shared: Shared) -> FactSpec:
    if not node.mapping(FACT_KEYS, required=("kind",)):
        return FactSpec(name=name, kind=FactKind.TEXT)
    kind: FactKind = _enum(node, "kind", FactKind, FactKind.TEXT)
    look = node.get("look")
    values = node.get("values")
    return FactSpec(
        name=name,
        kind=kind,
        kinds=_kinds(node.get("kinds"), kind),
        prefer=_kinds(node.get("prefer"), kind),
        look=look.choice(Look, Look.SENTENCE) if look else Look.SENTENCE,
        captured_only=_flag(node, "captured_only"),
        choose=_one_of(node, "choose", CHOOSE),
        many=_flag(node, "many"),
        apart=_flag(node, "apart"),
        unlike=_texts(node, "unlike"),
        phrases=_phrases(node.get("phrases"), shared),
        values=tuple((value, _phrases(child, shared)) for value, child in _pairs(values)),
        default=_text(node, "default") or None,
    )


def _kinds(node: Node | None, kind: FactKind) -> frozenset[str]:
    if node is None:
        return frozenset()
    allowed = KINDS.get(str(kind), ())
    for child in filled(node, "kinds"):
        if child.value not in allowed:
            child.wrong(f"{child.value!r} is no kind of {kind}", f"one of: {', '.join(allowed) or 'leave kinds: out'}")
    return frozenset(str(value) for value in node.texts() if value in allowed)


def _flag(node: Node, key: str) -> bool:
    child = node.get(key)
    return child.flag() if child else False


def _one_of(node: Node, key: str, allowed: tuple[str, ...]) -> str:
    child = node.get(key)
    if child is None:
        return allowed[0]
    if child.value not in allowed:
        child.wrong(f"{child.value!r} is not one of {', '.join(allowed)}")
        return allowed[0]
    return str(child.value)


def _params(node: Node | None) -> dict[str, Any]:
    if node is None or not node.mapping(PARAMS):
        return {}
    found: dict[str, Any] = {}
    for key, child in node.items():
        if key in PARAMS:
            try:
                found[key] = read_param(key, child.value)
            except ValueError as error:
                child.wrong(str(error))
    return found


def _floor(node: Node) -> Floor | None:
    floor, least, below = (node.get(key) for key in ("floor", "floor_verdicts", "below_floor"))
    if floor is None:
        for child in (least, below):
            if child is not None:
                child.wrong("there is no floor", "add 'floor: 0.8', or delete the line")
        return None
    return Floor(
        precision=floor.share(1.0),
        verdicts=least.number(5, 1000, FLOOR_VERDICTS) if least else FLOOR_VERDICTS,
        below=below.choice(BelowFloor, BelowFloor.REPORT) if below else BelowFloor.REPORT,
    )


def _tests(node: Node | None) -> tuple[RuleTest, ...]:
    if node is None:
        return ()
    tests = [test for child in node.elements() if (test := _test(child))]
    if tests and not any(test.expect for test in tests):
        node.wrong("no test matches", "add at least one '- match: …'")
    if tests and all(test.expect for test in tests):
        node.wrong("every test matches", "add at least one '- no_match: …'")
    if not tests:
        node.wrong("tests are missing", "add one '- match: …' and one '- no_match: …'")
    return tuple(tests)


def _test(node: Node) -> RuleTest | None:
    if not node.mapping(TEST_KEYS):
        return None
    expect = node.has("match")
    if expect == node.has("no_match"):
        node.wrong("a test has either 'match:' or 'no_match:'", "write one of them")
        return None
    facts = node.get("facts")
    if facts is not None and not isinstance(facts.value, dict):
        facts.wrong("facts of a test are 'name: value'", "write them as a mapping")
    given = facts.value if facts is not None and isinstance(facts.value, dict) else {}
    news = _news(node.child("match" if expect else "no_match"))
    return RuleTest(news=news, expect=expect, facts=given, line=node.line)


def _news(node: Node) -> NewsText:
    if isinstance(node.value, str):
        return NewsText(text=node.value)
    if not node.mapping(NEWS_KEYS):
        return NewsText()
    if not node.has("title") and not node.has("text"):
        node.wrong("an example needs words", "add 'text:' or 'title:'")
    return NewsText(
        title=_text(node, "title"),
        text=_text(node, "text"),
        language=_text(node, "language") or None,
        dated=_day(node.get("published")),
        feed=_text(node, "feed") or None,
        tags=_texts(node, "tags"),
    )


def _day(node: Node | None) -> date | None:
    if node is None:
        return None
    try:
        return date.fromisoformat(str(node.value))
    except ValueError:
        node.wrong(f"{node.value!r} is no date", "write it like 2024-07-29")
        return None


def read_exceptions(node: Node, shared: Shared) -> list[tuple[str, RuleException]]:
    """Pairs (rule id, exception) of an exceptions file: a list of `rule`, `reason` and `when`."""
    if not node.mapping(("exceptions",), required=("exceptions",)) or not node.has("exceptions"):
        return []
    found = []
    for child in node.child("exceptions").elements():
        if not child.mapping(("rule", "reason", "when"), required=("rule", "reason", "when")) or not child.has("when"):
            continue
        selection = _selection("exception", child.child("when"), shared, [])
        exception = RuleException(
            selection=selection, reason=_text(child, "reason"), path=node.document.path_name, line=child.line
        )
        found.append((_text(child, "rule"), exception))
    return found


def _check_names(node: Node, rule: Rule) -> None:
    """Names that lead nowhere: captures without a fact, `unlike` without a fact, tests on facts that do not exist."""
    known = {spec.name: spec for spec in rule.facts}
    for index, frame in enumerate(rule.frames):
        for slot in frame.slots:
            if slot.name and slot.name not in known:
                node.child("frames").child(index).wrong(f"no fact {slot.name!r}", "declare it under facts:")
    for spec in rule.facts:
        for other in spec.unlike:
            if other not in known:
                node.child("facts").child(spec.name).wrong(f"unlike: no fact {other!r}", f"one of: {', '.join(known)}")
    for number, test in enumerate(rule.tests):
        for name in test.facts:
            if name not in known:
                node.child("tests").wrong(
                    f"test {number + 1}: no fact {name!r}", f"one of: {', '.join(known) or 'none'}"
                )

    used = set(names_of(rule.condition))
    for selection in rule.selections.values():
        used |= set(named_selections(selection.groups))
    for name in rule.selections:
        if name not in used:
            node.child("selections").child(name).wrong(
                f"selection {name!r} is never used", "name it in the condition or delete it"
            )
