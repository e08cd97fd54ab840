"""`watcher deliveries …`: what was sent where, what waits and why, and another try for what was parked."""

from __future__ import annotations

import email
import email.policy
import json
from email.message import EmailMessage
from typing import Annotated, Any

import typer

from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.model import DeliveryState
from watcher.store import deliveries

app = typer.Typer(help="Deliveries: messages, attempts, outcomes.", no_args_is_help=True, add_completion=False)

_COLUMNS = ("id", "channel_id", "subscription_id", "window", "state", "attempt", "reason", "next_attempt_at")
_HEAD = (
    ("key", "key"),
    ("channel", "channel_id"),
    ("subscription", "subscription_id"),
    ("window", "window"),
    ("state", "state"),
    ("reason", "reason"),
    ("message id", "message_id"),
    ("created", "created_at"),
    ("next attempt", "next_attempt_at"),
    ("tried until", "expires_at"),
    ("finished", "finished_at"),
)
Channel = Annotated[str | None, typer.Option(help="Only this channel.")]


@app.command("list")
def list_deliveries(
    state: Annotated[list[DeliveryState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    channel: Channel = None,
    subscription: Annotated[str | None, typer.Option(help="Only this subscription.")] = None,
    limit: int = 50,
    as_json: bool = Json,
) -> None:
    """The newest messages, newest first."""
    states = [one.value for one in state or ()]
    with opened() as rt, rt.database.read() as conn:
        rows = deliveries.listing(conn, limit=limit, states=states, channel=channel, subscription=subscription)
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
    for name, key in _HEAD:
        if row[key] is not None:
            value = row[key]
            typer.echo(f"{name:>12}  {f'{value:%Y-%m-%d %H:%M:%S}' if hasattr(value, 'year') else value}")
    typer.echo()
    shown = ("number", "started_at", "finished_at", "outcome", "reason", "detail")
    show(row["attempts"], shown, as_json=False, empty="not tried yet")
    typer.echo(f"\n{readable(row['content_type'], row['body'])}")


def readable(content_type: str, body: str) -> str:
    """The message as people read it: a mail's headers and decoded parts, JSON with one value a line, else as it is."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "message/rfc822":
        return _mail(body)
    if kind.endswith("json"):
        try:
            return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        except ValueError:
            return body
    return body


def _mail(body: str) -> str:
    mail: Any = email.message_from_string(body, EmailMessage, policy=email.policy.default)
    lines = [f"{name}: {value}" for name, value in mail.items()]
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            lines += ["", f"── {part.get_content_type()} ──", str(part.get_content()).strip()]
    return "\n".join(lines)


@app.command()
def retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of parked messages.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every parked message.")] = False,
    channel: Channel = None,
) -> None:
    """Send parked messages again: the same bytes under the same id. The running service does it within seconds."""
    if bool(ids) == every or (ids and channel):
        typer.echo("name the ids, or say --all, with --channel for those of one channel", err=True)
        raise typer.Exit(2)
    with opened() as rt, rt.database.write() as conn:
        woken = deliveries.retry(conn, None if every else ids, now=rt.clock(), channel=channel)
        if not woken and not every:
            raise CannotHelp("none of these is parked: see `watcher deliveries list --state parked`")
    typer.echo(f"{woken} messages are due now")
