"""What a reader does by a signed link: vote, mute, end and resume, change what is told, erase what we know of them.

Each is one transaction that can be repeated; who the reader is was proved by the link.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum

from watcher import log
from watcher.model import Mute, Notice, Origin, SubscriptionConfig
from watcher.pipeline.thresholds import with_dollars
from watcher.runtime import Runtime
from watcher.store import Connection, digests, mutes, readers, subscriptions, verdicts
from watcher.store.verdicts import Verdict

_log = log.get("reader")


class By(StrEnum):
    """How a reader ended a subscription."""

    ONE_CLICK = "one_click"
    """The mail program did, RFC 8058."""
    PAGE = "page"


def vote(rt: Runtime, subscription_id: str, event_id: int, verdict: Verdict) -> bool:
    """Keep what the reader says of an event; the last word counts. False without such an event."""
    who = f"{readers.READER}{subscription_id}"
    with rt.database.write() as conn:
        return verdicts.record(conn, event_id, verdict, who=who, note="", now=rt.clock())


def mute(rt: Runtime, subscription_id: str, one: Mute) -> None:
    """Keep from the reader what they do not want to hear of; muting it again sets a new end."""
    with rt.database.write() as conn:
        mutes.add(conn, subscription_id, one, origin=Origin.PAGE, now=rt.clock())


def unmute(rt: Runtime, subscription_id: str, mute_id: int) -> bool:
    """Let the reader hear of it again; False when it was not muted."""
    with rt.database.write() as conn:
        return mutes.remove(conn, subscription_id, mute_id)


def end(rt: Runtime, subscription_id: str, *, by: By) -> bool:
    """End the subscription; False when it had ended before. Of one that stands in watcher.yml `ops:` hears."""
    now = rt.clock()
    with rt.database.write() as conn:
        ended = subscriptions.end(conn, subscription_id, by=by.value, now=now)
        reader = readers.get(conn, subscription_id) if ended else None
        if reader is not None and not reader.own:
            _tell_ops(conn, reader.config, "ended", now)
    if ended:
        _log.info("a subscription was ended by its reader", subscription=subscription_id)
    return ended


def resume(rt: Runtime, subscription_id: str) -> bool:
    """Undo `end`; False when it had not ended."""
    now = rt.clock()
    with rt.database.write() as conn:
        begun = subscriptions.resume(conn, subscription_id)
        reader = readers.get(conn, subscription_id) if begun else None
        if reader is not None and not reader.own:
            _tell_ops(conn, reader.config, "resumed", now)
    return begun


def _tell_ops(conn: Connection, config: SubscriptionConfig, what: str, now: datetime) -> None:
    lines = (
        f"A reader {what} {config.id} ({config.title}) by the link in a message; its channels: "
        f"{', '.join(config.channels)}.",
        "What stands in watcher.yml does not undo this.",
    )
    told = Notice(subject=f"Subscription {config.id} was {what} by its reader", lines=lines)
    digests.add_notice(conn, f"{what}:{config.id}:{now.isoformat(timespec='seconds')}", told, now=now)


def save(rt: Runtime, subscription_id: str, wanted: SubscriptionConfig) -> bool:
    """Keep what a reader chose for their own subscription; False when it is not theirs to change."""
    with rt.database.write() as conn:
        reader = readers.get(conn, subscription_id)
        if reader is None or not reader.own:
            return False
        kept = reader.config
        changed = dataclasses.replace(wanted, id=kept.id, title=kept.title, channels=kept.channels)
        return readers.save(conn, with_dollars(changed, rt.clock()))


def erase(rt: Runtime, subscription_id: str) -> bool:
    """Erase a reader's own subscription and what names them, for good; False when it is not theirs or gone."""
    with rt.database.write() as conn:
        erased = readers.erase(conn, subscription_id, now=rt.clock())
    if erased:
        _log.info("a reader's data were erased", subscription=subscription_id)
    return erased
