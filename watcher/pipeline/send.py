"""Deliveries to the world: one attempt at a time, its row before the call and its outcome after it.

A nudge names messages; what is worked on is their channels, each in a thread of its own that goes on with the channel's
next message, oldest first. So a channel that hangs holds its own thread and nobody else's turn.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
from functools import partial

from watcher import log
from watcher.deliver import breaker, pace
from watcher.deliver.backoff import Spans, decide, sent_again
from watcher.deliver.pace import Gate
from watcher.errors import TryAgain, WatcherError
from watcher.model import ChannelKind, ChannelState, Delivery, Outcome, OutcomeKind
from watcher.pipeline import bounces, trouble
from watcher.pipeline.steps import Failure, Nudges, Step, Turn, attempt
from watcher.pipeline.wanted import oldest_wanted
from watcher.runtime import Runtime
from watcher.store import Connection, channels, deliveries, outbox

_log = log.get("pipeline")
_MARK_S = 20.0
"""How long a mark after a send is tried: giving up means that the message goes out twice."""
_WAIT_S = 2.0
"""How long a task waits for what it started; what takes longer goes on without it."""
_HURRY_S = 0.05
"""The same while other threads of this process hang."""
_MANY_LATE = 4
_GOES = (Gate.FREE, Gate.RATE)
_SLOT_S = 2.0
"""A channel's next slot is waited for on the spot when it is no further away."""


def deliver(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Send what is due on the channels of those messages. What takes long goes on after this returns."""
    late = rt.senders.busy
    started: list[Future[None]] = []
    for state, due in _with_due(rt, ids):
        started += _start(rt, state, due)
    done, _ = wait(started, timeout=_HURRY_S if late >= _MANY_LATE else _WAIT_S)
    for one in done:
        one.result()
    return {}


def _with_due(rt: Runtime, ids: Sequence[int]) -> list[tuple[ChannelState, int]]:
    """The channels of those messages that may be sent to now, with how many messages of each can be begun."""
    now, leases = rt.clock(), _leases(rt)
    with rt.database.read() as conn:
        found = []
        for state in channels.of_deliveries(conn, ids, now=now, **leases):
            if pace.gate(state, now=now) in _GOES:
                most = pace.at_once(state) - len(state.held_since)
                found.append((state, len(outbox.due_of(conn, state.config.id, now=now, limit=most))))
    return found


def _leases(rt: Runtime) -> dict[str, float]:
    return {"lease_s": rt.settings.lease_s, "hand_s": rt.settings.deliver_total_s + pace.HAND_S}


def park_unsendable(conn: Connection, *, now: datetime) -> None:
    """Set aside what waits for a channel that is no more, or for one that is shut until its time is up."""
    deliveries.park_unsendable(conn, now=now)
    trouble.tell_expired(conn, deliveries.expire(conn, now=now), now)


def _start(rt: Runtime, state: ChannelState, due: int) -> list[Future[None]]:
    threads = [
        rt.senders.start(
            partial(_work_on, rt, state.config.id),
            channel=state.config.id,
            lane=pace.lane(state.config),
            proven=pace.proven(state),
            at_once=pace.at_once(state),
        )
        for _ in range(due)
    ]
    return [one for one in threads if one is not None]


def _work_on(rt: Runtime, channel_id: str) -> None:
    """Send the channel's messages, oldest first, until none is due or it may not be sent to."""
    turn = Turn(rt, Step.DELIVERIES)
    while not turn.over and not rt.senders.closing:
        try:
            delivery, wait_s = _claim(turn, channel_id)
        except TryAgain as away:
            _log.warning("left to the sweep", channel=channel_id, why=str(away))
            raise
        if delivery is not None:
            began = time.monotonic()
            went = _send(turn, delivery)
            if not went and time.monotonic() - began > pace.SLOW_S:
                return  # others want the thread: the sweep comes back to this channel
        elif wait_s is not None and wait_s <= _SLOT_S and not rt.senders.crowded:
            rt.sleep(wait_s)
        else:
            return


# ── claiming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _claim(turn: Turn, channel_id: str) -> tuple[Delivery | None, float | None]:
    """The channel's next message, leased; else how long until its rate allows one that is due."""
    rt, chosen = turn.rt, turn.rt.settings
    with rt.database.write() as conn:
        state = channels.lock(conn, channel_id, now=rt.clock(), **_leases(rt))
        now = rt.clock()  # after the wait for the lock, from which the next slot is counted
        verdict = pace.gate(state, now=now) if state is not None else Gate.RETIRED
        if state is None or verdict not in _GOES:
            return None, None
        candidate = oldest_wanted(conn, state.config, now)
        if candidate is None:
            return None, None
        if verdict is Gate.RATE and state.free_at is not None:
            return None, (state.free_at - now).total_seconds()
        delivery = outbox.claim(conn, candidate, owner=turn.owner, lease_s=chosen.lease_s, now=now)
        channels.took(conn, channel_id, free_at=pace.free_at(state, now=now), now=now)
    return delivery, None


# ── one attempt ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _send(turn: Turn, delivery: Delivery) -> bool:
    """One attempt; whether the receiver took the message."""
    rt = turn.rt
    if delivery.unfinished >= rt.settings.park_after:
        _mark(turn, delivery, _never_ended(delivery))
        return False
    turn.reach("sending")
    outcome = _call(rt, delivery)
    turn.reach("sent")
    _mark(turn, delivery, outcome)
    return outcome.kind is OutcomeKind.SENT


def _never_ended(delivery: Delivery) -> Outcome:
    detail = f"a worker died in each of {delivery.unfinished} attempts"
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
    )


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def _mark(turn: Turn, delivery: Delivery, outcome: Outcome) -> None:
    give_up_at = time.monotonic() + _MARK_S
    while True:
        try:
            _write(turn, delivery, outcome, turn.rt.clock())
            break
        except TryAgain as away:
            if time.monotonic() > give_up_at:
                raise
            _log.warning("sent, but not marked yet", delivery=delivery.id, why=str(away))
            time.sleep(0.5)
    _log.info("sent" if outcome.kind is OutcomeKind.SENT else "not sent", delivery=delivery.id, reason=outcome.reason)


