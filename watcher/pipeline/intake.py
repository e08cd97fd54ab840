"""A document's entries to items: which are new, which are known, which of the new ones stay silent.

Both a poll and a hub's push come through here; what surrounds it (validators, leases) is theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from watcher.fetch.history import is_history
from watcher.model import Feed, ItemDraft, ParsedFeed
from watcher.store import Connection, feeds, items


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Ids of items by what is to be done with them."""

    new: tuple[int, ...] = ()
    edited: tuple[int, ...] = ()
    """Known items whose words have changed: the rules read them again."""


def take_in(conn: Connection, feed: Feed, parsed: ParsedFeed, *, now: datetime) -> Intake:
    """Store what the document brings, in the caller's transaction."""

    def history(draft: ItemDraft) -> bool:
        return is_history(
            feed.alert_history, first_fetched_at=feed.first_fetched_at, published_at=draft.published_at, now=now
        )

    new = items.insert_new(conn, feed.id, parsed.items, history=history, now=now)
    if new:
        feeds.changed_at(conn, feed.id, now=now)
    return Intake(new=tuple(new))
