"""What subscriptions would say of events, without telling anyone: for explaining, and for rules tried on history."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.digest.choose import choose
from watcher.runtime import Runtime
from watcher.store import Connection, events, history, subscriptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whether an event concerns a subscription, and why or why not."""

    event_id: int
    rule_id: str
    subscription_id: str
    chosen: bool
    reason: str


def offers(rt: Runtime, conn: Connection, item_id: int) -> list[Offer]:
    """For each event that the item tells, what each subscription says of it now."""
    views = events.views(conn, history.events_of(conn, item_id))
    found = []
    for view in views.values():
        for subscription in subscriptions.active(conn):
            choice = choose(view, subscription, tells_amounts=rt.rules.tells_amounts(view.rule_id))
            found.append(
                Offer(
                    event_id=view.id,
                    rule_id=view.rule_id,
                    subscription_id=subscription.id,
                    chosen=choice.chosen,
                    reason=choice.reason,
                )
            )
    return found
