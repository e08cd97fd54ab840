"""Tokens of programs: made, shown once, kept as a digest, revoked; and the forgetting of who was let in.

Who presents a token, and whether it lets them in, is `watcher.web.access`'s.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from watcher.errors import CannotHelp
from watcher.runtime import Runtime
from watcher.store import Connection, audit, logins, sessions, tokens

PREFIX = "wat_"
"""What tokens begin with, so that scanners of published code know one when they see it."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}")
_DAYS_MAX = 3650
_FAILURES_KEPT = timedelta(days=2)
"""Longer than any limit of `watcher.web.login_limits` looks back."""
_FORGET_BATCH = 500


class Scope(StrEnum):
    """What a page or a call needs. None holds another: a session has them all, a token those that it was made with."""

    READ = "read"
    """See everything but secrets."""
    JUDGE = "judge"
    """Say of an event whether it was useful."""
    OPERATE = "operate"
    """Change feeds, subscriptions, mutes, rules; send again; reload."""
    METRICS = "metrics"
    """Read `/metrics`."""


def digest(secret: str) -> str:
    """What is kept of a token or a cookie: they are random, so that no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make(rt: Runtime, name: str, scopes: Sequence[str], *, days: int | None = None, who: str, client: str = "") -> str:
    """A new token, which nobody can show again; `who` asked for it. Raises CannotHelp with what to write instead."""
    if not _NAME.fullmatch(name) or name.lower() in ("admin", "somebody"):
        raise CannotHelp(f"{name!r} is no name for a token: write letters, digits, _ . @ -, and what will use it")
    unknown = [one for one in scopes if one not in set(Scope)]
    if unknown or not scopes:
        raise CannotHelp(f"{', '.join(unknown) or 'nothing'} is no scope: take some of {', '.join(Scope)}")
    if days is not None and not 1 <= days <= _DAYS_MAX:
        raise CannotHelp(f"a token holds 1 to {_DAYS_MAX} days, or without an end")
    token, now = PREFIX + secrets.token_urlsafe(32), rt.clock()
    ends_at = now + timedelta(days=days) if days is not None else None
    wanted = [scope.value for scope in Scope if scope.value in scopes]
    with rt.database.write() as conn:
        if not tokens.add(conn, name, digest=digest(token), scopes=wanted, now=now, ends_at=ends_at):
            raise CannotHelp(f"there is, or was, a token {name!r}: take another name, since the audit log tells by it")
        detail = {"scopes": wanted, "days": days}
        audit.note(conn, who=who, action="tokens.add", target=name, detail=detail, client=client, now=now)
    return token


def revoke(rt: Runtime, name: str, *, who: str, client: str = "") -> None:
    """End a token at once. Raises CannotHelp when none of that name holds."""
    now = rt.clock()
    with rt.database.write() as conn:
        if not tokens.revoke(conn, name, now=now):
            raise CannotHelp(f"there is no token {name!r} that could be revoked: see `watcher tokens list`")
        audit.note(conn, who=who, action="tokens.revoke", target=name, client=client, now=now)


def forget_access(conn: Connection, *, now: datetime) -> None:
    """Drop ended logins, failures that no limit looks at any more, and lines of the audit log after a year."""
    sessions.forget_ended(conn, now=now)
    logins.forget(conn, before=now - _FAILURES_KEPT)
    audit.forget(conn, before=now - audit.KEPT, limit=_FORGET_BATCH)
