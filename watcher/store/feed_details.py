"""What people ask about feeds: whether one is known, everything of one, and the list to export. Reads only."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, func, or_, select

from watcher.store import hubs
from watcher.store.schema import feeds, items

_NEWEST = 3
_OURS = frozenset({"lease_until", "lease_owner", "attempt"})


def find(conn: Connection, *references: str) -> int | None:
    """The id of the feed that has one of these URLs, polled or asked for, or that id; a live one first."""
    ids = [int(reference) for reference in references if re.fullmatch("[0-9]{1,18}", reference)]
    named = or_(feeds.c.url.in_(references), feeds.c.asked_url.in_(references), feeds.c.id.in_(ids))
    query = select(feeds.c.id).where(named).order_by(feeds.c.retired_at.is_not(None), feeds.c.id).limit(1)
    found: int | None = conn.execute(query).scalar_one_or_none()
    return found


def live_urls(conn: Connection) -> set[str]:
    """Every URL under which a live feed is known, as polled and as asked for."""
    query = select(feeds.c.url, feeds.c.asked_url).where(
        feeds.c.retired_at.is_(None), feeds.c.disabled_reason.is_(None)
    )
    return {url for row in conn.execute(query) for url in row if url}


def described(conn: Connection, feed_id: int) -> dict[str, Any]:
    """Every column of a feed but its lease, how many items it gave, the newest of them, its hub; header names alone."""
    row = conn.execute(select(feeds).where(feeds.c.id == feed_id)).one()
    known = {name: value for name, value in row._mapping.items() if name not in _OURS}
    counted = select(func.count()).select_from(items).where(items.c.feed_id == feed_id)
    newest = select(items.c.id, items.c.title, items.c.link, items.c.first_seen_at)
    newest = newest.where(items.c.feed_id == feed_id).order_by(items.c.id.desc()).limit(_NEWEST)
    return known | {
        "headers": sorted(known["headers"]),
        "items": conn.execute(counted).scalar_one(),
        "newest": [dict(item._mapping) for item in conn.execute(newest)],
        "hub": hubs.by_feed(conn, feed_id).get(feed_id),
    }


def exported(conn: Connection) -> list[dict[str, Any]]:
    """Every feed that has not been removed, by URL: url, title, language, tags and the names of its headers."""
    query = select(feeds.c.url, feeds.c.title, feeds.c.language, feeds.c.tags, feeds.c.headers)
    rows = conn.execute(query.where(feeds.c.retired_at.is_(None)).order_by(feeds.c.url))
    return [dict(row._mapping) | {"headers": sorted(row.headers)} for row in rows]
