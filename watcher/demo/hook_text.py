"""A webhook's payload in a few words, for the terminal and the inbox page."""

from __future__ import annotations

from watcher import wording
from watcher.model import JSON


def told(payload: JSON) -> tuple[str, str]:
    """The payload's type, and the titles of the events in it."""
    if not isinstance(payload, dict):
        return "?", "not a JSON object"
    titles = list(dict.fromkeys(_titles(payload.get("data"))))
    return wording.one_line(str(payload.get("type", "?")), 40), wording.joined(titles, most=3) or "no event"


def _titles(data: JSON) -> list[str]:
    """Titles of the events in `data`: the event's own, or those of its alerts."""
    if not isinstance(data, dict):
        return []
    inner = data.get("event")
    if isinstance(inner, dict):
        return _titles(inner)
    several = data.get("events") or data.get("alerts")
    if isinstance(several, list):
        return [title for one in several for title in _titles(one)]
    title = data.get("title") or data.get("subject")
    return [str(title)] if title else []
