"""Rules that subscriptions name and nobody wrote: such a name would be silent for ever, so it is told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from watcher.config.place import near
from watcher.model import MuteKind, SubscriptionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRule:
    """A rule's name that stands somewhere, and which one may be meant."""

    where: str
    name: str
    instead: str

    def __str__(self) -> str:
        return f"{self.where}: there is no rule {self.name}" + (f" – {self.instead}" if self.instead else "")


def unknown_rules(told: Iterable[SubscriptionConfig], known: Collection[str]) -> list[UnknownRule]:
    """Pure: the names in `rules`, `params` and `mute` that are no rule's, in the order of the subscriptions."""
    ids = sorted(known)
    return [
        UnknownRule(where=f"subscription {one.id}, {place}", name=name, instead=near(name, ids))
        for one in told
        for place, name in _named(one)
        if name not in known
    ]


def _named(told: SubscriptionConfig) -> Iterator[tuple[str, str]]:
    yield from (("rules", name) for name in told.rules)
    yield from (("params", name) for name in told.params)
    yield from (("mute", mute.value) for mute in told.mutes if mute.kind is MuteKind.RULE)
