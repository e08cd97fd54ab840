"""Pages of articles as rows: which items wait for their whole text, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, case, delete, func, select, update

from watcher.model import Item
from watcher.store import backlog, database, items
from watcher.store.dialect import insert
from watcher.store.schema import items as item_rows
from watcher.store.schema import pages

WAITING = pages.c.state == "waiting"
_CHUNK = 500


class PageState(StrEnum):
    WAITING = "waiting"
    READ = "read"
    """The item has the page's text."""
    FAILED = "failed"
    """The item stays as its feed brought it."""
    SKIPPED = "skipped"
    """Never asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """An item's page, wanted from `next_fetch_at` on, or passed over (`skipped`) for a reason."""

    item_id: int
    url: str
    state: PageState
    reason: str
    next_fetch_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPage:
    """A claimed page, with what its item's feed brought."""

    id: int
    item_id: int
    url: str
    title: str
    brought: str
    tries: int
    """Requests made so far."""
    attempt: int
    """Fencing number of this claim."""
    created_at: datetime
    """When it was wanted."""
    read_before: bool
    """Its item has changed since the page was read."""
    slot_at: datetime | None
    """Its place in the host's queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadText:
    """An article's text and its language, where it is known."""

    text: str
    language: str | None


def brought(conn: Connection, ids: Sequence[int]) -> list[Item]:
    """Those items with the text that their feed brought, whatever their page has made of it since."""
    found: list[Item] = []
    for start in range(0, len(ids), _CHUNK):
        query = items.select_items().where(item_rows.c.id.in_(ids[start : start + _CHUNK]))
        found += [replace(items.item_of(row), text=_of_feed(row)) for row in conn.execute(query)]
    return found


def _of_feed(item: Any) -> str:
    return str(item.summary if item.from_page else item.text)


def want(conn: Connection, wanted: Sequence[NewPage], *, now: datetime) -> None:
    """Store the pages, in place of what is known of the same items' pages.

    A page that was read before keeps that in mind (`fetched_at`), so that the text read then is not taken for new.
    """
    rows = [
        {
            "item_id": page.item_id,
            "url": page.url,
            "state": page.state.value,
            "reason": page.reason,
            "next_fetch_at": page.next_fetch_at,
            "created_at": now,
        }
        for page in wanted
    ]
    if not rows:
        return
    made = insert(conn, pages)
    fresh = {name: made.excluded[name] for name in rows[0] if name != "item_id"}
    blank: dict[str, Any] = {"text": None, "tries": 0, "slot_at": None, "lease_until": None, "lease_owner": None}
    statement = made.on_conflict_do_update(index_elements=["item_id"], set_={**fresh, **blank, "attempt": 0})
    for start in range(0, len(rows), _CHUNK):
        conn.execute(statement, rows[start : start + _CHUNK])


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of pages whose time has come and that nobody holds, longest due first."""
    return backlog.due(conn, pages, where=WAITING, due_at=pages.c.next_fetch_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[WaitingPage]:
    """Lease those of `ids` that are due, either the ones never tried or the ones tried `before` without an end."""
    where = [WAITING, pages.c.next_fetch_at <= database.now_sql(conn, now), backlog.tried(pages, before)]
    rows = database.claim(conn, pages, ids, owner=owner, lease_s=lease_s, now=now, where=where, limit=len(ids))
    claimed = {row.id: row for row in rows}
    query = select(pages.c.id, item_rows.c.title, item_rows.c.text, item_rows.c.summary)
    query = query.add_columns(item_rows.c.from_page).join(item_rows, item_rows.c.id == pages.c.item_id)
    found = []
    for item in conn.execute(query.where(pages.c.id.in_(list(claimed))).order_by(pages.c.id)):
        row = claimed[item.id]
        found.append(
            WaitingPage(
                id=row.id,
                item_id=row.item_id,
                url=row.url,
                title=item.title,
                brought=_of_feed(item),
                tries=row.tries,
                attempt=row.attempt,
                created_at=row.created_at,
                read_before=row.fetched_at is not None,
                slot_at=row.slot_at,
            )
        )
    return found


def cached(conn: Connection, url: str, *, since: datetime) -> ReadText | None:
    """The text of that page as it was read for another item since then."""
    query = select(pages.c.text, item_rows.c.language).join(item_rows, item_rows.c.id == pages.c.item_id)
    query = query.where(pages.c.url == url, pages.c.text.is_not(None), pages.c.fetched_at >= since)
    row = conn.execute(query.order_by(pages.c.fetched_at.desc()).limit(1)).one_or_none()
    return None if row is None else ReadText(text=row.text, language=row.language)


def finish_read(
    conn: Connection,
    page: WaitingPage,
    read: ReadText,
    *,
    whole: str,
    owner: str,
    reason: str,
    tries: int,
    now: datetime,
) -> bool:
    """Keep the page's text for others and give its item the `whole`, for the rules to read.

    False when the lease was lost and nothing was written.
    """
    # the item before its page, as where a feed's edit wants the page anew: nobody waits in a circle
    conn.execute(select(item_rows.c.id).where(item_rows.c.id == page.item_id).with_for_update(key_share=True))
    values = {"state": PageState.READ.value, "reason": reason, "text": read.text, "fetched_at": now}
    values |= {"tries": tries, "slot_at": None, "attempt": 0}
    if not database.finish(conn, pages, page.id, owner=owner, attempt=page.attempt, values=values):
        return False
    items.give_page(conn, page.item_id, whole, read.language, now=now)
    return True


def put_off(
    conn: Connection,
    page: WaitingPage,
    *,
    owner: str,
    until: datetime,
    reason: str,
    tries: int,
    slot_at: datetime | None = None,
) -> bool:
    """Free the page for a try not before `until`, with its place in the host's queue if it waits for that."""
    values = {"next_fetch_at": until, "reason": reason, "tries": tries, "slot_at": slot_at, "attempt": 0}
    return database.finish(conn, pages, page.id, owner=owner, attempt=page.attempt, values=values)


def fail(conn: Connection, page: WaitingPage, *, owner: str, reason: str, tries: int) -> bool:
    """Give the page up; its item stays as the feed brought it."""
    values = {"state": PageState.FAILED.value, "reason": reason, "tries": tries, "slot_at": None, "attempt": 0}
    return database.finish(conn, pages, page.id, owner=owner, attempt=page.attempt, values=values)


def forget(conn: Connection, *, texts_before: datetime, rows_before: datetime, limit: int) -> None:
    """Empty copies of texts read before the one instant, which their items have, and drop what was settled before the
    other; at most `limit` of each.
    """
    read = select(pages.c.id).where(pages.c.text.is_not(None), pages.c.fetched_at < texts_before).limit(limit)
    conn.execute(update(pages).where(pages.c.id.in_(conn.execute(read).scalars().all())).values(text=None))
    settled = select(pages.c.id).where(~WAITING, pages.c.created_at < rows_before).limit(limit)
    conn.execute(delete(pages).where(pages.c.id.in_(conn.execute(settled).scalars().all())))


def outcomes(conn: Connection) -> dict[str, int]:
    """How many pages wait, were read, and for which reasons others were not; of the last weeks."""
    what = case((pages.c.state.in_([PageState.WAITING, PageState.READ]), pages.c.state), else_=pages.c.reason)
    return {str(name): count for name, count in conn.execute(select(what, func.count()).group_by(what))}
