"""Bad inputs 70–79 and 85: servers that want our time and memory, met over real sockets with the limits scaled down."""

from __future__ import annotations

import gzip
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import repeat

import pytest
from services.raw import MIB, Answer, by_path, gzipped, moved, ok, serving

from watcher.fetch.get import conditional_get
from watcher.model import FetchOutcome, FetchResult, Validators
from watcher.net.client import GuardedClient
from watcher.net.faults import BadAnswer, Unreachable
from watcher.net.judge import judge
from watcher.parse.opml import MAX_FEEDS, Outline, read_opml, write_opml

LIMIT = MIB
TOTAL_S = 0.6
LATEST_S = 1.5
"""When a call that may take `TOTAL_S` must have ended, on a machine that has other work."""
LOOPBACK = ("127.0.0.0/8",)


def fetched(answer: Answer | bytes, *, total_s: float = TOTAL_S) -> FetchResult:
    """What a poll of such a server comes to; it must come to something soon."""
    with serving(answer) as server, GuardedClient(LOOPBACK, total_s=total_s, connect_s=0.5) as client:
        started = time.monotonic()
        result = conditional_get(client, server.url, Validators(), max_bytes=LIMIT)
        assert time.monotonic() - started < max(LATEST_S, 2 * total_s)
        return result


