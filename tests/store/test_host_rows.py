"""Hosts as rows."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from row_factories import now
from sqlalchemy import select

from watcher.fetch.spacing import Turn, admit
from watcher.model import HostState
from watcher.store import hosts
from watcher.store.database import Database
from watcher.store.schema import hosts as rows

NAMES = ("b.example", "a.example", "c.example")


def test_a_host_that_nobody_asked_is_free_now(database: Database) -> None:
    at = now()
    with database.write() as conn:
        assert hosts.lock(conn, NAMES, now=at) == {name: HostState(free_at=at, opens_at=at) for name in NAMES}
        assert hosts.lock(conn, (), now=at) == {}


def test_a_state_is_kept_and_who_held_before_still_does(database: Database) -> None:
    at = now()
    state = HostState(
        free_at=at + timedelta(seconds=4), opens_at=at + timedelta(seconds=2), held_until=at + timedelta(seconds=35)
    )
    queued = HostState(free_at=at + timedelta(seconds=6), opens_at=at, held_until=None)
    with database.write() as conn:
        hosts.lock(conn, NAMES, now=at)
        hosts.write(conn, {"a.example": hosts.Turned(state=state, by="w:1"), "b.example": hosts.Turned(state=queued)})
    with database.write() as conn:
        assert hosts.lock(conn, NAMES, now=now())["a.example"] == state
        assert hosts.lock(conn, NAMES, now=now())["b.example"] == queued
        hosts.write(conn, {"a.example": hosts.Turned(state=state)})
        assert not hosts.release(conn, "a.example", by="w:2")
        assert hosts.release(conn, "a.example", by="w:1")
        assert not hosts.release(conn, "a.example", by="w:1")
        assert hosts.lock(conn, ["a.example"], now=now())["a.example"].held_until is None


@pytest.mark.parametrize("known", [True, False])
def test_a_closed_host_opens_at_the_later_instant(database: Database, known: bool) -> None:
    at = now()
    later = at + timedelta(hours=1)
    with database.write() as conn:
        if known:
            hosts.lock(conn, ["a.example"], now=at)
        hosts.close(conn, "a.example", until=later, now=at)
        hosts.close(conn, "a.example", until=at + timedelta(minutes=1), now=at)
        assert hosts.lock(conn, ["a.example"], now=at)["a.example"] == HostState(free_at=later, opens_at=later)


def test_of_many_that_race_for_new_hosts_one_starts_at_each_and_no_two_get_one_slot(database: Database) -> None:
    at = now()
    told: list[tuple[str, Turn, float]] = []
    ready = threading.Barrier(4)

    def claim(number: int) -> None:
        names = NAMES if number % 2 else NAMES[::-1]
        ready.wait()
        for _ in range(5):
            with database.write() as conn:
                states = hosts.lock(conn, names, now=at)
                for name in names:
                    answer = admit(states[name], slot_at=None, now=at, spacing_s=2, lead_s=6, hold_s=35)
                    told.append((name, answer.turn, (answer.slot_at - at).total_seconds()))
                    by = f"w:{number}" if answer.turn is Turn.NOW else None
                    hosts.write(conn, {name: hosts.Turned(state=answer.state, by=by)})

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for name in NAMES:
        slots = sorted(slot for host, _, slot in told if host == name)
        assert slots == [2.0 * number for number in range(20)]
        assert [turn for host, turn, _ in told if host == name].count(Turn.NOW) == 1
    with database.read() as conn:
        assert len(conn.execute(select(rows)).all()) == 3
