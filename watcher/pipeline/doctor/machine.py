"""This machine: versions with known faults, time zone data, the disk under the data folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from xml.parsers import expat
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watcher.errors import WatcherError
from watcher.pipeline.doctor.finding import Finding, bad, ok, warn
from watcher.runtime import Runtime
from watcher.store import condition, subscriptions

_EXPAT = (2, 6, 4)
"""Older ones crash on a document that is stopped in its midst (CVE-2024-50602)."""
_EXPAT_BOUNDED = (2, 4, 1)
"""From here on it bounds what entities may grow to (CVE-2013-0340)."""
_SQLITE = (3, 35, 0)
"""RETURNING, by which rows are claimed."""
_SQLITE_SOUND = (3, 51, 3)
"""Older ones can, rarely, damage a file in WAL mode when two connections write and checkpoint at once."""
_FREE_BAD, _FREE_WARN = 256 * 2**20, 2 * 2**30


def versions() -> Iterator[Finding]:
    """Python, SQLite and expat."""
    yield ok("python", sys.version.split()[0])
    yield expat_of(expat.version_info)
    yield sqlite_of(condition.sqlite_version())


def expat_of(found: tuple[int, ...]) -> Finding:
    """Of the library that parses feeds. Pure."""
    text = ".".join(map(str, found))
    if found < _EXPAT_BOUNDED:
        return bad("expat", f"{text} does not bound what entities grow to", "update Python or libexpat")
    if found < _EXPAT:
        return warn("expat", f"{text} bounds entities, and has known crashes; parsing is in a child", "update to 2.6.4")
    return ok("expat", f"{text}, with its bound of amplification")


def sqlite_of(found: tuple[int, ...]) -> Finding:
    """Of the library. Pure. Source: sqlite.org, changes of 3.51.3 (the WAL-reset bug)."""
    text = ".".join(map(str, found))
    if found < _SQLITE:
        return bad("sqlite", f"{text} lacks RETURNING", "update to 3.35 or newer, or use PostgreSQL")
    if found < _SQLITE_SOUND:
        told = f"{text}; before 3.51.3 two writers can, very rarely, damage a WAL file"
        return ok("sqlite", f"{told}: keep backups")
    return ok("sqlite", text)


def zones(rt: Runtime) -> Iterator[Finding]:
    """Whether the zones of all subscriptions are known here."""
    try:
        with rt.database.read() as conn:
            wanted = {one.schedule.zone for one in subscriptions.active(conn)} if rt.database.current() else set()
    except WatcherError:
        wanted = set()
    unknown = []
    for zone in sorted(wanted | {"UTC", "Asia/Shanghai", "America/New_York"}):
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            unknown.append(zone)
    if unknown:
        yield bad("time zones", f"unknown here: {', '.join(unknown)}", "install tzdata (the package or the system's)")
        return
    try:
        data = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        data = "the system's data"
    yield ok("time zones", f"{data}; {len(wanted)} in use")


def data_folder(rt: Runtime) -> Iterator[Finding]:
    """Room for the database, the broker and backups."""
    folder = rt.settings.data_dir
    if not folder.is_dir():
        yield warn("data folder", f"{folder.resolve()} is not there yet", "`watcher up` makes it")
        return
    usage = shutil.disk_usage(folder)
    told = f"{usage.free / 2**30:.1f} GiB free under {folder.resolve()}"
    if usage.free < _FREE_BAD:
        yield bad("data folder", told, "make room: a full disk stops every write")
    elif usage.free < _FREE_WARN:
        yield warn("data folder", told, "make room, or lower WATCHER_KEEP_ITEMS_DAYS")
    else:
        yield ok("data folder", told)
    mode = folder.stat().st_mode & 0o777
    if mode & 0o022:
        yield warn("data folder mode", f"others may write there ({mode:04o})", f"chmod 750 {folder.resolve()}")
