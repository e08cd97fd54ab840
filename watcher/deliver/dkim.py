"""DKIM: a mail's signature (RFC 6376), made when it is sent; it says nothing about what the mail says.

The signature depends on the message and the key alone: its time is the message's own Date, so that every attempt sends
the same bytes, and a key that was changed in between is used by the next attempt.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import Any

import dkim

from watcher.deliver.channel import Misconfigured
from watcher.model import Dkim

_SIGNED = (
    *("from", "from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("content-transfer-encoding", "content-language", "reply-to", "cc", "list-id", "auto-submitted"),
    *("list-unsubscribe", "list-unsubscribe-post", "archived-at", "feedback-id"),
)
"""What is named and absent, or named once more than it is there, cannot be added on the way (RFC 6376 5.4.2)."""
_PEM = re.compile(rb"-----BEGIN ((?:RSA )?PRIVATE KEY)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----")
_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""How the DER of an Ed25519 key begins (RFC 8410 7); its 32 bytes follow."""
_DATE = re.compile(rb"(?im)^date:[ \t]*(.+?)\r\n")
_BAD = "the DKIM key is no private RSA or Ed25519 key in PEM, as `openssl genpkey` makes it"


class _Signer(dkim.DKIM):  # type: ignore[misc]
    """Signs as at the given time instead of now."""

    at: datetime

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any, **more: Any) -> bytes:
        stamp = str(int(self.at.timestamp())).encode()
        fields = [(name, stamp if name == b"t" else value) for name, value in fields]
        signed: bytes = super().gen_header(fields, *rest, **more)
        return signed


def sign(message: bytes, config: Dkim, pem: str) -> bytes:
    """`message` (CRLF line ends, with a Date) with its signature on top; relaxed/relaxed.

    Raises Misconfigured for a key that cannot sign, without quoting it.
    """
    algorithm, key = read_key(pem)
    signer = _Signer(message, signature_algorithm=algorithm)
    signer.at = _date(message)
    try:
        field: bytes = signer.sign(
            config.selector.encode("idna"),
            config.domain.encode("idna"),
            key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[name.encode() for name in _SIGNED],
        )
    except (dkim.DKIMException, ValueError, LookupError, TypeError):
        raise Misconfigured("bad_dkim_key", _BAD) from None
    return field + message


def read_key(pem: str) -> tuple[bytes, bytes]:
    """The algorithm and the key as dkimpy takes it. Raises Misconfigured, quoting nothing."""
    found = _PEM.search(pem.encode("ascii", "replace").replace(b"\r\n", b"\n"))
    try:
        der = base64.b64decode(b"".join(found[2].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if found is None or not der:
        raise Misconfigured("bad_dkim_key", _BAD)
    if der.startswith(_ED25519) and len(der) == len(_ED25519) + 32:
        _needs_nacl()
        return b"ed25519-sha256", base64.b64encode(der[-32:])
    try:
        dkim.parse_pem_private_key(_lines(found[1], der))
    except (dkim.UnparsableKeyError, ValueError, LookupError, TypeError):
        raise Misconfigured("bad_dkim_key", _BAD) from None
    return b"rsa-sha256", _lines(found[1], der)


def _lines(name: bytes, der: bytes) -> bytes:
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (name, base64.b64encode(der), name)


def _needs_nacl() -> None:
    if find_spec("nacl") is None:
        raise Misconfigured("bad_dkim_key", "an Ed25519 key needs the package PyNaCl; an RSA key does not")


def _date(message: bytes) -> datetime:
    found = _DATE.search(message)
    if found is None:
        raise Misconfigured("no_date", "a message without a Date cannot be signed")
    return parsedate_to_datetime(found[1].decode("ascii", "replace"))
