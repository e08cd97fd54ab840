"""Who is let in: a session's cookie or an API token, each kept as a digest only.

The cookie's name has the `__Host-` prefix wherever the connection is HTTPS (RFC 6265bis, 4.1.3.2).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from watcher.runtime import Runtime
from watcher.store import sessions
from watcher.web.operator import Operator, Proof, Scope

COOKIE = "watcher-session"
IDLE = timedelta(hours=12)


def digest(secret: str) -> str:
    """What is kept of a cookie or a token: they are random, so that no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def password_key(rt: Runtime) -> str:
    """A digest of the password that holds now: sessions of another one have ended."""
    return digest(str(rt.settings.secret_key or ""))


def who(request: Request) -> Operator | None:
    """Whoever the request's cookie lets in; None for nobody. Reads a row: call it in a thread."""
    rt: Runtime = request.app.state.runtime
    cookie = request.cookies.get(f"__Host-{COOKIE}") or request.cookies.get(COOKIE)
    if not cookie:
        return None
    with rt.database.read() as conn:
        row = sessions.get(conn, digest(cookie), password_key=password_key(rt), now=rt.clock())
    if row is None:
        return None
    return Operator(name=row["name"], scopes=frozenset(Scope), proof=Proof.SESSION, session_id=row["id"])


def begin(rt: Runtime, response: Response, *, name: str, client: str, secure: bool) -> str:
    """Log somebody in: a row, and the cookie set on the response; returns the cookie's value."""
    cookie, now = secrets.token_urlsafe(32), rt.clock()
    with rt.database.write() as conn:
        sessions.add(
            conn,
            digest(cookie),
            name=name,
            password_key=password_key(rt),
            client=client,
            now=now,
            ends_at=now + IDLE,
        )
    response.set_cookie(
        f"__Host-{COOKIE}" if secure else COOKIE, cookie, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return cookie
