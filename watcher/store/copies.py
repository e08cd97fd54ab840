"""All rows as lines of JSON, and back: a copy that SQLite and PostgreSQL read alike.

The first line says what the copy is, one line before each table's rows names its columns with the kinds of their
values, the last line counts the rows and gives the SHA-256 of everything before it. Files are left to the pipeline.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.types import TypeEngine

from watcher.errors import CannotHelp
from watcher.store import schema_version
from watcher.store.schema import Id, Instant, Json, metadata

FORMAT = 1
LEFT_OUT = frozenset({"sessions", "logins", "beats"})
"""What holds for a moment only: nobody is to be logged in by a copy, and no duty to seem done."""
_AT_ONCE = 500
_KINDS: dict[str, tuple[type[TypeEngine[Any]], Any]] = {
    "instant": (Instant, Instant()),
    "json": (type(Json), Json),
    "bytes": (LargeBinary, LargeBinary()),
    "bool": (Boolean, Boolean()),
    "real": (Float, Float()),
    "whole": (Integer, Id),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a copy says of itself."""

    format: int
    program: str
    """The program's version."""
    schema: str
    """The migration that its tables are at."""
    taken_at: datetime
    dialect: str
    rows: Mapping[str, int]
    """By table."""
    sha256: str

    @property
    def total(self) -> int:
        return sum(self.rows.values())


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def lines(conn: Connection, *, program: str, taken_at: datetime) -> Iterator[bytes]:
    """The copy, line by line; `conn` is of a snapshot."""
    whole = hashlib.sha256()
    counts: dict[str, int] = {}

    def sealed(value: Any) -> bytes:
        line = _line(value)
        whole.update(line)
        return line

    about = {"watcher_backup": FORMAT, "program": program, "schema": schema_version.of(conn)}
    yield sealed(about | {"taken_at": taken_at.isoformat(), "dialect": conn.dialect.name})
    for table in metadata.sorted_tables:
        if table.name in LEFT_OUT:
            continue
        yield sealed({"table": table.name, "columns": [[column.name, _kind(column)] for column in table.columns]})
        counts[table.name] = 0
        write = [_WRITE.get(_kind(column)) for column in table.columns]
        for row in _rows(conn, table):
            counts[table.name] += 1
            pairs = zip(row, write, strict=True)
            yield sealed([one(value) if one and value is not None else value for value, one in pairs])
    yield _line({"end": True, "rows": counts, "sha256": whole.hexdigest()})


def _rows(conn: Connection, table: Table) -> Iterable[Sequence[Any]]:
    """In the order of the key, a few at a time: a table may be larger than memory."""
    query = select(table).order_by(*table.primary_key.columns)
    return conn.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(query)


def _kind(column: Column[Any]) -> str:
    kind = column.type
    return next((name for name, (known, _) in _KINDS.items() if isinstance(kind, known)), "text")


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


_WRITE: dict[str, Callable[[Any], Any]] = {
    "instant": lambda value: value.isoformat(),
    "bytes": lambda value: base64.b64encode(value).decode(),
}
_READ: dict[str, Callable[[Any], Any]] = {
    "instant": datetime.fromisoformat,
    "bytes": base64.b64decode,
}


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(source: Iterable[bytes]) -> Manifest:
    """What the copy says of itself, after reading it whole. Raises CannotHelp for one that is damaged or no copy."""
    reader = _Reader(source)
    for _, rows in reader.tables():
        for _ in rows:
            pass
    return reader.manifest()


def load(conn: Connection, source: Iterable[bytes], *, where: str) -> Manifest:
    """Put a copy into an empty database and bring it to the newest schema, in the caller's transaction.

    Raises CannotHelp for a copy that is damaged or of a newer program: the caller's transaction must then not commit.
    """
    reader = _Reader(source)
    schema = reader.schema
    if not schema_version.is_known(schema):
        raise CannotHelp(f"the backup's schema {schema} is of a newer version of this program: install that one first")
    schema_version.upgrade(conn, where=where, to=schema)
    for (name, columns), rows in reader.tables():
        names = [column for column, _ in columns]
        if not set(names) <= _columns(conn, name):
            raise CannotHelp(f"the backup is damaged: schema {schema} has no such table as its {name!r}")
        table = Table(name, MetaData(), *(Column(column, _type(kind)) for column, kind in columns))
        while some := list(islice(rows, _AT_ONCE)):
            try:
                conn.execute(table.insert(), [dict(zip(names, row, strict=True)) for row in some])
            except (DataError, IntegrityError, ProgrammingError, InterfaceError) as error:
                raise CannotHelp(f"the backup is damaged: {name} cannot hold one of its rows") from error
    manifest = reader.manifest()
    schema_version.upgrade(conn, where=where)
    if conn.dialect.name == "postgresql":
        _move_counters(conn)
    return manifest


