"""The values that a rule file is read into: clauses, selections, facts, tests. Reading and evaluating are elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from watcher.match.condition import Condition
from watcher.match.learned import LearnedModel, Named
from watcher.match.phrase import Phrase
from watcher.model import (
    AssetKind,
    Bound,
    FactKind,
    Language,
    Level,
    MoneyRole,
    NewsText,
    PartyKind,
    PlaceKind,
    RuleStatus,
    Stance,
)


class Within(StrEnum):
    """The stretch of text in which all clauses of a selection must hold together."""

    CLAUSE = "clause"
    SENTENCE = "sentence"
    ITEM = "item"


class Where(StrEnum):
    """The part of the item that a selection looks at."""

    ANYWHERE = "anywhere"
    TITLE = "title"
    LEAD = "lead"
    """The title and the first two sentences of the text."""
    TEXT = "text"


class Look(StrEnum):
    """How far from the deciding sentences a fact may be read."""

    SENTENCE = "sentence"
    NEAR = "near"
    """Deciding sentences first, then up to two sentences around them and the title."""
    ITEM = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseClause:
    phrases: tuple[Phrase, ...]
    label: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RegexClause:
    pattern: str
    """RE2 syntax with Unicode classes already put in."""
    open_word: bool
    close_word: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyClause:
    roles: frozenset[MoneyRole]
    bounds: frozenset[Bound]
    currencies: frozenset[str]
    at_least_usd: float | None
    param: str | None
    """Name of the parameter that gives the threshold instead."""
    count: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceClause:
    kinds: frozenset[PlaceKind]
    countries: frozenset[str]
    names: frozenset[str]
    """Folded names or keys of which one must be there."""
    count: int
    apart: bool
    """Whether places that contain one another count as one."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyClause:
    kinds: frozenset[PartyKind]
    count: int
    abroad: bool
    """Whether only parties count whose country is another one than that of every place in the stretch."""
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetClause:
    kinds: frozenset[AssetKind]
    count: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DateClause:
    older_than_days: int | None
    newer_than_days: int | None
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemClause:
    """A condition on the item itself: its language, feed or tags."""

    about: str
    values: frozenset[str]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionClause:
    """Another selection that must hold in the same stretch."""

    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LikenessClause:
    """How much the stretch reads like the labelled news that a model was learned from."""

    model: LearnedModel
    at_least: float
    at_most: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearClause:
    clauses: tuple[Clause, ...]
    words: int
    ordered: bool
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    op: str
    """any, all or none."""
    clauses: tuple[Clause, ...]
    label: str


Clause: TypeAlias = (
    PhraseClause
    | RegexClause
    | MoneyClause
    | PlaceClause
    | PartyClause
    | AssetClause
    | DateClause
    | ItemClause
    | SelectionClause
    | LikenessClause
    | NearClause
    | Group
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    name: str
    within: Within
    where: Where
    stances: frozenset[Stance]
    """Stances that the clause around the first evidence may have; empty: any."""
    groups: tuple[Group, ...]
    evidence: bool = True
    """Whether its words are shown as evidence and facts are read around them."""

    @property
    def learned(self) -> bool:
        """Whether only models are asked."""
        return all(isinstance(clause, LikenessClause) for group in self.groups for clause in group.clauses)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSpec:
    """How one fact is read from the evidence."""

    name: str
    kind: FactKind
    kinds: frozenset[str] = frozenset()
    """Kinds of annotation (or roles of money) that may stand for it; empty: any."""
    prefer: frozenset[str] = frozenset()
    """Kinds that are taken before others where both stand."""
    look: Look = Look.SENTENCE
    captured_only: bool = False
    choose: str = "first"
    """first, last, largest (of money), or foremost: the largest of the title, else of all."""
    many: bool = False
    apart: bool = False
    unlike: tuple[str, ...] = ()
    """Facts whose values this one must not repeat."""
    phrases: tuple[Phrase, ...] = ()
    values: tuple[tuple[str, tuple[Phrase, ...]], ...] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """An example inside a rule file."""

    news: NewsText
    expect: bool
    facts: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleException:
    """A local exception to a shipped rule: where its selection holds, the rule does not match."""

    selection: Selection
    reason: str
    path: str
    line: int


class BelowFloor(StrEnum):
    """What happens while the verdicts on a rule say that its precision is below its floor."""

    REPORT = "report"
    """`ops:` are told and the pages say so."""
    DIGEST = "digest"
    """And what would be told at once comes once a day instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The least precision that a rule is to have."""

    precision: float
    verdicts: int
    """So many are needed before anything is said of it."""
    below: BelowFloor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    id: str
    title: str
    status: RuleStatus
    level: Level
    titles: Mapping[Language, str] = field(default_factory=dict)
    """The title for readers of other languages."""
    description: str = ""
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    selections: Mapping[str, Selection]
    condition: Condition
    frames: tuple[Phrase, ...] = ()
    facts: tuple[FactSpec, ...] = ()
    tests: tuple[RuleTest, ...] = ()
    exceptions: tuple[RuleException, ...] = ()
    floor: Floor | None = None
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of one folder, read together."""

    rules: tuple[Rule, ...]
    version: str
    """SHA-256 over the names and bytes of all files."""
    lists: Named = ()
    """All word lists of the folder, as learned models see them."""

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)
