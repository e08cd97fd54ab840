"""The beat: pokes the sweep every few seconds and nothing else. Two beats, or a late one, do no harm: rows decide."""

from __future__ import annotations

from celery import Celery


def run(app: Celery, *, level: str) -> None:
    """Poke until the process is told to stop."""
    app.Beat(loglevel=level, quiet=True, redirect_stdouts=False).run()
