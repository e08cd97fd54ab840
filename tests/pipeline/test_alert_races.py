"""Several workers at once on the same rows: budgets, windows and late digests come out as if there were one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from time import sleep

import pytest
from row_factories import now, subscription
from sqlalchemy import update
from told import Line, open_runtime, titles

from watcher import pipeline
from watcher.model import Budget, EmptyDay, Schedule, When
from watcher.pipeline import Step
from watcher.pipeline.windows import keep_windows
from watcher.runtime import Runtime
from watcher.store import schema as tables

WORKERS = 3


@pytest.fixture
def workers(database_url: str, tmp_path: Path) -> Iterator[list[Runtime]]:
    opened = [open_runtime(database_url, tmp_path) for _ in range(WORKERS)]
    yield opened
    for one in opened:
        one.close()


def together(workers: list[Runtime], work: Callable[[Runtime], object]) -> None:
    """The same work by every worker, begun at the same moment."""
    start = Barrier(len(workers))

    def begin(rt: Runtime) -> None:
        start.wait()
        work(rt)

    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(begin, workers))


def test_workers_at_once_do_not_spend_more_than_the_budget(workers: list[Runtime]) -> None:
    line = Line(rt=workers[0])
    line.subscribe(
        subscription("bounded", schedule=Schedule(when=When.IMMEDIATE), budget=Budget(messages=5, per_s=3600)),
        subscription("free", schedule=Schedule(when=When.IMMEDIATE)),
    )
    made = [line.happen() for _ in range(18)]
    for rt in workers:
        rt.checkpoint = lambda point: sleep(0.05) if point == "events:committing" else None  # let them meet
    shares = {id(rt): made[number::WORKERS] for number, rt in enumerate(workers)}
    together(workers, lambda rt: pipeline.raise_alerts(rt, shares[id(rt)]))
    assert [row.immediate for row in line.rows("bounded")].count(True) == 5
    (over,) = [row for row in line.rows("bounded") if row.window.startswith("over:")]
    assert over.closes_at > now()
    assert len(line.rows("free")) == 18
    assert line.count("alerts") == 36


def test_workers_at_once_on_one_event_tell_it_once(workers: list[Runtime]) -> None:
    line = Line(rt=workers[0])
    line.subscribe(*(subscription(f"s{number}", schedule=Schedule(when=When.IMMEDIATE)) for number in range(20)))
    made = [line.happen() for _ in range(5)]
    together(workers, lambda rt: pipeline.raise_alerts(rt, made))
    line.tick()
    assert (line.count("alerts"), line.count("deliveries")) == (100, 100)


def test_p6_sweeps_at_once_open_one_window_and_write_one_digest(workers: list[Runtime]) -> None:
    line = Line(rt=workers[0])
    line.subscribe(*(subscription(f"s{number}", schedule=Schedule(), empty=EmptyDay.SEND) for number in range(20)))
    together(workers, lambda rt: keep_windows(rt, rt.clock()))
    assert line.count("digests") == 20
    with line.rt.database.write() as conn:
        conn.execute(update(tables.digests).values(closes_at=now() - timedelta(seconds=1), window="this hour"))

    def sweep(rt: Runtime) -> None:
        pipeline.close_digests(rt, pipeline.due(rt).get(Step.DIGESTS, []))

    together(workers, sweep)
    line.tick()
    assert line.count("deliveries") == 20
    for number in range(20):
        first, *others = line.rows(f"s{number}")
        assert first.closed_at is not None
        assert [row.closed_at for row in others] == [None]


def test_p6_sweeps_at_once_merge_a_late_digest_once(workers: list[Runtime]) -> None:
    line = Line(rt=workers[0])
    line.subscribe(subscription("daily", schedule=Schedule()))
    line.tell("one", "two")
    with line.rt.database.write() as conn:
        late = now() - timedelta(hours=30)
        moved = {"closes_at": late, "late_at": late + timedelta(hours=12), "window": "long ago"}
        conn.execute(update(tables.digests).values(**moved))
    together(workers, lambda rt: keep_windows(rt, rt.clock()))
    late_row, following = line.rows("daily")
    assert (late_row.merged_into, following.closed_at) == (following.id, None)
    assert following.periods in (2, 3)
    with line.rt.database.write() as conn:
        conn.execute(update(tables.digests).where(tables.digests.c.closed_at.is_(None)).values(closes_at=now()))
    together(workers, lambda rt: pipeline.close_digests(rt, [following.id]))
    assert [sorted(titles(one)) for one in line.messages("daily")] == [["one", "two"]]


def test_a_digest_that_is_too_late_is_not_written_by_an_old_nudge(workers: list[Runtime]) -> None:
    line = Line(rt=workers[0])
    line.subscribe(subscription("daily", schedule=Schedule()))
    line.tell("one")
    with line.rt.database.write() as conn:
        late = now() - timedelta(hours=13)
        conn.execute(update(tables.digests).values(closes_at=late, late_at=late + timedelta(hours=12)))
    (row,) = line.rows("daily")
    assert pipeline.close_digests(line.rt, [row.id]) == {}
    assert line.messages("daily") == []