def _write(turn: Turn, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    rt = turn.rt
    following = decide(
        outcome,
        attempt=delivery.tries,
        first_attempt_at=delivery.first_attempt_at,
        now=now,
        expires_at=delivery.expires_at,
        uncertain=delivery.uncertain,
        again=sent_again(delivery.channel.kind, immediate=delivery.immediate),
        spans=_spans(rt),
        jitter_key=delivery.key,
    )
    with rt.database.write() as conn:
        # the channel's row first, as the claim does: two that lock in turn cannot block each other
        _note(rt, conn, delivery.channel.id, outcome, now)
        outbox.finish(conn, delivery, owner=turn.owner, outcome=outcome, following=following, now=now)
        bounces.refused(conn, delivery.channel, outcome, now)
        trouble.tell(conn, delivery, outcome, following.state, now)


def _spans(rt: Runtime) -> Spans:
    chosen = rt.settings
    return Spans(
        base_s=chosen.retry_base_s,
        max_s=chosen.retry_max_s,
        uncertain_s=chosen.uncertain_retry_s,
        attempts_max=chosen.deliver_attempts_max,
    )


def _note(rt: Runtime, conn: Connection, channel_id: str, outcome: Outcome, now: datetime) -> None:
    """What the outcome says of the channel itself: its breaker, and until when its receiver wants to be left alone."""
    said = breaker.sign(outcome)
    if said is breaker.Sign.WORKS:
        if channels.worked(conn, channel_id, now=now):
            woken = outbox.wake_waiting(conn, channel_id, now=now)
            _log.info("a channel works again", channel=channel_id, woken=woken)
        return
    asked_s = outcome.retry_after_s if outcome.kind is OutcomeKind.RETRY else None
    if said is breaker.Sign.NOTHING and asked_s is None:
        return
    chosen = rt.settings
    state = channels.lock(conn, channel_id, now=now, **_leases(rt))
    if state is None:
        return
    held = breaker.Breaker(
        failures=state.failures, failing_since=state.failing_since, fault=state.fault, open_until=state.open_until
    )
    then = breaker.after(
        held, outcome, channel_id=channel_id, now=now, base_s=chosen.retry_base_s, max_s=chosen.retry_max_s
    )
    free = [one for one in (state.free_at, now + timedelta(seconds=asked_s) if asked_s else None) if one is not None]
    channels.failed(
        conn,
        channel_id,
        failures=then.failures,
        failing_since=then.failing_since,
        fault=then.fault,
        open_until=then.open_until,
        free_at=max(free, default=None),
    )
    trouble.tell_failing(conn, channel_id, then, now)
