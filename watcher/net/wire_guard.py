"""The sockets under the HTTP client: resolve once, check every answer, connect to what was checked, check the peer.

Also keeps the total deadline of a request, which no per-read timeout can: every read and write gets what is left of it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from watcher.errors import RefusedAddress
from watcher.net.address import CheckedUrl, allowance, check_answers
from watcher.net.faults import Unreachable
from watcher.net.resolve import Resolver

_ADDRESSES_TRIED = 4
_NEVER = float("inf")


class Progress(threading.local):
    """How far the request of this thread has come: its deadline, and whether any of its bytes have left."""

    until: float = _NEVER
    sent: bool = False

    def begin(self, total_s: float) -> None:
        self.until = time.monotonic() + total_s
        self.sent = False

    def left_s(self) -> float:
        """Seconds left; raises Unreachable (`timeout`) when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise Unreachable("timeout", "the whole request took too long", sent=self.sent)
        return left


class WriteBroke(Exception):
    """The far side takes no more of our request; an answer to what it has read may be there all the same."""


class GuardedStream:
    """A connected socket whose every operation is held to the request's deadline."""

    def __init__(self, sock: socket.socket, progress: Progress, host: str) -> None:
        self._sock = sock
        self._progress = progress
        self._host = host

    def _fault(self, error: OSError) -> Unreachable:
        if isinstance(error, TimeoutError):
            return Unreachable("timeout", f"{self._host} took too long to answer", sent=self._progress.sent)
        return Unreachable("connection", f"the connection to {self._host} broke", sent=self._progress.sent)

    def read(self, max_bytes: int) -> bytes:
        """What has come, at most `max_bytes`; empty at the end. Raises Unreachable."""
        try:
            self._sock.settimeout(self._progress.left_s())
            return self._sock.recv(max_bytes)
        except OSError as error:
            raise self._fault(error) from None

    def write(self, buffer: bytes) -> None:
        """Send all of `buffer`. Raises Unreachable, or WriteBroke when the far side has hung up."""
        view = memoryview(buffer)
        try:
            while view:
                self._sock.settimeout(self._progress.left_s())
                view = view[self._sock.send(view) :]
                self._progress.sent = True
        except TimeoutError as error:
            raise self._fault(error) from None
        except OSError as error:
            raise WriteBroke(str(error)) from None

    def close(self) -> None:
        self._sock.close()

    def start_tls(self, context: ssl.SSLContext, timeout_s: float) -> GuardedStream:
        """This connection under TLS for its host's name. Raises Unreachable and is closed then."""
        try:
            self._sock.settimeout(min(timeout_s, self._progress.left_s()))
            return GuardedStream(
                context.wrap_socket(self._sock, server_hostname=self._host), self._progress, self._host
            )
        except (ssl.SSLError, ssl.CertificateError) as error:
            self.close()
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "handshake failed"
            raise Unreachable("tls", f"TLS with {self._host}: {reason}") from None
        except OSError as error:
            self.close()
            raise self._fault(error) from None
        except Unreachable:
            self.close()
            raise


class GuardedBackend:
    """Connects only to addresses that have been checked, and checks them again where the connection really ended."""

    def __init__(
        self, allow_private: tuple[str, ...], resolver: Resolver, progress: Progress, connect_s: float
    ) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._progress = progress
        self._connect_s = connect_s

    def connect(self, target: CheckedUrl) -> GuardedStream:
        """A connection to the target's host and port, by the first of its addresses that answers.

        Raises RefusedAddress when any address of the name must not be contacted, or Unreachable.
        """
        host, port = target.host, target.port
        answers = self._resolver(host, port, min(self._connect_s, self._progress.left_s()))
        check_answers(host, port, answers, self._allow_private)
        return self._first_that_answers(host, port, _interleave(answers)[:_ADDRESSES_TRIED])

    def _first_that_answers(self, host: str, port: int, answers: list[str]) -> GuardedStream:
        # Several addresses share the time, so that a black-holed IPv6 route leaves some for IPv4.
        share_s = self._connect_s / max(len(answers), 1)
        fault = Unreachable("connection", f"{host} does not accept connections")
        for answer in answers:
            try:
                sock = socket.create_connection((answer, port), min(share_s, self._progress.left_s()))
            except TimeoutError:
                fault = Unreachable("timeout", f"connecting to {host} took too long")
                continue
            except OSError:
                continue
            self._check_peer(sock, host, port, answer)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return GuardedStream(sock, self._progress, host)
        raise fault

    def _check_peer(self, sock: socket.socket, host: str, port: int, answer: str) -> None:
        try:
            peer = sock.getpeername()[0]
            if peer == answer:
                return  # letter for letter the address that was checked
            check_answers(host, port, (peer,), self._allow_private)
            same = _bare(peer) == _bare(answer) or allowance(self._allow_private).covers(ip_address(_bare(peer)))
            if not same:
                raise RefusedAddress(f"the connection to {host} ended at another address")
        except OSError:
            sock.close()
            raise Unreachable("connection", f"the connection to {host} broke") from None
        except RefusedAddress:
            sock.close()
            raise


def _bare(address: str) -> str:
    """The address without its zone, an IPv4-mapped one as IPv4."""
    parsed = ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def _interleave(answers: Iterable[str]) -> list[str]:
    """Alternate families, keeping the order inside each (RFC 8305 section 4)."""
    answers = list(answers)
    first = [answer for answer in answers if (":" in answer) == (":" in answers[0])]
    second = [answer for answer in answers if (":" in answer) != (":" in answers[0])]
    mixed: list[str] = []
    while first or second:
        mixed += [family.pop(0) for family in (first, second) if family]
    return mixed
