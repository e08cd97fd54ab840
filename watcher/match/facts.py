"""Reads the facts of a match: what the frames captured first, then annotations near the deciding sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watcher.match.asides import asides
from watcher.match.phrase import Phrase
from watcher.match.rule import FactSpec, Look, Rule
from watcher.match.slots import Annotated, kind_of
from watcher.match.view import Found, Stretch, View
from watcher.model import Asset, DateMention, Fact, FactKind, Money, Party, Place, PlaceKind, Span, TextField

NEAR_SENTENCES = 2
MAX_VALUES = 20
ROUNDED = 0.04
"""How far a title rounds an amount."""
RESTATED_WITHIN = 14
"""An amount that restates another one follows it within so many code points: a bracket, "or about"."""
RESTATED_LEAST = 0.7
"""How much of the amount that restates it one must be worth at least, at the rate of the day."""
Captured = dict[str, list[Annotated]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where facts are read: sentences by distance, what is evidence, values that other facts have."""

    view: View
    rings: list[list[Stretch]]
    deciding: frozenset[tuple[TextField, int, int]]
    taken: frozenset[str]


def read_facts(rule: Rule, view: View, evidence: Sequence[Found]) -> dict[str, Fact]:
    """The facts of a rule in the order it declares them; those that cannot be read are absent."""
    rings = _rings(view, evidence)
    captured = _captures(rule, view, evidence, rings[0])
    deciding = frozenset((found.stretch.field, found.stretch.start, found.stretch.end) for found in evidence)
    facts: dict[str, Fact] = {}
    for spec in rule.facts:
        taken = {text for name in spec.unlike if name in facts for text in _values(facts[name])}
        taken |= {_shown(one) for name in spec.unlike if name not in facts for one in captured.get(name, [])}
        source = _Source(view=view, rings=rings, deciding=deciding, taken=frozenset(taken))
        fact = _read(spec, source, captured.get(spec.name, []))
        if fact is not None:
            facts[spec.name] = fact
    return facts


def _values(fact: Fact) -> tuple[str, ...]:
    return fact.value if isinstance(fact.value, tuple) else (str(fact.value),)


def _rings(view: View, evidence: Sequence[Found]) -> list[list[Stretch]]:
    """Sentences by distance from the evidence: the deciding ones, those near, all others; the title is always near."""
    deciding = list(dict.fromkeys(view.sentence_of(found.stretch) for found in evidence))
    every = [Stretch.of(piece) for piece in view.sentences]
    decided = set(deciding)
    close = _close(every, decided)
    near: list[Stretch] = []
    far: list[Stretch] = []
    for index, stretch in enumerate(every):
        if stretch not in decided:
            (near if index in close or stretch.field is TextField.TITLE else far).append(stretch)
    return [deciding, near, far]


def _close(every: Sequence[Stretch], decided: set[Stretch]) -> set[int]:
    """The sentences at most NEAR_SENTENCES from a deciding one of the same field, by their index."""
    close: set[int] = set()
    for index, stretch in enumerate(every):
        if stretch in decided:
            around = range(max(0, index - NEAR_SENTENCES), min(len(every), index + NEAR_SENTENCES + 1))
            close.update(other for other in around if every[other].field is stretch.field)
    return close


def _captures(rule: Rule, view: View, evidence: Sequence[Found], deciding: Sequence[Stretch]) -> Captured:
    """What named slots hold: those of the deciding clauses first, then those of `frames:`, in order.

    One frame fills what it names as a whole or not at all, so that giver and taker come from the same words.
    """
    captured: Captured = {}
    for found in evidence:
        for name, annotated in found.held:
            kept = captured.setdefault(name, [])
            if len(kept) < MAX_VALUES and not any(_same(annotated, other) for other in kept):
                kept.append(annotated)
    for frame in rule.frames:
        for sentence in deciding:
            for found in view.find(frame, (sentence,)):
                names = {name for name, _ in found.held}
                if names and not names & captured.keys() and _distinct(found):
                    captured.update({name: [annotated] for name, annotated in found.held})
    return captured


