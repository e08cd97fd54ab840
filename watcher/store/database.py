"""Open the database, give transactions on it, claim rows by lease and bring its schema up to date.

What the rows mean is left to the other modules of this package; when a transaction begins is left to the pipeline.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ClauseElement,
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    make_url,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from watcher.errors import CannotHelp, TryAgain
from watcher.store.schema import Instant

_BUSY_S = 10.0
_PAUSE_S = (0.0005, 0.003)
"""Between two looks whether another writer is done."""
_CONNECT_S = 5
_STATEMENT_MS = 30_000
_LOCK_MS = 10_000
_IDLE_IN_TRANSACTION_MS = 60_000
_MIGRATION_WAIT_MS = 300_000
_MIGRATION_KEY = 0x77617463
"""The advisory lock of PostgreSQL that one migrating process holds; any number that is ours alone."""

_SQLITE_BEGIN = {
    "read": ("PRAGMA query_only=ON", "BEGIN"),
    "write": ("PRAGMA query_only=OFF", "PRAGMA foreign_keys=ON", "BEGIN IMMEDIATE"),
    # rebuilding a table drops it, and a drop deletes every row that a foreign key protects
    "migrate": ("PRAGMA query_only=OFF", "PRAGMA foreign_keys=OFF", "BEGIN IMMEDIATE"),
}
_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
_POSTGRESQL_AWAY = ("08", "40", "53", "55", "57", "58", "25P03", "25P04")
"""SQLSTATE prefixes: connection, rollback, resources, lock, operator, system, idle and transaction timeouts.

Source: PostgreSQL 15, appendix A.
"""

_open: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[Any] = []
_migrating = threading.Lock()


class Database:
    """One database, SQLite or PostgreSQL, and its pool of connections.

    `url` is `sqlite:///path/to/file` or `postgresql+psycopg://…`; nothing is contacted before the first transaction.
    A forked child gets a pool of its own. Raises CannotHelp for a URL that we do not understand.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.dialect: str = parsed.get_backend_name()
        self.where: str = _without_secrets(parsed)
        self.path = Path(parsed.database or "") if self.dialect == "sqlite" else None
        """The file of SQLite."""
        self._engine: Engine = _open_sqlite(parsed) if self.path else _open_postgresql(parsed)
        self.modes: Mapping[str, Engine] = {
            "read": self._engine.execution_options(watcher_mode="read", postgresql_readonly=True),
            "write": self._engine.execution_options(watcher_mode="write"),
            "migrate": self._engine.execution_options(watcher_mode="migrate"),
            "snapshot": self._engine.execution_options(
                watcher_mode="read", postgresql_readonly=True, **_whole(self.dialect)
            ),
        }
        self._writing = threading.Lock()
        """SQLite lets one write: threads of a process wait here, and only one of them asks the other processes."""
        _open.add(self)

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that may write: it commits at the end of the block and rolls back when the block raises.

        On SQLite it is the only writer from its first statement on. Raises TryAgain when the database is away or busy.
        """
        return self._transaction("write")

    def read(self) -> AbstractContextManager[Connection]:
        """A transaction that the database itself keeps from writing. Raises TryAgain when it is away or busy."""
        return self._transaction("read")

    def snapshot(self) -> AbstractContextManager[Connection]:
        """As `read`, and every statement sees the rows as they were at the first one, whatever is written meanwhile."""
        return self._transaction("snapshot")

    def rebuild(self) -> AbstractContextManager[Connection]:
        """A transaction that may change the schema and every row, alone; all of it or nothing. Raises as `write`."""
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._rebuilding()

    @contextmanager
    def _rebuilding(self) -> Iterator[Connection]:
        with _migrating, self._transaction("migrate") as conn:
            if self.dialect == "postgresql":
                for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                    conn.execute(select(func.set_config(name, str(_MIGRATION_WAIT_MS), True)))
                conn.execute(select(func.pg_advisory_xact_lock(_MIGRATION_KEY)))
            yield conn
            if self.dialect == "sqlite":
                _check_foreign_keys(conn, self.where)

    def migrate(self) -> None:
        """Bring the schema to the newest migration; of several processes that start at once, one does the work.

        Raises TryAgain when the database is away, CannotHelp when a newer version of the program has migrated it.
        """
        from watcher.store import schema_version

        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with _migrating, self._transaction("migrate") as conn:
            if self.dialect == "postgresql":
                for name in ("statement_timeout", "lock_timeout"):
                    conn.execute(select(func.set_config(name, str(_MIGRATION_WAIT_MS), True)))
                conn.execute(select(func.pg_advisory_xact_lock(_MIGRATION_KEY)))
            schema_version.upgrade(conn, where=self.where)
            if self.dialect == "sqlite":
                _check_foreign_keys(conn, self.where)

    def current(self) -> bool:
        """Whether the schema is at the newest migration. Raises TryAgain when the database is away."""
        from watcher.store import schema_version

        if self.path and not self.path.exists():
            return False
        with self.read() as conn:
            return schema_version.is_newest(conn)

    def clock_ahead(self) -> timedelta:
        """How far the server's clock is ahead of ours; nothing on SQLite. Raises TryAgain when the database is away."""
        if self.dialect == "sqlite":
            return timedelta()
        before = datetime.now(UTC)
        with self.read() as conn:
            there: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        return there - (before + (datetime.now(UTC) - before) / 2)

    def close(self) -> None:
        """Close every connection that no transaction is using; the next transaction opens new ones."""
        self._engine.dispose()

    def after_fork(self) -> None:
        """Leave the parent's connections alone and start an empty pool; every forked child does this by itself.

        The old pool is kept, because closing an inherited SQLite handle in the child can drop the parent's locks.
        """
        _inherited.append(self._engine.pool)
        self._writing = threading.Lock()  # a thread of the parent may have held it
        self._engine.dispose(close=False)

    @contextmanager
    def _transaction(self, mode: str) -> Iterator[Connection]:
        try:
            with self._in_turn(mode), self.modes[mode].begin() as conn:
                yield conn
        except (DBAPIError, PoolTimeout) as error:
            if not _is_away(error):
                raise
            raise TryAgain(f"{self.where}: {_first_line(error)}") from error

    @contextmanager
    def _in_turn(self, mode: str) -> Iterator[None]:
        """Waits until no other thread writes, on SQLite; whoever waits too long is told so by SQLite itself."""
        if mode not in ("write", "migrate") or self.dialect != "sqlite":
            yield
            return
        got = self._writing.acquire(timeout=_BUSY_S)
        try:
            yield
        finally:
            if got:
                self._writing.release()


