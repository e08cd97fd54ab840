"""The stored history that rules are tried on: items of the last days and what they came to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Row, Select, func, select

from watcher.model import Item
from watcher.store.schema import event_sources, feeds, items

_BATCH = 200


def _with_feed() -> Select[tuple[object, ...]]:
    return select(
        items, feeds.c.title.label("feed_title"), feeds.c.url.label("feed_url"), feeds.c.tags.label("feed_tags")
    ).join(feeds, feeds.c.id == items.c.feed_id)


def item(conn: Connection, item_id: int) -> Item | None:
    """One stored item; None when no item has that id."""
    row = conn.execute(_with_feed().where(items.c.id == item_id)).one_or_none()
    return None if row is None else _item(row)


def _item(row: Row[tuple[object, ...]]) -> Item:
    found = row._mapping
    return Item(
        id=found["id"],
        feed_id=found["feed_id"],
        feed_title=found["feed_title"] or found["feed_url"],
        feed_tags=tuple(found["feed_tags"]),
        link=found["link"],
        title=found["title"],
        text=found["text"],
        language=found["language"],
        published_at=found["published_at"],
        first_seen_at=found["first_seen_at"],
        history=found["history"],
    )


def count(conn: Connection, *, since: datetime | None) -> int:
    """How many items were first seen since then, or ever."""
    query = select(func.count()).select_from(items)
    return int(conn.execute(query if since is None else query.where(items.c.first_seen_at >= since)).scalar_one())


def events_of(conn: Connection, item_id: int) -> list[int]:
    """Ids of the events that an item tells."""
    query = select(event_sources.c.event_id).where(event_sources.c.item_id == item_id)
    return list(conn.execute(query.order_by(event_sources.c.event_id)).scalars())
