"""The process tree of `watcher up`: real processes, ended in order, restarted, and never left behind."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watcher import embedded, guardian, supervisor
from watcher.errors import CannotHelp
from watcher.settings import Settings
from watcher.supervisor import Supervisor, retry_after_s

SLEEPER = (
    sys.executable,
    "-c",
    "import subprocess, time; subprocess.Popen(['sleep', '300']); time.sleep(300)",
)
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)",
)


def until(true: Callable[[], object], within_s: float = 10) -> bool:
    give_up_at = time.monotonic() + within_s
    while not true():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def group_is_gone(group: int) -> bool:
    """Whether no process of the group is left, or none within moments: who is killed has to be reaped by somebody."""
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    table = {"worker": SLEEPER, "beat": SLEEPER}
    monkeypatch.setattr(supervisor, "COMMANDS", table)
    return table


@pytest.fixture
def tree(tmp_path: Path, commands: dict[str, tuple[str, ...]]) -> Iterator[Supervisor]:
    made = Supervisor(Settings(data_dir=tmp_path / "data"), services=("worker", "beat"), logs=tmp_path / "logs")
    yield made
    made.stop()


def test_start_runs_the_broker_and_the_services_and_stop_ends_every_process(tree: Supervisor) -> None:
    tree.start()
    pids = tree.pids()
    assert set(pids) == {"valkey", "worker", "beat"}
    assert embedded.answers(embedded.socket_path(tree.settings.data_dir))
    tree.stop()
    assert all(group_is_gone(pid) for pid in pids.values())
    assert tree.pids() == {}


def test_the_children_get_the_settings_and_what_is_laid_over_them(
    tmp_path: Path, commands: dict[str, tuple[str, ...]]
) -> None:
    commands["worker"] = ("/bin/sh", "-c", "env; exec sleep 300")
    settings = Settings(data_dir=tmp_path / "data", poll_every_s=7)
    tree = Supervisor(
        settings, config_path=tmp_path / "my.yml", services=("worker",), env={"COLOUR": "red"}, logs=tmp_path / "logs"
    )
    tree.start()
    try:
        assert until(lambda: "COLOUR" in tree.log_tail("worker", lines=500))
        said = dict(line.split("=", 1) for line in tree.log_tail("worker", lines=500).splitlines() if "=" in line)
    finally:
        tree.stop()
    assert said["COLOUR"] == "red"
    assert said["WATCHER_POLL_EVERY_S"] == "7"
    assert said["WATCHER_CONFIG_PATH"] == str(tmp_path / "my.yml")
    assert said["WATCHER_REDIS_URL"] == f"redis+socket://{tmp_path / 'data' / 'valkey.sock'}?virtual_host=0"


@pytest.mark.parametrize("name", ["worker", "valkey"])
def test_a_child_that_is_killed_is_started_again(tree: Supervisor, name: str) -> None:
    tree.start()
    before = tree.pids()[name]
    os.kill(before, signal.SIGKILL)
    assert until(lambda: tree.pids().get(name, before) != before)
    assert until(lambda: group_is_gone(before))


def test_a_guardian_that_is_killed_is_replaced_and_still_ends_the_children(tree: Supervisor) -> None:
    tree.start()
    assert tree._guardian is not None
    first = tree._guardian.pid
    os.kill(first, signal.SIGKILL)
    assert until(lambda: tree._guardian is not None and tree._guardian.pid != first)
    pids = tree.pids()
    assert tree._guardian.stdin is not None
    os.close(os.dup(tree._guardian.stdin.fileno()))
    tree._stopping.set()
    tree._guardian.stdin.close()  # as if this process had been killed
    assert until(lambda: all(process_ended(tree, name) for name in pids))
    tree._guardian.wait()
    tree._guardian = None


def test_a_guardian_that_does_not_start_is_tried_again_and_the_children_are_watched_meanwhile(
    tree: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.start()
    assert tree._guardian is not None
    first, start, tries = tree._guardian.pid, supervisor._start_guardian, []

    def start_at_the_third_try() -> subprocess.Popen[bytes]:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise BlockingIOError("no more processes")
        return start()

    monkeypatch.setattr(supervisor, "_start_guardian", start_at_the_third_try)
    os.kill(first, signal.SIGKILL)
    worker = tree.pids()["worker"]
    assert until(lambda: tries)
    os.kill(worker, signal.SIGKILL)
    assert until(lambda: tree.pids().get("worker", worker) != worker)
    assert tree._guardian.pid != first
    assert len(tries) == 3
    assert tries[2] - tries[0] > 1.4
    assert until(lambda: tree._guardian is not None and tree._guardian.poll() is None)


def process_ended(tree: Supervisor, name: str) -> bool:
    process = tree._children[name].process
    return process is None or process.poll() is not None


def test_a_deaf_child_is_killed_after_its_time(
    tmp_path: Path, commands: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands["worker"] = STUBBORN
    monkeypatch.setitem(supervisor._STOP_S, "worker", 0.5)
    tree = Supervisor(Settings(data_dir=tmp_path), services=("worker",), logs=tmp_path / "logs")
    tree.start()
    pid = tree.pids()["worker"]
    assert until(lambda: "deaf" in tree.log_tail("worker"))
    began = time.monotonic()
    tree.stop()
    assert time.monotonic() - began < 3
    assert group_is_gone(pid)


def test_the_times_of_several_deaf_children_run_together(
    tmp_path: Path, commands: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("worker", "beat", "web"):
        commands[name] = STUBBORN
        monkeypatch.setitem(supervisor._STOP_S, name, 1.0)
    tree = Supervisor(Settings(data_dir=tmp_path), services=tuple(commands), logs=tmp_path / "logs")
    tree.start()
    pids = tree.pids()
    assert until(lambda: all("deaf" in tree.log_tail(name) for name in commands))
    began = time.monotonic()
    tree.stop()
    assert time.monotonic() - began < 2
    assert all(group_is_gone(pid) for pid in pids.values())


def test_a_worker_may_end_the_send_that_it_is_in() -> None:
    assert supervisor._STOP_S["worker"] > Settings().deliver_total_s


def test_two_trees_do_not_share_a_data_folder(tree: Supervisor) -> None:
    tree.start()
    with pytest.raises(CannotHelp, match="another one runs in"):
        Supervisor(tree.settings, services=()).start()
    assert set(tree.pids()) == {"valkey", "worker", "beat"}


def test_a_broker_of_somebody_else_is_used_and_left_running(tmp_path: Path) -> None:
    other = embedded.start(tmp_path)
    assert other.process is not None
    tree = Supervisor(Settings(data_dir=tmp_path), services=())
    tree.start()
    time.sleep(0.5)
    tree.stop()
    assert embedded.answers(other.socket)
    other.process.terminate()
    other.process.wait()


def test_a_named_broker_means_no_private_one(tmp_path: Path) -> None:
    tree = Supervisor(Settings(data_dir=tmp_path, redis_url="redis://broker.example:6379/0"), services=())
    tree.start()
    assert tree.pids() == {}
    assert tree.settings.redis_url == "redis://broker.example:6379/0"
    tree.stop()


POOL = """
import signal, subprocess, sys, time
told = sys.argv[1]
hand = "import signal, sys, time, pathlib\\nsignal.signal(15, lambda *_: pathlib.Path(sys.argv[1]).touch())\\n" \\
    "print('ready', flush=True)\\nwhile True: time.sleep(0.05)"
