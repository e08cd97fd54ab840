"""An HTTP/1.1 server that keeps what it is sent, answers what it is told to, and serves feeds with validators."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came. `headers` knows names in any case; `target` is the path with its query."""

    method: str
    target: str
    headers: Message
    body: bytes
    received_at: datetime

    @property
    def path(self) -> str:
        return urlsplit(self.target).path


@dataclass(slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_s: float
    hang_up: bool
    times: int | None


@dataclass(slots=True, kw_only=True)
class _Feed:
    body: bytes
    headers: Mapping[str, str]
    etag: str | None
    last_modified: str | None


class HttpSink:
    """A threaded server on a free port of 127.0.0.1; a path that nobody programmed answers 200 "ok".

    `requests` is everything that came, oldest first.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.statuses: list[tuple[str, int]] = []
        self._answers: dict[str, list[_Answer]] = {}
        self._feeds: dict[str, _Feed] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Exchange)
        self._server.sink = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="http-sink", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(
        self,
        path: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"ok",
        delay_s: float = 0,
        hang_up: bool = False,
        times: int | None = None,
    ) -> None:
        """Answer `path` so, for ever or so many times; answers with `times` are used up in the order they were told.

        `delay_s` is before the status line; `hang_up` cuts the connection without one. A Content-Length in `headers`
        that is longer than `body` makes a truncated answer.
        """
        answer = _Answer(status=status, headers=headers or {}, body=body, delay_s=delay_s, hang_up=hang_up, times=times)
        with self._lock:
            self._answers.setdefault(path, []).append(answer)

    def serve(
        self,
        path: str,
        body: bytes,
        *,
        content_type: str = "application/rss+xml; charset=utf-8",
        etag: str | None = "",
        last_modified: str | None = "Sun, 01 Nov 2026 08:00:00 GMT",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Serve `body` as a feed that answers 304 to its own validators; gives its URL.

        An empty `etag` is made from the body; None leaves a validator out. Serving again replaces what was there.
        """
        made = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if etag == "" else etag
        feed = _Feed(
            body=body,
            headers={"Content-Type": content_type, **(headers or {})},
            etag=made,
            last_modified=last_modified,
        )
        with self._lock:
            self._feeds[path] = feed
        return self.url(path)

    def got(self, path: str) -> list[Request]:
        """What came for one path, oldest first."""
        return [request for request in self.requests if request.path == path]

    def count(self, path: str, status: int) -> int:
        """How often a path was answered with a status."""
        return self.statuses.count((path, status))

    def clear(self) -> None:
        """Forget the requests, the programmed answers and the feeds."""
        with self._lock:
            self.requests.clear()
            self.statuses.clear()
            self._answers.clear()
            self._feeds.clear()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _answer_to(self, request: Request) -> _Answer:
        with self._lock:
            for answer in self._answers.get(request.path, []):
                if answer.times is None:
                    return answer
                if answer.times > 0:
                    answer.times -= 1
                    return answer
            feed = self._feeds.get(request.path)
        return _conditional(feed, request) if feed else _plain(200, {"Content-Type": "text/plain"}, b"ok")

    def respond(self, exchange: _Exchange) -> None:
        """Record a request and write its answer; the server's threads call it."""
        length = int(exchange.headers.get("Content-Length") or 0)
        request = Request(
            method=exchange.command,
            target=exchange.path,
            headers=exchange.headers,
            body=exchange.rfile.read(length) if length else b"",
            received_at=datetime.now(UTC),
        )
        with self._lock:
            self.requests.append(request)
        answer = self._answer_to(request)
        if answer.delay_s:
            self._stopping.wait(answer.delay_s)
        if answer.hang_up:
            exchange.close_connection = True
            return
        with self._lock:
            self.statuses.append((request.path, answer.status))
        exchange.write(answer)


def _plain(status: int, headers: Mapping[str, str], body: bytes) -> _Answer:
    return _Answer(status=status, headers=headers, body=body, delay_s=0, hang_up=False, times=None)


def _conditional(feed: _Feed, request: Request) -> _Answer:
    headers = dict(feed.headers)
    if feed.etag:
        headers["ETag"] = feed.etag
    if feed.last_modified:
        headers["Last-Modified"] = feed.last_modified
    # RFC 9110, 13.2.2: If-Modified-Since counts only when there is no If-None-Match
    asked_tag = request.headers.get("If-None-Match")
    if asked_tag is not None:
        same = feed.etag is not None and feed.etag in [tag.strip() for tag in asked_tag.split(",")]
    else:
        same = feed.last_modified is not None and request.headers.get("If-Modified-Since") == feed.last_modified
    return _plain(304, headers, b"") if same else _plain(200, headers, feed.body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sink: HttpSink

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what many tests are about."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        self.server.sink.respond(self)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

    def write(self, answer: _Answer) -> None:
        names = {name.lower() for name in answer.headers}
        bodiless = answer.status in (204, 304) or self.command == "HEAD"
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304) and not names & {"content-length", "transfer-encoding"}:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(answer.body)
        if "content-length" in names:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; `requests` has it all."""
