"""What every way out can do, and the ids that travel with a message; how one does it is its own module."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from watcher.errors import WatcherError
from watcher.model import DigestView, Envelope, Outcome, OutcomeKind, Rendered, Secret

Resolve = Callable[[Secret], str]
"""Reads a secret at the moment of use."""

UNCERTAIN_RETRY_S = 600.0
"""How long to wait before a message that may have arrived is sent again: RFC 5321 gives a server as long to answer."""
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Channel(Protocol):
    """A way out. `compose` is pure; `send` never raises for what the world does."""

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:
        """The bytes to keep and to send at every attempt; the same arguments give the same bytes.

        Raises CannotHelp when the channel's configuration makes a message impossible.
        """

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:
        """One try. The outcome's detail never holds a secret, nor the address that is one."""


class Misconfigured(WatcherError):
    """The channel cannot be used until somebody mends its configuration; `reason` is a stable word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason

    def outcome(self) -> Outcome:
        return Outcome(kind=OutcomeKind.CHANNEL_DOWN, reason=self.reason, detail=str(self))


def read(place: Secret | str | None, resolve: Resolve, what: str) -> str:
    """The value kept at `place`. Raises Misconfigured when there is none, naming `what` and never the value."""
    if place is None:
        raise Misconfigured("not_configured", f"the channel has no {what}")
    try:
        value = place if isinstance(place, str) else resolve(place)
    except (WatcherError, OSError, UnicodeError):
        # The error may quote what it read.
        raise Misconfigured("secret_missing", f"the channel's {what} cannot be read from {_named(place)}") from None
    if not value.strip():
        raise Misconfigured("secret_missing", f"the channel's {what} is empty in {_named(place)}")
    return value.strip()


def _named(place: Secret | str) -> str:
    """Where a secret is kept; an address in watcher.yml itself is not quoted, since it may hold a password."""
    if isinstance(place, str):
        return "watcher.yml"
    return f"the variable {place.env}" if place.env else f"the file {place.file}"


def travelling_id(key: str) -> str:
    """`key` where it may stand in a Message-ID and a webhook-id as it is (no dot, no odd character), else its hash."""
    return key if _SAFE_ID.fullmatch(key) else sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
