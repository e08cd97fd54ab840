"""Signed mail addresses of our own: where a bounce or an unsubscribing mail comes back to, and for which delivery.

The address names the delivery and proves that we made it (variable envelope return paths, VERP), so that nobody can
stop another reader's mail by inventing a bounce. Its owner alone sees it in what we sent.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

_MADE = re.compile(r"(?a)([a-z]+)\+([a-z0-9_-]{1,64})\.([a-z2-7]{16})@[^@\s]+")
_LOCAL_PART = 64
"""Octets that RFC 5321 4.5.3.1.1 allows before the @."""


class Box(StrEnum):
    """What a mail to the address says."""

    BOUNCE = "bounce"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    box: Box
    delivery_key: str


def address(box: Box, delivery_key: str, *, domain: str, secret: str) -> str | None:
    """`bounce+KEY.MAC@domain`, the same for the same delivery; None for a key that such an address cannot hold."""
    key = delivery_key.lower()
    made = f"{box}+{key}.{_mac(box, key, secret)}"
    whole = f"{made}@{domain}"
    return whole if len(made) <= _LOCAL_PART and _MADE.fullmatch(whole) else None


def read(written: str, *, secret: str) -> Returned | None:
    """What the address was made for; None when we did not make it. Capital letters are none of its parts."""
    found = _MADE.fullmatch(written.strip().strip("<>").lower())
    if found is None or found[1] not in set(Box):
        return None
    box = Box(found[1])
    if not hmac.compare_digest(found[3], _mac(box, found[2], secret)):
        return None
    return Returned(box=box, delivery_key=found[2])


def _mac(box: Box, key: str, secret: str) -> str:
    """80 bits, which RFC 2104 5 calls the least, in letters that survive a server that folds case."""
    whole = hmac.new(secret.encode(), f"watcher.{box}:{key}".encode(), sha256).digest()
    return base64.b32encode(whole[:10]).decode("ascii").lower()
