"""`watcher bounces …`: take in mails that came back, show which addresses are sent nothing any more, forgive one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.deliver.bounce import BYTES
from watcher.errors import CannotHelp
from watcher.pipeline import bounces
from watcher.store import suppressions

app = typer.Typer(help="Bounces: mail that came back.", no_args_is_help=True, add_completion=False)

_LATER = 75
"""EX_TEMPFAIL: by it a mail server knows to keep the mail and to try again."""


@app.command()
def ingest(
    file: Annotated[str, typer.Argument(help="One mail as a file; - is standard input.")] = "-",
    recipient: Annotated[list[str] | None, typer.Option(help="The envelope recipient, if its headers lack it.")] = None,
) -> None:
    """Take in one mail from the pipe of a mail server: a bounce, a complaint or an unsubscribing mail.

    Status 0 for whatever the mail is, so that it is never bounced back; 75 when we could not look at it yet.
    """
    raw = sys.stdin.buffer.read(BYTES) if file == "-" else Path(file).read_bytes()[:BYTES]
    try:
        with opened() as rt:
            taken = bounces.ingest(rt, raw, recipient or ())
    except typer.Exit as failed:
        raise typer.Exit(_LATER) from failed
    if file == "-":
        # The rest is drained, since a mail server takes a broken pipe for a failure.
        while sys.stdin.buffer.read(1 << 16):
            pass
    about = f" from channel {taken.channel_id}" if taken.channel_id else ""
    stopped = ", nothing more is sent there" if taken.suppressed else ""
    typer.echo(f"{taken.report.said} ({taken.report.reason}){about}{stopped}")


@app.command("list")
def list_bounces(limit: int = 100, as_json: bool = Json) -> None:
    """Addresses that bounced or complained, the newest first; those with a time in the last column get nothing."""
    with opened() as rt, rt.database.read() as conn:
        rows = suppressions.listing(conn, limit=limit)
    show(rows, ("address", "bounces", "reason", "since", "suppressed_at"), as_json=as_json, empty="no bounces")


@app.command()
def forgive(address: str) -> None:
    """Send to an address again, and forget its bounces."""
    with opened() as rt, rt.database.write() as conn:
        if not suppressions.forgive(conn, address):
            raise CannotHelp("nothing is held against this address: see `watcher bounces list`")
    typer.echo("it is sent to again")
