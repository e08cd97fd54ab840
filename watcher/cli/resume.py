"""`watcher resume`: after a restore, let go what may have been told before it, or drop it; `--list` shows it first."""

from __future__ import annotations

import json

import typer

from watcher.cli.session import Json, opened, show
from watcher.errors import CannotHelp
from watcher.pipeline import backup, restore_guard
from watcher.store import holds

List = typer.Option(False, "--list", help="Only show what would go out.")
Drop = typer.Option(False, "--drop", help="Tell nobody of it; what changes in these events is told again.")
Limit = typer.Option(200, "--limit", min=1, max=100_000, help="Rows to list.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(resume)


def resume(list_only: bool = List, drop: bool = Drop, limit: int = Limit, as_json: bool = Json) -> None:
    with opened() as rt:
        if list_only:
            with rt.database.read() as conn:
                guard, found, counts = holds.guard(conn), holds.listing(conn, limit=limit), holds.counts(conn)
            columns = ("kind", "id", "since", "what", "where")
            show(found, columns, as_json=as_json, empty="nothing is held")
            if told := restore_guard.banner(guard, counts):
                typer.echo(told, err=True)
            return
        try:
            done = backup.resume(rt, drop=drop)
        except CannotHelp as nothing:
            typer.echo(str(nothing), err=True)
            raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(done))
        return
    told = ", ".join(f"{count} {kind}" for kind, count in done.items() if count and kind != "feeds") or "nothing"
    typer.echo(f"{'dropped' if drop else 'let go'}: {told}")
