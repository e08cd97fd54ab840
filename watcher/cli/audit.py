"""`watcher audit list`: who logged in and who changed what, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from watcher.cli.session import Json, opened, show
from watcher.store import audit

app = typer.Typer(help="Audit log: who changed what, and when.", no_args_is_help=True, add_completion=False)


@app.callback()
def _audit() -> None:
    pass


@app.command("list")
def list_lines(
    who: Annotated[str, typer.Option(help="Only of this name.")] = "",
    action: Annotated[str, typer.Option(help="Only this action (feeds.pause), or all of a noun (feeds).")] = "",
    before: Annotated[int | None, typer.Option(help="Only lines older than the one of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    as_json: bool = Json,
) -> None:
    """Logins and changes, newest first; kept for a year."""
    with opened() as rt, rt.database.read() as conn:
        found = audit.newest(conn, limit=limit, before=before, who=who, action=action)
    show(found, ("id", "at", "who", "action", "target", "detail", "client"), as_json=as_json, empty="nothing yet")
