"""The page of events and deliveries, health checks, metrics, and the callback of hubs. Everything is rows."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from watcher.runtime import Runtime
from watcher.web import health, metrics, page
from watcher.web.guard import Guard
from watcher.web.push import Callback


def app(rt: Runtime) -> Starlette:
    """The application over an opened runtime; only what hubs push changes rows."""
    callback = Callback()
    application = Starlette(
        routes=[
            Route("/", page.show, methods=["GET"]),
            Route("/style.css", page.style, methods=["GET"]),
            Route("/healthz", health.alive, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
            Route("/metrics", metrics.show, methods=["GET"]),
            Route("/push/{token}", callback.confirm, methods=["GET"]),
            Route("/push/{token}", callback.receive, methods=["POST"]),
        ],
    )
    application.state.runtime = rt
    application.add_middleware(Guard)
    return application
