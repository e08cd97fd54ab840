"""`watcher backup FILE`: all rows as they are at one moment, while the service runs; SQLite and PostgreSQL alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from watcher import wire
from watcher.cli.session import Json, opened
from watcher.pipeline import backup as backups
from watcher.store.copies import Manifest

Check = typer.Option(False, "--check", help="Read a backup that is there, and say what it holds.")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=__doc__)(backup)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, as backup-2026-11-23.jsonl.gz.")],
    check: bool = Check,
    as_json: bool = Json,
) -> None:
    if check:
        tell(backups.check(file), f"{file} is whole", as_json=as_json)
        return
    with opened() as rt:
        manifest = backups.back_up(rt, file)
    tell(manifest, f"{file} ({file.stat().st_size:,} bytes)", as_json=as_json)
    typer.echo(
        "It holds readers' addresses and the key that signs our links: keep it as secret as the database. "
        "watcher.yml, the rules and the secrets that they name are not in it.",
        err=True,
    )


def tell(manifest: Manifest, what: str, *, as_json: bool) -> None:
    """What a backup says of itself, as a sentence or as one line of JSON."""
    if as_json:
        typer.echo(json.dumps(wire.dump(manifest), ensure_ascii=False))
        return
    most = sorted(manifest.rows.items(), key=lambda one: -one[1])[:4]
    named = ", ".join(f"{count:,} {name}" for name, count in most if count)
    rows = f"{manifest.total:,} rows{f' ({named} …)' if named else ''}"
    typer.echo(f"{what}: {rows} of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, schema {manifest.schema}")
