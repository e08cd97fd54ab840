"""How a command becomes one of the service's processes: no import points upwards, and signals reach it directly."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from watcher import embedded, log, settings
from watcher.errors import CannotHelp


def become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by `python -m module`; raises when the settings are unsound or there is no broker."""
    chosen = settings.load()
    log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
    if module == "workers" and chosen.redis_url is None and not embedded.answers(embedded.socket_path(chosen.data_dir)):
        raise CannotHelp(
            f"no broker: set WATCHER_REDIS_URL, or run `watcher up`, which brings one for {chosen.data_dir.resolve()}"
        )
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 -- our own program
