"""Who is let in: a session's cookie or an API token, each kept as a digest only.

The cookie's name has the `__Host-` prefix wherever the connection is HTTPS (RFC 6265bis, 4.1.3.2). How often somebody
may try a password is decided in `login_limits`.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from watcher import password
from watcher.errors import TryAgain
from watcher.pipeline.tokens import PREFIX, digest
from watcher.runtime import Runtime
from watcher.store import sessions, tokens
from watcher.web.client_address import by_https
from watcher.web.operator import Operator, Proof, Scope

COOKIE = "watcher-session"
ADMIN = "admin"
IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
TOUCH_EVERY = timedelta(minutes=1)
SHOWS_ONLY = frozenset({Scope.READ, Scope.METRICS})
"""What is left to everybody in read-only mode."""
READ_ONLY = "The service is in read-only mode: nothing is changed while WATCHER_READ_ONLY says yes."
_COOKIE_CHARACTERS = 200
_hashing = threading.Lock()


def password_hash(rt: Runtime) -> str | None:
    """The hash of the password that holds now; None while there is none, and nobody gets in.

    It is the setting's; with the embedded database and no setting, that of the file in the data folder.
    """
    text = rt.settings.admin_password
    if text is None and rt.settings.database_url is None:
        text = password.read_in(rt.settings.data_dir)
    if text is None:
        return None
    key = rt.signing_key()
    with _hashing:  # so that the first requests after a start make the hash once
        return _kept(text, key)


@lru_cache(maxsize=8)
def _kept(text: str, key: str) -> str:
    return password.kept(text, key=key)


def who(request: Request) -> Operator | None:
    """Whoever the request's token or cookie lets in, a token first; None for nobody. Reads a row: call it in a thread.

    In read-only mode nobody has a scope that changes anything.
    """
    return by_token(request) if "authorization" in request.headers else by_cookie(request)


def by_token(request: Request) -> Operator | None:
    """Whoever `Authorization: Bearer` names (RFC 6750, 2.1); None for nobody."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if kind.lower() != "bearer" or not token.startswith(PREFIX) or len(token) > _COOKIE_CHARACTERS:
        return None
    rt: Runtime = request.app.state.runtime
    now = rt.clock()
    with rt.database.read() as conn:
        row = tokens.get(conn, digest(token), now=now)
    if row is None:
        return None
    if row["used_at"] is None or now - row["used_at"] >= TOUCH_EVERY:
        with contextlib.suppress(TryAgain), rt.database.write() as conn:
            tokens.touch(conn, row["id"], now=now)
    scopes = frozenset(Scope(one) for one in row["scopes"] if one in set(Scope))
    return _operator(rt, row["name"], scopes, Proof.TOKEN)


def by_cookie(request: Request) -> Operator | None:
    """Whoever the session's cookie lets in; None for nobody."""
    rt: Runtime = request.app.state.runtime
    cookie = _cookie(request)
    held = password_hash(rt) if cookie else None
    if cookie is None or held is None:
        return None
    now = rt.clock()
    with rt.database.read() as conn:
        row = sessions.get(conn, digest(cookie), password_key=digest(held), now=now)
    if row is None:
        return None
    if now - row["seen_at"] >= TOUCH_EVERY:
        with contextlib.suppress(TryAgain), rt.database.write() as conn:
            sessions.touch(conn, row["id"], now=now, ends_at=ends_at(row["created_at"], now))
    return _operator(rt, row["name"], frozenset(Scope), Proof.SESSION, row["id"])


def ends_at(created_at: datetime, now: datetime) -> datetime:
    """Until when a session holds that was used now: idle for twelve hours, and a week in all."""
    return min(now + IDLE, created_at + LONGEST)


def begin(rt: Runtime, response: Response, *, name: str, client: str, secure: bool) -> str:
    """Log somebody in: a row, and the cookie set on the response; returns the cookie's value."""
    cookie, now, held = secrets.token_urlsafe(32), rt.clock(), password_hash(rt) or ""
    with rt.database.write() as conn:
        sessions.add(
            conn,
            digest(cookie),
            name=name,
            password_key=digest(held),
            client=client,
            now=now,
            ends_at=ends_at(now, now),
        )
    response.set_cookie(
        f"__Host-{COOKIE}" if secure else COOKIE, cookie, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return cookie


def forget_cookies(response: Response) -> None:
    """Let the browser drop the cookie, by either name."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    response.delete_cookie(f"__Host-{COOKIE}", path="/", secure=True, httponly=True, samesite="lax")


def secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS: by the connection, a trusted proxy, or the page that sent the form.

    The last covers a proxy that nobody has named: `Origin` was checked to be ours, and a browser writes it itself.
    """
    origin = request.headers.get("origin", "")
    return by_https(request) or urlsplit(origin).scheme == "https"


def _cookie(request: Request) -> str | None:
    """The session's cookie. Over HTTPS only the `__Host-` one counts: a sister domain can set the other."""
    found = request.cookies.get(f"__Host-{COOKIE}")
    if found is None and not by_https(request):
        found = request.cookies.get(COOKIE)
    return found if found and len(found) <= _COOKIE_CHARACTERS else None


def _operator(rt: Runtime, name: str, scopes: frozenset[Scope], proof: Proof, session_id: str = "") -> Operator:
    if rt.settings.read_only:
        scopes &= SHOWS_ONLY
    return Operator(name=name, scopes=scopes, proof=proof, session_id=session_id)
