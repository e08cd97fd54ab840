"""The conditional GET against a real server: every status has its outcome, validators come and go byte for byte."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from watcher.fetch.get import classify, conditional_get
from watcher.model import FetchOutcome, FetchResult, Validators
from watcher.net.client import GuardedClient

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FeedServer(ThreadingHTTPServer):
    status = 200
    body = b"<rss/>"
    said: tuple[tuple[str, str], ...] = ()
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


def ask(url: str, validators: Validators = Validators(), **headers: str) -> FetchResult:  # noqa: B008 - a frozen value
    with GuardedClient(("127.0.0.0/8",), total_s=5) as client:
        return conditional_get(client, url, validators, headers, 100_000, now=NOW)


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


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, FetchOutcome.CHANGED),
        (204, FetchOutcome.UNEXPECTED_STATUS),
        (206, FetchOutcome.UNEXPECTED_STATUS),
        (226, FetchOutcome.UNEXPECTED_STATUS),
        (300, FetchOutcome.UNEXPECTED_STATUS),
        (301, FetchOutcome.UNEXPECTED_STATUS),
        (304, FetchOutcome.NOT_MODIFIED),
        (400, FetchOutcome.CLIENT_ERROR),
        (401, FetchOutcome.FORBIDDEN),
        (403, FetchOutcome.FORBIDDEN),
        (404, FetchOutcome.NOT_FOUND),
        (406, FetchOutcome.CLIENT_ERROR),
        (408, FetchOutcome.CLIENT_ERROR),
        (410, FetchOutcome.GONE),
        (418, FetchOutcome.CLIENT_ERROR),
        (429, FetchOutcome.RATE_LIMITED),
        (451, FetchOutcome.FORBIDDEN),
        (500, FetchOutcome.SERVER_ERROR),
        (502, FetchOutcome.SERVER_ERROR),
        (503, FetchOutcome.SERVER_ERROR),
        (522, FetchOutcome.SERVER_ERROR),
        (999, FetchOutcome.UNEXPECTED_STATUS),
    ],
)
def test_every_status_has_its_outcome(status: int, outcome: FetchOutcome) -> None:
    assert classify(status, body=b"x", conditional=True) is outcome


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


def test_a_private_feed_sends_its_headers_but_cannot_replace_ours(server: FeedServer) -> None:
    ask(server.url, Authorization="Bearer x", Cookie="a=b", **{"Accept-Encoding": "br"})
    assert server.received[0]["authorization"] == "Bearer x"
    assert server.received[0]["accept-encoding"] == "gzip"
    assert "cookie" not in server.received[0]


def test_a_header_that_cannot_be_sent_is_our_own_fault(server: FeedServer) -> None:
    assert ask(server.url, Authorization="a\nb").outcome is FetchOutcome.CLIENT_ERROR
