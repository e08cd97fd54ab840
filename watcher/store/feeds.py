"""Feeds as rows: what is polled, what the last poll said, when the next one is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from watcher import wire
from watcher.model import (
    AlertHistory,
    Feed,
    FeedConfig,
    FetchResult,
    Health,
    Move,
    NextPoll,
    Origin,
    ParsedFeed,
    Secret,
    Validators,
    Wishes,
)
from watcher.store import backlog, database
from watcher.store.schema import feeds


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What a reload of watcher.yml did to the `file` rows, in URLs or ids."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()


def _settled(config: FeedConfig) -> dict[str, Any]:
    return {
        "title": config.title,
        "language": config.language,
        "tags": list(config.tags),
        "alert_history": config.alert_history.value,
        "every_s": config.every_s,
        "headers": {name: wire.dump(secret) for name, secret in config.headers.items()},
        "full_text": config.full_text,
    }


def add(conn: Connection, config: FeedConfig, *, origin: Origin, now: datetime) -> bool:
    """Add a feed, due at once; False when its URL is known already (one that was retired or gone comes back)."""
    known = conn.execute(select(feeds).where(feeds.c.url == config.url)).one_or_none()
    if known is None:
        conn.execute(
            feeds.insert().values(
                url=config.url,
                asked_url=config.url,
                origin=origin.value,
                created_at=now,
                next_poll_at=now,
                next_poll_reason="new",
                **_settled(config),
            )
        )
        return True
    if known.retired_at is not None or known.disabled_reason is not None:
        revived: dict[str, Any] = {"retired_at": None, "disabled_reason": None, "error_count": 0, "last_error": None}
        revived |= {"origin": origin.value, "next_poll_at": now, "next_poll_reason": "back"}
        conn.execute(update(feeds).where(feeds.c.id == known.id).values(**revived, **_settled(config)))
        return True
    return False


def sync_file(conn: Connection, configs: Sequence[FeedConfig], *, now: datetime) -> SyncReport:
    """Make the rows of origin `file` equal to watcher.yml; rows of other origins stay as they are."""
    rows = {row.url: row for row in conn.execute(select(feeds).order_by(feeds.c.id))}
    added, changed = [], []
    for config in configs:
        row = rows.get(config.url)
        if row is None or row.retired_at is not None:
            add(conn, config, origin=Origin.FILE, now=now)
            added.append(config.url)
        elif row.origin == Origin.FILE and _differs(row, config):
            conn.execute(update(feeds).where(feeds.c.id == row.id).values(**_settled(config)))
            changed.append(config.url)
    wanted = {config.url for config in configs}
    gone = [
        row.url
        for row in rows.values()
        if row.origin == Origin.FILE and row.retired_at is None and row.url not in wanted
    ]
    if gone:
        conn.execute(update(feeds).where(feeds.c.url.in_(gone)).values(retired_at=now))
    return SyncReport(added=tuple(added), changed=tuple(changed), retired=tuple(gone))


def _differs(row: Row[Any], config: FeedConfig) -> bool:
    wanted = _settled(config)
    kept_title = {"title"} if config.title is None else set()  # the feed's own title fills a missing one
    kept_language = {"language"} if config.language is None else set()
    return any(getattr(row, name) != wanted[name] for name in wanted.keys() - kept_title - kept_language)


LIVE = and_(feeds.c.retired_at.is_(None), feeds.c.disabled_reason.is_(None))


def due(conn: Connection, *, now: datetime, limit: int) -> list[int]:
    """Ids of feeds whose poll is due and that nobody holds, oldest first."""
    return backlog.due(conn, feeds, where=LIVE, due_at=feeds.c.next_poll_at, now=now, limit=limit)


def claim(
    conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
) -> list[Feed]:
    """Lease those of `ids` that are due, either the ones never tried or the ones tried `before` without an end."""
    where = and_(LIVE, feeds.c.next_poll_at <= database.now_sql(conn, now), backlog.tried(feeds, before))
    rows = database.claim(conn, feeds, ids, owner=owner, lease_s=lease_s, now=now, where=[where], limit=len(ids))
    return [_feed(row) for row in rows]


def _feed(row: Row[Any]) -> Feed:
    return Feed(
        id=row.id,
        url=row.url,
        title=row.title,
        language=row.language,
        tags=tuple(row.tags),
        alert_history=AlertHistory(row.alert_history),
        every_s=row.every_s,
        headers={name: wire.load(Secret, data) for name, data in row.headers.items()},
        validators=Validators(etag=row.etag, last_modified=row.last_modified),
        first_fetched_at=row.first_fetched_at,
        last_full_at=row.last_full_at,
        error_count=row.error_count,
        attempt=row.attempt,
        asked_url=row.asked_url,
        full_text=row.full_text,
        wishes=wire.load(Wishes, row.wishes) if row.wishes else Wishes(),
        habit_s=row.habit_s,
        newest_item_at=row.newest_item_at,
        created_at=row.created_at,
        last_polled_at=row.last_polled_at,
        last_changed_at=row.last_changed_at,
        failing_since=row.failing_since,
        move=_move(row),
        slot_at=row.slot_at,
        health=Health(row.health),
        pushed_until=row.pushed_until,
    )


def get(conn: Connection, feed_id: int) -> Feed:
    """The feed as it is now, whoever holds it."""
    return _feed(conn.execute(select(feeds).where(feeds.c.id == feed_id)).one())


def _move(row: Row[Any]) -> Move | None:
    if not row.moved_url:
        return None
    return Move(url=row.moved_url, count=row.moved_count, since=row.moved_since)


def finish(
    conn: Connection,
    feed: Feed,
    *,
    owner: str,
    result: FetchResult,
    following: NextPoll,
    parsed: ParsedFeed | None,
    validators: Validators,
    now: datetime,
) -> bool:
    """Write what a poll came to and free the lease; False when the lease was lost and nothing was written.

    `parsed` is what a body gave; with it the marks of the first fetch move.
    """
    values: dict[str, Any] = {
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "last_polled_at": now,
        "last_status": result.status,
        "last_outcome": result.outcome.value,
        "attempt": 0,
        "last_error": result.detail or None if following.error_count else None,
        "error_count": following.error_count,
        "next_poll_at": following.next_poll_at,
        "next_poll_reason": following.reason,
    }
    if following.disabled:
        values["disabled_reason"] = following.reason
    if parsed is not None:
        values |= {"last_full_at": now, "first_fetched_at": feed.first_fetched_at or now}
        # in SQL, since a reload may have set them while the feed was being fetched
        values["title"] = func.coalesce(feeds.c.title, parsed.title)
        values["language"] = func.coalesce(feeds.c.language, parsed.language)
        values["wishes"] = wire.dump(parsed.wishes)
    return database.finish(conn, feeds, feed.id, owner=owner, attempt=feed.attempt, values=values)


def put_off(conn: Connection, feed: Feed, *, owner: str, until: datetime) -> bool:
    """Free a feed that was not polled after all, for another try not before `until`."""
    values = {"attempt": 0, "next_poll_at": until, "next_poll_reason": "put off: the worker had no time left"}
    return database.finish(conn, feeds, feed.id, owner=owner, attempt=feed.attempt, values=values)


def changed_at(conn: Connection, feed_id: int, *, now: datetime) -> None:
    """Note that the feed brought new items."""
    conn.execute(update(feeds).where(feeds.c.id == feed_id).values(last_changed_at=now))


def poll_now(conn: Connection, *, now: datetime, ids: Iterable[int] | None = None) -> int:
    """Make feeds due at once (all live ones without `ids`); how many."""
    statement = update(feeds).where(LIVE).values(next_poll_at=now, next_poll_reason="asked for")
    if ids is not None:
        statement = statement.where(feeds.c.id.in_(list(ids)))
    return conn.execute(statement).rowcount


def retire(conn: Connection, url: str, *, now: datetime) -> bool:
    """Stop polling the feed of that URL; its items stay. False when no live feed has it."""
    statement = update(feeds).where(feeds.c.url == url, feeds.c.retired_at.is_(None)).values(retired_at=now)
    return conn.execute(statement).rowcount > 0


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every live feed with its polling state, ordered by URL; JSON-safe but for instants."""
    columns = feeds.c
    settled = (columns.id, columns.url, columns.title, columns.language, columns.tags, columns.origin)
    health = (columns.disabled_reason, columns.last_status, columns.last_outcome, columns.last_error)
    times = (columns.last_polled_at, columns.last_changed_at, columns.next_poll_at, columns.next_poll_reason)
    query = select(*settled, *health, columns.error_count, *times)
    query = query.where(feeds.c.retired_at.is_(None)).order_by(feeds.c.url)
    return [dict(row._mapping) for row in conn.execute(query)]


def coverage(conn: Connection) -> tuple[int, int, list[str]]:
    """(live feeds, those whose last poll succeeded, names of the failing ones)."""
    query = select(feeds.c.title, feeds.c.url, feeds.c.error_count, feeds.c.last_polled_at, feeds.c.disabled_reason)
    rows = conn.execute(query.where(feeds.c.retired_at.is_(None)).order_by(feeds.c.url)).all()
    failing = [row.title or row.url for row in rows if row.error_count > 0 or row.disabled_reason]
    checked = sum(1 for row in rows if row.last_polled_at and not row.error_count and not row.disabled_reason)
    return len(rows), checked, failing


def outcomes(conn: Connection) -> dict[str, int]:
    """How many live feeds' last poll came to each outcome; `never` for those not polled yet."""
    query = (
        select(func.coalesce(feeds.c.last_outcome, "never"), func.count())
        .where(feeds.c.retired_at.is_(None))
        .group_by(feeds.c.last_outcome)
    )
    return {str(name): count for name, count in conn.execute(query)}
