"""What the `watcher rules` commands share: their options, the compiled rules, matches and facts as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher import settings
from watcher.errors import WatcherError
from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.language import load_rules
from watcher.model import Fact, Match, Span
from watcher.runtime import rules_folder

FAILED, MISUSED, FOUND = 1, 2, 3
Folder = Annotated[Path | None, typer.Option("--rules", help="The rules folder; else the configured one.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
Source = Annotated[str, typer.Option("--input", help="JSON lines {id, title?, text, …}; - is standard input.")]
Params = Annotated[list[str] | None, typer.Option("--param", help="RULE.NAME=VALUE, as funding.at_least=10MUSD.")]


def folder_of(given: Path | None) -> Path:
    """The rules folder that was named, else the configured one."""
    return given or rules_folder(settings.load())


@contextmanager
def ending_well() -> Iterator[None]:
    """An error that the program raises on purpose ends the command with its text and status 1."""
    try:
        yield
    except WatcherError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from error


def params_of(given: list[str] | None) -> dict[str, str]:
    """The values of `--param` by name; what is no assignment is misuse."""
    found = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or "." not in name:
            raise typer.BadParameter(
                f"{text!r}: write RULE.NAME=VALUE, as funding.at_least=10MUSD", param_hint="--param"
            )
        found[name.strip()] = value.strip()
    return found


def engine_of(rules: Path | None, param: list[str] | None) -> Engine:
    """The compiled rules of a folder."""
    params = params_of(param)
    return compile_rules(load_rules(folder_of(rules)), params)


def two_digits(share: float | None) -> str:
    """A share as a table shows it; a dash where nothing was said."""
    return "–" if share is None else f"{share:.2f}"


def match_row(match: Match) -> dict[str, Any]:
    """The JSON form of a match."""
    return {
        "rule": match.rule_id,
        "title": match.rule_title,
        "level": match.level,
        "status": match.status,
        "facts": {name: fact_row(fact) for name, fact in match.facts.items()},
        "evidence": [{"clause": one.clause, **_span_row(one.span), "text": one.text} for one in match.evidence],
    }


def fact_row(fact: Fact) -> dict[str, Any]:
    """The JSON form of a fact; the span is null where a fact was set by default."""
    row: dict[str, Any] = {"value": list(fact.value) if isinstance(fact.value, tuple) else fact.value}
    row |= _span_row(fact.span)
    row |= {"kind": fact.kind, "text": fact.text}
    if fact.currency or fact.usd is not None:
        row |= {"currency": fact.currency, "high": fact.high, "bound": fact.bound, "usd": fact.usd}
        row["rate_date"] = fact.rate_date.isoformat() if fact.rate_date else None
    if fact.more:
        row["more"] = [_span_row(span) for span in fact.more]
    return row


def _span_row(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"field": None, "start": None, "end": None}
    return {"field": span.field, "start": span.start, "end": span.end}
