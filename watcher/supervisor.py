"""The processes of `watcher up` as one tree: started, watched, restarted with back-off, ended in order.

A worker or beat that runs and does nothing is killed and started again, too: each touches a file while it works.

Each child leads a session of its own and is announced to `watcher.guardian` before its program begins, so that not even
SIGKILL of this process leaves one behind. What the children do is their own affair.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from watcher import embedded, guardian, log
from watcher.errors import CannotHelp
from watcher.settings import Settings, child_environ, with_values

COMMANDS: dict[str, tuple[str, ...]] = {
    "worker": (sys.executable, "-m", "workers", "worker"),
    "beat": (sys.executable, "-m", "workers", "beat"),
    "web": (sys.executable, "-m", "watcher.web"),
}
BROKER = "valkey"
_STOP_S = {"beat": 3.0, "worker": 25.0, "web": 5.0, BROKER: 3.0}
"""How long each may take to end, a worker longer than a send; beat, worker and web end at the same time."""
_LOOK_EVERY_S = 0.2
_STEADY_S = 60.0
_START_S = 30.0
"""How long a child may take until its first pulse."""
_PULSES = ("worker", "beat")
_LATE_LOOK_S = 5.0
_RETRY_MAX_S = 30.0
# says its own pid, which exec keeps, on the guardian's pipe; then becomes the child, without the pipe
_ANNOUNCE = ("/bin/sh", "-c", 'echo "+$$ $0" >&0; exec "$@" </dev/null')
_log = log.get("supervisor")


def retry_after_s(failures: int) -> float:
    """How long to wait before a child that has ended `failures` times in a row is started again."""
    return float(min(_RETRY_MAX_S, 0.5 * 2 ** min(failures - 1, 10)))


def pulse_file(data_dir: Path, name: str) -> Path:
    """The file that the child of that name touches while it works."""
    return data_dir / f"alive-{name}"


@dataclass(slots=True, kw_only=True)
class _Child:
    name: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    retry_at: float | None = None
    """When to start it again; None while it runs."""
    attached: Path | None = None
    """The socket of a broker that somebody else had started."""
    pulse_ns: int = 0
    """When its file was last touched, as the file says."""
    pulse_at: float = 0.0
    """When we saw that, by our own clock: one that sleeps with the machine."""

    def runs(self) -> bool:
        if self.process is None:
            return self.attached is not None and embedded.answers(self.attached)
        return self.process.poll() is None

    def ask_to_end(self) -> None:
        """The child alone is asked: a worker lets its pool finish, and a pool that is told itself drops its work."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill_group(self) -> None:
        """Kill the child and what it has left in its group, which may outlive it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Runs the services of these settings; with no broker named, a private Valkey comes with them.

    `env` is laid over the environment of the children. With `logs` each child writes to a file of its name in that
    folder, without it to our standard error (the broker to the data folder). After `start`, `settings` are those of
    the children.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config_path: Path | None = None,
        services: Sequence[str] = ("worker", "beat", "web"),
        env: Mapping[str, str] | None = None,
        logs: Path | None = None,
    ) -> None:
        self.settings = with_values(settings, config_path=config_path)
        self.logs = logs
        self._services = tuple(services)
        self._env = dict(env or {})
        self._children: dict[str, _Child] = {}
        self._guardian: subprocess.Popen[bytes] | None = None
        self._guardian_failures = 0
        self._guardian_retry_at = 0.0
        self._lock_file: IO[str] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> None:
        """Start everything; raises CannotHelp when the data folder is taken or the broker does not start."""
        folder, config_path = self.settings.data_dir.resolve(), self.settings.config_path.resolve()
        self.settings = with_values(self.settings, data_dir=folder, config_path=config_path)
        folder.mkdir(parents=True, exist_ok=True)
        self._take_folder()
        try:
            self._guardian = _start_guardian()
            if self.settings.redis_url is None:
                self._start(BROKER)
                self.settings = with_values(self.settings, redis_url=embedded.broker_url(self.settings))
            for name in self._services:
                self._start(name)
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """End everything and wait for it, under 30 s: beat, worker and web at once, then the broker."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        self._stop([child for name, child in self._children.items() if name != BROKER])
        self._stop([child for name, child in self._children.items() if name == BROKER])
        self._dismiss_guardian()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def wait(self, until: threading.Event) -> None:
        """Wait until the event is set; the children are watched meanwhile."""
        while not until.wait(1.0):
            pass

    def pids(self) -> dict[str, int]:
        """The children that run now, by name."""
        return {name: child.process.pid for name, child in self._children.items() if child.process and child.runs()}

    def log_tail(self, name: str, *, lines: int = 40) -> str:
        """The last lines that the child wrote, when `logs` were asked for."""
        folder = self.logs or (self.settings.data_dir if name == BROKER else None)
        path = folder / f"{name}.log" if folder else None
        if path is None or not path.is_file():
            return ""
        return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])

    # ── one child ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _start(self, name: str) -> None:
        child = self._children.setdefault(name, _Child(name=name))
        child.started_at, child.retry_at = time.monotonic(), None
        child.pulse_ns, child.pulse_at = self._pulse_ns(child), child.started_at + _START_S
        with _output(self.logs or (self.settings.data_dir if name == BROKER else None), name) as output:
            if name == BROKER:
                valkey = embedded.start(
                    self.settings.data_dir, output=output, wrap=(*_ANNOUNCE, "last"), stdin=self._pipe()
                )
                child.process, child.attached = valkey.process, valkey.socket
                return
            child.process = subprocess.Popen(  # noqa: S603 -- our own command lines
                [*_ANNOUNCE, name, *COMMANDS[name]],
                stdin=self._pipe(),
                stdout=output,
                stderr=output,
                env=child_environ(self.settings, self._env),
                start_new_session=True,
            )

    def _stop(self, children: Sequence[_Child]) -> None:
        """Ask the children to end and wait for them; the time of each runs from the asking, not from its turn."""
        asked_at = time.monotonic()
        for child in children:
            child.ask_to_end()
        for child in sorted(children, key=lambda child: _STOP_S[child.name]):
            self._end(child, give_up_at=asked_at + _STOP_S[child.name])

    def _end(self, child: _Child, *, give_up_at: float = 0.0) -> None:
        """Wait for the child to end, kill what is left of its group, and say so to the guardian."""
        if child.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, give_up_at - time.monotonic()))
        child.kill_group()
        child.process.wait()
        self._say(f"-{child.process.pid}")
        child.process = None

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        looked_at = time.monotonic()
        while not self._stopping.wait(_LOOK_EVERY_S):
            if time.monotonic() - looked_at > _LATE_LOOK_S:
                self._forget_pulses()  # we stood still ourselves, and with us perhaps the whole machine
            looked_at = time.monotonic()
            if self._guardian is not None and self._guardian.poll() is not None:
                self._try_guardian_again()
            for child in self._children.values():
                self._look_at(child)

    def _look_at(self, child: _Child) -> None:
        now = time.monotonic()
        if child.retry_at is not None:
            if now >= child.retry_at:
                self._start_again(child)
        elif not child.runs():
            status = child.process.returncode if child.process else None
            self._end(child)
            child.failures = 1 if now - child.started_at > _STEADY_S else child.failures + 1
            wait_s = retry_after_s(child.failures)
            child.retry_at = now + wait_s
            _log.warning("a child ended; it is started again", child=child.name, status=status, in_s=wait_s)
        elif (idle_s := self._idle_s(child, now)) > self.settings.stall_s / 2:
            if child.name == "worker" and embedded.fault(self.settings):
                child.pulse_at = now  # it waits for the broker; what it has in hand it can still finish
                return
            _log.error("a child stands still; it is killed", child=child.name, idle_s=round(idle_s, 1))
            child.kill_group()

    def _idle_s(self, child: _Child, now: float) -> float:
        """How long the child has not touched its file; 0 for one that has none."""
        if child.name not in _PULSES:
            return 0.0
        pulse_ns = self._pulse_ns(child)
        if pulse_ns != child.pulse_ns:
            child.pulse_ns, child.pulse_at = pulse_ns, now
        return now - child.pulse_at

    def _pulse_ns(self, child: _Child) -> int:
        with contextlib.suppress(OSError):
            return pulse_file(self.settings.data_dir, child.name).stat().st_mtime_ns
        return 0

    def _forget_pulses(self) -> None:
        for child in self._children.values():
            child.pulse_at = max(child.pulse_at, time.monotonic())

    def _start_again(self, child: _Child) -> None:
        try:
            self._start(child.name)
        except (CannotHelp, OSError) as error:
            child.failures += 1
            child.retry_at = time.monotonic() + retry_after_s(child.failures)
            _log.error("a child does not start", child=child.name, reason=str(error))

    # ── the guardian and the folder ──────────────────────────────────────────────────────────────────────────────────

    def _pipe(self) -> int:
        assert self._guardian is not None
        assert self._guardian.stdin is not None
        return self._guardian.stdin.fileno()

    def _say(self, line: str) -> None:
        if self._guardian is not None:
            with contextlib.suppress(BrokenPipeError):  # a dead guardian is replaced, and told everything again
                os.write(self._pipe(), f"{line}\n".encode())

    def _try_guardian_again(self) -> None:
        """Replace it, with back-off: for want of processes or memory it may not start, and the watch must go on."""
        if time.monotonic() < self._guardian_retry_at:
            return
        try:
            self._replace_guardian()
            self._guardian_failures = 0
        except OSError as error:
            self._guardian_failures += 1
            wait_s = retry_after_s(self._guardian_failures)
            self._guardian_retry_at = time.monotonic() + wait_s
            _log.error("the guardian does not start", reason=str(error), in_s=wait_s)

    def _replace_guardian(self) -> None:
        _log.warning("the guardian ended; another takes its place")
        self._guardian = _start_guardian()
        for name, pid in self.pids().items():
            self._say(f"+{pid} {'last' if name == BROKER else name}")

    def _dismiss_guardian(self) -> None:
        if self._guardian is not None:
            self._say("bye")
            assert self._guardian.stdin is not None
            self._guardian.stdin.close()
            self._guardian.wait()
            self._guardian = None

    def _take_folder(self) -> None:
        file = (self.settings.data_dir / "up.lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise CannotHelp(
                f"another one runs in {self.settings.data_dir}; stop it, or set WATCHER_DATA_DIR to another folder"
            ) from None
        self._lock_file = file


def _start_guardian() -> subprocess.Popen[bytes]:
    program = [sys.executable, "-I", "-S", guardian.__file__]
    return subprocess.Popen(program, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)  # noqa: S603 -- our own


@contextlib.contextmanager
def _output(logs: Path | None, name: str) -> Iterator[int]:
    """The file descriptor that a child writes to."""
    if logs is None:
        yield sys.stderr.fileno()
        return
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / f"{name}.log").open("ab") as file:
        yield file.fileno()
