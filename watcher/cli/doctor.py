"""`watcher doctor`: what this machine and its surroundings lack, each with what to do; nothing is changed or sent."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from watcher import log, runtime, settings, wire
from watcher.cli.session import Json
from watcher.pipeline import doctor as checks
from watcher.pipeline.doctor import Finding, Verdict

_SIGNS = {Verdict.OK: "✓", Verdict.WARN: "!", Verdict.BAD: "✗", Verdict.SKIPPED: "–"}
_STATUS = {Verdict.OK: 0, Verdict.WARN: 3, Verdict.BAD: 1}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__ + " Status: 0 all well, 3 warnings, 1 something is bad.")(doctor)


def doctor(
    within: Annotated[float, typer.Option(min=0.5, max=120, help="Seconds that a check may take.")] = checks.WITHIN_S,
    as_json: bool = Json,
) -> None:
    chosen = settings.load()
    log.configure(level="ERROR", form=chosen.log_format, hide=settings.secrets(chosen))
    rt = runtime.open(chosen)
    try:
        found = checks.run(rt, within_s=within)
    finally:
        rt.close()
    if as_json:
        typer.echo(json.dumps([wire.dump(one) for one in found], ensure_ascii=False))
    else:
        _tell(found)
    raise typer.Exit(_STATUS[checks.worst(found)])


def _tell(found: list[Finding]) -> None:
    width = max(len(one.check) for one in found)
    for one in found:
        typer.echo(f"{_SIGNS[one.verdict]} {one.check:<{width}}  {one.told}")
        if one.advice:
            typer.echo(f"  {'':<{width}}  → {one.advice}")
