"""What all tasks share: the runtime of this process, the publishing of nudges, and what an error means to Celery.

The rows are the truth. Whatever goes wrong here costs time and never work: the sweep finds each row again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerAway
from redis.exceptions import RedisError

from watcher import log, runtime
from watcher.errors import TryAgain
from watcher.pipeline import Nudges, batch_size, canary
from watcher.runtime import Runtime
from workers.app import SWEEP, app, settings

LONG_QUEUE = 20
"""Messages in a queue from which on the sweep adds none: most rows that it finds are in them, and it comes again."""
TRIES = 3
AWAY = (BrokerAway, KombuError, RedisError, OSError)
"""What a broker that is away or full raises."""
_log = log.get("workers")
_opened: dict[int, Runtime] = {}


class Task(celery.Task):
    """A step of the line as a Celery task."""

    abstract = True
    ignore_result = True

    def step(self, work: Callable[[Runtime, Sequence[int]], Nudges], ids: Sequence[int]) -> None:
        """Do the step for the rows and publish what it says should be looked at next; see `guard`.

        Ids of canaries are negative, and nought asks to be told that somebody works here (`watcher.pipeline.canary`).
        """
        news = [one for one in ids if one > canary.PRESENT]
        ours = [one for one in ids if one < canary.PRESENT]
        if canary.PRESENT in ids:
            self.guard(lambda rt: canary.present(rt, str(self.name).partition(".")[2]))
        if ours:
            self.guard(lambda rt: canary.travel(rt, work, ours), canary=True)
        if news:
            self.guard(lambda rt: work(rt, news), ids=news[:5], count=len(news))

    def guard(self, work: Callable[[Runtime], Nudges], **about: Any) -> None:
        """Run `work` and publish its nudges.

        Our own machinery being away is tried again, soon and a few times; then, as after a bug, the rows wait for the
        sweep with the attempt counted on them.
        """
        trace = self.request.get("trace") or uuid.uuid4().hex[:12]
        try:
            with log.traced(trace):
                publish(work(open_runtime()), trace=trace)
        except TryAgain as error:
            if self.request.retries >= TRIES:
                _log.warning("left to the sweep", task=self.name, reason=str(error), **about)
                return
            raise self.retry(exc=error, countdown=2**self.request.retries, max_retries=TRIES) from error
        except SoftTimeLimitExceeded:
            _log.warning("ran out of time; its rows are left to the sweep", task=self.name, **about)
        except Exception:  # noqa: BLE001 -- one of the two places: a bug must not lose the nudges behind it
            _log.exception("a task failed; its rows are left to the sweep", task=self.name, **about)


# ── the runtime ──────────────────────────────────────────────────────────────────────────────────────────────────────


def open_runtime() -> Runtime:
    """This process's runtime, opened at its first task: nothing open is ever carried over a fork."""
    found = _opened.get(os.getpid())
    if found is None:
        _opened.clear()
        found = _opened[os.getpid()] = runtime.open(settings())
        found.interrupts = (SoftTimeLimitExceeded,)
    return found


def close_runtime() -> None:
    """Close this process's runtime, if it has one."""
    found = _opened.pop(os.getpid(), None)
    if found is not None:
        found.close()


# ── nudges ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def publish(nudges: Nudges, *, trace: str = "") -> int:
    """Send the ids to their queues over one connection; the number of ids sent. The log shows them under `trace`.

    Called after the commit, so it never raises for the broker: what could not be sent is left to the sweep.
    """
    sent = 0
    waiting = sum(len(ids) for ids in nudges.values())
    if not waiting:
        return 0
    try:
        with app.producer_or_acquire() as producer:
            for step, ids in nudges.items():
                for batch in batches(ids, batch_size(open_runtime(), step)):
                    app.send_task(
                        f"watcher.{step}",
                        args=[batch],
                        queue=str(step),
                        producer=producer,
                        retry=False,
                        ignore_result=True,
                        headers={"trace": trace} if trace else None,
                    )
                    sent += len(batch)
    except AWAY as error:
        _log.warning("nudges left to the sweep", count=waiting - sent, reason=str(error) or type(error).__name__)
    return sent


def poke() -> None:
    """Ask for a sweep now, so that a worker that has just started need not wait for the beat; never raises."""
    try:
        app.send_task("watcher.sweep", queue=SWEEP, retry=False, ignore_result=True)
    except AWAY as error:
        _log.warning("no sweep asked for", reason=str(error) or type(error).__name__)


def batches(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    """The ids in groups of at most `size`, in order, each id once."""
    once = list(dict.fromkeys(ids))
    yield from (once[start : start + size] for start in range(0, len(once), size))


def without_long_queues(nudges: Nudges) -> Nudges:
    """The nudges whose queue is not already long; all of them when the broker cannot be asked."""
    waiting = lengths([str(step) for step, ids in nudges.items() if ids])
    return {step: ids for step, ids in nudges.items() if waiting.get(str(step), 0) <= LONG_QUEUE}


def lengths(queues: Sequence[str]) -> dict[str, int]:
    """How many messages wait in each of the queues, those in work not counted; nothing when the broker is away."""
    try:
        with app.connection_or_acquire() as connection:
            client = connection.default_channel.client
            return {queue: int(client.llen(queue)) for queue in queues}
    except AWAY:
        return {}
