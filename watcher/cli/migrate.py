"""`watcher migrate`: bring the database to the newest schema. Run once before the processes of a new version."""

from __future__ import annotations

import typer

from watcher import log, runtime, settings
from watcher.store.database import Database


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(migrate)


def migrate() -> None:
    chosen = settings.load()
    log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
    database = Database(runtime.database_url(chosen))
    try:
        database.migrate()
        typer.echo(f"{database.where}: at the newest schema")
    finally:
        database.close()
