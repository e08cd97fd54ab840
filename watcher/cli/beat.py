"""`watcher beat`: the process that pokes the workers every few seconds. One is enough, two do no harm."""

from __future__ import annotations

import typer

from watcher.cli.process import become


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(beat)


def beat() -> None:
    become("workers", "beat")
