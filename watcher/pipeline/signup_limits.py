"""How often the sign-up page may write to one mailbox, and who may ask how often. Pure decisions over counts.

The limits keep the page from being used to flood somebody else's mailbox with confirmations.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.store.signups import Keys, Lately

LETTER_EVERY = timedelta(hours=24)
LETTERS_PER_MONTH = 3
CLIENT_HOUR, CLIENT_DAY = 5, 15
NETWORK_HOUR, NETWORK_DAY = 20, 60
LETTERS_HOUR = 200
"""Letters to anybody in an hour: what a flood from many networks can send at most."""
_SAME_MAIL = {"googlemail.com": "gmail.com"}


class SignupReason(StrEnum):
    """What came of a request to subscribe; kept with it."""

    MAILED = "mailed"
    KNOWN = "known"
    """The address has a subscription: the letter says so and shows the way to its settings."""
    MAILED_LATELY = "mailed_lately"
    MAILED_OFTEN = "mailed_often"
    SUPPRESSED = "suppressed"
    CLIENT_LIMIT = "client_limit"
    NETWORK_LIMIT = "network_limit"
    SERVICE_LIMIT = "service_limit"


TOO_MANY = frozenset({SignupReason.CLIENT_LIMIT, SignupReason.NETWORK_LIMIT, SignupReason.SERVICE_LIMIT})
"""What the asker is told; the other reasons would tell who is subscribed."""


def flood(lately: Lately) -> SignupReason | None:
    """Why nobody at this client, this network or at all may ask just now; None when they may.

    It looks at no address, so the answer tells nothing of one.
    """
    if lately.client_hour >= CLIENT_HOUR or lately.client_day >= CLIENT_DAY:
        return SignupReason.CLIENT_LIMIT
    if lately.network_hour >= NETWORK_HOUR or lately.network_day >= NETWORK_DAY:
        return SignupReason.NETWORK_LIMIT
    return SignupReason.SERVICE_LIMIT if lately.letters_hour >= LETTERS_HOUR else None


def spared(lately: Lately, *, now: datetime) -> SignupReason | None:
    """Why no letter goes to this mailbox just now; None when one may."""
    if lately.mailed_at and now - lately.mailed_at[-1] < LETTER_EVERY:
        return SignupReason.MAILED_LATELY
    return SignupReason.MAILED_OFTEN if len(lately.mailed_at) >= LETTERS_PER_MONTH else None


def keys(secret: str, *, address: str, client: str | None) -> Keys:
    """The hashes of one request, keyed so that nobody can find an address by trying them all.

    `client` is an IP address, None when nobody knows it: then everybody counts as one.
    """
    at, network = _networks(client)

    def keyed(what: str, value: str) -> str:
        return hmac.new(secret.encode(), f"{what}|{value}".encode(), hashlib.sha256).hexdigest()

    return Keys(limit=keyed("mailbox", mailbox(address)), client=keyed("client", at), network=keyed("network", network))


def mailbox(address: str) -> str:
    """The address as limits see it: `A.nna+news@Example.org` and `anna@example.org` are one mailbox."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{_SAME_MAIL.get(domain, domain)}"


def _networks(client: str | None) -> tuple[str, str]:
    """What counts as one client and as one network: an IPv4 address and its /24; a /64 and a /48 of IPv6."""
    try:
        address = ipaddress.ip_address(client or "")
    except ValueError:
        return "unknown", "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    narrow, wide = (32, 24) if address.version == 4 else (64, 48)
    return tuple(str(ipaddress.ip_network((address, bits), strict=False)) for bits in (narrow, wide))  # type: ignore[return-value]
