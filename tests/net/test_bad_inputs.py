"""Bad inputs 1–69 of the list, each by its number: a listener on loopback that counts connections must count none.

Every address goes through each way in that takes one from outside: a feed's URL, a redirect, a webhook, a page that
names feeds, OPML. What eats resources (70–79, 85) is in test_greedy_servers.py.
"""

from __future__ import annotations

import html
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from services.raw import by_path, certificate, moved, ok, serving

from watcher.deliver.answer import post
from watcher.errors import RefusedAddress
from watcher.fetch.discover import Finder, Found
from watcher.fetch.get import conditional_get
from watcher.model import FetchOutcome, Outcome, Validators
from watcher.net import address, resolve
from watcher.net.client import GuardedClient
from watcher.net.faults import BadAnswer, Unreachable
from watcher.net.judge import judge
from watcher.parse.discovery import feeds_of_page
from watcher.parse.opml import Outline, read_opml, write_opml
from watcher.sandbox import Sandbox

_NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ADDRESSES = {
    "001": "http://127.0.0.1/",
    "002": "http://localhost/",
    "003": "http://LOCALHOST./",
    "004": "http://127.1/",
    "005": "http://0/",
    "006": "http://0.0.0.0:8000/",
    "007": "http://2130706433/",
    "008": "http://0x7f000001/",
    "009": "http://0x7f.1/",
    "010": "http://0177.0.0.1/",
    "011": "http://127.0.0.1.nip.io/",
    "012": "http://127。0。0。1/",
    "013": "http://①②⑦.⓪.⓪.①/",
    "014": "http://[::1]/",
    "015": "http://[::]/",
    "016": "http://[::ffff:127.0.0.1]/",
    "017": "http://[::ffff:7f00:1]/",
    "018": "http://[::127.0.0.1]/",
    "019": "http://[64:ff9b::7f00:1]/",
    "020": "http://[64:ff9b::a9fe:a9fe]/",
    "021": "http://[2002:7f00:1::]/",
    "022": "http://[2001:0:7f00:1::]/",
    "023": "http://[fe80::1%25lo]/",
    "024": "http://[fd00:ec2::254]/",
    "025": "http://[fec0::1]/",
    "026": "http://[ff02::1]/",
    "027": "http://169.254.169.254/latest/meta-data/",
    "028": "http://169.254.169.254.:80/",
    "029": "http://metadata.google.internal/",
    "030": "http://100.100.100.200/",
    "031": "http://192.0.0.192/",
    "032": "http://168.63.129.16/",
    "033": "http://10.0.0.1/",
    "034": "http://172.31.255.255/",
    "035": "http://192.168.0.1/",
    "036": "http://198.18.0.1/",
    "037": "http://224.0.0.1/",
    "038": "http://255.255.255.255/",
    "039": "http://redis:6379/",
    "040": "http://postgres.svc.cluster.local/",
    "053": "http://a@127.0.0.1/",
    "054": "http://127.0.0.1\\@example.com/",
    "055": "http://example.com:80@127.0.0.1:22/",
    "056": "http://example.com#@127.0.0.1/",
    "057": "http:///127.0.0.1/",
    "058": "//127.0.0.1/",
    "059": "file:///etc/passwd",
    "060": "data:text/xml,<rss/>",
    "061": "ftp://example.com/feed.xml",
    "062-22": "http://example.com:22/",
    "062-25": "http://example.com:25/",
    "062-6379": "http://example.com:6379/",
    "062-5432": "http://example.com:5432/",
    "063": "http://x/%0d%0aX:%20y",
    "063-public": "http://example.com/%0d%0aX:%20y",
    "064": "http://exa%00mple.com/",
    "065": "http://xn--/",
    "066": "http://" + "a" * 64 + ".example/",
    "069": "http://127.0.0.1:8080/",
    "069-name": "http://localhost:8080/metrics",
}
AND_MORE = {
    "mapped metadata": "http://[::ffff:169.254.169.254]",
    "mapped with a zone": "http://[::ffff:127.0.0.1%25lo]/",
    "a hexadecimal part": "http://0x7f.0.0.1",
    "a final dot": "http://127.0.0.1./",
    "two final dots": "http://127.0.0.1../",
    "metadata in circles": "http://①⑥⑨.254.169.254",
    "full-width digits": "http://１２７.０.０.１/",
    "a soft hyphen": "http://loc\u00adalhost/",
    "letters in circles": "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "a zero-width space": "http://127.0.0.\u200b1/",
    "localdomain": "http://localhost.localdomain/",
    "below localhost": "http://feeds.localhost/",
    "user info": "https://user@example.com/",
    "no user before the at sign": "http://@127.0.0.1/",
    "backslashes": "http:\\\\127.0.0.1\\",
    "a tab in the host": "http://local\thost/",
    "an escaped host": "http://%6c%6f%63alhost/",
    "a full-width slash": "http://127.0.0.1／example.com/",
    "a full-width colon": "http://example.com：22/",
    "an account sign": "http://℀.example/",
    "ISATAP": "http://[2606:4700::5efe:7f00:1]/",
    "ISATAP in documentation": "http://[2001:db8::5efe:808:808]/",
    "SIIT": "http://[::ffff:0:127.0.0.1]/",
    "Google's IPv6 metadata": "http://[fd20:ce::254]/",
    "6to4 metadata": "http://[2002:a9fe:a9fe::]/",
    "whatever address one writes": "http://a9fea9fe.sslip.io/",
    "loopback by a public name": "http://feeds.localtest.me/",
    "a lone surrogate": "http://example.com/\ud800",
    "a Unicode line end": "http://example.com/\u2028",
    "port 0": "http://example.com:0/",
    "port 65616, which is 80 in 16 bits": "http://example.com:65616/",
    "a fragment that hides a host": "http://example.com#@169.254.169.254/",
    "an empty host": "http://:80/",
    "a dot": "http://./",
    "IPv4 in brackets": "http://[127.0.0.1]/",
    "a future address": "http://[v1.fe80]/",
    "IPFuture zone without escape": "http://[::1%lo]/",
    "five parts": "http://127.0.0.1.1/",
    "256": "http://256.256.256.256/",
    "33 bits": "http://6425673729/",
}
TABLE = [
    *(pytest.param(url, id=f"input-{number}") for number, url in ADDRESSES.items()),
    *(pytest.param(url, id=name.replace(" ", "-")) for name, url in AND_MORE.items()),
]


