"""Real workers on a real Valkey: nudges travel, a lost broker loses no work, a full or evicting one is noticed."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from kombu import pools
from row_factories import add_feed, add_items
from services.valkey import Valkey
from structlog.testing import capture_logs

from watcher import pipeline, runtime
from watcher.errors import CannotHelp, TryAgain
from watcher.pipeline import Step
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import overview
from workers import alive, base, beat, tasks
from workers.app import KEY_PREFIX, app, configure
from workers.main import main, refuse_evicting_broker

Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def rt(chosen: Settings) -> Iterator[Runtime]:
    configure(chosen)
    _forget_connections()
    yield base.open_runtime()
    base.close_runtime()
    _forget_connections()


def _forget_connections() -> None:
    """Each test has a broker of its own, but the application and its pools are one."""
    pools.reset()
    app._after_fork()


def until(true: Callable[[], object], within_s: float = 30) -> bool:
    give_up_at = time.monotonic() + within_s
    while not true():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def waiting(valkey: Valkey, queue: str) -> int:
    with valkey.client() as client:
        return int(client.llen(KEY_PREFIX + queue))  # type: ignore[arg-type]


def messages(valkey: Valkey, queue: str) -> list[list[int]]:
    """The ids in each message of a queue, in the order in which they will be taken."""
    with valkey.client() as client:
        raw = client.lrange(KEY_PREFIX + queue, 0, -1)
    bodies = [json.loads(one)["body"] for one in reversed(list(raw))]  # type: ignore[arg-type]
    return [json.loads(base64.b64decode(body))[0][0] for body in bodies]


def unread(rt: Runtime) -> int:
    """Items that wait to be classified."""
    with rt.database.read() as conn:
        return int(overview.backlog(conn, datetime.now(UTC))["items"]["waiting"])


# ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nudges_go_to_the_queue_of_their_step_in_batches_and_each_id_once(rt: Runtime, valkey: Valkey) -> None:
    sent = base.publish({Step.ITEMS: [*range(120), 3], Step.FEEDS: list(range(22)), Step.DIGESTS: []})
    assert sent == 142
    assert [len(ids) for ids in messages(valkey, "items")] == [50, 50, 20]
    assert [len(ids) for ids in messages(valkey, "feeds")] == [20, 2]
    assert [one for ids in messages(valkey, "items") for one in ids] == list(range(120))
    assert waiting(valkey, "digests") == 0


def test_publishing_to_a_broker_that_is_away_gives_up_soon_and_does_not_raise(
    chosen: Settings, valkey: Valkey, rt: Runtime
) -> None:
    base.publish({Step.ITEMS: [1]})
    valkey.stop(signal.SIGKILL)
    try:
        began = time.monotonic()
        assert base.publish({Step.ITEMS: [1, 2]}) == 0
        assert base.publish({Step.ITEMS: [1, 2]}) == 0
        base.poke()
        assert base.without_long_queues({Step.ITEMS: [1]}) == {Step.ITEMS: [1]}
        assert time.monotonic() - began < 10
    finally:
        valkey.start()
    assert base.publish({Step.ITEMS: [1, 2]}) == 2


def test_publishing_to_a_full_broker_does_not_raise(rt: Runtime, valkey: Valkey) -> None:
    with valkey.client() as client:
        client.config_set("maxmemory", "1")
        try:
            assert base.publish({Step.ITEMS: [1]}) == 0
        finally:
            client.config_set("maxmemory", "0")


def test_the_sweep_adds_nothing_to_a_queue_that_is_long(rt: Runtime, valkey: Valkey) -> None:
    with valkey.client() as client:
        client.lpush(KEY_PREFIX + "items", *["x"] * (base.LONG_QUEUE + 1))
        client.lpush(KEY_PREFIX + "feeds", *["x"] * base.LONG_QUEUE)
    assert base.without_long_queues({Step.ITEMS: [1], Step.FEEDS: [2]}) == {Step.FEEDS: [2]}


def beat_once(after: int) -> None:
    """A beat whose next poke is due now, `after` earlier ones."""
    poker = beat.Poker(app=app)
    for _ in range(after + 1):
        (entry,) = poker.schedule.values()
        poker.apply_entry(entry, producer=poker.producer)


def test_the_beat_adds_no_poke_while_two_wait(rt: Runtime, valkey: Valkey) -> None:
    beat_once(after=5)
    assert waiting(valkey, "sweep") == 2
    with valkey.client() as client:
        raw = client.lpop(KEY_PREFIX + "sweep")
    assert json.loads(raw)["headers"]["expires"] is None  # type: ignore[arg-type]
    beat_once(after=0)
    assert waiting(valkey, "sweep") == 2


def test_the_beat_pokes_when_the_broker_cannot_be_asked(
    rt: Runtime, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with valkey.client() as client:
        client.set(KEY_PREFIX + "sweep", "no list")  # asking for its length is an error
    beat_once(after=0)
    assert "Couldn't apply scheduled task sweep" in caplog.text


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bug_in_a_step_ends_the_task_quietly_and_is_logged_with_its_ids(rt: Runtime) -> None:
    def broken(_rt: Runtime, _ids: object) -> pipeline.Nudges:
        raise ZeroDivisionError("a bug")

    with capture_logs() as logs:
        tasks.items.step(broken, [7, 8])
    assert [(one["event"], one["task"], one["ids"], one["count"]) for one in logs] == [
        ("a task failed; its rows are left to the sweep", "watcher.items", [7, 8], 2)
    ]


def test_a_step_that_ran_out_of_time_is_told_as_that_and_not_as_a_bug(rt: Runtime) -> None:
    def endless(_rt: Runtime, _ids: object) -> pipeline.Nudges:
        raise SoftTimeLimitExceeded

    with capture_logs() as logs:
        tasks.items.step(endless, [7, 8])
    assert [(one["log_level"], one["event"], one["task"], one["ids"]) for one in logs] == [
        ("warning", "ran out of time; its rows are left to the sweep", "watcher.items", [7, 8])
    ]
    assert rt.interrupts == (SoftTimeLimitExceeded,)


def test_machinery_that_is_away_is_tried_again_three_times_and_then_left_to_the_sweep(
    rt: Runtime, valkey: Valkey
) -> None:
    tried = []

    def away(_rt: Runtime, ids: object) -> pipeline.Nudges:
        tried.append(ids)
        raise TryAgain("the database is away")

    for retries in range(base.TRIES):
        tasks.items.push_request(retries=retries, args=([7],), kwargs={}, called_directly=False, is_eager=False)
        with pytest.raises(Exception, match="Retry in"):
            tasks.items.step(away, [7])
        tasks.items.pop_request()
    tasks.items.push_request(retries=base.TRIES, args=([7],), kwargs={}, called_directly=False)
    tasks.items.step(away, [7])
    tasks.items.pop_request()
    assert len(tried) == 4
    assert waiting(valkey, "items") == 3


# ── real workers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_sweeps_at_its_start_classifies_what_waits_and_ends_in_order(
    rt: Runtime, run: Run, tmp_path: Path, chosen: Settings
) -> None:
    add_items(rt.database, add_feed(rt.database), "one", "two", "three")
    worker = run("worker")
    assert until(lambda: unread(rt) == 0), (tmp_path / "worker.log").read_text()
    assert until(alive.path(chosen).exists)
    with rt.database.read() as conn:
        assert overview.beat_at(conn, "sweep") is not None
    began = time.monotonic()
    worker.terminate()
    assert worker.wait(20) == 0
    assert time.monotonic() - began < 15
    log = (tmp_path / "worker.log").read_text()
    assert "superuser" not in log
    assert "Traceback" not in log


def test_the_beat_pokes_and_a_worker_of_one_queue_takes_only_that(
    rt: Runtime, run: Run, valkey: Valkey, tmp_path: Path
) -> None:
    add_items(rt.database, add_feed(rt.database), "one")
    run("worker", "--queues", "sweep", "--processes", "1")
    beat = run("beat")
    assert until(lambda: waiting(valkey, "items") >= 2), (tmp_path / "beat.log").read_text()
    assert unread(rt) == 1
    beat.terminate()
    assert beat.wait(10) == 0


def test_a_worker_comes_through_a_broker_that_forgets_everything_and_one_that_restarts(
    rt: Runtime, run: Run, valkey: Valkey, tmp_path: Path
) -> None:
    feed = add_feed(rt.database)
    run("worker")
    run("beat")
    add_items(rt.database, feed, "one")
    assert until(lambda: unread(rt) == 0), (tmp_path / "worker.log").read_text()
    with valkey.client() as client:
        client.flushall()
    add_items(rt.database, feed, "two")
    assert until(lambda: unread(rt) == 0), (tmp_path / "worker.log").read_text()
    valkey.stop(signal.SIGKILL)
    add_items(rt.database, feed, "three")
    time.sleep(1)
    valkey.start()
    assert until(lambda: unread(rt) == 0, 40), (tmp_path / "worker.log").read_text()


# ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_a_broker_that_may_evict_is_refused(chosen: Settings, valkey: Valkey, policy: str) -> None:
    application = configure(chosen)
    with valkey.client() as client:
        client.config_set("maxmemory-policy", policy)
        try:
            with pytest.raises(CannotHelp, match=f"maxmemory-policy is {policy}"):
                refuse_evicting_broker(application)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    refuse_evicting_broker(application)


def test_a_broker_that_is_away_is_waited_for_and_not_refused(chosen: Settings, tmp_path: Path) -> None:
    refuse_evicting_broker(configure(runtime_settings(chosen, tmp_path / "none.sock")))


def runtime_settings(chosen: Settings, socket: Path) -> Settings:
    return replace(chosen, redis_url=f"unix://{socket}")


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"WATCHER_BATCH": "many"}, "WATCHER_BATCH: cannot be used (write a whole number)"),
        ({"WATCHER_LEASE_S": "60"}, "Celery's settings are not the required ones: lease_s"),
    ],
)
def test_a_worker_that_cannot_work_says_why_and_ends_with_status_one(
    run: Run, environ: dict[str, str], told: str, tmp_path: Path
) -> None:
    assert run("worker", **environ).wait(30) == 1
    assert told in (tmp_path / "worker.log").read_text()


@pytest.mark.parametrize("duty", ["worker", "beat"])
def test_a_bad_watcher_yml_is_told_with_all_its_mistakes_and_stops_nothing(
    rt: Runtime, run: Run, valkey: Valkey, tmp_path: Path, duty: str
) -> None:
    (tmp_path / "watcher.yml").write_text("feeds: [x]\nopps: []\n")
    if duty == "worker":
        add_items(rt.database, add_feed(rt.database), "one")
    process = run(duty, WATCHER_RULES_DIR=str(tmp_path / "rules"))
    log = tmp_path / f"{duty}.log"
    if duty == "worker":
        assert until(lambda: unread(rt) == 0), log.read_text()
    else:
        assert until(lambda: waiting(valkey, "sweep") > 0), log.read_text()
    assert process.poll() is None
    told = log.read_text()
    assert "watcher.yml refused, the last good one stays" in told
    assert "watcher.yml:1: 'x' is no web address" in told
    assert "watcher.yml:2: unknown key 'opps'" in told


def test_a_queue_that_does_not_exist_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["worker", "--queues", "feeds,itms"])
    assert caught.value.code == 2
    assert "no queue itms; there are feeds, pushes, hubs, items, pages, events" in capsys.readouterr().err


def test_a_runtime_is_opened_once_in_each_process(rt: Runtime) -> None:
    assert base.open_runtime() is rt
    base.close_runtime()
    again = base.open_runtime()
    assert again is not rt
    assert isinstance(again, runtime.Runtime)
