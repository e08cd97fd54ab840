"""`watcher feeds …`: what is polled, how it goes, and what a document would give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from watcher import pipeline, wire
from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp, RefusedAddress
from watcher.model import AlertHistory, FeedConfig, Origin
from watcher.net.address import check_url
from watcher.parse.feed import NotAFeed, parse
from watcher.store import feeds

app = typer.Typer(help="Feeds: what is polled, when and how it goes.", no_args_is_help=True, add_completion=False)

_COLUMNS = ("id", "title", "url", "last_outcome", "error_count", "last_polled_at", "next_poll_at", "next_poll_reason")
_NONE = "no feeds are in force: name some in watcher.yml, or `watcher feeds add URL`, and run `watcher up`"


@app.command("list")
def list_feeds(as_json: bool = Json) -> None:
    """Every feed with its last outcome, and when and why it is polled next."""
    with opened() as rt, rt.database.read() as conn:
        rows = feeds.listing(conn)
    show(rows, _COLUMNS, as_json=as_json, empty=_NONE)


@app.command()
def add(
    url: str,
    alert_history: Annotated[AlertHistory, typer.Option(help="Which items of the first fetch may alert.")] = (
        AlertHistory.NONE
    ),
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag that subscriptions may ask for; may be repeated.")
    ] = None,
) -> None:
    """Add a feed by its URL; the running service polls it within seconds."""
    with opened() as rt:
        try:
            check_url(url, allow_private=rt.settings.allow_private)
        except RefusedAddress as refused:
            raise CannotHelp(f"{url}: {refused}") from refused
        config = FeedConfig(url=url, alert_history=alert_history, tags=tuple(tag or ()))
        with rt.database.write() as conn:
            added = feeds.add(conn, config, origin=Origin.CLI, now=rt.clock())
    silent = alert_history is AlertHistory.NONE
    told = "added; what it holds now is history and alerts nobody (--alert-history all would)" if silent else "added"
    typer.echo(told if added else "known already")


@app.command()
def remove(url: str) -> None:
    """Stop polling a feed; its items and events stay."""
    with opened() as rt, rt.database.write() as conn:
        if not feeds.retire(conn, url, now=rt.clock()):
            raise CannotHelp(f"no feed has the URL {url}: see `watcher feeds list`")
    typer.echo("removed; if watcher.yml names it, take it out there too")


@app.command()
def poll() -> None:
    """Let the running service poll every feed now instead of at its hour."""
    with opened() as rt:
        typer.echo(f"{pipeline.poll_now(rt)} feeds are due now")


@app.command("parse")
def parse_file(path: Path, url: str = "", as_json: bool = Json) -> None:
    """Show what a feed document in a file gives: one item a line, the feed itself first with --json."""
    try:
        parsed = parse(path.read_bytes(), None, url or path.resolve().as_uri())
    except (NotAFeed, OSError) as error:
        typer.echo(f"{path}: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        told = {"title": parsed.title, "link": parsed.link, "language": parsed.language}
        rows = [_item(wire.dump(item)) for item in parsed.items]
        typer.echo(json.dumps({"feed": told, "items": rows}, ensure_ascii=False))
        return
    rows = [wire.dump(item) for item in parsed.items]
    show(rows, ("identity", "title", "link", "published_at"), as_json=False, empty="the feed has no entries")


def _item(draft: dict[str, object]) -> dict[str, object]:
    """The published form of an item: its public names, without what only the store needs."""
    names = ("title", "link", "summary", "text", "author", "categories", "language")
    times = {"published": draft["published_at"], "updated": draft["updated_at"]}
    return {"id": draft["identity"], **{name: draft[name] for name in names}, **times}
