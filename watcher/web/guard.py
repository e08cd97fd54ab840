"""What holds for every answer: by which names we are asked at all, and the headers that go with it.

Nothing runs in a page of ours that is not ours, nothing frames it, and nothing of it is sent elsewhere.
"""

from __future__ import annotations

import ipaddress
import re
import time

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watcher.errors import WatcherError
from watcher.runtime import Runtime
from watcher.store import overview
from watcher.web.client_address import by_https

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
HSTS = "max-age=31536000"
"""For a year, and not for subdomains, which are somebody else's."""
_ANYWHERE = ("/healthz", "/readyz")
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_LOOK_EVERY_S = 5.0


def host_name(header: str) -> str | None:
    """The name or address in a `Host` header, folded and without port and final dot; None when it is neither."""
    text = header.strip().lower()
    if text.startswith("["):
        inside, closed, port = text[1:].partition("]")
        fits = closed and re.fullmatch(r"(:[0-9]{1,5})?", port)
        return inside if fits and _address(inside) else None
    name, _, port = text.partition(":")
    name = name.removesuffix(".")
    if not re.fullmatch(r"[0-9]{0,5}", port) or not _NAME.fullmatch(name) or len(name) > 253:
        return None
    return name


def is_ours(name: str, known: frozenset[str]) -> bool:
    """Whether a page may be asked for by that name.

    DNS rebinding needs a name that its owner can point at us: an address is none, nor is a name without a dot, nor
    `localhost`. Any other must be known.
    """
    return bool(_address(name)) or "." not in name or name.endswith(".localhost") or name in known


class Guard:
    """ASGI middleware: refuses names that are not ours, and sets `HEADERS` where the answer has not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._public: str | None = None
        self._looked_at: float | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        secure = by_https(request)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("strict-transport-security", HSTS)
            await send(message)

        asked = request.headers.get("host", "")
        if request.url.path in _ANYWHERE or await self._known(request.app.state.runtime, asked):
            await self._app(scope, receive, guarded)
            return
        told = "This service is not known by that name: set public_url in watcher.yml, or WATCHER_WEB_HOSTS.\n"
        await PlainTextResponse(told, status_code=421)(scope, receive, guarded)

    async def _known(self, rt: Runtime, header: str) -> bool:
        name = host_name(header)
        if name is None:
            return False
        if is_ours(name, frozenset((rt.settings.web_host.lower(), *rt.settings.web_hosts))):
            return True
        if name != self._public and self._due():
            self._public = await run_in_threadpool(_public_host, rt, self._public)
        return name == self._public

    def _due(self) -> bool:
        """At most one look at the rows in five seconds, however many strange names come."""
        now = time.monotonic()
        if self._looked_at is not None and now - self._looked_at < _LOOK_EVERY_S:
            return False
        self._looked_at = now
        return True


def _public_host(rt: Runtime, before: str | None) -> str | None:
    """The host of `public_url`; what it was when the rows cannot be read."""
    try:
        with rt.database.read() as conn:
            url = overview.remembered(conn, "public_url")
    except WatcherError:
        return before
    return host_name(re.sub(r"^[a-z]+://([^/?#]*).*", r"\1", str(url or "")))


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
