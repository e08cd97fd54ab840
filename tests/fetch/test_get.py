"""The conditional GET against a real server: every status has its outcome, validators come and go byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from watcher.config.values import OWN_HEADERS
from watcher.fetch.get import classify, conditional_get
from watcher.model import FetchOutcome, FetchResult, Validators
from watcher.net.client import GuardedClient

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FeedServer(ThreadingHTTPServer):
    status = 200
    body = b"<rss/>"
    said: tuple[tuple[str, str], ...] = ()
    before = b""
    """Sent ahead of the status line: interim answers."""
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.received: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/feed"


class _Answer(BaseHTTPRequestHandler):
    server: FeedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.received.append({name.lower(): value for name, value in self.headers.items()})
        self.wfile.write(self.server.before)
        self.send_response_only(self.server.status)
        for name, value in self.server.said:
            self.send_header(name, value)
        if self.server.status not in (204, 304):
            self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        if self.server.status not in (204, 304):
            self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[FeedServer]:
    feeds = FeedServer()
    threading.Thread(target=feeds.serve_forever, args=(0.01,), daemon=True).start()
    yield feeds
    feeds.shutdown()
    feeds.server_close()


NONE = Validators()
CLIENT = GuardedClient(("127.0.0.0/8",), total_s=5)


def ask(
    url: str, validators: Validators = NONE, *, full: bool = False, headers: Mapping[str, str] | None = None
) -> FetchResult:
    return conditional_get(CLIENT, url, validators, headers, 100_000, force_full=full, now=NOW)


def test_a_changed_feed_brings_its_body_and_both_validators(server: FeedServer) -> None:
    server.said = (
        ("ETag", 'W/"a-gzip;br"'),
        ("Last-Modified", "Sun, 1 Mar 2026 9:00:00 gmt"),
        ("Content-Type", "application/rss+xml; charset=utf-8"),
        ("Cache-Control", "public, max-age=7200"),
        ("Age", "200"),
    )
    result = ask(server.url)
    assert result == FetchResult(
        outcome=FetchOutcome.CHANGED,
        status=200,
        body=b"<rss/>",
        content_type="application/rss+xml; charset=utf-8",
        validators=Validators(etag='W/"a-gzip;br"', last_modified="Sun, 1 Mar 2026 9:00:00 gmt"),
        final_url=server.url,
        max_age_s=7000.0,
    )


def test_validators_go_out_byte_for_byte(server: FeedServer) -> None:
    server.status = 304
    validators = Validators(etag='W/"\xfc-gzip"', last_modified="Sun, 1 Mar 2026 9:00:00 gmt")
    result = ask(server.url, validators)
    assert result.outcome is FetchOutcome.NOT_MODIFIED
    assert server.received[0]["if-none-match"] == 'W/"\xfc-gzip"'
    assert server.received[0]["if-modified-since"] == "Sun, 1 Mar 2026 9:00:00 gmt"


def test_a_first_fetch_is_unconditional(server: FeedServer) -> None:
    ask(server.url)
    assert not {"if-none-match", "if-modified-since", "cookie", "referer"} & set(server.received[0])
    assert server.received[0]["accept"].startswith("application/atom+xml, application/rss+xml")


def test_a_304_that_nobody_asked_for_is_an_error(server: FeedServer) -> None:
    server.status = 304
    result = ask(server.url)
    assert (result.outcome, result.detail) == (
        FetchOutcome.UNEXPECTED_STATUS,
        "304 Not Modified although no validator was sent",
    )


def test_a_304_may_refresh_validators(server: FeedServer) -> None:
    server.status = 304
    server.said = (("ETag", '"2"'),)
    assert ask(server.url, Validators(etag='"1"')).validators == Validators(etag='"2"')


def test_an_empty_body_is_no_feed(server: FeedServer) -> None:
    server.body = b" \r\n\t"
    result = ask(server.url)
    assert (result.outcome, result.body) == (FetchOutcome.EMPTY_BODY, None)


STATUSES = [
    (200, FetchOutcome.CHANGED, ""),
    (203, FetchOutcome.CHANGED, ""),
    (204, FetchOutcome.UNEXPECTED_STATUS, "204 No Content"),
    (206, FetchOutcome.UNEXPECTED_STATUS, "206 Partial Content"),
    (226, FetchOutcome.UNEXPECTED_STATUS, "226 IM Used"),
    (300, FetchOutcome.UNEXPECTED_STATUS, "300 Multiple Choices"),
    (301, FetchOutcome.UNEXPECTED_STATUS, "301 Moved Permanently"),
    (302, FetchOutcome.UNEXPECTED_STATUS, "302 Found"),
    (304, FetchOutcome.NOT_MODIFIED, ""),
    (305, FetchOutcome.UNEXPECTED_STATUS, "305 Use Proxy"),
    (308, FetchOutcome.UNEXPECTED_STATUS, "308 Permanent Redirect"),
    (400, FetchOutcome.CLIENT_ERROR, "400 Bad Request"),
    (401, FetchOutcome.FORBIDDEN, "401 Unauthorized"),
    (402, FetchOutcome.CLIENT_ERROR, "402 Payment Required"),
    (403, FetchOutcome.FORBIDDEN, "403 Forbidden"),
    (404, FetchOutcome.NOT_FOUND, "404 Not Found"),
    (405, FetchOutcome.CLIENT_ERROR, "405 Method Not Allowed"),
    (406, FetchOutcome.CLIENT_ERROR, "406 Not Acceptable"),
    (407, FetchOutcome.FORBIDDEN, "407 Proxy Authentication Required"),
    (408, FetchOutcome.CLIENT_ERROR, "408 Request Timeout"),
    (410, FetchOutcome.GONE, "410 Gone"),
    (412, FetchOutcome.CLIENT_ERROR, "412 Precondition Failed"),
    (418, FetchOutcome.CLIENT_ERROR, "418 I'm a Teapot"),
    (421, FetchOutcome.CLIENT_ERROR, "421 Misdirected Request"),
    (425, FetchOutcome.CLIENT_ERROR, "425 Too Early"),
    (429, FetchOutcome.RATE_LIMITED, "429 Too Many Requests"),
    (431, FetchOutcome.CLIENT_ERROR, "431 Request Header Fields Too Large"),
    (451, FetchOutcome.FORBIDDEN, "451 Unavailable For Legal Reasons"),
    (499, FetchOutcome.CLIENT_ERROR, "499"),
    (500, FetchOutcome.SERVER_ERROR, "500 Internal Server Error"),
    (502, FetchOutcome.SERVER_ERROR, "502 Bad Gateway"),
    (503, FetchOutcome.SERVER_ERROR, "503 Service Unavailable"),
    (504, FetchOutcome.SERVER_ERROR, "504 Gateway Timeout"),
    (522, FetchOutcome.SERVER_ERROR, "522"),
    (599, FetchOutcome.SERVER_ERROR, "599"),
    (600, FetchOutcome.UNEXPECTED_STATUS, "600"),
    (999, FetchOutcome.UNEXPECTED_STATUS, "999"),
]


@pytest.mark.parametrize(("status", "outcome", "detail"), STATUSES, ids=[str(status) for status, _, _ in STATUSES])
def test_every_status_has_its_outcome(server: FeedServer, status: int, outcome: FetchOutcome, detail: str) -> None:
    server.status = status
    result = ask(server.url, Validators(etag='"1"'))
    assert (result.outcome, result.status, result.detail) == (outcome, status, detail)
    assert (result.body is not None) is (outcome is FetchOutcome.CHANGED)


def test_no_other_status_makes_it_raise() -> None:
    assert all(classify(status, body=b"x", conditional=False) in FetchOutcome for status in range(1000))


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
def test_an_answer_before_the_answer_is_passed_over(server: FeedServer, interim: str) -> None:
    server.before = f'HTTP/1.1 {interim}\r\nLink: </style.css>; rel=preload\r\nETag: "no"\r\n\r\n'.encode() * 2
    server.said = (("ETag", '"yes"'),)
    result = ask(server.url)
    assert (result.outcome, result.validators) == (FetchOutcome.CHANGED, Validators(etag='"yes"'))


def test_a_forced_full_fetch_sends_no_validator_and_takes_no_304_for_an_answer(server: FeedServer) -> None:
    known = Validators(etag='"1"', last_modified="Sun, 01 Mar 2026 10:00:00 GMT")
    assert ask(server.url, known, full=True).outcome is FetchOutcome.CHANGED
    server.status = 304
    assert ask(server.url, known, full=True).outcome is FetchOutcome.UNEXPECTED_STATUS
    for received in server.received:
        assert not {"if-none-match", "if-modified-since"} & set(received)


def test_a_challenge_page_is_told_apart(server: FeedServer) -> None:
    server.status = 403
    server.said = (("cf-mitigated", "challenge"),)
    result = ask(server.url)
    assert (result.outcome, result.detail) == (FetchOutcome.FORBIDDEN, "403 Forbidden (a challenge page for browsers)")


def test_retry_after_is_told(server: FeedServer) -> None:
    server.status = 503
    server.said = (("Retry-After", "Sun, 01 Mar 2026 13:00:00 GMT"), ("Date", "Sun, 01 Mar 2026 12:30:00 GMT"))
    assert ask(server.url).retry_after_s == 1800.0


def test_a_moved_feed_tells_where_it_went(server: FeedServer) -> None:
    server.status = 301
    server.said = (("Location", "/feed"),)
    assert ask(server.url).outcome is FetchOutcome.REDIRECT_LOOP


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("http://10.0.0.1/feed", FetchOutcome.REFUSED_ADDRESS),
        ("ftp://example.com/feed", FetchOutcome.REFUSED_ADDRESS),
        ("http://127.0.0.1:1/feed", FetchOutcome.CONNECTION),
    ],
)
def test_the_world_never_makes_it_raise(url: str, outcome: FetchOutcome) -> None:
    result = ask(url)
    assert (result.outcome, result.status) == (outcome, None)
    assert result.detail


def test_a_body_over_the_bound_is_too_large(server: FeedServer) -> None:
    server.body = b"x" * 100_001
    assert ask(server.url).outcome is FetchOutcome.TOO_LARGE


def test_an_encoding_we_did_not_offer_is_bad(server: FeedServer) -> None:
    server.said = (("Content-Encoding", "zstd"),)
    assert ask(server.url).outcome is FetchOutcome.BAD_ENCODING


def test_a_private_feed_sends_its_headers(server: FeedServer) -> None:
    ask(server.url, headers={"Authorization": "Bearer x", "Accept": "text/xml", "X-Key": "\xfc"})
    received = server.received[0]
    assert (received["authorization"], received["accept"], received["x-key"]) == ("Bearer x", "text/xml", "\xfc")


@pytest.mark.parametrize("name", sorted(OWN_HEADERS))
def test_a_private_feed_cannot_replace_the_headers_that_protect(server: FeedServer, name: str) -> None:
    ask(server.url)
    ask(server.url, headers={name.title(): "evil"})
    plain, tried = server.received
    assert tried == plain


def test_a_header_that_cannot_be_sent_is_our_own_fault(server: FeedServer) -> None:
    assert ask(server.url, headers={"Authorization": "a\nb"}).outcome is FetchOutcome.CLIENT_ERROR
