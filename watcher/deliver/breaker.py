"""When a channel that fails is left alone, and when one message may try it again; pure, the row is the store's.

A breaker is closed until so many failures in a row; then nothing is sent for a growing while. After it exactly one
message tries (the channel is half-open): a success closes the breaker, a failure opens it for longer. What waits
meanwhile is not tried, so that a hundred messages do not use up their attempts on one outage.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.deliver.backoff import chance, spread
from watcher.model import Outcome, OutcomeKind

FAILURES = 3
"""In a row, from which on the breaker is open."""
FIRST_OPEN = 2
"""First back-offs that the first opening lasts: half of what the message waits anyway that has just failed thrice."""
LONGEST_OPEN = 16
"""Into how many parts the longest back-off is cut for the longest opening: 15 minutes of four hours."""


class Sign(StrEnum):
    """What an outcome says of the channel itself, whatever becomes of the message."""

    WORKS = "works"
    """It answered, if only to refuse this one message."""
    FAILS = "fails"
    BROKEN = "broken"
    """No message will be taken until somebody mends it: no need to fail thrice."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """`open_until` stays set, past its instant too, until the breaker closes."""

    failures: int = 0
    failing_since: datetime | None = None
    fault: str | None = None
    open_until: datetime | None = None


_OURS = frozenset({"internal_error", "worker_died"})
_BUSY = frozenset({"http_429"})
"""A receiver that is asked too often is not ill; its Retry-After says when it takes more."""


def sign(outcome: Outcome) -> Sign:
    """What the outcome of one message says of its channel."""
    if outcome.reason in _OURS or outcome.reason in _BUSY:
        return Sign.NOTHING
    if outcome.kind in (OutcomeKind.SENT, OutcomeKind.REJECTED):
        return Sign.WORKS
    return Sign.BROKEN if outcome.kind is OutcomeKind.CHANNEL_DOWN else Sign.FAILS


def after(
    breaker: Breaker, outcome: Outcome, *, channel_id: str, now: datetime, base_s: float, max_s: float
) -> Breaker:
    """The breaker after an outcome at `now`. `base_s` and `max_s` are a message's first and longest back-off."""
    said = sign(outcome)
    if said is Sign.NOTHING:
        return breaker
    if said is Sign.WORKS:
        return Breaker()
    failures = max(breaker.failures + 1, FAILURES if said is Sign.BROKEN else 0)
    failed = replace(breaker, failures=failures, failing_since=breaker.failing_since or now, fault=outcome.reason)
    if failures < FAILURES:
        return failed
    wait_s = open_s(failures, base_s=base_s, max_s=max_s) * spread(chance(channel_id, failures))
    return replace(failed, open_until=now + timedelta(seconds=wait_s))


def open_s(failures: int, *, base_s: float, max_s: float) -> float:
    """Seconds, before jitter, that a breaker is open after so many failures in a row."""
    # The exponent is bounded, since a float of 2 to a large power overflows.
    return min(FIRST_OPEN * base_s * 2.0 ** min(failures - FAILURES, 40), max_s / LONGEST_OPEN)
