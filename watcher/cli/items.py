"""`watcher items …`: what came in, as a list or as JSON lines to try rules on, and what was set aside."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.store import events, history, items

app = typer.Typer(help="Items: listed, exported, set aside, tried again.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_items(
    rule: Annotated[str | None, typer.Option(help="Only items that tell an event of this rule.")] = None,
    limit: int = 50,
    as_json: bool = Json,
) -> None:
    """The newest items with the rules that found them: the ids for `watcher rules explain`."""
    with opened() as rt, rt.database.read() as conn:
        rows = history.listing(conn, rule_id=rule, limit=limit)
    columns = ("id", "first_seen_at", "feed", "title", "rules")
    show(rows, columns, as_json=as_json, empty="no items yet")


@app.command()
def export(days: Annotated[int, typer.Option(min=1, help="Items first seen in so many days.")] = 30) -> None:
    """The stored items as JSON lines, for `watcher rules diff OLD NEW --input` where there is no database."""
    with opened() as rt:
        since, after = rt.clock() - timedelta(days=days), 0
        while True:
            with rt.database.read() as conn:
                found = history.batch(conn, since=since, after=after)
            if not found:
                return
            for item in found:
                row = {"id": item.id, "title": item.title, "text": item.text, "language": item.language}
                row |= {"published": item.dated.isoformat(), "feed": item.feed_title, "tags": list(item.feed_tags)}
                typer.echo(json.dumps(row | {"link": item.link}, ensure_ascii=False))
            after = found[-1].id


@app.command("parked")
def list_parked(limit: int = 50, as_json: bool = Json) -> None:
    """Items that were parked, each with the reason."""
    with opened() as rt, rt.database.read() as conn:
        rows = items.parked(conn, limit=limit)
    show(rows, ("id", "title", "link", "parked_reason"), as_json=as_json, empty="nothing is parked")


@app.command()
def retry() -> None:
    """Classify every parked item again, and offer every parked event; the running service does it within seconds."""
    with opened() as rt, rt.database.write() as conn:
        woken = items.wake_parked(conn, now=rt.clock())
        offered = events.wake_parked(conn)
    typer.echo(f"{woken} items and {offered} events are due now")
