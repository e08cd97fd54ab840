"""Promises P1, P2, P5 and P17: what the outbox holds arrives once, whatever dies or goes away meanwhile.

The counts fit the test command; `make drills` sets DRILL_MESSAGES and DRILL_KILLS to the whole ones.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from outbox import HOOKS, arrived, configure, fill, free_the_dead, keep_up, kill_something, report
from services import postgres
from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink
from sqlalchemy import select, text
from stage import Stage

from watcher.store import subscriptions
from watcher.store.database import Database
from watcher.store.schema import attempts, deliveries

MESSAGES = int(os.environ.get("DRILL_MESSAGES", "2000"))
KILLS = int(os.environ.get("DRILL_KILLS", "10"))
FAULTS = int(os.environ.get("DRILL_FAULTS", "1"))
WITHIN_S = 60 + MESSAGES / 10


def _all_here(stage: Stage, expected: set[str], *, workers: int = 1) -> None:
    _reach(stage, len(expected), workers)
    stage.wait(stage.quiet, what="an empty outbox", within_s=60)


@pytest.mark.timeout(3600)
def test_p1_no_kill_loses_a_message(stage: Stage) -> None:
    configure(stage)
    messages, kills = _share(stage)
    expected = fill(stage, range(messages))
    chance = random.Random(1)
    stage.worker()
    stage.worker()
    stage.beat()
    killed = []
    for number in range(kills):
        target = (number + 1) * messages // (kills + 2)
        _reach(stage, target, 2)
        who = kill_something(stage, chance)
        killed.append(who)
        free_the_dead(stage)
        keep_up(stage, 2)
    time.sleep(1)  # a claim that a dead worker had just committed may reach PostgreSQL after the kill
    free_the_dead(stage)
    _all_here(stage, expected, workers=2)
    report(stage, f"P1, {kills} kills ({killed.count('parent')} of a parent)", expected)


def _reach(stage: Stage, target: int, workers: int) -> None:
    """Wait until so many messages have arrived, with a supervisor that starts what has ended."""

    def met() -> bool:
        keep_up(stage, workers)
        free_the_dead(stage)
        return len(arrived(stage)) >= target

    stage.wait(met, what=f"{target} messages", within_s=WITHIN_S)


def _share(stage: Stage) -> tuple[int, int]:
    """All of it on PostgreSQL, where several machines share an outbox; a fifth on SQLite."""
    return (MESSAGES // 5, KILLS // 2) if "sqlite" in stage.database_url else (MESSAGES, KILLS)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"] if FAULTS > 1 else ["postgresql"], indirect=True)
@pytest.mark.timeout(1200)
def test_p2_the_broker_is_disposable(stage: Stage, valkey: Valkey) -> None:
    configure(stage)
    stage.worker()
    stage.beat()
    expected: set[str] = set()
    for number in range(FAULTS * 3):
        expected |= fill(stage, range(number * 100, number * 100 + 100))
        _reach(stage, len(expected) - 70, 1)
        if number % 3 == 0:
            with valkey.client() as client:
                client.flushall()
        elif number % 3 == 1:
            valkey.stop(signal.SIGKILL)
            valkey.start()
        else:
            valkey.stop()
            time.sleep(3)
            valkey.start()
    _all_here(stage, expected)
    report(stage, f"P2, {FAULTS} times each: emptied, killed, away", expected)


@pytest.fixture
def crashing(valkey: Valkey, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path) -> Iterator[tuple]:
    """A service on a PostgreSQL cluster of its own, which may be killed."""
    cluster = postgres.open_cluster()
    url = cluster.url(cluster.create())
    database = Database(url)
    database.migrate()
    with database.write() as conn:
        # the tests' clusters commit without waiting, and a crash would forget what was said to be committed
        name = conn.execute(text("SELECT current_database()")).scalar_one()
        conn.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = on"))
    database.close()
    opened = Stage(folder=tmp_path / "stage", database_url=url, valkey=valkey, web=http_sink, inbox=smtp_inbox)
    yield opened, cluster
    opened.close()
    postgres.close_cluster(cluster)


@pytest.mark.timeout(1200)
def test_p5_a_crash_of_the_database_loses_and_invents_nothing(crashing) -> None:
    stage, cluster = crashing
    configure(stage)
    expected = fill(stage, range(300 * FAULTS))
    stage.worker()
    stage.beat()
    for number in range(FAULTS):
        _reach(stage, (number + 1) * 300 - 250, 1)
        cluster.stop(signal.SIGKILL)
        time.sleep(1)
        cluster.start()
        stage.let_leases_end()
    stage.wait(lambda: _back(stage), what="the database", within_s=30)
    stage.let_leases_end()
    _all_here(stage, expected)
    report(stage, f"P5, {FAULTS} crashes of PostgreSQL", expected)


def _back(stage: Stage) -> bool:
    with stage.runtime.database.read() as conn:
        return conn.execute(select(1)).scalar_one() == 1


@pytest.mark.timeout(600)
def test_p17_no_message_is_claimed_after_its_reader_has_unsubscribed(stage: Stage) -> None:
    configure(stage)
    expected = fill(stage, range(50 * HOOKS))
    stage.worker()
    stage.beat()
    stage.wait(lambda: len(arrived(stage)) > 20, what="the first messages")
    began = time.monotonic()
    with stage.runtime.database.write() as conn:
        assert subscriptions.end(conn, "now", by="one_click", now=stage.runtime.clock())
    took_s, gone_at = time.monotonic() - began, stage.runtime.clock()
    stage.wait(stage.quiet, what="an empty outbox", within_s=60)
    late = select(attempts.c.id).where(attempts.c.started_at > gone_at)
    with stage.runtime.database.read() as conn:
        assert conn.execute(late).all() == []
        states = {row.state for row in conn.execute(select(deliveries.c.state).distinct())}
    sent = set(arrived(stage))
    print(f"P17: {len(sent)} of {len(expected)} were out before the reader left ({took_s:.2f} s), none after")
    assert states == {"sent", "withheld"}
    assert sent < expected
