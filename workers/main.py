"""`python -m workers worker|beat`: check that the settings and the broker can carry us, then hand over to Celery."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from watcher import config, log, settings
from watcher.bell import Bell
from watcher.errors import CannotHelp, Mistakes, TryAgain, WatcherError
from watcher.runtime import database_url
from watcher.settings import Settings
from watcher.store.database import Database
from workers import alive, beat
from workers.app import QUEUES, SWEEP, configure
from workers.base import close_runtime, poke

_log = log.get("workers")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker or the beat until told to stop; 0 after an orderly end, 1 when it could not start, 2 for misuse."""
    options = _parser().parse_args(argv)
    try:
        chosen = settings.load()
        log.configure(level=chosen.log_level, form=chosen.log_format, hide=settings.secrets(chosen))
        app = configure(chosen)
        refuse_evicting_broker(app)
        refuse_old_schema(chosen)
    except WatcherError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    tell_config_mistakes(chosen)
    signals.setup_logging.connect(_logging_is_ours, weak=False)
    if options.duty == "beat":
        beat.run(app, chosen)
        return 0
    return _work(app, chosen, options.queues, options.processes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    duties = parser.add_subparsers(dest="duty", required=True)
    worker = duties.add_parser("worker", help="do the steps of the line")
    worker.add_argument("--queues", type=_queues, default=QUEUES, help=f"which, by comma; all of {', '.join(QUEUES)}")
    worker.add_argument("--processes", type=int, default=None, help="processes of this worker")
    duties.add_parser("beat", help="poke the sweep")
    return parser


def _queues(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in QUEUES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"no queue {', '.join(unknown) or 'named'}; there are {', '.join(QUEUES)}")
    return names


def refuse_old_schema(chosen: Settings) -> None:
    """Raise CannotHelp when the database was not migrated; one that is away is not refused, the tasks wait for it."""
    database = Database(database_url(chosen))
    try:
        if not database.current():
            raise CannotHelp(f"{database.where} is not at the newest schema: run `watcher migrate`")
    except TryAgain as away:
        _log.warning("the database is away; waiting for it", reason=str(away))
    finally:
        database.close()


def refuse_evicting_broker(app: Celery) -> None:
    """Raise CannotHelp when the broker may evict keys: a full one would then drop nudges without a word.

    A broker that is away is not refused: Celery waits for it.
    """
    try:
        with app.connection_for_write() as connection:
            policy = connection.default_channel.client.info("memory").get("maxmemory_policy", "noeviction")
    except (KombuError, RedisError, OSError) as error:
        _log.warning("the broker is away; waiting for it", reason=str(error) or type(error).__name__)
        return
    if policy != "noeviction":
        raise CannotHelp(
            f"the broker's maxmemory-policy is {policy}: when it is full it would drop messages silently. "
            "Set maxmemory-policy noeviction."
        )


def tell_config_mistakes(chosen: Settings) -> None:
    """Log what is wrong with watcher.yml and go on: the rows hold the last good one, which stays in force."""
    try:
        config.load(chosen.config_path)
    except Mistakes as mistakes:
        _log.error("watcher.yml refused, the last good one stays", mistakes=[str(one) for one in mistakes.mistakes])


def _logging_is_ours(**_about: Any) -> None:
    """Keeps Celery from setting up logging of its own."""


def _reload(chosen: Settings) -> None:
    """Let a sweep take the files into force now. In a thread: the signal may come in the middle of anything."""
    Bell(chosen).ring()
    threading.Thread(target=poke, name="reload").start()


def _heed_reloads(chosen: Settings) -> None:
    signal.signal(signal.SIGHUP, lambda *_about: _reload(chosen))


def _work(app: Celery, chosen: Settings, queues: Sequence[str], processes: int | None) -> int:
    signals.worker_process_shutdown.connect(lambda **_about: close_runtime(), weak=False)
    pulse = alive.Pulse(app, chosen, queues)
    signals.heartbeat_sent.connect(lambda **_about: pulse.beat(), weak=False)
    # once it is ready: before, Celery puts a handler of its own there, which restarts the worker
    signals.worker_ready.connect(lambda **_about: _heed_reloads(chosen), weak=False)
    if SWEEP in queues:
        signals.worker_ready.connect(lambda **_about: poke(), weak=False)
    # JSON is all that we accept, so root gains a sender nothing
    warnings.simplefilter("ignore", SecurityWarning)
    worker = app.Worker(
        hostname=f"{queues[0] if len(queues) == 1 else 'all'}-{os.getpid()}@{socket.gethostname()}",
        queues=list(queues),
        concurrency=processes or chosen.worker_processes,
        pool_cls="prefork",
        loglevel=chosen.log_level,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
        redirect_stdouts=False,
    )
    worker.start()
    return int(worker.exitcode or 0)
