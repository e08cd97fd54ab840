"""Health for machines: green, red with a reason for those who may know it, and never a word to strangers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from reading import PASSWORD_HASH, at_desk, served
from services.valkey import Valkey

from watcher import runtime
from watcher.pipeline import Step, checks, reload_state
from watcher.pipeline.reload_state import Files
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import canaries, overview
from watcher.store.schema import canaries as canary_rows

ALL = ("database", "broker", "disk", "clock", "sweep", "workers", "canary", "rules")


@pytest.fixture
def rt(database_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Runtime]:
    chosen = Settings(
        database_url=database_url, redis_url=valkey.broker_url, data_dir=tmp_path, admin_password=PASSWORD_HASH
    )
    opened = runtime.open(chosen)
    well(opened)
    yield opened
    opened.close()


def well(rt: Runtime, *, ago_s: float = 1, canary_ago_s: float = 1) -> None:
    """Rows as a service that works leaves them."""
    now = rt.clock()
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=now - timedelta(seconds=ago_s))
        sent_at = now - timedelta(seconds=canary_ago_s)
        made = canaries.start(conn, every_s=0.001, now=sent_at)
        assert made is not None
        names = ("stored_at", "event_at", "alert_at", "written_at", "arrived_at")
        canaries.note(conn, made, dict.fromkeys(names, sent_at))
        for step in Step:
            overview.record_beat(conn, f"queue:{step}", now=sent_at)


def read_at_desk(rt: Runtime) -> tuple[int, dict[str, str]]:
    with at_desk(rt) as client:
        answer = client.get("/readyz")
    return answer.status_code, {name: said for name, said in answer.json()["checks"].items() if said != "ok"}


def test_healthz_answers_whatever_else_is_broken(tmp_path: Path) -> None:
    broken = runtime.open(Settings(data_dir=tmp_path / "none", redis_url="unix:///nowhere.sock"))
    with served(broken) as client:
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    broken.close()


def test_readyz_is_green_when_every_check_is_well(rt: Runtime) -> None:
    with served(rt) as client:
        answer = client.get("/readyz")
    assert answer.json() == {"ready": True, "checks": dict.fromkeys(ALL, "ok")}
    assert answer.status_code == 200


def test_a_stranger_learns_which_check_fails_and_the_operator_why(rt: Runtime) -> None:
    well(rt, ago_s=61.5)
    with served(rt) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": dict.fromkeys(ALL, "ok") | {"sweep": "bad"}}
    assert read_at_desk(rt) == (
        503,
        {"sweep": "the last sweep was 62 s ago, more than 60: is a worker running?"},
    )


def test_a_late_canary_is_red_with_the_queue_where_it_waits(rt: Runtime) -> None:
    now = rt.clock()
    with rt.database.write() as conn:
        made = canaries.start(conn, every_s=0.001, now=now - timedelta(seconds=75))
        assert made is None  # one is newer
        conn.execute(canary_rows.insert().values(started_at=now - timedelta(seconds=75), stored_at=now))
    status, red = read_at_desk(rt)
    assert status == 503
    assert red == {"canary": "a canary was sent 75 s ago and has not passed the queue `items`"}


def test_queues_that_nobody_reads_are_named(rt: Runtime) -> None:
    with rt.database.write() as conn:
        for queue in ("pages", "hubs"):
            overview.record_beat(conn, f"queue:{queue}", now=rt.clock() - timedelta(seconds=111))
    assert read_at_desk(rt)[1] == {"workers": "nobody takes messages from hubs, pages for more than 110 s"}


def test_refused_rules_are_red_until_good_ones_are_taken(rt: Runtime) -> None:
    reload_state.note(rt, Files.RULES, version="v1", mistakes=["a.yml:3: no such list"])
    told = "the rule files are refused, the last good ones stay: a.yml:3: no such list"
    assert read_at_desk(rt)[1] == {"rules": told}
    reload_state.note(rt, Files.RULES, version="v2")
    assert read_at_desk(rt) == (200, {})


def test_a_full_disk_is_red(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "DISK_FREE_BYTES", 2**60)
    assert "MiB are free for the data folder, less than" in checks.run(rt)["disk"]


def test_a_clock_that_went_back_is_red(rt: Runtime) -> None:
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=rt.clock() + timedelta(seconds=90))
    assert checks.run(rt)["clock"] == "the last sweep lies 90 s in its future"


def test_the_schema_is_old_and_the_broker_away(empty_url: str, tmp_path: Path) -> None:
    rt = runtime.open(Settings(database_url=empty_url, redis_url="redis://:hunter2@127.0.0.1:1/0", data_dir=tmp_path))
    found = checks.run(rt)
    with served(rt) as client:
        answer = client.get("/readyz")
    rt.close()
    assert found["database"] == "its schema is not the newest: run `watcher migrate`"
    assert found["broker"] == "ConnectionError: the broker does not answer"
    assert answer.status_code == 503
    assert answer.json()["checks"] == dict.fromkeys(ALL, "ok") | {"database": "bad", "broker": "bad"}


def test_readyz_answers_when_the_database_is_away(valkey: Valkey, tmp_path: Path) -> None:
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/none"
    rt = runtime.open(Settings(database_url=url, redis_url=valkey.broker_url, data_dir=tmp_path))
    with served(rt) as client:
        answer: httpx.Response = client.get("/readyz", headers={"authorization": "Bearer wat_x"})
    rt.close()
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "bad"
    assert "hunter2" not in answer.text
