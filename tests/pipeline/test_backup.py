"""Backups on real databases: the same rows come back on either one, and what may have been sent is held."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from row_factories import add_feed, add_items, subscription
from told import Line, open_runtime

from watcher.errors import CannotHelp
from watcher.model import Schedule, When
from watcher.pipeline import backup
from watcher.runtime import Runtime
from watcher.store import copies, digests, feeds, holds, overview
from watcher.store.database import Database
from watcher.store.schema import beats, metadata

SOON = Schedule(when=When.IMMEDIATE)


@pytest.fixture
def line(database_url: str, tmp_path: Path) -> Iterator[Line]:
    """A told event whose message waits, one that nobody was offered yet, and an item that nobody has read."""
    made = Line(rt=open_runtime(database_url, tmp_path))
    made.subscribe(subscription("now", schedule=SOON, rules=("funding",)))
    made.tell("Told")
    made.happen("Not offered yet")
    add_items(made.rt.database, add_feed(made.rt.database, "https://other.example/feed"), "unread")
    yield made
    made.rt.close()


@pytest.fixture
def other_url(line: Line, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of the other kind."""
    if line.rt.database.dialect == "postgresql":
        return f"sqlite:///{tmp_path / 'other.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def _rows(rt: Runtime) -> dict[str, list[dict[str, Any]]]:
    with rt.database.read() as conn:
        return {
            table.name: [
                dict(row._mapping) for row in conn.execute(table.select().order_by(*table.primary_key.columns))
            ]
            for table in metadata.sorted_tables
            if table.name not in copies.LEFT_OUT
        }


