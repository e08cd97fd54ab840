"""The callback that WebSub hubs talk to (W3C Recommendation, sections 5.2, 5.3 and 7): their questions and documents.

It only writes rows; the sweep finds them. Nothing of a body is ever answered, and who does not know a subscription's
address learns nothing about which feeds are followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from watcher import log
from watcher.errors import TryAgain
from watcher.fetch import hub as webs
from watcher.model import Hub, HubState
from watcher.runtime import Runtime
from watcher.store import hubs

BODIES_AT_ONCE = 8
BODY_S = 30.0
UNREAD_MAX = 20
"""Documents of one hub that may wait to be read."""
UNREAD_BODIES = 2
"""How many bodies of the largest size may wait of one hub, in bytes."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_TYPE_CHARACTERS = 200
_LATER_S = "60"
_SOON_S = "5"
_OVER = frozenset({HubState.LEAVING, HubState.ENDED})
_log = log.get("web")


class _Refused(Exception):
    """A document that is not taken, and what the hub is answered."""

    def __init__(self, *, status: int, retry_after_s: str | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_s = retry_after_s


class Callback:
    """The two endpoints; one for each application, as it bounds how many bodies are held at once."""

    def __init__(self) -> None:
        self._bodies = asyncio.Semaphore(BODIES_AT_ONCE)

    async def confirm(self, request: Request) -> Response:
        """GET: the challenge back when we did ask for that, else 404."""
        rt: Runtime = request.app.state.runtime
        intent = webs.read_intent(request.query_params)
        token = _token(request)
        if request.method != "GET" or intent is None or token is None:
            return _answer(404)
        try:
            known = await run_in_threadpool(_hear, rt, token, intent)
        except TryAgain:
            return _answer(503, retry_after_s=_SOON_S)
        return PlainTextResponse(intent.challenge) if known else _answer(404)

    async def receive(self, request: Request) -> Response:
        """POST: keep the document to be read; one without the right signature is taken and dropped (section 7.1)."""
        rt: Runtime = request.app.state.runtime
        try:
            return await self._receive(rt, request)
        except _Refused as refused:
            return _answer(refused.status, retry_after_s=refused.retry_after_s)
        except TryAgain:
            return _answer(503, retry_after_s=_SOON_S)
        except ClientDisconnect:
            return _answer(400)

    async def _receive(self, rt: Runtime, request: Request) -> Response:
        hub = await run_in_threadpool(_open, rt, _token(request))
        _check_headers(request, rt.settings.fetch_max_bytes)
        if self._bodies.locked():
            raise _Refused(status=503, retry_after_s=_SOON_S)
        async with self._bodies:
            try:
                body = await asyncio.wait_for(_body(request, rt.settings.fetch_max_bytes), BODY_S)
            except TimeoutError:
                raise _Refused(status=408) from None
            signature = request.headers.get("x-hub-signature")
            content_type = (request.headers.get("content-type") or "")[:_TYPE_CHARACTERS] or None
            await run_in_threadpool(_keep, rt, hub, body, signature, content_type)
        return _answer(202)


def _answer(status: int, *, retry_after_s: str | None = None) -> Response:
    return Response(status_code=status, headers={"retry-after": retry_after_s} if retry_after_s else None)


def _token(request: Request) -> str | None:
    token = str(request.path_params["token"])
    return token if _TOKEN.fullmatch(token) else None


def _hear(rt: Runtime, token: str, intent: webs.Intent) -> bool:
    """Write what the hub says of the subscription; False when we asked for nothing of that kind."""
    now = rt.clock()
    with rt.database.read() as conn:
        found = hubs.by_token(conn, token)
    if found is None or not _fits(found, intent, rt):
        return False
    with rt.database.write() as conn:
        hub = hubs.by_token(conn, token)
        if hub is None or not _fits(hub, intent, rt):
            return False
        if intent.mode == "denied":
            step, expires_at = webs.after_denial(hub, intent, now=now), None
        else:
            step, expires_at = webs.after_verification(hub, intent, now=now)
        hubs.spoken(conn, hub, step, expires_at=expires_at, now=now)
    _log.info("a hub spoke", hub=hub.id, feed=hub.feed_id, state=step.state.value, why=step.reason)
    return True


def _fits(hub: Hub, intent: webs.Intent, rt: Runtime) -> bool:
    if intent.mode == "denied":
        return intent.topic == hub.topic_url and hub.asked_at is not None and hub.state is not HubState.ENDED
    return webs.confirms(hub, intent, now=rt.clock())


def _open(rt: Runtime, token: str | None) -> Hub:
    """The subscription of that address, if it may send now; looked up before any of the body is read."""
    with rt.database.read() as conn:
        hub = hubs.by_token(conn, token) if token else None
        if hub is None:
            raise _Refused(status=404)
        if hub.state in _OVER:
            raise _Refused(status=410)
        _check_room(hubs.waiting(conn, hub.id), 0, rt)
    return hub


def _check_room(unread: hubs.Unread, more: int, rt: Runtime) -> None:
    if unread.count >= UNREAD_MAX or unread.size + more > UNREAD_BODIES * rt.settings.fetch_max_bytes:
        raise _Refused(status=429, retry_after_s=_LATER_S)


def _check_headers(request: Request, max_bytes: int) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise _Refused(status=415)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise _Refused(status=413)


async def _body(request: Request, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _Refused(status=413)
    return bytes(body)


def _keep(rt: Runtime, hub: Hub, body: bytes, signature: str | None, content_type: str | None) -> None:
    if not webs.signed(body, signature, hub.secret):
        with rt.database.write() as conn:
            hubs.count_dropped(conn, hub.id)
        _log.warning("a pushed document was not signed by its hub", hub=hub.id, feed=hub.feed_id, size=len(body))
        return
    add = partial(hubs.add_push, content_type=content_type, body=body, digest=hashlib.sha256(body).hexdigest())
    with rt.database.write() as conn:
        _check_room(hubs.waiting(conn, hub.id), len(body), rt)
        added = add(conn, hub.id, now=rt.clock())
    _log.info("a hub pushed", hub=hub.id, feed=hub.feed_id, size=len(body), repeated=not added)
