"""What is kept for how long: one table, worked off by the sweep a few rows at a time.

Never dropped, because a promise needs them: an item's identity (it must not come back as news), events with their
revisions and sources, alerts, the keys of digests and messages (nothing is sent twice), verdicts, who unsubscribed and
which addresses bounced. A file of SQLite does not shrink by it: its pages are used again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.pipeline import pages as page_step
from watcher.pipeline import signup, tokens
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import Connection, audit, history, hubs, old_rows, overview

EVERY = timedelta(hours=1)
BATCH = 200
Forget = Callable[[Connection, datetime, datetime], int | None]
"""(connection, now, before) → how many rows, if that says whether there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One row of the table."""

    what: str
    span: Callable[[Settings], timedelta]
    forget: Forget
    says: str
    """What goes, and what of it stays."""


def _days(count: int) -> Callable[[Settings], timedelta]:
    return lambda _chosen: timedelta(days=count)


TABLE: tuple[Kept, ...] = (
    Kept(
        what="texts of items that no event uses",
        span=lambda chosen: timedelta(days=chosen.keep_items_days),
        forget=lambda conn, _now, before: history.forget(conn, before=before, limit=BATCH),
        says="text, summary and matches go; identity, title and link stay",
    ),
    Kept(
        what="bytes of messages",
        span=lambda chosen: timedelta(days=chosen.keep_messages_days),
        forget=lambda conn, _now, before: old_rows.forget_messages(conn, before=before, limit=BATCH),
        says="bytes and attempts go; who was told what and when stays; what still waits keeps its bytes",
    ),
    Kept(
        what="audit log",
        span=lambda _chosen: audit.KEPT,
        forget=lambda conn, now, _before: tokens.forget_access(conn, now=now),
        says="lines go; logins go when they end, failed ones after two days",
    ),
    Kept(
        what="copies of article pages",
        span=lambda _chosen: timedelta(days=page_step.KEEP_DAYS),
        forget=lambda conn, now, _before: page_step.forget_pages(conn, now=now),
        says="the row goes, its text earlier; the item keeps the text",
    ),
    Kept(
        what="documents that hubs pushed",
        span=_days(1),
        forget=lambda conn, _now, before: hubs.forget(conn, before=before, limit=BATCH),
        says="known by a digest until then, should the hub send one again",
    ),
    Kept(
        what="sign-ups",
        span=_days(30),
        forget=lambda conn, now, _before: signup.forget_signups(conn, now=now),
        says="what was never confirmed goes after a week",
    ),
    Kept(
        what="hosts that nobody asks any more",
        span=_days(30),
        forget=lambda conn, _now, before: old_rows.forget_hosts(conn, before=before, limit=BATCH),
        says="the row goes",
    ),
    Kept(
        what="mutes that have ended",
        span=_days(30),
        forget=lambda conn, _now, before: old_rows.forget_mutes(conn, before=before, limit=BATCH),
        says="the row goes",
    ),
)


def forget_old(rt: Runtime, now: datetime) -> None:
    """Once an hour, or at once while there is more: work off the table, a few rows of each."""
    with rt.database.read() as conn:
        last = overview.beat_at(conn, "forget")
    if last is not None and now - last < EVERY:
        return
    with rt.database.write() as conn:
        found = [one.forget(conn, now, now - one.span(rt.settings)) for one in TABLE]
        if not any(count is not None and count >= BATCH for count in found):
            overview.record_beat(conn, "forget", now=now)
