"""`watcher worker`: one worker of the line; start as many as you like, on as many machines."""

from __future__ import annotations

from typing import Annotated

import typer

from watcher.cli.process import become


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(worker)


def worker(
    queues: Annotated[str | None, typer.Option(help="Queues by comma, as feeds,items; all when absent.")] = None,
    processes: Annotated[int | None, typer.Option(help="Processes; WATCHER_WORKER_PROCESSES when absent.")] = None,
) -> None:
    options = ["--queues", queues] if queues else []
    options += ["--processes", str(processes)] if processes else []
    become("workers", "worker", *options)
