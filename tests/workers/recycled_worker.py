"""A real worker whose processes are replaced after every second task, and that says so: `python recycled_worker.py`."""

from __future__ import annotations

import sys
from typing import Any

from watcher.settings import Settings
from workers import app, main

_configuration = app.configuration


def _short_lives(settings: Settings) -> dict[str, Any]:
    return _configuration(settings) | {"worker_max_tasks_per_child": 2}


if __name__ == "__main__":
    app.configuration = _short_lives
    sys.exit(main.main(["worker", "--processes", "1", "--queues", "deliveries"]))
