"""What the steps share: their names, the ids they pass on, how rows are claimed, where errors stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from watcher.model import Notice
from watcher.runtime import Runtime
from watcher.store import Connection, backlog, digests

IO_AT_ONCE = 10
"""Messages, pages or hubs that one step works on at the same time; also the size of their nudges."""
FEEDS_AT_ONCE = 20
"""As many feeds: more of what a claim and a transaction cost is shared, and most of them only wait for an answer."""
COMPANY = 16
"""Rows that a message which names one row takes along: more would let the first wait for the last."""
STEP_S = 45.0
"""A step starts nothing new after so many seconds; with one unit of work it ends well before a task's hard limit."""
REDO = timedelta(seconds=60)
"""First wait after a row made its step fail; it grows with every failure."""

_GATHER_S = 0.25
"""How long a result waits for company: what comes together is written together."""

SOON = timedelta(seconds=3)
"""Wait after trouble that passes by itself: a database that is busy or away."""


class Step(StrEnum):
    """The steps that rows wait for, and the names of their queues."""

    FEEDS = "feeds"
    PUSHES = "pushes"
    HUBS = "hubs"
    ITEMS = "items"
    PAGES = "pages"
    EVENTS = "events"
    DIGESTS = "digests"
    DELIVERIES = "deliveries"


_WAITING_ON_A_NETWORK = frozenset({Step.HUBS, Step.PAGES, Step.DELIVERIES})

Nudges = dict[Step, list[int]]
"""Ids that a step should look at now, by step."""

T = TypeVar("T")
R = TypeVar("R")


def batch_size(rt: Runtime, step: Step) -> int:
    """How many ids one message of that step carries: few where each one waits for a network."""
    if step is Step.FEEDS:
        return FEEDS_AT_ONCE
    return IO_AT_ONCE if step in _WAITING_ON_A_NETWORK else rt.settings.batch


def nudges(found: Nudges) -> Nudges:
    """Without the steps that have nothing."""
    return {step: ids for step, ids in found.items() if ids}


class Claim(Protocol[R]):
    """A store module's claim: `before` asks for rows that were claimed before and never finished."""

    def __call__(
        self, conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
    ) -> list[R]: ...


class Due(Protocol):
    """A store module's query of what waits and is held by nobody, longest due first."""

    def __call__(self, conn: Connection, *, now: datetime, limit: int) -> list[int]: ...


class Turn:
    """One run of a step: who claims, until when new work may start, and which rows come together.

    Rows that nobody tried yet come as one batch. A row that was tried and never finished broke its step or killed its
    worker: each of those is claimed alone, just before its turn, so that it can take no other row down with it.
    """

    def __init__(self, rt: Runtime, step: Step) -> None:
        self.rt = rt
        self.step = step
        self.owner = rt.new_owner()
        self._ends_at = time.monotonic() + STEP_S

    @property
    def over(self) -> bool:
        """Whether nothing new may start."""
        return time.monotonic() > self._ends_at

    def batches(self, claim: Claim[R], ids: Sequence[int], due: Due | None = None) -> Iterator[list[R]]:
        """The claimed rows, committed; each batch is worked on before the next is claimed.

        With `due`, rows that wait beside those of `ids` are taken along: while news come faster than messages are
        worked off, what a claim and a transaction cost is shared, and later messages find their work done.
        """
        with self.rt.database.read() as conn:
            suspects = backlog.suspects(conn, self.step, ids)
            if due is not None:
                waiting = due(conn, now=self.rt.clock(), limit=COMPANY)
                ids = list(dict.fromkeys([*ids, *waiting])) if len(waiting) == COMPANY else waiting
        fresh = self._claim(claim, ids, before=False) if ids else []
        if fresh:
            self.reach("claimed")
            yield fresh
        for one in suspects:
            if self.over:
                return
            suspect = self._claim(claim, [one], before=True)
            if suspect:
                self.reach("claimed")
                yield suspect

    def _claim(self, claim: Claim[R], ids: Sequence[int], *, before: bool) -> list[R]:
        rt = self.rt
        with rt.database.write() as conn:
            return claim(conn, ids, owner=self.owner, lease_s=rt.settings.lease_s, now=rt.clock(), before=before)

    def reach(self, point: str) -> None:
        """A named point of the step, for the drills."""
        self.rt.checkpoint(f"{self.step}:{point}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What `attempt` gives instead of a result."""

    error: Exception

    @property
    def why(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


def attempt(rt: Runtime, work: Callable[[], R]) -> R | Failure:
    """The one place of the line where any error is caught: one bad row must not stop the others.

    What interrupts the process from outside, such as a time limit, is no fault of the row and passes through.
    """
    try:
        return work()
    except rt.interrupts:
        raise
    except Exception as error:  # noqa: BLE001
        return Failure(error=error)


def at_once(work: Callable[[T], R], rows: Sequence[T]) -> list[R]:
    """`work` on every row, at most ten at a time, results in the order of the rows."""
    if len(rows) < 2:
        return [work(row) for row in rows]
    with ThreadPoolExecutor(min(IO_AT_ONCE, len(rows))) as pool:
        return list(pool.map(work, rows))


def as_done(work: Callable[[T], R], rows: Sequence[T]) -> Iterator[list[R]]:
    """`work` on every row, at most twenty at a time; the results as they come, in one list what came meanwhile.

    So one row that is slow keeps no result of the others waiting.
    """
    if len(rows) < 2:
        yield [work(row) for row in rows]
        return
    with ThreadPoolExecutor(min(FEEDS_AT_ONCE, len(rows))) as pool:
        waiting = {pool.submit(work, row) for row in rows}
        while waiting:
            wait(waiting, return_when=FIRST_COMPLETED)
            done, waiting = wait(waiting, timeout=_GATHER_S)
            yield [future.result() for future in done]


def notify(rt: Runtime, key: str, notice: Notice) -> None:
    """Tell `ops:` something once for that key."""
    with rt.database.write() as conn:
        digests.add_notice(conn, key, notice, now=rt.clock())
