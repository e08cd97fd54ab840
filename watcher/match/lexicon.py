"""The literals of some rules: where they occur in a folded text, and which phrases and selections they leave possible.
Made once per rule set; whether what is possible does match is left to `view` and `decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from watcher.match.clauses import walk
from watcher.match.learned import Named
from watcher.match.phrase import Phrase
from watcher.match.rule import (
    Clause,
    Group,
    LikenessClause,
    NearClause,
    PhraseClause,
    Rule,
    Selection,
    SelectionClause,
)
from watcher.match.scan import positions

Needs = tuple[frozenset[str], ...]
"""Sets of literals: of each set one must be there."""
Occurrence = tuple[int, int, str]
"""Start, end and literal."""


class PhraseIndex:
    """Some phrases in order, by the literals without which they cannot match."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._phrases = phrases
        self._always = [index for index, phrase in enumerate(phrases) if not phrase.keys]
        self._by_key: dict[str, list[int]] = {}
        for index, phrase in enumerate(phrases):
            for key in phrase.keys:
                self._by_key.setdefault(key, []).append(index)
        self._keys = frozenset(self._by_key)

    def possible(self, keys: frozenset[str]) -> tuple[Phrase, ...]:
        """Those of the phrases whose needs are met by the literals."""
        met = self._keys & keys
        if not met:
            return tuple(self._phrases[index] for index in self._always)
        indexes = {index for key in met for index in self._by_key[key]}.union(self._always)
        return tuple(phrase for index in sorted(indexes) if all_met((phrase := self._phrases[index]).needs, keys))


class ListIndex:
    """The phrases of some word lists, each with the names of the lists that hold it."""

    def __init__(self, lists: Named) -> None:
        self.names: dict[int, list[str]] = {}
        """Id of a phrase → the lists."""
        phrases = {id(phrase): phrase for _, listed in lists for phrase in listed}
        for name, listed in lists:
            for phrase in listed:
                self.names.setdefault(id(phrase), []).append(name)
        self.index = PhraseIndex(list(phrases.values()))


class Lexicon:
    """Safe to share between threads: nothing changes after it is made."""

    def __init__(self, rules: Sequence[Rule], lists: Named = ()) -> None:
        """`lists`: word lists that will be asked for besides those of the rules' models."""
        self._kept = (rules, lists)  # keeps alive what the ids stand for
        self._needs = {
            id(selection): tuple(_of_selection(selection, rule)) for rule in rules for selection in selections_of(rule)
        }
        self._indexes: dict[int, PhraseIndex] = {}
        keys: set[str] = set()
        for phrases in chain(*map(_phrases_of, rules)):
            if id(phrases) not in self._indexes:
                self._indexes[id(phrases)] = PhraseIndex(phrases)
                for phrase in phrases:
                    keys.update(phrase.starts, *phrase.needs)
        every = {id(named): named for named in (lists, *chain(*map(_lists_of, rules)))}
        self._listed = {key: ListIndex(named) for key, named in every.items()}
        for phrase in (phrase for named in every.values() for _, listed in named for phrase in listed):
            keys.update(phrase.starts, *phrase.needs)
        self._keys = sorted(keys)
        self._automaton = positions(self._keys) if self._keys else None

    def occurrences(self, folded: str) -> list[Occurrence]:
        """Every occurrence of every literal in a folded text, sorted."""
        if self._automaton is None:
            return []
        keys = self._keys
        hits = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        return sorted([(start, end, keys[index]) for index, start, end in hits])

    def index(self, phrases: tuple[Phrase, ...]) -> PhraseIndex:
        """The index of the phrases of a clause, fact or word list."""
        return self._indexes[id(phrases)]

    def listed(self, lists: Named) -> ListIndex:
        """The index of word lists."""
        return self._listed[id(lists)]

    def needs(self, selection: Selection) -> Needs:
        """What the stretch that a selection shall hold in must have."""
        return self._needs[id(selection)]


def all_met(needs: Needs, keys: frozenset[str]) -> bool:
    """Whether of each set one literal is there."""
    for need in needs:  # noqa: SIM110 - a plain loop: this runs thousands of times an item
        if need.isdisjoint(keys):
            return False
    return True


def selections_of(rule: Rule) -> Iterator[Selection]:
    """All selections of a rule, those of its exceptions last."""
    yield from rule.selections.values()
    yield from (exception.selection for exception in rule.exceptions)


def _phrases_of(rule: Rule) -> Iterator[tuple[Phrase, ...]]:
    yield rule.frames
    for spec in rule.facts:
        yield spec.phrases
        yield from (phrases for _, phrases in spec.values)
    yield from (clause.phrases for clause in _clauses_of(rule) if isinstance(clause, PhraseClause))


def _lists_of(rule: Rule) -> Iterator[Named]:
    """The word lists of the models that a rule asks."""
    yield from (clause.model.lists for clause in _clauses_of(rule) if isinstance(clause, LikenessClause))


def _clauses_of(rule: Rule) -> Iterable[Clause]:
    return walk(group for selection in selections_of(rule) for group in selection.groups)


def _of_selection(selection: Selection, rule: Rule) -> Iterator[frozenset[str]]:
    for group in selection.groups:
        yield from _of_clause(group, rule)


def _of_clause(clause: Clause, rule: Rule) -> Iterator[frozenset[str]]:
    match clause:
        case PhraseClause():
            yield from _either([(phrase.keys,) if phrase.keys else () for phrase in clause.phrases])
        case Group(op="all") | NearClause():
            for one in clause.clauses:
                yield from _of_clause(one, rule)
        case Group(op="any"):
            yield from _either([tuple(_of_clause(one, rule)) for one in clause.clauses])
        case SelectionClause():
            yield from _of_selection(rule.selections[clause.name], rule)


def _either(alternatives: Iterable[Needs]) -> Iterator[frozenset[str]]:
    """What holds if any alternative does: one literal of the first need of any of them."""
    if all(alternatives):
        yield frozenset(key for needs in alternatives for key in needs[0])
