"""Reads the facts of a match: what the frames captured first, then annotations near the deciding sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watcher.match.phrase import Phrase
from watcher.match.rule import FactSpec, Look, Rule
from watcher.match.slots import Annotated, kind_of
from watcher.match.view import Found, Stretch, View
from watcher.model import Asset, DateMention, Fact, FactKind, Money, Party, Place, Span, TextField

NEAR_SENTENCES = 2
MAX_VALUES = 20
Captured = dict[str, list[Annotated]]


def read_facts(rule: Rule, view: View, evidence: Sequence[Found]) -> dict[str, Fact]:
    """The facts of a rule in the order it declares them; those that cannot be read are absent."""
    rings = _rings(view, evidence)
    captured = _captures(rule, view, evidence, rings[0])
    facts: dict[str, Fact] = {}
    for spec in rule.facts:
        taken = {text for name in spec.unlike if name in facts for text in _values(facts[name])}
        fact = _read(spec, view, rings, captured.get(spec.name, []), taken)
        if fact is not None:
            facts[spec.name] = fact
    return facts


def _values(fact: Fact) -> tuple[str, ...]:
    return fact.value if isinstance(fact.value, tuple) else (str(fact.value),)


def _rings(view: View, evidence: Sequence[Found]) -> list[list[Stretch]]:
    """Sentences by distance from the evidence: the deciding ones, those near, all others; the title is always near."""
    deciding = list(dict.fromkeys(view.sentence_of(found.stretch) for found in evidence))
    every = [Stretch(piece.field, piece.start, piece.end) for piece in view.sentences]
    places = {stretch: index for index, stretch in enumerate(every)}
    at = [places[stretch] for stretch in deciding if stretch in places]
    near: list[Stretch] = []
    far: list[Stretch] = []
    for index, stretch in enumerate(every):
        if stretch in deciding:
            continue
        close = any(abs(index - other) <= NEAR_SENTENCES and every[other].field is stretch.field for other in at)
        (near if close or stretch.field is TextField.TITLE else far).append(stretch)
    return [deciding, near, far]


def _captures(rule: Rule, view: View, evidence: Sequence[Found], deciding: Sequence[Stretch]) -> Captured:
    """What named slots hold: those of the deciding clauses first, then those of `frames:`, in order.

    One frame fills what it names as a whole or not at all, so that giver and taker come from the same words.
    """
    captured: Captured = {}
    for found in evidence:
        for name, annotated in found.held:
            if not any(_same(annotated, other) for other in captured.setdefault(name, [])):
                captured[name].append(annotated)
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


def _read(
    spec: FactSpec, view: View, rings: list[list[Stretch]], captured: list[Annotated], taken: set[str]
) -> Fact | None:
    looked = rings[: {Look.SENTENCE: 1, Look.NEAR: 2, Look.ITEM: 3}[spec.look]]
    if spec.kind is FactKind.FLAG:
        found = next(_spans(spec.phrases, view, looked), None)
        return _fact(spec, view, found, True) if found else None
    if spec.kind is FactKind.TEXT:
        return _text(spec, view, looked)
    usable = [one for one in captured if _shown(one) not in taken]
    if usable and not spec.many and spec.choose == "first":
        return _annotation_fact(spec, usable[:1])
    if spec.captured_only:
        return _annotation_fact(spec, _chosen(spec, usable)) if usable else None
    for ring in looked:
        here = _candidates(spec, view, ring, taken)
        if ring is rings[0]:
            here = usable + [one for one in here if not any(_same(one, other) for other in usable)]
        if here:
            return _annotation_fact(spec, _chosen(spec, here))
    return None


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
    span = Span(field=stretch.field, start=stretch.start, end=stretch.end)
    return Fact(name=spec.name, kind=spec.kind, value=value, span=span, text=view.original(stretch))


def _candidates(spec: FactSpec, view: View, ring: Sequence[Stretch], taken: set[str]) -> list[Annotated]:
    return [
        one
        for stretch in ring
        for one in view.annotated(str(spec.kind), (stretch,))
        if (not spec.kinds or kind_of(one)[1] in spec.kinds) and _shown(one) not in taken
    ]


def _chosen(spec: FactSpec, candidates: list[Annotated]) -> list[Annotated]:
    if spec.many:
        return _many(spec, candidates)
    if spec.choose == "largest":
        return [max(candidates, key=_size)]
    return candidates[-1:] if spec.choose == "last" else candidates[:1]


def _size(annotated: Annotated) -> tuple[float, float]:
    if not isinstance(annotated, Money):
        return (0.0, 0.0)
    return (annotated.converted.usd if annotated.converted else 0.0, annotated.value)


def _many(spec: FactSpec, candidates: list[Annotated]) -> list[Annotated]:
    """Different values in order; with `apart` without places that contain another one."""
    outer: set[str] = set()
    if spec.apart:
        outer = {key for one in candidates if isinstance(one, Place) for key in one.within}
    kept: dict[str, Annotated] = {}
    for one in candidates:
        if not (isinstance(one, Place) and one.key in outer):
            kept.setdefault(_name(one), one)
    return list(kept.values())[:MAX_VALUES]


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
    spans = tuple(Span(field=one.field, start=one.start, end=one.end) for one in chosen)
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
