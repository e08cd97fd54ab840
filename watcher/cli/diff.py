"""`watcher rules diff`: what differs between two rule folders, and what that does to the news of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher.cli.changes import Limits, MaxLost, MaxNew, Tally, told_change
from watcher.cli.newslines import sound_lines
from watcher.cli.ruleset import FOUND, AsJson, Params, ending_well, params_of
from watcher.match.compare import Comparison
from watcher.match.diff import RuleChange
from watcher.match.language import load_rules


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("diff")(diff)


def diff(
    old: Annotated[Path, typer.Argument(help="The rules folder as it was.")],
    new: Annotated[Path, typer.Argument(help="The rules folder as it would be.")],
    source: Annotated[str | None, typer.Option("--input", help="JSON lines on which both are run; - is stdin.")] = None,
    param: Params = None,
    max_new: MaxNew = None,
    max_lost: MaxLost = None,
    as_json: AsJson = False,
) -> None:
    """Which rules differ and how; with --input, which items they match otherwise, and the clause that decided.

    Status 3 when something differs; with --max-new or --max-lost, when more than that many matches do.
    """
    with ending_well():
        comparison = Comparison(load_rules(old), load_rules(new), params_of(param))
        tally = Tally(limit=None if as_json else 20)
        for line in sound_lines(source) if source is not None else ():
            for outcome in comparison.outcomes(line.news):
                tally.add(line.id, line.news.title or line.news.text, outcome)
            tally.items += 1
    if as_json:
        row = {"rules": [_row(one) for one in comparison.changes], "unchanged": list(comparison.unchanged)}
        typer.echo(json.dumps(row | (tally.row() if source is not None else {}), ensure_ascii=False))
    else:
        for change in comparison.changes:
            told_change(change)
        if source is not None:
            tally.print()
        elif not comparison.changes:
            typer.echo("no rule differs", err=True)
    limits = Limits(max_new, max_lost)
    differs = bool(comparison.changes) if source is None and not limits.given else tally.exceeds(limits)
    raise typer.Exit(FOUND if differs else 0)


def _row(change: RuleChange) -> dict[str, Any]:
    return {"rule": change.rule_id, "change": change.kind, "what": list(change.what)}
