"""The few facts of a telling that say whether two tellings can be one story: codes, parties, places, amounts.

Read by `annotate`, which takes milliseconds, and therefore only for items whose words leave the question open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from watcher.annotate import annotate
from watcher.model import Annotations, AssetKind, Bound, Money, MoneyRole, NewsText, PartyKind, PlaceKind, TextField
from watcher.story.fingerprint import Telling

MOST_READ = 3_000
HEAD = 160
"""Code points of a text that stand for its headline where it has none."""
_TOLD_ONCE = {
    MoneyRole.RAISED,
    MoneyRole.INVESTED,
    MoneyRole.GRANTED,
    MoneyRole.UPFRONT,
    MoneyRole.DEAL_TOTAL,
    MoneyRole.FINE,
}
_LEAST_USD = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    codes: frozenset[str]
    parties: frozenset[str]
    """Keys of companies, funds, universities and institutes."""
    heads: frozenset[str]
    """Those of the headline."""
    places: frozenset[str]
    amounts: Mapping[MoneyRole, float]
    """USD by role, where the telling gives exactly one of that role."""
    rounded: frozenset[str]
    """All amounts in USD to two digits."""


@lru_cache(maxsize=4096)
def facts(told: Telling) -> Facts:
    """The facts of a telling; kept for the tellings asked for last."""
    title, text = _whole(told.title), _whole(told.text[:MOST_READ])
    found = annotate(NewsText(title=title, text=text, language=told.language, dated=told.dated))
    named = [one for one in found.parties if one.kind not in (PartyKind.GOVERNMENT, PartyKind.PARK)]
    head = TextField.TITLE if title else TextField.TEXT
    return Facts(
        codes=frozenset(one.name.casefold().replace("-", "") for one in found.assets if one.kind is AssetKind.CODE),
        parties=frozenset(one.key for one in named),
        heads=frozenset(one.key for one in named if one.field is head and one.start < HEAD),
        places=frozenset(one.key for one in found.places if one.kind is not PlaceKind.COUNTRY),
        amounts=_amounts(found),
        rounded=frozenset(f"{usd:.1e}" for one in found.money if (usd := _usd(one)) >= _LEAST_USD),
    )


def _whole(text: str) -> str:
    """Without halves of characters, which no text that was decoded has, but a line of JSON may."""
    return text.encode("utf-8", "replace").decode()


def _amounts(found: Annotations) -> dict[MoneyRole, float]:
    by_role: dict[MoneyRole, set[float]] = {}
    for one in found.money:
        if one.role in _TOLD_ONCE and one.bound in (Bound.EXACT, Bound.ABOUT) and _usd(one):
            by_role.setdefault(one.role, set()).add(_usd(one))
    return {role: values.pop() for role, values in by_role.items() if len(values) == 1}


def _usd(one: Money) -> float:
    return one.converted.usd if one.converted else 0.0
