"""`watcher restore FILE`: make the database what a backup holds; what may have been told since is held for `resume`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from watcher import log, runtime, settings
from watcher.cli.backup import tell
from watcher.cli.session import Json
from watcher.pipeline import backup as backups
from watcher.pipeline import restore_guard
from watcher.store import holds

Replace = typer.Option(False, "--replace", help="Put the backup in the place of the rows that are there.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(restore)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `watcher backup` wrote, on SQLite or PostgreSQL.")],
    replace: bool = Replace,
    as_json: bool = Json,
) -> None:
    chosen = settings.load()
    log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
    rt = runtime.open(chosen)
    try:
        manifest = backups.restore(rt, file, replace=replace)
        with rt.database.read() as conn:
            held = restore_guard.banner(holds.guard(conn), holds.counts(conn))
    finally:
        rt.close()
    tell(manifest, f"{rt.database.where} is what {file} holds", as_json=as_json)
    typer.echo(held, err=True)
    typer.echo(
        "Who unsubscribed, confirmed, muted or revoked a token after the backup has to do it again. "
        "Everybody has to log in again.",
        err=True,
    )
