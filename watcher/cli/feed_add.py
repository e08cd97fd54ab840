"""`watcher feeds add`: a URL to feeds that are polled, by way of the page that names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from watcher.cli.session import opened
from watcher.errors import CannotHelp
from watcher.fetch.discover import Discovery, Found, FoundFeed
from watcher.model import AlertHistory, FeedConfig, Origin
from watcher.pipeline import feed_add
from watcher.runtime import Runtime
from watcher.store import feed_details
from watcher.wording import counted, one_line

_FAILED = 1
AlertHistoryOption = Annotated[AlertHistory, typer.Option(help="Which items of the first fetch may alert.")]
TagOption = Annotated[
    list[str] | None, typer.Option("--tag", help="A tag that subscriptions may ask for; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add the command to `watcher feeds`."""
    app.command("add")(add)


def add(
    url: str,
    alert_history: AlertHistoryOption = AlertHistory.NONE,
    tag: TagOption = None,
    full_text: Annotated[bool, typer.Option("--full-text", help="Read each item's page for its whole text.")] = False,
    take_all: Annotated[bool, typer.Option("--all", help="Of a page that names several feeds, add all.")] = False,
    take_first: Annotated[bool, typer.Option("--first", help="Of a page that names several, add the first.")] = False,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", "--force", help="Add the URL itself without looking at it.")
    ] = False,
) -> None:
    """Add a feed by its URL, or by the page whose news it brings; the running service polls it within seconds.

    The URL is fetched once to see what it is, and four usual places of its host where a page names no feed.
    """
    if take_all and take_first:
        raise typer.BadParameter("--all and --first exclude one another")
    with opened() as rt:
        url, asked = feed_add.checked_url(rt, url), url.strip()
        with rt.database.read() as conn:
            known = feed_details.live_urls(conn)
        if known & {url, asked}:
            typer.echo("known already")
            return
        chosen = [FoundFeed(url=url)] if unchecked else _chosen(rt, url, take_all=take_all, take_first=take_first)
        config = FeedConfig(url=url, alert_history=alert_history, tags=tuple(tag or ()), full_text=full_text)
        for feed in chosen:
            _add(rt, feed, config)


def _chosen(rt: Runtime, url: str, *, take_all: bool, take_first: bool) -> Sequence[FoundFeed]:
    """The feeds to add; ends the command where a person has to choose or nothing was found."""
    discovery = feed_add.look(rt, url)
    for refused, reason in discovery.refused:
        typer.echo(f"the page names {one_line(refused, 200)}, which is refused: {reason}", err=True)
    if discovery.found is Found.UNREACHABLE:
        raise CannotHelp(f"{url}: {discovery.detail}; --unchecked adds it without looking")
    if discovery.found is Found.NONE:
        raise CannotHelp(
            f"{url} is no feed, names none, and none is at its host's usual places; look for the feed's own address, "
            "or --unchecked adds this one as it is"
        )
    if len(discovery.feeds) == 1 or take_all:
        return discovery.feeds
    if take_first:
        return discovery.feeds[:1]
    _list(url, discovery)
    raise typer.Exit(_FAILED)


def _list(url: str, discovery: Discovery) -> None:
    typer.echo(f"{url} names {counted(len(discovery.feeds), 'feed')}; nothing was added yet. Add the one you mean:")
    for feed in discovery.feeds:
        typer.echo(f"\n  {feed.title or '(no title)'}\n  watcher feeds add {quoted(feed.url)}")
    typer.echo("\nor add the first with --first, or every one with --all")


def quoted(url: str) -> str:
    """The URL as a shell takes it for one word."""
    plain = url.replace("'", "%27")
    return plain if not set(plain) & set('&;|<>()$`"*?[]#~=!{} ') else f"'{plain}'"


def _add(rt: Runtime, feed: FoundFeed, config: FeedConfig) -> None:
    added = feed_add.add(rt, feed.url, config, origin=Origin.CLI)
    shown = _shown(feed, added.url, asked=config.url)
    silent = config.alert_history is AlertHistory.NONE
    told = "; what it holds now is history and alerts nobody (--alert-history all would)" if silent else ""
    typer.echo(f"added{shown}{told}" if added.new else f"known already{shown}")


def _shown(feed: FoundFeed, url: str, *, asked: str) -> str:
    """What was added, as far as the person who asked does not know it."""
    parts = [f'"{feed.title}"'] if feed.title else []
    parts += [url] if url != asked else []
    parts += [f"with {counted(feed.items, 'entry', 'entries')}"] if feed.items is not None else []
    return f" {' '.join(parts)}" if parts else ""