# Reading a document drops these two characters, and what is left is a good address.
IN_DOCUMENTS = [param for param in TABLE if not set(param.values[0]) & {"\ud800", "\u2028"}]


class Listener:
    """Counts every connection to its port on any of this machine's addresses, IPv4 and IPv6."""

    def __init__(self) -> None:
        self.connections = 0
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        self._socket = socket.create_server(("", 0), family=family, dualstack_ipv6=dual)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def opened() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


@pytest.fixture
def listener(opened: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """The listener, on a port that passes for a web port: only the host stands between a request and it."""
    monkeypatch.setattr(address, "PORTS", address.PORTS | {opened.port})
    opened.connections = 0
    yield opened
    assert opened.connections == 0


def aimed(url: str, port: int) -> str:
    """The URL with the listener's port where it names none of its own and has a host to put it behind."""
    found = re.match(r"(https?:\\?/*\\*)(\[[^\]]*\]|[^/?#\\@:\[\]]+)(?=[/?#\\]|$)", url)
    return f"{url[: found.end()]}:{port}{url[found.end() :]}" if found else url


def both(url: str, listener: Listener) -> list[str]:
    """As the list has it, and aimed at the listener."""
    return list(dict.fromkeys((url, aimed(url, listener.port))))


def test_the_listener_counts_and_the_table_is_aimed_at_it(opened: Listener) -> None:
    for host in ("127.0.0.1", "127.0.0.9"):
        socket.create_connection((host, opened.port), 2).close()
    deadline = time.monotonic() + 2
    while opened.connections < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert opened.connections == 2
    assert aimed("http://[::1]/", 7) == "http://[::1]:7/"
    assert aimed("http://example.com#@127.0.0.1/", 7) == "http://example.com:7#@127.0.0.1/"
    assert sum(aimed(param.values[0], 7) != param.values[0] for param in TABLE) > 60


# ── 1–40, 53–66, 69: addresses, by every way in ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", TABLE)
def test_a_feed_with_a_bad_address_is_refused_before_anything_is_sent(url: str, listener: Listener) -> None:
    with GuardedClient(connect_s=1, total_s=2) as client:
        for one in both(url, listener):
            assert conditional_get(client, one, Validators()).outcome is FetchOutcome.REFUSED_ADDRESS


@pytest.mark.parametrize("url", TABLE)
def test_a_webhook_with_a_bad_address_is_refused_before_anything_is_sent(url: str, listener: Listener) -> None:
    with GuardedClient(connect_s=1, total_s=2) as client:
        for one in both(url, listener):
            outcome = post(client, one, {}, b"{}", timeout_s=2, repeatable=True)
            assert isinstance(outcome, Outcome)
            assert outcome.reason == "refused_address"


@pytest.mark.parametrize("url", [param for param in TABLE if param.values[0] != ADDRESSES["057"]])
def test_a_redirect_to_a_bad_address_is_not_followed(url: str, listener: Listener) -> None:
    for one in both(url, listener):
        if "\ud800" in one:
            continue  # no server can write it into a header
        with serving(moved(one)) as server, GuardedClient((f"127.0.0.1:{server.port}",), total_s=2) as client:
            assert conditional_get(client, server.url, Validators()).outcome is FetchOutcome.REFUSED_ADDRESS
            assert len(server.requests) == 1


def test_a_redirect_without_a_host_stays_where_it_is(listener: Listener) -> None:
    pages = {"/": moved("http:///127.0.0.1/"), "/127.0.0.1/": ok()}
    with serving(by_path(pages)) as server, GuardedClient((f"127.0.0.1:{server.port}",)) as client:
        assert client.get(server.url).final_url == f"{server.url}/127.0.0.1/"


@pytest.mark.parametrize("url", IN_DOCUMENTS)
def test_a_bad_address_that_a_page_names_is_no_feed_to_offer(url: str, listener: Listener) -> None:
    for one in both(url, listener):
        head = f'<link rel="alternate" type="application/rss+xml" href="{html.escape(one)}">'.encode("utf-8", "replace")
        named = feeds_of_page(head, "text/html; charset=utf-8", "https://page.example/")
        refused = [candidate for candidate in named if not judge(candidate.url).allowed]
        # what is left of it is a path of the page's own host
        assert all(candidate in refused or candidate.url.startswith("https://page.example/") for candidate in named)


@pytest.mark.parametrize("url", IN_DOCUMENTS)
def test_a_bad_address_in_opml_is_refused(url: str, listener: Listener) -> None:
    for one in both(url, listener):
        document = write_opml([Outline(url=one)], title="bad", now=_NOON)
        assert [judge(outline.url).allowed for outline in read_opml(document).outlines] == [False]


def test_a_page_full_of_bad_addresses_is_looked_at_and_no_other(listener: Listener) -> None:
    bad = [aimed(param.values[0], listener.port) for param in TABLE[:19]]
    head = "".join(f'<link rel=alternate type="application/rss+xml" href="{html.escape(url)}">' for url in bad)
    pages = {"/": ok(head.encode()), **dict.fromkeys(("/feed", "/rss.xml", "/atom.xml", "/feed.json"), ok(b"no"))}
    with serving(by_path(pages)) as server, Sandbox() as sandbox:
        allowed = (f"127.0.0.1:{server.port}",)
        with GuardedClient(allowed) as client:
            finder = Finder(client=client, sandbox=sandbox, allow_private=allowed, pause_s=0)
            discovery = finder.look(server.url)
        assert (discovery.found, discovery.feeds) == (Found.NONE, ())
        assert len(discovery.refused) == 19
        assert server.connections == 5


# ── 11, 41–43, 68: names ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(("127.0.0.1",), id="input-011"),
        pytest.param(("93.184.216.34", "127.0.0.1"), id="input-041"),
        pytest.param(("127.0.0.1", "::1"), id="input-043"),
        pytest.param(("::ffff:127.0.0.1",), id="mapped"),
        pytest.param(("64:ff9b::7f00:1",), id="NAT64"),
        pytest.param(("fe80::1%lo",), id="link-local-with-its-zone"),
        pytest.param(("0.0.0.0",), id="this-network"),
        pytest.param(("not an address",), id="no-address"),
    ],
)
def test_a_name_with_one_bad_answer_is_refused(answers: tuple[str, ...], listener: Listener) -> None:
    with GuardedClient(resolver=lambda *_: answers) as client, pytest.raises(RefusedAddress):
        client.get(f"http://feeds.example.com:{listener.port}/")


