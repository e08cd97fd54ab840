"""Organisations named in a text: companies, funds, universities, institutes, governments, parks as operators.

People are not parties. This module merges what the Latin and the Han reader found, and adds public bodies named by
their place and parks as operators. What makes a name an organisation is decided in `party_latin` and `party_han`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from watcher.annotate.gazetteer import MOST_READ, fold_han, gazetteer
from watcher.annotate.party_han import han_organisations
from watcher.annotate.party_latin import aliases, latin_organisations
from watcher.annotate.party_names import Organisation, key_of
from watcher.model import Party, PartyKind, Place, PlaceKind, Span, TextField

_BARE_LEGAL = re.compile(r"[\s,]+(?:Inc|Ltd|LLC|plc|PLC|Co|Corp|GmbH|AG|SA|SE|NV|BV|AB|SpA|Srl)\.?$")


@lru_cache(maxsize=8)
def organisations(text: str) -> tuple[Organisation, ...]:
    """Names of organisations by their own words alone, in order and without overlaps; places use it as a mask."""
    text = text[:MOST_READ]
    found = sorted((*latin_organisations(text), *han_organisations(text)), key=lambda o: (o.start, -o.end))
    kept: list[Organisation] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def parties(text: str, field: TextField, places: Iterable[Place] = (), other: str = "") -> tuple[Party, ...]:
    """Parties of one field in order of appearance; `places` are that field's places, for parks and countries.

    Companies that the `other` field names are found here by their first word or their whole name too: a title has no
    room for "Inc." or "生物科技有限公司".
    """
    known = [p for p in places if p.field is field]
    parks = [p for p in known if p.kind in (PlaceKind.PARK, PlaceKind.ZONE)]
    inner = _cover(text, parks)
    result = [_party(text, field, one, known) for one in organisations(text) if not all(inner[one.start : one.end])]
    result += _public_bodies(text, field, known)
    result += _named_elsewhere(text, field, other, [*result, *known])
    taken = _cover(text, result)
    for place in parks:
        if not any(taken[place.start : place.end]):
            kind, span = PartyKind.PARK, (place.start, place.end)
            result.append(_of_place(text, field, span, place, kind=kind, name=place.name, key=place.key))
    return tuple(sorted(result, key=lambda p: (p.start, p.end)))


def _cover(text: str, spans: Iterable[Span]) -> bytearray:
    """One byte per code point: 1 where any of the spans lies."""
    covered = bytearray(len(text))
    for span in spans:
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    return covered


MOST_ELSEWHERE = 30
"""Names of the other field that are looked for."""


def _named_elsewhere(text: str, field: TextField, other: str, found: Iterable[Span]) -> list[Party]:
    """Mentions of companies of the other field, where nothing else was found."""
    taken = _cover(text, found)
    result: list[Party] = []
    for alias, one in _short_names(other).items():
        for match in re.finditer(_bounded(alias), text):
            if not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\1" * len(alias)
                span = Organisation(match.start(), match.end(), one.kind, one.name, one.key, one.country)
                result.append(_party(text, field, span, []))
    return result


@lru_cache(maxsize=8)
def _short_names(text: str) -> dict[str, Organisation]:
    """Short and whole names of the companies of a text."""
    names: dict[str, Organisation] = {}
    for one in organisations(text)[:MOST_ELSEWHERE]:
        if one.kind is not PartyKind.COMPANY:
            continue
        written = text[one.start : one.end]
        name = one.name or _BARE_LEGAL.sub("", fold_han(written))
        full = Organisation(one.start, one.end, one.kind, name, one.key or key_of(name), one.country)
        for alias in (*aliases(written, one.kind), _BARE_LEGAL.sub("", written)):
            if len(alias) > 2:
                names.setdefault(alias, full)
    return names


def _bounded(name: str) -> str:
    """A pattern of a name that is not part of a longer word in Latin letters."""
    open_, close = (r"(?<![\w-])" if name[0].isascii() else ""), (r"(?![\w-])" if name[-1].isascii() else "")
    return f"{open_}{re.escape(name)}{close}"


_BODY_AFTER = re.compile(
    r"(?:['’]s)? (?:(?:municipal|city|provincial|county|district|regional|state|town|metropolitan|local|prefectural) )?"
    r"(?:government|authorities|administration|council|municipality|city hall|City Hall|Government|Municipality)\b"
)
_BODY_BEFORE = re.compile(
    r"(?:(?:municipal|provincial|regional|local|city) )?(?:[Gg]overnment|[Mm]unicipality|"
    r"[Cc]ity [Cc]ouncil|[Cc]ity|[Ss]tate|Province|County|Mayor's Office) of (?:the "
    r")?$"
)


def _public_bodies(text: str, field: TextField, places: list[Place]) -> list[Party]:
    """ "Guangzhou municipal government", "the government of Yunnan Province", "City of Virginia Beach"."""
    found: list[Party] = []
    for place in places:
        if place.kind is PlaceKind.PARK or not text[place.start : place.end].isascii():
            continue
        start, end = place.start, place.end
        if match := _BODY_AFTER.match(text, end):
            end = match.end()
        elif match := _BODY_BEFORE.search(text, max(0, start - 40), start):
            start = match.start()
        else:
            continue
        name = text[start:end]
        if not (found and found[-1].end > start):
            found.append(
                _of_place(
                    text,
                    field,
                    (start, end),
                    place,
                    kind=PartyKind.GOVERNMENT,
                    name=name,
                    key=f"{place.key}#government",
                )
            )
    taken = organisations(text)
    return [p for p in found if not any(o.start < p.end and p.start < o.end for o in taken)]


def _of_place(
    text: str, field: TextField, span: tuple[int, int], place: Place, *, kind: PartyKind, name: str, key: str
) -> Party:
    return Party(
        field=field,
        start=span[0],
        end=span[1],
        text=text[span[0] : span[1]],
        name=name,
        kind=kind,
        key=key,
        country=place.country,
    )


def _party(text: str, field: TextField, one: Organisation, places: list[Place]) -> Party:
    written = text[one.start : one.end]
    name = one.name or _BARE_LEGAL.sub("", fold_han(written))
    country = one.country or _country(one, places, text)
    return Party(
        field=field,
        start=one.start,
        end=one.end,
        text=written,
        name=name,
        kind=one.kind,
        key=one.key or key_of(name),
        country=country,
    )


def _country(one: Organisation, places: list[Place], text: str) -> str | None:
    """The country of a place inside the name or right before it ("Italy's Sibylla Biotech", "上海翰森")."""
    for place in places:
        if place.start >= one.start and place.end <= one.end:
            return place.country
        if place.end <= one.start <= place.end + 3 and text[place.end : one.start].strip(" '’s的-") == "":
            return place.country
    entry = gazetteer().by_key(one.seat) if one.seat else None
    return entry.country if entry else None
