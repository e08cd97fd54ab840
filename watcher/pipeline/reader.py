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
from watcher.store import Connection, digests, mutes, readers, verdicts
from watcher.store.verdicts import Verdict

_log = log.get("reader")


class By(StrEnum):
    """How a reader ended a subscription."""

    ONE_CLICK = "one_click"
    """The mail program did, RFC 8058."""
    PAGE = "page"
    MAIL = "mail"
    """By a mail to the address of List-Unsubscribe."""


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


def end(rt: Runtime, subscription_id: str, channel_id: str | None, *, by: By) -> bool:
    """End the subscription for the reader of that channel, for all where none is named; False when it was so."""
    with rt.database.write() as conn:
        return end_in(conn, subscription_id, channel_id, by=by, now=rt.clock())


def end_in(conn: Connection, subscription_id: str, channel_id: str | None, *, by: By, now: datetime) -> bool:
    """As `end`, in a transaction that is open. Of a subscription that stands in watcher.yml `ops:` hears."""
    ended = readers.leave(conn, subscription_id, channel_id, by=by.value, now=now)
    if ended:
        _tell_ops(conn, subscription_id, channel_id, "ended", now)
        _log.info("a reader unsubscribed", subscription=subscription_id, channel=channel_id, by=by.value)
    return ended


def resume(rt: Runtime, subscription_id: str, channel_id: str | None) -> bool:
    """Undo `end`; False when there is nothing to undo."""
    now = rt.clock()
    with rt.database.write() as conn:
        begun = readers.come_back(conn, subscription_id, channel_id)
        if begun:
            _tell_ops(conn, subscription_id, channel_id, "resumed", now)
    return begun


def _tell_ops(conn: Connection, subscription_id: str, channel_id: str | None, what: str, now: datetime) -> None:
    """What readers do to subscriptions of their own is nobody else's business."""
    reader = readers.get(conn, subscription_id)
    if reader is None or reader.own:
        return
    on = channel_id if channel_id in reader.config.channels else ", ".join(reader.config.channels)
    lines = (
        f"Its reader {what} {subscription_id} ({reader.config.title}) by the link in a message, for {on}.",
        "What stands in watcher.yml does not undo this; `watcher subscriptions resume` does.",
    )
    told = Notice(subject=f"Subscription {subscription_id} was {what} by its reader", lines=lines)
    digests.add_notice(conn, f"{what}:{subscription_id}:{on}:{now.isoformat()}", told, now=now)


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
        return erase_in(conn, subscription_id, now=rt.clock())


def erase_in(conn: Connection, subscription_id: str, *, now: datetime) -> bool:
    """As `erase`, in a transaction that is open."""
    erased = readers.erase(conn, subscription_id, now=now)
    if erased:
        _log.info("a reader's data were erased", subscription=subscription_id)
    return erased
