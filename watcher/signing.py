"""Signed addresses: what a link in a message lets its holder do, with no account and no row to look up.

A token says one purpose and one value; it opens nothing else and cannot be made up. What it opens is decided where it
is read. Tokens do not expire: an old mail must still unsubscribe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from watcher.model import AlertLinks, DigestLinks

TOKEN_CHARACTERS = 600
"""A longer one is not ours, and is not even looked at."""


def address_key(address: str) -> str:
    """By what a mail address is known where the address itself is not kept; capital letters make no difference."""
    return hashlib.sha256(address.strip().casefold().encode()).hexdigest()


class Purpose(StrEnum):
    """What a token is for, and the first part of the path that takes it."""

    EVENT = "e"
    DIGEST = "d"
    VOTE = "v"
    MUTE = "m"
    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    CONFIRM = "c"
    FEED = "f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes and reads tokens with one key, and the addresses that carry them."""

    key: str
    public_url: str | None = None

    def token(self, purpose: Purpose, **value: Any) -> str:
        """A URL-safe token for this purpose; `value` is JSON-safe and readable by whoever holds it."""
        return str(self._serializer(purpose).dumps(value))

    def read(self, purpose: Purpose, token: str) -> Mapping[str, Any] | None:
        """What `token` was given; None when it is not ours or was made for another purpose."""
        if len(token) > TOKEN_CHARACTERS:
            return None
        try:
            value = self._serializer(purpose).loads(token)
        except (BadData, UnicodeError):
            return None
        return value if isinstance(value, dict) else None

    def url(self, purpose: Purpose, **value: Any) -> str | None:
        """The address under the public URL; None while nobody has said where people reach us."""
        if self.public_url is None:
            return None
        return f"{self.public_url.rstrip('/')}/{purpose}/{self.token(purpose, **value)}"

    def of_digest(self, digest_id: int, subscription_id: str) -> DigestLinks:
        """The addresses at the foot of a digest."""
        whose = {"s": subscription_id}
        return DigestLinks(
            browser=self.url(Purpose.DIGEST, d=digest_id),
            preferences=self.url(Purpose.PREFERENCES, **whose),
            unsubscribe=self.url(Purpose.UNSUBSCRIBE, **whose),
            feed=self.url(Purpose.FEED, **whose),
        )

    def of_alert(self, event_id: int, subscription_id: str) -> AlertLinks:
        """The addresses of one entry."""
        about = {"e": event_id, "s": subscription_id}
        return AlertLinks(
            event=self.url(Purpose.EVENT, e=event_id),
            useful=self.url(Purpose.VOTE, **about, w="useful"),
            not_useful=self.url(Purpose.VOTE, **about, w="not_useful"),
            mute=self.url(Purpose.MUTE, **about),
        )

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        return _serializer(self.key, purpose)


@lru_cache(maxsize=64)
def _serializer(key: str, purpose: Purpose) -> URLSafeSerializer:
    """Kept, since a digest of fifty events carries two hundred tokens."""
    return URLSafeSerializer(key, salt=f"watcher.{purpose}")
