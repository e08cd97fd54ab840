"""Is the process alive, and can the service do its work? The second answer names what is missing."""

from __future__ import annotations

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse

from watcher import embedded
from watcher.errors import WatcherError
from watcher.runtime import Runtime
from watcher.store import overview

SWEEP_MAX_AGE_S = 60.0
_BROKER_S = 2.0


async def alive(_request: Request) -> JSONResponse:
    """200 as long as the process answers at all; for the supervisor that would restart it."""
    return JSONResponse({"alive": True})


def ready(request: Request) -> JSONResponse:
    """200 when database, broker and sweep are well, else 503; each check with its reason."""
    rt: Runtime = request.app.state.runtime
    checks = {"database": database(rt), "broker": broker(rt), "sweep": sweep(rt)}
    missing = {name: reason for name, reason in checks.items() if reason}
    body = {"ready": not missing, "checks": {name: reason or "ok" for name, reason in checks.items()}}
    return JSONResponse(body, status_code=503 if missing else 200)


def database(rt: Runtime) -> str:
    """Why the database cannot be used; empty when it can."""
    try:
        return "" if rt.database.current() else "its schema is not the newest: run `watcher migrate`"
    except WatcherError as error:
        return str(error)


def broker(rt: Runtime) -> str:
    """Why the broker cannot be used; empty when it can."""
    client = redis.Redis.from_url(
        embedded.client_url(rt.settings), socket_timeout=_BROKER_S, socket_connect_timeout=_BROKER_S
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return f"{type(error).__name__}: the broker does not answer"
    finally:
        client.close()
    return ""


def sweep(rt: Runtime) -> str:
    """Why the line may be standing still; empty when its last sweep is fresh."""
    age_s = sweep_age_s(rt)
    if age_s is None:
        return "no sweep yet: are a worker and the beat running?"
    if age_s > SWEEP_MAX_AGE_S:
        return f"the last sweep was {age_s:.0f} s ago, more than {SWEEP_MAX_AGE_S:.0f}: is a worker running?"
    return ""


def sweep_age_s(rt: Runtime) -> float | None:
    """Seconds since the last sweep; None when there was none, or nobody can say."""
    try:
        if not rt.database.current():
            return None
        with rt.database.read() as conn:
            at = overview.beat_at(conn, "sweep")
    except WatcherError:
        return None
    return None if at is None else max(0.0, (rt.clock() - at).total_seconds())
