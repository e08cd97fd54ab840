"""`watcher digests …`: the windows, what is in them, how one would look, and sending one before its hour."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watcher import pipeline
from watcher.cli.session import Json, opened, show
from watcher.digest.render import render
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, ChannelKind, Language, SubscriptionConfig
from watcher.pipeline import compose, digest_preview
from watcher.runtime import Runtime
from watcher.store import channels, digests, subscriptions

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
def preview(
    subscription: Annotated[str | None, typer.Argument(help="Its id; may be left out when there is only one.")] = None,
    channel: Annotated[str | None, typer.Option(help="As this channel would send it, with its templates.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML of the mail to this file.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Print the text too when --html is given.")] = False,
    language: Annotated[Language | None, typer.Option(help="Instead of the subscription's.")] = None,
    days: Annotated[float | None, typer.Option(help="Of the last days instead of the open window.", min=0.01)] = None,
) -> None:
    """The digest that would close now, on real data; nothing is written or sent."""
    with opened() as rt:
        config = _subscription(rt, subscription)
        way = _channel(rt, channel) if channel else None
        view = digest_preview.preview_digest(rt, config, days=days, language=language)
        if way is not None and way.kind is not ChannelKind.EMAIL:
            typer.echo(digest_preview.preview_message(rt, view, way).body.decode())
            return
        rendered = compose.render(rt, view, way) if way else render(view)
    if html is not None:
        html.write_text(rendered.html, "utf-8")
        typer.echo(f"{html}: {len(rendered.html.encode()):,} bytes, {len(view.alerts)} events", err=True)
    if html is None or text:
        typer.echo(f"Subject: {rendered.subject}\n\n{rendered.text}", nl=False)


def _subscription(rt: Runtime, named: str | None) -> SubscriptionConfig:
    """The subscription of that id, or the only one. Raises CannotHelp with those that there are."""
    with rt.database.read() as conn:
        known = subscriptions.active(conn)
        hidden = subscriptions.get(conn, named) if named else None
    found = [one for one in known if named in (None, one.id)]
    if len(found) == 1 or hidden is not None:
        return hidden or found[0]
    names = ", ".join(one.id for one in known) or "none yet: watcher.yml has no subscriptions"
    raise CannotHelp(f"no subscription is called {named!r}: {names}" if named else f"name a subscription: {names}")


def _channel(rt: Runtime, named: str) -> ChannelConfig:
    with rt.database.read() as conn:
        found = channels.configs(conn, [named])
    if not found:
        raise CannotHelp(f"no channel is called {named!r}: see watcher.yml")
    return found[0]


@app.command()
def retry() -> None:
    """Write every parked digest again; the running service does it within seconds."""
    with opened() as rt, rt.database.write() as conn:
        woken = digests.wake_parked(conn)
    typer.echo(f"{woken} digests are due now" if woken else "no digest is parked")
