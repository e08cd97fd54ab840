"""One message to one recipient over SMTP, on a kept connection where there is one; what the message says is `email`.

Sources: RFC 5321, RFC 1047 (the answer to the final dot may be lost).
"""

from __future__ import annotations

import ssl
import time
from urllib.parse import unquote, urlsplit

from watcher.deliver.channel import Misconfigured
from watcher.deliver.smtp_link import QUIT_S, Link, Server, Tls
from watcher.deliver.smtp_pool import Pool
from watcher.deliver.smtp_reply import Step, classify
from watcher.model import Outcome, OutcomeKind

__all__ = ["FINAL_S", "QUIT_S", "Server", "Step", "Tls", "Transaction", "classify", "parse_server"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {Tls.NONE: 25, Tls.UPGRADE: 587, Tls.DIRECT: 465}
FINAL_S = 60.0
"""How long the reply to the final dot may take: RFC 5321 4.5.3.2.6 asks for ten minutes, a claim on the row has two."""
_PROBE_S = 5.0
"""How long a kept connection may take to say that it is still there."""


def parse_server(url: str) -> Server:
    """`smtp://`, `smtp+starttls://` or `smtps://[user:password@]host[:port]`. Raises Misconfigured, quoting nothing."""
    try:
        parts = urlsplit(url)
        tls, host = Tls(parts.scheme.lower()), parts.hostname
        port = parts.port or _PORTS[tls]
    except ValueError:
        host = None
    if not host:
        raise Misconfigured("bad_smtp_url", "the mail server address is not smtp://, smtp+starttls:// or smtps://host")
    user = unquote(parts.username) if parts.username else None
    if user and tls is Tls.NONE and host not in _LOOPBACK:
        raise Misconfigured("plaintext_auth", "a password over smtp:// would travel in clear: use smtp+starttls://")
    return Server(host=host, port=port, tls=tls, user=user, password=unquote(parts.password or ""))


class Transaction:
    """One message. Without a pool its connection is its own; a TLS context is the system's unless one is given."""

    def __init__(
        self,
        server: Server,
        *,
        timeout_s: float,
        final_s: float = FINAL_S,
        tls: ssl.SSLContext | None = None,
        pool: Pool | None = None,
    ) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._final_s = final_s
        self._tls = tls
        self._pool = pool or Pool(idle_s=0)
        self._link: Link | None = None

    def deliver(self, message: bytes, *, sender: str, recipient: str) -> Outcome:
        """Send `message` (CRLF line ends).

        Takes at most `timeout_s` up to the final dot, then `final_s` for the reply to it, and a farewell of 2 s.
        """
        self._until = time.monotonic() + self._timeout_s
        if not self._pool.turn(self._server, within_s=self._timeout_s):
            detail = "connect: every connection to the mail server is in use"
            return Outcome(kind=OutcomeKind.RETRY, reason="timeout", detail=detail)
        try:
            return self._deliver(message, sender, recipient)
        finally:
            self._pool.done(self._server, self._link)

    def _deliver(self, message: bytes, sender: str, recipient: str) -> Outcome:
        self._link = self._kept()
        if self._link is not None:
            outcome = self._over(self._link, message, sender, recipient)
            # The server closed it between two messages: nothing was taken, and a new connection costs the reader none.
            if not (self._link.lost and self._link.untaken and outcome.reason != "timeout"):
                return outcome
            self._link.drop()
        self._link = Link(self._server, tls=lambda: self._tls or self._pool.tls())
        return self._over(self._link, message, sender, recipient)

    def _kept(self) -> Link | None:
        while (link := self._pool.kept(self._server)) is not None:
            if link.ready(min(_PROBE_S, self._left_s() / 3)):
                return link
            link.drop()
        return None

    def _over(self, link: Link, message: bytes, sender: str, recipient: str) -> Outcome:
        return link.deliver(message, sender=sender, recipient=recipient, within_s=self._left_s(), final_s=self._final_s)

    def _left_s(self) -> float:
        return max(self._until - time.monotonic(), 0)
