"""`watcher feeds …`: what is polled, how it goes, and what a document would give.

Checking addresses, adding by a page, and OPML are in modules of their own, registered here.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher import pipeline, wire
from watcher.cli import feed_add, feed_check, feed_lists, feed_words
from watcher.cli.session import Json, opened, output, show
from watcher.errors import CannotHelp, RefusedAddress
from watcher.net.address import check_url
from watcher.parse.feed import NotAFeed, parse
from watcher.runtime import Runtime
from watcher.store import feed_details, feeds
from watcher.wording import counted

app = typer.Typer(help="Feeds: what is polled, when and how it goes.", no_args_is_help=True, add_completion=False)

_NONE = "no feeds are in force: name some in watcher.yml, or `watcher feeds add URL`, and run `watcher up`"
_WHICH = typer.Argument(help="The feed's URL or its id.")


@app.command("list")
def list_feeds(as_json: bool = Json) -> None:
    """Every feed with its health, its last outcome, and when and why it is polled next."""
    with opened() as rt:
        with rt.database.read() as conn:
            rows = feeds.listing(conn)
        now = rt.clock()
    if as_json or not rows:
        show(rows, (), as_json=as_json, empty=_NONE)
    else:
        feed_words.show_list(rows, output(), now)


feed_add.register(app)


@app.command("show")
def show_feed(which: Annotated[str, _WHICH], as_json: bool = Json) -> None:
    """Everything that is known of one feed."""
    with opened() as rt:
        with rt.database.read() as conn:
            row = feed_details.described(conn, _find(rt, conn, which))
        now = rt.clock()
    if as_json:
        show([row], (), as_json=True, empty="")
    else:
        feed_words.show_one(row, output(), now)


@app.command()
def remove(which: Annotated[str, _WHICH]) -> None:
    """Stop polling a feed; its items and events stay."""
    with opened() as rt, rt.database.write() as conn:
        row = feed_details.described(conn, _find(rt, conn, which))
        if not feeds.retire(conn, row["url"], now=rt.clock()):
            raise CannotHelp(f"{row['url']} is removed already")
    typer.echo("removed; if watcher.yml names it, take it out there too" if row["origin"] == "file" else "removed")


@app.command()
def poll(
    which: Annotated[list[str] | None, typer.Argument(help="URLs or ids; every feed when absent.")] = None,
) -> None:
    """Let the running service poll these feeds, or every one, now instead of at their hour."""
    with opened() as rt:
        if not which:
            number = pipeline.poll_now(rt)
        else:
            with rt.database.write() as conn:
                number = feeds.poll_now(conn, now=rt.clock(), ids=[_find(rt, conn, one) for one in which])
    typer.echo(f"{counted(number, 'feed')} {'is' if number == 1 else 'are'} due now")


def _find(rt: Runtime, conn: Any, which: str) -> int:
    """The id of the feed meant, by its id or by its URL in any spelling; raises CannotHelp."""
    spellings = [which]
    with suppress(RefusedAddress):  # it is an id, or a feed that was taken while its address was allowed
        spellings.append(check_url(which, allow_private=rt.settings.allow_private).url)
    found = feed_details.find(conn, *spellings)
    if found is None:
        raise CannotHelp(f"no feed has the URL or id {which}: see `watcher feeds list`")
    return found


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


feed_check.register(app)
feed_lists.register(app)
