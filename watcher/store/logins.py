"""Failed logins by where they came from, as keyed hashes. How long one waits is decided by who logs them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from watcher.store import overview
from watcher.store.dialect import insert
from watcher.store.schema import logins

_TURN = "login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Failures of one place in a row. Nothing is tried before `free_at`."""

    failures: int
    failed_at: datetime
    free_at: datetime
    told: bool = False
    """Whether the audit log says already that somebody came before `free_at`."""


def take_turn(conn: Connection, *, now: datetime) -> None:
    """Make other logins wait until this transaction ends, so that two at once count one another."""
    overview.record_beat(conn, _TURN, now=now)


def failed(conn: Connection, keys: Sequence[str]) -> dict[str, Failed]:
    """What stands against these places; those without a failure are left out."""
    query = select(logins).where(logins.c.client_key.in_(keys))
    return {
        row["client_key"]: Failed(
            failures=row["failures"],
            failed_at=row["failed_at"],
            free_at=row["free_at"],
            told=row["told_at"] is not None,
        )
        for row in conn.execute(query).mappings()
    }


def note(conn: Connection, key: str, failed: Failed) -> None:
    """Keep what stands against a place from now on."""
    values = {"failures": failed.failures, "failed_at": failed.failed_at, "free_at": failed.free_at, "told_at": None}
    statement = insert(conn, logins).values(client_key=key, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["client_key"], set_=values))


def tell_once(conn: Connection, key: str, *, now: datetime) -> bool:
    """Whether it is the first time since the last failure that somebody of this place came too early."""
    first = (logins.c.client_key == key, logins.c.told_at.is_(None))
    return conn.execute(update(logins).where(*first).values(told_at=now)).rowcount > 0


def forgive(conn: Connection, key: str) -> None:
    """Nothing stands against the place any more."""
    conn.execute(delete(logins).where(logins.c.client_key == key))


def forget(conn: Connection, *, before: datetime) -> int:
    """Drop places whose last failure is older; how many."""
    return conn.execute(delete(logins).where(logins.c.failed_at < before, logins.c.free_at < before)).rowcount
