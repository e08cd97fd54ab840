"""Lists of feeds as OPML, taken and given: for the command, the console and the API. Nothing is contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.errors import RefusedAddress
from watcher.model import AlertHistory, FeedConfig, Origin
from watcher.net.address import check_url
from watcher.parse.language import primary
from watcher.parse.opml import FeedList, Outline, write_opml
from watcher.runtime import Runtime
from watcher.store import feed_details, feeds
from watcher.wording import one_line

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A feed that was not taken, and where it stands."""

    line: int
    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a list: URLs that were added or known before, and what was left out."""

    added: tuple[str, ...]
    known: tuple[str, ...]
    repeated: tuple[NotTaken, ...]
    refused: tuple[NotTaken, ...]


def take(
    rt: Runtime,
    found: FeedList,
    *,
    origin: Origin,
    alert_history: AlertHistory = AlertHistory.NONE,
    tags: Sequence[str] = (),
    dry_run: bool = False,
) -> Taken:
    """Add the feeds of a list; those that are known stay as they are, and a refused one does not stop the others."""
    with rt.database.read() as conn:
        known = feed_details.live_urls(conn)
    wanted: dict[str, FeedConfig] = {}
    here: list[str] = []
    repeated: list[NotTaken] = []
    refused: list[NotTaken] = []
    met: set[str] = set()
    for outline in found.outlines:
        try:
            url = check_url(outline.url, allow_private=rt.settings.allow_private).url
        except RefusedAddress as reason:
            refused.append(NotTaken(line=outline.line, url=one_line(outline.url, 300), reason=str(reason)))
            continue
        if url in met:
            repeated.append(NotTaken(line=outline.line, url=url, reason="listed before"))
            continue
        met.add(url)
        if known & {url, outline.url}:
            here.append(url)
        else:
            wanted[url] = _config(url, outline, alert_history, tags)
    added = list(wanted) if dry_run else _add(rt, list(wanted.values()), origin)
    here += [url for url in wanted if url not in set(added)]
    return Taken(added=tuple(added), known=tuple(here), repeated=tuple(repeated), refused=tuple(refused))


def _config(url: str, outline: Outline, alert_history: AlertHistory, tags: Sequence[str]) -> FeedConfig:
    return FeedConfig(
        url=url,
        title=outline.title,
        language=primary(outline.language) if outline.language else None,
        tags=tuple(dict.fromkeys((*outline.tags, *tags))),
        alert_history=alert_history,
    )


def _add(rt: Runtime, configs: list[FeedConfig], origin: Origin) -> list[str]:
    """The URLs that were added; a feed that lives on in another one is known already."""
    added: list[str] = []
    # in pieces, so that a running service is not kept from its own writes
    for start in range(0, len(configs), _BATCH):
        with rt.database.write() as conn:
            added += feeds.add_all(conn, configs[start : start + _BATCH], origin=origin, now=rt.clock())
    return added


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Every feed as an OPML document; `secret` are those that need headers, which are never written."""

    document: bytes
    feeds: int
    secret: tuple[tuple[str, tuple[str, ...]], ...]
    """(URL, names of the headers)."""


def give(rt: Runtime) -> Given:
    """The feeds that have not been removed; tags become folders and categories."""
    with rt.database.read() as conn:
        rows = feed_details.exported(conn)
    outlines = [
        Outline(url=row["url"], title=row["title"], language=row["language"], tags=tuple(row["tags"])) for row in rows
    ]
    document = write_opml(outlines, title="Feeds of biotech-watcher", now=rt.clock())
    secret = tuple((row["url"], tuple(row["headers"])) for row in rows if row["headers"])
    return Given(document=document, feeds=len(rows), secret=secret)
