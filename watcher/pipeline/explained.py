"""Why the rules in force say yes or no of a stored item, within a bounded time: what `watcher rules explain` tells.

It runs in a child that is killed when it takes too long, since a long text can cost seconds and pages must not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher import wire
from watcher.digest.choose import choose
from watcher.errors import TryAgain
from watcher.match.explain import Explanation
from watcher.model import EventView, Item, SubscriptionConfig
from watcher.pipeline.classify import news_text
from watcher.pipeline.preview import Offer
from watcher.pipeline.silence import mutes_of
from watcher.runtime import Runtime
from watcher.store import Connection

WITHIN_S = 30.0
WAITING = 3
"""So many may wait for the one child; whoever comes later is asked to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What each rule came to on one item, by the rules as they are in the folder now."""

    rules: tuple[Explanation, ...]
    amounts: frozenset[str]
    """The rules that read amounts."""
    version: str


def explained(rt: Runtime, item: Item) -> Explained:
    """Raises SandboxFailed when it takes too long or the rules are wrong, TryAgain when too many ask at once."""
    if not rt.explaining_turns.acquire(blocking=False):
        raise TryAgain("others are asking the rules just now")
    try:
        payload = {"folder": str(rt.rules.folder.resolve()), "news": wire.dump(news_text(item))}
        answer = rt.explaining.call("watcher.match.apart:explained", payload, timeout_s=WITHIN_S)
    finally:
        rt.explaining_turns.release()
    return Explained(
        rules=tuple(wire.load(Explanation, one) for one in answer["rules"]),
        amounts=frozenset(answer["amounts"]),
        version=answer["version"],
    )


def offers_of(
    rt: Runtime, conn: Connection, event: EventView, told: Sequence[SubscriptionConfig], *, tells_amounts: bool
) -> list[Offer]:
    """What each of those subscriptions says of the event now, mutes included."""
    held = mutes_of(conn, told, rt.clock())
    choices = ((one.id, choose(event, one, tells_amounts=tells_amounts, mutes=held.get(one.id, ()))) for one in told)
    return [
        Offer(
            event_id=event.id,
            rule_id=event.rule_id,
            subscription_id=name,
            chosen=choice.chosen,
            reason=choice.reason,
        )
        for name, choice in choices
    ]
