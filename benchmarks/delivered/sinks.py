"""A webhook's receiver and a mail server in a process of their own: they take everything and note when it came.

Run by `benchmarks/delivery.py` as `python -m delivered.sinks`; it says both ports on standard output. Each line of
standard input asks for what has come since the last one: a JSON list of [number of the news, seconds since 1970]. The
number is read from the address of the source, `https://news.example/NUMBER`; -1 where there is none. It ends with its
standard input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_NUMBER = re.compile(rb"https://news\.example/(\d+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
came: list[tuple[int, float]] = []


def note(body: bytes) -> None:
    found = _NUMBER.search(body)
    came.append((int(found[1]) if found else -1, time.time()))


class Hook(asyncio.Protocol):
    """HTTP/1.1 with kept connections; every request has a Content-Length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._data, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._data) < whole:
                return
            body, self._data = self._data[end + 4 : whole], self._data[whole:]
            note(body)
            self._transport.write(_OK)


class Mail(asyncio.Protocol):
    """As much of RFC 5321 as a client needs that sends in plain text."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data, self._in_message = transport, bytearray(), False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n.\r\n" if self._in_message else b"\r\n")) >= 0:
            told = bytes(self._data[:end])
            del self._data[: end + (5 if self._in_message else 2)]
            self._transport.write(self._message(told) if self._in_message else self._command(told[:4].upper()))

    def _message(self, told: bytes) -> bytes:
        self._in_message = False
        note(told)
        return b"250 2.0.0 taken\r\n"

    def _command(self, verb: bytes) -> bytes:
        self._in_message = verb == b"DATA"
        if verb == b"QUIT":
            asyncio.get_running_loop().call_soon(self._transport.close)
        return {b"EHLO": b"250-sink\r\n250 SIZE 10000000\r\n", b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}.get(
            verb, b"250 ok\r\n"
        )


async def serve() -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(kind, "127.0.0.1", 0, backlog=512) for kind in (Hook, Mail)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        told = json.dumps(came)
        came.clear()
        print(told, flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
