"""Events to alerts: which subscriptions an event concerns, and in which digest each is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from watcher import log
from watcher.digest.choose import choose
from watcher.digest.window import next_windows
from watcher.errors import LeaseLost, TryAgain
from watcher.model import EventView, Notice, RuleStatus, SubscriptionConfig, When, Window
from watcher.pipeline.steps import REDO, SOON, Failure, Nudges, Step, Turn, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, subscriptions

_log = log.get("pipeline")


def raise_alerts(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Offer each waiting event to every subscription; its alerts and its mark are one transaction."""
    turn = Turn(rt, Step.EVENTS)
    closing: list[int] = []
    for claimed in turn.batches(events.claim, ids):
        for event in claimed:
            if event.attempt > rt.settings.park_after:
                _set_aside(turn, event, f"a worker died {event.attempt - 1} times on this event")
                continue
            opened = attempt(rt, partial(_offer, turn, event))
            if isinstance(opened, Failure):
                _set_aside(turn, event, opened.why, passing=isinstance(opened.error, TryAgain))
            else:
                closing += opened
    turn.reach("committed")
    return nudges({Step.DIGESTS: closing})


def _offer(turn: Turn, event: events.ClaimedEvent) -> list[int]:
    """The digests of immediate subscriptions that may close now."""
    try:
        with turn.rt.database.write() as conn:
            now = turn.rt.clock()
            opened = [] if event.history else _alerts(turn.rt, conn, event, now)
            if not events.finish(conn, event, owner=turn.owner):
                raise LeaseLost(f"event {event.id}: offered by another worker meanwhile")
            turn.reach("committing")
    except LeaseLost as lost:
        _log.warning("alerts dropped", event_id=event.id, why=str(lost))
        return []
    return [digest_id for digest_id, immediate in opened if immediate]


def _alerts(rt: Runtime, conn: Connection, event: events.ClaimedEvent, now: datetime) -> list[tuple[int, bool]]:
    view = events.views(conn, [event.id])[event.id]
    tells_amounts = rt.rules.tells_amounts(view.rule_id)
    told = digests.alerted(conn, event.id)
    opened = []
    for subscription in subscriptions.active(conn):
        reason = _reason(view, subscription, told.get(subscription.id), tells_amounts=tells_amounts)
        if reason:
            opened.append(_tell(conn, view, subscription, reason, now))
    return opened


def _reason(event: EventView, subscription: SubscriptionConfig, told: int | None, *, tells_amounts: bool) -> str:
    """Why the subscription is to hear of the event's present revision, empty when it is not.

    Who was told an earlier revision hears of the change even when the event concerns them no more by it.
    """
    if told is not None and told >= event.revision:
        return ""
    choice = choose(event, subscription, tells_amounts=tells_amounts)
    if choice.chosen or told is None:
        return choice.reason if choice.chosen else ""
    subscribed = not subscription.rules or event.rule_id in subscription.rules
    return f"told before; now {choice.reason}" if subscribed and event.status is not RuleStatus.EXPERIMENTAL else ""


def _set_aside(turn: Turn, event: events.ClaimedEvent, why: str, *, passing: bool = False) -> None:
    """Put the event off, or park it at last; trouble that passes by itself never parks."""
    rt, now = turn.rt, turn.rt.clock()
    last = event.attempt >= rt.settings.park_after and not passing
    _log.error("an event was set aside", event_id=event.id, attempt=event.attempt, parked=last, why=why)
    with rt.database.write() as conn:
        if not last:
            wait = SOON if passing else REDO * event.attempt
            events.put_off(conn, event, owner=turn.owner, until=now + wait, tried=not passing)
        elif events.park(conn, event, owner=turn.owner, reason=why):
            lines = (f"Event {event.id}", why, "`watcher items retry` offers it again.")
            digests.add_notice(conn, f"event:{event.id}", Notice(subject="An event was parked", lines=lines), now=now)


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
