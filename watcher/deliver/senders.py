"""The threads of one process that send: bounded, and kept from being filled by channels that hang.

A thread owns what it sends from the claim to the mark, so that it may outlast the task that started it. Who may be sent
to at all, over all processes, is decided by the rows.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

THREADS = 128
"""A hanging call is one idle socket and a small stack; room for a hundred hanging channels and a healthy one."""
UNPROVEN = 112
"""Of them for channels of which no message has gone through lately, or whose last one failed."""
IN_LANE = 8
"""Of them for channels that share a mail server: it must not be able to stop the others."""


class Senders:
    def __init__(self, *, threads: int = THREADS, unproven: int = UNPROVEN, in_lane: int = IN_LANE) -> None:
        self.closing = False
        """Whether the process is about to end: finish what is in hand and take up nothing more."""
        self._most = (threads, unproven, in_lane)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._running: dict[Future[None], tuple[str, str, bool]] = {}

    def start(
        self, work: Callable[[], None], *, channel: str, lane: str, proven: bool, at_once: int
    ) -> Future[None] | None:
        """Run `work` in a thread; None when it has no room, or this process works on the channel already."""
        with self._lock:
            if self.closing or not self._has_room(channel, lane, proven, at_once):
                return None
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._most[0], thread_name_prefix="send")
            started = self._pool.submit(work)
            self._running[started] = (channel, lane, proven)
        started.add_done_callback(self._ended)
        return started

    def _has_room(self, channel: str, lane: str, proven: bool, at_once: int) -> bool:
        threads, unproven, in_lane = self._most
        running = list(self._running.values())
        channels, lanes = Counter(one[0] for one in running), Counter(one[1] for one in running)
        unsure = sum(not one[2] for one in running)
        return (
            len(self._running) < threads
            and (proven or unsure < unproven)
            and channels[channel] < at_once
            and lanes[lane] < in_lane
        )

    def _ended(self, one: Future[None]) -> None:
        with self._lock:
            self._running.pop(one, None)

    @property
    def busy(self) -> int:
        """How many threads are at work."""
        return len(self._running)

    @property
    def crowded(self) -> bool:
        """Whether half of the threads are in use: no time to wait for a channel's next slot."""
        return len(self._running) * 2 > self._most[0]

    def close(self, *, within_s: float) -> bool:
        """Take up nothing more and wait for what is in hand; False when some of it still is after `within_s`."""
        with self._lock:
            self.closing = True
            left, pool = list(self._running), self._pool
        _, late = wait(left, timeout=within_s)
        if pool is not None:
            pool.shutdown(wait=not late, cancel_futures=True)
        return not late
