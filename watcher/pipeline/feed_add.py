"""A URL that a person gave to a feed that is polled: looked at through the guard, then added. For command and console.

Which of several feeds is meant, and what the person is told, is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from watcher.errors import CannotHelp, RefusedAddress
from watcher.fetch.discover import Discovery, Finder
from watcher.model import FeedConfig, Origin
from watcher.net.address import check_url
from watcher.runtime import Runtime
from watcher.store import feed_details, feeds
from watcher.wording import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of an address; `new` is False for a feed that was known under it."""

    feed_id: int
    url: str
    new: bool


def checked_url(rt: Runtime, url: str) -> str:
    """The URL as it is contacted and kept; raises CannotHelp with the reason when the guard refuses it."""
    try:
        return check_url(url, allow_private=rt.settings.allow_private).url
    except RefusedAddress as refused:
        raise CannotHelp(f"{one_line(url, 200)}: {refused}") from refused


def look(rt: Runtime, url: str) -> Discovery:
    """What stands behind the URL; takes seconds, and at worst the limits of five fetches."""
    finder = Finder(
        client=rt.client,
        sandbox=rt.sandbox,
        allow_private=rt.settings.allow_private,
        pause_s=rt.settings.host_spacing_s,
        parse_s=rt.settings.sandbox_cpu_s + 5,
        max_bytes=rt.settings.fetch_max_bytes,
    )
    return finder.look(url)


def known_as(rt: Runtime, url: str) -> int | None:
    """The id of the live feed that has this URL, as it was asked for or as it is polled."""
    with rt.database.read() as conn:
        return feed_details.find(conn, url) if url in feed_details.live_urls(conn) else None


def add(rt: Runtime, url: str, config: FeedConfig, *, origin: Origin) -> Added:
    """Poll the feed at `url`, otherwise as `config` says, due at once. Raises CannotHelp for a refused address."""
    checked = checked_url(rt, url)
    with rt.database.write() as conn:
        known = checked in feed_details.live_urls(conn)
        new = not known and feeds.add(conn, replace(config, url=checked), origin=origin, now=rt.clock())
        feed_id = feed_details.find(conn, checked)
    if feed_id is None:
        raise CannotHelp(f"{one_line(checked, 200)} was not added")
    return Added(feed_id=feed_id, url=checked, new=new)
