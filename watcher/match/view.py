"""One news text as the rules see it: folded fields, sentences and clauses, annotations made once and only when asked
for, spans of phrases found once. Which of it decides is left to `evaluate`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import re2

from watcher.match.fold import fold, is_cjk, readable
from watcher.match.learned import Named
from watcher.match.lexicon import Lexicon, Needs, Occurrence, all_met
from watcher.match.phrase import Phrase
from watcher.match.rule import RegexClause, Selection, Where, Within
from watcher.match.slots import Annotated, Tagged, tag
from watcher.model import Annotations, NewsText, Party, Place, Sentence, Span, Stance, TextField

MAX_SPANS = 200
"""Spans of one phrase in one field that are looked at: enough for news, and a bound for a megabyte of repetition."""
MAX_SENTENCE = 5000
"""Code points from which on a unit is taken for a whole field, not for a sentence."""


T = TypeVar("T")


class Stretch(NamedTuple):
    """`[start, end)` of a field."""

    field: TextField
    start: int
    end: int

    @classmethod
    def of(cls, piece: Span) -> Stretch:
        """Where an annotation or a sentence stands."""
        return cls(piece.field, piece.start, piece.end)

    @property
    def span(self) -> Span:
        """The same, as the model has it."""
        return Span(field=self.field, start=self.start, end=self.end)

    def holds(self, other: Stretch) -> bool:
        return self.field is other.field and self.start <= other.start and other.end <= self.end


Unit = tuple[Stretch, ...]
"""Where the clauses of a selection must hold together: one sentence, one clause, or the whole item."""


class Found(NamedTuple):
    """A stretch that a phrase matched, and the annotations that its named slots hold."""

    stretch: Stretch
    held: tuple[tuple[str, Annotated], ...] = ()


Annotate = Callable[[NewsText], Annotations]


class View:
    """`lexicon` holds the literals of the compiled rules; None when nobody shall look."""

    def __init__(self, news: NewsText, annotate: Annotate, lexicon: Lexicon | None = None) -> None:
        self.news = news
        self.folded = {TextField.TITLE: fold(news.title), TextField.TEXT: fold(news.text)}
        self._lexicon = lexicon
        self._occurrences: dict[TextField, list[Occurrence]] = {}
        if lexicon is not None:
            self._occurrences = {field: lexicon.occurrences(text) for field, text in self.folded.items()}
        self._everywhere = frozenset(key for hits in self._occurrences.values() for _, _, key in hits)
        self._keys: dict[Unit, frozenset[str]] = {}
        self._begins: dict[Stretch, dict[str, list[int]]] = {}
        self._any: dict[tuple[int, Unit], list[Found]] = {}
        self._wider: dict[Unit, Stretch | None] = {}
        self._cut_in: dict[Unit, list[Stretch]] = {}
        self._annotate = annotate
        self._once: dict[Any, Any] = {}
        self._spans: dict[str, list[Found]] = {}
        self._tagged: dict[tuple[Stretch, tuple[str, ...]], Tagged] = {}
        self._units: dict[tuple[Within, Where], tuple[Unit, ...]] = {}

    def original(self, stretch: Span | Stretch) -> str:
        text = self.news.title if stretch.field is TextField.TITLE else self.news.text
        return text[stretch.start : stretch.end]

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for each key: for what others keep about this text."""
        if key not in self._once:
            self._once[key] = make()
        kept: T = self._once[key]
        return kept

    @cached_property
    def annotations(self) -> Annotations:
        return self._annotate(self.news)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        return self.annotations.sentences

    @property
    def clauses(self) -> tuple[Sentence, ...]:
        """The clauses of all sentences, each with its own stance."""
        return self.annotations.clauses

    def annotated(self, kind: str, unit: Unit) -> list[Any]:
        """The annotations of one type inside the unit, in order."""
        found: list[Any] = []
        for stretch in unit:
            starts, every = self._by_field[kind, stretch.field]
            first = bisect_left(starts, stretch.start)
            last = bisect_left(starts, stretch.end, lo=first)
            found += [one for one in every[first:last] if one.end <= stretch.end]
        return found

    def _of(self, kind: str) -> Sequence[Annotated]:
        made = self.annotations
        table: dict[str, Sequence[Annotated]] = {
            "party": made.parties, "place": made.places, "money": made.money, "asset": made.assets, "date": made.dates,
        }  # fmt: skip
        return table[kind]

    @cached_property
    def _by_field(self) -> dict[tuple[str, TextField], tuple[list[int], list[Annotated]]]:
        """Annotations of each type and field, ordered, with their starts beside them."""
        table: dict[tuple[str, TextField], tuple[list[int], list[Annotated]]] = {}
        for kind in ("party", "place", "money", "asset", "date"):
            for field in TextField:
                every = sorted((one for one in self._of(kind) if one.field is field), key=lambda one: one.start)
                table[kind, field] = ([one.start for one in every], every)
        return table

    def units(self, within: Within, where: Where) -> tuple[Unit, ...]:
        """The units of a kind in a part of the item."""
        key = (within, where)
        if key not in self._units:
            self._units[key] = tuple(self._cut(within, where))
        return self._units[key]

    def _cut(self, within: Within, where: Where) -> Iterable[Unit]:
        stretches = self._part(where)
        if within is Within.ITEM:
            return [tuple(stretches)]
        pieces = self.sentences if within is Within.SENTENCE else self.clauses
        cut = [Stretch.of(piece) for piece in pieces]
        return [(piece,) for piece in cut if any(stretch.holds(piece) for stretch in stretches)]

    def _part(self, where: Where) -> list[Stretch]:
        title = Stretch(TextField.TITLE, 0, len(self.news.title))
        text = Stretch(TextField.TEXT, 0, len(self.news.text))
        if where is Where.TITLE:
            return [title]
        if where is Where.TEXT:
            return [text]
        if where is Where.LEAD:
            opening = [piece for piece in self.sentences if piece.field is TextField.TEXT][:2]
            return [title, Stretch(TextField.TEXT, 0, opening[-1].end if opening else 0)]
        return [title, text]

    @cached_property
    def everything(self) -> Unit:
        """The whole item as one unit."""
        return self.units(Within.ITEM, Where.ANYWHERE)[0]

    def sentence_of(self, stretch: Stretch) -> Stretch:
        """The sentence that holds the beginning of a stretch; the stretch itself where there is none."""
        piece = _piece_at(self._starts_of_sentences, self.sentences, stretch.field, stretch.start)
        return Stretch.of(piece) if piece else stretch

    def stance_at(self, field: TextField, position: int) -> Stance:
        """The stance of the clause at a position."""
        piece = self.clause_at(field, position)
        return piece.stance if piece else Stance.ASSERTED

    def clause_at(self, field: TextField, position: int) -> Sentence | None:
        """The clause at a position, with its stance and the words that decided it."""
        return _piece_at(self._starts_of_clauses, self.clauses, field, position)

    def clauses_in(self, sentence: Stretch) -> Sequence[Sentence]:
        """The clauses of a sentence."""
        first = bisect_left(self._starts_of_clauses, _order(sentence.field, sentence.start))
        last = bisect_left(self._starts_of_clauses, _order(sentence.field, sentence.end), lo=first)
        return self.clauses[first:last]

    @cached_property
    def _starts_of_sentences(self) -> list[tuple[int, int]]:
        return [_order(piece.field, piece.start) for piece in self.sentences]

    @cached_property
    def _starts_of_clauses(self) -> list[tuple[int, int]]:
        return [_order(piece.field, piece.start) for piece in self.clauses]

    def possible(self, needs: Needs, unit: Unit | None = None) -> bool:
        """False only where the scan showed that what has these needs cannot hold in the unit (None: anywhere)."""
        return self._lexicon is None or all_met(needs, self._everywhere if unit is None else self._keys_of(unit))

    def needs(self, selection: Selection) -> Needs:
        """What a stretch must have for a selection to hold in it; nothing when nobody looks."""
        return self._lexicon.needs(selection) if self._lexicon else ()

    def _keys_of(self, unit: Unit) -> frozenset[str]:
        """The literals that occur in the sentence that a unit is or lies in; those of the item for what is wider."""
        if unit not in self._keys:
            sentence = self._around(unit)
            self._keys[unit] = self._everywhere if sentence is None else self._keys_in(sentence)
        return self._keys[unit]

    def _keys_in(self, sentence: Stretch) -> frozenset[str]:
        return frozenset(self._begins_in(sentence))

    def _begins_in(self, stretch: Stretch) -> dict[str, list[int]]:
        """Where the literals that occur inside a stretch begin."""
        if stretch not in self._begins:
            hits = self._occurrences[stretch.field]
            first = bisect_left(hits, (stretch.start,))
            last = bisect_left(hits, (stretch.end,), lo=first)
            begins: dict[str, list[int]] = {}
            for start, end, key in hits[first:last]:
                if end <= stretch.end:
                    begins.setdefault(key, []).append(start)
            self._begins[stretch] = begins
        return self._begins[stretch]

    def _may_begin(self, phrase: Phrase, stretch: Stretch) -> list[int] | None:
        """Where in a stretch the phrase can begin; None when it must be looked for."""
        if self._lexicon is None or not phrase.starts:
            return None
        begins = self._begins_in(stretch)
        return sorted({start for key in phrase.starts if key in begins for start in begins[key]})

    def find_any(self, phrases: tuple[Phrase, ...], unit: Unit) -> list[Found]:
        """Where the phrases of a clause match inside the unit; looked up once however many selections ask."""
        key = (id(phrases), unit)
        if key not in self._any:
            index = self._lexicon.index(phrases) if self._lexicon else None
            possible = index.possible(self._keys_of(unit)) if index else phrases
            self._any[key] = [one for phrase in possible for one in self._matches(phrase, unit)]
        return self._any[key]

    def listed(self, lists: Named, sentence: Stretch, most: int) -> list[tuple[int, str]]:
        """Where in a sentence the phrases of word lists begin, each with the list's name; at most so many of one."""
        found: dict[str, set[int]] = {}
        if self._lexicon is None:
            for name, phrases in lists:
                found[name] = {one.stretch.start for one in self.find_any(phrases, (sentence,))}
        else:
            listed = self._lexicon.listed(lists)
            for phrase in listed.index.possible(self._keys_in(sentence)):
                starts = {one.stretch.start for one in self._in_sentence(phrase, sentence)}
                for name in listed.names[id(phrase)] if starts else ():
                    found.setdefault(name, set()).update(starts)
        return [(start, name) for name, starts in found.items() for start in sorted(starts)[:most]]

    def find(self, phrase: Phrase, unit: Unit) -> list[Found]:
        """Where a phrase matches inside the unit."""
        return self._matches(phrase, unit) if self.possible(phrase.needs, unit) else []

    def _matches(self, phrase: Phrase, unit: Unit) -> list[Found]:
        if phrase.by_sentence:
            found = [one for sentence in self._sentences_in(unit) for one in self._in_sentence(phrase, sentence)]
        else:
            around = self._around(unit)
            found = self._in_fields(phrase) if around is None else self._in_sentence(phrase, around)
        return [one for one in found if any(stretch.holds(one.stretch) for stretch in unit)]

    def _around(self, unit: Unit) -> Stretch | None:
        """The sentence that a unit is or lies in; None for what is wider."""
        if unit not in self._wider:
            sentence = (
                self.sentence_of(unit[0]) if len(unit) == 1 and unit[0].end - unit[0].start < MAX_SENTENCE else None
            )
            self._wider[unit] = sentence if sentence is not None and sentence.holds(unit[0]) else None
        return self._wider[unit]

    def _sentences_in(self, unit: Unit) -> list[Stretch]:
        if unit not in self._cut_in:
            self._cut_in[unit] = self._cut_out(unit)
        return self._cut_in[unit]

    def _cut_out(self, unit: Unit) -> list[Stretch]:
        if len(unit) == 1 and unit[0].end - unit[0].start < MAX_SENTENCE:
            return [self.sentence_of(unit[0])]
        cut = [Stretch.of(piece) for piece in self.sentences]
        return [piece for piece in cut if any(stretch.holds(piece) for stretch in unit)]

    def _in_fields(self, phrase: Phrase) -> list[Found]:
        if phrase.pattern not in self._spans:
            whole = [Stretch(field, 0, len(text)) for field, text in self.folded.items()]
            self._spans[phrase.pattern] = [found for field in whole for found in self._plainly(phrase, field)]
        return self._spans[phrase.pattern]

    def _plainly(self, phrase: Phrase, stretch: Stretch) -> list[Found]:
        """Where a phrase without slots matches in a stretch."""
        text, begins = self.folded[stretch.field], self._may_begin(phrase, stretch)
        found: list[Found] = []
        hit = _first(phrase, text, begins, stretch.start, stretch.end)
        while hit is not None and len(found) < MAX_SPANS:
            found.append(Found(Stretch(stretch.field, hit.start(), hit.end())))
            hit = _first(phrase, text, begins, hit.end(), stretch.end)
        return found

    def _in_sentence(self, phrase: Phrase, sentence: Stretch) -> list[Found]:
        if not self.possible(phrase.needs, (sentence,)):
            return []
        if not phrase.slots:
            return self._plainly(phrase, sentence)
        types = tuple(sorted({kind for slot in phrase.slots for kind, _ in slot.types}))
        tagged = self._tag(sentence, types)
        if any(tagged.codes.isdisjoint(hole) for hole in phrase.holes):
            return []
        begins = self._may_begin(phrase, sentence)
        begins = tagged.begins(phrase.starts, begins) if begins is not None else None
        found: list[Found] = []
        at = 0
        for _ in range(MAX_SPANS):
            hit = _first(phrase, tagged.text, begins, at, len(tagged.text))
            if hit is None:
                break
            slots = [
                tagged.held[hit.start(f"slot{index}")] for index in range(len(phrase.slots)) if hit[f"slot{index}"]
            ]
            good = are_apart(slots)
            found += [self._found(phrase, hit, tagged, sentence.field)] if good else []
            at = max(hit.end(), hit.start() + 1) if good else hit.start() + 1
        return found

    def _found(self, phrase: Phrase, hit: Any, tagged: Tagged, field: TextField) -> Found:
        held = tuple(
            (slot.name, tagged.held[hit.start(f"slot{index}")])
            for index, slot in enumerate(phrase.slots)
            if slot.name and hit.start(f"slot{index}") in tagged.held
        )
        first = tagged.held.get(hit.start())
        start = first.start if first is not None else tagged.original(hit.start())
        return Found(Stretch(field, start, tagged.original_end(hit.end())), held)

    def _tag(self, sentence: Stretch, types: tuple[str, ...]) -> Tagged:
        key = (sentence, types)
        if key not in self._tagged:
            annotations = [one for kind in types for one in self.annotated(kind, (sentence,))]
            self._tagged[key] = tag(self.folded[sentence.field], sentence.start, sentence.end, annotations)
        return self._tagged[key]

    def search(self, clause: RegexClause, unit: Unit) -> list[Found]:
        """Where an RE2 pattern matches in the original text inside the unit."""
        if clause.pattern not in self._spans:
            fields = ((TextField.TITLE, self.news.title), (TextField.TEXT, self.news.text))
            self._spans[clause.pattern] = [
                Found(Stretch(field, start, end)) for field, text in fields for start, end in _search(clause, text)
            ]
        return [one for one in self._spans[clause.pattern] if any(stretch.holds(one.stretch) for stretch in unit)]


