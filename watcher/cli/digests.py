"""`watcher digests …`: the windows, what is in them, and sending one before its hour."""

from __future__ import annotations

import typer

from watcher import pipeline
from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.store import digests, subscriptions

app = typer.Typer(
    help="Digests: open and closed windows of every subscription.", no_args_is_help=True, add_completion=False
)


@app.command("list")
def list_digests(limit: int = 50, as_json: bool = Json) -> None:
    """The newest digests with their alerts and deliveries."""
    with opened() as rt, rt.database.read() as conn:
        rows = digests.listing(conn, limit=limit)
    columns = ("id", "subscription_id", "window", "closes_at", "closed_at", "alerts", "deliveries")
    show(rows, columns, as_json=as_json, empty="no digests yet: nothing has concerned a subscription")


@app.command()
def send(subscription: str) -> None:
    """Close the subscription's open windows now; the running service writes and sends them within seconds."""
    with opened() as rt:
        with rt.database.read() as conn:
            known = subscriptions.get(conn, subscription)
        if known is None:
            raise CannotHelp(f"no subscription is called {subscription!r}: see watcher.yml")
        closing = pipeline.send_digest_now(rt, subscription)
    typer.echo(f"{closing} digests close now" if closing else "nothing is waiting for this subscription")


@app.command()
def retry() -> None:
    """Write every parked digest again; the running service does it within seconds."""
    with opened() as rt, rt.database.write() as conn:
        woken = digests.wake_parked(conn)
    typer.echo(f"{woken} digests are due now" if woken else "no digest is parked")