signal.signal(15, lambda *_: (time.sleep(0.5), sys.exit(0)))
subprocess.Popen([sys.executable, "-c", hand, told])
while True: time.sleep(0.05)
"""


def test_a_child_is_asked_alone_and_its_own_children_are_left_to_it(
    tmp_path: Path, commands: dict[str, tuple[str, ...]]
) -> None:
    commands["worker"] = (sys.executable, "-c", POOL, str(tmp_path / "told"))
    tree = Supervisor(Settings(data_dir=tmp_path / "data"), services=("worker",), logs=tmp_path / "logs")
    tree.start()
    pid = tree.pids()["worker"]
    assert until(lambda: "ready" in tree.log_tail("worker"))
    tree.stop()
    assert until(lambda: group_is_gone(pid))
    assert not (tmp_path / "told").exists()


def test_the_guardian_too_asks_leaders_alone_and_the_last_one_last(tmp_path: Path) -> None:
    pool = subprocess.Popen(
        [sys.executable, "-c", POOL, str(tmp_path / "told")], stdout=subprocess.PIPE, start_new_session=True
    )
    last = subprocess.Popen(["sleep", "300"], start_new_session=True)
    assert pool.stdout is not None
    assert pool.stdout.readline() == b"ready\n"
    watching = threading.Thread(
        target=guardian.watch, args=(io.StringIO(f"+{last.pid} last\n+{pool.pid} worker\n"),), kwargs={"grace_s": 5}
    )
    watching.start()
    assert pool.wait(5) == 0
    assert last.wait(10) == -signal.SIGTERM
    watching.join()
    assert until(lambda: group_is_gone(pool.pid))
    assert not (tmp_path / "told").exists()
    pool.stdout.close()


@pytest.mark.parametrize("said", ["+{pid} worker\nbye\n", "+{pid} worker\n-{pid}\n", "+1\n+0\n+x{pid}\n\n-\n+-{pid}\n"])
def test_the_guardian_leaves_alone_what_it_was_not_asked_to_end(said: str) -> None:
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    guardian.watch(io.StringIO(said.format(pid=child.pid)), grace_s=0.2)
    assert child.poll() is None
    child.kill()
    child.wait()


KILLED = """
import sys, time
from pathlib import Path
from watcher import supervisor
from watcher.settings import Settings
from watcher.supervisor import Supervisor
supervisor.COMMANDS = {name: (sys.executable, "-c", "import time; time.sleep(300)") for name in ("worker", "beat")}
tree = Supervisor(Settings(data_dir=Path(sys.argv[1])), services=("worker", "beat"), logs=Path(sys.argv[1]) / "logs")
tree.start()
print(*tree.pids().values(), tree._guardian.pid, flush=True)
time.sleep(300)
"""


def test_no_process_is_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 4
    assert not any(group_is_gone(pid) for pid in pids)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert until(lambda: all(group_is_gone(pid) for pid in pids))


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (4, 4.0), (7, 30.0), (1000, 30.0)])
def test_the_wait_before_a_restart_doubles_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert retry_after_s(failures) == seconds
