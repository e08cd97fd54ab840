"""Events to alerts: which subscriptions an event concerns, and in which digest each is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from watcher import log
from watcher.digest.choose import choose
from watcher.digest.timing import Timing, timings
from watcher.errors import LeaseLost, TryAgain
from watcher.model import Choice, EventView, Notice, RuleStatus, SubscriptionConfig, When, Window
from watcher.pipeline import ledger
from watcher.pipeline.silence import mutes_of
from watcher.pipeline.steps import REDO, SOON, Failure, Nudges, Step, Turn, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, subscriptions
from watcher.store.demotions import Demotion

_log = log.get("pipeline")
_AT_ONCE = 200
"""Subscriptions that one transaction tells."""
_WINDOWS = 10
"""Windows that are tried for one alert: one may close while its alert is being written, ten in a row do not."""


def raise_alerts(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Offer each waiting event to every subscription; its alerts and its mark are one transaction."""
    turn = Turn(rt, Step.EVENTS)
    closing: list[int] = []
    for claimed in turn.batches(events.claim, ids, events.due):
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
    """The digests of immediate subscriptions that may close now.

    What concerns whom is found out before anything is written, and written for some subscriptions at a time, so that
    an event that concerns a thousand does not keep all others from writing.
    """
    rt = turn.rt
    view, reasons, fallen = (None, {}, None) if event.history else _concerned(rt, event)
    opened: list[int] = []
    ids = sorted(reasons)
    parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)] or [[]]
    try:
        for number, part in enumerate(parts, 1):
            with rt.database.write() as conn:
                if not events.hold(conn, event, owner=turn.owner):
                    raise LeaseLost(f"event {event.id}: offered by another worker meanwhile")
                if view is not None:
                    opened += _tell(conn, view, {one: reasons[one] for one in part}, fallen, rt.clock())
                if number == len(parts):
                    events.finish(conn, event, owner=turn.owner)
                turn.reach("committing")
    except LeaseLost as lost:
        _log.warning("alerts dropped", event_id=event.id, why=str(lost))
    return opened


_Reasons = dict[str, tuple[SubscriptionConfig, str]]
"""By subscription: its configuration, and why it is to hear of the event."""


def _concerned(rt: Runtime, event: events.ClaimedEvent) -> tuple[EventView, _Reasons, Demotion | None]:
    """The event, whom it concerns, and the fall below its floor for which its rule tells nothing at once."""
    with rt.database.read() as conn:
        view = events.views(conn, [event.id])[event.id]
        told = digests.alerted(conn, event.id)
        active = subscriptions.active(conn)
        held = mutes_of(conn, active, rt.clock())
        fallen = ledger.digested(conn, rt.rules, view.rule_id)
    tells_amounts = rt.rules.tells_amounts(view.rule_id)
    reasons = {}
    for subscription in active:
        choice = choose(view, subscription, tells_amounts=tells_amounts, mutes=held.get(subscription.id, ()))
        reason = _reason(view, subscription, choice, told.get(subscription.id))
        if reason:
            at_once = subscription.schedule.when is When.IMMEDIATE
            why = f"{reason}; once a day: {fallen.reason}" if fallen is not None and at_once else reason
            reasons[subscription.id] = (subscription, why)
    return view, reasons, fallen


def _reason(event: EventView, subscription: SubscriptionConfig, choice: Choice, told: int | None) -> str:
    """Why the subscription is to hear of the event's present revision, empty when it is not.

    Who was told an earlier revision hears of the change even when the event concerns them no more by it.
    """
    if told is not None and told >= event.revision:
        return ""
    if choice.chosen or told is None or choice.muted:
        return choice.reason if choice.chosen else ""
    subscribed = not subscription.rules or event.rule_id in subscription.rules
    return f"told before; now {choice.reason}" if subscribed and event.status is not RuleStatus.EXPERIMENTAL else ""


def _tell(conn: Connection, event: EventView, reasons: _Reasons, fallen: Demotion | None, now: datetime) -> list[int]:
    """Write the alerts; the digests among theirs that may close at once.

    An alert goes into the digest that is still to tell an earlier revision, else into the first window that is open.
    """
    name = f"event:{event.id}:{event.revision}"
    live = subscriptions.told_of(conn, reasons)
    placed = digests.untold(conn, event.id, live)
    spent = _messages(conn, [reasons[one][0] for one in live - placed.keys()], now)
    waiting = {
        one: timings(reasons[one][0], now, name=name, messages=spent.get(one, ()), below_floor=fallen is not None)
        for one in live - placed.keys()
    }
    at_once: list[int] = []
    for _ in range(_WINDOWS):
        best = {one: timing for one, rest in waiting.items() if (timing := next(rest, None)) is not None}
        found = digests.open_windows(conn, [_opening(one, timing) for one, timing in best.items()], now=now)
        placed |= found
        at_once += [found[one] for one in found if best[one].window.closes_at <= now]
        waiting = {one: rest for one, rest in waiting.items() if one in best and one not in found}
        if not waiting:
            break
    told = {one: (digest_id, reasons[one][1]) for one, digest_id in placed.items()}
    digests.add_alerts(conn, told, event_id=event.id, revision=event.revision, now=now)
    return sorted(at_once)


def _opening(subscription_id: str, timing: Timing) -> digests.Opening:
    return digests.Opening(
        subscription_id=subscription_id, window=timing.window, immediate=timing.immediate, late_at=timing.late_at
    )


def _messages(conn: Connection, told: Sequence[SubscriptionConfig], now: datetime) -> dict[str, list[Window]]:
    """The messages that count against the budgets of these subscriptions, which stay locked: one worker at a time."""
    bounded = {one.id: one.budget.per_s for one in told if one.budget and one.schedule.when is When.IMMEDIATE}
    if not bounded:
        return {}
    subscriptions.lock(conn, bounded)
    return digests.messages(conn, bounded, after=now - timedelta(seconds=max(bounded.values())))


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
