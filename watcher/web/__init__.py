"""The console, readers' own pages, health, metrics, the callback of hubs. Everything is rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from starlette.applications import Starlette
from starlette.routing import Route

from watcher.pipeline.workbench import Runs
from watcher.runtime import Runtime
from watcher.signing import Purpose
from watcher.web import (
    api,
    console,
    feeds_out,
    health,
    mail_page,
    metrics,
    metrics_gate,
    preferences,
    reload,
    signed,
    static,
    subscriber,
    visit,
)
from watcher.web.guard import Guard
from watcher.web.push import Callback

_SHOWN = {Purpose.EVENT: signed.event, Purpose.DIGEST: mail_page.digest}
_ACTED_ON = {
    Purpose.VOTE: signed.vote,
    Purpose.MUTE: signed.mute,
    Purpose.UNSUBSCRIBE: signed.unsubscribe,
    Purpose.PREFERENCES: preferences.preferences,
    Purpose.CONFIRM: subscriber.confirm,
}


def app(rt: Runtime) -> Starlette:
    """The application over an opened runtime; rows are changed by what hubs push and by readers' buttons."""
    callback = Callback()
    application = Starlette(
        routes=[
            Route("/-/reload", reload.act, methods=["POST"]),
            Route("/healthz", health.alive, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
            Route("/metrics", metrics_gate.gated(metrics.show), methods=["GET"]),
            Route("/push/{token}", callback.confirm, methods=["GET"]),
            Route("/push/{token}", callback.receive, methods=["POST"]),
            Route("/events.atom", feeds_out.everything, methods=["GET"]),
            Route("/events.json", feeds_out.everything, methods=["GET"]),
            Route(f"/{Purpose.FEED}/{{token}}", feeds_out.of_subscription, methods=["GET"]),
            Route(f"/{Purpose.FEED}/{{token}}/json", feeds_out.of_subscription, methods=["GET"]),
            Route("/reader.css", visit.style, methods=["GET"]),
            Route("/subscribe", visit.page(subscriber.subscribe), methods=["GET", "POST"]),
            Route("/static/{name}", static.show, methods=["GET"]),
            *api.routes(),
            *console.routes(),
            *_signed(_SHOWN, ["GET"]),
            *_signed(_ACTED_ON, ["GET", "POST"]),
        ],
    )
    application.state.runtime = rt
    application.state.runs = Runs()
    application.add_middleware(Guard)
    return application


def _signed(pages: Mapping[Purpose, visit.Show], methods: list[str]) -> Iterator[Route]:
    for purpose, show in pages.items():
        yield Route(f"/{purpose}/{{token}}", visit.page(show, purpose), methods=methods)
