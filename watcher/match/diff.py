"""What differs between two rule sets, rule by rule and in words: the part of a review that reading YAML leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from watcher import wording
from watcher.match.clauses import walk
from watcher.match.condition import And, Condition, Name, Not, Of, Or
from watcher.match.rule import Clause, FactSpec, PhraseClause, Rule, RuleSet, Selection

MOST_PHRASES = 8
_DECIDING = ("selections", "condition", "exceptions", "params")
_READING = ("facts", "frames", "title", "level", "status")


class Kind(StrEnum):
    """What became of a rule."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """How one rule differs, each difference in a line."""

    rule_id: str
    kind: Kind
    what: tuple[str, ...]
    changes_matches: bool
    """Whether it can match other items, or read other facts; False when only examples or words about it differ."""


def rules_diff(old: RuleSet, new: RuleSet) -> tuple[RuleChange, ...]:
    """The rules that differ, in order of their ids; empty when every rule says the same."""
    before, after = ({rule.id: rule for rule in rule_set.rules} for rule_set in (old, new))
    changes = [_change(before.get(rule_id), after.get(rule_id)) for rule_id in sorted({*before, *after})]
    return tuple(change for change in changes if change is not None)


def _change(old: Rule | None, new: Rule | None) -> RuleChange | None:
    if old is None or new is None:
        rule = old or new
        assert rule is not None  # one of the two is there
        kind = Kind.ADDED if old is None else Kind.REMOVED
        told = f"{rule.title} ({rule.level}, {rule.status}, {wording.counted(len(rule.selections), 'selection')})"
        return RuleChange(rule_id=rule.id, kind=kind, what=(told,), changes_matches=True)
    what = tuple(_differences(old, new))
    if not what:
        return None
    matters = any(_bare(getattr(old, name)) != _bare(getattr(new, name)) for name in (*_DECIDING, *_READING))
    return RuleChange(rule_id=new.id, kind=Kind.CHANGED, what=what, changes_matches=matters)


def _bare(value: Any) -> Any:
    """Exceptions without the place where they are written, which decides nothing."""
    if isinstance(value, tuple) and value and hasattr(value[0], "reason"):
        return tuple(replace(one, path="", line=0) for one in value)
    return value


def _differences(old: Rule, new: Rule) -> Iterable[str]:
    for name in ("title", "status", "level"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: {getattr(old, name)} → {getattr(new, name)}"
    for key in sorted({*old.params, *new.params}):
        if old.params.get(key) != new.params.get(key):
            yield f"params.{key}: {_value(old.params.get(key))} → {_value(new.params.get(key))}"
    if old.condition != new.condition:
        yield f"condition: {condition_text(old.condition)} → {condition_text(new.condition)}"
    yield from _named("selection", old.selections, new.selections, _selection)
    if _bare(old.exceptions) != _bare(new.exceptions):
        yield f"exceptions: {len(old.exceptions)} → {len(new.exceptions)}, or of other words"
    before, after = ({spec.name: spec for spec in rule.facts} for rule in (old, new))
    yield from _named("fact", before, after, _fact)
    if old.frames != new.frames:
        yield from _phrases("frames", (one.source for one in old.frames), (one.source for one in new.frames))
    yield from _aside(old, new)


def _aside(old: Rule, new: Rule) -> Iterable[str]:
    """What differs without deciding anything: examples and words about the rule."""
    before, after = ([(one.news, one.expect, one.facts) for one in rule.tests] for rule in (old, new))
    if before != after:
        yield f"tests: {len(before)} → {len(after)}" if len(before) != len(after) else "tests: changed"
    if old.floor != new.floor:
        yield f"floor: {_floor(old)} → {_floor(new)}"
    for name in ("tags", "falsepositives", "description"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name}: changed"


def _floor(rule: Rule) -> str:
    floor = rule.floor
    return f"{floor.precision:g} from {floor.verdicts} verdicts, {floor.below}" if floor else "none"


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    return f"{value:,.0f} USD" if isinstance(value, float) else str(value)


def _named(what: str, old: Mapping[str, Any], new: Mapping[str, Any], told: Any) -> Iterable[str]:
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new:
            yield f"{what} {name}: {'added' if name in new else 'removed'}"
        elif old[name] != new[name]:
            lines = list(told(old[name], new[name]))
            yield f"{what} {name}: " + ("; ".join(lines) or "its clauses are arranged otherwise")


def _selection(old: Selection, new: Selection) -> Iterable[str]:
    for name, key in (("within", "within"), ("where", "in"), ("stances", "stance")):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{key}: {_shown(before)} → {_shown(after)}"
    before, after = _leaves(old), _leaves(new)
    yield from _phrases("", before, after)
    for source in [one for one in before if one in after and before[one] != after[one]]:
        if isinstance(before[source], dict):
            yield from _phrases(source, before[source], after[source])
        else:
            yield f"{source!r} finds other words now: a list it uses has changed"


def _leaves(selection: Selection) -> dict[str, Any]:
    """What stands in a selection: every phrase by its source, lists with theirs, every other clause by its label."""
    found: dict[str, Any] = {}
    for clause in walk(selection.groups):
        if isinstance(clause, PhraseClause) and clause.label.startswith("list: "):
            found[clause.label] = {phrase.source: phrase.pattern for phrase in clause.phrases}
        elif isinstance(clause, PhraseClause):
            found |= {phrase.source: phrase.pattern for phrase in clause.phrases}
        elif not getattr(clause, "clauses", ()):
            found[_described(clause)] = None
    return found


def _described(clause: Clause) -> str:
    """A clause with everything that decides it; its label alone leaves out some of that."""
    told = [
        f"{one.name}={_shown(value)}"
        for one in fields(clause)
        if one.name not in ("label", "model") and (value := getattr(clause, one.name)) not in (None, frozenset(), False)
    ]
    return f"{clause.label} [{', '.join(told)}]" if told else clause.label


def _shown(value: Any) -> str:
    if isinstance(value, frozenset | tuple):
        return "/".join(sorted(map(str, value))) or "any"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _phrases(what: str, old: Iterable[str], new: Iterable[str]) -> Iterable[str]:
    before, after = list(old), list(new)
    gone = [one for one in before if one not in set(after)]
    come = [one for one in after if one not in set(before)]
    for sign, every in (("−", gone), ("+", come)):
        if every:
            rest = f" and {len(every) - MOST_PHRASES} more" if len(every) > MOST_PHRASES else ""
            yield f"{what + ' ' if what else ''}{sign} {', '.join(map(repr, every[:MOST_PHRASES]))}{rest}"


def _fact(old: FactSpec, new: FactSpec) -> Iterable[str]:
    for one in fields(old):
        before, after = getattr(old, one.name), getattr(new, one.name)
        if before != after and one.name in ("phrases", "values"):
            yield f"{one.name} changed"
        elif before != after:
            yield f"{one.name}: {_shown(before)} → {_shown(after)}"


def condition_text(condition: Condition) -> str:
    """A condition as a rule writes it."""
    match condition:
        case Name(name):
            return name
        case Not(inner):
            return f"not {_inner(inner)}"
        case And(parts):
            return " and ".join(map(_inner, parts))
        case Or(parts):
            return " or ".join(condition_text(part) for part in parts)
        case Of(count, names):
            return f"{count} of ({', '.join(names)})"


def _inner(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, Or | And) else text
