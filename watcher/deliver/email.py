"""Mail: a digest as MIME bytes, and one attempt to send them; how a server is spoken to is `watcher.deliver.smtp`.

Sources: RFC 5322, RFC 2046 (alternative, plain text first), RFC 3834 (automatic mail), RFC 2919 (List-Id), RFC 2369 and
RFC 8058 (List-Unsubscribe), RFC 5064 (Archived-At), Google's page on Feedback-ID.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import getaddresses
from hashlib import sha256
from typing import Any

from watcher import wording
from watcher.deliver import dkim, return_path
from watcher.deliver.channel import Misconfigured, Resolve, read, travelling_id
from watcher.deliver.return_path import Box
from watcher.deliver.short_mail import shortened
from watcher.deliver.smtp import FINAL_S, Server, Transaction, parse_server
from watcher.deliver.smtp_pool import POOL
from watcher.deliver.smtp_reply import TOO_LARGE
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, DigestView, Envelope, Outcome, OutcomeKind, Rendered

_ENCODED_WORD = re.compile(r"=\?(?=[^?\s]*\?[bBqQ]\?)")
_ODD = re.compile(r"[^a-z0-9-]+")
_UNFOLDED = frozenset({"list-unsubscribe", "archived-at", "list-id", "feedback-id", "message-id"})
_LINE = 998
"""Octets of the longest line (RFC 5322 2.1.1)."""

SigningKey = Callable[[], str]
"""The key with which the service signs its addresses, read when it is needed."""


class _Policy(EmailPolicy):
    """Leaves long addresses whole: the standard library would write them as encoded words, which no reader undoes."""

    def _fold(self, name: str, value: Any, refold_binary: bool = False) -> str:
        if name.lower() in _UNFOLDED:
            return f"{name}: {value}\r\n".replace(">, <", ">,\r\n <")
        folded: str = super()._fold(name, value, refold_binary)  # type: ignore[misc]
        return folded


_POLICY = _Policy(linesep="\r\n")


class EmailChannel:
    """One recipient through the operator's own mail server, so the guard of `watcher.net` does not apply."""

    def __init__(
        self, config: ChannelConfig, *, resolve: Resolve, timeout_s: float, signing_key: SigningKey | None = None
    ) -> None:
        self._config = config
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._signing_key = signing_key

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:
        """A whole message with CRLF line ends, 7-bit, its Message-ID and Date fixed. Raises CannotHelp (addresses).

        It is signed when it is sent: a key that cannot be used then holds the channel up and loses no message.
        """
        sender, recipient = _address(self._config.sender, "sender"), _address(self._config.to, "recipient")
        message = EmailMessage(policy=_POLICY)
        message["From"] = sender
        message["To"] = recipient
        message["Subject"] = subject(rendered.subject)
        message["Date"] = now
        message_id = f"{travelling_id(key)}@{sender.domain}"
        message["Message-ID"] = f"<{message_id}>"
        for name, value in _of_automatic_mail(view, sender.domain):
            message[name] = value
        for name, value in self._ways_out(view, travelling_id(key)):
            message[name] = value
        message.set_content(rendered.text, charset="utf-8", cte="quoted-printable")
        message.add_alternative(rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
        # Set last: what is set before moves into the first part.
        message["Content-Language"] = view.language.value
        # "=_" cannot occur in quoted-printable, and the same digest must give the same bytes.
        message.set_boundary(f"=_{sha256(message_id.encode()).hexdigest()[:32]}")
        return Envelope(message_id=message_id, content_type="message/rfc822", body=message.as_bytes())

    def _ways_out(self, view: DigestView, key: str) -> list[tuple[str, str]]:
        """How to stop the messages without opening one, and where this one can be read.

        One click (a POST by the mail program) is offered over https only, as RFC 8058 3.1 asks; by http the address
        shows a page with a button.
        """
        page = wording.web_link(view.links.unsubscribe)
        places = [f"<{page}>"] if page else []
        if view.notice is None or page:
            mail = self._return_address(Box.UNSUBSCRIBE, key)
            places += [f"<mailto:{mail}?subject=unsubscribe>"] if mail else []
        lines = []
        if places:
            lines.append(("List-Unsubscribe", ", ".join(places)))
        if page and page.startswith("https://"):
            lines.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        browser = wording.web_link(view.links.browser)
        if browser:
            lines.append(("Archived-At", f"<{browser}>"))
        return [(name, value) for name, value in lines if len(name) + len(value) + 2 <= _LINE]

    def _return_address(self, box: Box, key: str) -> str | None:
        domain = self._config.return_path
        if not domain or self._signing_key is None:
            return None
        return return_path.address(box, key, domain=_ascii(domain), secret=self._signing_key())

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One message within the channel's total time; a short version of one that the server finds too large."""
        begun = time.monotonic()
        try:
            outcome = self._deliver(envelope, envelope.body, self._timeout_s)
            if outcome.reason != TOO_LARGE:
                return outcome
            short = shortened(envelope.body)
            if short is None:
                return outcome
            # Both together take no longer than one message may: its claim and its task end by then.
            left_s = self._timeout_s + FINAL_S - (time.monotonic() - begun)
            outcome = self._deliver(envelope, short, min(self._timeout_s, left_s / 2), final_s=left_s / 2)
        except Misconfigured as error:
            return error.outcome()
        except CannotHelp as error:
            return Misconfigured("bad_address", str(error)).outcome()
        if outcome.kind is OutcomeKind.SENT:
            return replace(outcome, detail=f"too large, so a short one with a link: {outcome.detail}"[:200])
        return outcome

    def _deliver(self, envelope: Envelope, body: bytes, timeout_s: float, final_s: float = FINAL_S) -> Outcome:
        server = self._server()
        sender, recipient = _address(self._config.sender, "sender"), _address(self._config.to, "recipient")
        returns = self._return_address(Box.BOUNCE, envelope.message_id.partition("@")[0])
        signed = self._signed(body)
        return Transaction(server, timeout_s=timeout_s, final_s=final_s, pool=POOL).deliver(
            signed, sender=returns or sender.addr_spec, recipient=recipient.addr_spec
        )

    def _signed(self, body: bytes) -> bytes:
        config = self._config.dkim
        return body if config is None else dkim.sign(body, config, read(config.key, self._resolve, "DKIM key"))

    def _server(self) -> Server:
        return parse_server(read(self._config.smtp_url, self._resolve, "mail server address"))


def _of_automatic_mail(view: DigestView, domain: str) -> list[tuple[str, str]]:
    """What tells programs that a machine wrote this, for a list, and wants no automatic answer."""
    what = "letter" if view.notice else "alert" if view.immediate else "digest"
    return [
        ("List-Id", f"<{_ODD.sub('-', view.subscription_id.lower()).strip('-') or 'digest'}.{domain}>"),
        # By what Gmail's postmaster tools count complaints; it names no reader.
        ("Feedback-ID", f"{what}:{domain}:watcher"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Precedence", "bulk"),
    ]


def aligned(config: ChannelConfig) -> bool:
    """Whether receivers that check DMARC take the signature for the sender's: d= is the From domain or above it."""
    sender = wording.mail_address(config.sender)
    if config.dkim is None or sender is None:
        return True
    signing = _ascii(config.dkim.domain)
    return sender.domain.lower() == signing or sender.domain.lower().endswith(f".{signing}")


def _ascii(domain: str) -> str:
    return domain.encode("idna").decode("ascii").lower()


def subject(text: str) -> str:
    """One clean line of at most 200 characters; what looks like an encoded word is kept from being decoded as one."""
    return _ENCODED_WORD.sub("= ?", wording.one_line(text, 200)) or "(no subject)"


def _address(written: str | None, what: str) -> Address:
    """As `wording.mail_address`. Raises CannotHelp without quoting what was written."""
    address = wording.mail_address(written)
    if address is None or len(getaddresses([written or ""])) != 1:
        raise CannotHelp(f"the {what}'s mail address cannot be used")
    return address
