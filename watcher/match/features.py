"""What a text is made of, as learned models see it: words and their neighbours with annotations put as `<party>` or
`<money:raised>`, word lists that occur, stances, how many places and parties. What it weighs is `likeness`'s.

A short text is one passage; a long one is read in overlapping passages, each with the title, so that one sentence of
news in a long article counts as much as it does alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from watcher.match.fold import is_cjk
from watcher.match.learned import Named
from watcher.match.view import Stretch, Unit, View
from watcher.model import Asset, DateMention, Money, Party, PartyKind, Place, PlaceKind, Sentence, Stance, TextField

PASSAGE = 1600
"""Code points of text that are read as one; a longer text is cut into passages of PASSAGE_OF_LONG."""
PASSAGE_OF_LONG = 660
CJK_DENSITY = 2.7
"""A Chinese character says as much as this many letters."""
OLD_DAYS, NEW_DAYS = 300, 60
MAX_HITS = 3
"""Occurrences of a word list in a sentence that are looked at."""
REACH = 6
"""How many annotations and lists after one are seen as following it."""


_TOKEN = re.compile(r"[぀-ヿ㐀-鿿가-힯豈-﫿]|\d+|[^\W\d_぀-ヿ㐀-鿿가-힯豈-﫿]+(?:'[a-z]+)?")
_ENDINGS = ("ing", "ed", "es", "s", "ly")


class Passage(NamedTuple):
    """Sentences that are judged together: those of the title, then a run of the text's."""

    sentences: tuple[Sentence, ...]


class Seen(NamedTuple):
    """One sentence, ready for counting."""

    features: frozenset[str]
    places: frozenset[str]
    countries: frozenset[str]
    parties: frozenset[str]


def passages(view: View, unit: Unit) -> list[Passage]:
    """The passages of a unit; the title alone when there is no text."""
    held = [one for one in view.sentences if any(part.holds(Stretch.of(one)) for part in unit)]
    title = [one for one in held if one.field is TextField.TITLE]
    text = [one for one in held if one.field is TextField.TEXT]
    return [Passage((*title, *run)) for run in _runs(text, [_size(view, one) for one in text])]


def features(view: View, passage: Passage, lists: Named) -> set[str]:
    """The features of a passage: those of its sentences, and how many places and parties it names."""
    found = set().union(*(seen(view, sentence, lists).features for sentence in passage.sentences))
    return found | counts(view, passage, lists)


def counts(view: View, passage: Passage, lists: Named) -> set[str]:
    """How many places, countries and parties a passage names, as features."""
    every = [seen(view, sentence, lists) for sentence in passage.sentences]
    told = {
        "places": set().union(*(one.places for one in every)),
        "countries": set().union(*(one.countries for one in every)),
        "parties": set().union(*(one.parties for one in every)),
    }
    return {f"{name}={min(len(keys), 3)}" for name, keys in told.items()}


