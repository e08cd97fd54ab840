"""What a reader wants to hear nothing of now: the mutes of watcher.yml and those set by people, as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from watcher.digest.mute import in_force, muting
from watcher.model import Mute, MuteKind, SubscriptionConfig
from watcher.store import Connection, digests, events, mutes


def mutes_of(conn: Connection, told: Iterable[SubscriptionConfig], now: datetime) -> Mapping[str, tuple[Mute, ...]]:
    """The mutes in force, by subscription, for those that have any."""
    by_people = mutes.active_of(conn, None, now)
    every = {one.id: in_force((*one.mutes, *by_people.get(one.id, ())), now) for one in told}
    return {name: held for name, held in every.items() if held}


def silenced(conn: Connection, held: Sequence[Mute], told: Sequence[digests.AlertRow]) -> set[int]:
    """Ids of those alerts whose event was muted after they were raised."""
    if not held or not told:
        return set()
    views = events.views(conn, [alert.event_id for alert in told])
    return {alert.id for alert in told if muting(views[alert.event_id], held)}


def paused(held: Iterable[Mute]) -> bool:
    """Whether the reader wants to hear nothing at all, not even that there was nothing."""
    return any(mute.kind is MuteKind.ALL for mute in held)
