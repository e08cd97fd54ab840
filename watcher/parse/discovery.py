"""A web page, or its Link header, to the feeds that it names; pure. Fetching is `watcher.fetch.discover`'s.

HTML is read by the standard library's tolerant parser, in the sandbox, over a bounded part of the page.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from watcher import wire
from watcher.model import JSON
from watcher.parse.charset import decode
from watcher.wording import one_line

MAX_CANDIDATES = 20
PAGE_CHARACTERS = 1024 * 1024
_URL_CHARACTERS = 2048
_TITLE_CHARACTERS = 200
_HEADER_CHARACTERS = 16 * 1024
_FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "application/rss"}
    | {"application/x-rss+xml", "application/x-atom+xml", "text/rss+xml", "text/atom+xml", "text/rss"}
)
# Types that say little: a feed only where the address says so too.
_VAGUE_TYPES = frozenset({"application/xml", "text/xml", "application/json"})
_FEED_PATH = re.compile(
    r"(?:^|[/_.-])(?:rss2?|atom|feeds?|rdf)(?:\.(?:xml|json|php|aspx?))?/?$|\.(?:rss|atom|rdf)$|/index\.xml$|[?&]feed=",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"comment|kommentar|coment|commentaire|评论|評論|コメント|댓글", re.IGNORECASE)
_LINK_VALUE = re.compile(r"<([^<>]{1,2048})>((?:[^,\"]|\"[^\"]{0,1000}\"){0,2000})", re.DOTALL)
_LINK_PARAMETER = re.compile(r";\s*([\w*-]{1,30})\s*=\s*(?:\"([^\"]{0,1000})\"|([^\s;,\"]{0,1000}))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A feed that a page names, not looked at yet."""

    url: str
    title: str = ""
    comments: bool = False
    """Of readers' comments rather than of the page's own news."""


class _Page(HTMLParser):
    """Collects what a page says of its feeds: `<link>` elements, and as a fallback `<a>` elements that look so."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.base = url
        self.linked: list[Candidate] = []
        self.anchored: list[Candidate] = []
        self._based = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("base", "link", "a"):
            return
        # the first of an attribute that is given twice counts, as in browsers
        given = {name: value or "" for name, value in reversed(attrs)}
        href = given.get("href", "").strip()
        if not href:
            return
        if tag == "base":
            if not self._based:
                self.base, self._based = _absolute(self.base, href) or self.base, True
        elif tag == "link":
            self._take_link(given, href)
        else:
            self._take_anchor(given, href)

    def _take_link(self, given: dict[str, str], href: str) -> None:
        if len(self.linked) >= 2 * MAX_CANDIDATES:
            return
        if not _names_a_feed(given.get("rel", ""), given.get("type", ""), href):
            return
        url = _absolute(self.base, href)
        if url:
            self.linked.append(_candidate(url, given.get("title", "")))

    def _take_anchor(self, given: dict[str, str], href: str) -> None:
        typed = _media_type(given.get("type", "")) in _FEED_TYPES
        if len(self.anchored) >= 2 * MAX_CANDIDATES or not (typed or _FEED_PATH.search(_tail(href))):
            return
        url = _absolute(self.base, href)
        if url:
            self.anchored.append(_candidate(url, given.get("title", "")))


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip().lower()


def _names_a_feed(rel: str, media_type: str, href: str) -> bool:
    words = rel.lower().split()
    kind = _media_type(media_type)
    if "alternate" in words or "feed" in words:
        if kind in _FEED_TYPES:
            return "stylesheet" not in words
        return (kind in _VAGUE_TYPES or (not kind and "feed" in words)) and bool(_FEED_PATH.search(_tail(href)))
    return False


def _tail(href: str) -> str:
    """The path and query of a link as written."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _absolute(base: str, href: str) -> str | None:
    """`href` made absolute, http(s) only, without its fragment; None for anything else."""
    try:
        # "feed:https://…" and "feed://…" are how readers were once called from a page
        url = urljoin(base, re.sub(r"^feed:(?://)?(?=https?:)|^feed:(?=//)", "", href, flags=re.IGNORECASE))
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url) > _URL_CHARACTERS:
        return None
    # without a path the fragment stays: the guard looks at what stands behind such a host
    return parts._replace(fragment="").geturl() if parts.path else url


def _candidate(url: str, title: str) -> Candidate:
    title = one_line(title, _TITLE_CHARACTERS)
    return Candidate(url=url, title=title, comments=bool(_COMMENTS.search(title) or _COMMENTS.search(_tail(url))))


def in_headers(link: str, url: str) -> tuple[Candidate, ...]:
    """The feeds that a Link header names (RFC 8288); `url` is the page's own, which relative targets start from."""
    found = []
    for target, written in _LINK_VALUE.findall(link[:_HEADER_CHARACTERS]):
        parameters: dict[str, str] = {}
        for name, quoted, bare in _LINK_PARAMETER.findall(written):
            parameters.setdefault(name.lower(), quoted or bare)
        if "anchor" in parameters or not _names_a_feed(
            parameters.get("rel", ""), parameters.get("type", ""), target.strip()
        ):
            continue
        absolute = _absolute(url, target.strip())
        if absolute:
            found.append(_candidate(absolute, parameters.get("title", "")))
    return tuple(found)


def feeds_of_page(body: bytes, content_type: str | None, url: str, *, link: str = "") -> tuple[Candidate, ...]:
    """The feeds that a page names, in its order, each once, those of comments last; at most twenty.

    `link` is the Link header. Links of the page's text that look like feeds count only where neither its head nor the
    header names any. Only the first million characters are read.
    """
    text, _charset = decode(body, content_type)
    page = _Page(url)
    page.feed(text[:PAGE_CHARACTERS])
    named = [*in_headers(link, url), *page.linked] or page.anchored
    unique: dict[str, Candidate] = {}
    for candidate in named:
        if candidate.url == url:
            continue
        known = unique.setdefault(candidate.url, candidate)
        if candidate.title and not known.title:
            unique[candidate.url] = replace(candidate, comments=known.comments or candidate.comments)
    ordered = sorted(unique.values(), key=lambda candidate: candidate.comments)
    return tuple(ordered[:MAX_CANDIDATES])


def read(payload: JSON) -> JSON:
    """`feeds_of_page` for the sandbox: `{"body_b64", "content_type", "url", "link"}` in, `{"candidates": […]}` out."""
    body = base64.b64decode(payload["body_b64"])
    found = feeds_of_page(body, payload.get("content_type"), payload["url"], link=payload.get("link") or "")
    return {"candidates": [wire.dump(candidate) for candidate in found]}
