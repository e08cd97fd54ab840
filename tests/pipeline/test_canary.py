"""Canaries: down the whole line by the steps of real news, met by no list or count, missed when they do not arrive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from row_factories import add_event
from sqlalchemy import select

from watcher import pipeline, runtime
from watcher.model import SubscriptionConfig
from watcher.pipeline import Step, canary, canary_alarm
from watcher.pipeline.canary_alarm import State, judge
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import canaries, overview, subscriptions
from watcher.store.canaries import Canary
from watcher.store.schema import canaries as canary_rows
from watcher.store.schema import digests, metadata

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
OURS = {"canaries", "beats", "service", "tallies", "alembic_version"}
"""Tables that a canary may leave something in."""


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    rules = Path(__file__).resolve().parents[1] / "line" / "rules"
    opened = runtime.open(Settings(database_url=database_url, data_dir=tmp_path, rules_dir=rules, canary_every_s=50))
    yield opened
    opened.close()


def walk(rt: Runtime, *, past: Step | None = None) -> list[str]:
    """Let what waits be worked on by the steps, up to one where the line is cut; the queues that were passed."""
    passed, todo = [], canary.tend(rt)
    while todo:
        following: pipeline.Nudges = {}
        for step, ids in todo.items():
            ours = [one for one in ids if one < canary.PRESENT]
            if ours and step is not past:
                passed.append(str(step))
                for then, found in canary.travel(rt, pipeline.STEPS[step], ours).items():
                    following.setdefault(then, []).extend(found)
        todo = following
    return passed


def arrive(rt: Runtime) -> None:
    """Sweep until the newest has arrived: the thread that sent the one before may not have ended yet."""
    give_up_at = time.monotonic() + 20
    while newest(rt).arrived_at is None:
        assert time.monotonic() < give_up_at, newest(rt)
        walk(rt)
        time.sleep(0.05)


def age(rt: Runtime, seconds: float) -> None:
    """Let the newest canary be as much older: PostgreSQL's clock is nobody's to set."""
    last, earlier = newest(rt), timedelta(seconds=seconds)
    times = {name: getattr(last, name) for name in ("started_at", "stored_at", "event_at", "arrived_at")}
    moved = {name: when - earlier for name, when in times.items() if when is not None}
    with rt.database.write() as conn:
        conn.execute(canary_rows.update().where(canary_rows.c.id == last.id).values(**moved))


def newest(rt: Runtime) -> Canary:
    with rt.database.read() as conn:
        return canaries.newest(conn, limit=1)[0]


def rows_by_table(rt: Runtime) -> dict[str, int]:
    with rt.database.read() as conn:
        return {table.name: len(conn.execute(select(table)).all()) for table in metadata.sorted_tables}


def test_a_canary_goes_through_every_step_and_each_is_noted_in_the_order_of_the_line(rt: Runtime) -> None:
    assert walk(rt) == ["feeds", "items", "events", "digests", "deliveries"]
    came = newest(rt)
    times = [came.started_at, came.stored_at, came.event_at, came.alert_at, came.written_at, came.arrived_at]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
    assert canary_alarm.watch(rt).state is State.WELL


def test_no_table_of_news_ever_holds_anything_of_a_canary(rt: Runtime) -> None:
    add_event(rt.database)
    with rt.database.write() as conn:
        everything = SubscriptionConfig(id="all", title="All", channels=())
        subscriptions.sync_subscriptions(conn, [everything], ops=(), now=rt.clock())
    before = rows_by_table(rt)
    for stop in [*Step, None]:  # as it is while a canary waits behind each step, and when it has arrived
        with rt.database.write() as conn:
            conn.execute(canary_rows.delete())
        walk(rt, past=stop)
        after = rows_by_table(rt)
        assert {name for name in after if after[name] != before[name]} <= OURS
    arrive(rt)


def test_its_start_asks_at_every_queue_who_is_there(rt: Runtime) -> None:
    asked = canary.tend(rt)
    assert {str(step) for step, ids in asked.items() if canary.PRESENT in ids} == {str(step) for step in Step}
    canary.present(rt, "pages")
    with rt.database.read() as conn:
        assert overview.beat_at(conn, "queue:pages") is not None


def test_the_next_one_starts_when_it_is_time_and_what_the_last_left_is_removed(rt: Runtime) -> None:
    walk(rt)
    first = newest(rt)
    assert canary.tend(rt) == {}
    age(rt, 51)
    walk(rt)
    arrive(rt)
    assert newest(rt).id == first.id + 1
    place = canary._there(rt).database
    with place.read() as conn:
        held = {table.name: len(conn.execute(select(table)).all()) for table in metadata.sorted_tables}
    assert (held["items"], held["events"], held["deliveries"], held["attempts"]) == (1, 1, 1, 1)


def test_only_the_newest_hundred_are_remembered(rt: Runtime) -> None:
    with rt.database.write() as conn:
        for number in range(130):
            assert canaries.start(conn, every_s=1, now=NOON + timedelta(seconds=2 * number))
        kept = canaries.newest(conn, limit=1000)
        ids = [one.id for one in kept]
    assert (len(ids), ids[0] - ids[-1]) == (100, 99)


def test_two_sweeps_start_one_canary(rt: Runtime) -> None:
    with rt.database.write() as conn:
        assert canaries.start(conn, every_s=50, now=NOON) is not None
        assert canaries.start(conn, every_s=50, now=NOON + timedelta(seconds=49)) is None
        assert canaries.start(conn, every_s=50, now=NOON + timedelta(seconds=50)) is not None


def test_none_is_sent_when_it_is_switched_off(rt: Runtime) -> None:
    rt.settings = replace(rt.settings, canary_every_s=0)
    assert canary.tend(rt) == {}
    assert canary_alarm.watch(rt).state is State.OFF


def test_without_good_rules_it_waits_like_all_news(rt: Runtime, tmp_path: Path) -> None:
    bad = tmp_path / "rules"
    bad.mkdir()
    (bad / "bad.yml").write_text("id: [")
    rt.rules = runtime.RuleBook(bad)
    assert walk(rt) == ["feeds", "items"]
    assert canary_alarm.stands_at(newest(rt)) == "items"


def test_a_lost_nudge_is_found_by_the_next_sweep(rt: Runtime) -> None:
    assert walk(rt, past=Step.EVENTS) == ["feeds", "items"]
    assert walk(rt) == ["events", "digests", "deliveries"]


# ── the alarm ────────────────────────────────────────────────────────────────────────────────────────────────────────


def notices(rt: Runtime) -> list[str]:
    with rt.database.read() as conn:
        return [row["subject"] for row in conn.execute(select(digests.c.notice).order_by(digests.c.id)).scalars()]


def test_a_late_one_is_told_once_with_its_queue_and_once_when_another_arrived(rt: Runtime) -> None:
    walk(rt, past=Step.DELIVERIES)
    age(rt, 30)
    assert canary_alarm.watch(rt).state is State.WELL
    age(rt, 31)
    found = [canary_alarm.watch(rt) for _ in range(3)][-1]
    assert (found.state, found.step) == (State.LATE, "deliveries")
    assert notices(rt) == ["News stands still"]
    canary.tend(rt)  # another one is sent, which is no sign that the line moves
    canary_alarm.watch(rt)
    assert notices(rt) == ["News stands still"]
    walk(rt)
    arrive(rt)
    for _ in range(2):
        assert canary_alarm.watch(rt).state is State.WELL
    assert notices(rt) == ["News stands still", "News moves again"]


def test_a_sweep_that_sends_none_is_missed_too(rt: Runtime) -> None:
    walk(rt)
    age(rt, 111)
    found = canary_alarm.watch(rt)
    assert (found.state, found.step) == (State.MISSING, "sweep")
    assert notices(rt) == ["News stands still"]


def one(number: int, started_s: float, *, arrived: bool = False, through: int = 0) -> Canary:
    """A canary started so many seconds after noon that has passed so many steps."""
    when = NOON + timedelta(seconds=started_s)
    names = ("stored_at", "event_at", "alert_at", "written_at", "arrived_at")
    seen = {name: when if arrived or place < through else None for place, name in enumerate(names)}
    return Canary(id=number, started_at=when, alarmed_at=None, over_at=None, **seen)


@pytest.mark.parametrize(
    ("rows", "now_s", "state", "step"),
    [
        ([], 0, State.NONE, ""),
        ([one(1, 0, arrived=True)], 110, State.WELL, ""),
        ([one(1, 0, arrived=True)], 111, State.MISSING, "sweep"),
        ([one(1, 0)], 60, State.WELL, ""),
        ([one(1, 0)], 61, State.LATE, "feeds"),
        ([one(1, 0, through=1)], 61, State.LATE, "items"),
        ([one(1, 0, through=2)], 61, State.LATE, "events"),
        ([one(1, 0, through=3)], 61, State.LATE, "digests"),
        ([one(1, 0, through=4)], 61, State.LATE, "deliveries"),
        ([one(2, 60), one(1, 0, through=3)], 70, State.LATE, "digests"),
        ([one(2, 60, arrived=True), one(1, 0, through=3)], 70, State.WELL, ""),
        ([one(3, 120), one(2, 60), one(1, 0, arrived=True)], 130, State.LATE, "feeds"),
    ],
)
def test_how_canaries_fare(rows: list[Canary], now_s: float, state: State, step: str) -> None:
    found = judge(rows, every_s=50, late_s=60, now=NOON + timedelta(seconds=now_s))
    assert (found.state, found.step) == (state, step)
    assert found.bad is (state is not State.WELL)


def test_with_the_shipped_settings_an_alarm_comes_within_two_minutes() -> None:
    shipped = Settings()
    assert shipped.canary_every_s + shipped.canary_late_s + 5 <= 120
