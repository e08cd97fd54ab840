"""Pages to the feeds they name."""

from __future__ import annotations

import time

import pytest

from watcher.parse.discovery import MAX_CANDIDATES, Candidate, feeds_of_page, in_headers, read

PAGE = "https://news.example/china/index.html"


def found(page: str, url: str = PAGE, link: str = "") -> list[tuple[str, str]]:
    candidates = feeds_of_page(page.encode(), "text/html; charset=utf-8", url, link=link)
    return [(candidate.url, candidate.title) for candidate in candidates]


@pytest.mark.parametrize(
    ("element", "url"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/rss">', "https://news.example/rss"),
        ('<LINK REL="Alternate" TYPE="Application/Atom+XML" HREF="atom.xml">', "https://news.example/china/atom.xml"),
        ("<link rel=alternate type=application/feed+json href=//cdn.example/f>", "https://cdn.example/f"),
        ('<link rel="alternate home" type="application/rdf+xml; charset=x" href="?feed=rdf">',
         "https://news.example/china/index.html?feed=rdf"),
        ("<link rel='feed' href='/feed'>", "https://news.example/feed"),
        ('<link rel="alternate" type="text/xml" href="/rss.xml">', "https://news.example/rss.xml"),
        ('<link rel="alternate" type="application/json" href="/feed.json">', "https://news.example/feed.json"),
        ('<link rel="alternate" type="application/rss+xml" href="feed:https://a.example/x">', "https://a.example/x"),
        ('<link rel="alternate" type="application/rss+xml" href="feed://a.example/x#top">', "https://a.example/x"),
        ('<link rel="alternate" type="application/rss+xml" href="/f?a=1&amp;b=2"/>', "https://news.example/f?a=1&b=2"),
        ('<link rel="alternate" type="application/rss+xml" href="/1" href="/2">', "https://news.example/1"),
        ('<link rel="alternate" type="application/rss+xml" href=" /spaced ">', "https://news.example/spaced"),
        ("<body><link rel=alternate type=application/rss+xml href=/late>", "https://news.example/late"),
    ],
)  # fmt: skip
def test_a_link_element_names_a_feed(element: str, url: str) -> None:
    assert found(element) == [(url, "")]


@pytest.mark.parametrize(
    "element",
    [
        '<link rel="stylesheet" type="application/rss+xml" href="/x">',
        '<link rel="alternate" hreflang="de" href="/de/">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed?url=feed">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/7">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="http://[::1">',
        '<link rel="alternate" type="application/rss+xml" href="data:text/xml,<rss/>">',
        f'<link rel="alternate" type="application/rss+xml" href="/{"a" * 3000}">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/x"> -->',
        '<script>"<link rel=alternate type=application/rss+xml href=/x>"</script>',
        f'<link rel="alternate" type="application/rss+xml" href="{PAGE}">',
        "",
        "\x00\xff",
        "<" * 1000,
    ],
)
def test_what_names_no_feed_gives_none(element: str) -> None:
    assert found(element) == []


def test_the_first_base_decides_where_links_start_from() -> None:
    page = (
        '<base href="/other/"><base href="/third/"><link rel=alternate type=application/rss+xml href=feed.xml>'
        "<link rel=alternate type=application/rss+xml href=javascript:1>"
    )
    assert found(page) == [("https://news.example/other/feed.xml", "")]
    assert found('<base href="javascript:x"><link rel=feed href=/feed>') == [("https://news.example/feed", "")]


def test_each_feed_is_named_once_with_its_title_and_comments_come_last() -> None:
    page = """
    <link rel=alternate type=application/rss+xml title="News &raquo; Comments" href=/comments/feed/>
    <link rel=alternate type=application/rss+xml href=/feed/>
    <link rel=alternate type=application/atom+xml title="Neuigkeiten\r\n &amp; mehr\u202e" href=/atom>
    <link rel=alternate type=application/rss+xml title=News href=/feed/>
    <link rel=alternate type=application/rss+xml title="评论" href=/c>
    """
    assert found(page) == [
        ("https://news.example/feed/", "News"),
        ("https://news.example/atom", "Neuigkeiten & mehr"),
        ("https://news.example/comments/feed/", "News » Comments"),
        ("https://news.example/c", "评论"),
    ]


def test_links_of_the_text_count_only_where_the_head_names_none() -> None:
    anchors = '<a href="/about">About</a><a href="/rss.xml" title="RSS">RSS</a><a type="application/rss+xml" href="/x">'
    assert found(anchors) == [("https://news.example/rss.xml", "RSS"), ("https://news.example/x", "")]
    assert found(f"<link rel=feed href=/feed>{anchors}") == [("https://news.example/feed", "")]


@pytest.mark.parametrize(
    "href", ["/feedback", "/newsfeeds-of-2020/story.html", "/rssi", "/atomic", "/a.xml", "mailto:feed"]
)
def test_a_link_that_only_sounds_like_a_feed_is_none(href: str) -> None:
    assert found(f'<a href="{href}">x</a>') == []


@pytest.mark.parametrize(
    ("header", "urls"),
    [
        ('</feed>; rel="alternate"; type="application/rss+xml"; title="All, of it"', ["https://news.example/feed"]),
        ("<a.xml>;rel=alternate;type=application/atom+xml, <b.xml>; rel=alternate; type=application/rss+xml",
         ["https://news.example/china/a.xml", "https://news.example/china/b.xml"]),
        ('<https://hub.example/>; rel="hub", <https://news.example/feed>; rel="self"', []),
        ('</feed>; rel="alternate"; type="application/rss+xml"; anchor="https://other.example/"', []),
        ("</feed>; rel=alternate; rel=stylesheet; type=application/rss+xml", ["https://news.example/feed"]),
        ("</feed; rel=alternate", []),
        ("<" * 20_000, []),
        ("", []),
    ],
)  # fmt: skip
def test_a_link_header_names_feeds(header: str, urls: list[str]) -> None:
    assert [candidate.url for candidate in in_headers(header, PAGE)] == urls
    assert [url for url, _title in found("<p>", link=header)] == urls


def test_the_character_set_of_a_page_is_read_as_that_of_a_feed() -> None:
    page = '<link rel=alternate type=application/rss+xml title="重庆新闻" href="/f">'.encode("gb18030")
    assert feeds_of_page(page, "text/html; charset=gb2312", PAGE)[0].title == "重庆新闻"


def test_no_page_gives_more_than_twenty_or_takes_long() -> None:
    many = "".join(f"<link rel=alternate type=application/rss+xml href=/{n}>" for n in range(500))
    assert len(found(many)) == MAX_CANDIDATES
    started = time.process_time()
    for page in ("<b>" * 50_000, "<a " + "x=1 " * 50_000 + ">", "<!" * 200_000, "<a href='" * 50_000, "</" * 200_000):
        assert found(page) == []
    assert time.process_time() - started < 3


def test_the_sandbox_is_answered_in_json() -> None:
    payload = {"body_b64": "PGxpbmsgcmVsPWZlZWQgaHJlZj0vZmVlZD4=", "content_type": None, "url": PAGE, "link": ""}
    assert read(payload) == {"candidates": [{"url": "https://news.example/feed", "title": "", "comments": False}]}
    assert Candidate(url="https://news.example/feed").comments is False