def _same(one: Annotated, other: Annotated) -> bool:
    return _name(one) == _name(other)


def _distinct(found: Found) -> bool:
    names = [_name(annotated) for _, annotated in found.held]
    return len(set(names)) == len(names)


def _name(annotated: Annotated) -> str:
    match annotated:
        case Party() | Place():
            return annotated.key
        case Asset():
            return annotated.name
        case _:
            return f"{annotated.start}-{annotated.end}"


def _read(spec: FactSpec, source: _Source, captured: list[Annotated]) -> Fact | None:
    view = source.view
    looked = source.rings[: {Look.SENTENCE: 1, Look.NEAR: 2, Look.ITEM: 3}[spec.look]]
    if spec.kind is FactKind.FLAG:
        found = next(_spans(spec.phrases, view, looked), None)
        return _fact(spec, view, found, True) if found else None
    if spec.kind is FactKind.TEXT:
        return _text(spec, view, looked)
    usable = [one for one in captured if _shown(one) not in source.taken]
    if usable and not spec.many and spec.choose == "first":
        return _annotation_fact(spec, usable[:1])
    if spec.captured_only:
        return _annotation_fact(spec, _chosen(spec, usable, view)) if usable else None
    for ring, kinds in _passes(spec, looked):
        here = _candidates(spec, source, ring, kinds)
        if ring is source.rings[0]:
            here = usable + [one for one in here if not any(_same(one, other) for other in usable)]
        if here:
            return _annotation_fact(spec, _chosen(spec, here, view))
    return None


def _passes(spec: FactSpec, looked: list[list[Stretch]]) -> list[tuple[list[Stretch], frozenset[str]]]:
    """Which sentences are asked for which kinds, in order: preferred kinds first, however far they are allowed to be.

    An amount of another kind is taken from the deciding sentences only: near them it is mostly about something else.
    """
    if not spec.prefer:
        return [(ring, spec.kinds) for ring in looked]
    rest = looked[:1] if spec.kind is FactKind.MONEY else looked
    return [(ring, spec.prefer) for ring in looked] + [(ring, spec.kinds) for ring in rest]


def _spans(phrases: Sequence[Phrase], view: View, rings: Sequence[Sequence[Stretch]]) -> Iterator[Stretch]:
    for ring in rings:
        for phrase in phrases:
            for stretch in ring:
                for found in view.find(phrase, (stretch,)):
                    yield found.stretch


def _text(spec: FactSpec, view: View, looked: Sequence[Sequence[Stretch]]) -> Fact | None:
    """`values:` gives the first value whose phrases are found, `phrases:` the words themselves."""
    for value, phrases in spec.values:
        found = next(_spans(phrases, view, looked), None)
        if found:
            return _fact(spec, view, found, value)
    found = next(_spans(spec.phrases, view, looked), None)
    if found:
        return _fact(spec, view, found, view.original(found))
    return Fact(name=spec.name, kind=spec.kind, value=spec.default) if spec.default else None


def _fact(spec: FactSpec, view: View, stretch: Stretch, value: str | bool) -> Fact:
    span = stretch.span
    return Fact(name=spec.name, kind=spec.kind, value=value, span=span, text=view.original(stretch))


def _candidates(spec: FactSpec, source: _Source, ring: Sequence[Stretch], kinds: frozenset[str]) -> list[Annotated]:
    """Annotations of some kinds in some sentences; amounts that are evidence themselves leave no room for others."""
    every: list[Annotated] = [
        one
        for stretch in ring
        for one in source.view.annotated(str(spec.kind), (stretch,))
        if (not kinds or kind_of(one)[1] in kinds) and _shown(one) not in source.taken
    ]
    if spec.kind is not FactKind.MONEY:
        return every
    return [one for one in every if (one.field, one.start, one.end) in source.deciding] or every


def _chosen(spec: FactSpec, candidates: list[Annotated], view: View) -> list[Annotated]:
    if spec.many:
        return _many(spec, candidates, view)
    if spec.choose == "foremost":
        candidates = _foremost(candidates, view)
    if spec.choose in ("largest", "foremost"):
        return [_as_first_written(max(candidates, key=_size), candidates)]
    return candidates[-1:] if spec.choose == "last" else candidates[:1]


