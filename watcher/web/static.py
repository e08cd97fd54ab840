"""The files that pages load: our style sheets, and htmx as its authors give it (`vendor/`, with the licences)."""

from __future__ import annotations

from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

FILES = {
    "console.css": ("console/console.css", "text/css"),
    "htmx.js": ("vendor/htmx-2.0.11.min.js", "text/javascript"),
    "htmx-sse.js": ("vendor/htmx-ext-sse-2.2.4.min.js", "text/javascript"),
}
"""By the name in the address: the file in this package, and its type."""


async def show(request: Request) -> Response:
    """A file of the table; browsers keep it for an hour."""
    found = FILES.get(str(request.path_params["name"]))
    if found is None:
        return Response("There is nothing at this address.\n", status_code=404)
    path, kind = found
    return Response(_read(path), media_type=kind, headers={"cache-control": "max-age=3600"})


@cache
def _read(path: str) -> bytes:
    return resources.files("watcher.web").joinpath(path).read_bytes()
