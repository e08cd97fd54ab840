"""The mail connections of one process: few per server, kept for a minute, never used by two at once or after a fork."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections import defaultdict

from watcher.deliver.smtp_link import Link, Server

PER_SERVER = 5
MESSAGES = 100
"""Over one connection; many servers close it soon after by themselves."""
IDLE_S = 60.0


class Pool:
    """Lends connections; `idle_s=0` keeps none."""

    def __init__(self, *, per_server: int = PER_SERVER, messages: int = MESSAGES, idle_s: float = IDLE_S) -> None:
        self._per_server = per_server
        self._messages = messages
        self._idle_s = idle_s
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Server, list[Link]] = defaultdict(list)
        self._turns: dict[Server, threading.BoundedSemaphore] = {}
        self._timer: threading.Timer | None = None
        self._tls: ssl.SSLContext | None = None

    def turn(self, server: Server, *, within_s: float) -> bool:
        """Wait until fewer than the allowed connections to the server are in use; `done` gives the turn back."""
        with self._lock:
            turns = self._turns.setdefault(server, threading.BoundedSemaphore(self._per_server))
        return turns.acquire(timeout=max(within_s, 0))

    def done(self, server: Server, link: Link | None) -> None:
        """End a turn; the connection is kept when another message may follow on it."""
        keep = link is not None and link.sound and link.messages < self._messages and self._idle_s > 0
        if link is not None and not keep:
            link.leave()
        with self._lock:
            if link is not None and keep:
                self._idle[server].append(link)
                self._look_later()
            turns = self._turns.get(server)
        if turns is not None:
            turns.release()

    def kept(self, server: Server) -> Link | None:
        """The connection to the server that was used last, if one is still young; taken out of the pool."""
        with self._lock:
            links = self._idle[server]
            link = links.pop() if links else None
        if link is not None and time.monotonic() - link.idle_since > self._idle_s:
            link.leave()
            return None
        return link

    def tls(self) -> ssl.SSLContext:
        """A context with the system's roots, made once: reading them takes longer than a whole message."""
        with self._lock:
            if self._tls is None:
                self._tls = ssl.create_default_context()
            return self._tls

    def close(self) -> None:
        """Take leave of every server; what is in use goes on and is kept no longer than a minute."""
        self._leave(older_than_s=-1)

    def forget(self) -> None:
        """In a forked child: the connections are the parent's, and its locks may be held for ever."""
        for links in self._idle.values():
            for link in links:
                link.drop()
        self._begin()

    def _leave(self, older_than_s: float) -> None:
        now = time.monotonic()
        with self._lock:
            gone = [link for links in self._idle.values() for link in links if now - link.idle_since > older_than_s]
            for server, links in self._idle.items():
                self._idle[server] = [link for link in links if link not in gone]
        for link in gone:
            link.leave()

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self._idle_s, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        self._leave(older_than_s=self._idle_s * 0.9)
        with self._lock:
            self._timer = None
            if any(self._idle.values()):
                self._look_later()


POOL = Pool()
"""Of this process."""
os.register_at_fork(after_in_child=POOL.forget)