def _foremost(candidates: list[Annotated], view: View) -> list[Annotated]:
    """Those of the title or as large as an amount there, else all: a title names what is new, a text also what that is
    compared with.
    """
    titled = [one for one in view.annotations.money if one.field is TextField.TITLE]
    return [one for one in candidates if isinstance(one, Money) and _told_in(titled, one)] or candidates


def _told_in(titled: Sequence[Money], money: Money) -> bool:
    return any(
        one.currency == money.currency and abs(one.value - money.value) <= ROUNDED * money.value for one in titled
    )


def _as_first_written(chosen: Annotated, candidates: Sequence[Annotated]) -> Annotated:
    """The amount that `chosen` restates in another currency, as in "€460 million ($558 million)"; else itself."""
    return next((one for one in candidates if _restates(chosen, one)), chosen)


def _restates(again: Annotated, money: Annotated) -> bool:
    if not isinstance(money, Money) or not isinstance(again, Money) or money.field is not again.field:
        return False
    near = 0 < again.start - money.end <= RESTATED_WITHIN
    return near and money.currency != again.currency and _size(money) > (RESTATED_LEAST * _size(again)[0], 0.0)


def _size(annotated: Annotated) -> tuple[float, float]:
    if not isinstance(annotated, Money):
        return (0.0, 0.0)
    return (annotated.converted.usd if annotated.converted else 0.0, annotated.value)


def _many(spec: FactSpec, candidates: list[Annotated], view: View) -> list[Annotated]:
    """Different values in order. Of places those are left out that only say where another one lies or where one met,
    and countries beside two other places; places are joined by the cities that contain them, where the item speaks of
    those too, so that who asks for the city finds its district; with `apart` every place that contains another one is
    left out instead.
    """
    outer = {key for one in candidates if isinstance(one, Place) for key in one.within}
    beside = _beside(view)
    lesser = {one.key for one in candidates if isinstance(one, Place) and one.kind is not PlaceKind.COUNTRY} - beside
    kept: dict[str, Annotated] = {}
    for one in candidates:
        country = isinstance(one, Place) and one.kind is PlaceKind.COUNTRY
        contains = isinstance(one, Place) and one.key in outer and (spec.apart or country)
        needless = isinstance(one, Place) and (one.key in beside or (country and len(lesser) > 1))
        if not contains and not (lesser and needless):
            kept.setdefault(_name(one), one)
    if not spec.apart:
        for place in view.annotations.places:
            if place.key in outer and place.kind is PlaceKind.CITY and place.key not in beside:
                kept.setdefault(place.key, place)
    return list(kept.values())[:MAX_VALUES]


def _beside(view: View) -> frozenset[str]:
    news = view.news
    texts = {TextField.TITLE: news.title, TextField.TEXT: news.text}
    return view.once("asides", lambda: asides(view.annotations.places, texts.__getitem__))


def _shown(annotated: Annotated) -> str:
    """The value of a fact as people read it."""
    match annotated:
        case Party() | Place() | Asset():
            return annotated.name
        case DateMention():
            return annotated.day.isoformat()
        case Money():
            return annotated.text


def _annotation_fact(spec: FactSpec, chosen: list[Annotated]) -> Fact:
    first = chosen[0]
    spans = tuple(Stretch.of(one).span for one in chosen)
    if isinstance(first, Money):
        return _money_fact(spec, first, spans[0])
    value = tuple(dict.fromkeys(_shown(one) for one in chosen)) if spec.many else _shown(first)
    return Fact(name=spec.name, kind=spec.kind, value=value, span=spans[0], text=first.text, more=spans[1:])


def _money_fact(spec: FactSpec, money: Money, span: Span) -> Fact:
    return Fact(
        name=spec.name,
        kind=spec.kind,
        value=money.value,
        span=span,
        text=money.text,
        high=money.high,
        currency=money.currency,
        bound=money.bound,
        usd=money.converted.usd if money.converted else None,
        rate_date=money.converted.rate_date if money.converted else None,
    )
