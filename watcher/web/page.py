"""The one page: the newest events with what was found and where, the newest deliveries, and what waits."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from watcher import wording
from watcher.errors import WatcherError
from watcher.model import EventView
from watcher.runtime import Runtime
from watcher.store import overview
from watcher.web import health

EVENTS = 50
DELIVERIES = 50
_STEPS = {
    "feeds": "feeds to poll",
    "pushes": "pushed documents to read",
    "hubs": "hubs to ask",
    "items": "items to read",
    "pages": "pages to fetch",
    "events": "events to tell",
    "digests": "digests to close",
    "deliveries": "messages to send",
}


def show(request: Request) -> HTMLResponse:
    """The page; 503 with the reason when the rows cannot be read."""
    rt: Runtime = request.app.state.runtime
    trouble = [reason for reason in (health.database(rt), health.broker(rt), health.sweep(rt)) if reason]
    try:
        if health.database(rt):
            return _page(503, trouble=trouble, read=None)
        return _page(200, trouble=trouble, read=_read(rt))
    except WatcherError as error:
        return _page(503, trouble=[str(error)], read=None)


def style(_request: Request) -> Response:
    """The style sheet."""
    return Response(_style(), media_type="text/css")


def _page(status: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates().get_template("page.html.j2").render(**values), status_code=status)


def _read(rt: Runtime) -> dict[str, Any]:
    now = rt.clock()
    with rt.database.read() as conn:
        backlog = overview.backlog(conn, now)
        counts = overview.counts(conn)
        feeds = overview.feed_outcomes(conn)
        events = overview.recent_events(conn, EVENTS)
        deliveries = overview.recent_deliveries(conn, DELIVERIES)
    well = sum(count for outcome, count in feeds.items() if outcome in ("changed", "not_modified"))
    return {
        "events": [_event(event) for event in events],
        "deliveries": deliveries,
        "counts": counts,
        "feeds": {"total": sum(feeds.values()), "well": well, "new": feeds.get("never", 0)},
        "waiting": [
            {"what": what, "count": backlog[step]["waiting"], "oldest": _ago(backlog[step]["oldest_s"])}
            for step, what in _STEPS.items()
            if backlog.get(step, {}).get("waiting")
        ],
        "now": now,
    }


def _event(event: EventView) -> dict[str, Any]:
    return {
        "id": event.id,
        "rule": wording.one_line(event.rule_title, 80),
        "level": str(event.level),
        "status": str(event.status),
        "revision": event.revision,
        "title": wording.one_line(event.title, 200),
        "at": event.created_at,
        "facts": wording.fact_rows(event),
        "snippets": [wording.segments(snippet) for snippet in event.snippets[:3]],
        "sources": [
            {
                # copies of a story are told apart by their feeds
                "title": wording.one_line(source.title, 140) if source.title != event.title else "",
                "feed": wording.one_line(source.feed, 60),
                "link": wording.web_link(source.link),
                "at": source.published_at,
            }
            for source in event.sources[:6]
        ],
        "more_sources": max(0, len(event.sources) - 6),
    }


def _ago(seconds: float | None) -> str:
    """A duration in its largest whole unit: `40 s`, `12 min`, `3 h`, `5 d`."""
    if seconds is None:
        return ""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M} UTC, {wording.day(at)}" if at else "–"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("watcher.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": _clock, "day": wording.day, "line": lambda text: wording.one_line(str(text), 120)}
    environment.globals |= {"counted": wording.counted}
    return environment


@cache
def _style() -> str:
    return resources.files("watcher.web").joinpath("style.css").read_text("utf-8")
