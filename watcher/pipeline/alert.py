"""Events to alerts: which subscriptions an event concerns, and in which digest each is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from watcher.digest.choose import choose
from watcher.digest.window import next_windows
from watcher.model import (
    EventView,
    RuleStatus,
    SubscriptionConfig,
    When,
    Window,
)
from watcher.pipeline.steps import Nudges, Step, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, subscriptions


def raise_alerts(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Offer each waiting event to every subscription; its alerts and its mark are one transaction."""
    with rt.database.write() as conn:
        claimed = events.claim(conn, ids, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    rt.checkpoint("claimed")
    with rt.database.read() as conn:
        views = events.views(conn, [event.id for event in claimed])
        wanted = subscriptions.active(conn)
    closing: list[int] = []
    for event in claimed:
        with rt.database.write() as conn:
            now = rt.clock()
            told = digests.alerted(conn, event.id)
            opened = [
                _tell(conn, views[event.id], subscription, reason, now)
                for subscription in ([] if event.history else wanted)
                if (reason := _reason(views[event.id], subscription, told.get(subscription.id)))
            ]
            if not events.finish(conn, event, owner=rt.owner):
                conn.rollback()
                continue
            rt.checkpoint("committing")
        closing += [digest_id for digest_id, immediate in opened if immediate]
    rt.checkpoint("committed")
    return nudges({Step.DIGESTS: closing})


def _reason(event: EventView, subscription: SubscriptionConfig, told: int | None) -> str:
    """Why the subscription is to hear of the event's present revision, empty when it is not.

    Who was told an earlier revision hears of the change even when the event concerns them no more by it.
    """
    if told is not None and told >= event.revision:
        return ""
    choice = choose(event, subscription)
    if choice.chosen or told is None:
        return choice.reason if choice.chosen else ""
    subscribed = event.status is not RuleStatus.EXPERIMENTAL and (
        not subscription.rules or event.rule_id in subscription.rules
    )
    return f"told before; now {choice.reason}" if subscribed else ""


def _tell(
    conn: Connection, event: EventView, subscription: SubscriptionConfig, reason: str, now: datetime
) -> tuple[int, bool]:
    immediate = subscription.schedule.when is When.IMMEDIATE
    if immediate:
        windows: Iterable[Window] = [Window(key=f"event:{event.id}:{event.revision}", closes_at=now)]
    else:
        windows = next_windows(subscription.schedule, now)
    for window in windows:
        digest_id = digests.open_window(conn, subscription.id, window, immediate=immediate, now=now)
        if digest_id is not None:
            digests.add_alert(
                conn,
                subscription_id=subscription.id,
                event_id=event.id,
                revision=event.revision,
                reason=reason,
                digest_id=digest_id,
                now=now,
            )
            return digest_id, immediate
    return 0, False
