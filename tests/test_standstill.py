"""A child of `watcher up` that runs and does nothing is started again; one that waits for its broker is left alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watcher import supervisor
from watcher.settings import Settings
from watcher.supervisor import Supervisor

ALIVE = (
    sys.executable,
    "-c",
    "import os, pathlib, time\n"
    "file = pathlib.Path(os.environ['WATCHER_DATA_DIR'], 'alive-worker')\n"
    "while True:\n    file.touch()\n    time.sleep(0.1)",
)


def until(true: Callable[[], object], within_s: float = 15) -> bool:
    give_up_at = time.monotonic() + within_s
    while not true():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    monkeypatch.setattr(supervisor, "COMMANDS", {"worker": ALIVE})
    opened = Supervisor(
        Settings(data_dir=tmp_path, stall_s=2.0), services=("worker",), env={"WATCHER_DATA_DIR": str(tmp_path)}
    )
    opened.start()
    assert until((tmp_path / "alive-worker").exists)
    yield opened
    opened.stop()


def test_a_stopped_worker_is_started_again(up: Supervisor) -> None:
    before = up.pids()["worker"]
    time.sleep(1.5)
    assert up.pids()["worker"] == before
    os.killpg(before, signal.SIGSTOP)
    assert until(lambda: up.pids().get("worker", before) != before)


def test_a_worker_without_a_broker_is_left_alone(up: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    before = up.pids()["worker"]
    monkeypatch.setattr(supervisor.embedded, "fault", lambda _settings: "away")
    os.killpg(before, signal.SIGSTOP)
    time.sleep(2.5)
    left_alone = up.pids()["worker"] == before
    os.killpg(before, signal.SIGCONT)
    assert left_alone