def _first(phrase: Phrase, text: str, begins: list[int] | None, at: int, end: int) -> re.Match[str] | None:
    """The first match in `text[at:end]`; `begins` are the only places where one can begin, in order, if known."""
    if begins is None:
        return phrase.regex.search(text, at, end)
    match = phrase.regex.match
    for begin in begins[bisect_left(begins, at) :]:
        hit = match(text, begin, end)
        if hit is not None:
            return hit
    return None


def _order(field: TextField, position: int) -> tuple[int, int]:
    return (0 if field is TextField.TITLE else 1, position)


def _piece_at(
    starts: list[tuple[int, int]], pieces: Sequence[Sentence], field: TextField, position: int
) -> Sentence | None:
    index = bisect_right(starts, _order(field, position)) - 1
    if index < 0 or pieces[index].field is not field or position >= pieces[index].end:
        return None
    return pieces[index]


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _search(clause: RegexClause, text: str) -> Iterable[tuple[int, int]]:
    """Matches whose ends are word borders where the pattern asks for them."""
    if not text:
        return
    regex = re2.compile(clause.pattern)
    for hit, _ in zip(regex.finditer(readable(text)), range(MAX_SPANS), strict=False):
        start, end = hit.span()
        inner_start = start > 0 and end > start and _is_word(text[start - 1]) and _is_word(text[start])
        inner_end = end < len(text) and end > start and _is_word(text[end - 1]) and _is_word(text[end])
        if not (clause.open_word and inner_start) and not (clause.close_word and inner_end):
            yield start, end


def are_apart(slots: Sequence[Annotated]) -> bool:
    """Whether no two of the annotations are the same party or place, or places of which one contains the other."""
    keys = [one.key for one in slots if isinstance(one, Party | Place)]
    outer = {key for one in slots if isinstance(one, Place) for key in one.within}
    return len(set(keys)) == len(keys) and not outer & set(keys)


def words_between(folded: str, start: int, end: int) -> int:
    """How many words lie in a stretch of folded text; two Chinese characters count as one word."""
    count, cjk, in_word = 0, 0, False
    for char in folded[start:end]:
        if is_cjk(char):
            cjk += 1
            in_word = False
        elif char.isalnum():
            count += not in_word
            in_word = True
        else:
            in_word = False
    return count + (cjk + 1) // 2
