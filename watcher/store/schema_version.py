"""Alembic around the folder of migrations: bring a connection's schema to the newest one, and say whether it is there.

Importing Alembic costs a quarter of a second, so `watcher.store.database` imports this module only when it migrates.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from watcher.errors import CannotHelp

_MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config() -> Config:
    """What Alembic needs to know; its commands want a connection in `.attributes["connection"]`."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """The newest migration."""
    return str(ScriptDirectory.from_config(alembic_config()).get_current_head())


def of(conn: Connection) -> str | None:
    """The migration that the schema is at; None of a database without tables of ours."""
    return MigrationContext.configure(conn).get_current_revision()


def is_known(revision: str) -> bool:
    """Whether this version of the program knows the migration."""
    return revision in {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def upgrade(conn: Connection, *, where: str, to: str = "head") -> None:
    """Run the missing migrations in this transaction; raises CannotHelp when the schema is of a newer version."""
    config = alembic_config()
    config.attributes["connection"] = conn
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise CannotHelp(f"{where}: {error}; was it migrated by a newer version?") from error


def is_newest(conn: Connection) -> bool:
    """Whether the schema is at the newest migration."""
    return set(MigrationContext.configure(conn).get_current_heads()) == _heads()


@cache
def _heads() -> frozenset[str]:
    """Those of this program; read once, since every health check asks."""
    return frozenset(ScriptDirectory.from_config(alembic_config()).get_heads())