def test_input_042_a_name_that_is_bound_anew_meets_the_guard_again(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    tried: list[object] = []

    def rebinding(host: str, _port: int, _timeout_s: float) -> tuple[str, ...]:
        asked.append(host)
        return ("93.184.216.34",) if len(asked) == 1 else ("127.0.0.1",)

    def unplugged(target: object, _timeout_s: float) -> socket.socket:
        tried.append(target)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "create_connection", unplugged)
    url = f"http://feeds.example.com:{listener.port}/"
    with GuardedClient(resolver=rebinding) as client:
        with pytest.raises(Unreachable):
            client.get(url)
        assert (len(asked), tried) == (1, [("93.184.216.34", listener.port)])
        with pytest.raises(RefusedAddress):
            client.get(url)
        assert len(tried) == 1


def test_a_name_without_any_address_is_unreachable() -> None:
    with GuardedClient(resolver=lambda *_: ()) as client, pytest.raises(Unreachable):
        client.get("http://feeds.example.com/")


def test_input_068_slow_dns_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    woken = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: woken.wait(10) and [])
    started = time.monotonic()
    with pytest.raises(Unreachable) as late:
        resolve.resolve("feeds.example.com", 80, 0.1)
    assert (late.value.reason, time.monotonic() - started < 1) == ("timeout", True)
    woken.set()


