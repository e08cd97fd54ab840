"""A file in the data folder whose change tells every process there to look at its files now; what follows is theirs."""

from __future__ import annotations

import contextlib
from pathlib import Path

from watcher.settings import Settings


class Bell:
    """Rung by whoever wants a reload; heard by all processes of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self._path: Path = settings.data_dir / "reload"

    def rung(self) -> int:
        """When it was last rung, 0 for never: compare it with what you heard before, and with nothing else."""
        try:
            return self._path.stat().st_mtime_ns
        except OSError:
            return 0

    def ring(self) -> None:
        """Let everybody look; where there is no folder they look within seconds all the same."""
        with contextlib.suppress(OSError):
            self._path.touch()
