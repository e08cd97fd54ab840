"""One message to one recipient over SMTP, and what each reply means; what the message says is `watcher.deliver.email`.

Sources: RFC 5321 4.2 (replies), RFC 1047 (the answer to the final dot may be lost), RFC 3207 (STARTTLS), RFC 3463.
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from watcher import wording
from watcher.deliver.channel import UNCERTAIN_RETRY_S, Misconfigured
from watcher.model import Outcome, OutcomeKind

_POLICY = re.compile(r"\b5\.7\.\d{1,3}\b")
_LEADING_DOT = re.compile(rb"(?m)^\.")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
QUIT_S = 2.0
FINAL_S = 60.0
"""How long the reply to the final dot may take: RFC 5321 4.5.3.2.6 asks for ten minutes, a claim on the row has two."""


class Tls(StrEnum):
    NONE = "smtp"
    UPGRADE = "smtp+starttls"
    DIRECT = "smtps"


_PORTS = {Tls.NONE: 25, Tls.UPGRADE: 587, Tls.DIRECT: 465}


class Step(StrEnum):
    """Where in the transaction something happened; a broken connection means another thing after the final dot."""

    CONNECT = "connect"
    HELLO = "hello"
    TLS = "tls"
    AUTH = "auth"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str = field(default="", repr=False)


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


def classify(code: int, said: bytes | str, *, step: Step) -> Outcome:
    """What a reply that is not the hoped-for one, or the reply to the final dot, means for the delivery.

    4xx again; 5xx while connecting or logging in, 530, 535, 538, 554 and any policy refusal (5.7.x) channel down;
    every other 5xx rejects this message.
    """
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if step is Step.AUTH:
        # What a server says here may quote the credentials.
        words = "the mail server refuses the login"
    reason, detail = f"smtp_{code}", wording.one_line(f"{step.value}: {words}", 200)
    if 200 <= code < 300:
        return Outcome(kind=OutcomeKind.SENT, reason=reason, detail=detail)
    if step is Step.FINAL and not 400 <= code < 600:
        return _uncertain("smtp_nonsense", "final: not an SMTP reply")
    if not 500 <= code < 600:
        return Outcome(kind=OutcomeKind.RETRY, reason=reason, detail=detail)
    early = step in (Step.CONNECT, Step.HELLO, Step.TLS, Step.AUTH)
    if early or code in (530, 534, 535, 538, 554) or _POLICY.search(words):
        return Outcome(kind=OutcomeKind.CHANNEL_DOWN, reason=reason, detail=detail)
    return Outcome(kind=OutcomeKind.REJECTED, reason=reason, detail=detail)


def _uncertain(reason: str, detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.UNCERTAIN, reason=reason, detail=detail, retry_after_s=UNCERTAIN_RETRY_S)


class _Refused(Exception):
    def __init__(self, code: int, said: bytes | str) -> None:
        super().__init__(code)
        self.code = code
        self.said = said


class _Replies(io.RawIOBase):
    """What the server says; every piece of it is waited for within the session's deadline."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        self._session.bound()
        assert self._session.sock is not None
        return self._session.sock.recv_into(room)


