"""Can the service do its work? Each check is a question with a reason for its no; pages and commands show them.

What is read: rows, the broker's answer, the data folder's disk. What a machine lacks before anything runs (mail
servers, names, policies) is `watcher doctor`'s.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from watcher import embedded
from watcher.errors import WatcherError
from watcher.pipeline import canary_alarm, reload_state
from watcher.pipeline.reload_state import Files
from watcher.pipeline.steps import Step
from watcher.runtime import Runtime
from watcher.store import overview

SWEEP_MAX_AGE_S = 60.0
DISK_FREE_BYTES = 256 * 1024 * 1024
CLOCK_MAX_S = 30.0
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock that is right shows an earlier day."""


def run(rt: Runtime) -> dict[str, str]:
    """By check: why it fails, empty when it does not. Those that read rows are empty while the database fails."""
    checks = {"database": database(rt), "broker": broker(rt), "disk": disk(rt), "clock": clock(rt)}
    from_rows: dict[str, Callable[[Runtime], str]] = {"sweep": sweep, "workers": workers, "canary": canary}
    for name, check in (from_rows | {"rules": rules}).items():
        checks[name] = "" if checks["database"] else _asked(check, rt)
    return checks


def _asked(check: Callable[[Runtime], str], rt: Runtime) -> str:
    try:
        return check(rt)
    except WatcherError as error:
        return str(error)


def database(rt: Runtime) -> str:
    """Why the database cannot be used; empty when it can."""
    try:
        return "" if rt.database.current() else "its schema is not the newest: run `watcher migrate`"
    except WatcherError as error:
        return str(error)


def broker(rt: Runtime) -> str:
    """Why the broker cannot be used; empty when it can."""
    return embedded.fault(rt.settings)


def sweep(rt: Runtime) -> str:
    """Why the line may be standing still; empty when its last sweep is fresh."""
    age_s = beat_age_s(rt, "sweep")
    if age_s is None:
        return "no sweep yet: are a worker and the beat running?"
    if age_s > SWEEP_MAX_AGE_S:
        return f"the last sweep was {age_s:.0f} s ago, more than {SWEEP_MAX_AGE_S:.0f}: is a worker running?"
    return ""


def workers(rt: Runtime) -> str:
    """Which queues nobody takes messages from; empty when each is read.

    Each canary asks at every queue; who takes the question writes when. Without canaries nobody asks.
    """
    chosen = rt.settings
    if not chosen.canary_every_s:
        return ""
    with rt.database.read() as conn:
        sent_at = overview.beat_at(conn, "canary")
        taken = {str(step): overview.beat_at(conn, f"queue:{step}") for step in Step}
    if sent_at is None:
        return ""
    most = timedelta(seconds=chosen.canary_every_s + chosen.canary_late_s)
    now = rt.clock()
    unread = [queue for queue, at in taken.items() if now - (at or sent_at) > most]
    return (
        f"nobody takes messages from {', '.join(unread)} for more than {most.total_seconds():.0f} s" if unread else ""
    )


def canary(rt: Runtime) -> str:
    """Where a canary got stuck; empty while they arrive, or none are sent."""
    with rt.database.read() as conn:
        return canary_alarm.verdict(rt, conn).words(rt.clock())


def rules(rt: Runtime) -> str:
    """Why the rule files as they are are not in force; empty while they are."""
    with rt.database.read() as conn:
        last = reload_state.read(conn, Files.RULES)
    if last is None or last.ok:
        return ""
    kept = "the last good ones stay" if last.version else "items wait for good ones"
    return f"the rule files are refused, {kept}: {last.mistakes[0]}"


def disk(rt: Runtime) -> str:
    """Why the data folder's disk is too full; empty when it is not, or there is no folder."""
    folder = rt.settings.data_dir
    if not folder.exists():
        return ""
    free = shutil.disk_usage(folder).free
    if free >= DISK_FREE_BYTES:
        return ""
    return f"{free // 2**20} MiB are free for the data folder, less than {DISK_FREE_BYTES // 2**20}"


def clock(rt: Runtime) -> str:
    """Why our clock cannot be believed; empty when it can.

    It is held against the database server's; on SQLite, which has none, against the newest sweep.
    """
    here = datetime.now(UTC)
    if here < _BUILT:
        return f"it shows {here:%Y-%m-%d}"
    try:
        ahead_s = rt.database.clock_ahead().total_seconds()
        with rt.database.read() as conn:
            swept_at = overview.beat_at(conn, "sweep") if rt.database.current() else None
    except WatcherError:
        return ""  # said of the database
    if abs(ahead_s) > CLOCK_MAX_S:
        return f"it differs by {abs(ahead_s):.0f} s from the database server's"
    behind_s = (swept_at - rt.clock()).total_seconds() if swept_at else 0.0
    return f"the last sweep lies {behind_s:.0f} s in its future" if behind_s > CLOCK_MAX_S else ""


def beat_age_s(rt: Runtime, name: str) -> float | None:
    """Seconds since a periodic duty last ran; None when it never did, or nobody can say."""
    try:
        if not rt.database.current():
            return None
        with rt.database.read() as conn:
            at = overview.beat_at(conn, name)
    except WatcherError:
        return None
    return None if at is None else max(0.0, (rt.clock() - at).total_seconds())
