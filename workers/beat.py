"""The beat: pokes the sweep every few seconds and nothing else. Two beats, or a late one, do no harm: rows decide."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.beat import ScheduleEntry, Scheduler

from watcher.settings import Settings
from workers import alive
from workers.app import SWEEP, settings
from workers.base import lengths

ENOUGH = 2
"""Sweeps that wait from which on the beat adds none: they say nothing that these do not."""


class Poker(Scheduler):
    """Celery's scheduler without a file: there is nothing to remember. Says at each turn that it lives."""

    def tick(self, *args: Any, **more: Any) -> float:
        wait_s = super().tick(*args, **more)
        alive.touch(settings(), "beat")
        return float(wait_s)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Poke, unless enough pokes wait already; when the broker cannot be asked, poke."""
        if lengths([SWEEP]).get(SWEEP, 0) < ENOUGH:
            super().apply_entry(entry, producer=producer)


def run(app: Celery, chosen: Settings) -> None:
    """Poke until the process is told to stop."""
    app.Beat(loglevel=chosen.log_level, quiet=True, redirect_stdouts=False).run()
