"""The database: is it there, of the newest schema and sound, what was set aside in it, and does its clock agree?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from watcher.pipeline import backup
from watcher.pipeline.doctor.finding import Finding, bad, ok, skipped, warn
from watcher.runtime import Runtime
from watcher.store import condition
from watcher.store.condition import Condition

_CLOCK_WARN_S, _CLOCK_BAD_S = 2.0, 30.0
_MANY_CONNECTIONS = 0.8


def database(rt: Runtime) -> Iterator[Finding]:
    """Reachable, newest schema, and what the engine says of itself."""
    if rt.database.path is not None and not rt.database.path.exists():
        yield warn("database", f"{rt.database.where} is not there yet", "`watcher up` or `watcher migrate` makes it")
        return
    if not rt.database.current():
        yield bad("database", f"{rt.database.where} is not at the newest schema", "run `watcher migrate`")
    else:
        yield ok("database", f"{rt.database.where} is at the newest schema")
    with rt.database.read() as conn:
        found = condition.look(conn)
    yield from judge(found)


def judge(found: Condition) -> Iterator[Finding]:
    """Of what the engine says. Pure."""
    size = f"{found.version}, {found.size_bytes / 2**20:.0f} MiB"
    if found.faults:
        advice = "stop the service; restore a backup, or `.recover` with the sqlite3 shell"
        yield bad("database file", f"damaged: {found.faults[0]}", advice)
    elif found.journal not in (None, "wal"):
        advice = "another program changed it, or the file is on a network: keep it on a local disk and start us again"
        yield bad("database file", f"its journal is {found.journal} and not WAL", advice)
    elif found.free_bytes is not None and found.free_bytes > max(2**26, found.size_bytes // 2):
        told = f"{size}, of which {found.free_bytes / 2**20:.0f} MiB are free to be used again"
        yield ok("database file", told + "; VACUUM with the service stopped gives them back")
    else:
        yield ok("database file", size + (", WAL, sound" if found.journal else ""))
    if found.connections is None or found.connections_max is None:
        return
    told = f"{found.connections} of {found.connections_max}"
    if found.connections > _MANY_CONNECTIONS * found.connections_max:
        yield warn("connections", told, "raise max_connections, or run fewer worker processes")
    else:
        yield ok("connections", told)


def clock(rt: Runtime) -> Iterator[Finding]:
    """The database server's clock against ours; on SQLite whether ours has gone back behind what it once wrote."""
    with rt.database.read() as conn:
        newest = condition.newest(conn) if rt.database.current() else None
    ahead = rt.database.clock_ahead()
    yield clocks(ahead, newest, now=datetime.now(UTC), own=rt.database.dialect == "postgresql")


def clocks(ahead: timedelta, newest: datetime | None, *, now: datetime, own: bool) -> Finding:
    """`own`: the database has a clock of its own. Pure."""
    off_s = abs(ahead.total_seconds())
    if off_s > _CLOCK_WARN_S:
        told = f"the database's clock differs by {off_s:.1f} s from ours"
        verdict = bad if off_s > _CLOCK_BAD_S else warn
        return verdict("clock", told, "let NTP run on both machines")
    if newest is not None and (newest - (now + ahead)).total_seconds() > _CLOCK_WARN_S:
        return bad("clock", f"the newest item was stored at {newest:%Y-%m-%d %H:%M}, which is in our future", "set it")
    told = f"{off_s * 1000:.0f} ms from the database server's" if own else "not behind what was stored"
    return ok("clock", f"{told}; whether both are right is not checked")


def set_aside(rt: Runtime) -> Iterator[Finding]:
    """Rows that were given up and wait for a person."""
    if not rt.database.current():
        yield skipped("set aside", "the schema is not the newest")
        return
    with rt.database.read() as conn:
        found = {kind: count for kind, count in condition.set_aside(conn).items() if count}
    if not found:
        yield ok("set aside", "nothing")
        return
    told = ", ".join(f"{count} {kind}" for kind, count in found.items())
    advice = "`watcher items parked`, `watcher deliveries list --state parked`; `retry` of both wakes them"
    yield warn("set aside", told, advice)


def restored(rt: Runtime) -> Iterator[Finding]:
    """What is held after a restore."""
    if not rt.database.current():
        return
    if told := backup.held(rt):
        yield warn("restore", told, "`watcher resume --list`, then `watcher resume` with or without --drop")
