"""`watcher channels …`: the ways out, which of them do not send and why, and letting one send again."""

from __future__ import annotations

import typer

from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.store import channels, deliveries

app = typer.Typer(help="Channels: which send, which do not and why.", no_args_is_help=True, add_completion=False)


@app.command("list")
def list_channels(as_json: bool = Json) -> None:
    """Every channel of watcher.yml; one that was disabled says why."""
    with opened() as rt, rt.database.read() as conn:
        rows = channels.listing(conn)
    show(rows, ("id", "kind", "disabled_reason"), as_json=as_json, empty="no channels yet: name some in watcher.yml")


@app.command()
def enable(channel: str) -> None:
    """Let a channel that was disabled, or waits after a failure, send at once what is addressed to it."""
    with opened() as rt, rt.database.write() as conn:
        if channel not in {row["id"] for row in channels.listing(conn)}:
            raise CannotHelp(f"no channel is called {channel!r}: see `watcher channels list`")
        channels.enable(conn, channel)
        woken = deliveries.wake_channel(conn, [channel], now=rt.clock())
    typer.echo(f"enabled; {woken} messages are due now")
