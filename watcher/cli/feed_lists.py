"""`watcher feeds import` and `export`: lists of feeds as OPML, taken and given."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.feed_add import AlertHistoryOption, TagOption
from watcher.cli.session import opened
from watcher.errors import CannotHelp, RefusedAddress
from watcher.model import AlertHistory, FeedConfig, Origin
from watcher.net.address import check_url
from watcher.parse.language import primary
from watcher.parse.opml import MAX_BYTES, MAX_FEEDS, FeedList, NotOpml, Outline, read_opml, write_opml
from watcher.runtime import Runtime
from watcher.store import feed_details, feeds
from watcher.wording import counted, one_line

_FOUND = 3
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A feed that was not taken, and where it stands."""

    line: int
    url: str
    reason: str


@dataclass(slots=True, kw_only=True)
class _Report:
    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    repeated: list[_Told] = field(default_factory=list)
    refused: list[_Told] = field(default_factory=list)


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
        report = _take(rt, found, alert_history, tuple(tag or ()), dry_run=dry_run)
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


def _take(
    rt: Runtime, found: FeedList, alert_history: AlertHistory, tags: tuple[str, ...], *, dry_run: bool
) -> _Report:
    report = _Report()
    with rt.database.read() as conn:
        known = feed_details.live_urls(conn)
    wanted: dict[str, FeedConfig] = {}
    met: set[str] = set()
    for outline in found.outlines:
        try:
            url = check_url(outline.url, allow_private=rt.settings.allow_private).url
        except RefusedAddress as reason:
            report.refused.append(_Told(line=outline.line, url=_cut(outline.url), reason=str(reason)))
            continue
        if url in met:
            report.repeated.append(_Told(line=outline.line, url=url, reason="listed before"))
            continue
        met.add(url)
        if known & {url, outline.url}:
            report.known.append(url)
        else:
            wanted[url] = _config(url, outline, alert_history, tags)
    report.added = list(wanted) if dry_run else _add(rt, list(wanted.values()))
    report.known += list(wanted.keys() - set(report.added))
    return report


def _config(url: str, outline: Outline, alert_history: AlertHistory, tags: tuple[str, ...]) -> FeedConfig:
    return FeedConfig(
        url=url,
        title=outline.title,
        language=primary(outline.language) if outline.language else None,
        tags=tuple(dict.fromkeys((*outline.tags, *tags))),
        alert_history=alert_history,
    )


def _add(rt: Runtime, configs: list[FeedConfig]) -> list[str]:
    """The URLs that were added; a feed that lives on in another one is known already."""
    added: list[str] = []
    # in pieces, so that a running service is not kept from its own writes
    for start in range(0, len(configs), _BATCH):
        with rt.database.write() as conn:
            added += feeds.add_all(conn, configs[start : start + _BATCH], origin=Origin.CLI, now=rt.clock())
    return added


def _cut(url: str) -> str:
    return one_line(url, 300)


def _row(report: _Report, found: FeedList) -> dict[str, object]:
    def told(those: list[_Told]) -> list[dict[str, object]]:
        return [{"line": one.line, "url": one.url, "reason": one.reason} for one in those]

    return {
        "title": found.title,
        "added": report.added,
        "known": report.known,
        "repeated": told(report.repeated),
        "refused": told(report.refused),
        "over": found.over,
        "lists": [{"line": line, "url": _cut(url)} for url, line in found.linked],
    }


def _tell(report: _Report, found: FeedList, *, dry_run: bool) -> None:
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
        with rt.database.read() as conn:
            rows = feed_details.exported(conn)
        outlines = [
            Outline(url=row["url"], title=row["title"], language=row["language"], tags=tuple(row["tags"]))
            for row in rows
        ]
        document = write_opml(outlines, title="Feeds of biotech-watcher", now=rt.clock())
    if path is None or str(path) == "-":
        sys.stdout.buffer.write(document)
    else:
        _write(path, document)
        typer.echo(f"{path}: {counted(len(rows), 'feed')}")
    for row in rows:
        if row["headers"]:
            typer.echo(f"{row['url']} needs {', '.join(row['headers'])}, which is not written", err=True)


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
