"""httpx's way to a guarded connection: one request and its answer, HTTP/1.1 as h11 reads it, and nothing else.

The transport and not `httpx.Client` is what we use: no cookies, no redirects, no environment, and no pool, which would
look at every connection it holds for every request. Whom to connect to is `watcher.net.wire_guard`'s, redirects and
limits on a body are `watcher.net.client`'s duty.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress

import h11
import httpx

from watcher.net.address import CheckedUrl
from watcher.net.faults import BadAnswer, Unreachable
from watcher.net.wire_guard import GuardedBackend, GuardedStream, WriteBroke

ENCODING = "iso-8859-1"
"""Latin-1 maps every byte to itself: validators go back exactly as they came."""
HEADER_BYTES = 64 * 1024
_HEADER_LINES = 1000
_READ_BYTES = 64 * 1024
TARGET = "target"
"""The extension under which a request carries its `CheckedUrl`: what was checked is what is connected to."""


class Transport(httpx.BaseTransport):
    """A connection of its own for every request; closing the response closes it."""

    def __init__(self, backend: GuardedBackend, tls: Callable[[], ssl.SSLContext], connect_s: float) -> None:
        self._backend = backend
        self._tls = tls
        self._connect_s = connect_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and wait for the answer's status and headers.

        Raises RefusedAddress, Unreachable, BadAnswer (`too_large`), or h11.LocalProtocolError for a request that HTTP
        cannot carry.
        """
        target: CheckedUrl = request.extensions[TARGET]
        stream = self._backend.connect(target)
        try:
            if target.scheme == "https":
                stream = stream.start_tls(self._tls(), self._connect_s)
            return _ask(stream, target.host, request)
        except BaseException:
            stream.close()
            raise


class _Body(httpx.SyncByteStream):
    """The answer's body as it comes, still encoded."""

    def __init__(self, talk: h11.Connection, stream: GuardedStream, host: str) -> None:
        self._talk = talk
        self._stream = stream
        self._host = host

    def __iter__(self) -> Iterator[bytes]:
        while isinstance(event := _next(self._talk, self._stream, self._host), h11.Data):
            yield bytes(event.data)

    def close(self) -> None:
        self._stream.close()


def _ask(stream: GuardedStream, host: str, request: httpx.Request) -> httpx.Response:
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES)
    body = request.read()
    head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
    sent = talk.send(head) or b""
    sent += talk.send(h11.Data(data=body)) or b"" if body else b""
    sent += talk.send(h11.EndOfMessage()) or b""
    # A server may refuse a request before it has read it all: then its answer is there, or the read says what is not.
    with suppress(WriteBroke):
        stream.write(sent)
    event = _next(talk, stream, host)
    while not isinstance(event, h11.Response):
        event = _next(talk, stream, host)
    pairs = event.headers.raw_items()
    if len(pairs) > _HEADER_LINES or sum(len(name) + len(value) + 4 for name, value in pairs) > HEADER_BYTES:
        raise BadAnswer("too_large", f"the headers of {host} are too large")
    headers = httpx.Headers(pairs, encoding=ENCODING)
    return httpx.Response(event.status_code, headers=headers, stream=_Body(talk, stream, host))


def _next(talk: h11.Connection, stream: GuardedStream, host: str) -> object:
    """The next h11 event, for which as much is read as it needs."""
    try:
        while (event := talk.next_event()) is h11.NEED_DATA:
            data = stream.read(_READ_BYTES)
            if not data and talk.their_state is h11.SEND_RESPONSE:
                raise Unreachable("connection", f"{host} hung up without an answer", sent=True)
            talk.receive_data(data)
    except h11.RemoteProtocolError as error:
        raise _protocol_fault(host, str(error)) from None
    return event


def _protocol_fault(host: str, said: str) -> Unreachable | BadAnswer:
    """h11 tells a body that ended early, and headers that are too long, in words alone."""
    if "complete message body" in said or "chunked read" in said:
        return Unreachable("truncated", f"the answer of {host} ended too early", sent=True)
    if "too long" in said.lower() or "too large" in said.lower():
        return BadAnswer("too_large", f"the headers of {host} are too large")
    return Unreachable("connection", f"{host} does not speak HTTP properly", sent=True)
