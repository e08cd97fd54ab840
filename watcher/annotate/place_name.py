"""A name that stands alone, as the place it means: for filters and mutes, where nobody wrote a sentence around it."""

from __future__ import annotations

from functools import lru_cache

from watcher.annotate.places import places
from watcher.model import TextField

LONGEST = 200
"""Code points of a name that is looked up; nothing longer is a name."""


@lru_cache(maxsize=16_384)
def keys_of(name: str) -> tuple[str, ...]:
    """The key of the place and of those it lies in, nearest first; nothing where the gazetteer does not know it."""
    name = name.strip()[:LONGEST]
    for spelling in (name, name.title()):  # people type names without capitals
        for place in places(spelling, TextField.TITLE):
            if (place.start, place.end) == (0, len(name)):
                return (place.key, *place.within)
    return ()
