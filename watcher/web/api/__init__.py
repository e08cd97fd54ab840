"""The HTTP API under `/api/v1`: one operation for each thing that the console does; a module holds those of one noun.

`/api` tells people what there is, `/api/openapi.json` programs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

from starlette.routing import BaseRoute, Route

from watcher.web.api import (
    channels,
    deliveries,
    digests,
    events,
    feeds,
    guide,
    items,
    rules,
    stories,
    subscriptions,
    upkeep,
)
from watcher.web.api.allowance import Allowance
from watcher.web.api.description import describe
from watcher.web.api.frame import Endpoint, NotHere
from watcher.web.api.operation import JSON_TYPE, PREFIX, Document, Operation
from watcher.web.console.desk import Page

OPERATIONS: tuple[Operation, ...] = (
    *events.OPERATIONS,
    *items.OPERATIONS,
    *stories.OPERATIONS,
    *rules.OPERATIONS,
    *feeds.OPERATIONS,
    *channels.OPERATIONS,
    *deliveries.OPERATIONS,
    *subscriptions.OPERATIONS,
    *digests.OPERATIONS,
    *upkeep.OPERATIONS,
)


def routes() -> Iterator[BaseRoute]:
    """One route per address, fixed addresses before those with parameters, and the answer to all others."""
    allowance = Allowance()
    paths: dict[str, list[Operation]] = {}
    for one in OPERATIONS:
        paths.setdefault(PREFIX + one.path, []).append(one)
    for path in sorted(paths, key=lambda path: path.count("{")):
        yield Route(path, Endpoint(paths[path], allowance))
    yield Route("/api/openapi.json", Endpoint([_DESCRIPTION], allowance))
    page = Page(path="/api", show=guide.page_of(OPERATIONS))
    yield Route(page.path, page.endpoint, methods=list(page.methods))
    yield Route("/api/{rest:path}", NotHere())


@cache
def _description() -> bytes:
    return json.dumps(describe(OPERATIONS), ensure_ascii=False).encode()


_DESCRIPTION = Operation(
    name="get_description",
    method="GET",
    path="/openapi.json",
    summary="This description.",
    act=lambda _call, _asked: _description(),
    answer=Document(media_type=JSON_TYPE, about="OpenAPI 3.1."),
)
