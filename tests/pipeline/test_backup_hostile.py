"""Backups that somebody made or changed: refused in words, and nothing is changed or filled by them."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from told import open_runtime

from watcher.errors import CannotHelp
from watcher.pipeline import backup
from watcher.runtime import Runtime
from watcher.store.schema import sessions
from watcher.store.schema import tokens as token_rows

AT = "2026-01-01T00:00:00+00:00"
TOKENS = [["name", "text"], ["digest", "text"], ["scopes", "json"], ["created_at", "instant"]]
SESSIONS = [
    *(["id", "text"], ["name", "text"], ["password_key", "text"], ["client", "text"]),
    *(["created_at", "instant"], ["seen_at", "instant"], ["ends_at", "instant"]),
]


@pytest.fixture
def rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_runtime(sqlite_url, tmp_path)
    yield opened
    opened.close()


def sealed(path: Path, head: dict[str, Any], *tables: tuple[Any, Any, list[Any]]) -> Path:
    """A file with those tables, whose last line says that all of it is there."""
    lines = [json.dumps(head)]
    for name, columns, rows in tables:
        lines += [json.dumps({"table": name, "columns": columns}), *map(json.dumps, rows)]
    body = "".join(f"{line}\n" for line in lines).encode()
    end = {"end": True, "rows": {name: len(rows) for name, _, rows in tables}, "sha256": _digest(body)}
    path.write_bytes(gzip.compress(body + json.dumps(end).encode() + b"\n", 1))
    return path


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def head(**changes: Any) -> dict[str, Any]:
    told = {"watcher_backup": 1, "program": "1", "schema": "0005", "taken_at": AT, "dialect": "sqlite"}
    return {name: value for name, value in (told | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "tables", "told"),
    [
        ({"taken_at": None}, [], "its first line is not whole"),
        ({"taken_at": "noon"}, [], "its first line is not whole"),
        ({"schema": None}, [], "its first line is not whole"),
        ({"watcher_backup": "x"}, [], "its first line is not whole"),
        ({"schema": "0005'; DROP TABLE feeds; --"}, [], "is of a newer version"),
        ({}, [("feeds", 5, [])], "a table's columns are missing"),
        ({}, [("nowhere", [["a", "text"]], [["1"]])], "has no such table as its 'nowhere'"),
        ({}, [('x"; DROP TABLE feeds; --', [["a", "text"]], [["1"]])], "has no such table"),
        ({}, [("sqlite_master", [["type", "text"], ["sql", "text"]], [["trigger", "x"]])], "has no such table"),
        ({}, [("tokens", [["secret", "text"]], [["1"]])], "has no such table"),
        ({}, [("sessions", SESSIONS, [["a" * 64, "admin", "k", "", AT, AT, AT]])], "no such table as its 'sessions'"),
        ({}, [("tokens", TOKENS, [["ci", "d", [], "noon"]])], "a row of tokens is not whole"),
        ({}, [("tokens", TOKENS, [[{"a": 1}, "d", [], AT]])], "tokens cannot hold one of its rows"),
        ({}, [("tokens", TOKENS, [["ci", "d", [], AT], ["ci", "d", [], AT]])], "tokens cannot hold one of its rows"),
    ],
)
def test_a_backup_that_somebody_changed_is_refused_in_words(
    rt: Runtime, tmp_path: Path, changes: dict[str, Any], tables: list[Any], told: str
) -> None:
    path = sealed(tmp_path / "made.gz", head(**changes), *tables)
    with pytest.raises(CannotHelp) as caught:
        backup.restore(rt, path, replace=True)
    assert told in str(caught.value)
    with rt.database.read() as conn:
        assert conn.execute(sessions.select()).all() == conn.execute(token_rows.select()).all() == []


def test_a_line_longer_than_any_row_is_not_taken_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "_LINE_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(b'["')
        for _ in range(4):
            file.write(b"a" * (1 << 20))
    assert path.stat().st_size < 1 << 16
    with pytest.raises(CannotHelp, match="a line of it is longer than any row"):
        backup.check(path)
