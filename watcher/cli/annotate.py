"""`watcher annotate`: shows what the annotators find, one JSON line an item."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from watcher.annotate import annotate as find
from watcher.cli.newslines import GoodLines, Line
from watcher.cli.ruleset import FAILED, ending_well
from watcher.model import Annotations, TextField


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("annotate")(annotate)


def annotate(
    source: Annotated[str, typer.Option("--input", help="JSON lines {id, title?, text}; - is stdin.")] = "-",
    field: Annotated[TextField, typer.Option(help="The field whose annotations are shown.")] = TextField.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines; the only form there is.")] = True,  # noqa: ARG001
) -> None:
    """Show money, places, parties, assets, dates and sentences of every item; spans count code points of its text."""
    lines = GoodLines(source)
    with ending_well():
        for line in lines:
            typer.echo(json.dumps(shown(line, field), ensure_ascii=False))
    raise typer.Exit(FAILED if lines.failed else 0)


def shown(line: Line, field: TextField) -> dict[str, Any]:
    """The JSON form of one item's annotations in one field."""
    text = line.news.title if field is TextField.TITLE else line.news.text
    return {"id": line.id, **_annotations(find(line.news), field, text)}


def _annotations(found: Annotations, field: TextField, text: str) -> dict[str, Any]:
    def rows(values: Any, *names: str) -> list[dict[str, Any]]:
        return [
            {"start": one.start, "end": one.end, "text": text[one.start : one.end]}
            | {name: _plain(getattr(one, name)) for name in names}
            for one in values
            if one.field is field
        ]

    money = rows(found.money, "value", "high", "currency", "bound", "role")
    for row, one in zip(money, [one for one in found.money if one.field is field], strict=True):
        row["usd"] = round(one.converted.usd, 2) if one.converted else None
        row["rate_date"] = one.converted.rate_date.isoformat() if one.converted else None
    return {
        "money": money,
        "places": rows(found.places, "name", "kind", "country", "key", "within"),
        "parties": rows(found.parties, "name", "kind", "country"),
        "assets": rows(found.assets, "name", "kind"),
        "dates": rows(found.dates, "day", "precision"),
        "sentences": rows(found.sentences, "stance", "cue"),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
