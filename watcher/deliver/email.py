"""Mail: a digest as MIME bytes; sending them is `watcher.deliver.smtp`.

Sources: RFC 5322, RFC 2046 (alternative, plain text first), RFC 3834 (automatic mail), RFC 2919 (List-Id).
"""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from hashlib import sha256

from watcher import wording
from watcher.deliver.channel import Misconfigured, Resolve, read, travelling_id
from watcher.deliver.smtp import Server, Transaction, parse_server
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, DigestView, Envelope, Outcome, Rendered

_ENCODED_WORD = re.compile(r"=\?(?=[^?\s]*\?[bBqQ]\?)")
_ODD = re.compile(r"[^a-z0-9-]+")


class EmailChannel:
    """One recipient through the operator's own mail server, so the guard of `watcher.net` does not apply."""

    def __init__(self, config: ChannelConfig, *, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:
        """A whole message with CRLF line ends, 7-bit, its Message-ID and Date fixed. Raises CannotHelp (addresses)."""
        sender, recipient = _address(self._config.sender, "sender"), _address(self._config.to, "recipient")
        message = EmailMessage(policy=MAIL_POLICY)
        message["From"] = sender
        message["To"] = recipient
        message["Subject"] = subject(rendered.subject)
        message["Date"] = now
        message_id = f"{travelling_id(key)}@{sender.domain}"
        message["Message-ID"] = f"<{message_id}>"
        message["List-Id"] = f"<{_ODD.sub('-', view.subscription_id.lower()).strip('-') or 'digest'}.{sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
        message["Precedence"] = "bulk"
        message.set_content(rendered.text, charset="utf-8", cte="quoted-printable")
        message.add_alternative(rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
        # Set last: what is set before moves into the first part.
        message["Content-Language"] = "en"
        # "=_" cannot occur in quoted-printable, and the same digest must give the same bytes.
        message.set_boundary(f"=_{sha256(message_id.encode()).hexdigest()[:32]}")
        return Envelope(message_id=message_id, content_type="message/rfc822", body=message.as_bytes())

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One SMTP transaction, within the channel's total time."""
        try:
            server = self._server()
            sender, recipient = _address(self._config.sender, "sender"), _address(self._config.to, "recipient")
        except Misconfigured as error:
            return error.outcome()
        except CannotHelp as error:
            return Misconfigured("bad_address", str(error)).outcome()
        return Transaction(server, timeout_s=self._timeout_s).deliver(
            envelope.body, sender=sender.addr_spec, recipient=recipient.addr_spec
        )

    def _server(self) -> Server:
        return parse_server(read(self._config.smtp_url, self._resolve, "mail server address"))


def subject(text: str) -> str:
    """One clean line of at most 200 characters; what looks like an encoded word is kept from being decoded as one."""
    return _ENCODED_WORD.sub("= ?", wording.one_line(text, 200)) or "(no subject)"


def _address(written: str | None, what: str) -> Address:
    """As `wording.mail_address`. Raises CannotHelp without quoting what was written."""
    address = wording.mail_address(written)
    if address is None:
        raise CannotHelp(f"the {what}'s mail address cannot be used")
    return address
