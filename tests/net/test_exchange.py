"""The request line and the headers as they travel; sockets and faults are tested with the client."""

from __future__ import annotations

import pytest

from watcher.net.exchange import Headers, target_of


@pytest.mark.parametrize(
    ("rest", "sent"),
    [
        ("/", b"/"),
        ("/feed.xml?a=b&c=%20d", b"/feed.xml?a=b&c=%20d"),
        ("/新闻/é?q=药", b"/%E6%96%B0%E9%97%BB/%C3%A9?q=%E8%8D%AF"),
        ('/a"b<c>`{d}', b"/a%22b%3Cc%3E%60%7Bd%7D"),
        ('/?a="b"&c={d}', b"/?a=%22b%22&c={d}"),
        ("/a%2Fb%zz", b"/a%2Fb%zz"),
        ("/a?b?c", b"/a?b?c"),
    ],
)
def test_a_target_goes_out_in_ascii_and_what_is_encoded_stays_so(rest: str, sent: bytes) -> None:
    assert target_of(rest) == sent


def test_headers_are_found_in_any_case_and_repeated_ones_are_joined() -> None:
    headers = Headers([(b"ETag", b'W/"\xe9"'), (b"Link", b"<a>; rel=hub"), (b"link", b"<b>; rel=self")])
    assert headers["etag"].encode("latin-1") == b'W/"\xe9"'
    assert headers.get("LINK") == "<a>; rel=hub, <b>; rel=self"
    assert headers.get("age") is None
    assert list(headers) == ["etag", "link"]
