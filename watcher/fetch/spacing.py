"""When a request to a host may start: apart from the last one, one at a time, and in the order in which feeds asked.

Pure. The rows behind it are `watcher.store.hosts`'s, waiting for the turn is `watcher.pipeline.politeness`'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from watcher.errors import RefusedAddress
from watcher.model import FetchResult, HostState
from watcher.net.address import CheckedUrl, allowance, check_url, is_local_name

RETRY_AFTER_MAX_S = 7 * 24 * 3600.0
_ASK_TO_WAIT = frozenset({429, 503})
_ANYWHERE = ("0.0.0.0/0", "::/0")
"""To read a URL as the guard does, without its judgement on the address."""
_LOOK_AGAIN_S = 0.5
"""Between two looks at a host that is being asked just now."""


class Turn(StrEnum):
    """What a host says to somebody who wants to ask it."""

    NOW = "now"
    SOON = "soon"
    """Within the lead: worth waiting for without giving the work back."""
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    turn: Turn
    starts_at: datetime
    """`now`: the start; `soon`: when to ask again; `later`: when the slot begins."""
    slot_at: datetime
    """The place in the host's queue, to come back with."""
    state: HostState
    """Of the host, after this."""


def host_key(url: str, shared_hosts: Sequence[str]) -> str:
    """Whose requests are kept apart: the host, or what `settings.shared_hosts` says in its place.

    An entry `tumblr.com` joins all names under it; `rsshub.example.org/` makes each first path segment of that host a
    key of its own. Empty for a URL that the guard refuses to read: nobody will be asked.
    """
    checked = _read(url)
    if checked is None:
        return ""
    for entry in shared_hosts:
        name = entry.rstrip("/")
        if entry.endswith("/") and checked.host == name:
            return f"{name}/{urlsplit(checked.url).path.split('/')[1]}"
        if not entry.endswith("/") and (checked.host == name or checked.host.endswith(f".{name}")):
            return name
    return checked.host


def is_private(url: str, allow_private: Sequence[str]) -> bool:
    """Whether somebody has allowed this host on purpose: an address in an allowed network, or a local name."""
    checked = _read(url)
    if checked is None:
        return False
    allowed = allowance(allow_private)
    if checked.literal is not None and allowed.covers(checked.literal):
        return True
    local = bool(allowed.networks) and checked.literal is None and is_local_name(checked.host)
    return local or (checked.host, checked.port) in allowed.endpoints


def _read(url: str) -> CheckedUrl | None:
    try:
        return check_url(url, allow_private=_ANYWHERE)
    except RefusedAddress:
        return None


def admit(
    state: HostState | None, *, slot_at: datetime | None, now: datetime, spacing_s: float, lead_s: float, hold_s: float
) -> Admission:
    """Whether a request may start now, soon or later, and the host's state after that.

    `slot_at` is the slot that an earlier call gave, None for somebody new. Each newcomer reserves the slot at the end
    of the queue. Who comes back keeps his slot until it is `lead_s` past, and may start even later where the host is
    free; else he queues anew. A start holds the host for at most `hold_s` and closes it for `spacing_s`.
    """
    state = state or HostState(free_at=now, opens_at=now)
    held = _held(state, now)
    lead = timedelta(seconds=lead_s)
    if slot_at is not None and slot_at <= now and not held and state.opens_at <= now:
        return _start(state, slot_at, now=now, spacing_s=spacing_s, hold_s=hold_s)
    if slot_at is None or slot_at + lead < max(now, state.opens_at):
        slot_at = max(state.free_at, state.opens_at, now)
        if held and state.opens_at <= now:
            # it answers more slowly than the spacing: nobody knows when it will be free
            slot_at = max(slot_at, now + 2 * lead)
        state = dataclasses.replace(state, free_at=slot_at + timedelta(seconds=spacing_s))
    starts_at = max(slot_at, state.opens_at, now)
    if starts_at - now > lead:
        return Admission(turn=Turn.LATER, starts_at=slot_at, slot_at=slot_at, state=state)
    if starts_at > now:
        return Admission(turn=Turn.SOON, starts_at=starts_at, slot_at=slot_at, state=state)
    if held:
        again_at = now + timedelta(seconds=_LOOK_AGAIN_S)
        return Admission(turn=Turn.SOON, starts_at=again_at, slot_at=slot_at, state=state)
    return _start(state, slot_at, now=now, spacing_s=spacing_s, hold_s=hold_s)


def _held(state: HostState, now: datetime) -> bool:
    return state.held_until is not None and state.held_until > now


def _start(state: HostState, slot_at: datetime, *, now: datetime, spacing_s: float, hold_s: float) -> Admission:
    opens_at = now + timedelta(seconds=spacing_s)
    begun = HostState(
        free_at=max(state.free_at, opens_at), opens_at=opens_at, held_until=now + timedelta(seconds=hold_s)
    )
    return Admission(turn=Turn.NOW, starts_at=now, slot_at=slot_at, state=begun)


def closed_until(result: FetchResult, now: datetime) -> datetime | None:
    """Until when the whole host asks to be left alone (429 or 503 with Retry-After), seven days at most."""
    if result.status not in _ASK_TO_WAIT or result.retry_after_s is None:
        return None
    return now + timedelta(seconds=min(result.retry_after_s, RETRY_AFTER_MAX_S))
