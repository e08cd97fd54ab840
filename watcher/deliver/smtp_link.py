"""One connection to a mail server, over which messages go one after another; who keeps it is `smtp_pool`.

Sources: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 1870 (SIZE), RFC 6152 (8BITMIME).
"""

from __future__ import annotations

import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from watcher.deliver.channel import Misconfigured
from watcher.deliver.smtp_reply import TOO_LARGE, Step, classify, uncertain
from watcher.model import Outcome, OutcomeKind

_LEADING_DOT = re.compile(rb"(?m)^\.")
QUIT_S = 2.0
_TOLD = frozenset({"8bitmime", "auth", "dsn", "pipelining", "size", "smtputf8", "starttls"})
"""Extensions that matter to us or to whoever looks."""


class Tls(StrEnum):
    NONE = "smtp"
    UPGRADE = "smtp+starttls"
    DIRECT = "smtps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str = field(default="", repr=False)


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

    def __init__(self, hostname: str) -> None:
        self._deadline = 0.0
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


class Link:
    """A connection, opened and logged in by its first message. Used by one thread at a time."""

    def __init__(self, server: Server, *, tls: Callable[[], ssl.SSLContext]) -> None:
        self.messages = 0
        """That were begun over it."""
        self.idle_since = time.monotonic()
        self.sound = False
        """Whether another message may follow."""
        self.lost = False
        """Whether the last outcome came of the connection and not of a reply to the message."""
        self._server = server
        self._tls = tls
        self._step = Step.CONNECT
        self._smtp = _Session(_own_name())

    def ready(self, within_s: float) -> bool:
        """Whether the server still listens and has forgotten the message before."""
        self._smtp.allow(within_s)
        try:
            code, _ = self._smtp.docmd("RSET")
        except (smtplib.SMTPException, OSError):
            return False
        return code == 250

    def deliver(self, message: bytes, *, sender: str, recipient: str, within_s: float, final_s: float) -> Outcome:
        """Send `message` (CRLF line ends): `within_s` up to the final dot, then `final_s` for the reply to it."""
        self._smtp.allow(within_s)
        fresh, self.sound, self.lost = self.messages == 0, False, False
        self.messages += 1
        try:
            if fresh:
                self._open()
            outcome = self._transmit(message, sender, recipient, final_s)
            self.sound = outcome.kind is not OutcomeKind.UNCERTAIN
        except _Refused as refused:
            outcome = classify(refused.code, refused.said, step=self._step)
            self.sound = self._step in (Step.SENDER, Step.RECIPIENT, Step.DATA) and refused.code != 421
            self.lost = refused.code in (-1, 421)
        except Misconfigured as error:
            outcome = error.outcome()
        except (smtplib.SMTPException, OSError) as error:
            self.lost = True
            outcome = self._broken(error)
        self.idle_since = time.monotonic()
        return self._without_password(outcome)

    def try_out(self, *, within_s: float) -> Outcome:
        """Connect, begin TLS and log in, then leave: SENT with what the server takes in `detail`, or why not."""
        self._smtp.allow(within_s)
        try:
            self._open()
            takes = sorted(name for name in self._smtp.esmtp_features if name in _TOLD)
            outcome = Outcome(kind=OutcomeKind.SENT, reason="greeted", detail=", ".join(takes) or "plain SMTP")
        except _Refused as refused:
            outcome = classify(refused.code, refused.said, step=self._step)
        except Misconfigured as error:
            outcome = error.outcome()
        except (smtplib.SMTPException, OSError) as error:
            outcome = self._broken(error)
        self.leave()
        return self._without_password(outcome)

    @property
    def untaken(self) -> bool:
        """Whether it is sure that the server has taken nothing of the last message."""
        return self._step is not Step.FINAL

    def leave(self) -> None:
        """Say farewell without waiting for the answer."""
        if self._smtp.sock is None:
            return
        try:
            self._smtp.sock.settimeout(QUIT_S)
            smtplib.SMTP.send(self._smtp, b"QUIT\r\n")
        except (smtplib.SMTPException, OSError):
            pass
        self.drop()

    def drop(self) -> None:
        """Close our end, saying nothing: the other end may be in use by the process that we were forked from."""
        self._smtp.close()

    def _open(self) -> None:
        server, smtp = self._server, self._smtp
        sock: socket.socket = socket.create_connection((server.host, server.port), timeout=smtp.left_s())
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.sock = sock
        if server.tls is Tls.DIRECT:
            smtp.take(self._tls().wrap_socket(sock, server_hostname=server.host))
        self._expect(Step.CONNECT, 2, smtp.getreply)
        self._expect(Step.HELLO, 2, smtp.ehlo)
        if server.tls is Tls.UPGRADE:
            self._step = Step.TLS
            if not smtp.has_extn("starttls"):
                raise Misconfigured("tls_not_offered", "the mail server does not offer STARTTLS")
            self._expect(Step.TLS, 2, lambda: smtp.docmd("STARTTLS"))
            smtp.bound()
            smtp.take(self._tls().wrap_socket(sock, server_hostname=server.host))
            self._expect(Step.HELLO, 2, smtp.ehlo)
        self._log_in()

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

    def _transmit(self, message: bytes, sender: str, recipient: str, final_s: float) -> Outcome:
        smtp = self._smtp
        # From here on a step says what happened to this message, also over a connection that served another one.
        self._step = Step.SENDER
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        refusal = self._impossible(message)
        if refusal is not None:
            return refusal
        options = [f"SIZE={len(message)}"] if smtp.has_extn("size") else []
        options += [] if message.isascii() else ["BODY=8BITMIME"]
        self._expect(Step.SENDER, 2, lambda: smtp.mail(sender, options))
        self._expect(Step.RECIPIENT, 2, lambda: smtp.rcpt(recipient))
        self._expect(Step.DATA, 3, lambda: smtp.docmd("DATA"))
        smtp.send(_LEADING_DOT.sub(b"..", message))
        # Before the dot nothing can have been taken; from here on it may.
        self._step = Step.FINAL
        smtp.send(b".\r\n")
        # Its own time: giving up early makes a second copy of a message that a slow server is about to take.
        smtp.allow(final_s)
        code, said = smtp.getreply()
        self.lost = code == 421
        return classify(code, said, step=self._step)

    def _impossible(self, message: bytes) -> Outcome | None:
        """What the server's greeting says it will not take. Addresses are ASCII, so SMTPUTF8 is never needed."""
        room = self._smtp.esmtp_features.get("size", "")
        if room.isascii() and room.isdigit() and len(room) < 16 and 0 < int(room) < len(message):
            return Outcome(kind=OutcomeKind.REJECTED, reason=TOO_LARGE, detail=f"the server takes {int(room)} bytes")
        if not message.isascii() and not self._smtp.has_extn("8bitmime"):
            detail = "the message has 8-bit characters, which the server does not take"
            return Outcome(kind=OutcomeKind.REJECTED, reason="smtp_8bit", detail=detail)
        return None

    def _expect(self, step: Step, hundreds: int, say: Callable[[], tuple[int, bytes]]) -> None:
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
            return uncertain(reason, detail)
        return Outcome(kind=OutcomeKind.RETRY, reason=reason, detail=detail)

    def _without_password(self, outcome: Outcome) -> Outcome:
        """A server may quote what it was told."""
        password = self._server.password
        if not password or password not in outcome.detail:
            return outcome
        return replace(outcome, detail=outcome.detail.replace(password, "***"))


def _own_name() -> str:
    """For EHLO; asking the resolver for a full name, as smtplib does by itself, can take seconds."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
