"""`POST /-/reload`: watcher.yml, rules and templates are taken into force now, or the answer says what is wrong."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from watcher.errors import TryAgain, WatcherError
from watcher.pipeline import reload
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.store import audit
from watcher.web import access, forms
from watcher.web.client_address import client_address
from watcher.web.operator import Proof, Scope

_SOON_S = "5"


def act(request: Request) -> JSONResponse:
    """200 when all files are in force, 422 with the mistakes when the last good ones stay; 401, 403 for others.

    A session's cookie is believed only with our own `Origin`; a token needs none.
    """
    rt: Runtime = request.app.state.runtime
    try:
        operator = access.who(request)
        if operator is None:
            answer = _problem(401, "Log in, or send a token as Authorization: Bearer.")
            answer.headers["www-authenticate"] = "Bearer"
            return answer
        if not operator.may(Scope.OPERATE):
            return _problem(403, access.READ_ONLY if rt.settings.read_only else "This needs the scope operate.")
        origin = request.headers.get("origin")
        if operator.proof is Proof.SESSION and (origin is None or forms.foreign(request, links(rt).public_url)):
            return _problem(403, "A session is believed only with our own Origin; use a token.")
        done = reload.reload(rt, by=operator.name)
        with rt.database.write() as conn:
            client = client_address(request, rt.settings.trusted_proxies) or ""
            detail = {"ok": done.ok, "mistakes": len(done.mistakes)}
            audit.note(conn, who=operator.name, action="config.reload", detail=detail, client=client, now=done.at)
    except TryAgain as away:
        answer = _problem(503, str(away))
        answer.headers["retry-after"] = _SOON_S
        return answer
    except WatcherError as error:
        return _problem(500, str(error))
    return JSONResponse(reload.shown(done), status_code=200 if done.ok else 422)


def _problem(status: int, detail: str) -> JSONResponse:
    """RFC 9457."""
    body = {"type": "about:blank", "status": status, "detail": detail}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")
