"""One killable child process for what may hang or blow up; what runs inside is named by the caller.

A plain subprocess with limits on processor time and memory, fed JSON over pipes: it works inside a Celery pool child,
which may not use multiprocessing, and holds no copy of the parent's memory. The child leaves when its parent is gone.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from watcher.errors import SandboxFailed
from watcher.model import JSON

_HEAD = 4
_ANSWER_BYTES = 64 * 1024 * 1024
_CHUNK = 1 << 16
_PARENT_LOOK_S = 0.5
_LEAVE_S = 1.0


def _framed(message: dict[str, Any]) -> bytes:
    """The message as it travels, in either direction: its length, then JSON."""
    body = json.dumps(message).encode()
    return len(body).to_bytes(_HEAD, "big") + body


# ── the parent's side ────────────────────────────────────────────────────────────────────────────────────────────────


class _Child:
    """A running child and the pipes to it."""

    def __init__(self, cpu_s: int, memory_mb: int) -> None:
        paths = [path or str(Path.cwd()) for path in sys.path]
        # Its own environment: no secret of ours is within reach of what runs there.
        environment = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "watcher.sandbox", str(cpu_s), str(memory_mb), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.inlet = self.process.stdin.fileno()
        self.outlet = self.process.stdout.fileno()
        os.set_blocking(self.inlet, False)
        os.set_blocking(self.outlet, False)

    def exchange(self, frame: bytes, deadline: float) -> bytes:
        """Send one frame and wait for one; raises TimeoutError at the deadline and EOFError when the child has gone."""
        view = memoryview(frame)
        while view:
            self._wait(self.inlet, select.POLLOUT, deadline)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self.inlet, view[:_CHUNK]) :]
        size = int.from_bytes(self._read(_HEAD, deadline), "big")
        if size > _ANSWER_BYTES:
            raise EOFError
        return self._read(size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(self.outlet, select.POLLIN, deadline)
            try:
                piece = os.read(self.outlet, min(_CHUNK, size - len(data)))
            except BlockingIOError:
                continue
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    @staticmethod
    def _wait(pipe: int, event: int, deadline: float) -> None:
        left = deadline - time.monotonic()
        poll = select.poll()
        poll.register(pipe, event)
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError

    def kill(self) -> str:
        """End it now; says how it ended."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.forget()
        status = self.process.wait()
        return signal.Signals(-status).name if status < 0 else f"exit {status}"

    def leave(self) -> None:
        """Let it end by itself, and end it when it does not."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LEAVE_S)
        self.kill()

    def forget(self) -> None:
        """Close our ends of the pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Sandbox:
    """Runs functions by name in a child that is started at need, kept while it behaves, and killed when it does not.

    `cpu_s`: processor seconds for one call. `memory_mb`: address space of the child, the interpreter included.
    Calls from several threads wait for one another. After a fork each process gets a child of its own.
    """

    def __init__(self, cpu_s: int = 10, memory_mb: int = 512) -> None:
        self._cpu_s = cpu_s
        self._memory_mb = memory_mb
        self._child: _Child | None = None
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._asked = 0

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return self._child.process.pid if self._child else None

    def call(self, target: str, payload: JSON, timeout_s: float) -> JSON:
        """Run `target` ("package.module:function") on `payload` in the child and return its JSON answer.

        Raises SandboxFailed when it runs out of time, memory or processor time, dies, or raises; the child is then
        replaced at the next call, as it is when the caller is interrupted.
        """
        self._after_fork()
        with self._lock:
            self._asked += 1
            return self._call({"number": self._asked, "target": target, "payload": payload}, timeout_s)

    def _call(self, request: dict[str, Any], timeout_s: float) -> JSON:
        target, frame = request["target"], _framed(request)
        if self._child is not None and self._child.process.poll() is not None:
            self._drop()
        if self._child is None:
            self._child = _Child(self._cpu_s, self._memory_mb)
        try:
            answer = json.loads(self._child.exchange(frame, time.monotonic() + timeout_s))
        except TimeoutError:
            self._drop()
            raise SandboxFailed(f"{target} took longer than {timeout_s:g} s") from None
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise SandboxFailed(f"{target} ended its process ({self._drop()})") from None
        except BaseException:
            # A time limit or Ctrl-C: the answer may still come, and nobody else must be given it.
            self._drop()
            raise
        if answer.get("number") != request["number"]:
            self._drop()
            raise SandboxFailed(f"{target} was given the answer to another request")
        if "failed" in answer:
            self._drop()
            raise SandboxFailed(f"{target} failed: {answer['failed']}")
        return answer["answer"]

    def _drop(self) -> str:
        child, self._child = self._child, None
        return child.kill() if child else ""

    def _after_fork(self) -> None:
        if self._owner == os.getpid():
            return
        if self._child is not None:
            # It is our parent's child: close our copies of its pipes and leave it alone.
            self._child.forget()
            self._child.process.returncode = 0
            self._child = None
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the child; a later call starts another."""
        self._after_fork()
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.leave()


# ── the child's side ─────────────────────────────────────────────────────────────────────────────────────────────────


def _read_exactly(pipe: BinaryIO, size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        sys.exit(0)
    return data


def _write(pipe: BinaryIO, answer: dict[str, Any]) -> None:
    pipe.write(_framed(answer))
    pipe.flush()


def _limit(kind: int, soft: int) -> None:
    """Lower the soft limit; where a system does not know it (macOS, address space), the parent's clock remains."""
    with contextlib.suppress(ValueError, OSError):
        _old, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _allow_cpu(cpu_s: int) -> None:
    """The limit counts from the start of the process, so each call moves it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + cpu_s)


def _leave_with(parent: int) -> None:
    """A pipe's end is not proof: a process forked beside us may hold the other end open."""
    while os.getppid() == parent:
        time.sleep(_PARENT_LOOK_S)
    os._exit(0)


def _function(target: str) -> Callable[[JSON], JSON]:
    module, _, name = target.partition(":")
    function: Callable[[JSON], JSON] = getattr(importlib.import_module(module), name)
    return function


def _serve(cpu_s: int, memory_mb: int, parent: int) -> None:
    inlet = os.fdopen(os.dup(0), "rb")
    outlet = os.fdopen(os.dup(1), "wb")
    # What a library prints must not reach the pipe.
    os.dup2(2, 1)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    _limit(resource.RLIMIT_AS, memory_mb * 1024 * 1024)
    _limit(resource.RLIMIT_CORE, 0)

    number = 0

    def report(kind: type[BaseException], error: BaseException, _at: TracebackType | None) -> None:
        _write(outlet, {"number": number, "failed": f"{kind.__name__}: {error}"[:500]})

    sys.excepthook = report
    while True:
        size = int.from_bytes(_read_exactly(inlet, _HEAD), "big")
        request = json.loads(_read_exactly(inlet, size))
        number = request["number"]
        _allow_cpu(cpu_s)
        _write(outlet, {"number": number, "answer": _function(request["target"])(request["payload"])})


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
