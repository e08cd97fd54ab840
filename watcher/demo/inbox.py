"""An SMTP server on loopback that takes every mail and keeps it, for the demo's report and its inbox page."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from watcher.demo.loopback import HOST

SIZE_MAX = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    number: int
    """From 1, in the order of arrival."""
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    at: datetime

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"] or "")

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()).replace("\r\n", "\n") if part else ""


class Inbox:
    """Takes mail at `smtp_url`; a context manager that starts and stops it.

    The socket is bound here, since aiosmtpd's own controller cannot be asked for any free port.
    """

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="demo-inbox")
        self._mails: list[Mail] = []
        self._guard = threading.Lock()
        self._taking = threading.Event()
        self.smtp_url = f"smtp://{HOST}:{self._socket.getsockname()[1]}"

    @property
    def mails(self) -> tuple[Mail, ...]:
        with self._guard:
            return tuple(self._mails)

    def start(self) -> None:
        self._thread.start()
        self._taking.wait()

    def stop(self) -> None:
        """Break open connections, free the port, end the thread. Safe to call on an inbox that never started."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._socket.close()
        if not self._loop.is_closed():
            self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(self._session, sock=self._socket))
        self._loop.call_soon(self._taking.set)
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def _session(self) -> SMTP:
        # A fixed name: asking for this machine's own can wait seconds for a name server.
        return SMTP(self, hostname="inbox.demo", data_size_limit=SIZE_MAX, enable_SMTPUTF8=True, loop=self._loop)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802, RUF100
        """Keep one mail; the name is aiosmtpd's."""
        content: Any = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        with self._guard:
            number = len(self._mails) + 1
            recipients = tuple(str(address) for address in envelope.rcpt_tos)
            sender = str(envelope.mail_from or "")
            at = datetime.now(UTC)
            self._mails.append(Mail(number=number, sender=sender, recipients=recipients, raw=raw, at=at))
        return "250 OK kept"
