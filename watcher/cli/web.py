"""`watcher web`: the page of events and deliveries, with /healthz, /readyz and /metrics."""

from __future__ import annotations

from typing import Annotated

import typer

from watcher.cli.process import become


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(web)


def web(
    host: Annotated[str | None, typer.Option(help="Address; WATCHER_WEB_HOST when absent.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; WATCHER_WEB_PORT when absent.")] = None,
) -> None:
    options = ["--host", host] if host else []
    options += ["--port", str(port)] if port is not None else []
    become("watcher.web", *options)
