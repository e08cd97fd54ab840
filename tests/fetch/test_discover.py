"""What stands behind a URL, over real requests: a feed, a page that names some, a usual place, nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from services.web import HttpSink

from watcher.fetch.discover import USUAL_PLACES, Discovery, Finder, Found, FoundFeed
from watcher.net.client import GuardedClient
from watcher.sandbox import Sandbox

RSS = b"<rss version='2.0'><channel><title>News</title><item><title>One</title></item></channel></rss>"
LINK = '<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


class Look:
    """A finder on a server of our own, and how long it waited between its guesses."""

    def __init__(self, server: HttpSink, sandbox: Sandbox) -> None:
        self.server = server
        self.waited: list[float] = []
        allowed = (f"127.0.0.1:{server.port}",)
        self.finder = Finder(
            client=GuardedClient(allowed, total_s=5),
            sandbox=sandbox,
            allow_private=allowed,
            pause_s=2,
            wait=self.waited.append,
        )

    def at(self, path: str) -> Discovery:
        return self.finder.look(self.server.url(path))

    @property
    def asked(self) -> list[str]:
        return [request.path for request in self.server.requests]


@pytest.fixture
def look(feed_server: HttpSink, sandbox: Sandbox) -> Iterator[Look]:
    for place in USUAL_PLACES:
        feed_server.answer(place, status=404)
    looking = Look(feed_server, sandbox)
    yield looking
    looking.finder.client.close()


def page(server: HttpSink, *links: str, path: str = "/page", **headers: str) -> None:
    body = f"<html><head>{''.join(links)}</head><body>News</body></html>".encode()
    server.answer(path, headers={"Content-Type": "text/html; charset=utf-8", **headers}, body=body)


def test_a_feed_is_what_was_asked_for(look: Look) -> None:
    url = look.server.serve("/rss", RSS)
    assert look.at("/rss") == Discovery(found=Found.FEED, feeds=(FoundFeed(url=url, title="News", items=1),))
    assert look.asked == ["/rss"]


def test_a_page_that_names_a_feed_costs_one_request(look: Look) -> None:
    page(look.server, LINK.format(title="News", href="/rss"))
    found = look.at("/page")
    assert (found.found, found.feeds) == (Found.NAMED, (FoundFeed(url=look.server.url("/rss"), title="News"),))
    assert (look.asked, look.waited) == (["/page"], [])


def test_the_link_header_names_feeds_too(look: Look) -> None:
    page(look.server, Link='</rss>; rel="alternate"; type="application/rss+xml"; title="News"')
    assert look.at("/page").feeds == (FoundFeed(url=look.server.url("/rss"), title="News"),)


def test_a_feed_that_the_guard_refuses_is_told_and_not_offered(look: Look) -> None:
    page(look.server, LINK.format(title="x", href="http://169.254.169.254/"), LINK.format(title="y", href="/rss"))
    found = look.at("/page")
    assert [feed.title for feed in found.feeds] == ["y"]
    assert found.refused == (("http://169.254.169.254/", "169.254.169.254 is a link-local address (169.254.0.0/16)"),)


def test_where_a_page_names_none_four_usual_places_are_asked_one_after_the_other(look: Look) -> None:
    page(look.server)
    assert look.at("/page").found is Found.NONE
    assert (look.asked, look.waited) == (["/page", *USUAL_PLACES], [2, 2, 2, 2])


def test_the_first_usual_place_with_a_feed_ends_the_search(look: Look) -> None:
    page(look.server)
    look.server.clear()
    page(look.server)
    look.server.answer("/feed", body=b"<html>no feed here</html>")
    look.server.serve("/rss.xml", RSS)
    found = look.at("/page")
    assert (found.found, [feed.url for feed in found.feeds]) == (Found.GUESSED, [look.server.url("/rss.xml")])
    assert look.asked == ["/page", "/feed", "/rss.xml"]


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_host_that_is_busy_is_not_asked_for_more(look: Look, status: int) -> None:
    look.server.clear()
    page(look.server)
    look.server.answer("/feed", status=status)
    assert look.at("/page").found is Found.NONE
    assert look.asked == ["/page", "/feed"]


def test_links_start_from_where_the_page_really_is(look: Look) -> None:
    look.server.answer("/old", status=301, headers={"Location": "/new/page"})
    page(look.server, LINK.format(title="News", href="rss"), path="/new/page")
    found = look.at("/old")
    assert [feed.url for feed in found.feeds] == [look.server.url("/new/rss")]
    assert found.moved_to == look.server.url("/new/page")


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ({"status": 404}, "it answers 404 Not Found"),
        ({"status": 599}, "it answers 599"),
        ({"hang_up": True}, "hung up"),
        ({"status": 302, "headers": {"Location": "http://10.0.0.1/"}}, "10.0.0.1 is a private address"),
        ({"headers": {"Content-Encoding": "br"}}, "was not offered"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(look: Look, answer: dict[str, object], detail: str) -> None:
    look.server.answer("/page", **answer)  # type: ignore[arg-type]
    found = look.at("/page")
    assert (found.found, found.feeds) == (Found.UNREACHABLE, ())
    assert detail in found.detail
    assert len(look.asked) == 1


def test_a_refused_address_is_not_asked_at_all(look: Look) -> None:
    found = look.finder.look("http://127.0.0.1:1/")
    assert (found.found, found.detail) == (Found.UNREACHABLE, "127.0.0.1 is a loopback address (127.0.0.0/8)")


def test_an_empty_page_names_nothing(look: Look) -> None:
    look.server.answer("/page", body=b"")
    assert look.at("/page").found is Found.NONE