def now_sql(conn: Connection, now: datetime) -> ColumnElement[datetime]:
    """The lease clock as an SQL expression of type Instant: the server's own on PostgreSQL, `now` on SQLite.

    `statement_timestamp()` moves within a transaction and is still stable within a statement, so that an index
    serves a comparison with it; `clock_timestamp()` is volatile, and no index can.
    """
    return later_sql(conn, now, 0)


def later_sql(conn: Connection, now: datetime, seconds: float) -> ColumnElement[datetime]:
    """The lease clock plus so many seconds, as an SQL expression of type Instant; see `now_sql`."""
    if conn.dialect.name == "sqlite":
        return literal(now + timedelta(seconds=seconds), Instant())
    return server_clock(float(seconds) if seconds else None)


def server_clock(seconds: Any = None) -> ColumnElement[datetime]:
    """PostgreSQL's own clock, plus so many seconds (a float or an expression), as an SQL expression of type Instant."""
    clock: ColumnElement[Any] = func.statement_timestamp(type_=DateTime(timezone=True))
    if seconds is not None:
        clock = clock + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return type_coerce(clock, Instant())


def claim(
    conn: Connection,
    table: Table,
    ids: Sequence[int] | None,
    *,
    owner: str,
    lease_s: float,
    now: datetime,
    where: Sequence[ColumnElement[bool]] = (),
    order_by: Sequence[ColumnElement[Any]] = (),
    limit: int,
) -> list[Row[Any]]:
    """Lease up to `limit` rows to `owner` for `lease_s` seconds and give them as they are now, in the order of ids.

    Rows of `ids` (None: of the whole table) for which every condition of `where` holds and which nobody else holds;
    `order_by` says which come first when there are more. Each claim adds one to the row's `attempt`. Commit before
    the work that the lease is for. Two claimers at once never get the same row.
    """
    if ids is not None and not ids:
        return []
    clock = now_sql(conn, now)
    waiting = select(table.c.id).where(table.c.lease_until.is_(None) | (table.c.lease_until < clock), *where)
    if ids is not None:
        waiting = waiting.where(table.c.id.in_(ids))
    statement = claiming(
        table,
        waiting.order_by(*order_by, table.c.id).limit(limit),
        until=later_sql(conn, now, lease_s),
        owner=literal(owner),
    )
    return sorted(conn.execute(statement).all(), key=lambda row: int(row.id))


def claiming(table: Table, waiting: Select[Any], *, until: ColumnElement[Any], owner: ColumnElement[Any]) -> Update:
    """The statement that leases the rows of `waiting`, a query of ids, and gives them."""
    locked = waiting.with_for_update(skip_locked=True)
    # as a CTE it runs exactly once; a plain IN (SELECT … LIMIT) may be planned to run for every row
    picked = locked.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    return (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(lease_until=until, lease_owner=owner, attempt=table.c.attempt + 1)
        .returning(*table.c)
    )


