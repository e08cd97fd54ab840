"""What is kept for how long, on both databases: old bytes go, and nothing that a promise needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from row_factories import subscription
from sqlalchemy import update
from told import Line, open_runtime

from watcher import pipeline
from watcher.model import Schedule, When
from watcher.pipeline import retention
from watcher.store import deliveries, old_rows
from watcher.store import schema as tables

OLD = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def line(database_url: str, tmp_path: Path) -> Iterator[Line]:
    """Four told events: their messages were sent, given up, held back, and one still waits; all are old."""
    made = Line(rt=open_runtime(database_url, tmp_path))
    made.subscribe(subscription("now", schedule=Schedule(when=When.IMMEDIATE)))
    made.tell("One", "Two", "Three", "Four")
    with made.rt.database.write() as conn:
        for number, state in enumerate(("sent", "parked", "withheld", "pending"), 1):
            changed = update(tables.deliveries).where(tables.deliveries.c.id == number)
            conn.execute(changed.values(state=state, created_at=OLD))
            attempt = {"delivery_id": number, "number": 1, "started_at": OLD, "outcome": "retry"}
            conn.execute(tables.attempts.insert().values(**attempt))
    yield made
    made.rt.close()


def _rows(line: Line, table: Any) -> list[dict[str, Any]]:
    with line.rt.database.read() as conn:
        return [dict(row._mapping) for row in conn.execute(table.select().order_by(*table.primary_key.columns))]


def _forget(line: Line) -> None:
    with line.rt.database.write() as conn:
        conn.execute(tables.beats.delete())
    retention.forget_old(line.rt, line.rt.clock())


def test_the_bytes_of_old_messages_go_and_what_is_needed_stays(line: Line) -> None:
    before = _rows(line, tables.deliveries)
    _forget(line)
    after = _rows(line, tables.deliveries)
    assert [bool(row["body"]) for row in after] == [False, False, False, True]
    assert [row["state"] for row in after] == ["sent", "withheld", "withheld", "pending"]
    assert [row["reason"] for row in after][1] == old_rows.FORGOTTEN
    assert [row["key"] for row in after] == [row["key"] for row in before]
    assert [row["delivery_id"] for row in _rows(line, tables.attempts)] == [4]
    assert len(_rows(line, tables.digests)) == len(_rows(line, tables.alerts)) == 4
    line.tick()
    assert len(_rows(line, tables.deliveries)) == 4


def test_a_dead_letter_without_its_bytes_is_never_sent_again(line: Line) -> None:
    _forget(line)
    with line.rt.database.write() as conn:
        assert deliveries.retry(conn, None, now=line.rt.clock()) == 0
        assert deliveries.retry(conn, [1, 2, 3], now=line.rt.clock()) == 0


def test_young_messages_are_left_alone_and_a_mark_keeps_old_ones_from_being_read_again(line: Line) -> None:
    with line.rt.database.write() as conn:
        young = update(tables.deliveries).where(tables.deliveries.c.id >= 3)
        conn.execute(young.values(created_at=line.rt.clock()))
        before = line.rt.clock() - timedelta(days=90)
        assert old_rows.forget_messages(conn, before=before, limit=1) == 1
        assert old_rows.forget_messages(conn, before=before, limit=5) == 1
        assert old_rows.forget_messages(conn, before=before, limit=5) == 0
    assert [bool(row["body"]) for row in _rows(line, tables.deliveries)] == [False, False, True, True]


def test_idle_hosts_and_ended_mutes_go(line: Line) -> None:
    now = line.rt.clock()
    names = {"idle.example": (OLD, OLD, None), "rests.example": (OLD, now, None), "held.example": (OLD, OLD, "me")}
    with line.rt.database.write() as conn:
        for host, (free_at, opens_at, held_by) in names.items():
            row = {"host": host, "free_at": free_at, "opens_at": opens_at, "held_by": held_by}
            conn.execute(tables.hosts.insert().values(**row))
        for value, until_at in (("past", OLD), ("ever", None), ("coming", now)):
            row = {"subscription_id": "now", "kind": "rule", "value": value, "until_at": until_at}
            conn.execute(tables.mutes.insert().values(**row, origin="page", created_at=OLD))
    _forget(line)
    assert [row["host"] for row in _rows(line, tables.hosts)] == ["held.example", "rests.example"]
    assert [row["value"] for row in _rows(line, tables.mutes)] == ["ever", "coming"]


def test_the_table_is_worked_off_once_an_hour_and_at_once_while_there_is_more(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def one(name: str, count: int | None) -> retention.Kept:
        return retention.Kept(
            what=name,
            span=lambda _chosen: timedelta(days=1),
            forget=lambda _conn, _now, _before: looked.append(name) or count,
            says="",
        )

    monkeypatch.setattr(retention, "TABLE", (one("full", retention.BATCH), one("done", None)))
    _forget(line)
    pipeline.due(line.rt)
    assert looked == ["full", "done"] * 2
    monkeypatch.setattr(retention, "TABLE", (one("less", retention.BATCH - 1),))
    pipeline.due(line.rt)
    pipeline.due(line.rt)
    assert looked[4:] == ["less"]


def test_every_row_of_the_table_says_what_goes_and_for_how_long() -> None:
    from watcher.settings import Settings

    spans = {one.what: one.span(Settings()).days for one in retention.TABLE}
    assert spans == {
        "texts of items that no event uses": 180,
        "bytes of messages": 90,
        "audit log": 365,
        "copies of article pages": 30,
        "documents that hubs pushed": 1,
        "sign-ups": 30,
        "hosts that nobody asks any more": 30,
        "mutes that have ended": 30,
    }
    assert all(one.says and dataclasses.is_dataclass(one) for one in retention.TABLE)
