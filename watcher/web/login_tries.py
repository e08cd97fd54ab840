"""One try of the password: counted first, compared then, and taken back when it was right.

So many tries at once are no more than many one after another. How long somebody waits is decided in `login_limits`;
the page is `console.login`'s.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request

from watcher import log, password
from watcher.pipeline.signup_limits import keys
from watcher.pipeline.tokens import digest
from watcher.runtime import Runtime
from watcher.store import Connection, audit, logins
from watcher.web import access
from watcher.web.client_address import client_address
from watcher.web.login_limits import EVERYWHERE, PLACE, LoginReason, after_failure, refusal, taken_back

KNOWN = "watcher-known"
"""The cookie of a browser in which somebody was logged in: it has its own count of failures, so that strangers who
slow everybody down do not lock out who works here (OWASP calls such a thing a device cookie)."""
KNOWN_S = 90 * 24 * 3600
AT_ONCE = 2
"""Passwords compared at a time: 64 MiB and four threads each, and a flood must leave the machine to the others."""
_COOKIE_CHARACTERS = 400
_BUSY = timedelta(seconds=2)
_STRANGER = "somebody"
_comparing = threading.BoundedSemaphore(AT_ONCE)
_log = log.get("login")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a try; `wait` is how long the next one is not looked at."""

    reason: LoginReason
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where tries come from and are counted for."""

    key: str
    everywhere: str
    """Where the tries of all strangers are counted; empty for a browser that is known."""
    client: str
    """The address, for the audit log; empty when nobody knows it."""
    known: str | None = None
    """What the browser is known by."""

    @property
    def keys(self) -> list[str]:
        return [self.key, self.everywhere] if self.everywhere else [self.key]


def place(request: Request, rt: Runtime, key: str) -> Place:
    """Where this request comes from; `key` is the one that links are signed with."""
    client = client_address(request, rt.settings.trusted_proxies)
    shown = (client or "")[:64]
    try:
        told = recognising(rt, key).loads(request.cookies.get(KNOWN, "")[:_COOKIE_CHARACTERS], max_age=KNOWN_S)
    except (BadData, UnicodeError):
        told = None
    if isinstance(told, str):
        return Place(key=_keyed(key, f"known|{told}"), everywhere="", client=shown, known=told)
    # an IPv4 address, and a /64 of IPv6, which is what one customer is given
    narrow = keys(key, address="", client=client).client
    return Place(key=narrow, everywhere=_keyed(key, "everywhere"), client=shown)


def recognising(rt: Runtime, key: str) -> URLSafeTimedSerializer:
    """Signs the cookie of a known browser; a new password makes every browser a stranger."""
    held = digest(access.password_hash(rt) or "")
    return URLSafeTimedSerializer(key, salt=f"console.known.{held}")


def attempt(rt: Runtime, where: Place, given: str) -> Outcome:
    """Try a password. Raises TryAgain while the database is away."""
    held = access.password_hash(rt)
    if held is None:
        return Outcome(reason=LoginReason.NO_PASSWORD)
    now = rt.clock()
    with rt.database.read() as conn:
        early = refusal(where.key, where.everywhere, logins.failed(conn, where.keys), now)
    if early is not None:
        return _too_early(rt, where, *early, now=now)
    if not _comparing.acquire(blocking=False):
        return Outcome(reason=LoginReason.BUSY, wait=_BUSY)
    try:
        return _compare(rt, where, held, given, now=now)
    finally:
        _comparing.release()


def _compare(rt: Runtime, where: Place, held: str, given: str, *, now: datetime) -> Outcome:
    with rt.database.write() as conn:
        logins.take_turn(conn, now=now)
        found = logins.failed(conn, where.keys)
        early = refusal(where.key, where.everywhere, found, now)
        counted = after_failure(found.get(where.key), PLACE, now)
        if early is None:
            logins.note(conn, where.key, counted)
            if where.everywhere:
                logins.note(conn, where.everywhere, after_failure(found.get(where.everywhere), EVERYWHERE, now))
    if early is not None:
        return _too_early(rt, where, *early, now=now)
    right = password.same(held, given)
    with rt.database.write() as conn:
        if right:
            _take_back(conn, where, now=now)
            audit.note(conn, who=access.ADMIN, action="login.ok", client=where.client, now=now)
        else:
            _note(conn, where, LoginReason.WRONG, now=now, failures=counted.failures)
    if right:
        return Outcome(reason=LoginReason.LET_IN)
    _log.warning("a login failed", client=where.client, failures=counted.failures)
    return Outcome(reason=LoginReason.WRONG, wait=counted.free_at - now)


def _take_back(conn: Connection, where: Place, *, now: datetime) -> None:
    logins.take_turn(conn, now=now)
    logins.forgive(conn, where.key)
    if not where.everywhere:
        return
    left = taken_back(logins.failed(conn, [where.everywhere]).get(where.everywhere))
    if left is None:
        logins.forgive(conn, where.everywhere)
    else:
        logins.note(conn, where.everywhere, left)


def _too_early(rt: Runtime, where: Place, reason: LoginReason, wait: timedelta, *, now: datetime) -> Outcome:
    """The audit log hears of it once after each failure, so that a flood of tries is no flood of rows."""
    whose = where.key if reason is LoginReason.THIS_PLACE else where.everywhere
    with rt.database.read() as conn:
        failed = logins.failed(conn, [whose]).get(whose)
    if failed is not None and not failed.told:
        with rt.database.write() as conn:
            if logins.tell_once(conn, whose, now=now):
                _note(conn, where, reason, now=now, wait_s=math.ceil(wait.total_seconds()))
    return Outcome(reason=reason, wait=wait)


def _note(conn: Connection, where: Place, reason: LoginReason, *, now: datetime, **detail: int) -> None:
    audit.note(conn, who=_STRANGER, action=f"login.{reason.value}", detail=detail, client=where.client, now=now)


def _keyed(key: str, what: str) -> str:
    return hmac.new(key.encode(), f"login|{what}".encode(), hashlib.sha256).hexdigest()
