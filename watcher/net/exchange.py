"""One request and its answer on a connected stream: HTTP/1.1 as h11 reads it, and nothing of what came before or after.

Whom to connect to is `watcher.net.wire_guard`'s, redirects and limits on a body are `watcher.net.client`'s duty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

import h11

from watcher.net.faults import BadAnswer, Unreachable
from watcher.net.wire_guard import GuardedStream, WriteBroke

ENCODING = "iso-8859-1"
"""Latin-1 maps every byte to itself: validators go back exactly as they came."""
HEADER_BYTES = 64 * 1024
_HEADER_LINES = 1000
_READ_BYTES = 64 * 1024
_PATH = "!$%&'()*+,-./:;=@[]^_|~"
_QUERY = _PATH + "?`{}"
_PLAIN = re.compile(r"[A-Za-z0-9!$%&'()*+,\-./:;=@\[\]^_|~]*(?:\?[A-Za-z0-9!$%&'()*+,\-./:;=@\[\]^_|~?`{}]*)?")


class Headers(Mapping[str, str]):
    """An answer's headers by name in any case; values that came in several lines are joined by commas (RFC 9110, 5.3).

    Bytes are kept as Latin-1, so that a value can be sent back unchanged.
    """

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        for raw_name, raw_value in pairs:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode(ENCODING)
            known = self._values.get(name)
            self._values[name] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back so far; `chunks` reads the body from the stream as it comes, still encoded."""

    status: int
    headers: Headers
    chunks: Iterator[bytes]


def target_of(rest: str) -> bytes:
    """The path and query of a URL as a request line holds them: what is not ASCII, and quotes, as percent codes."""
    if _PLAIN.fullmatch(rest):
        return rest.encode("ascii")
    path, mark, query = rest.partition("?")
    return (quote(path, safe=_PATH) + mark + quote(query, safe=_QUERY)).encode("ascii")


def ask(
    stream: GuardedStream,
    host: str,
    method: str,
    target: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes | None,
) -> Answer:
    """Send one request over a fresh `stream` and wait for the answer's status and headers; `host` is for messages.

    Raises Unreachable, BadAnswer (`too_large`), or h11.LocalProtocolError for a request that HTTP cannot carry.
    """
    talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADER_BYTES)
    sent = talk.send(h11.Request(method=method, target=target, headers=headers)) or b""
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
    return Answer(status=event.status_code, headers=Headers(pairs), chunks=_chunks(talk, stream, host))


def _chunks(talk: h11.Connection, stream: GuardedStream, host: str) -> Iterator[bytes]:
    while isinstance(event := _next(talk, stream, host), h11.Data):
        yield bytes(event.data)


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
