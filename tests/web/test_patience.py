"""Connections that ask nothing, at a served page with its own protocol: closed in time, and no request is cut short."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from watcher.web import patience
from watcher.web.patience import PatientProtocol

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def slow(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(1.0)
    return PlainTextResponse("slow\n")


async def quick(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("quick\n")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(patience, "HEAD_S", 0.5)
    pages = Starlette(routes=[Route("/", quick), Route("/slow", slow)])
    options: dict[str, Any] = {"log_config": None, "lifespan": "off", "limit_concurrency": 3, "timeout_keep_alive": 1}
    server = uvicorn.Server(uvicorn.Config(pages, http=PatientProtocol, **options))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def connected(port: int, sent: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), timeout=5)
    made.sendall(sent)
    return made


def answer(port: int, path: str = "/") -> bytes:
    with connected(port, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()) as asking:
        said = b""
        while more := asking.recv(4096):
            said += more
        return said


def test_silent_connections_keep_nobody_out_for_long(port: int) -> None:
    silent = [connected(port, begun) for begun in (b"", b"GET", HEAD)]
    assert answer(port).startswith(b"HTTP/1.1 503 ")
    assert [one.recv(100) for one in silent] == [b"", b"", b""]
    assert answer(port).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_comes_byte_by_byte_is_not_waited_for(port: int) -> None:
    with connected(port) as drip:
        began = time.monotonic()
        with pytest.raises(OSError):
            for _ in range(100):
                drip.sendall(b"a")
                time.sleep(0.05)
        assert time.monotonic() - began < 3


def test_a_second_request_on_the_same_connection_must_come_whole_too(port: int) -> None:
    with connected(port, HEAD + b"\r\n") as asking:
        assert asking.recv(4096).startswith(b"HTTP/1.1 200 ")
        asking.sendall(HEAD)
        while asking.recv(4096):
            pass


def test_an_answer_may_take_longer_than_a_head(port: int) -> None:
    assert answer(port, "/slow").endswith(b"slow\n")