def _columns(conn: Connection, table: str) -> set[str]:
    """Of a table that a copy may fill; none for any other."""
    inspector = inspect(conn)
    if table in LEFT_OUT or table not in inspector.get_table_names():
        return set()
    return {column["name"] for column in inspector.get_columns(table)}


def _type(kind: str) -> Any:
    return _KINDS[kind][1] if kind in _KINDS else Text()


class _Reader:
    """The lines of a copy, checked as they go by."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._lines = iter(source)
        self._whole = hashlib.sha256()
        self._counts: dict[str, int] = {}
        self._end: Any = None
        self._about = self._next()
        if not isinstance(self._about, dict) or self._about.get("watcher_backup") is None:
            raise CannotHelp("this is no backup of watcher")
        try:
            self._taken_at = datetime.fromisoformat(self._about["taken_at"])
            newer = int(self._about["watcher_backup"]) > FORMAT
            self.schema, self._program = str(self._about["schema"]), str(self._about["program"])
        except (KeyError, TypeError, ValueError):
            raise CannotHelp("the backup is damaged: its first line is not whole") from None
        if newer:
            raise CannotHelp("the backup was made by a newer version of this program: install that one first")

    def tables(self) -> Iterator[tuple[tuple[str, list[tuple[str, str]]], Iterator[list[Any]]]]:
        """Each table's name and columns with its rows; read the rows before going on."""
        value = self._next()
        while not (isinstance(value, dict) and value.get("end")):
            if not isinstance(value, dict) or "table" not in value:
                raise CannotHelp("the backup is damaged: a table's name is missing")
            try:
                table, columns = str(value["table"]), [(str(name), str(kind)) for name, kind in value["columns"]]
            except (KeyError, TypeError, ValueError):
                raise CannotHelp("the backup is damaged: a table's columns are missing") from None
            self._following: Any = None
            yield (table, columns), self._rows(table, [_READ.get(kind) for _, kind in columns])
            value = self._following
        self._end = value

    def _rows(self, table: str, read: Sequence[Callable[[Any], Any] | None]) -> Iterator[list[Any]]:
        self._counts[table] = 0
        while isinstance(value := self._next(), list):
            self._counts[table] += 1
            if len(value) != len(read):
                raise CannotHelp(f"the backup is damaged: a row of {table} is not whole")
            pairs = zip(value, read, strict=True)
            try:
                row = [one(inner) if one and inner is not None else inner for inner, one in pairs]
            except (TypeError, ValueError):
                raise CannotHelp(f"the backup is damaged: a row of {table} is not whole") from None
            yield row
        self._following = value

    def manifest(self) -> Manifest:
        """Once everything was read. Raises CannotHelp when what was read is not what was written."""
        if self._end is None or self._end.get("sha256") != self._digest or self._end.get("rows") != self._counts:
            raise CannotHelp("the backup is damaged: what it holds is not what was written")
        return Manifest(
            format=int(self._about["watcher_backup"]),
            program=self._program,
            schema=self.schema,
            taken_at=self._taken_at,
            dialect=str(self._about.get("dialect", "")),
            rows=self._counts,
            sha256=self._digest,
        )

    def _next(self) -> Any:
        try:
            line = next(self._lines)
            self._digest = self._whole.hexdigest()
            self._whole.update(line)
            return json.loads(line)
        except StopIteration:
            raise CannotHelp("the backup is damaged: it breaks off before its end") from None
        except (ValueError, RecursionError):
            raise CannotHelp("this is no backup of watcher, or it is damaged") from None


# ── the database that takes it ───────────────────────────────────────────────────────────────────────────────────────


def is_empty(conn: Connection) -> bool:
    """Whether no table of ours has a row; a database without tables is empty too."""
    there = set(inspect(conn).get_table_names())
    return not any(
        conn.execute(select(table.primary_key.columns[0]).limit(1)).first()
        for table in metadata.sorted_tables
        if table.name in there
    )


def clear(conn: Connection) -> None:
    """Drop every table of ours, with its rows."""
    there = set(inspect(conn).get_table_names())
    for table in reversed(metadata.sorted_tables):
        if table.name in there:
            table.drop(conn)
    if "alembic_version" in there:
        conn.execute(text("DROP TABLE alembic_version"))


def _move_counters(conn: Connection) -> None:
    """Let PostgreSQL count on from the highest id; SQLite does so by itself."""
    for table in metadata.sorted_tables:
        column = table.primary_key.columns[0]
        if column.name != "id" or column.autoincrement is not True:
            continue
        highest = conn.execute(select(func.max(column))).scalar_one()
        if highest is not None:
            conn.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), highest)))
