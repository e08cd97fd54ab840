"""Deliveries to the world: one attempt at a time, its row before the call and its outcome after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from watcher import log
from watcher.deliver.backoff import decide
from watcher.errors import WatcherError
from watcher.model import (
    Delivery,
    DeliveryState,
    Notice,
    Outcome,
    OutcomeKind,
)
from watcher.pipeline.steps import Nudges, at_once
from watcher.runtime import Runtime
from watcher.store import Connection, deliveries, digests, subscriptions

_log = log.get("pipeline")


def deliver(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Send those messages that are due: the attempt is a row before the call, its outcome is one after it."""
    at_once(lambda delivery_id: _send(rt, delivery_id), ids)
    return {}


def _send(rt: Runtime, delivery_id: int) -> None:
    with rt.database.write() as conn:
        delivery = deliveries.claim(conn, delivery_id, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    if delivery is None:
        return
    rt.checkpoint("sending")
    outcome = _call(rt, delivery)
    rt.checkpoint("sent")
    now = rt.clock()
    following = decide(
        outcome,
        attempt=delivery.attempt,
        first_attempt_at=delivery.first_attempt_at,
        now=now,
        base_s=rt.settings.retry_base_s,
        max_s=rt.settings.retry_max_s,
        attempts_max=rt.settings.deliver_attempts_max,
        jitter_key=delivery.key,
    )
    with rt.database.write() as conn:
        deliveries.finish(conn, delivery, owner=rt.owner, outcome=outcome, following=following, now=now)
        _tell_trouble(conn, delivery, outcome, following.state, now)
    _log.info("sent" if outcome.kind is OutcomeKind.SENT else "not sent", delivery=delivery.id, reason=outcome.reason)


def _call(rt: Runtime, delivery: Delivery) -> Outcome:
    try:
        return rt.channel(delivery.channel).send(delivery.envelope, attempt=delivery.attempt, now=rt.clock())
    except WatcherError as error:
        return Outcome(kind=OutcomeKind.CHANNEL_DOWN, reason="channel_misconfigured", detail=str(error))


def _tell_trouble(conn: Connection, delivery: Delivery, outcome: Outcome, state: DeliveryState, now: datetime) -> None:
    name = delivery.channel.id
    if outcome.reason == "http_410" and subscriptions.disable_channel(conn, name, reason="the receiver answered 410"):
        lines = (f"{name} answered 410 Gone; what is addressed to it waits.", "Change or remove it in watcher.yml.")
        told = Notice(subject=f"Channel {name} was disabled", lines=lines)
        digests.add_notice(conn, f"channel:{name}:{delivery.id}", told, now=now)
    elif state is DeliveryState.PARKED:
        lines = (
            f"Delivery {delivery.id}: {outcome.reason}. {outcome.detail}",
            "watcher deliveries list --state parked",
        )
        told = Notice(subject=f"A message to {name} was parked", lines=lines)
        digests.add_notice(conn, f"parked:{name}:{now:%Y-%m-%d}", told, now=now)
