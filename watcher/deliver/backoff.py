"""When to try a delivery again, for how long, or that it is over; pure, the only judge of an outcome's consequence.

Waits double from the first to the longest, which is closer together than the schedule of Standard Webhooks (5 s, 5 min,
30 min, 2 h …): the breaker of `watcher.deliver.breaker` already keeps all but one message from a receiver that is away,
so that a message of its own can afford to come soon after a short outage. It ends by time: the last try is made when
the time is up. Parked rows stay and can be woken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from watcher.model import ChannelKind, DeliveryState, NextAttempt, Outcome, OutcomeKind

JITTER = 0.2
UNCERTAIN = "uncertain: "
"""How the reason of a message begins that may have arrived and waits to be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """The settings that a decision needs; all in seconds but the last."""

    base_s: float
    max_s: float
    uncertain_s: float
    attempts_max: int


def expires_at(
    kind: ChannelKind,
    *,
    immediate: bool,
    created_at: datetime,
    next_window_at: datetime | None,
    webhook_s: float,
    alert_s: float,
) -> datetime:
    """Until when a message is tried: a webhook's for `webhook_s`, an alert for `alert_s`, a digest until the next one.

    `next_window_at`: when the subscription's next digest closes; None when it has none, as after a change to alerts.
    """
    if kind is ChannelKind.WEBHOOK:
        return created_at + timedelta(seconds=webhook_s)
    if immediate or next_window_at is None:
        return created_at + timedelta(seconds=alert_s)
    return next_window_at


def sent_again(kind: ChannelKind, *, immediate: bool) -> bool:
    """Whether a message that may have arrived is sent once more.

    A webhook knows the copy by its id and mail by its Message-ID. A chat shows it twice: worth it for an alert, which
    must not be missed, and not for a digest, of which the next one comes.
    """
    return immediate or kind in (ChannelKind.WEBHOOK, ChannelKind.EMAIL)


def decide(
    outcome: Outcome,
    *,
    attempt: int,
    first_attempt_at: datetime | None,
    now: datetime,
    expires_at: datetime | None,
    uncertain: int,
    again: bool,
    spans: Spans,
    jitter_key: str,
) -> NextAttempt:
    """What follows attempt number `attempt` (from 1), which came to `outcome` at `now`.

    Waits double from `base_s` to `max_s`, ±20 % by a hash of `jitter_key` and the attempt. An outcome's `retry_after_s`
    is obeyed instead, with jitter only upwards. What would wait past `expires_at` is tried then for the last time.
    Parked: a rejected message; one that fails at or after `expires_at`, or at attempt `attempts_max`; and one that may
    have arrived, unless it may be sent `again` and never was `uncertain` before, which it is after `uncertain_s`.
    """
    if outcome.kind is OutcomeKind.SENT:
        return NextAttempt(state=DeliveryState.SENT, next_attempt_at=None, reason=outcome.reason)
    if outcome.kind is OutcomeKind.REJECTED:
        return _parked(f"rejected: {outcome.reason}")
    up = chance(jitter_key, attempt)
    if outcome.kind is OutcomeKind.UNCERTAIN:
        return _maybe_again(outcome, now, again=again and not uncertain, wait_s=spans.uncertain_s * (1 + JITTER * up))
    if attempt >= spans.attempts_max or (expires_at is not None and now >= expires_at):
        return _parked(f"gave up after {_counted(attempt)}{_over(first_attempt_at, now)}: {outcome.reason}")
    next_at = now + timedelta(seconds=_wait_s(outcome, attempt, spans, up))
    if expires_at is not None and not outcome.retry_after_s:
        next_at = min(next_at, expires_at)
    return NextAttempt(state=DeliveryState.PENDING, next_attempt_at=next_at, reason=outcome.reason)


def _maybe_again(outcome: Outcome, now: datetime, *, again: bool, wait_s: float) -> NextAttempt:
    if not again:
        return _parked(f"{UNCERTAIN}it may have arrived ({outcome.reason}), and is not sent once more")
    next_at = now + timedelta(seconds=wait_s)
    return NextAttempt(state=DeliveryState.PENDING, next_attempt_at=next_at, reason=f"{UNCERTAIN}{outcome.reason}")


def _wait_s(outcome: Outcome, attempt: int, spans: Spans, up: float) -> float:
    if outcome.retry_after_s is not None and outcome.retry_after_s > 0:
        return outcome.retry_after_s * (1 + JITTER * up)
    # The exponent is bounded, since a float of 2 to a large power overflows.
    return min(spans.base_s * 2.0 ** min(max(attempt, 1) - 1, 40), spans.max_s) * spread(up)


def spread(up: float) -> float:
    """A factor within ±20 % for a chance between 0 and 1."""
    return 1 - JITTER + 2 * JITTER * up


def chance(key: str, number: int) -> float:
    """Between 0 and 1, the same for the same key and number."""
    digest = sha256(f"{key}:{number}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _parked(reason: str) -> NextAttempt:
    return NextAttempt(state=DeliveryState.PARKED, next_attempt_at=None, reason=reason)


def _counted(attempts: int) -> str:
    return "1 attempt" if attempts == 1 else f"{attempts} attempts"


def _over(first_attempt_at: datetime | None, now: datetime) -> str:
    if first_attempt_at is None:
        return ""
    hours = (now - first_attempt_at).total_seconds() / 3600
    return f" over {hours:.0f} h" if hours >= 1 else f" over {hours * 60:.0f} min"
