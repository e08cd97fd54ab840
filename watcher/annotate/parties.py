"""Organisations named in a text: companies, funds, universities, institutes, governments, parks as operators.

People are not parties. This module merges what the Latin and the Han reader found, ties short forms and acronyms to the full
name, and gives parks that are places their second life as operators.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from watcher.annotate.gazetteer import fold_han, gazetteer
from watcher.annotate.party_han import han_organisations
from watcher.annotate.party_latin import latin_organisations
from watcher.annotate.party_names import Organisation, key_of
from watcher.model import Party, PartyKind, Place, PlaceKind, TextField

_BARE_LEGAL = re.compile(r"[\s,]+(?:Inc|Ltd|LLC|plc|PLC|Co|Corp|GmbH|AG|SA|SE|NV|BV|AB|SpA|Srl)\.?$")


def organisations(text: str) -> tuple[Organisation, ...]:
    """Names of organisations by their own words alone, in order and without overlaps; places use it as a mask."""
    found = sorted((*latin_organisations(text), *han_organisations(text)), key=lambda o: (o.start, -o.end))
    kept: list[Organisation] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return tuple(kept)


def parties(text: str, field: TextField, places: Iterable[Place] = ()) -> tuple[Party, ...]:
    """Parties of one field in order of appearance; `places` are that field's places, used for parks and for countries."""
    known = [p for p in places if p.field is field]
    result = [_party(text, field, one, known) for one in organisations(text)]
    taken = [(p.start, p.end) for p in result]
    for place in known:
        if place.kind in (PlaceKind.PARK, PlaceKind.ZONE) and not any(
            s < place.end and place.start < e for s, e in taken
        ):
            result.append(
                Party(
                    field=field, start=place.start, end=place.end, text=place.text, name=place.name,
                    kind=PartyKind.PARK, key=place.key, country=place.country,
                )
            )  # fmt: skip
    return tuple(sorted(result, key=lambda p: (p.start, p.end)))


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
