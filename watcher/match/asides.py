"""Places that a text names only beside the sides of an event: where a side lies ("Gansu's Qingyang"), where somebody
wrote ("RALEIGH –") or met ("in Durham"). Which places are a rule's fact is `facts`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from watcher.model import Place, PlaceKind, TextField

_OWNS = re.compile(r"(?:['’]s |省|市|州|的|·| )?$")
"""Between a place and the one in it that is named after it."""
_LIES_IN = re.compile(
    r"(?:,? ?(?:in|in the|of|de|du|del|della|der|bei) |, | \(|，|（|,? (?:the )?(?:provincial |state )?capital of )$"
)
"""Between a place and the one that it lies in."""
_DATELINE = re.compile(
    r"(?:/[A-Z][\w.]*)?(?:, [A-Z][\w.]{1,14})?(?:, [A-Z][a-z]{2,8}\.? \d{1,2})?"
    r"\s*(?:\([^)\n]{1,30}\))?\s*(?:[–—:]|- |--)"
    r"|\s?(?:\d+月)?\d+日(?:电|電|讯|訊)"
)
_MET_AT = re.compile(r"(?:\b(?:in|at|en|à|a|in der)\s|[在于於])$", re.IGNORECASE)
_MET_HAN = re.compile(r".{0,5}?(?:召开|召開|举行|舉行|举办|舉辦|签|簽|会见|會見|会面|會面|会谈|會談|开幕|開幕)")
_MET_WHEN = re.compile(
    r",? (?:on (?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|yesterday|today|earlier|last|this (?:week|month))"
)
_STAYED = re.compile(r"\b(?:was|were|is|are|been|arrived?|landed|days|stay(?:ed|s)?|guests?) (?:back )?in $")
_AREAS = frozenset(("eu", "cn/yangtze-delta", "cn/greater-bay-area", "cn/jing-jin-ji"))
"""Areas of many places, that are no side of anything."""
_NEAR_START = 12
_MANY = 2


def asides(places: Sequence[Place], text_of: Callable[[TextField], str]) -> frozenset[str]:
    """Keys of the places of a text, in the order of appearance, that it names only beside its subject."""
    by_key: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        by_key.setdefault(place.key, []).append(index)
    wider = {key for key, at in by_key.items() if all(_locates(places, index, text_of) for index in at)}
    sides = {one.key for one in places if one.kind is not PlaceKind.COUNTRY} - wider - _AREAS
    wider |= _AREAS & by_key.keys() if len(sides) >= _MANY else frozenset()
    for key, at in by_key.items():
        place = places[at[0]]
        lone = len(at) == 1 and key in sides and len(sides) > _MANY
        if lone and (_dateline(place, text_of) or _venue(place, sides - {key}, text_of)):
            sides.discard(key)
            wider.add(key)
    return frozenset(wider)


def _locates(places: Sequence[Place], index: int, text_of: Callable[[TextField], str]) -> bool:
    """Does this mention only say where the place before or after it lies?"""
    one = places[index]
    before = places[index - 1] if index else None
    after = places[index + 1] if index + 1 < len(places) else None
    text = text_of(one.field)
    if after and after.field is one.field and one.key in after.within and _OWNS.match(text[one.end : after.start]):
        return True
    if not before or before.field is not one.field or not _LIES_IN.match(text[before.end : one.start]):
        return False
    unknown = not [key for key in before.within if key != (one.country or "").lower()]
    larger = one.kind in (PlaceKind.REGION, PlaceKind.COUNTRY) and before.kind not in (one.kind, PlaceKind.COUNTRY)
    return one.key in before.within or (unknown and larger and before.country in (None, one.country))


def _dateline(place: Place, text_of: Callable[[TextField], str]) -> bool:
    if place.field is not TextField.TEXT or place.start > _NEAR_START:
        return False
    return _DATELINE.match(text_of(place.field), place.end) is not None


def _venue(place: Place, sides: set[str], text_of: Callable[[TextField], str]) -> bool:
    """ "The governors of North Carolina and Lazio met in Raleigh", "双方在武汉签约" """
    text = text_of(place.field)
    if place.kind is not PlaceKind.CITY or not _MET_AT.search(text, max(0, place.start - 8), place.start):
        return False
    if sides & set(place.within) or _MET_HAN.match(text, place.end):
        return True
    stayed = _STAYED.search(text, max(0, place.start - 20), place.start)
    return _MET_WHEN.match(text, place.end) is not None and not stayed
