"""The audit log: who logged in and who changed what, and the logins that hold now."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from watcher.pipeline.tokens import digest
from watcher.store import audit, sessions, tokens
from watcher.web import access
from watcher.web.console.desk import Desk, Refused
from watcher.web.operator import Proof, Scope

LINES = 50
_LOGINS = 20
_WORDS = {
    "login.ok": "logged in",
    "login.failed": "failed to log in",
    "login.throttled": "tried a password too early",
    "login.throttled_globally": "tried a password while everybody waits",
    "login.out": "logged out",
    "tokens.add": "made a token",
    "tokens.revoke": "revoked a token",
}
BAD = ("login.failed", "login.throttled", "login.throttled_globally")


def show(desk: Desk) -> Response:
    """Fifty lines, newest first, of one name or one kind of change if asked; `before` an id pages on.

    As in the API, a token needs `operate` for it: it says from which addresses people come, and what tokens there are.
    """
    if desk.operator.proof is Proof.TOKEN and not desk.operator.may(Scope.OPERATE):
        raise Refused("This needs the scope 'operate', which this token does not have.")
    who, action, before = desk.query("who"), desk.query("action"), desk.query("before")
    last = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    held = digest(access.password_hash(desk.rt) or "")
    with desk.rt.database.read() as conn:
        found = audit.newest(conn, limit=LINES + 1, before=last, who=who, action=action)
        logins = sessions.live(conn, password_key=held, now=desk.now, limit=_LOGINS) if last is None else []
        kept = tokens.listing(conn) if last is None else []
    lines = found[:LINES]
    return desk.page(
        "audit.html.j2",
        "Audit log",
        lines=[_line(line) for line in lines],
        who=who,
        action=action,
        older=lines[-1]["id"] if len(found) > LINES else None,
        first=last is None,
        logins=[{**login, "mine": login["id"] == desk.operator.session_id} for login in logins],
        tokens=[{**token, "holds": _holds(token, desk)} for token in kept],
    )


def _line(line: dict[str, Any]) -> dict[str, Any]:
    return {
        **line,
        "detail": "; ".join(_detail(name, value) for name, value in line["detail"].items()),
        "said": _WORDS.get(line["action"], ""),
        "bad": line["action"] in BAD,
    }


def _detail(name: str, value: Any) -> str:
    """`wait_s: 32` as `wait: 32 s`, and lists without brackets."""
    told = ", ".join(str(one) for one in value) if isinstance(value, list) else "–" if value is None else str(value)
    label, seconds, _ = name.rpartition("_s") if name.endswith("_s") else (name, "", "")
    return f"{label.replace('_', ' ')}: {told}{' s' if seconds else ''}"


def _holds(token: dict[str, Any], desk: Desk) -> bool:
    return token["revoked_at"] is None and (token["ends_at"] is None or token["ends_at"] > desk.now)
