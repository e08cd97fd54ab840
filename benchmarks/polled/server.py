"""A web server with the feeds of `news`, in a process of its own: validators, gzip, 304, and one host that crawls.

Run by `benchmarks/polling.py` as `python -m polled.server FEEDS`; it says its port on standard output and serves until
its standard input ends. Everything is made before the first request, so that it costs those it is measured with little.
It listens on every address, since each feed has a loopback address of its own, and hangs up on all but loopback.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass

from polled import news

_LAST_MODIFIED = b"Mon, 02 Mar 2026 09:00:00 GMT"
SLOW = b"/slow"
"""A path that answers at one byte a second."""
COUNTS = b"/counts"
"""A path that tells how many answers of each status there were since it was last asked."""


@dataclass(frozen=True, slots=True)
class Page:
    fresh: bytes
    """A whole answer with a compressed body."""
    plain: bytes
    unchanged: bytes
    etag: bytes


def page(body: bytes) -> Page:
    etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:16].encode()
    shared = b"ETag: %s\r\nLast-Modified: %s\r\nVary: Accept-Encoding\r\n" % (etag, _LAST_MODIFIED)
    packed = gzip.compress(body, 6, mtime=0)
    told = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml; charset=utf-8\r\n" + shared
    return Page(
        fresh=told + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(packed), packed),
        plain=told + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        unchanged=b"HTTP/1.1 304 Not Modified\r\n" + shared + b"\r\n",
        etag=etag,
    )


class Exchange(asyncio.Protocol):
    def __init__(self, pages: dict[bytes, Page], counts: Counter[int]) -> None:
        self._pages = pages
        self._counts = counts
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not transport.get_extra_info("peername")[0].startswith("127."):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._came += data
        while b"\r\n\r\n" in self._came:
            head, _, self._came = self._came.partition(b"\r\n\r\n")
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        path = first.split(b" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if path == SLOW:
            self._crawl()
            return
        status, answer = self._of(path, headers)
        self._counts[status] += path != COUNTS
        self._transport.write(answer)
        if headers.get(b"connection", b"").lower() == b"close":
            self._transport.close()

    def _of(self, path: bytes, headers: dict[bytes, bytes]) -> tuple[int, bytes]:
        if path == COUNTS:
            told = json.dumps(self._counts).encode()
            self._counts.clear()
            return 200, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told)
        found = self._pages.get(path)
        if found is None:
            return 404, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        asked = headers.get(b"if-none-match")
        # RFC 9110, 13.2.2: If-Modified-Since counts only when there is no If-None-Match
        same = asked == found.etag if asked is not None else headers.get(b"if-modified-since") == _LAST_MODIFIED
        if same:
            return 304, found.unchanged
        return 200, found.fresh if b"gzip" in headers.get(b"accept-encoding", b"") else found.plain

    def _crawl(self) -> None:
        rest = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000

        def next_byte(at: int) -> None:
            if self._transport.is_closing() or at >= len(rest):
                return
            self._transport.write(rest[at : at + 1])
            asyncio.get_running_loop().call_later(1.0, next_byte, at + 1)

        next_byte(0)


async def serve(feeds: int) -> None:
    pages = {b"/feed/%d.xml" % number: page(news.feed(number)) for number in range(feeds)}
    counts: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Exchange(pages, counts), "0.0.0.0", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
