"""`watcher feeds import` and `export`: lists of feeds as OPML, taken and given."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.feed_add import AlertHistoryOption, TagOption
from watcher.cli.session import opened
from watcher.errors import CannotHelp
from watcher.model import AlertHistory, Origin
from watcher.parse.opml import MAX_BYTES, MAX_FEEDS, FeedList, NotOpml, read_opml
from watcher.pipeline import feed_lists
from watcher.pipeline.feed_lists import NotTaken, Taken
from watcher.wording import counted, one_line

_FOUND = 3


def register(app: typer.Typer) -> None:
    """Add the commands to `watcher feeds`."""
    app.command("import")(import_feeds)
    app.command("export")(export_feeds)


def import_feeds(
    source: Annotated[str, typer.Argument(metavar="FILE", help="An OPML file; - reads standard input.")],
    alert_history: AlertHistoryOption = AlertHistory.NONE,
    tag: TagOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
) -> None:
    """Add the feeds of an OPML file, as other readers export it; its folders become tags.

    Feeds that are known already stay as they are. What is refused is told with its line, and the rest is taken:
    status 3 then. Nothing is contacted, and a reload of watcher.yml leaves these feeds alone.
    """
    found = _read(source)
    with opened() as rt:
        report = feed_lists.take(
            rt, found, origin=Origin.CLI, alert_history=alert_history, tags=tag or (), dry_run=dry_run
        )
    if as_json:
        typer.echo(json.dumps(_row(report, found), ensure_ascii=False))
    else:
        _tell(report, found, dry_run=dry_run)
    if report.refused or found.over:
        raise typer.Exit(_FOUND)


def _read(source: str) -> FeedList:
    if source == "-":
        body = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(source).open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    try:
        return read_opml(body)
    except NotOpml as reason:
        typer.echo(f"{'standard input' if source == '-' else source}: {reason}", err=True)
        raise typer.Exit(1) from reason


def _cut(url: str) -> str:
    return one_line(url, 300)


def _row(report: Taken, found: FeedList) -> dict[str, object]:
    def told(those: Sequence[NotTaken]) -> list[dict[str, object]]:
        return [{"line": one.line, "url": one.url, "reason": one.reason} for one in those]

    return {
        "title": found.title,
        "added": list(report.added),
        "known": list(report.known),
        "repeated": told(report.repeated),
        "refused": told(report.refused),
        "over": found.over,
        "lists": [{"line": line, "url": _cut(url)} for url, line in found.linked],
    }


def _tell(report: Taken, found: FeedList, *, dry_run: bool) -> None:
    for one in report.refused:
        typer.echo(f"line {one.line}: {one.url}: {one.reason}", err=True)
    for one in report.repeated:
        typer.echo(f"line {one.line}: {one.url} is listed before", err=True)
    for url, line in found.linked:
        typer.echo(f"line {line}: the list {_cut(url)} is not fetched; download it and import it too", err=True)
    if found.over:
        typer.echo(f"{found.over} feeds over {MAX_FEEDS} were left out; import them from a file of their own", err=True)
    counts = [f"{len(report.added)} {'would be added' if dry_run else 'added'}", f"{len(report.known)} known already"]
    counts += [f"{len(report.repeated)} repeated"] * bool(report.repeated)
    counts += [f"{len(report.refused)} refused"] * bool(report.refused)
    typer.echo(", ".join(counts))


def export_feeds(
    path: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output when absent.")] = None,
    opml: Annotated[bool, typer.Option("--opml", help="As OPML 2.0; the only format there is.")] = True,  # noqa: ARG001
) -> None:
    """Every feed as OPML, for another reader or another watcher; tags become folders and categories.

    Secrets are never written: a feed that needs headers is named, and needs them again where it is imported.
    """
    with opened() as rt:
        given = feed_lists.give(rt)
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(given.document)
    else:
        _write(path, given.document)
        typer.echo(f"{path}: {counted(given.feeds, 'feed')}")
    for url, names in given.secret:
        typer.echo(f"{url} needs {', '.join(names)}, which is not written", err=True)


def _write(path: Path, document: bytes) -> None:
    """Whole or not at all: what stood there stays until all of it is written."""
    if not path.parent.is_dir():
        raise CannotHelp(f"{path.parent}: there is no such folder")
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(part).unlink()
        raise
