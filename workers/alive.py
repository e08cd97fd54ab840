"""A file that a worker and the beat touch while they work: what a health check from outside looks at."""

from __future__ import annotations

import contextlib
from pathlib import Path

from watcher.settings import Settings


def path(settings: Settings) -> Path:
    """The file; its time of change is when this process last did something."""
    return settings.data_dir / "alive"


def touch(settings: Settings) -> None:
    """Say that this process lives; a full or missing disk does not stop it."""
    with contextlib.suppress(OSError):
        path(settings).parent.mkdir(parents=True, exist_ok=True)
        path(settings).touch()
