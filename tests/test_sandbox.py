"""The child does its work, and whatever it does, the parent goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.errors import SandboxFailed
from watcher.sandbox import Sandbox

HERE = Path(__file__).resolve().parent


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.syspath_prepend(str(HERE))
    with Sandbox(cpu_s=2, memory_mb=512) as box:
        yield box


def run(sandbox: Sandbox, name: str, payload: object = None, timeout_s: float = 10) -> object:
    return sandbox.call(f"sandbox_targets:{name}", payload, timeout_s)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("payload", [None, 1.5, "重庆 \ud800 \x00", {"a": [True, None, {"b": ""}]}, "x" * 3_000_000])
def test_json_comes_back_as_it_went(sandbox: Sandbox, payload: object) -> None:
    assert run(sandbox, "echo", payload) == payload


def test_the_child_is_kept_while_it_behaves(sandbox: Sandbox) -> None:
    pids = {run(sandbox, "where")["pid"] for _ in range(20)}  # type: ignore[index]
    assert pids == {sandbox.pid}
    assert os.getpid() not in pids


def test_a_warm_call_is_cheap(sandbox: Sandbox) -> None:
    run(sandbox, "echo")
    started = time.monotonic()
    for _ in range(100):
        run(sandbox, "echo", "x" * 1000)
    assert time.monotonic() - started < 1.0


def test_a_hanging_call_is_killed_in_time(sandbox: Sandbox) -> None:
    run(sandbox, "echo")
    pid = sandbox.pid
    started = time.monotonic()
    with pytest.raises(SandboxFailed, match=r"sandbox_targets:sleep took longer than 0\.3 s"):
        run(sandbox, "sleep", 60, timeout_s=0.3)
    assert time.monotonic() - started < 1.0
    assert pid is not None
    assert not alive(pid)


def test_a_burning_call_meets_its_processor_limit(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="SIGXCPU"):
        run(sandbox, "burn", timeout_s=20)


def test_the_processor_limit_is_for_each_call(sandbox: Sandbox) -> None:
    assert [run(sandbox, "work", 0.9) for _ in range(4)] == [0.9] * 4


def test_a_swelling_call_meets_its_memory_limit(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="MemoryError"):
        run(sandbox, "swell")


@pytest.mark.parametrize(
    ("name", "told"), [("leave", "exit 3"), ("fail", "ValueError: no good"), ("recurse", "RecursionError")]
)
def test_a_failing_call_is_told_and_the_next_one_works(sandbox: Sandbox, name: str, told: str) -> None:
    with pytest.raises(SandboxFailed, match=told):
        run(sandbox, name, 0)
    assert run(sandbox, "echo", "again") == "again"


def test_an_unknown_target_is_told(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="ModuleNotFoundError"):
        sandbox.call("no_such_module:f", None, 5)


def test_what_a_library_prints_does_not_reach_the_answer(sandbox: Sandbox) -> None:
    assert run(sandbox, "chatter", 5) == 5


def test_a_child_that_was_killed_while_idle_is_replaced(sandbox: Sandbox) -> None:
    run(sandbox, "echo")
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGKILL)
    time.sleep(0.05)
    assert run(sandbox, "echo", 1) == 1


class OutOfTime(Exception):
    """As Celery's soft time limit: raised in the main thread by a signal, whatever it does."""


@pytest.mark.parametrize("interruption", [OutOfTime, KeyboardInterrupt, MemoryError])
def test_the_answer_to_an_interrupted_call_reaches_nobody_else(
    sandbox: Sandbox, interruption: type[BaseException]
) -> None:
    def interrupt(*_: object) -> None:
        raise interruption

    run(sandbox, "echo")
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(interruption):
            run(sandbox, "echo_late", {"s": 0.3, "said": "for Alice"})
    finally:
        signal.signal(signal.SIGALRM, before)
    assert run(sandbox, "echo", "for Bob") == "for Bob"
    assert run(sandbox, "echo", "for Carol") == "for Carol"


def test_an_answer_to_another_request_is_refused(sandbox: Sandbox) -> None:
    assert run(sandbox, "answer_again", 0.05) is None
    time.sleep(0.3)
    with pytest.raises(SandboxFailed, match="was given the answer to another request"):
        run(sandbox, "echo", "mine")
    assert run(sandbox, "echo", "mine") == "mine"


def test_the_child_sees_no_secret_of_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_SECRET", "s3cret")
    assert run(sandbox, "where")["secrets"] == []  # type: ignore[index]


def test_threads_share_one_child(sandbox: Sandbox) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda n=n: answers.append(run(sandbox, "echo", n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(answers) == list(range(8))  # type: ignore[type-var]


def test_closing_ends_the_child_and_a_later_call_starts_another(sandbox: Sandbox) -> None:
    run(sandbox, "echo")
    pid = sandbox.pid
    sandbox.close()
    assert pid is not None
    assert not alive(pid)
    assert run(sandbox, "echo", 2) == 2


def test_after_a_fork_each_process_has_its_own_child(sandbox: Sandbox) -> None:
    mine = run(sandbox, "where")["pid"]  # type: ignore[index]
    forked = os.fork()
    if forked == 0:
        theirs = run(sandbox, "where")["pid"]  # type: ignore[index]
        sandbox.close()
        os._exit(0 if theirs != mine else 1)
    assert os.waitpid(forked, 0)[1] == 0
    assert run(sandbox, "where")["pid"] == mine  # type: ignore[index]


PARENT = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from watcher.sandbox import Sandbox
box = Sandbox()
box.call("sandbox_targets:echo", 1, 10)
sibling = os.fork()  # holds the pipe's other end open
if sibling == 0:
    time.sleep(8)
    os._exit(0)
print(box.pid, sibling, flush=True)
if sys.argv[2] == "busy":
    box.call("sandbox_targets:sleep", 60, 60)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_no_child_outlives_a_parent_that_was_killed(state: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(HERE), state], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child, sibling = map(int, parent.stdout.readline().split())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(sibling, signal.SIGKILL)
    assert not alive(child)
