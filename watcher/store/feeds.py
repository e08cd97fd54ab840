"""Feeds as rows: what is polled, what the last poll said, when the next one is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, func, null, select, update

from watcher import wire
from watcher.model import (
    AlertHistory,
    Coverage,
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

PAUSED = "paused"
"""The reason of a feed that people have paused: its items stay, it is not polled, and no digest calls it failing."""
TROUBLED = (Health.ATTENTION, Health.FAILING, Health.STALE, Health.GONE)
"""How feeds fare that do not fare well, those that need a person first."""


class Rename(StrEnum):
    """What became of a feed that has moved for good."""

    MOVED = "moved"
    MERGED = "merged"
    REFUSED = "refused"


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


def known_as(conn: Connection, url: str) -> Row[Any] | None:
    """The row of a feed by any URL it goes by: the one that somebody wrote before the one that is polled."""
    query = select(feeds).where((feeds.c.asked_url == url) | (feeds.c.url == url))
    return conn.execute(query.order_by(feeds.c.asked_url != url).limit(1)).one_or_none()


def _new(config: FeedConfig, origin: Origin, now: datetime) -> dict[str, Any]:
    fixed = {"url": config.url, "asked_url": config.url, "origin": origin.value}
    return fixed | {"created_at": now, "next_poll_at": now, "next_poll_reason": "new"} | _settled(config)


def add_all(conn: Connection, configs: Sequence[FeedConfig], *, origin: Origin, now: datetime) -> list[str]:
    """As `add`, for many feeds of different URLs at the price of a few statements; the URLs that were added."""
    urls = [config.url for config in configs]
    known = select(feeds.c.url, feeds.c.asked_url).where(feeds.c.url.in_(urls) | feeds.c.asked_url.in_(urls))
    met = {url for row in conn.execute(known) for url in row}
    new = [config for config in configs if config.url not in met]
    if new:
        conn.execute(feeds.insert(), [_new(config, origin, now) for config in new])
    back = [config.url for config in configs if config.url in met and add(conn, config, origin=origin, now=now)]
    return [config.url for config in new] + back


def add(conn: Connection, config: FeedConfig, *, origin: Origin, now: datetime) -> bool:
    """Add a feed, due at once; False when its URL is known already (one that was retired or gone comes back)."""
    known = known_as(conn, config.url)
    if known is None:
        conn.execute(feeds.insert().values(_new(config, origin, now)))
        return True
    if _merged(conn, known):
        return False
    if known.retired_at is not None or known.disabled_reason is not None:
        revived = _REVIVED | {"origin": origin.value, "next_poll_at": now, "next_poll_reason": "back"}
        conn.execute(update(feeds).where(feeds.c.id == known.id).values(**revived, **_settled(config)))
        return True
    return False


_REVIVED: dict[str, Any] = {
    "retired_at": None,
    "merged_into": None,
    "disabled_reason": None,
    "error_count": 0,
    "last_error": None,
    "failing_since": None,
    "health": Health.NEW.value,
    "health_reason": None,
    "moved_url": None,
    "moved_count": 0,
    "moved_since": None,
}
"""A feed that comes back starts anew, but for what it has brought and its validators."""


def _merged(conn: Connection, row: Row[Any]) -> bool:
    """Whether the feed lives on in another one that is not retired."""
    if row.merged_into is None:
        return False
    other = select(feeds.c.id).where(feeds.c.id == row.merged_into, feeds.c.retired_at.is_(None))
    return conn.execute(other).one_or_none() is not None


def sync_file(conn: Connection, configs: Sequence[FeedConfig], *, now: datetime) -> SyncReport:
    """Make the rows of origin `file` equal to watcher.yml; rows of other origins stay as they are.

    A row is found by the URL that was written when it was added; somebody who then writes the URL to which the feed has
    moved keeps the row too.
    """
    rows = list(conn.execute(select(feeds).order_by(feeds.c.id)))
    asked = {row.asked_url: row for row in rows}
    polled = {row.url: row for row in rows}
    wanted = {config.url for config in configs}
    added, changed, kept = [], [], set()
    for config in configs:
        row = asked.get(config.url) or polled.get(config.url)
        if row is not None:
            kept |= {row.id, row.merged_into}
        if row is None or (row.retired_at is not None and not _merged(conn, row)):
            add(conn, config, origin=Origin.FILE, now=now)
            added.append(config.url)
        elif row.asked_url != config.url and row.asked_url in wanted:
            continue  # two names of one feed, of which the other decides
        elif row.origin == Origin.FILE and row.retired_at is None and _differs(row, config):
            values = _settled(config) | {"asked_url": config.url}
            conn.execute(update(feeds).where(feeds.c.id == row.id).values(**values))
            changed.append(config.url)
    gone = [row for row in rows if row.origin == Origin.FILE and row.retired_at is None and row.id not in kept]
    if gone:
        conn.execute(update(feeds).where(feeds.c.id.in_([row.id for row in gone])).values(retired_at=now))
    retired = tuple(row.asked_url for row in gone)
    return SyncReport(added=tuple(added), changed=tuple(changed), retired=retired)


def _differs(row: Row[Any], config: FeedConfig) -> bool:
    wanted = _settled(config) | {"asked_url": config.url}
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
    rows = backlog.claim(
        conn,
        feeds,
        ids,
        waiting=LIVE,
        due_at=feeds.c.next_poll_at,
        before=before,
        owner=owner,
        lease_s=lease_s,
        now=now,
    )
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
        caught_up_at=row.caught_up_at,
    )


def get(conn: Connection, feed_id: int) -> Feed:
    """The feed as it is now, whoever holds it."""
    return _feed(conn.execute(select(feeds).where(feeds.c.id == feed_id)).one())


def _move(row: Row[Any]) -> Move | None:
    if not row.moved_url:
        return None
    return Move(url=row.moved_url, count=row.moved_count, since=row.moved_since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """All that one poll has taught of a feed."""

    result: FetchResult
    following: NextPoll
    validators: Validators
    """Those to ask with next time."""
    parsed: ParsedFeed | None = None
    """What a body gave; with it the marks of the first and the last full fetch move."""
    habit_s: float | None = None
    newest_item_at: datetime | None = None
    health: Health = Health.HEALTHY
    health_reason: str = ""
    failing_since: datetime | None = None
    move: Move | None = None


def finish(conn: Connection, feed: Feed, polled: Polled, *, owner: str, now: datetime) -> bool:
    """Write what a poll came to and free the lease; False when the lease was lost and nothing was written."""
    result, following, move = polled.result, polled.following, polled.move
    values: dict[str, Any] = {
        "etag": polled.validators.etag,
        "last_modified": polled.validators.last_modified,
        "last_polled_at": now,
        "last_status": result.status,
        "last_outcome": result.outcome.value,
        "attempt": 0,
        "slot_at": None,
        "last_error": result.detail or None if following.error_count else None,
        "error_count": following.error_count,
        "failing_since": polled.failing_since,
        "next_poll_at": following.next_poll_at,
        "next_poll_reason": following.reason,
        "habit_s": polled.habit_s,
        "newest_item_at": polled.newest_item_at,
        "health": polled.health.value,
        "health_reason": polled.health_reason or None,
        "moved_url": move.url if move else None,
        "moved_count": move.count if move else 0,
        "moved_since": move.since if move else None,
    }
    if polled.health is not feed.health:
        values["health_since"] = now
    if following.disabled:
        values["disabled_reason"] = following.reason
    told: dict[str, Any] = {}
    if polled.parsed is not None:
        values |= _document(feed, polled.parsed, now)
        # a reload may have set them while the feed was being fetched
        told = {"title": polled.parsed.title, "language": polled.parsed.language}
    return database.finish(conn, feeds, feed.id, owner=owner, attempt=feed.attempt, values=values, unless_set=told)


def _document(feed: Feed, parsed: ParsedFeed, now: datetime) -> dict[str, Any]:
    return {
        "last_full_at": now if parsed.complete else feed.last_full_at,
        "first_fetched_at": feed.first_fetched_at or now,
        "caught_up_at": feed.caught_up_at or (now if parsed.complete else None),
        "wishes": wire.dump(parsed.wishes),
    }


def put_off(
    conn: Connection, feed: Feed, *, owner: str, until: datetime, reason: str, slot_at: datetime | None = None
) -> bool:
    """Free a feed that was not polled after all, for another try not before `until`; it counts as no attempt.

    `slot_at` is its place in the queue of its host.
    """
    values = {
        "attempt": feed.attempt - 1,
        "next_poll_at": until,
        "next_poll_reason": reason,
        "slot_at": slot_at,
    }
    return database.finish(conn, feeds, feed.id, owner=owner, attempt=feed.attempt, values=values)


def rename(conn: Connection, feed: Feed, url: str, *, now: datetime) -> Rename:
    """Poll the feed at `url` from now on, its rows and items as they are; or join it with the feed that lives there.

    A feed that watcher.yml or a person has retired keeps its URL: then nothing is done, and the redirect is followed.
    """
    other = conn.execute(select(feeds).where(feeds.c.url == url, feeds.c.id != feed.id)).one_or_none()
    if other is None:
        conn.execute(update(feeds).where(feeds.c.id == feed.id).values(url=url))
        return Rename.MOVED
    if other.retired_at is not None:
        return Rename.REFUSED
    conn.execute(update(feeds).where(feeds.c.id == feed.id).values(retired_at=now, merged_into=other.id))
    if other.disabled_reason is not None:
        back = _REVIVED | {"next_poll_at": now, "next_poll_reason": "back"}
        conn.execute(update(feeds).where(feeds.c.id == other.id).values(**back))
    return Rename.MERGED


def changed_at(conn: Connection, feed_id: int, *, now: datetime) -> None:
    """Note that the feed brought new items; a flag of more than a week ago goes, since the feed goes on."""
    conn.execute(_CHANGED, {"feed": feed_id, "now": now, "week_ago": f"{now - timedelta(days=7):%Y-%m-%d}"})


_CHANGED = (
    update(feeds)
    .where(feeds.c.id == bindparam("feed"))
    .values(
        last_changed_at=bindparam("now"),
        flagged=case((feeds.c.flagged < bindparam("week_ago"), null()), else_=feeds.c.flagged),
    )
)


def flag(conn: Connection, feed_id: int, why: str, *, now: datetime) -> bool:
    """Show that the feed brought something odd, with the day before it; False when it was flagged already."""
    before = conn.execute(select(feeds.c.flagged).where(feeds.c.id == feed_id)).scalar_one()
    conn.execute(update(feeds).where(feeds.c.id == feed_id).values(flagged=f"{now:%Y-%m-%d}: {why}"))
    return before is None


def poll_now(conn: Connection, *, now: datetime, ids: Iterable[int] | None = None) -> int:
    """Make feeds due at once (all live ones without `ids`); how many."""
    statement = update(feeds).where(LIVE).values(next_poll_at=now, next_poll_reason="asked for")
    if ids is not None:
        statement = statement.where(feeds.c.id.in_(list(ids)))
    return conn.execute(statement).rowcount


def retire(conn: Connection, url: str, *, now: datetime) -> bool:
    """Stop polling the feed of that URL, by either of its names; its items stay. False when no live feed has it."""
    named = (feeds.c.url == url) | (feeds.c.asked_url == url)
    return conn.execute(update(feeds).where(named, feeds.c.retired_at.is_(None)).values(retired_at=now)).rowcount > 0


def pause(conn: Connection, feed_id: int) -> bool:
    """Poll the feed no more until `resume`; False when it is not polled anyway."""
    return conn.execute(update(feeds).where(feeds.c.id == feed_id, LIVE).values(disabled_reason=PAUSED)).rowcount > 0


def resume(conn: Connection, feed_id: int, *, now: datetime) -> bool:
    """Poll a feed again that was paused or is gone, at once; False when it is polled already or removed."""
    stopped = (feeds.c.retired_at.is_(None), feeds.c.disabled_reason.is_not(None))
    paused = update(feeds).where(feeds.c.id == feed_id, *stopped, feeds.c.disabled_reason == PAUSED)
    back: dict[str, Any] = {"disabled_reason": None, "next_poll_at": now, "next_poll_reason": "resumed"}
    if conn.execute(paused.values(**back)).rowcount:
        return True
    gone = update(feeds).where(feeds.c.id == feed_id, *stopped)
    return conn.execute(gone.values(**(_REVIVED | back))).rowcount > 0


def settle(conn: Connection, feed_id: int, *, every_s: int | None, full_text: bool, tags: Sequence[str]) -> bool:
    """Change what people may choose of a feed that watcher.yml does not name; False when it does, or it is removed."""
    ours = (feeds.c.id == feed_id, feeds.c.retired_at.is_(None), feeds.c.origin != Origin.FILE.value)
    values = {"every_s": every_s, "full_text": full_text, "tags": list(tags)}
    return conn.execute(update(feeds).where(*ours).values(**values)).rowcount > 0


def unflag(conn: Connection, feed_id: int) -> bool:
    """Take the mark of something odd away, once somebody has looked; False when there is none."""
    flagged = (feeds.c.id == feed_id, feeds.c.flagged.is_not(None))
    return conn.execute(update(feeds).where(*flagged).values(flagged=None)).rowcount > 0


def listing(conn: Connection) -> list[dict[str, Any]]:
    """Every live feed with its polling state, ordered by URL; JSON-safe but for instants.

    `asked_url` is what somebody wrote, `url` what is polled: they differ once a feed has moved for good.
    """
    columns = feeds.c
    settled = (columns.id, columns.url, columns.asked_url, columns.title, columns.language, columns.tags)
    health = (columns.health, columns.health_reason, columns.health_since, columns.failing_since, columns.flagged)
    last = (columns.disabled_reason, columns.last_status, columns.last_outcome, columns.last_error, columns.error_count)
    times = (columns.last_polled_at, columns.last_changed_at, columns.next_poll_at, columns.next_poll_reason)
    habit = (columns.habit_s, columns.newest_item_at)
    query = select(*settled, columns.origin, *health, *last, *times, *habit)
    query = query.where(feeds.c.retired_at.is_(None)).order_by(feeds.c.url)
    return [dict(row._mapping) for row in conn.execute(query)]


def coverage(conn: Connection) -> Coverage:
    """Feeds that are followed, those whose last poll succeeded, and by title or URL the failing and the silent ones.

    What people have paused is not followed.
    """
    columns = (feeds.c.title, feeds.c.url, feeds.c.error_count, feeds.c.last_polled_at, feeds.c.disabled_reason)
    query = select(*columns, feeds.c.health).where(feeds.c.retired_at.is_(None)).order_by(feeds.c.url)
    rows = [row for row in conn.execute(query) if row.disabled_reason != PAUSED]
    sound = [row for row in rows if not row.error_count and not row.disabled_reason]
    return Coverage(
        feeds_total=len(rows),
        feeds_checked=sum(1 for row in sound if row.last_polled_at),
        failing=tuple(row.title or row.url for row in rows if row.error_count or row.disabled_reason),
        silent=tuple(row.title or row.url for row in sound if row.health == Health.STALE),
    )


def healths(conn: Connection) -> dict[str, int]:
    """How many live feeds fare how, with those states of which there is none."""
    query = select(feeds.c.health, func.count()).where(feeds.c.retired_at.is_(None)).group_by(feeds.c.health)
    return {health.value: 0 for health in Health} | {str(name): count for name, count in conn.execute(query)}


def failing_since(conn: Connection, since: datetime) -> int:
    """How many live feeds have failed at every poll since then or longer."""
    long = (feeds.c.health == Health.FAILING.value, feeds.c.failing_since < since)
    return conn.execute(select(func.count()).select_from(feeds).where(LIVE, *long)).scalar_one()


def outcomes(conn: Connection) -> dict[str, int]:
    """How many live feeds' last poll came to each outcome; `never` for those not polled yet."""
    query = (
        select(func.coalesce(feeds.c.last_outcome, "never"), func.count())
        .where(feeds.c.retired_at.is_(None))
        .group_by(feeds.c.last_outcome)
    )
    return {str(name): count for name, count in conn.execute(query)}
