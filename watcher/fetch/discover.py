"""A URL that a person gave to the feeds behind it: the feed itself, or those that the page names, or likely places.

Fetched through the guarded client and read in the sandbox. What is done with them is left to the caller.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

from watcher.errors import RefusedAddress, SandboxFailed
from watcher.net.address import check_url
from watcher.net.client import GuardedClient, Response
from watcher.net.faults import BadAnswer, BadRequest, Unreachable
from watcher.sandbox import Sandbox

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, text/html;q=0.9, "
    "application/xhtml+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
USUAL_PLACES = ("/feed", "/rss.xml", "/atom.xml", "/feed.json")
"""Where feeds are when a page names none: the only addresses that are ever guessed."""
_PARSE_FEED = "watcher.parse.feed:read"
_PARSE_PAGE = "watcher.parse.discovery:read"
# A host that says one of these has said that it does not want to be asked again just now.
_BUSY = frozenset({401, 403, 429, 451, 503})


class Found(StrEnum):
    """What a look at a URL came to."""

    FEED = "feed"
    """It is a feed itself."""
    NAMED = "named"
    """It is a page that names feeds."""
    GUESSED = "guessed"
    """It is a page that names none; a usual place held one."""
    NONE = "none"
    """It answers, and neither it nor a usual place holds a feed."""
    UNREACHABLE = "unreachable"
    """It could not be read, see the detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed that can be added."""

    url: str
    title: str = ""
    items: int | None = None
    """How many entries it holds; None when only its name was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What stands behind a URL, in the order to offer it. `refused` holds what the page named and the guard refuses."""

    found: Found
    feeds: tuple[FoundFeed, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """(URL, reason)."""
    detail: str = ""
    moved_to: str | None = None
    """Where redirects led, when there were any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finder:
    """Looks for feeds. `pause_s` stands between two guesses, `parse_s` bounds one reading in the sandbox."""

    client: GuardedClient
    sandbox: Sandbox
    allow_private: tuple[str, ...] = ()
    pause_s: float = 2.0
    parse_s: float = 30.0
    max_bytes: int = 10 * 1024 * 1024
    wait: Callable[[float], None] = time.sleep

    def look(self, url: str) -> Discovery:
        """What stands behind `url`; never raises for what the world does.

        One request, and at most four more, one after the other, where a page names no feed.
        """
        try:
            answer = self._get(url)
        except (RefusedAddress, Unreachable, BadAnswer, BadRequest) as fault:
            return Discovery(found=Found.UNREACHABLE, detail=str(fault))
        moved_to = (
            answer.final_url if answer.final_url != check_url(url, allow_private=self.allow_private).url else None
        )
        if answer.status != HTTPStatus.OK:
            return Discovery(found=Found.UNREACHABLE, detail=_words(answer.status), moved_to=moved_to)
        try:
            feed = self._as_feed(answer, url)
            if feed:
                return Discovery(found=Found.FEED, feeds=(feed,), moved_to=moved_to)
            feeds, refused = self._named(answer)
        except SandboxFailed as failed:
            return Discovery(found=Found.UNREACHABLE, detail=f"it cannot be read: {failed}", moved_to=moved_to)
        if feeds:
            return Discovery(found=Found.NAMED, feeds=feeds, refused=refused, moved_to=moved_to)
        guessed = self._guess(answer.final_url)
        found = Found.GUESSED if guessed else Found.NONE
        return Discovery(found=found, feeds=guessed, refused=refused, moved_to=moved_to)

    def _get(self, url: str) -> Response:
        return self.client.get(url, {"accept": ACCEPT}, self.max_bytes)

    def _as_feed(self, answer: Response, url: str) -> FoundFeed | None:
        said = self.sandbox.call(_PARSE_FEED, _payload(answer), self.parse_s)
        if "not_a_feed" in said:
            return None
        return FoundFeed(url=url, title=said.get("title") or "", items=len(said["items"]))

    def _named(self, answer: Response) -> tuple[tuple[FoundFeed, ...], tuple[tuple[str, str], ...]]:
        payload = _payload(answer) | {"link": answer.headers.get("link", "")}
        said = self.sandbox.call(_PARSE_PAGE, payload, self.parse_s)
        feeds, refused = [], []
        for candidate in said["candidates"]:
            try:
                check_url(candidate["url"], allow_private=self.allow_private)
            except RefusedAddress as reason:
                refused.append((candidate["url"], str(reason)))
            else:
                feeds.append(FoundFeed(url=candidate["url"], title=candidate["title"]))
        return tuple(feeds), tuple(refused)

    def _guess(self, page_url: str) -> tuple[FoundFeed, ...]:
        for place in USUAL_PLACES:
            self.wait(self.pause_s)
            url = urljoin(page_url, place)
            try:
                answer = self._get(url)
                if answer.status in _BUSY:
                    return ()
                feed = self._as_feed(answer, url) if answer.status == HTTPStatus.OK else None
            except Unreachable:
                return ()
            except (RefusedAddress, BadAnswer, BadRequest, SandboxFailed):
                continue
            if feed:
                return (feed,)
        return ()


def _payload(answer: Response) -> dict[str, Any]:
    return {
        "body_b64": base64.b64encode(answer.body).decode("ascii"),
        "content_type": answer.headers.get("content-type"),
        "url": answer.final_url,
    }


def _words(status: int) -> str:
    try:
        return f"it answers {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"it answers {status}"
