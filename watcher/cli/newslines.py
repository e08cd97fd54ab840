"""News as JSON lines: what `watcher rules` and `watcher annotate` take with `--input`."""

from __future__ import annotations

import calendar
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import typer

from watcher.errors import CannotHelp
from watcher.model import NewsText


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: the news, and the whole object for keys that a command knows."""

    id: str
    news: NewsText
    raw: dict[str, Any]


class BadLine(CannotHelp):
    """A line that is no news; says which and why."""


def read_lines(source: str) -> Iterator[Line | BadLine]:
    """The news of a file, or of standard input for `-`, one by one; a bad line is given as its error.

    Keys: id, title, text, language (or lang), published (or date), feed, tags; others are ignored. Says on standard
    error that there was no line at all. Raises CannotHelp when the file cannot be read.
    """
    try:
        opened = nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb")  # noqa: SIM115 - closed by the with below
    except OSError as error:
        raise CannotHelp(f"{source}: {error.strerror}") from error
    name, empty = "standard input" if source == "-" else source, True
    with opened as stream:
        for number, raw in enumerate(stream, 1):
            if raw.strip():
                empty = False
                yield _line(f"{name}:{number}", number, raw)
    if empty:
        typer.echo(f"{name}: no items in it", err=True)


class GoodLines:
    """The news of a source; a bad line is told on standard error and left out, and `failed` remembers it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.failed = False

    def __iter__(self) -> Iterator[Line]:
        for line in read_lines(self._source):
            if isinstance(line, BadLine):
                typer.echo(str(line), err=True)
                self.failed = True
            else:
                yield line


def sound_lines(source: str) -> Iterator[Line]:
    """The news of a source; raises BadLine at the first bad line."""
    for line in read_lines(source):
        if isinstance(line, BadLine):
            raise line
        yield line


def _line(where: str, number: int, raw: bytes) -> Line | BadLine:
    try:
        data = json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        return BadLine(f"{where}: no JSON ({error}): write one object a line")
    if not isinstance(data, dict):
        return BadLine(f'{where}: a JSON object is needed: {{"id": …, "text": …}}')
    if not isinstance(data.get("title"), str) and not isinstance(data.get("text"), str):
        return BadLine(f"{where}: neither 'title' nor 'text' is a string")
    return Line(id=str(data.get("id", number)), news=news_of(data), raw=data)


def news_of(data: dict[str, Any]) -> NewsText:
    """The news that a JSON object holds; what is missing or of a wrong type counts as absent."""
    tags = data.get("tags")
    return NewsText(
        title=_string(data.get("title")) or "",
        text=_string(data.get("text")) or "",
        language=_string(data.get("language")) or _string(data.get("lang")),
        dated=_day(data.get("published")) or _day(data.get("date")),
        feed=_string(data.get("feed")),
        tags=tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _day(value: Any) -> date | None:
    """A date or an instant in ISO form. Of a month or a year alone it is the last day: nothing in it is later news."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if len(text) == 4:
            return date(int(text), 12, 31)
        if len(text) == 7:
            year, month = int(text[:4]), int(text[5:])
            return date(year, month, calendar.monthrange(year, month)[1])
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None
