"""The login and the logout. Whether a password is tried at all, and what came of it, is `login_tries`'s."""

from __future__ import annotations

import math
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from watcher.errors import TryAgain, WatcherError
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.store import sessions
from watcher.web import access, forms, login_tries
from watcher.web.console.desk import HEADERS, Desk, Refused, templates
from watcher.web.forms import Form, Seal
from watcher.web.login_limits import LoginReason
from watcher.web.login_tries import Outcome, Place
from watcher.web.operator import Proof

_BODY_BYTES = 8 * 1024
_TOLD = {
    LoginReason.WRONG: "That is not the password.",
    LoginReason.BUSY: "Others are logging in just now.",
    LoginReason.THIS_PLACE: "Too many wrong passwords came from your address.",
    LoginReason.ALL_PLACES: "Too many wrong passwords came from everywhere.",
}


async def endpoint(request: Request) -> Response:
    """GET shows the form, POST tries a password."""
    try:
        form = await forms.read(request, limit=_BODY_BYTES)
    except forms.Refused as refused:
        return Response("The form is too large, or came too slowly.\n", status_code=refused.status)
    except ClientDisconnect:
        return Response(status_code=400)
    return await run_in_threadpool(_answer, request, form)


def own_path(text: str) -> str:
    """Where to go after the login: `text` when it is a path of ours, else the overview.

    Browsers take `//host` and `/\\host` for another site, and drop tabs and line breaks before they look.
    """
    if not text.startswith("/") or text.startswith("//") or len(text) > 2000:
        return "/"
    if "\\" in text or not all("!" <= sign <= "~" for sign in text):
        return "/"
    ours = urlsplit(text).path.rstrip("/") not in ("/login", "/logout")
    return text if ours else "/"


def logout(desk: Desk) -> Response:
    """End this session, or with `everywhere` every one."""
    if desk.operator.proof is not Proof.SESSION:
        raise Refused("A token has no session that could end; revoke it by `watcher tokens revoke`.")
    everywhere = desk.form.one("everywhere") == "yes"
    with desk.rt.database.write() as conn:
        if everywhere:
            sessions.end_all(conn)
        else:
            sessions.end(conn, desk.operator.session_id)
        desk.note(conn, "login.out", "every session" if everywhere else "")
    answer = RedirectResponse("/login?out=yes", status_code=303)
    access.forget_cookies(answer)
    return answer


def _answer(request: Request, form: Form) -> Response:
    rt: Runtime = request.app.state.runtime
    try:
        signer = links(rt)
        if request.method != "POST":
            return _show(request, signer.key)
        to = own_path(form.one("next"))
        if forms.foreign(request, signer.public_url):
            return _page(request, signer.key, to, wrong="This form came from another site.", status=403)
        if _seal(signer.key).holds(form.one(forms.SEAL)) is not True:
            return _page(request, signer.key, to, wrong="This form was too old. Please try again.", status=403)
        where = login_tries.place(request, rt, signer.key)
        given = "".join(form.fields.get("password", ())[-1:])
        outcome = login_tries.attempt(rt, where, given)
        if outcome.reason is LoginReason.LET_IN:
            return _let_in(request, rt, signer.key, where, to)
        return _refused(request, signer.key, outcome, to)
    except TryAgain as error:
        return Response(f"{error}\n", status_code=503, headers={"retry-after": "10"})
    except WatcherError as error:
        return Response(f"{error}\n", status_code=500)


def _show(request: Request, key: str) -> Response:
    to = own_path(request.query_params.get("next", ""))
    if access.by_cookie(request) is not None:
        return RedirectResponse(to, status_code=303)
    return _page(request, key, to, out=request.query_params.get("out") == "yes")


def _let_in(request: Request, rt: Runtime, key: str, where: Place, to: str) -> Response:
    """A new session, whatever cookie the browser came with, and a browser that is known from now on."""
    answer = RedirectResponse(to, status_code=303)
    secure = access.secure(request)
    before = access.by_cookie(request)
    if before is not None:
        with rt.database.write() as conn:
            sessions.end(conn, before.session_id)
    access.begin(rt, answer, name=access.ADMIN, client=where.client, secure=secure)
    known = login_tries.recognising(rt, key).dumps(where.known or secrets.token_urlsafe(12))
    answer.set_cookie(
        login_tries.KNOWN,
        str(known),
        max_age=login_tries.KNOWN_S,
        path="/login",
        httponly=True,
        samesite="lax",
        secure=secure,
    )
    return answer


def _refused(request: Request, key: str, outcome: Outcome, to: str) -> Response:
    if outcome.reason is LoginReason.NO_PASSWORD:
        return _page(request, key, to, status=503)
    wrong = _TOLD[outcome.reason] + _then(outcome.wait)
    if outcome.reason is LoginReason.WRONG:
        return _page(request, key, to, wrong=wrong, status=401)
    answer = _page(request, key, to, wrong=wrong, status=429)
    answer.headers["retry-after"] = str(math.ceil(outcome.wait.total_seconds()))
    return answer


def _then(wait: timedelta) -> str:
    """How long to wait, as a sentence; nothing when one need not."""
    seconds = math.ceil(wait.total_seconds())
    if seconds <= 0:
        return ""
    length = f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"
    return f" Try again in {'1 second' if seconds == 1 else length}."


def _seal(key: str) -> Seal:
    return Seal(key=key, page="console.login")


def _page(
    request: Request, key: str, to: str, *, wrong: str = "", out: bool = False, status: int = 200
) -> HTMLResponse:
    rt: Runtime = request.app.state.runtime
    html = (
        templates()
        .get_template("console/login.html.j2")
        .render(
            seal=_seal(key).make(),
            next=to,
            wrong=wrong,
            out=out,
            open=access.password_hash(rt) is not None,
            made=rt.settings.admin_password is None,
            own_database=rt.settings.database_url is not None,
        )
    )
    return HTMLResponse(html, status_code=status, headers=HEADERS)
