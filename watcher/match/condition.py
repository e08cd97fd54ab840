"""The `condition:` of a rule: `a and (b or c) and not d`, `1 of them`, `any of city_*`, `all of them`.

Reads the text into a small tree and evaluates the tree against what the selections came to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

_TOKEN = re.compile(r"\s*(?:(?P<sign>[()])|(?P<word>[A-Za-z0-9_*\-]+))")
MAX_TOKENS = 400


class ConditionError(ValueError):
    """A condition that cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Not:
    inner: Condition


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Of:
    count: int
    names: tuple[str, ...]


Condition: TypeAlias = Name | Not | And | Or | Of


class _Reader:
    """Recursive descent; depth is bounded by MAX_TOKENS and Python's own limit is never near."""

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.tokens = _tokens(text)
        self.names = tuple(names)
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        word = self.peek()
        self.at += 1
        return word

    def either(self) -> Condition:
        parts = [self.both()]
        while self.peek().lower() == "or":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Condition:
        parts = [self.single()]
        while self.peek().lower() == "and":
            self.take()
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def single(self) -> Condition:
        self.depth += 1
        if self.depth > 100:
            raise ConditionError("nested too deep: use fewer parentheses")
        word = self.take()
        result: Condition
        if word.lower() == "not":
            result = Not(self.single())
        elif word == "(":
            result = self.either()
            if self.take() != ")":
                raise ConditionError("a closing parenthesis is missing")
        elif not word or word == ")" or word.lower() in ("and", "or", "of"):
            raise ConditionError(
                f"a selection is missing before {word!r}" if word else "a selection is missing at the end"
            )
        elif self.peek().lower() == "of":
            result = self.of(word)
        elif word in self.names:
            result = Name(word)
        else:
            raise ConditionError(f"no selection {word!r} (selections: {', '.join(self.names) or 'none'})")
        self.depth -= 1
        return result

    def of(self, count: str) -> Condition:
        self.take()
        pattern = self.take()
        names = tuple(name for name in self.names if pattern == "them" or fnmatchcase(name, pattern))
        if not names:
            raise ConditionError(
                f"'{count} of {pattern}' names no selection: write 'them' or a pattern such as {self._hint()}"
            )
        if count == "all":
            return Of(len(names), names)
        if count == "any":
            return Of(1, names)
        if not count.isdigit() or not 1 <= int(count) <= len(names):
            raise ConditionError(f"'{count} of': write a number from 1 to {len(names)}, 'any' or 'all'")
        return Of(int(count), names)

    def _hint(self) -> str:
        return f"{self.names[0][:3]}*" if self.names else "x*"


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise ConditionError(f"{text[at:].strip()[:20]!r} cannot be read: only names, and, or, not, of, ( and )")
        tokens.append(found["sign"] or found["word"])
        at = found.end()
    if len(tokens) > MAX_TOKENS:
        raise ConditionError(f"longer than {MAX_TOKENS} words: split the rule")
    return tokens


def read_condition(text: str, names: Collection[str]) -> Condition:
    """Read a condition over the selections `names`; raises ConditionError."""
    reader = _Reader(text, names)
    result = reader.either()
    if reader.at < len(reader.tokens):
        raise ConditionError(f"{reader.peek()!r} is not expected here: write 'and' or 'or' before it")
    return result


def holds(condition: Condition, is_true: Callable[[str], bool]) -> bool:
    """Whether the condition holds, asking `is_true` only for the selections that still matter."""
    match condition:
        case Name(name):
            return is_true(name)
        case Not(inner):
            return not holds(inner, is_true)
        case And(parts):
            return all(holds(part, is_true) for part in parts)
        case Or(parts):
            return any(holds(part, is_true) for part in parts)
        case Of(count, names):
            return sum(1 for name in names if is_true(name)) >= count


def names_of(condition: Condition, *, negated: bool | None = None) -> tuple[str, ...]:
    """The selections that a condition names; with `negated` only those under an odd (True) or even number of `not`."""
    found: list[str] = []
    stack: list[tuple[Condition, bool]] = [(condition, False)]
    while stack:
        node, under = stack.pop()
        match node:
            case Not(inner):
                stack.append((inner, not under))
            case And(parts) | Or(parts):
                stack.extend((part, under) for part in reversed(parts))
            case Name(name):
                found += [name] if negated in (None, under) else []
            case Of(_, names):
                found += names if negated in (None, under) else ()
    return tuple(dict.fromkeys(found))
