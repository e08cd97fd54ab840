"""An SMTP server that keeps what it is sent and can be told to refuse."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

_OK = {"MAIL": "250 2.1.0 OK", "RCPT": "250 2.1.5 OK", "DATA": "250 2.0.0 queued"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One accepted message: its envelope, its bytes as they came, and when."""

    sender: str
    recipients: tuple[str, ...]
    body: bytes
    received_at: datetime

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.body, policy=email.policy.default)  # type: ignore[return-value]


@dataclass(slots=True, kw_only=True)
class _Answer:
    verb: str
    reply: str | None
    address: str | None
    times: int | None
    delay_s: float = 0


@dataclass(slots=True)
class SmtpInbox:
    """A server on a free port of 127.0.0.1. `mails` is what was accepted, oldest first."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    connections: int = 0
    _answers: list[_Answer] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _started: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def answer(self, verb: str, reply: str, *, address: str | None = None, times: int | None = None) -> None:
        """Answer `verb` (MAIL, RCPT or DATA) with `reply`, e.g. "451 4.7.1 later"; for one recipient, so many times.

        With DATA the reply comes after the message, which is then not kept.
        """
        self._answers.append(_Answer(verb=verb, reply=reply, address=address, times=times))

    def hang_up(self, verb: str, *, keep: bool = False, times: int | None = 1, address: str | None = None) -> None:
        """Cut the connection instead of answering `verb`; with `keep`, a message counts as accepted all the same."""
        self._answers.append(_Answer(verb=f"{verb}+keep" if keep else verb, reply=None, address=address, times=times))

    def dawdle(self, delay_s: float, *, keep: bool, address: str, times: int = 1) -> None:
        """Let a message to that recipient wait so long for its 250; with `keep` it counts as accepted all the same."""
        verb = "DATA+keep" if keep else "DATA"
        reply = _OK["DATA"] if keep else "451 4.3.0 gave up"
        self._answers.append(_Answer(verb=verb, reply=reply, address=address, times=times, delay_s=delay_s))

    def clear(self) -> None:
        """Forget the mails and the programmed answers."""
        self.mails.clear()
        self._answers.clear()

    def start(self) -> None:
        # bound here, because aiosmtpd's Controller connects to the port it was given and cannot take port 0
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="smtp-inbox", daemon=True)
        self._thread.start()
        self._started.wait(10)

    def stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)

    def _serve(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(self._session, sock=listener))
        self._started.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _session(self) -> SMTP:
        self.connections += 1
        return SMTP(self, hostname="inbox.test", ident="inbox", enable_SMTPUTF8=True, loop=self._loop)

    def _take(self, verb: str, address: str | None = None) -> _Answer | None:
        for answer in self._answers:
            if answer.verb == verb and answer.address in (None, address) and answer.times != 0:
                if answer.times is not None:
                    answer.times -= 1
                return answer
        return None

    def _reply(self, server: Any, verb: str, address: str | None = None) -> str:
        programmed = self._take(verb, address)
        if programmed is None:
            return _OK[verb.removesuffix("+keep")]
        if programmed.reply is None:
            server.transport.abort()
            return "421 4.3.2 gone"
        return programmed.reply

    async def _answered(self, server: Any, verb: str, address: str | None) -> str:
        slow = next((one for one in self._answers if one.verb == verb and one.address == address and one.delay_s), None)
        if slow is not None and slow.times:
            slow.times -= 1
            await asyncio.sleep(slow.delay_s)
            return slow.reply or _OK["DATA"]
        return self._reply(server, verb, address)

    async def handle_MAIL(self, server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        reply = self._reply(server, "MAIL", address)
        if reply.startswith("250"):
            envelope.mail_from = address
        return reply

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        reply = self._reply(server, "RCPT", address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        address = envelope.rcpt_tos[0] if envelope.rcpt_tos else None
        reply = await self._answered(server, "DATA", address)
        if not reply.startswith("250"):
            return reply
        mail = Mail(
            sender=envelope.mail_from,
            recipients=tuple(envelope.rcpt_tos),
            body=envelope.original_content,
            received_at=datetime.now(UTC),
        )
        self.mails.append(mail)
        return await self._answered(server, "DATA+keep", address)
