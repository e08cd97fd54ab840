"""New events as they are found: server-sent events of the rows that pass the filter of the page that listens.

Rows are the truth here too: one look at the newest ids every two seconds serves every listener of the process, and only
what is new is held against each filter. Listeners are few, so that pages and forms always find a free connection.
Source: WHATWG HTML, 9.2 (Server-sent events).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from watcher.errors import TryAgain
from watcher.pipeline.tokens import digest
from watcher.runtime import Runtime
from watcher.store import event_search, sessions
from watcher.web import access, event_query
from watcher.web.console import events
from watcher.web.console.desk import templates
from watcher.web.event_query import EventQuery
from watcher.web.operator import Operator, Proof, Scope

MOST, MOST_OF_ONE = 20, 4
"""Listeners of the process, and of one session: a browser opens six connections to a host, and pages need some."""
LOOK_S, HEARTBEAT_S = 2.0, 15.0
WINDOW = 100
"""The newest events that are looked at: whoever missed more loads the page."""
_RETRY_MS = 5000


@dataclass(slots=True)
class Streams:
    """Who listens in this process, and the last look at the rows, which they share. Of one event loop."""

    look_s: float = LOOK_S
    heartbeat_s: float = HEARTBEAT_S
    most: int = MOST
    listeners: Counter[str] = field(default_factory=Counter)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _newest: tuple[int, ...] = ()
    _looked_at: float = float("-inf")

    def free(self, session: str) -> bool:
        return self.listeners.total() < self.most and self.listeners[session] < MOST_OF_ONE

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """Count one listener as long as the block lasts."""
        self.listeners[session] += 1
        try:
            yield
        finally:
            self.listeners[session] -= 1
            self.listeners += Counter()  # drops those at zero

    async def newest(self, read: Callable[[], list[int]]) -> tuple[int, ...]:
        """Ids of the newest events as of at most one look ago, whoever looked."""
        async with self._looking:
            if time.monotonic() - self._looked_at >= self.look_s * 0.9:
                self._newest = tuple(await run_in_threadpool(read))
                self._looked_at = time.monotonic()
        return self._newest

    async def pause(self) -> bool:
        """Wait until the next look; False when the service ends."""
        try:
            await asyncio.wait_for(self._ended.wait(), self.look_s)
        except TimeoutError:
            return True
        return False

    def end(self) -> None:
        """Let every stream end now."""
        self._ended.set()


def streams(application: Starlette) -> Streams:
    """Those of the application."""
    if not hasattr(application.state, "streams"):
        application.state.streams = Streams()
    found: Streams = application.state.streams
    return found


async def endpoint(request: Request) -> Response:
    """A stream of the events after `Last-Event-ID`, or `after`, that pass the filter; 503 where too many listen."""
    try:
        operator = await run_in_threadpool(access.who, request)
    except TryAgain as error:
        return PlainTextResponse(f"{error}\n", status_code=503, headers={"retry-after": "10"})
    if operator is None:
        return PlainTextResponse("Log in first.\n", status_code=401)
    if not operator.may(Scope.READ):
        return PlainTextResponse("This needs the scope 'read'.\n", status_code=403)
    rt: Runtime = request.app.state.runtime
    asked = event_query.read(request.query_params, today=rt.clock().date())
    if asked.wrong:
        words = "\n".join(f"{name}: {words}" for name, words in asked.wrong.items())
        return PlainTextResponse(words + "\n", status_code=400)
    return _Stream(_Listener(request=request, rt=rt, operator=operator, asked=asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listener:
    """One page that listens."""

    request: Request
    rt: Runtime
    operator: Operator
    asked: EventQuery

    @property
    def key(self) -> str:
        return self.operator.session_id or self.operator.name

    @property
    def last(self) -> int | None:
        """The event that the page has seen last, if it says so."""
        for written in (self.request.headers.get("last-event-id", ""), self.request.query_params.get("after", "")):
            if written.isascii() and written.isdigit() and len(written) <= 18:
                return int(written)
        return None

    async def messages(self) -> AsyncIterator[str]:
        """The stream's text, until the listener leaves, its session ends, or the service does."""
        shared = streams(self.request.app)
        yield f"retry: {_RETRY_MS}\n\n" + _message("state", "New events appear here by themselves.")
        last, seen = self.last, None
        beaten_at, catching_up = time.monotonic(), "last-event-id" not in self.request.headers
        while True:
            try:
                newest = await shared.newest(self._newest)
                if seen is None:
                    seen = {one for one in newest if last is None or one <= last}
                fresh = [one for one in newest if one not in seen]
                for message in await run_in_threadpool(self._told, fresh, again=catching_up) if fresh else ():
                    yield message
                seen, catching_up = set(newest), False
                if time.monotonic() - beaten_at >= shared.heartbeat_s:
                    beaten_at = time.monotonic()
                    if not await run_in_threadpool(self._still):
                        yield _message("state", 'You are logged out. <a href="/login">Log in</a>') + _message(
                            "over", ""
                        )
                        return
                    yield ": still here\n\n"
            except TryAgain:
                pass  # the rows are away for now; a page that listens loses nothing by waiting
            if not await shared.pause():
                return

    def _newest(self) -> list[int]:
        with self.rt.database.read() as conn:
            return event_search.newest(conn, limit=WINDOW)

    def _told(self, fresh: list[int], *, again: bool) -> list[str]:
        """Those that pass, oldest first, so that the newest comes to stand on top.

        `again`: the page may show them already, as it stood before the connection broke; then they are replaced.
        """
        with self.rt.database.read() as conn:
            rows = events.rows(conn, event_search.among(conn, self.asked.filter, fresh))
        template, now = templates().get_template("console/event_row.html.j2"), self.rt.clock()
        told = []
        for row in reversed(rows):
            gone = f'<li id="event-{row["id"]}" hx-swap-oob="delete"></li>' if again else ""
            told.append(_message("event", gone + template.render(row=row, now=now), row["id"]))
        return told

    def _still(self) -> bool:
        """Whether whoever listens may still read; asking does not make a session last longer."""
        if self.operator.proof is not Proof.SESSION:
            found = access.who(self.request)
            return found is not None and found.may(Scope.READ)
        held = access.password_hash(self.rt)
        with self.rt.database.read() as conn:
            key = digest(held) if held else ""
            return sessions.get(conn, self.operator.session_id, password_key=key, now=self.rt.clock()) is not None


class _Stream(StreamingResponse):
    """The answer that lasts: it takes its place when it begins and gives it back however it ends."""

    def __init__(self, listener: _Listener) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(listener.messages(), media_type="text/event-stream", headers=headers)
        self._listener = listener

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        shared, key = streams(self._listener.request.app), self._listener.key
        if not shared.free(key):
            full = PlainTextResponse("Too many pages listen.\n", status_code=503, headers={"retry-after": "60"})
            await full(scope, receive, send)
            return
        with shared.listening(key):
            await super().__call__(scope, receive, send)


def _message(kind: str, html: str, event_id: int | None = None) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip()) or "data:\n"
    return (f"id: {event_id}\n" if event_id is not None else "") + f"event: {kind}\n{lines}\n"
