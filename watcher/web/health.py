"""Is the process alive, and can the service do its work? Both answers are for machines and need no login.

A stranger learns which check fails and no more: reasons name hosts, queues and files, which are the operators' matter.
Whoever is logged in or has a token that may see the metrics is told them; so is `watcher health`.
"""

from __future__ import annotations

import contextlib

from starlette.requests import Request
from starlette.responses import JSONResponse

from watcher.errors import WatcherError
from watcher.pipeline import backup, checks
from watcher.pipeline.checks import broker, database, sweep
from watcher.runtime import Runtime
from watcher.web import access
from watcher.web.operator import Scope

__all__ = ["alive", "broker", "database", "ready", "sweep"]


async def alive(_request: Request) -> JSONResponse:
    """200 as long as the process answers at all; for the supervisor that would restart it."""
    return JSONResponse({"alive": True})


def ready(request: Request) -> JSONResponse:
    """200 when every check is well, else 503; by check `ok`, or `bad`, or for those who may know it the reason.

    `held`: what a restore keeps back until somebody decides; the service is ready all the same.
    """
    rt: Runtime = request.app.state.runtime
    reasons = checks.run(rt)
    told = any(reasons.values()) and _may_know(request)
    shown = {name: (reason if told else "bad") if reason else "ok" for name, reason in reasons.items()}
    bad = any(reasons.values())
    held = "" if reasons["database"] else _held(rt)
    note = {"held": held if _may_know(request) else True} if held else {}
    return JSONResponse({"ready": not bad, "checks": shown, **note}, status_code=503 if bad else 200)


def _held(rt: Runtime) -> str:
    with contextlib.suppress(WatcherError):
        return backup.held(rt)
    return ""


def _may_know(request: Request) -> bool:
    with contextlib.suppress(WatcherError):
        operator = access.who(request)
        return operator is not None and (operator.may(Scope.READ) or operator.may(Scope.METRICS))
    return False
