"""What commands that read or commit rows share: the opened runtime, and rows shown as a table or as JSON lines."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watcher import log, runtime, settings
from watcher.errors import CannotHelp, WatcherError
from watcher.runtime import Runtime

_UNBROKEN = 100_000
"""Columns of an output that no terminal shows."""
Json = typer.Option(False, "--json", help="JSON lines for machines.")


@contextmanager
def opened() -> Iterator[Runtime]:
    """The runtime of this environment, its schema up to date; an error ends the command with status 1 and its text."""
    try:
        chosen = settings.load()
        log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
        rt = runtime.open(chosen)
        try:
            if rt.settings.database_url is None:
                rt.database.migrate()
            elif not rt.database.current():
                raise CannotHelp(f"{rt.database.where} is not at the newest schema: run `watcher migrate`")
            yield rt
        finally:
            rt.close()
    except WatcherError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def output() -> Console:
    """Standard output: lines break at a terminal's width, and not at all in a pipe or a file unless COLUMNS is set."""
    return Console(file=sys.stdout, highlight=False, width=shutil.get_terminal_size((_UNBROKEN, 0)).columns)


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print the rows: every key as JSON lines, or the named columns as a table; `empty` when there are none."""
    found = list(rows)
    if as_json:
        for row in found:
            typer.echo(json.dumps(row, ensure_ascii=False, default=_jsonable))
        return
    if not found:
        typer.echo(empty, err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in found:
        table.add_row(*(Text(_shown(row[name])) for name in columns))
    output().print(table)


def _jsonable(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return str(value)