@contextmanager
def no_more_than(mib: int) -> Iterator[None]:
    """The memory of this process may not grow by more at its highest."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < mib * 1024


def forever(
    piece: bytes, every_s: float = 0, head: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
) -> Answer:
    """A server that goes on and on, until it is hung up on."""

    def answer(_request: bytes, connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in repeat(None):
            connection.sendall(piece)
            if every_s:
                time.sleep(every_s)

    return answer


def silence(_request: bytes, _connection: socket.socket) -> None:
    time.sleep(3)


def test_input_070_a_megabyte_of_gzip_that_is_a_gigabyte() -> None:
    bomb = gzipped(1024)
    assert len(bomb) < 1.1 * MIB
    with no_more_than(64):
        result = fetched(ok(bomb[: LIMIT - 100], "Content-Encoding: gzip"), total_s=5)
    assert result.outcome is FetchOutcome.TOO_LARGE


def test_input_071_gzip_in_gzip() -> None:
    inner = gzipped(256)
    outer = gzip.compress(inner, 9)
    assert len(outer) < 4096
    with no_more_than(64):
        said = fetched(ok(outer, "Content-Encoding: gzip, gzip"))
        once = fetched(ok(outer, "Content-Encoding: gzip"))
    assert said.outcome is FetchOutcome.BAD_ENCODING
    # said to be one layer, it is unpacked once: bytes that no parser takes for a feed
    assert (once.outcome, once.body) in [(FetchOutcome.CHANGED, inner), (FetchOutcome.TOO_LARGE, None)]


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "compress"])
def test_input_072_an_encoding_that_was_not_offered(encoding: str) -> None:
    assert fetched(ok(b"\x1b\x00\xf8" * 100, f"Content-Encoding: {encoding}")).outcome is FetchOutcome.BAD_ENCODING


def test_input_073_one_byte_now_and_then() -> None:
    assert fetched(forever(b"x", 0.1)).outcome is FetchOutcome.TIMEOUT


def test_headers_one_by_one_without_end() -> None:
    assert fetched(forever(b"X-More: 1\r\n", 0.05, b"HTTP/1.1 200 OK\r\n")).outcome is FetchOutcome.TIMEOUT


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"X: " + b"y" * 200_000 + b"\r\n", id="200-KB"),
        pytest.param(b"X: 1\r\n" * 10_000, id="10000-lines"),
        pytest.param(b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(80)), id="72-KB-in-80-lines"),
    ],
)
def test_input_074_headers_that_are_too_large(headers: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + headers + b"Content-Length: 0\r\n\r\n"
    assert fetched(answer).outcome is FetchOutcome.TOO_LARGE


def test_headers_without_end_are_too_large() -> None:
    with no_more_than(32):
        result = fetched(forever(b"X-More: " + b"y" * 1000 + b"\r\n", 0, b"HTTP/1.1 200 OK\r\n"), total_s=5)
    assert result.outcome is FetchOutcome.TOO_LARGE


def test_answers_that_are_only_announced() -> None:
    """RFC 9110, 15.2: any number of 1xx answers may come before the one that counts."""
    assert fetched(forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01, b"")).outcome is FetchOutcome.TIMEOUT
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3
    assert fetched(early + ok(b"<rss/>")).body == b"<rss/>"


def test_input_075_chunks_without_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with no_more_than(32):
        result = fetched(forever(b"10000\r\n" + b"x" * 65536 + b"\r\n", 0, head), total_s=5)
    assert result.outcome is FetchOutcome.TOO_LARGE


def test_a_chunk_that_says_to_be_endless() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"
    assert fetched(forever(b"x" * 65536, 0, head), total_s=5).outcome is FetchOutcome.TOO_LARGE


def test_input_076_no_length_and_no_end() -> None:
    with no_more_than(32):
        result = fetched(forever(b"x" * 65536, 0, b"HTTP/1.1 200 OK\r\n\r\n"), total_s=5)
    assert result.outcome is FetchOutcome.TOO_LARGE


def test_a_length_beyond_the_limit_is_believed_at_once() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n"
    assert fetched(forever(b"x" * 65536, 0, head), total_s=5).outcome is FetchOutcome.TOO_LARGE


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", FetchOutcome.TRUNCATED, id="too-long"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort, and more",
                     FetchOutcome.CHANGED, id="too-short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort", FetchOutcome.CONNECTION, id="negative"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nshorty",
                     FetchOutcome.CONNECTION, id="two"),
    ],
)  # fmt: skip
def test_input_077_a_length_that_lies(answer: bytes, outcome: FetchOutcome) -> None:
    result = fetched(answer)
    assert result.outcome is outcome
    assert result.body in (None, b"short")


def test_input_078_no_bytes_at_all() -> None:
    assert fetched(silence).outcome is FetchOutcome.TIMEOUT


def test_input_079_a_tls_handshake_that_stalls() -> None:
    with serving(silence) as server, GuardedClient(LOOPBACK, total_s=TOTAL_S, connect_s=0.5) as client:
        started = time.monotonic()
        with pytest.raises(Unreachable) as late:
            client.get(server.url.replace("http:", "https:"))
        assert (late.value.reason, late.value.sent) == ("timeout", False)
        assert time.monotonic() - started < LATEST_S


def test_a_port_that_never_accepts_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, GuardedClient(LOOPBACK, connect_s=0.3) as client:
        waiting = [socket.socket() for _ in range(6)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(Unreachable) as late:
            client.get(f"http://127.0.0.1:{full.getsockname()[1]}/", total_s=TOTAL_S)
        assert (late.value.reason, time.monotonic() - started < LATEST_S) == ("timeout", True)
        for one in waiting:
            one.close()


def test_redirects_share_one_deadline() -> None:
    def slowly(request: bytes, connection: socket.socket) -> None:
        time.sleep(0.25)
        number = int(request.split(b" ")[1][1:] or 0)
        connection.sendall(moved(f"/{number + 1}"))

    result = fetched(slowly)
    assert result.outcome is FetchOutcome.TIMEOUT


def test_a_webhook_receiver_that_eats_time_has_had_its_one_try() -> None:
    with serving(forever(b"x", 0.1)) as server, GuardedClient(LOOPBACK, total_s=TOTAL_S) as client:
        started = time.monotonic()
        # the status came: what is late after it changes nothing
        assert client.post(server.url, {}, b"{}").status == 200
        assert time.monotonic() - started < LATEST_S


def test_slow_servers_do_not_hold_up_a_quick_one() -> None:
    with serving(silence) as slow, serving(ok()) as quick, GuardedClient(LOOPBACK, total_s=2) as client:
        asking = [threading.Thread(target=_ask, args=(client, slow.url)) for _ in range(8)]
        for one in asking:
            one.start()
        started = time.monotonic()
        assert client.get(quick.url).status == 200
        assert time.monotonic() - started < 1
        for one in asking:
            one.join()


def _ask(client: GuardedClient, url: str) -> None:
    with pytest.raises((Unreachable, BadAnswer)):
        client.get(url, total_s=0.5)


def test_input_085_ten_thousand_redirects_in_opml() -> None:
    """Reading a list contacts nobody; each of its feeds is later followed five times at most."""
    with serving(by_path({f"/{number}": moved(f"/{number + 1}") for number in range(20)})) as server:
        outlines = [Outline(url=f"{server.url}/{number}") for number in range(MAX_FEEDS + 5)]
        started = time.process_time()
        found = read_opml(write_opml(outlines, title="many", now=datetime(2026, 11, 22, tzinfo=UTC)))
        assert (len(found.outlines), found.over) == (MAX_FEEDS, 5)
        assert all(judge(outline.url, allow_private=LOOPBACK).allowed for outline in found.outlines[:100])
        assert time.process_time() - started < 5
        assert server.connections == 0
        with GuardedClient(LOOPBACK) as client:
            result = conditional_get(client, found.outlines[0].url, Validators())
        assert (result.outcome, server.connections) == (FetchOutcome.REDIRECT_LOOP, 6)


def test_tls_is_never_older_than_1_2() -> None:
    from watcher.net.client import tls_context

    context = tls_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
