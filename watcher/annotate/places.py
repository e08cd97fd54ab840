"""Places named in a text, with one identity across languages and the places that contain them.

Spellings come from `gazetteer`, types of zones and parks from `zone_words`; inside a company's name there is no place.
"""

from __future__ import annotations

from watcher.annotate.gazetteer import MOST_READ, east_asian
from watcher.annotate.parties import organisations
from watcher.annotate.place_found import Found
from watcher.annotate.place_han import HanReader
from watcher.annotate.place_latin import LatinReader
from watcher.model import Place, TextField


def places(text: str, field: TextField, *, language: str | None = None) -> tuple[Place, ...]:
    """Places of one field in order of appearance, without overlaps; texts are read to `MOST_READ` code points.

    `language` only settles what the script leaves open.
    """
    text = text[:MOST_READ]
    masked = organisations(text)
    found = LatinReader(text, masked).read()
    if east_asian(text):
        found += HanReader(text, masked, language).read()
    found.sort(key=lambda f: (f.start, f.start - f.end))
    result: list[Place] = []
    for one in found:
        if not result or one.start >= result[-1].end:
            result.append(_place(text, field, one))
    return tuple(result)


def _place(text: str, field: TextField, one: Found) -> Place:
    return Place(
        field=field,
        start=one.start,
        end=one.end,
        text=text[one.start : one.end],
        name=one.name,
        kind=one.kind,
        country=one.country,
        key=one.key,
        within=one.within,
    )
