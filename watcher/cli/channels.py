"""`watcher channels …`: the ways out, which of them do not send and why, and letting one send again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from watcher.cli import channel_test
from watcher.cli.session import Json, opened, show
from watcher.deliver import pace
from watcher.errors import CannotHelp
from watcher.model import ChannelState
from watcher.store import channels, deliveries

app = typer.Typer(help="Channels: which send, which do not and why.", no_args_is_help=True, add_completion=False)
channel_test.register(app)


@app.command("list")
def list_channels(as_json: bool = Json) -> None:
    """Every channel of watcher.yml: whether it sends, and else why not and until when."""
    with opened() as rt, rt.database.read() as conn:
        rows = [_row(state, counts, rt.clock()) for state, counts in channels.states(conn)]
    shown = ("id", "kind", "waiting", "parked", "worked_at", "status")
    show(rows, shown, as_json=as_json, empty="no channels yet: name some in watcher.yml")


def _row(state: ChannelState, counts: dict[str, int], now: datetime) -> dict[str, Any]:
    return {
        "id": state.config.id,
        "kind": state.config.kind.value,
        "status": pace.status(state, now=now),
        "waiting": counts.get("pending", 0),
        "sent": counts.get("sent", 0),
        "parked": counts.get("parked", 0),
        "withheld": counts.get("withheld", 0),
        "worked_at": state.worked_at,
        "failures": state.failures,
        "failing_since": state.failing_since,
        "fault": state.fault,
        "open_until": state.open_until,
        "free_at": state.free_at,
        "disabled_reason": state.disabled_reason,
    }


@app.command()
def enable(channel: str) -> None:
    """Let a channel that was disabled, or waits after a failure, send at once what is addressed to it."""
    with opened() as rt, rt.database.write() as conn:
        if not channels.enable(conn, channel):
            raise CannotHelp(f"no channel is called {channel!r}: see `watcher channels list`")
        woken = deliveries.wake_channel(conn, [channel], now=rt.clock())
        parked = deliveries.states(conn, channel=channel).get("parked", 0)
    typer.echo(f"enabled; {woken} messages are due now")
    if parked:
        typer.echo(f"{parked} more were parked: `watcher deliveries retry --all --channel {channel}` sends them too")