@pytest.mark.parametrize("error", [UnicodeError("label too long"), socket.gaierror(-2, "unknown")])
def test_a_resolver_that_fails_in_its_own_way_is_unreachable(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_args: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    with pytest.raises(Unreachable) as unknown:
        resolve.resolve("feeds.example.com", 80, 1)
    assert unknown.value.reason == "dns"


# ── 44–52, 67: redirects and proxies ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://127.0.0.1:{port}/", id="input-044"),
        pytest.param("file:///etc/passwd", id="input-045"),
        pytest.param("gopher://127.0.0.1:{port}/_FLUSHALL", id="input-046"),
        pytest.param("//127.0.0.1:{port}/", id="input-047"),
        pytest.param("http://user:pw@example.com/", id="input-051"),
        pytest.param("/\\127.0.0.1:{port}/", id="a-backslash"),
        pytest.param("///127.0.0.1:{port}@x/", id="three-slashes"),
    ],
)
def test_a_redirect_of_each_kind_is_checked_like_the_first_address(
    location: str, status: int, listener: Listener
) -> None:
    answer = moved(location.format(port=listener.port), status)
    with (
        serving(answer) as server,
        GuardedClient((f"127.0.0.1:{server.port}",), total_s=2) as client,
        pytest.raises((RefusedAddress, BadAnswer)),
    ):
        client.get(server.url + "/start")


def test_input_048_a_chain_of_twenty_redirects_ends_after_five() -> None:
    pages = {f"/{number}": moved(f"/{number + 1}") for number in range(20)} | {"/20": ok()}
    with serving(by_path(pages)) as server, GuardedClient((f"127.0.0.1:{server.port}",)) as client:
        with pytest.raises(BadAnswer) as loop:
            client.get(server.url + "/0")
        assert (loop.value.reason, server.connections) == ("redirect_loop", 6)


def test_input_049_a_redirect_loop_ends_where_it_closes() -> None:
    pages = {"/a": moved("/b"), "/b": moved("/a")}
    with serving(by_path(pages)) as server, GuardedClient((f"127.0.0.1:{server.port}",)) as client:
        with pytest.raises(BadAnswer) as loop:
            client.get(server.url + "/a")
        assert (loop.value.reason, server.connections) == ("redirect_loop", 2)


