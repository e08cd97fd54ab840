"""How fast each kind of channel is sent to, and whether one may be sent to now; pure, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.model import ChannelConfig, ChannelKind, ChannelState, Secret

SLOW_S = 3.0
"""A message in hand for longer counts as hanging: until it ends its channel is sent no other one."""
HAND_S = 30.0
"""How much longer than the limit of an attempt a message may be in hand before its worker is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    every_s: float = 0
    """Seconds from the start of one message to that of the next."""
    at_once: int = 2
    """Messages in hand at the same time, over all workers."""


PACES = {
    ChannelKind.EMAIL: Pace(),
    ChannelKind.SLACK: Pace(every_s=1.0, at_once=1),
    ChannelKind.WEBHOOK: Pace(),
    ChannelKind.APPRISE: Pace(every_s=1.0, at_once=1),
}
"""Slack asks for one message a second and webhook (its page on rate limits), and most services of Apprise do too."""


class Gate(StrEnum):
    """Whether a channel may be sent to, and else why not."""

    FREE = "free"
    BUSY = "busy"
    RATE = "rate"
    OPEN = "open"
    PROBED = "probed"
    DISABLED = "disabled"
    RETIRED = "retired"


def gate(state: ChannelState, *, now: datetime) -> Gate:
    """Whether one more message may be sent through the channel at `now`."""
    held = state.held_since
    if state.retired:
        return Gate.RETIRED
    if state.disabled_reason is not None:
        return Gate.DISABLED
    if state.open_until is not None:
        if now < state.open_until:
            return Gate.OPEN
        if held:
            return Gate.PROBED
    slow = any(now - since > timedelta(seconds=SLOW_S) for since in held)
    if slow or len(held) >= at_once(state):
        return Gate.BUSY
    return Gate.RATE if state.free_at is not None and now < state.free_at else Gate.FREE


def at_once(state: ChannelState) -> int:
    """How many messages of the channel may be in hand; of one that does not work, or was never tried, a single one."""
    return PACES[state.config.kind].at_once if proven(state) else 1


def free_at(state: ChannelState, *, now: datetime) -> datetime | None:
    """When the next message may go, now that one goes at `now`."""
    every_s = PACES[state.config.kind].every_s
    return now + timedelta(seconds=every_s) if every_s else state.free_at


def proven(state: ChannelState) -> bool:
    """Whether a message went through and none has failed since."""
    return state.worked_at is not None and not state.failures


def lane(config: ChannelConfig) -> str:
    """What hangs together: channels of one mail server, else the channel alone."""
    if config.kind is not ChannelKind.EMAIL or config.smtp_url is None:
        return f"channel {config.id}"
    place = config.smtp_url
    return f"server {place.env or place.file}" if isinstance(place, Secret) else f"server {place}"


def status(state: ChannelState, *, now: datetime) -> str:
    """One line for people: whether the channel sends, and else why not and since or until when."""
    if state.disabled_reason is not None:
        return f"disabled: {state.disabled_reason}"
    since = f" since {state.failing_since:%m-%d %H:%M}" if state.failing_since else ""
    times = "failure" if state.failures == 1 else "failures in a row"
    failing = f"{state.failures} {times}{since}, last {state.fault}"
    if state.open_until is not None:
        until = f"paused until {state.open_until:%H:%M:%S}" if now < state.open_until else "paused: the next one tries"
        return f"{until}: {failing}"
    if state.free_at is not None and state.free_at - now > timedelta(seconds=5):
        return f"asked to wait until {state.free_at:%m-%d %H:%M:%S}"
    return failing if state.failures else "sends"
