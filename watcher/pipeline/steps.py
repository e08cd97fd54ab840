"""What the steps share: their names, the ids they pass on, work at once, and the one place where errors stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from watcher.model import (
    Notice,
)
from watcher.runtime import Runtime
from watcher.store import digests

IO_AT_ONCE = 10
"""Feeds or messages that one step works on at the same time; also the size of their nudges."""
REDO = timedelta(seconds=60)
"""First wait after a row made its step fail; it grows with every failure."""


class Step(StrEnum):
    """The steps that rows wait for, and the names of their queues."""

    FEEDS = "feeds"
    ITEMS = "items"
    EVENTS = "events"
    DIGESTS = "digests"
    DELIVERIES = "deliveries"


Nudges = dict[Step, list[int]]
"""Ids that a step should look at now, by step."""

T = TypeVar("T")
R = TypeVar("R")


def batch_size(rt: Runtime, step: Step) -> int:
    """How many ids one message of that step carries: few where each one waits for a network."""
    return IO_AT_ONCE if step in (Step.FEEDS, Step.DELIVERIES) else rt.settings.batch


def nudges(found: Nudges) -> Nudges:
    """Without the steps that have nothing."""
    return {step: ids for step, ids in found.items() if ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What `attempt` gives instead of a result."""

    error: Exception


def attempt(work: Callable[[], R]) -> R | Failure:
    """The one place of the line where any error is caught: one bad item must not stop the others."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        return Failure(error=error)


def at_once(work: Callable[[T], R], rows: Sequence[T]) -> list[R]:
    """`work` on every row, at most ten at a time, results in the order of the rows."""
    if len(rows) < 2:
        return [work(row) for row in rows]
    with ThreadPoolExecutor(min(IO_AT_ONCE, len(rows))) as pool:
        return list(pool.map(work, rows))


def notify(rt: Runtime, key: str, notice: Notice) -> None:
    """Tell `ops:` something once for that key."""
    with rt.database.write() as conn:
        digests.add_notice(conn, key, notice, now=rt.clock())