def _runs(text: Sequence[Sentence], sizes: Sequence[float]) -> Iterator[Sequence[Sentence]]:
    if sum(sizes) <= PASSAGE:
        yield text
        return
    first = 0
    while True:
        last, size = first, 0.0
        while last < len(text) and (size < PASSAGE_OF_LONG or last == first):
            size += sizes[last]
            last += 1
        yield text[first:last]
        if last == len(text):
            return
        first += max(1, (last - first) // 2)


def _size(view: View, sentence: Sentence) -> float:
    text = view.folded[sentence.field][sentence.start : sentence.end]
    dense = sum(map(is_cjk, text)) if not text.isascii() else 0
    return len(text) + (CJK_DENSITY - 1) * dense


def seen(view: View, sentence: Sentence, lists: Named) -> Seen:
    """What a sentence shows; looked at once however many models ask."""
    return view.once((Stretch.of(sentence), id(lists)), lambda: _look(view, sentence, lists))


def _look(view: View, sentence: Sentence, lists: Named) -> Seen:
    unit = (Stretch.of(sentence),)
    annotated = sorted(
        (one for kind in ("money", "party", "place", "asset", "date") for one in view.annotated(kind, unit)),
        key=lambda one: (one.start, -one.end),
    )
    tokens = _tokens(view.folded[sentence.field], sentence, annotated)
    listed = [(start, f"{{{name}}}") for start, name in view.listed(lists, Stretch.of(sentence), MAX_HITS)]
    said = {*_grams(tokens), *(name for _, name in listed)}
    found = set(said)
    if sentence.field is TextField.TITLE:
        found.update(f"title:{one}" for one in said)
    found.update(_stances(view, sentence, annotated, listed))
    found.update(_order([*((one.start, f"<{_kind(one)}>") for one in annotated), *listed]))
    found.update(_ages(view, annotated))
    found.update("+".join(pair) for pair in combinations(sorted({token for token in tokens if token[0] == "<"}), 2))
    places = frozenset(one.key for one in annotated if isinstance(one, Place) and one.kind is not PlaceKind.COUNTRY)
    countries = frozenset(one.country for one in annotated if isinstance(one, Place) and one.country)
    parties = frozenset(one.key for one in annotated if isinstance(one, Party))
    for name, keys in (("places", places), ("countries", countries), ("parties", parties)):
        found.add(f"sentence.{name}={min(len(keys), 2)}")
    return Seen(frozenset(found), places, countries, parties)


def _stances(
    view: View, sentence: Sentence, annotated: Sequence[Any], listed: Sequence[tuple[int, str]]
) -> Iterator[str]:
    """What clauses say that are not asserted, each word with the stance before it."""
    for clause in view.clauses_in(Stretch.of(sentence)):
        if clause.stance is Stance.ASSERTED:
            continue
        inside = [one for one in annotated if clause.start <= one.start < clause.end]
        words = _grams(_tokens(view.folded[clause.field], clause, inside))
        yield f"stance={clause.stance}"
        yield from (f"{clause.stance}:{word}" for word in words if "_" not in word)
        yield from (f"{clause.stance}:{name}" for at, name in listed if clause.start <= at < clause.end)


def _order(placed: list[tuple[int, str]]) -> Iterator[str]:
    """Which annotations and lists follow one another: who does what to whom, roughly."""
    placed.sort()
    for index, (_, one) in enumerate(placed):
        for _, other in placed[index + 1 : index + 1 + REACH]:
            if one != other or one[0] == "<":
                yield f"{one}>{other}"


def _ages(view: View, annotated: Iterable[object]) -> Iterator[str]:
    for one in annotated:
        if isinstance(one, DateMention) and view.news.dated is not None:
            age = (view.news.dated - one.day).days
            if age > OLD_DAYS:
                yield "date=old"
            elif age <= NEW_DAYS:
                yield "date=new"


def _tokens(
    folded: str, sentence: Sentence, annotated: Sequence[Money | Party | Place | Asset | DateMention]
) -> list[str]:
    """Stems, Chinese characters, `#` for digits, and annotations by kind; of two that overlap the first stays."""
    tokens: list[str] = []
    at = sentence.start
    for one in annotated:
        if one.start >= at:
            tokens += _words(folded[at : one.start])
            tokens.append(f"<{_kind(one)}>")
            at = one.end
    return tokens + _words(folded[at : sentence.end])


def _kind(one: Money | Party | Place | Asset | DateMention) -> str:
    match one:
        case Money():
            return f"money:{one.role}"
        case Party():
            return "party" if one.kind in (PartyKind.COMPANY, PartyKind.OTHER) else str(one.kind)
        case Place():
            zone = one.kind in (PlaceKind.ZONE, PlaceKind.PARK)
            return "country" if one.kind is PlaceKind.COUNTRY else "zone" if zone else "place"
        case Asset():
            return "asset"
        case DateMention():
            return "date"


def _words(text: str) -> list[str]:
    return [_stem(word) for word in _TOKEN.findall(text)]


def _stem(word: str) -> str:
    if word[0].isdigit():
        return "#"
    if len(word) < 5 or not word.isascii():
        return word
    ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= 4), "")
    word = word[: len(word) - len(ending)]
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _grams(tokens: Sequence[str]) -> Iterator[str]:
    """Words, pairs of neighbours, and runs of two and three Chinese characters."""
    for at, token in enumerate(tokens):
        if not is_cjk(token[0]):
            yield token
            if at + 1 < len(tokens):
                yield f"{token}_{tokens[at + 1]}"
            continue
        for size in (2, 3):
            run = tokens[at : at + size]
            if len(run) == size and all(is_cjk(one[0]) or one[0] == "<" for one in run):
                yield "".join(run)
