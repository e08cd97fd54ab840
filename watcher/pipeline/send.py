"""Deliveries to the world: one attempt at a time, its row before the call and its outcome after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from watcher import log
from watcher.deliver.backoff import decide
from watcher.deliver.channel import UNCERTAIN_RETRY_S
from watcher.errors import TryAgain, WatcherError
from watcher.model import ChannelKind, Delivery, DeliveryState, NextAttempt, Notice, Outcome, OutcomeKind
from watcher.pipeline.steps import Failure, Nudges, Step, Turn, at_once, attempt
from watcher.runtime import Runtime
from watcher.store import Connection, channels, deliveries, digests

_log = log.get("pipeline")
_MARK_S = 20.0
"""How long a mark after a send is tried: giving up means that the message goes out twice."""


def deliver(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Send those messages that are due: the attempt is a row before the call, its outcome is one after it."""
    turn = Turn(rt, Step.DELIVERIES)
    at_once(partial(_send, turn), ids)
    return {}


def _send(turn: Turn, delivery_id: int) -> None:
    rt = turn.rt
    if turn.over:
        return
    with rt.database.write() as conn:
        delivery = deliveries.claim(conn, delivery_id, owner=turn.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    if delivery is None:
        return
    if delivery.tries > rt.settings.deliver_attempts_max:
        _mark(turn, delivery, _never_ended(delivery))
        return
    turn.reach("sending")
    outcome = _call(rt, delivery)
    turn.reach("sent")
    _mark(turn, delivery, outcome)


def _never_ended(delivery: Delivery) -> Outcome:
    detail = f"a worker died in each of {delivery.tries - 1} attempts"
    return Outcome(kind=OutcomeKind.REJECTED, reason="worker_died", detail=detail)


def _call(rt: Runtime, delivery: Delivery) -> Outcome:
    def send() -> Outcome:
        return rt.channel(delivery.channel).send(delivery.envelope, attempt=delivery.tries, now=rt.clock())

    outcome = attempt(rt, send)
    if not isinstance(outcome, Failure):
        return outcome
    if isinstance(outcome.error, WatcherError):
        return Outcome(kind=OutcomeKind.CHANNEL_DOWN, reason="channel_misconfigured", detail=str(outcome.error))
    _log.error("our own program failed on a delivery", delivery=delivery.id, why=outcome.why)
    # a webhook's id makes a repeat harmless; of the others nobody knows whether the message went out
    harmless = delivery.channel.kind is ChannelKind.WEBHOOK
    return Outcome(
        kind=OutcomeKind.RETRY if harmless else OutcomeKind.UNCERTAIN,
        reason="internal_error",
        detail=type(outcome.error).__name__,
        retry_after_s=None if harmless else UNCERTAIN_RETRY_S,
    )


def _mark(turn: Turn, delivery: Delivery, outcome: Outcome) -> None:
    rt, now = turn.rt, turn.rt.clock()
    following = decide(
        outcome,
        attempt=delivery.tries,
        first_attempt_at=delivery.first_attempt_at,
        now=now,
        base_s=rt.settings.retry_base_s,
        max_s=rt.settings.retry_max_s,
        attempts_max=rt.settings.deliver_attempts_max,
        jitter_key=delivery.key,
    )
    give_up_at = time.monotonic() + _MARK_S
    while True:
        try:
            _write(turn, delivery, outcome, following, now)
            break
        except TryAgain as away:
            if time.monotonic() > give_up_at:
                raise
            _log.warning("sent, but not marked yet", delivery=delivery.id, why=str(away))
            time.sleep(0.5)
    _log.info("sent" if outcome.kind is OutcomeKind.SENT else "not sent", delivery=delivery.id, reason=outcome.reason)


def _write(turn: Turn, delivery: Delivery, outcome: Outcome, following: NextAttempt, now: datetime) -> None:
    with turn.rt.database.write() as conn:
        deliveries.finish(conn, delivery, owner=turn.owner, outcome=outcome, following=following, now=now)
        _tell_trouble(conn, delivery, outcome, following.state, now)


def _tell_trouble(conn: Connection, delivery: Delivery, outcome: Outcome, state: DeliveryState, now: datetime) -> None:
    name = delivery.channel.id
    if outcome.reason == "http_410" and channels.disable(conn, name, reason="the receiver answered 410"):
        lines = (
            f"{name} answered 410 Gone; what is addressed to it waits.",
            f"Change or remove it in watcher.yml, or `watcher channels enable {name}`.",
        )
        told = Notice(subject=f"Channel {name} was disabled", lines=lines)
        digests.add_notice(conn, f"channel:{name}:{delivery.id}", told, now=now)
    elif outcome.kind is OutcomeKind.CHANNEL_DOWN and state is DeliveryState.PENDING:
        why = (f"{outcome.reason}: {outcome.detail}", "What is addressed to it waits; a change in watcher.yml,")
        cure = f"`watcher channels enable {name}` or `watcher deliveries retry {delivery.id}` tries at once."
        told = Notice(subject=f"Channel {name} does not work", lines=(*why, cure))
        digests.add_notice(conn, f"down:{name}:{outcome.reason}:{now:%Y-%m-%d}", told, now=now)
    elif state is DeliveryState.PARKED:
        happened = f"Delivery {delivery.id}: {outcome.reason}. {outcome.detail}"
        lines = (happened, f"`watcher deliveries retry {delivery.id}` sends it again.")
        told = Notice(subject=f"A message to {name} was parked", lines=lines)
        digests.add_notice(conn, f"parked:{name}:{now:%Y-%m-%d}", told, now=now)
