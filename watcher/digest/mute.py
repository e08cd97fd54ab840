"""What a subscription wants to hear nothing of for a while: which mute an event falls under, and how that is said.

A mute of a rule or story means just that one. A mute of a party means the party under all its names and spellings; a
mute of a place also means what lies inside it. One muted name among several is enough, since who mutes Seoul does not
want the partnerships of Seoul either. Only facts count: a name in a title may be there in passing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from watcher import wording
from watcher.annotate.party_names import key_of
from watcher.annotate.place_name import LONGEST as _LONGEST
from watcher.annotate.place_name import keys_of
from watcher.model import EventView, Fact, FactKind, Mute, MuteKind


def in_force(mutes: Iterable[Mute], now: datetime) -> tuple[Mute, ...]:
    """Those that have not ended; a mute ends at its instant."""
    return tuple(mute for mute in mutes if mute.until is None or now < mute.until)


def muting(event: EventView, mutes: Iterable[Mute]) -> Mute | None:
    """Pure: the mute under which the event falls, of several the one that lasts longest; `mutes` are in force."""
    met = [mute for mute in mutes if _meets(event, mute)]
    return max(met, key=lambda mute: (mute.until is None, mute.until.timestamp() if mute.until else 0.0), default=None)


def told(mute: Mute, zone: str) -> str:
    """`muted until 31 Jan 2027: party Acme`, the day in that IANA zone; `muted: party Acme` without an end."""
    until = f" until {wording.day(mute.until.astimezone(ZoneInfo(zone)))}" if mute.until else ""
    return f"muted{until}: {mute.kind} {wording.one_line(mute.value, 80)}"


def _meets(event: EventView, mute: Mute) -> bool:
    match mute.kind:
        case MuteKind.RULE:
            return event.rule_id == mute.value
        case MuteKind.STORY:
            return event.story_id is not None and str(event.story_id) == mute.value
        case MuteKind.PARTY:
            return _party(mute.value) in {_party(name) for name in _names(event, FactKind.PARTY)} - {""}
        case MuteKind.PLACE:
            wanted = _place(mute.value)
            known = (_place(name) for name in _names(event, FactKind.PLACE, FactKind.PARTY))
            return bool(wanted) and any(wanted[0] in place for place in known)
        case MuteKind.ALL:
            return True


def _names(event: EventView, *kinds: FactKind) -> Iterator[str]:
    for fact in event.facts.values():
        if fact.kind in kinds:
            yield from _said(fact)


def _said(fact: Fact) -> Iterator[str]:
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    yield from (value for value in values if isinstance(value, str))
    yield fact.text


@lru_cache(maxsize=16_384)
def _party(name: str) -> str:
    return key_of(name[:_LONGEST])


@lru_cache(maxsize=16_384)
def _place(name: str) -> tuple[str, ...]:
    """The keys of the place and of what it lies in; its folded name where the gazetteer does not know it."""
    if known := keys_of(name):
        return known
    folded = key_of(name.strip()[:_LONGEST])
    return (f"name:{folded}",) if folded else ()
