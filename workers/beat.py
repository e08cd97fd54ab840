"""The beat: pokes the sweep every few seconds and nothing else. Two beats, or a late one, do no harm: rows decide."""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.beat import Scheduler

from watcher.settings import Settings
from workers import alive
from workers.app import settings


class Poker(Scheduler):
    """Celery's scheduler without a file: there is nothing to remember. Says at each turn that it lives."""

    def tick(self, *args: Any, **more: Any) -> float:
        wait_s = super().tick(*args, **more)
        alive.touch(settings())
        return float(wait_s)


def run(app: Celery, chosen: Settings) -> None:
    """Poke until the process is told to stop."""
    app.Beat(loglevel=chosen.log_level, quiet=True, redirect_stdouts=False).run()
