"""How many of a digest's entries have room in a mail of bounded size, guessed from their words before any is rendered.

The weights are those of the shipped page; with templates of one's own the guess is off, and `render` tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from watcher.model import AlertView

TITLES_OF_THE_REST = 40
_PAGE, _GROUP, _ENTRY, _TITLE = 4_700, 640, 660, 260
"""Bytes of the page, a rule's heading, an entry and a title without their words."""

Words = Callable[[AlertView], dict[str, Any]]


def entries_within(alerts: Sequence[AlertView], whole: Words, brief: Words, limit_bytes: int) -> list[dict[str, Any]]:
    """The words of each alert in order: those of all that have room, then of the others their titles only."""
    entries: list[dict[str, Any]] = []
    titles = [_TITLE + len(alert.event.title.encode("utf-8", "replace")) for alert in alerts]
    left = limit_bytes - _PAGE - _GROUP * len({alert.event.rule_id for alert in alerts})
    for number, alert in enumerate(alerts):
        entry = whole(alert)
        left -= weight(entry)
        rest = sum(titles[number + 1 :][:TITLES_OF_THE_REST])
        if left < rest and number:
            return [*entries, *(brief(one) for one in alerts[number:])]
        entries.append(entry)
    return entries


def weight(entry: dict[str, Any]) -> int:
    """About how many UTF-8 bytes an entry makes in the shipped page."""
    said = ("title", "facts_line", "why", "changed", "sources_more")
    words = sum(len(str(entry[name]).encode("utf-8", "replace")) for name in said)
    words += sum(len(link["url"]) + len(link["words"].encode()) + 56 for link in entry["links"])
    words += sum(len(source["link"] or "") + len(source["words"].encode()) + 66 for source in entry["sources"])
    for pieces in entry["snippets"]:
        words += 160 + sum(len(piece["words"].encode("utf-8", "replace")) + 66 * piece["marked"] for piece in pieces)
    marks = 60 * bool(entry["changed"]) + 40 * bool(entry["revised"])
    return _ENTRY + words + marks + len(str(entry["link"] or ""))