def test_the_same_rows_come_back_on_the_other_database(
    line: Line, other_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _rows(line.rt) if line.rt.signing_key() else {}
    manifest = backup.back_up(line.rt, tmp_path / "b.gz")
    assert dict(manifest.rows) == {name: len(rows) for name, rows in before.items()}
    other = open_runtime(other_url, tmp_path)
    monkeypatch.setattr(holds, "begin", lambda *_args, **_more: None)
    monkeypatch.setattr(backup, "_note", lambda *_args: None)
    assert backup.restore(other, tmp_path / "b.gz") == manifest
    assert _rows(other) == before
    add_feed(other.database, "https://third.example/feed")  # ids go on behind those that came
    with other.database.read() as conn:
        assert max(row["id"] for row in feeds.listing(conn)) == 1 + max(row["id"] for row in before["feeds"])
    other.close()


def test_a_backup_is_for_its_owner_alone_and_never_replaces_a_file(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "b.gz"
    backup.back_up(line.rt, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        backup.back_up(line.rt, path)
    assert list(tmp_path.glob(".b.gz*")) == []


def test_a_backup_shows_one_moment_while_rows_are_written(line: Line) -> None:
    with line.rt.database.snapshot() as conn:
        made = copies.lines(conn, program="1", taken_at=datetime.now(UTC))
        first = [next(made)]
        line.happen("Meanwhile")
        whole = [*first, *made]
    assert copies.check(whole).rows["events"] == 2
    assert b"Meanwhile" not in b"".join(whole)


def _damaged(data: bytes, kind: str) -> bytes:
    text = gzip.decompress(data)
    lines = text.splitlines(keepends=True)
    changed = {
        "cut file": lambda: data[: len(data) // 2],
        "no gzip": lambda: text,
        "empty": lambda: b"",
        "a changed word": lambda: gzip.compress(text.replace(b"Told", b"Sold")),
        "a lost line": lambda: gzip.compress(b"".join([*lines[:5], *lines[6:]])),
        "no end": lambda: gzip.compress(b"".join(lines[:-1])),
        "another file": lambda: gzip.compress(b'{"hello": 1}\n'),
        "a newer schema": lambda: gzip.compress(text.replace(b'"schema":"0005"', b'"schema":"0099"', 1)),
        "a newer format": lambda: gzip.compress(text.replace(b'"watcher_backup":1', b'"watcher_backup":2', 1)),
    }
    return changed[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        *("cut file", "no gzip", "empty", "a changed word", "a lost line", "no end", "another file"),
        *("a newer schema", "a newer format"),
    ],
)
def test_a_damaged_backup_changes_nothing(sqlite_url: str, tmp_path: Path, kind: str) -> None:
    rt = open_runtime(sqlite_url, tmp_path)
    line = Line(rt=rt)
    line.subscribe(subscription("now", schedule=SOON))
    line.tell("Told")
    backup.back_up(rt, tmp_path / "b.gz")
    before = _rows(rt)
    (tmp_path / "bad.gz").write_bytes(_damaged((tmp_path / "b.gz").read_bytes(), kind))
    _stop(rt)
    with pytest.raises(CannotHelp, match=r"backup|breaks off"):
        backup.restore(rt, tmp_path / "bad.gz", replace=True)
    assert _rows(rt) == before
    rt.close()


def test_rows_are_replaced_only_when_somebody_says_so_and_never_under_a_running_service(
    line: Line, tmp_path: Path
) -> None:
    rt = line.rt
    backup.back_up(rt, tmp_path / "b.gz")
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=rt.clock() - timedelta(seconds=31))
    with pytest.raises(CannotHelp, match="holds rows; --replace"):
        backup.restore(rt, tmp_path / "b.gz")
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=rt.clock())
    with pytest.raises(CannotHelp, match="stop it"):
        backup.restore(rt, tmp_path / "b.gz", replace=True)


def test_a_backup_of_an_older_schema_is_migrated(sqlite_url: str, empty_url: str, tmp_path: Path) -> None:
    old = ["0004", {"service": [["name", "text"], ["value", "json"]]}]
    lines = [json.dumps({"watcher_backup": 1, "program": "0", "schema": old[0], "dialect": "sqlite"} | _TAKEN)]
    for table, columns in old[1].items():
        lines += [json.dumps({"table": table, "columns": columns}), json.dumps(["public_url", {"value": "x"}])]
    whole = [f"{line}\n".encode() for line in lines]
    end = {"end": True, "rows": {"service": 1}, "sha256": copies.hashlib.sha256(b"".join(whole)).hexdigest()}
    (tmp_path / "old.gz").write_bytes(gzip.compress(b"".join([*whole, json.dumps(end).encode() + b"\n"])))
    rt = open_runtime(empty_url, tmp_path)
    assert backup.restore(rt, tmp_path / "old.gz").schema == "0004"
    assert rt.database.current()
    with rt.database.read() as conn:
        assert overview.remembered(conn, "public_url") == "x"
    rt.close()


_TAKEN = {"taken_at": "2026-11-23T06:00:00+00:00"}


def _stop(rt: Runtime) -> None:
    """As if the last sweep were long ago."""
    with rt.database.write() as conn:
        conn.execute(beats.delete())


def _restored(line: Line, tmp_path: Path) -> Database:
    backup.back_up(line.rt, tmp_path / "b.gz")
    _stop(line.rt)
    backup.restore(line.rt, tmp_path / "b.gz", replace=True)
    return line.rt.database


def test_everything_that_waited_is_held_after_a_restore(line: Line, tmp_path: Path) -> None:
    database = _restored(line, tmp_path)
    with database.read() as conn:
        counts, listed = holds.counts(conn), holds.listing(conn, limit=10)
    assert counts == {"events": 1, "digests": 0, "deliveries": 1, "items": 1, "feeds": 2}
    assert [(row["kind"], row["what"]) for row in listed] == [
        ("delivery", "now event:1:1"),
        ("event", "Not offered yet"),
    ]
    line.tick()
    assert line.count("alerts") == 1
    rows = _rows(line.rt)
    assert [row["state"] for row in rows["deliveries"]] == ["held"]
    assert {row["etag"] for row in rows["feeds"]} == {None}
    assert {row["next_poll_reason"] for row in rows["feeds"]} <= {"new", "restored from a backup"}


def test_what_is_let_go_goes_out_under_the_id_that_it_had(line: Line, tmp_path: Path) -> None:
    key = _rows(line.rt)["deliveries"][0]["key"]
    _restored(line, tmp_path)
    assert backup.resume(line.rt)["deliveries"] == 1
    line.tick()
    made = _rows(line.rt)["deliveries"]
    assert [row["state"] for row in made] == ["pending", "pending"]
    assert made[0]["key"] == key
    assert [line["action"] for line in _rows(line.rt)["audit"]] == ["backup.restore", "restore.resume"]
    with pytest.raises(CannotHelp, match="nothing is held"):
        backup.resume(line.rt)


def test_what_is_dropped_is_told_to_nobody_but_its_next_change_is(line: Line, tmp_path: Path) -> None:
    _restored(line, tmp_path)
    assert backup.resume(line.rt, drop=True)["events"] == 1
    line.tick()
    assert [row["state"] for row in _rows(line.rt)["deliveries"]] == ["withheld"]
    assert {row["title"]: row["history"] for row in _rows(line.rt)["items"]}["Title of unread"] is True
    line.revise(2)
    line.tick()
    assert line.count("deliveries") == 2


def test_a_change_of_a_held_event_goes_out_although_the_event_is_held(line: Line, tmp_path: Path) -> None:
    _restored(line, tmp_path)
    line.revise(2)
    line.tick()
    assert line.count("deliveries") == 2


def test_a_digest_that_had_closed_is_held_and_one_that_closes_later_is_not(line: Line, tmp_path: Path) -> None:
    now = line.rt.clock()
    with line.rt.database.write() as conn:
        for window, closes_at in (("past", now - timedelta(minutes=1)), ("coming", now + timedelta(hours=1))):
            one = digests.Window(key=window, closes_at=closes_at)
            digests.open_window(conn, "now", one, immediate=False, now=now)
    _restored(line, tmp_path)
    held = {row["window"]: row["held_at"] is not None for row in _rows(line.rt)["digests"] if not row["closed_at"]}
    assert held == {"past": True, "coming": False}


def test_what_is_held_is_said_until_somebody_has_decided(line: Line, tmp_path: Path) -> None:
    assert backup.held(line.rt) == ""
    _restored(line, tmp_path)
    assert "is held: 1 event, 1 message, 1 unread item. 2 feeds were not read again yet." in backup.held(line.rt)
    backup.resume(line.rt, drop=True)
    assert backup.held(line.rt) == ""
