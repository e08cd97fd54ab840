"""Who may read the metrics: the setting `metrics` decides, and with `token` an API token of that scope or a login.

It is `token` unless set: a number says how many feeds are watched and how much is found, and a reverse proxy in front
of everything would show it to the world; Prometheus sends a token with two lines of its configuration.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from watcher.errors import WatcherError
from watcher.pipeline.tokens import digest
from watcher.runtime import Runtime
from watcher.web import access
from watcher.web.operator import Scope

Show = Callable[[Request], Response]
_TOKENS = 16


def gated(show: Show) -> Show:
    """The endpoint, behind the switch. While the database is away, tokens that it knew before are still believed."""
    known: dict[str, None] = {}

    def endpoint(request: Request) -> Response:
        rt: Runtime = request.app.state.runtime
        if rt.settings.metrics == "off":
            return Response("The metrics are switched off: see WATCHER_METRICS.\n", status_code=404)
        if rt.settings.metrics == "open":
            return show(request)
        told = digest(request.headers.get("authorization", ""))
        try:
            operator = access.who(request)
        except WatcherError:
            return show(request) if told in known else _refused(503)
        if operator is None:
            known.pop(told, None)
            return _refused(401)
        if not operator.may(Scope.METRICS):
            return _refused(403)
        if "authorization" in request.headers:
            if len(known) >= _TOKENS:
                known.clear()
            known[told] = None
        return show(request)

    return endpoint


def _refused(status: int) -> Response:
    text = "The metrics need a token: `watcher tokens add prometheus --scope metrics`, sent as Authorization: Bearer.\n"
    if status == 503:
        text = "The database that knows the tokens is away.\n"
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    return Response(text, status_code=status, headers=headers)
