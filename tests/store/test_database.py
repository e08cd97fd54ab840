"""Transactions, leases and migrations, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from services import postgres
from sqlalchemy import JSON, Boolean, Connection, Integer, LargeBinary, String, Table, func, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from watcher.errors import CannotHelp, TryAgain
from watcher.store import schema
from watcher.store.database import Database, claim, finish, later_sql, now_sql
from watcher.store.schema import Instant, beats, digests, feeds, metadata
from watcher.store.schema_version import alembic_config

LEASED = [table for table in metadata.sorted_tables if "lease_until" in table.c]


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def _add_digests(database: Database, count: int, now: datetime) -> None:
    rows = [
        {"key": f"k{n}", "subscription_id": "s", "window": str(n), "closes_at": now, "immediate": False}
        for n in range(1, count + 1)
    ]
    with database.write() as conn:
        conn.execute(digests.insert(), [{**row, "created_at": now} for row in rows])


def _claim(database: Database, owner: str, now: datetime, *, lease_s: float = 60, limit: int = 50) -> list[int]:
    with database.write() as conn:
        return [row.id for row in claim(conn, digests, None, owner=owner, lease_s=lease_s, now=now, limit=limit)]


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_that_raises_leaves_nothing_behind(database: Database, now: datetime) -> None:
    with pytest.raises(RuntimeError), database.write() as conn:
        conn.execute(beats.insert().values(name="sweep", at=now))
        raise RuntimeError
    with database.read() as conn:
        assert conn.execute(select(func.count()).select_from(beats)).scalar_one() == 0


def test_a_reading_transaction_cannot_write(database: Database, now: datetime) -> None:
    with pytest.raises(Exception, match=r"read-?only"), database.read() as conn:
        conn.execute(beats.insert().values(name="sweep", at=now))
    with database.write() as conn:
        conn.execute(beats.insert().values(name="sweep", at=now))


def test_a_reading_transaction_sees_one_moment_on_sqlite(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    with database.read() as reading:
        before = reading.execute(select(func.count()).select_from(beats)).scalar_one()
        with database.write() as writing:
            writing.execute(beats.insert().values(name="sweep", at=now))
        assert reading.execute(select(func.count()).select_from(beats)).scalar_one() == before == 0
    database.close()


def test_a_foreign_key_to_nowhere_is_refused(database: Database, now: datetime) -> None:
    row = {"subscription_id": "s", "event_id": 9, "revision": 1, "reason": "r", "digest_id": 9, "created_at": now}
    with pytest.raises(IntegrityError), database.write() as conn:
        conn.execute(schema.alerts.insert().values(row))


@pytest.mark.parametrize("pragma, value", [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_sqlite_is_opened_for_many_processes_and_lasting_commits(sqlite_url: str, pragma: str, value: object) -> None:
    with Database(sqlite_url).write() as conn:
        assert conn.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
        assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar_one() >= 5000


def test_a_second_writer_on_sqlite_waits_for_the_first_one(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    order: list[str] = []

    def second() -> None:
        with database.write() as conn:
            order.append("second begins")
            conn.execute(beats.insert().values(name="second", at=now))

    thread = threading.Thread(target=second)
    with database.write() as conn:
        thread.start()
        time.sleep(0.2)
        conn.execute(beats.insert().values(name="first", at=now))
        order.append("first ends")
    thread.join(10)
    assert order == ["first ends", "second begins"]
    database.close()


COUNTING = """
import sys
from datetime import UTC, datetime
from sqlalchemy import select, update
from watcher.store.database import Database
from watcher.store.schema import feeds
database = Database(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with database.write() as conn:
        count = conn.execute(select(feeds.c.error_count).where(feeds.c.id == 1)).scalar_one()
        conn.execute(update(feeds).where(feeds.c.id == 1).values(error_count=count + 1))
"""


def _add_feed(database: Database, now: datetime) -> None:
    with database.write() as conn:
        conn.execute(
            feeds.insert().values(
                url="http://a.example/",
                asked_url="http://a.example/",
                tags=[],
                alert_history="none",
                headers={},
                origin="file",
            ),
            {"created_at": now, "next_poll_at": now},
        )


def test_four_processes_lose_no_update_on_sqlite(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    _add_feed(database, now)
    counting = [sys.executable, "-c", COUNTING, sqlite_url, "300"]
    processes = [subprocess.Popen(counting, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate(timeout=120)[1].decode() for process in processes]
    with database.read() as conn:
        assert ("".join(errors), conn.execute(select(feeds.c.error_count)).scalar_one()) == ("", 1200)
    database.close()


# ── a database that is away or busy ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://watcher:hunter2@127.0.0.1:1/watcher",
        "postgresql://watcher:hunter2@127.0.0.1:1/watcher?password=hunter2",
        "postgres://watcher:hunter2@no-such-host.invalid/watcher",
    ],
)
def test_a_server_that_is_away_is_worth_another_try_and_its_password_stays_secret(url: str) -> None:
    with pytest.raises(TryAgain) as caught, Database(url).read():
        pass
    assert "hunter2" not in str(caught.value)
    assert "PostgreSQL watcher at " in str(caught.value)


def test_a_server_that_dies_and_comes_back_is_used_again() -> None:
    cluster = postgres.open_cluster()
    try:
        database = Database(cluster.url("postgres"))
        with pytest.raises(TryAgain), database.read() as conn:
            cluster.stop(signal.SIGQUIT)
            conn.execute(select(1))
        with pytest.raises(TryAgain), database.read() as conn:
            conn.execute(select(1))
        cluster.start()
        with database.read() as conn:
            assert conn.execute(select(1)).scalar_one() == 1
        database.close()
    finally:
        postgres.close_cluster(cluster)


def test_a_locked_sqlite_file_is_worth_another_try(
    sqlite_url: str, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.store.database._BUSY_S", 0.1)
    database = Database(sqlite_url)
    with database.write(), pytest.raises(TryAgain, match="database is locked"), Database(sqlite_url).write():
        pass
    database.close()


def test_a_wrong_statement_is_a_bug_and_not_worth_another_try(database: Database) -> None:
    with pytest.raises(Exception, match="nowhere") as caught, database.read() as conn:
        conn.execute(text("SELECT * FROM nowhere"))
    assert not isinstance(caught.value, TryAgain)


def test_an_error_never_shows_the_values_of_the_statement(database: Database, now: datetime) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as conn:
        for _ in range(2):
            conn.execute(beats.insert().values(name="hunter2" if database.dialect == "sqlite" else "x", at=now))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:", "no url: hunter2", "sqlite:///a.db?mode=ro", ""],
)
def test_a_url_that_we_cannot_serve_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(CannotHelp, match="sqlite:///path") as caught:
        Database(url)
    assert "hunter2" not in str(caught.value)


def test_a_forked_child_uses_connections_of_its_own(database: Database, now: datetime) -> None:
    with database.write() as conn:
        conn.execute(beats.insert().values(name="parent", at=now))
        inherited = conn.connection.driver_connection
    child = os.fork()
    if child == 0:
        with database.write() as conn:
            conn.execute(beats.insert().values(name="child", at=now))
            own = conn.connection.driver_connection is not inherited
        os._exit(0 if own else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.read() as conn:
        assert conn.connection.driver_connection is inherited
        assert conn.execute(select(beats.c.name).order_by(beats.c.name)).scalars().all() == ["child", "parent"]


# ── instants ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_instant_comes_back_as_it_went_in_but_in_utc(database: Database) -> None:
    at = datetime(2026, 11, 22, 7, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with database.write() as conn:
        conn.execute(beats.insert().values(name="a", at=at))
        stored = conn.execute(select(beats.c.at)).scalar_one()
    assert (stored, stored.tzinfo, stored.hour, stored.microsecond) == (at, UTC, 23, 123456)


def test_instants_are_ordered_in_time_whatever_their_zone_and_fraction(database: Database) -> None:
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    times = [
        datetime(999, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 22, 10, 0, tzinfo=east),
        datetime(2026, 11, 21, 20, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 21, 8, 0, 1, tzinfo=west),
        datetime(2026, 11, 21, 20, 0, 1, 1, tzinfo=UTC),
    ]
    with database.write() as conn:
        conn.execute(beats.insert(), [{"name": str(n), "at": times[n]} for n in (3, 0, 4, 2, 1)])
        assert conn.execute(select(beats.c.name).order_by(beats.c.at)).scalars().all() == ["0", "1", "2", "3", "4"]
        later = conn.execute(select(beats.c.name).where(beats.c.at > times[2]).order_by(beats.c.at)).scalars().all()
        assert later == ["3", "4"]


def test_a_naive_datetime_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 22, 8, 0)  # noqa: DTZ001 - what is refused here
    with pytest.raises(StatementError, match="naive datetime"), database.write() as conn:
        conn.execute(beats.insert().values(name="a", at=naive))


def test_the_lease_clock_is_the_servers_own_on_postgresql_and_ours_on_sqlite(database: Database) -> None:
    wrong = datetime(2001, 2, 3, tzinfo=UTC)
    with database.read() as conn:
        clock = conn.execute(select(now_sql(conn, wrong))).scalar_one()
        later = conn.execute(select(later_sql(conn, wrong, 90.5))).scalar_one()
    if database.dialect == "sqlite":
        assert (clock, later) == (wrong, wrong + timedelta(seconds=90.5))
    else:
        assert abs(clock - datetime.now(UTC)) < timedelta(seconds=30)
        assert timedelta(seconds=90.5) <= later - clock < timedelta(seconds=95)


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_claimers_at_once_get_each_row_exactly_once(database: Database, now: datetime) -> None:
    _add_digests(database, 120, now)

    def take(number: int) -> list[int]:
        taken: list[int] = []
        while got := _claim(database, f"w{number}", now, limit=7):
            taken += got
        return taken

    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(take, range(8)))
    # an empty answer may also mean that others were holding the rest at that moment
    rest = _claim(database, "last", now, limit=200)
    assert sorted(sum(shares, rest)) == list(range(1, 121))


def test_a_claim_says_who_holds_the_row_until_when_for_which_time(database: Database, now: datetime) -> None:
    _add_digests(database, 1, now)
    with database.write() as conn:
        [row] = claim(conn, digests, [1], owner="me", lease_s=60, now=now, limit=1)
    assert (row.lease_owner, row.attempt, row.key) == ("me", 1, "k1")
    assert timedelta(seconds=59) < row.lease_until - now < timedelta(seconds=65)


def test_a_held_row_is_given_again_when_its_lease_has_ended(database: Database, now: datetime) -> None:
    _add_digests(database, 1, now)
    assert _claim(database, "first", now, lease_s=0.2) == [1]
    assert _claim(database, "second", now) == []
    time.sleep(0.25)
    with database.write() as conn:
        [row] = claim(conn, digests, [1], owner="second", lease_s=60, now=now + timedelta(seconds=1), limit=1)
    assert (row.lease_owner, row.attempt) == ("second", 2)


def test_a_claim_takes_only_what_was_asked_for_first_things_first(database: Database, now: datetime) -> None:
    _add_digests(database, 6, now)
    with database.write() as conn:
        rows = claim(
            conn,
            digests,
            [6, 4, 3, 2, 99],
            owner="me",
            lease_s=60,
            now=now,
            where=[digests.c.key != "k3"],
            order_by=[digests.c.key.desc()],
            limit=2,
        )
        assert [row.id for row in rows] == [4, 6]
        assert claim(conn, digests, [], owner="me", lease_s=60, now=now, limit=2) == []


def test_a_finish_writes_its_values_and_frees_the_row_once(database: Database, now: datetime) -> None:
    _add_digests(database, 1, now)
    _claim(database, "me", now)
    with database.write() as conn:
        assert finish(conn, digests, 1, owner="me", attempt=1, values={"closed_at": now})
        assert not finish(conn, digests, 1, owner="me", attempt=1, values={"closed_at": None})
        row = conn.execute(select(digests)).one()
    assert (row.closed_at, row.lease_until, row.lease_owner, row.attempt) == (now, None, None, 1)


@pytest.mark.parametrize("owner, attempt", [("old", 1), ("old", 2), ("new", 1), ("new", 3)])
def test_a_finish_that_comes_too_late_writes_nothing(
    database: Database, now: datetime, owner: str, attempt: int
) -> None:
    _add_digests(database, 1, now)
    _claim(database, "old", now, lease_s=-1)
    _claim(database, "new", now)
    with database.write() as conn:
        assert not finish(conn, digests, 1, owner=owner, attempt=attempt, values={"closed_at": now})
        row = conn.execute(select(digests)).one()
    assert (row.closed_at, row.lease_owner, row.attempt) == (None, "new", 2)


@pytest.mark.parametrize("table", LEASED, ids=lambda table: table.name)
def test_every_table_with_a_lease_can_be_claimed_and_finished(database: Database, now: datetime, table: Table) -> None:
    with database.write() as conn:
        _disable_references(conn)
        conn.execute(table.insert().values(_minimal_row(table, now)))
        [row] = claim(conn, table, [1], owner="me", lease_s=60, now=now, limit=1)
        assert finish(conn, table, 1, owner="me", attempt=row.attempt, values={})
        conn.execute(table.delete())  # it points at rows that never were


def _minimal_row(table: Table, now: datetime) -> dict[str, object]:
    samples: dict[type, object] = {Instant: now, JSON: {}, Boolean: False, Integer: 1, LargeBinary: b"x", String: "x"}
    return {
        column.name: next(value for kind, value in samples.items() if isinstance(column.type, kind))
        for column in table.c
        if not column.nullable and column.server_default is None
    }


def _disable_references(conn: Connection) -> None:
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    else:
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")


def test_a_claim_on_postgresql_finds_its_rows_by_the_backlogs_index(postgres_migrated_url: str, now: datetime) -> None:
    database = Database(postgres_migrated_url)
    with database.write() as conn:
        conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
        query = select(feeds.c.id).where(
            text("retired_at IS NULL AND disabled_reason IS NULL"), feeds.c.next_poll_at <= now_sql(conn, now)
        )
        compiled = query.compile(conn, compile_kwargs={"literal_binds": True})
        plan = "\n".join(conn.exec_driver_sql(f"EXPLAIN {compiled}").scalars())
    assert "ix_feeds_due" in plan
    assert "Index Cond: (next_poll_at <= statement_timestamp())" in plan
    database.close()


# ── migrations ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.close()


def test_the_migrations_make_what_the_schema_says(database: Database) -> None:
    with database.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


CATALOGUE = {
    "sqlite": ["SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name <> :version"],
    "postgresql": [
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> :version",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text <> :version"
        " AND connamespace = 'public'::regnamespace",
        "SELECT table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> :version",
    ],
}


def _catalogue(database: Database) -> list[tuple[str, str]]:
    with database.read() as conn:
        return sorted(
            (name, definition)
            for query in CATALOGUE[database.dialect]
            for name, definition in conn.execute(text(query), {"version": "alembic_version"})
        )


def test_the_migrations_make_the_same_indexes_and_constraints_to_the_letter(empty: Database) -> None:
    with empty.write() as conn:
        metadata.create_all(conn)
    wanted = _catalogue(empty)
    with empty.write() as conn:
        metadata.drop_all(conn)
    empty.migrate()
    assert _catalogue(empty) == wanted
    assert ("ix_feeds_due" in dict(wanted)) and len(wanted) > 5


def test_a_database_is_current_only_after_its_migration(empty: Database) -> None:
    assert not empty.current()
    empty.migrate()
    assert empty.current()
    empty.migrate()
    assert empty.current()


def test_asking_whether_a_sqlite_file_is_current_does_not_make_it(tmp_path: Path) -> None:
    assert not Database(f"sqlite:///{tmp_path / 'none.db'}").current()
    assert list(tmp_path.iterdir()) == []


def test_a_migration_makes_the_folder_of_the_file(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'var' / 'deep' / 'watcher.db'}")
    database.migrate()
    assert database.current()
    database.close()


def test_processes_that_migrate_at_once_all_succeed(empty_url: str) -> None:
    code = "import sys; from watcher.store.database import Database; Database(sys.argv[1]).migrate()"
    processes = [subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE) for _ in range(3)]
    results = [(process.communicate(timeout=60)[1].decode(), process.returncode) for process in processes]
    assert results == [("", 0)] * 3
    assert Database(empty_url).current()


def test_a_migration_that_fails_leaves_no_half(empty: Database) -> None:
    with empty.write() as conn:
        conn.exec_driver_sql("CREATE TABLE matches (id INTEGER)")
    with pytest.raises(Exception, match="matches"):
        empty.migrate()
    with empty.read() as conn:
        assert inspect(conn).get_table_names() == ["matches"]


def test_a_database_of_a_newer_version_is_left_alone(database: Database) -> None:
    with database.write() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    assert not database.current()
    with pytest.raises(CannotHelp, match="newer version"):
        database.migrate()


def test_the_first_migration_can_be_undone(database: Database) -> None:
    config = alembic_config()
    with database.write() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "base")
    with database.read() as conn:
        assert inspect(conn).get_table_names() == ["alembic_version"]


def test_many_openings_of_a_new_sqlite_file_agree_on_the_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "new.db"

    def look(_: int) -> str:
        database = Database(f"sqlite:///{path}")
        with database.write() as conn:
            mode = conn.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        database.close()
        return str(mode)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(24))) == {"wal"}
