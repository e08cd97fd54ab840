"""The same tables once more, empty and out of the way: for rows that no list, count or reader may ever meet.

On PostgreSQL they are in a schema of their own, which every transaction puts in place of the usual one; on SQLite in a
file beside the database's. Nothing in them is worth keeping: another version of the tables is another place.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, event, func, select, text
from sqlalchemy.exc import DBAPIError

from watcher.errors import CannotHelp
from watcher.store.database import Database
from watcher.store.schema import metadata

_OPTION = "watcher_place"
_MAKING_KEY = 0x61706172
"""The advisory lock of PostgreSQL under which a place is made; any number that is ours alone."""


def open_apart(database: Database, name: str) -> Database:
    """The place of that name beside the database, its tables made; what connects is shared where it can be.

    Raises CannotHelp when the database's user may not make a schema, TryAgain when the database is away.
    """
    place = f"watcher_{name}_{_version()}"
    if database.path is not None:
        apart = Database(f"sqlite:///{database.path.with_name(place)}.db")
    else:
        apart = _Schema(database, place)
    try:
        with apart.write() as conn:
            if apart.dialect == "postgresql":
                conn.execute(select(func.pg_advisory_xact_lock(_MAKING_KEY)))
                conn.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{place}"'))
            metadata.create_all(conn)
    except DBAPIError as error:
        raise CannotHelp(f"{database.where}: no place for {name}: {str(error.orig).splitlines()[0]}") from error
    return apart


def empty(conn: Connection, *, but: tuple[str, ...]) -> None:
    """Remove every row of a place, save those of the tables named."""
    for table in reversed(metadata.sorted_tables):
        if table.name not in but:
            conn.execute(table.delete())


def _version() -> str:
    """A mark of what the tables look like."""
    looks = [f"{table.name}.{column.name} {column.type!r}" for table in metadata.sorted_tables for column in table.c]
    return hashlib.sha256("\n".join(looks).encode()).hexdigest()[:8]


class _Schema(Database):
    """A schema of a PostgreSQL database, over that database's own pool of connections."""

    def __init__(self, database: Database, schema: str) -> None:
        self.dialect, self.where, self.path = database.dialect, f"{database.where}, {schema}", None
        self.modes = {mode: engine.execution_options(**{_OPTION: schema}) for mode, engine in database.modes.items()}
        for engine in self.modes.values():
            if not event.contains(engine, "begin", _enter):
                event.listen(engine, "begin", _enter)

    def close(self) -> None:
        """The connections are the database's."""

    def after_fork(self) -> None:
        """The pool is the database's."""


def _enter(conn: Connection) -> None:
    place = conn.get_execution_options().get(_OPTION)
    if place:
        conn.exec_driver_sql(f'SET LOCAL search_path TO "{place}"')
