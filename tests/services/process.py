"""Start a server for the tests and be sure that it ends with them; decide what a missing service means."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

_PR_SET_PDEATHSIG = 1


def missing(what: str) -> NoReturn:
    """A service that is not installed skips the test here and fails it where everything must run."""
    if os.environ.get("WATCHER_TESTS_STRICT") == "1":
        pytest.fail(f"{what} is missing, and WATCHER_TESTS_STRICT=1 wants it", pytrace=False)
    pytest.skip(f"{what} is missing")


def start(
    argv: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[], bool],
    user: str | None = None,
    within_s: float = 20,
    die_with: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a server, its output in `log`, and wait until `ready()`; it gets `die_with` should the tests be killed."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def end_with_the_tests() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, die_with)

    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            user=user,
            start_new_session=True,
            preexec_fn=end_with_the_tests,
        )
    give_up_at = time.monotonic() + within_s
    while not ready():
        if process.poll() is not None or time.monotonic() > give_up_at:
            stop(process, signal.SIGKILL)
            raise RuntimeError(f"{argv[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.02)
    return process


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, *, within_s: float = 10) -> None:
    """End a server that `start` started, by force when it does not go by itself."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(within_s)
