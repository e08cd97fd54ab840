"""Hosts as rows: where the queue of each ends, before when nobody may ask it, and who is asking it now.

What a state means is left to `watcher.fetch.spacing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, literal, select, update

from watcher.model import HostState
from watcher.store.dialect import insert
from watcher.store.schema import Instant, hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A host's new state; `by` is who holds it from now on, None if whoever held it still does."""

    state: HostState
    by: str | None = None


def lock(conn: Connection, names: Iterable[str], *, now: datetime) -> dict[str, HostState]:
    """The state of each host, new ones made; no other transaction may change them until this one ends.

    In the order of names on every machine, so that no two transactions wait for one another.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    rows = [{"host": name, "free_at": now, "opens_at": now} for name in wanted]
    conn.execute(insert(conn, hosts).values(rows).on_conflict_do_nothing(index_elements=["host"]))
    query = select(hosts).where(hosts.c.host.in_(wanted)).order_by(hosts.c.host).with_for_update()
    return {
        row.host: HostState(free_at=row.free_at, opens_at=row.opens_at, held_until=row.held_until)
        for row in conn.execute(query)
    }


def write(conn: Connection, states: Mapping[str, Turned]) -> None:
    """Keep the states of hosts that `lock` gave."""
    queued, held = [], []
    for name, turned in states.items():
        row = {"name": name, "free": turned.state.free_at, "opens": turned.state.opens_at}
        if turned.by is None:
            queued.append(row)
        else:
            held.append(row | {"by": turned.by, "until": turned.state.held_until})
    ours = update(hosts).where(hosts.c.host == bindparam("name"))
    ours = ours.values(free_at=bindparam("free"), opens_at=bindparam("opens"))
    if queued:
        conn.execute(ours, queued)
    if held:
        conn.execute(ours.values(held_by=bindparam("by"), held_until=bindparam("until")), held)


def release(conn: Connection, name: str, *, by: str) -> bool:
    """Let the next one ask the host; False when somebody else holds it by now."""
    statement = update(hosts).where(hosts.c.host == name, hosts.c.held_by == by)
    return conn.execute(statement.values(held_by=None, held_until=None)).rowcount == 1


def close(conn: Connection, name: str, *, until: datetime, now: datetime) -> None:
    """Let nobody ask the host before `until`; a later instant that is known already stands."""
    conn.execute(
        insert(conn, hosts).values(host=name, free_at=now, opens_at=now).on_conflict_do_nothing(index_elements=["host"])
    )
    shut = literal(until, Instant())
    later = {column.name: case((column < shut, shut), else_=column) for column in (hosts.c.free_at, hosts.c.opens_at)}
    conn.execute(update(hosts).where(hosts.c.host == name).values(later))
