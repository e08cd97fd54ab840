"""`watcher tokens …`: keys with which programs use the API and read the metrics."""

from __future__ import annotations

from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.pipeline import tokens
from watcher.pipeline.tokens import Scope
from watcher.store import tokens as rows

app = typer.Typer(help="Tokens: keys of the API and of /metrics.", no_args_is_help=True, add_completion=False)
WHO = "command line"


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What will use it: the audit log names it.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat it for more.")],
    days: Annotated[int | None, typer.Option(help="How long it holds; without an end when absent.")] = None,
) -> None:
    """Make a token and print it: it is shown this once, and only a digest of it is kept."""
    with opened() as rt:
        token = tokens.make(rt, name, [one.value for one in scope], days=days, who=WHO)
    typer.echo(token)
    typer.echo("Keep it now: it cannot be shown again. Send it as Authorization: Bearer …", err=True)


@app.command("list")
def list_tokens(as_json: bool = Json) -> None:
    """Every token, the newest first: what it may do, until when, and when it was used last."""
    with opened() as rt, rt.database.read() as conn:
        found = rows.listing(conn)
    columns = ("name", "scopes", "created_at", "ends_at", "used_at", "revoked_at")
    show(found, columns, as_json=as_json, empty="no tokens: `watcher tokens add NAME --scope read` makes one")


@app.command()
def revoke(name: str) -> None:
    """End a token at once."""
    with opened() as rt:
        tokens.revoke(rt, name, who=WHO)
    typer.echo(f"{name} is revoked")
