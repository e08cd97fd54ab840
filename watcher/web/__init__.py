"""The read-only page of events and deliveries, with health checks and metrics. Everything is read from rows."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from watcher.runtime import Runtime
from watcher.web import health, metrics, page
from watcher.web.guard import Guard


def app(rt: Runtime) -> Starlette:
    """The application over an opened runtime; nothing it serves changes a row."""
    application = Starlette(
        routes=[
            Route("/", page.show, methods=["GET"]),
            Route("/style.css", page.style, methods=["GET"]),
            Route("/healthz", health.alive, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
            Route("/metrics", metrics.show, methods=["GET"]),
        ],
    )
    application.state.runtime = rt
    application.add_middleware(Guard)
    return application
