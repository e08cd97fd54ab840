"""A scheduler and worker in one process that lives by a clock in a file: `python clocked.py CLOCK SEEN`.

The clock goes on from the instant in the file, from when that was written. The process does whatever its sweep finds,
over and over, and writes into SEEN up to which instant nothing was left to do.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from watcher import pipeline, runtime, settings
from watcher.errors import TryAgain


def main(clock: Path, seen: Path) -> None:
    def now() -> datetime:
        passed_s = max(0.0, time.time() - clock.stat().st_mtime)
        return datetime.fromisoformat(clock.read_text()) + timedelta(seconds=passed_s)

    rt = runtime.open(settings.load(), clock=now)
    while True:
        at = clock.read_text()
        try:
            while found := pipeline.due(rt):
                for step, ids in found.items():
                    pipeline.STEPS[step](rt, ids)
        except TryAgain:  # another one holds the database, perhaps while it is stopped
            continue
        if not rt.senders.busy and clock.read_text() == at:
            part = seen.with_suffix(".part")
            part.write_text(at)
            part.rename(seen)
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
