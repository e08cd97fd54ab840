"""`watcher deliveries …`: what was sent where, what waits and why, and another try for what was parked."""

from __future__ import annotations

from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.model import DeliveryState
from watcher.store import deliveries

app = typer.Typer(help="Deliveries: messages, attempts, outcomes.", no_args_is_help=True, add_completion=False)

_COLUMNS = ("id", "channel_id", "subscription_id", "window", "state", "attempt", "reason", "next_attempt_at")


@app.command("list")
def list_deliveries(
    state: Annotated[list[DeliveryState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    limit: int = 50,
    as_json: bool = Json,
) -> None:
    """The newest messages, newest first."""
    with opened() as rt, rt.database.read() as conn:
        rows = deliveries.listing(conn, limit=limit, states=[one.value for one in state or ()])
    show(rows, _COLUMNS, as_json=as_json, empty="no deliveries")


@app.command("show")
def show_delivery(delivery_id: int, as_json: bool = Json) -> None:
    """One message as it was sent, with every attempt and its outcome."""
    with opened() as rt, rt.database.read() as conn:
        row = deliveries.show(conn, delivery_id)
    if row is None:
        typer.echo(f"no delivery has the id {delivery_id}: see `watcher deliveries list`", err=True)
        raise typer.Exit(1)
    if as_json:
        show([row], (), as_json=True, empty="")
        return
    show([row], ("id", "key", "channel_id", "state", "reason", "message_id"), as_json=False, empty="")
    typer.echo()
    show(row["attempts"], ("number", "started_at", "outcome", "reason", "detail"), as_json=False, empty="not tried yet")
    typer.echo(f"\n{row['body']}")


@app.command()
def retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of parked messages.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every parked message.")] = False,
) -> None:
    """Send parked messages again: the same bytes under the same id. The running service does it within seconds."""
    if bool(ids) == every:
        typer.echo("name the ids, or say --all", err=True)
        raise typer.Exit(2)
    with opened() as rt, rt.database.write() as conn:
        woken = deliveries.retry(conn, None if every else ids, now=rt.clock())
        if not woken and not every:
            raise CannotHelp("none of these is parked: see `watcher deliveries list --state parked`")
    typer.echo(f"{woken} messages are due now")
