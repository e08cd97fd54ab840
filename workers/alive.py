"""Files that a worker and the beat touch while they work: what a health check and `watcher up` look at.

A worker that breathes and does nothing must not look alive: it stops touching when none of its processes takes up a
task while messages wait for it, and it ends when it no longer reads one of its queues. Who starts it again is the
supervisor's matter, or that of whatever runs the container.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from celery import Celery
from celery.worker import state

from watcher import log
from watcher.settings import Settings
from watcher.supervisor import pulse_file
from workers.base import lengths

EX_SOFTWARE = 70
"""Status of a worker that ended because it stood still (sysexits.h)."""
_log = log.get("workers")


def path(settings: Settings) -> Path:
    """The file of this folder; its time of change is when a process last did something."""
    return settings.data_dir / "alive"


def touch(settings: Settings, duty: str) -> None:
    """Say that this process works; a full or missing disk does not stop it."""
    with contextlib.suppress(OSError):
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        path(settings).touch()
        pulse_file(settings.data_dir, duty).touch()


class Pulse:
    """A worker's look at itself, at every heartbeat of its parent process."""

    def __init__(self, app: Celery, settings: Settings, queues: Sequence[str]) -> None:
        self._app = app
        self._settings = settings
        self._queues = frozenset(queues)
        self._taken = 0
        self._taken_at = self._read_at = time.monotonic()
        self._told = False

    def beat(self) -> None:
        """Touch the files, unless this worker stands still."""
        why = self._unread() or self._idle()
        if not why:
            self._told = False
            touch(self._settings, "worker")
        elif not self._told:
            self._told = True
            _log.error("this worker stands still", why=why)

    def _unread(self) -> str:
        """Ends the worker when one of its consumers was cancelled and stays so: started again, it reads all queues."""
        now, missing = time.monotonic(), self._queues - set(self._app.amqp.queues.consume_from)
        if not missing:
            self._read_at = now
        if now - self._read_at < self._settings.stall_s / 2:
            return ""
        state.should_stop = EX_SOFTWARE
        return f"it no longer reads {', '.join(sorted(missing))}; it ends to be started again"

    def _idle(self) -> str:
        now, taken = time.monotonic(), state.all_total_count[0]
        if taken != self._taken:
            self._taken, self._taken_at = taken, now
        idle_s = now - self._taken_at
        if idle_s < self._settings.stall_s / 2:
            return ""
        waiting = {queue: count for queue, count in lengths(sorted(self._queues)).items() if count}
        return f"none of its processes took a task for {idle_s:.0f} s while {waiting} wait" if waiting else ""
