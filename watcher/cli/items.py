"""`watcher items …`: items and events that were set aside because the rules or the store failed on them."""

from __future__ import annotations

import typer

from watcher.cli.session import Json, opened, show
from watcher.store import events, items

app = typer.Typer(help="Items: what was set aside, and trying it again.", no_args_is_help=True)


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