class _Session(smtplib.SMTP):
    """smtplib's client with one deadline over all replies instead of one per piece of a reply."""

    def __init__(self, timeout_s: float, hostname: str) -> None:
        self.allow(timeout_s)
        super().__init__(local_hostname=hostname)

    def allow(self, seconds: float) -> None:
        """Whatever comes next must be over so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    def left_s(self) -> float:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def bound(self) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.left_s())

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Replies(self))
        return super().getreply()

    def send(self, s: Any) -> None:
        self.bound()
        super().send(s)

    def take(self, sock: socket.socket) -> None:
        """Speak over `sock` from now on, forgetting what was said and buffered before."""
        self.sock, self.file = sock, None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False


class Transaction:
    """One connection, one message. A TLS context is made from the system's roots unless one is given."""

    def __init__(
        self, server: Server, *, timeout_s: float, final_s: float = FINAL_S, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._final_s = final_s
        self._tls = tls
        self._step = Step.CONNECT
        self._smtp = _Session(timeout_s, _own_name())

    def deliver(self, message: bytes, *, sender: str, recipient: str) -> Outcome:
        """Send `message` (CRLF line ends, 7-bit).

        Takes at most `timeout_s` up to the final dot, then `final_s` for the reply to it, and a farewell of 2 s.
        """
        try:
            outcome = self._run(message, sender, recipient)
        except _Refused as refused:
            outcome = classify(refused.code, refused.said, step=self._step)
        except Misconfigured as error:
            outcome = error.outcome()
        except (smtplib.SMTPException, OSError) as error:
            outcome = self._broken(error)
        self._leave()
        return self._without_password(outcome)

    def _run(self, message: bytes, sender: str, recipient: str) -> Outcome:
        self._connect()
        self._log_in()
        smtp = self._smtp
        room = smtp.esmtp_features.get("size", "")
        if room.isdigit() and 0 < int(room) < len(message):
            return Outcome(kind=OutcomeKind.REJECTED, reason="smtp_size", detail=f"the server takes {room} bytes")
        self._expect(Step.SENDER, 2, lambda: smtp.mail(sender))
        self._expect(Step.RECIPIENT, 2, lambda: smtp.rcpt(recipient))
        self._expect(Step.DATA, 3, lambda: smtp.docmd("DATA"))
        smtp.send(_LEADING_DOT.sub(b"..", message if message.endswith(b"\r\n") else message + b"\r\n"))
        # Before the dot nothing can have been taken; from here on it may.
        self._step = Step.FINAL
        smtp.send(b".\r\n")
        # Its own time: giving up early makes a second copy of a message that a slow server is about to take.
        smtp.allow(self._final_s)
        code, said = smtp.getreply()
        return classify(code, said, step=self._step)

    def _connect(self) -> None:
        server, smtp = self._server, self._smtp
        sock: socket.socket = socket.create_connection((server.host, server.port), timeout=smtp.left_s())
        smtp.sock = sock
        if server.tls is Tls.DIRECT:
            smtp.take(self._context().wrap_socket(sock, server_hostname=server.host))
        self._expect(Step.CONNECT, 2, smtp.getreply)
        self._expect(Step.HELLO, 2, smtp.ehlo)
        if server.tls is Tls.UPGRADE:
            self._step = Step.TLS
            if not smtp.has_extn("starttls"):
                raise Misconfigured("tls_not_offered", "the mail server does not offer STARTTLS")
            self._expect(Step.TLS, 2, lambda: smtp.docmd("STARTTLS"))
            smtp.bound()
            smtp.take(self._context().wrap_socket(sock, server_hostname=server.host))
            self._expect(Step.HELLO, 2, smtp.ehlo)

    def _log_in(self) -> None:
        if self._server.user is None:
            return
        self._step = Step.AUTH
        try:
            self._smtp.login(self._server.user, self._server.password)
        except smtplib.SMTPAuthenticationError as error:
            raise _Refused(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except (smtplib.SMTPException, UnicodeError):
            raise Misconfigured("auth_not_offered", "the mail server offers no way to log in that we know") from None

    def _expect(self, step: Step, hundreds: int, say: Any) -> None:
        self._step = step
        code, said = say()
        if code // 100 != hundreds:
            raise _Refused(code, said)

    def _broken(self, error: Exception) -> Outcome:
        cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, TimeoutError):
            if self._step in (Step.CONNECT, Step.TLS):
                return Misconfigured("tls", "no trusted connection to the mail server could be made").outcome()
            cause = None
        reason, detail = "connection", f"{self._step.value}: the connection broke"
        if isinstance(cause, TimeoutError):
            reason, detail = "timeout", f"{self._step.value}: no reply came in time"
        elif isinstance(cause, socket.gaierror):
            reason, detail = "dns", "the mail server's name does not resolve"
        if self._step is Step.FINAL:
            return _uncertain(reason, detail)
        return Outcome(kind=OutcomeKind.RETRY, reason=reason, detail=detail)

    def _leave(self) -> None:
        if self._smtp.sock is None:
            return
        try:
            self._smtp.sock.settimeout(QUIT_S)
            smtplib.SMTP.send(self._smtp, b"QUIT\r\n")
        except (smtplib.SMTPException, OSError):
            pass
        self._smtp.close()

    def _without_password(self, outcome: Outcome) -> Outcome:
        """A server may quote what it was told."""
        password = self._server.password
        if not password or password not in outcome.detail:
            return outcome
        return replace(outcome, detail=outcome.detail.replace(password, "***"))

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()


def _own_name() -> str:
    """For EHLO; asking the resolver for a full name, as smtplib does by itself, can take seconds."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
