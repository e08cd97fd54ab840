"""Links: absolute, web only, without what tracks; and the alias that survives a move."""

from __future__ import annotations

import pytest

from watcher.parse.link import alias, canonical

BASE = "https://feeds.example/dir/feed.xml"


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("http://a.example", "http://a.example/"),
        ("/news/1", "https://feeds.example/news/1"),
        ("1.html", "https://feeds.example/dir/1.html"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("HTTP://A.Example:80/Path", "http://a.example/Path"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("http://a.example/?utm_source=x&id=1&UTM_Campaign=y&fbclid=z", "http://a.example/?id=1"),
        ("http://a.example/?gclid=1", "http://a.example/"),
        ("http://a.example/p;jsessionid=9A?q=1", "http://a.example/p?q=1"),
        ("http://a.example/?id=1&v=2&ref=3", "http://a.example/?id=1&v=2&ref=3"),
        ("http://a.example/#part", "http://a.example/#part"),
        ("http://a.example/#utm_source=x", "http://a.example/"),
        ("http://user:pw@a.example/x", "http://a.example/x"),
        ("http://a.example/a b|c>d\"e'f", "http://a.example/a%20b%7Cc%3Ed%22e'f"),
        ("http://a.example/重庆?q=é", "http://a.example/%E9%87%8D%E5%BA%86?q=%C3%A9"),
        ("http://a.example/%E9%87%8D", "http://a.example/%E9%87%8D"),
        ("http://[2606::1]:8080/x", "http://[2606::1]:8080/x"),
        ("  http://a.example/x\n", "http://a.example/x"),
        ("javascript:alert(1)", None),
        ("JaVa\tscript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@b.example", None),
        ("vbscript:x", None),
        ("http://", None),
        ("http://a.example:99999/", None),
        ("http://[::1", None),
        ("http://a<b>.example/", None),
        ("http://a.example/" + "x" * 3000, None),
        ("", None),
    ],
)
def test_a_link_has_one_canonical_form(link: str, kept: str | None) -> None:
    assert canonical(link, BASE) == kept


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("http://a.example/x/", "/x"),
        ("https://www.a.example/x", "/x"),
        ("https://a.example/?p=12", "?p=12"),
        ("https://a.example/x?utm_source=rss", "/x"),
        ("https://a.example/", "a.example"),
        ("tag:a.example,2026:1", "tag:a.example,2026:1"),
        ("12345", "12345"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_the_alias_ignores_scheme_and_host(identity: str, expected: str) -> None:
    assert alias(identity) == expected
