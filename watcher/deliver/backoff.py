"""When to try a delivery again, or that it is over; pure, the only judge of an outcome's consequence.

A channel that is down loses nothing: its deliveries wait at the longest interval and are parked, with the reason, only
when the attempts are used up. What may have arrived is parked sooner, lest a reader is told many times. Parked rows
stay and can be woken.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from watcher.model import DeliveryState, NextAttempt, Outcome, OutcomeKind

JITTER = 0.2
UNCERTAIN_ATTEMPTS = 3
"""Attempts after which a delivery whose answer was lost again is parked: each may have arrived."""


def decide(
    outcome: Outcome,
    *,
    attempt: int,
    first_attempt_at: datetime | None,
    now: datetime,
    base_s: float,
    max_s: float,
    attempts_max: int,
    jitter_key: str,
) -> NextAttempt:
    """What follows attempt number `attempt` (from 1), which came to `outcome` at `now`.

    Waits double from `base_s` to `max_s`, ±20 % by a hash of `jitter_key` and the attempt. An outcome's `retry_after_s`
    is obeyed instead, with jitter only upwards. A channel that is down waits `max_s`. Parked at once: a rejected
    message; from the third attempt on, one that is uncertain; at attempt `attempts_max`, any that was not sent.
    """
    if outcome.kind is OutcomeKind.SENT:
        return NextAttempt(state=DeliveryState.SENT, next_attempt_at=None, reason=outcome.reason)
    if outcome.kind is OutcomeKind.REJECTED:
        return _parked(f"rejected: {outcome.reason}")
    if outcome.kind is OutcomeKind.UNCERTAIN and attempt >= UNCERTAIN_ATTEMPTS:
        return _parked(f"uncertain: it may have arrived; tried {attempt} times")
    if attempt >= attempts_max:
        return _parked(f"gave up after {attempt} attempts{_over(first_attempt_at, now)}: {outcome.reason}")
    wait_s = _wait_s(outcome, attempt, base_s, max_s, _chance(jitter_key, attempt))
    return NextAttempt(
        state=DeliveryState.PENDING, next_attempt_at=now + timedelta(seconds=wait_s), reason=outcome.reason
    )


def _wait_s(outcome: Outcome, attempt: int, base_s: float, max_s: float, chance: float) -> float:
    if outcome.retry_after_s is not None and outcome.retry_after_s > 0:
        return outcome.retry_after_s * (1 + JITTER * chance)
    down = outcome.kind is OutcomeKind.CHANNEL_DOWN
    # The exponent is bounded, since a float of 2 to a large power overflows.
    wait_s = max_s if down else min(base_s * 2 ** min(max(attempt, 1) - 1, 40), max_s)
    return wait_s * (1 - JITTER + 2 * JITTER * chance)


def _chance(key: str, attempt: int) -> float:
    """Between 0 and 1, the same for the same delivery and attempt."""
    digest = sha256(f"{key}:{attempt}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _parked(reason: str) -> NextAttempt:
    return NextAttempt(state=DeliveryState.PARKED, next_attempt_at=None, reason=reason)


def _over(first_attempt_at: datetime | None, now: datetime) -> str:
    if first_attempt_at is None:
        return ""
    hours = (now - first_attempt_at).total_seconds() / 3600
    return f" over {hours:.0f} h" if hours >= 1 else f" over {hours * 60:.0f} min"