def test_input_050_a_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path)
    with (
        serving(ok()) as plain,
        serving(moved(plain.url), tls=theirs) as secure,
        GuardedClient(("127.0.0.0/8",), tls=ours, total_s=5) as client,
    ):
        with pytest.raises(RefusedAddress, match="from https to http"):
            client.get(secure.url)
        assert (secure.connections, plain.connections) == (1, 0)


def test_a_certificate_for_another_name_or_of_nobody_is_a_tls_fault(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path)
    with serving(ok(), tls=theirs) as server:
        for tls, url in ((None, server.url), (ours, f"https://other.example.com:{server.port}")):
            with GuardedClient(("127.0.0.0/8",), tls=tls, total_s=5, resolver=lambda *_: ("127.0.0.1",)) as client:
                with pytest.raises(Unreachable) as fault:
                    client.get(url)
                assert (fault.value.reason, fault.value.sent) == ("tls", False)


def test_input_052_a_proxy_of_the_environment_is_never_asked(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(ok(b"feed")) as server, GuardedClient((f"127.0.0.1:{server.port}",)) as client:
        assert client.get(server.url).body == b"feed"
        with pytest.raises(RefusedAddress):
            client.get("http://169.254.169.254/")


@pytest.mark.parametrize(
    "location",
    [
        pytest.param(b"http://127.0.0.1:80\x00.example.com/", id="input-067-NUL"),
        pytest.param(b"http://example.com/" + b"a" * 100_000, id="input-067-100-KB"),
        pytest.param(b"http://example.com/" + b"a" * 5_000, id="5-KB"),
        pytest.param(b"http://\xff\xfe/", id="bytes-that-are-no-text"),
        pytest.param(b"http://[::1", id="half-an-address"),
        pytest.param(b"http://example.com/\rX: y", id="a-line-end"),
    ],
)
def test_a_location_that_is_no_url_is_a_fault_of_its_server(location: bytes, listener: Listener) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    with serving(answer) as server, GuardedClient((f"127.0.0.1:{server.port}",), total_s=2) as client:
        with pytest.raises((RefusedAddress, BadAnswer, Unreachable)):
            client.get(server.url)
        assert len(server.requests) == 1


def test_an_exact_host_and_port_that_is_allowed_opens_no_other_door(listener: Listener) -> None:
    with serving(ok()) as server, GuardedClient((f"127.0.0.1:{server.port}",)) as client:
        assert client.get(server.url).status == 200
        for url in (f"http://127.0.0.1:{listener.port}/", f"http://127.0.0.2:{server.port}/", "http://localhost/"):
            with pytest.raises(RefusedAddress):
                client.get(url)
        assert server.connections == 1


# ── what must pass ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://example.com./feed",
        "HTTP://EXAMPLE.COM/",
        "https://example.com:443/",
        "http://example.com:8080/feed.xml",
        "https://example.com:8443/feed.xml",
        "http://1.1.1.1",
        "http://[2606:4700::1111]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[64:ff9b::808:808]/",
        "https://bücher.example/feed",
        "https://xn--bcher-kva.example/feed",
        "https://例え。テスト/",
        "https://zh.wikipedia.org/wiki/生物",
        "https://user.example.com/@name/feed",
        "https://example.com/feed?to=http://127.0.0.1/",
        "https://example.com/a%20b",
        "https://localhost.example.com/",
        "https://10.example.com/",
        "https://example.com/#top",
    ],
)
def test_a_good_public_address_is_allowed(url: str) -> None:
    assert judge(url).allowed is True


def test_only_the_guarded_client_speaks_http() -> None:
    """Whatever else can open a URL is imported nowhere in the service."""
    others = re.compile(
        r"^\s*(?:import|from)\s+(?:httpx|httpcore|requests|aiohttp|urllib3|urllib\.request|http\.client|pycurl)\b", re.M
    )
    root = Path(__file__).resolve().parents[2]
    modules = [path for folder in ("watcher", "workers") for path in (root / folder).rglob("*.py")]
    found = {path.relative_to(root).as_posix() for path in modules if others.search(path.read_text(encoding="utf-8"))}
    assert found == {"watcher/net/client.py", "watcher/net/exchange.py"}
