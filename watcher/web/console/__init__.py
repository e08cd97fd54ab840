"""The console: every page that needs a login, by its address, and the scope that each asks for.

A page is a function over a `Desk`; a module holds the pages of one noun. What leads to a page is `NAVIGATION`.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import Route

from watcher.web.console import (
    audit,
    channels,
    deliveries,
    digests,
    event,
    events,
    feeds,
    live,
    login,
    overview,
    rules,
    settings,
    subscriber,
    subscribers,
    workbench,
)
from watcher.web.console.desk import Page
from watcher.web.operator import Scope

PAGES: tuple[Page, ...] = (
    *overview.PAGES,
    *events.PAGES,
    *event.PAGES,
    *workbench.PAGES,
    *rules.PAGES,
    *feeds.PAGES,
    *settings.PAGES,
    Page(path="/audit", show=audit.show),
    *channels.PAGES,
    *deliveries.PAGES,
    *digests.PAGES,
    *subscriber.PAGES,
    *subscribers.PAGES,
    Page(path="/logout", show=login.logout, methods=("POST",), act=Scope.READ),
)


def routes() -> Iterator[Route]:
    """The login, the stream of events, and one route per page."""
    yield Route("/login", login.endpoint, methods=["GET", "POST"])
    yield Route("/events/live", live.endpoint, methods=["GET"])
    for page in PAGES:
        yield Route(page.path, page.endpoint, methods=list(page.methods))
