"""Backups: all rows into one compressed file while the service runs, and back into a database while it does not.

What a restored service may tell is decided in `watcher.pipeline.restore_guard` and kept by `watcher.store.holds`.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from watcher.errors import CannotHelp
from watcher.pipeline import restore_guard
from watcher.runtime import Runtime
from watcher.store import Connection, audit, copies, holds, overview
from watcher.store.copies import Manifest

_LEVEL = 6
_LINE_BYTES = 128 * 1024 * 1024
"""More than any row: the largest holds a fetched document, at most some MB, each byte written as six at worst."""
_RUNS_S = 30.0
"""A service whose last sweep is no older runs, or did until a moment ago."""


def back_up(rt: Runtime, path: Path) -> Manifest:
    """Write a copy of all rows as they are at one moment; the file appears whole, for its owner alone, or not at all.

    Raises FileExistsError for a file that is there, CannotHelp when the database is not at the newest schema.
    """
    if path.exists():
        raise FileExistsError(17, "is there already: a backup never replaces one", str(path))
    if not rt.database.current():
        raise CannotHelp(f"{rt.database.where} is not at the newest schema: run `watcher migrate`")
    rt.signing_key()  # made now if it never was, so that links of today hold after a restore
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or Path())  # mode 0600
    try:
        with os.fdopen(number, "wb") as file:
            _write(rt, file)
            file.flush()
            os.fsync(file.fileno())
        manifest = check(Path(name))
        Path(name).rename(path)
        _keep_entry(path.parent)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
    return manifest


def _write(rt: Runtime, file: IO[bytes]) -> None:
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL) as packed,
        rt.database.snapshot() as conn,
    ):
        for line in copies.lines(conn, program=_program(), taken_at=rt.clock()):
            packed.write(line)


def _keep_entry(folder: Path) -> None:
    """So that the name, too, outlives a loss of power."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _program() -> str:
    try:
        return version("biotech-watcher")
    except PackageNotFoundError:
        return "unknown"


def check(path: Path) -> Manifest:
    """What the backup says of itself, after reading it whole. Raises CannotHelp when it is damaged."""
    with _unpacked(path) as source:
        return copies.check(source)


@contextmanager
def _unpacked(path: Path) -> Iterator[Iterator[bytes]]:
    try:
        with path.open("rb") as file, gzip.GzipFile(fileobj=file, mode="rb") as source:
            yield _lines(source, path)
    except (gzip.BadGzipFile, zlib.error):
        raise CannotHelp(f"{path} is no backup of watcher, or it is damaged") from None
    except EOFError:
        raise CannotHelp(f"{path} breaks off before its end") from None


def _lines(source: gzip.GzipFile, path: Path) -> Iterator[bytes]:
    """Its lines, one at a time and none longer than any of ours: a file of a few MB can hold one of many GB."""
    while line := source.readline(_LINE_BYTES):
        if len(line) == _LINE_BYTES:
            raise CannotHelp(f"{path} is no backup of watcher: a line of it is longer than any row")
        yield line


def restore(rt: Runtime, path: Path, *, replace: bool = False) -> Manifest:
    """Make the database what the backup holds, and keep back what may have been told since; all of it or nothing.

    Raises CannotHelp for a damaged backup or one of a newer program, for a database that is not empty (unless it is to
    be replaced), and while the service runs on it.
    """
    _refuse_running(rt)
    with _unpacked(path) as source, rt.database.rebuild() as conn:
        if not (replace or copies.is_empty(conn)):
            raise CannotHelp(f"{rt.database.where} holds rows; --replace puts the backup in their place")
        copies.clear(conn)
        manifest = copies.load(conn, source, where=rt.database.where)
        now = rt.clock()
        holds.begin(conn, taken_at=manifest.taken_at, restored_at=now)
        _note(conn, path, manifest, now)
    return manifest


def _refuse_running(rt: Runtime) -> None:
    """Raise CannotHelp when a sweep ran a moment ago: a worker would go on writing what it knows of the old rows."""
    if not rt.database.current():
        return
    with rt.database.read() as conn:
        swept_at = overview.beat_at(conn, "sweep")
    if swept_at is not None and (age_s := (rt.clock() - swept_at).total_seconds()) < _RUNS_S:
        raise CannotHelp(
            f"the service runs on {rt.database.where} (its last sweep was {max(0, age_s):.0f} s ago): "
            f"stop it, and wait {_RUNS_S:.0f} s"
        )


def _note(conn: Connection, path: Path, manifest: Manifest, now: datetime) -> None:
    detail = {"file": path.name, "taken_at": manifest.taken_at.isoformat(), "sha256": manifest.sha256}
    audit.note(conn, who="cli", action="backup.restore", target=path.name, detail=detail, now=now)


def held(rt: Runtime) -> str:
    """What operators are to know of a restore that waits for their word; empty when none does."""
    with rt.database.read() as conn:
        guard = holds.guard(conn)
        return restore_guard.banner(guard, holds.counts(conn)) if guard and guard.holds else ""


def resume(rt: Runtime, *, drop: bool = False, who: str = "cli", client: str = "") -> dict[str, int]:
    """Let everything that was held go, or drop it; how many rows of each kind.

    Raises CannotHelp when nothing is held.
    """
    now = rt.clock()
    with rt.database.write() as conn:
        guard = holds.guard(conn)
        if guard is None or not guard.holds:
            raise CannotHelp("nothing is held: the database was not restored, or that was decided already")
        done = holds.drop(conn, now=now) if drop else holds.release(conn, now=now)
        action = "restore.drop" if drop else "restore.resume"
        audit.note(conn, who=who, action=action, detail=done, client=client, now=now)
    return done
