"""The request line and the headers as they travel; faults are tested with the client."""

from __future__ import annotations

import pytest
from services.web import HttpSink

from watcher.net.client import GuardedClient


@pytest.mark.parametrize(
    ("rest", "sent"),
    [
        ("/", "/"),
        ("/feed.xml?a=b&c=%20d", "/feed.xml?a=b&c=%20d"),
        ("/新闻/é?q=药", "/%E6%96%B0%E9%97%BB/%C3%A9?q=%E8%8D%AF"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a?b?c", "/a?b?c"),
    ],
)
def test_a_target_goes_out_in_ascii_and_what_is_encoded_stays_so(http_sink: HttpSink, rest: str, sent: str) -> None:
    with GuardedClient(allow_private=["127.0.0.0/8"]) as client:
        client.get(http_sink.url(rest))
    assert [request.target for request in http_sink.requests] == [sent]
