"""Fixtures of real services; each starts when the first test asks for it and ends with the tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services import postgres, process
from services import valkey as valkey_service
from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink
from stage import Stage

from watcher import log
from watcher.store.database import Database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A running PostgreSQL cluster of this test process."""
    cluster = postgres.open_cluster()
    yield cluster
    postgres.close_cluster(cluster)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Postgres) -> str:
    """The name of a migrated database to copy."""
    name = postgres_server.create()
    database = Database(postgres_server.url(name))
    database.migrate()
    database.close()
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "watcher.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    name = postgres_server.create()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, on SQLite and then on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'watcher.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a new, migrated SQLite file."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'watcher.db')}"


@pytest.fixture
def postgres_migrated_url(postgres_server: postgres.Postgres, postgres_template: str) -> Iterator[str]:
    """The URL of a new, migrated PostgreSQL database."""
    name = postgres_server.create(template=postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, migrated database, on SQLite and then on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_migrated_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new, migrated database, on SQLite and then on PostgreSQL."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[valkey_service.Valkey]:
    """A running Valkey of this test process."""
    server = valkey_service.open_server()
    yield server
    valkey_service.close_server(server)


@pytest.fixture
def valkey(valkey_server: valkey_service.Valkey) -> valkey_service.Valkey:
    """An empty Valkey: `.broker_url` for Celery, `.url` for redis-py, `.client()`."""
    with valkey_server.client() as client:
        client.flushall()
    return valkey_server


@pytest.fixture
def smtp_inbox() -> Iterator[SmtpInbox]:
    """An SMTP server that keeps what it is sent."""
    inbox = SmtpInbox()
    inbox.start()
    yield inbox
    inbox.stop()


@pytest.fixture
def http_sink() -> Iterator[HttpSink]:
    """An HTTP server that keeps what it is sent and answers what it is told to."""
    sink = HttpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def feed_server() -> Iterator[HttpSink]:
    """An HTTP server for feeds: `serve(path, body)` answers 304 to its own validators."""
    server = HttpSink()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A headless Chromium (playwright's synchronous Browser); for one module, as it keeps an event loop running."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        process.missing("Chromium")
    from playwright.sync_api import sync_playwright  # only here: importing it costs half a second

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            headless=True,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def stage(
    database_url: str, valkey: Valkey, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path
) -> Iterator[Stage]:
    """A service on a new database, its processes not started."""
    opened = Stage(folder=tmp_path / "stage", database_url=database_url, valkey=valkey, web=http_sink, inbox=smtp_inbox)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Every test logs alike, whatever a test before it configured."""
    log.configure(level="INFO", json_lines=True)
