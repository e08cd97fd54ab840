"""`watcher stories`: groups items into stories."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from watcher import wording
from watcher.cli.newslines import GoodLines, Line
from watcher.cli.ruleset import FAILED, ending_well
from watcher.story.fingerprint import Telling

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Stories: which items tell the same.",
)

Source = Annotated[str, typer.Option("--input", help="JSON lines {id, title?, text?, language?, published?, link?}.")]


@app.callback()
def _stories() -> None:
    pass


@app.command()
def group(
    source: Source = "-",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line {id, story} an item.")] = False,
) -> None:
    """Group items into stories; a story is named after one of its items. Titles alone will do."""
    from watcher.story.group import group as grouped

    good = GoodLines(source)
    with ending_well():
        lines = list(good)
    # ids may repeat in what people feed in: each line is an item of its own
    names = {str(number): line.id for number, line in enumerate(lines)}
    story_of = grouped(_telling(str(number), line) for number, line in enumerate(lines))
    if as_json:
        for number, line in enumerate(lines):
            typer.echo(json.dumps({"id": line.id, "story": names[story_of[str(number)]]}, ensure_ascii=False))
    else:
        _show(lines, story_of)
    raise typer.Exit(FAILED if good.failed else 0)


def _telling(name: str, line: Line) -> Telling:
    link = line.raw.get("link")
    return Telling(
        id=name,
        title=line.news.title,
        text=line.news.text,
        language=line.news.language,
        dated=line.news.dated,
        link=link if isinstance(link, str) else None,
    )


def _show(lines: list[Line], story_of: dict[str, str]) -> None:
    told: dict[str, list[Line]] = {}
    for number, line in enumerate(lines):
        told.setdefault(story_of[str(number)], []).append(line)
    for members in sorted(told.values(), key=len, reverse=True):
        typer.echo(wording.counted(len(members), "item"))
        for line in members:
            typer.echo(f"  {line.id}  {(line.news.title or line.news.text)[:100]}")
    typer.echo(f"{wording.counted(len(lines), 'item')} tell {wording.counted(len(told), 'story', 'stories')}", err=True)
