"""The list of events: the filter over it, a page of what passes it, and what an event is in one row.

What the filter means is `event_query`'s and the store's; rows that come by themselves are `live`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from watcher import wording
from watcher.model import EventView, RuleStatus
from watcher.pipeline import rule_names
from watcher.store import Connection, event_search, events
from watcher.web import event_query
from watcher.web.console.desk import Desk, Page
from watcher.web.event_query import EventQuery
from watcher.web.signed import language_tag

PAGE = 40
_NEWER = 100
"""So many newer events are counted, and no more."""
_LANGUAGES = (("en", "English"), ("zh", "Chinese"), ("ja", "Japanese"), ("ko", "Korean"), ("de", "German"))


def show(desk: Desk) -> Response:
    """The newest events that pass the filter, or those before an id; 400 with the form where a field is wrong."""
    asked = event_query.read(desk.request.query_params, today=desk.now.date())
    before, seen = _id(desk.query("before")), _id(desk.query("seen"))
    with desk.rt.database.read() as conn:
        found = [] if asked.wrong else event_search.search(conn, asked.filter, before=before, limit=PAGE + 1)
        ids = found[:PAGE]
        newest = event_search.newest_id(conn)
        values = {
            "rows": rows(conn, ids),
            "newer": _newer(conn, asked, ids, before, seen),
            "choices": _choices(conn, asked),
        }
    return desk.page(
        "events.html.j2",
        "Events",
        status=400 if asked.wrong else 200,
        asked=asked,
        older=_address(asked, before=ids[-1]) if len(found) > PAGE else "",
        first=_address(asked),
        paged=before is not None,
        live=_live(asked, newest) if before is None and not asked.wrong else "",
        again=_address(asked, seen=newest),
        **values,
    )


PAGES = (Page(path="/events", show=show),)


def rows(conn: Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Those events in that order, each as what a row of the list shows."""
    views, told = events.views(conn, ids), event_search.told(conn, ids)
    return [row(views[one], told.get(one, 0)) for one in ids if one in views]


def row(event: EventView, told: int) -> dict[str, Any]:
    """What a row of the list shows; what publishers wrote is made clean."""
    languages = {source.title: source.language for source in event.sources}
    return {
        "id": event.id,
        "title": wording.one_line(event.title, 300),
        "lang": language_tag(languages.get(event.title)),
        "facts": wording.one_line(wording.facts_line(event), 400),
        "rule_id": event.rule_id,
        "rule": wording.one_line(event.rule_title, 80),
        "level": event.level.value,
        "stance": wording.one_line(event.stage or "", 32),
        "trial": event.status is RuleStatus.EXPERIMENTAL,
        "revision": event.revision,
        "feed": wording.one_line(event.sources[0].feed, 80) if event.sources else "",
        "sources": len(event.sources),
        "told": told,
        "at": event.created_at,
    }


def _newer(conn: Connection, asked: EventQuery, ids: Sequence[int], before: int | None, seen: int | None) -> str:
    """`12`, `more than 100`: events above the first of this page, or than were there at the last look; else nothing."""
    above = (ids[0] if ids else before) if before is not None else seen
    if above is None or asked.wrong:
        return ""
    found = len(event_search.search(conn, asked.filter, after=above, limit=_NEWER + 1))
    return f"more than {_NEWER}" if found > _NEWER else str(found or "")


def _choices(conn: Connection, asked: EventQuery) -> dict[str, list[tuple[str, str]]]:
    """What the selects offer; what is asked for is among it even where nobody knows it."""
    rules = [(one.id, one.title) for one in rule_names.known(conn)]
    stances = [(one, one) for one in event_search.stances(conn)]
    offered = {"rule": rules, "stance": stances, "language": list(_LANGUAGES)}
    for name, known in offered.items():
        words = asked.written.get(name, "")
        if words and words not in dict(known):
            known.append((words, words))
    return offered


def _id(written: str) -> int | None:
    """A number of a row; anything else is as if it were not there."""
    return int(written) if written.isascii() and written.isdigit() and len(written) <= 18 else None


def _address(asked: EventQuery, **more: int) -> str:
    return _with("/events", {**asked.written, **more})


def _live(asked: EventQuery, newest: int) -> str:
    return _with("/events/live", {**asked.written, "after": newest})


def _with(path: str, query: Mapping[str, Any]) -> str:
    return path + ("?" + urlencode(query) if query else "")
