"""Reads the clauses of a selection: one operator each, all in the table `OPERATORS`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import re2

from watcher.match.codes import filled, read_countries, read_currencies, read_languages
from watcher.match.fold import fold
from watcher.match.learned import LearnedModel
from watcher.match.nodes import Node
from watcher.match.params import threshold_usd
from watcher.match.phrase import Lists, Phrase, PhraseError, read_phrase
from watcher.match.rule import (
    AssetClause,
    Clause,
    DateClause,
    Group,
    ItemClause,
    LikenessClause,
    MoneyClause,
    NearClause,
    PartyClause,
    PhraseClause,
    PlaceClause,
    RegexClause,
    SelectionClause,
)
from watcher.model import AssetKind, Bound, MoneyRole, PartyKind, PlaceKind


class Shared(NamedTuple):
    """What the rules of a folder share: word lists and learned models, by name."""

    lists: Lists
    models: Mapping[str, LearnedModel]


Context = tuple[Shared, list[str]]
MAX_REGEX = 1000
_CLASSES = {"w": r"\p{L}\p{M}\p{N}_", "d": r"\p{Nd}", "s": r"\s\x{85}\x{a0}\x{2000}-\x{200a}\x{3000}"}
_NEGATED = {"W": "w", "D": "d", "S": "s"}


def read_group(op: str, node: Node, shared: Shared, names: list[str]) -> Group:
    """A list of clauses under any, all or none."""
    clauses = tuple(clause for child in node.elements() if (clause := read_clause(child, (shared, names))))
    if not node.elements():
        node.wrong(f"'{op}' is empty", "add at least one clause")
    return Group(op=op, clauses=clauses, label=op)


def read_clause(node: Node, context: Context) -> Clause | None:
    """One clause: a phrase as plain text, or a mapping with one operator."""
    if isinstance(node.value, str):
        return _phrase_clause([node], context, 1)
    if not isinstance(node.value, dict):
        node.wrong("a clause is a phrase or one operator", f"one of: {', '.join(OPERATORS)}")
        return None
    operators = [key for key in node.value if key in OPERATORS]
    extra = [key for key in node.value if key not in OPERATORS and not (key == "count" and "phrases" in operators)]
    for key in extra:
        node.child(key).wrong(f"unknown operator {key!r}", f"one of: {', '.join(OPERATORS)}")
    if len(operators) != 1:
        if not extra or operators:
            node.wrong("a clause has exactly one operator", "make a second clause of the other one")
        return None
    clause = OPERATORS[operators[0]](node.child(operators[0]), context)
    beside = node.get("count")
    return replace(clause, count=beside.number(1, 50, 1)) if beside and isinstance(clause, PhraseClause) else clause


def _read_phrases(nodes: list[Node], lists: Lists) -> tuple[Phrase, ...]:
    found = []
    for node in nodes:
        text = node.text()
        try:
            found += [read_phrase(text, lists)] if text else []
        except PhraseError as error:
            node.wrong(str(error))
    return tuple(found)


def _phrase_clause(nodes: list[Node], context: Context, count: int) -> PhraseClause:
    phrases = _read_phrases(nodes, context[0].lists)
    return PhraseClause(phrases=phrases, count=count, label=_label("phrases", (phrase.source for phrase in phrases)))


def _label(operator: str, words: Iterable[str]) -> str:
    said = ", ".join(words)
    return f"{operator}: {said if len(said) <= 60 else said[:57] + '...'}" if said else operator


def _phrases(node: Node, context: Context) -> Clause:
    return _phrase_clause(filled(node, "phrases"), context, 1)


def _list(node: Node, context: Context) -> Clause | None:
    phrases: list[Phrase] = []
    names = []
    for child in filled(node, "word lists"):
        name = child.text()
        names.append(name)
        if name in context[0].lists:
            phrases += context[0].lists[name]
        elif name:
            child.wrong(f"no word list {name!r}", f"lists: {', '.join(sorted(context[0].lists)) or 'none'}")
    return PhraseClause(phrases=tuple(phrases), label=_label("list", names))


def _regex(node: Node, _context: Context) -> Clause | None:
    text = node.text()
    if not text:
        return None
    if len(text) > MAX_REGEX:
        node.wrong(f"a regex of more than {MAX_REGEX} characters", "use a word list")
        return None
    try:
        pattern, open_word, close_word = unicode_regex(text)
        re2.compile(pattern)
    except (ValueError, re2.error) as error:
        node.wrong(f"regex: {_said(error)}", "RE2 syntax: no look-around, no back-references")
        return None
    return RegexClause(pattern=pattern, open_word=open_word, close_word=close_word, label=_label("regex", [text]))


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def unicode_regex(text: str) -> tuple[str, bool, bool]:
    r"""An RE2 pattern whose \w, \d and \s know Unicode, and whether a word border is asked for at its ends.

    RE2's \b knows only ASCII: it is taken off the ends here and checked after the match; inside it raises ValueError.
    """
    open_word, close_word = text.startswith(r"\b"), text.endswith(r"\b") and not text.endswith(r"\\b")
    body = text[2 if open_word else 0 : len(text) - (2 if close_word else 0)]
    if (open_word or close_word) and _has_top_level_bar(body):
        body = f"(?:{body})" if open_word and close_word else body
        if not (open_word and close_word):
            raise ValueError(r"\b at one end of alternatives: write \b(?:a|b)\b")
    out: list[str] = []
    in_class = False
    at = 0
    while at < len(body):
        char = body[at]
        if char == "\\" and at + 1 < len(body):
            out.append(_escape(body[at + 1], in_class))
            at += 2
            continue
        in_class = (char == "[" or in_class) and not (in_class and char == "]")
        out.append(char)
        at += 1
    return "".join(out), open_word, close_word


def _escape(char: str, in_class: bool) -> str:
    if char in ("b", "B") and not in_class:
        raise ValueError(rf"\{char} stands only at the beginning and the end of a regex")
    if char in _CLASSES:
        return _CLASSES[char] if in_class else f"[{_CLASSES[char]}]"
    if char in _NEGATED:
        if in_class:
            raise ValueError(rf"\{char} inside [...] is not understood: write a [^...] of its own")
        return f"[^{_CLASSES[_NEGATED[char]]}]"
    return "\\" + char


def _has_top_level_bar(body: str) -> bool:
    depth = 0
    stripped = re.sub(r"\\.|\[[^\]]*\]", "", body)
    for char in stripped:
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            return True
    return False


def _count(node: Node, keys: tuple[str, ...]) -> int:
    """`operator: 2` or `operator: {count: 2, …}`."""
    if isinstance(node.value, int):
        return node.number(1, 50, 1)
    if not node.mapping(("count", *keys)):
        return 1
    child = node.get("count")
    return child.number(1, 50, 1) if child else 1


def _choices(node: Node, key: str, kind: Any) -> Any:
    child = node.get(key)
    return child.choices(kind) if child and filled(child, key) else frozenset()


def _words(node: Node, key: str) -> frozenset[str]:
    child = node.get(key)
    return frozenset(child.texts()) if child and filled(child, key) else frozenset()


def _money(node: Node, _context: Context) -> Clause:
    count = _count(node, ("role", "at_least", "bound", "currency"))
    at_least, param = None, None
    child = node.get("at_least")
    if child is not None and child.value == "$at_least":
        param = "at_least"
    elif child is not None:
        try:
            at_least = threshold_usd(child.value)
        except ValueError as error:
            child.wrong(str(error))
    roles = _choices(node, "role", MoneyRole)
    return MoneyClause(
        roles=roles,
        bounds=_choices(node, "bound", Bound),
        currencies=read_currencies(node.get("currency")),
        at_least_usd=at_least,
        param=param,
        count=count,
        label=_label("money", sorted(roles)),
    )


def _places(node: Node, _context: Context) -> Clause:
    count = _count(node, ("kind", "country", "name", "apart"))
    apart = node.get("apart")
    kinds = _choices(node, "kind", PlaceKind)
    return PlaceClause(
        kinds=kinds,
        countries=read_countries(node.get("country")),
        names=frozenset(fold(word) for word in _words(node, "name")),
        count=count,
        apart=apart.flag() if apart else True,
        label=_label("places", [str(count), *sorted(kinds)]),
    )


def _parties(node: Node, _context: Context) -> Clause:
    count = _count(node, ("kind", "abroad"))
    kinds = _choices(node, "kind", PartyKind)
    abroad = node.get("abroad")
    return PartyClause(
        kinds=kinds,
        count=count,
        abroad=abroad.flag() if abroad else False,
        label=_label("parties", [str(count), *sorted(kinds)]),
    )


def _assets(node: Node, _context: Context) -> Clause:
    count = _count(node, ("kind",))
    kinds = _choices(node, "kind", AssetKind)
    return AssetClause(kinds=kinds, count=count, label=_label("assets", [str(count), *sorted(kinds)]))


def _dates(node: Node, _context: Context) -> Clause:
    node.mapping(("older_than_days", "newer_than_days"))
    older, newer = node.get("older_than_days"), node.get("newer_than_days")
    if older is None and newer is None and isinstance(node.value, dict):
        node.wrong("'dates' needs a limit", "add older_than_days: or newer_than_days:")
    return DateClause(
        older_than_days=older.number(0, 40_000, 0) if older else None,
        newer_than_days=newer.number(0, 40_000, 0) if newer else None,
        label=_label("dates", [f"{key} {child.value}" for key, child in node.items()]),
    )


def _item(about: str) -> Callable[[Node, Context], Clause]:
    def read(node: Node, _context: Context) -> Clause:
        words = node.texts() if about == "language" or filled(node, about) else ()
        values = read_languages(node) if about == "language" else frozenset(word.lower() for word in words)
        return ItemClause(about=about, values=values, label=_label(about, words))

    return read


def _selection(node: Node, context: Context) -> Clause | None:
    name = node.text()
    if name not in context[1]:
        node.wrong(f"no selection {name!r}", f"selections: {', '.join(context[1]) or 'none'}")
        return None
    return SelectionClause(name=name, label=f"selection: {name}")


def _likeness(node: Node, context: Context) -> Clause | None:
    if not node.mapping(("model", "at_least", "at_most"), required=("model",)) or not node.has("model"):
        return None
    models = context[0].models
    name = node.child("model").text()
    at_least, at_most = node.get("at_least"), node.get("at_most")
    if at_least is None and at_most is None:
        node.wrong("'likeness' needs a limit", "add at_least: 0.7 or at_most: 0.1")
    limits = [child.share(default) if child else default for child, default in ((at_least, 0.0), (at_most, 1.0))]
    if name not in models:
        node.child("model").wrong(f"no model {name!r}", f"models: {', '.join(sorted(models)) or 'none'}")
        return None
    words = [name, *(f"{key} {child.value}" for key, child in node.items() if key != "model")]
    return LikenessClause(model=models[name], at_least=limits[0], at_most=limits[1], label=_label("likeness", words))


def _near(node: Node, context: Context) -> Clause | None:
    if not node.mapping(("words", "ordered", "of"), required=("of",)) or not node.has("of"):
        return None
    words, ordered = node.get("words"), node.get("ordered")
    clauses = tuple(clause for child in node.child("of").elements() if (clause := read_clause(child, context)))
    if len(node.child("of").elements()) < 2:
        node.wrong("'near' needs two clauses or more under 'of'", "add the other one")
    for clause in clauses:
        if isinstance(clause, Group | ItemClause | LikenessClause | NearClause | SelectionClause):
            node.child("of").wrong(
                "only words and annotations can stand near one another", "use phrases, money, parties …"
            )
    return NearClause(
        clauses=clauses,
        words=words.number(1, 200, 10) if words else 10,
        ordered=ordered.flag() if ordered else False,
        label=_label("near", (clause.label for clause in clauses)),
    )


def _group(op: str) -> Callable[[Node, Context], Clause]:
    def read(node: Node, context: Context) -> Clause:
        return read_group(op, node, *context)

    return read


OPERATORS: dict[str, Callable[[Node, Context], Clause | None]] = {
    "phrases": _phrases,
    "list": _list,
    "regex": _regex,
    "near": _near,
    "money": _money,
    "places": _places,
    "parties": _parties,
    "assets": _assets,
    "dates": _dates,
    "language": _item("language"),
    "feed": _item("feed"),
    "tag": _item("tag"),
    "selection": _selection,
    "likeness": _likeness,
    "any": _group("any"),
    "all": _group("all"),
    "none": _group("none"),
}


def walk(clauses: Iterable[Clause]) -> Iterable[Clause]:
    """All clauses with those inside of groups and `near`, outer ones first."""
    stack = list(clauses)[::-1]
    while stack:
        clause = stack.pop()
        yield clause
        if isinstance(clause, Group | NearClause):
            stack.extend(reversed(clause.clauses))


def named_selections(groups: Iterable[Clause]) -> tuple[str, ...]:
    """The selections that clauses refer to."""
    return tuple(clause.name for clause in walk(groups) if isinstance(clause, SelectionClause))