def finish(
    conn: Connection,
    table: Table,
    row_id: int,
    *,
    owner: str,
    attempt: int,
    values: Mapping[str, Any],
    unless_set: Mapping[str, Any] | None = None,
) -> bool:
    """Write `values` and end the lease, if the row is still ours: same owner, same attempt.

    Of `unless_set` what the row has by now stays. False means that another has claimed or finished it since, and
    nothing was written.
    """
    kept = unless_set or {}
    known = {name: value for name, value in values.items() if not isinstance(value, ClauseElement)}
    statement = _finishing(table, tuple(sorted(known)), tuple(sorted(kept)))
    if len(known) < len(values):
        statement = statement.values({name: value for name, value in values.items() if name not in known})
    given = {f"new_{name}": value for name, value in {**known, **kept}.items()}
    return conn.execute(statement, {**given, "row": row_id, "owner": owner, "tried": attempt}).rowcount == 1


@lru_cache(maxsize=256)
def _finishing(table: Table, names: tuple[str, ...], kept: tuple[str, ...]) -> Update:
    """The statement of `finish`: making it takes longer than running it."""
    mine = (
        table.c.id == bindparam("row"),
        table.c.lease_owner == bindparam("owner"),
        table.c.attempt == bindparam("tried"),
    )
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    for name in kept:
        values[name] = func.coalesce(table.c[name], bindparam(f"new_{name}", type_=table.c[name].type))
    return update(table).where(*mine).values({"lease_until": None, "lease_owner": None, **values})


def _whole(dialect: str) -> dict[str, str]:
    """What makes a transaction see one state of all rows; SQLite's always do."""
    return {"isolation_level": "REPEATABLE READ"} if dialect == "postgresql" else {}


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise CannotHelp("the database URL cannot be read; write sqlite:///path or postgresql+psycopg://…") from None
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise CannotHelp(f"no support for {parsed.drivername}; write sqlite:///path or postgresql+psycopg://…")
    if parsed.database in (None, "", ":memory:") or parsed.query:
        raise CannotHelp("SQLite needs a file that several processes can open: write sqlite:///path")
    return parsed


def _without_secrets(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"SQLite {url.database}"
    host = url.host or url.query.get("host") or "the local socket"
    return f"PostgreSQL {url.database or ''} at {host}{f':{url.port}' if url.port else ''}"


def _open_sqlite(url: URL) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _BUSY_S}, pool_timeout=_BUSY_S)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # the driver's own BEGIN comes late and is deferred: two readers that then both write lose an update
    connection.isolation_level = None
    _enter_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal(connection: sqlite3.Connection) -> None:
    # changing the journal's mode ignores the busy timeout when another process does the same
    give_up_at = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)


def _begin_sqlite(conn: Connection) -> None:
    *before, begin = _SQLITE_BEGIN[conn.get_execution_options().get("watcher_mode", "write")]
    for statement in before:
        conn.exec_driver_sql(statement)
    if begin == "BEGIN" or not _begin_in_turn(conn.connection.dbapi_connection, begin):
        conn.exec_driver_sql(begin)


def _begin_in_turn(connection: Any, begin: str) -> bool:
    """Begin as soon as the other writers let us; False when they did not in time.

    SQLite itself looks again after ever longer pauses, of 100 ms in the end: with several writers most of the time
    nobody writes. Source: sqliteDefaultBusyCallback in SQLite's main.c.
    """
    give_up_at = time.monotonic() + _BUSY_S
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < give_up_at:
            try:
                connection.execute(begin)
                return True
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False  # let the driver say it once more, in its own error
                time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 (two writers should not look in step)
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={1000 * _BUSY_S:.0f}")


def _open_postgresql(url: URL) -> Engine:
    session = {
        "statement_timeout": _STATEMENT_MS,
        "lock_timeout": _LOCK_MS,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
        "timezone": "UTC",
    }
    asked = url.query.get("options", "")
    options = " ".join([*(f"-c {name}={value}" for name, value in session.items()), str(asked)]).strip()
    arguments = {
        "connect_timeout": _CONNECT_S,
        "application_name": "watcher",
        "options": options,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    try:
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_timeout=_BUSY_S,
            pool_recycle=1800,
            connect_args=arguments,
        )
    except ModuleNotFoundError:
        raise CannotHelp("PostgreSQL needs the driver: install biotech-watcher[postgres]") from None


def _is_away(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return True
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_AWAY
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        # psycopg has no SQLSTATE for a server that it never reached, or that left in the middle of a word
        return error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "ConnectionTimeout")
    return str(state).startswith(_POSTGRESQL_AWAY)


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else "no free connection in the pool"
    return str(cause).strip().partition("\n")[0]


def _check_foreign_keys(conn: Connection, where: str) -> None:
    broken = conn.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise CannotHelp(f"{where}: after the migration {len(broken)} rows of {broken[0][0]} point at nothing")


def _leave_pools_to_the_parent() -> None:
    for database in list(_open):
        database.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_pools_to_the_parent)
