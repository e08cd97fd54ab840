"""What pages leave out of a message that they show: signed addresses, and whom it went to.

Whoever may read what was sent may not thereby unsubscribe its reader, vote or change settings in the reader's name.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from watcher import wording
from watcher.model import ChannelConfig, ChannelKind, Secret

HIDDEN = "hidden"
"""What stands in the place of a token, so that an address keeps its form and leads nowhere."""
_TOKEN = re.compile(r"(?:\.eJ|eyJ)[\w-]+\.[\w-]{27}(?![\w-])", re.ASCII)
"""As itsdangerous writes a signed JSON object, plain or compressed, with the signature of SHA-1."""
_RETURN = re.compile(r"\b(bounce|unsubscribe)\+[a-z0-9_-]{1,64}\.[a-z2-7]{16}@", re.ASCII | re.IGNORECASE)


def without_tokens(text: str) -> str:
    """`text` in which no signed address works any more: neither a page's nor a return path's."""
    return _RETURN.sub(rf"\1+{HIDDEN}@", _TOKEN.sub(HIDDEN, text))


def masked_address(address: str) -> str:
    """`a***@example.org`: enough to know one's own again, and not enough to write to it."""
    found = wording.mail_address(address)
    if found is None:
        return "***"
    return f"{found.username[:1]}***@{found.domain}"


def masked(text: str, address: str | None) -> str:
    """`text` without tokens, and with the reader's address masked wherever it is quoted."""
    clean = without_tokens(text)
    found = wording.mail_address(address)
    if found is None:
        return clean
    return re.sub(re.escape(found.addr_spec), masked_address(found.addr_spec), clean, flags=re.IGNORECASE)


def masked_mail(body: bytes, address: str | None) -> EmailMessage:
    """A mail of ours with all that `masked` takes away taken away from its headers and its text parts."""
    mail: Any = email.message_from_bytes(body, EmailMessage, policy=email.policy.SMTP.clone(refold_source="none"))
    for name, value in mail.items():
        shown = masked(str(value), address)
        if shown != str(value):
            mail.replace_header(name, shown)
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            content = masked(str(part.get_content()), address)
            part.set_content(content, subtype=part.get_content_subtype(), charset="utf-8", cte="quoted-printable")
    return mail  # type: ignore[no-any-return]


def way(config: ChannelConfig) -> str:
    """Where a channel leads, without a secret: a masked mail address, a host, or where the secret is kept."""
    if config.kind is ChannelKind.EMAIL:
        return masked_address(config.to or "")
    return _place(config.url)


def server(config: ChannelConfig) -> str:
    """Through which server a channel's mail goes; nothing for other kinds."""
    return _place(config.smtp_url) if config.kind is ChannelKind.EMAIL else ""


def _place(written: Secret | str | None) -> str:
    if written is None:
        return "not set"
    if isinstance(written, Secret):
        return f"kept in the variable {written.env}" if written.env else "kept in a file"
    try:
        parts = urlsplit(written)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    more = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{port}{more}"
