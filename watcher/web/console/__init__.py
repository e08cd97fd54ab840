"""The console: every page that needs a login, by its address, and the scope that each asks for.

A page is a function over a `Desk`; a module holds the pages of one noun. What leads to a page is `NAVIGATION`.
"""

from __future__ import annotations

from collections.abc import Iterator

from starlette.routing import Route

from watcher.web.console.desk import Page

PAGES: tuple[Page, ...] = ()


def routes() -> Iterator[Route]:
    """One route per page."""
    for page in PAGES:
        yield Route(page.path, page.endpoint, methods=list(page.methods))
