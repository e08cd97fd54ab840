"""The client against real sockets: redirects, deadlines, truncation, what leaves and what never does."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from services.raw import Answer, by_path, moved, ok, serving

from watcher.errors import RefusedAddress
from watcher.net.client import GuardedClient
from watcher.net.faults import BadAnswer, BadRequest, Unreachable

LOOPBACK = ("127.0.0.0/8",)


def test_a_request_carries_our_name_and_nothing_that_tracks() -> None:
    with (
        serving(ok(b"<rss/>", "Set-Cookie: id=1", 'ETag: W/"\xe9"')) as server,
        GuardedClient(LOOPBACK, user_agent="watcher/1 (+mailto:ops@example.com)") as client,
    ):
        first = client.get(server.url + "/feed?a=b#part")
        client.get(server.url + "/feed", {"If-None-Match": first.headers["etag"]})
    assert first.body == b"<rss/>"
    assert server.requests[0].startswith(b"GET /feed?a=b HTTP/1.1\r\n")
    sent = server.requests[1].lower()
    assert b"user-agent: watcher/1 (+mailto:ops@example.com)" in sent
    assert b"accept-encoding: gzip\r\n" in sent
    assert b"cookie" not in sent
    assert b"referer" not in sent
    assert b'if-none-match: W/"\xe9"\r\n' in server.requests[1]


def test_loopback_is_refused_without_a_connection() -> None:
    with serving(ok()) as server, GuardedClient() as client:
        for host in ("127.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "localhost", "①②⑦.⓪.⓪.①"):
            with pytest.raises(RefusedAddress):
                client.get(f"http://{host}:{server.port}/")
        assert server.connections == 0


@pytest.mark.parametrize("answers", [("127.0.0.1",), ("93.184.216.34", "127.0.0.1"), ("::1",), ("169.254.169.254",)])
def test_a_name_that_resolves_inwards_is_refused_without_a_connection(answers: tuple[str, ...]) -> None:
    with serving(ok()) as server, GuardedClient(resolver=lambda *_: answers) as client:
        with pytest.raises(RefusedAddress):
            client.get("http://feeds.example.com/")
        assert server.connections == 0


def test_a_name_is_resolved_once_and_that_answer_is_used() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int, _timeout_s: float) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("127.0.0.9",)

    with serving(ok()) as server, GuardedClient(LOOPBACK, resolver=rebinding) as client:
        client.get(f"http://feeds.example.com:{server.port}/")
    assert asked == ["feeds.example.com"]
    assert f"Host: feeds.example.com:{server.port}".encode() in server.requests[0]


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ok(b"proxy")) as proxy, serving(ok(b"feed")) as server, GuardedClient(LOOPBACK) as client:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert client.get(server.url).body == b"feed"
        assert proxy.connections == 0


def test_permanent_redirects_are_followed_and_told() -> None:
    pages = {"/a": moved("/b", 301), "/b": moved("c", 308), "/c": ok(b"here")}
    with serving(by_path(pages)) as server, GuardedClient(LOOPBACK) as client:
        answer = client.get(server.url + "/a")
        assert (answer.body, answer.final_url) == (b"here", server.url + "/c")
        assert answer.permanent_url == server.url + "/c"


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_redirect_in_the_chain_makes_it_temporary(status: int) -> None:
    pages = {"/a": moved("/b", 301), "/b": moved("/c", status), "/c": ok(b"here")}
    with serving(by_path(pages)) as server, GuardedClient(LOOPBACK) as client:
        assert client.get(server.url + "/a").permanent_url is None


@pytest.mark.parametrize(
    "pages",
    [
        {"/a": moved("/a")},
        {"/a": moved("/b"), "/b": moved("/a")},
        {"/a": moved("/1"), **{f"/{n}": moved(f"/{n + 1}") for n in range(1, 9)}},
    ],
)
def test_redirects_in_a_circle_or_without_end_are_a_loop(pages: dict[str, bytes]) -> None:
    with serving(by_path(pages)) as server, GuardedClient(LOOPBACK) as client:
        with pytest.raises(BadAnswer) as refused:
            client.get(server.url + "/a")
        assert refused.value.reason == "redirect_loop"
        assert server.connections <= 6


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "//10.0.0.1/", "http://u@example.com/",
     "http://[::1", "http://example.com/" + "a" * 5000, "http://2852039166/"],
)  # fmt: skip
def test_each_hop_is_checked(location: str) -> None:
    with serving(moved(location)) as server, GuardedClient(LOOPBACK) as client, pytest.raises(RefusedAddress):
        client.get(server.url)


def test_secrets_stay_with_their_origin_and_validators_travel_on() -> None:
    with serving(ok()) as other, serving(moved(other.url + "/x")) as server, GuardedClient(LOOPBACK) as client:
        client.get(server.url, {"Authorization": "Bearer s3cret", "X-Key": "s3cret", "If-None-Match": '"1"'})
    assert b"s3cret" in server.requests[0]
    assert b"s3cret" not in other.requests[0]
    assert b'if-none-match: "1"' in other.requests[0]


def _drip(_request: bytes, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def _silence(_request: bytes, connection: socket.socket) -> None:
    time.sleep(5)


def _endless_headers(_request: bytes, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        connection.sendall(f"X-{number}: 1\r\n".encode())
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [_drip, _silence, _endless_headers])
def test_the_whole_request_has_one_deadline(answer: Answer) -> None:
    with serving(answer) as server, GuardedClient(LOOPBACK, total_s=0.5) as client:
        started = time.monotonic()
        with pytest.raises(Unreachable) as late:
            client.get(server.url)
        assert late.value.reason == "timeout"
        assert time.monotonic() - started < 1.5


def test_a_slow_resolver_meets_the_connect_deadline() -> None:
    def slow(_host: str, _port: int, timeout_s: float) -> tuple[str, ...]:
        assert timeout_s <= 0.2
        raise Unreachable("timeout", "slow")

    with GuardedClient(connect_s=0.2, resolver=slow) as client, pytest.raises(Unreachable):
        client.get("http://feeds.example.com/")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", "truncated"),
        (b"", "connection"),
        (b"SSH-2.0-OpenSSH\r\n", "connection"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 12_000 + b"\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 200_000, "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "bad_encoding"),
    ],
)
def test_a_broken_answer_has_its_reason(answer: bytes, reason: str) -> None:
    with serving(answer) as server, GuardedClient(LOOPBACK, total_s=5) as client:
        with pytest.raises((Unreachable, BadAnswer)) as broken:
            client.get(server.url, max_bytes=100_000)
        assert broken.value.reason == reason


def test_a_closed_port_has_its_reason_and_nothing_was_sent() -> None:
    with socket.socket() as bound, GuardedClient(LOOPBACK) as client:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable) as closed:
            client.get(f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert (closed.value.reason, closed.value.sent) == ("connection", False)


def test_a_name_that_does_not_exist_has_its_reason() -> None:
    with GuardedClient(connect_s=3) as client, pytest.raises(Unreachable) as unknown:
        client.get("http://no-such-name.invalid/")
    assert unknown.value.reason in ("dns", "timeout")


def test_plain_http_on_a_tls_port_is_a_tls_fault() -> None:
    with serving(ok()) as server, GuardedClient(LOOPBACK) as client:
        with pytest.raises(Unreachable) as fault:
            client.get(server.url.replace("http:", "https:"))
        assert fault.value.reason == "tls"


def test_a_post_carries_its_bytes_and_follows_no_redirect() -> None:
    with serving(moved("http://127.0.0.1:1/", 307)) as server, GuardedClient(LOOPBACK) as client:
        answer = client.post(server.url + "/hook", {"Content-Type": "application/json"}, b'{"a":1}')
        assert answer.status == 307
        assert server.requests[0].startswith(b"POST /hook HTTP/1.1\r\n")
        assert b"content-length: 7\r\n" in server.requests[0].lower()


def test_a_post_whose_status_arrived_succeeds_although_the_body_breaks() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok"
    with serving(cut) as server, GuardedClient(LOOPBACK) as client:
        answer = client.post(server.url, {}, b"x")
        assert (answer.status, answer.body) == (200, b"")


def test_a_post_says_whether_its_bytes_may_have_arrived() -> None:
    with serving(_silence) as server, GuardedClient(LOOPBACK, total_s=1) as client:
        with pytest.raises(Unreachable) as late:
            client.post(server.url, {}, b"x")
        assert late.value.sent is True
        with pytest.raises(Unreachable) as refused:
            client.post("http://127.0.0.1:1/", {}, b"x")
        assert refused.value.sent is False


def test_a_header_with_a_line_break_is_never_sent() -> None:
    with serving(ok()) as server, GuardedClient(LOOPBACK) as client:
        with pytest.raises(BadRequest):
            client.get(server.url, {"Authorization": "x\r\nX-Injected: 1"})
        assert server.connections == 0


def test_faults_name_the_host_and_keep_the_path_secret() -> None:
    with GuardedClient(LOOPBACK) as client, pytest.raises(Unreachable) as fault:
        client.post("http://127.0.0.1:1/services/T000/B000/s3cret", {}, b"x")
    assert "s3cret" not in str(fault.value)


def test_the_connected_peer_is_checked() -> None:
    with serving(ok()) as server:
        resolver = lambda *_: ("127.0.0.1",)  # noqa: E731
        with GuardedClient((f"feeds.example.com:{server.port}",), resolver=resolver) as client:
            assert client.get(f"http://feeds.example.com:{server.port}/").status == 200
            with pytest.raises(RefusedAddress):
                client.get(f"http://other.example.com:{server.port}/")


def test_twelve_requests_are_on_their_way_at_once() -> None:
    all_there = threading.Barrier(12)

    def answer(_request: bytes, connection: socket.socket) -> None:
        all_there.wait(5)
        connection.sendall(ok())

    with serving(answer) as server, GuardedClient(LOOPBACK, total_s=5) as client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.get(server.url).status, range(12)))
    assert answers == [200] * 12
