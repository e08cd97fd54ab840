"""A real worker that can be killed at a named point of a step: `python killable_worker.py POINT MARK`.

The first process of the pool that reaches POINT makes the file MARK and kills the whole process group, parent and all,
as a machine that loses its power would. With the file there already nobody is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from watcher import runtime
from workers import main

_open = runtime.open


def _open_with_a_bomb(*args: Any, **kwargs: Any) -> runtime.Runtime:
    opened = _open(*args, **kwargs)
    opened.checkpoint = _explode
    return opened


def _explode(point: str) -> None:
    if point != sys.argv[1]:
        return
    try:
        os.close(os.open(sys.argv[2], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    runtime.open = _open_with_a_bomb
    sys.exit(main.main(["worker"]))
