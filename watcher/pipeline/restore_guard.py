"""Which news may have been told before the database was restored from a backup. Pure.

The rows end at the backup; the service went on until it stopped. What a feed holds when it is first read again was
there at the time or came since, and only its date can tell which: what is dated after the restore is news, the rest is
held for a person. From then on the feed is caught up, and what it brings is news.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from watcher.model import Feed
from watcher.store.holds import Guard


class Standing(StrEnum):
    """Whether an entry may be told."""

    NEWS = "news"
    HELD = "may have been told before the database was restored"
    SILENT = "was there before the restore, and what was held then was dropped"


def catching_up(guard: Guard | None, feed: Feed) -> bool:
    """Whether the feed was not read whole since the restore; a feed of after the decision has nothing to catch up."""
    if guard is None or feed.caught_up_at is not None:
        return False
    return guard.settled_at is None or feed.created_at <= guard.settled_at


def judge(guard: Guard | None, feed: Feed, dated: datetime | None, *, now: datetime) -> Standing:
    """Of an entry that the feed brings now. A date in the future says nothing."""
    if guard is None or not catching_up(guard, feed):
        return Standing.NEWS
    if dated is not None and guard.restored_at < dated <= now:
        return Standing.NEWS
    return Standing.HELD if guard.holds else Standing.SILENT


def banner(guard: Guard | None, counts: dict[str, int]) -> str:
    """What operators are to know, in a sentence or two; empty when nothing is held."""
    if guard is None or not guard.holds:
        return ""
    names = {"events": "event", "digests": "digest", "deliveries": "message", "items": "unread item"}
    told = [f"{counts[kind]} {name}{'' if counts[kind] == 1 else 's'}" for kind, name in names.items() if counts[kind]]
    held = ", ".join(told) or "nothing so far"
    behind = counts["feeds"]
    rest = f" {behind} feed{' was' if behind == 1 else 's were'} not read again yet." if behind else ""
    return (
        f"The database was restored at {guard.restored_at:%Y-%m-%d %H:%M} UTC from a backup of "
        f"{guard.taken_at:%Y-%m-%d %H:%M} UTC. What may have been told in between is held: {held}.{rest} "
        "`watcher resume --list` shows it, `watcher resume` lets it go, `watcher resume --drop` drops it."
    )
