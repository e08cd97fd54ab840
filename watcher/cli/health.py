"""`watcher health`: what `/readyz` asks, with every reason; for people on the machine and for health checks."""

from __future__ import annotations

import json

import typer

from watcher.cli.session import Json, opened
from watcher.pipeline import checks


def register(app: typer.Typer) -> None:
    app.command()(health)


def health(as_json: bool = Json) -> None:
    """Whether the service can do its work, check by check; ends with 1 when it cannot."""
    with opened() as rt:
        reasons = checks.run(rt)
    if as_json:
        typer.echo(json.dumps({"ready": not any(reasons.values()), "checks": reasons}))
    else:
        for name, reason in reasons.items():
            typer.echo(f"{'✗' if reason else '✓'} {name:<9} {reason or 'ok'}")
    raise typer.Exit(1 if any(reasons.values()) else 0)
