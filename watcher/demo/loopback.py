"""A small HTTP server on 127.0.0.1 that the demo's feed server, receivers and inbox page stand on.

One thread accepts, one thread answers each request, and `stop` returns after the last of them has ended. What is
answered is the caller's function; nothing here is meant for any other machine to reach.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HOST = "127.0.0.1"
BODY_MAX = 1024 * 1024
READ_TIMEOUT_S = 5.0
"""How long a silent client may hold a thread, and so how long `stop` may have to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    # Tracked threads only: server_close waits for them, so that none outlives the demo.
    daemon_threads = False
    answer: Callable[[Request], Reply]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is its own affair; anything else is shown as usual."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Exchange(BaseHTTPRequestHandler):
    server: _Server
    timeout = READ_TIMEOUT_S
    server_version = "loopback"
    sys_version = ""

    def _exchange(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_MAX:
            self._send(Reply(status=413, body=b"too large"))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(length))
        self._send(self.server.answer(Request(method=self.command, path=self.path, headers=headers, body=body)))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        if reply.status != 304:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.status != 304:
            self.wfile.write(reply.body)

    do_GET = _exchange
    do_POST = _exchange

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: each server keeps its own record of what was asked."""


class Loopback:
    """Answers HTTP on a free port of 127.0.0.1 with `answer`; a context manager that starts and stops it."""

    def __init__(self, answer: Callable[[Request], Reply], *, name: str, port: int = 0) -> None:
        self._server = _Server((HOST, port), _Exchange)
        self._server.answer = answer
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=name)
        self.url = f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, finish those under way, free the port. Safe to call on a server that never started."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
