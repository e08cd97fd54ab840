"""Whether a message that was written is still wanted when its turn comes: asked in the transaction of the claim."""

from __future__ import annotations

from datetime import datetime

from watcher import log
from watcher.digest.mute import told as muted_in_words
from watcher.model import ChannelConfig, ChannelKind
from watcher.pipeline.silence import mutes_of, paused, silenced
from watcher.store import Connection, digests, outbox, subscriptions, suppressions
from watcher.store.outbox import Candidate

_log = log.get("pipeline")


def oldest_wanted(conn: Connection, config: ChannelConfig, now: datetime) -> int | None:
    """The channel's oldest due message that its reader still wants; those not wanted any more are withheld."""
    mail = config.kind is ChannelKind.EMAIL and config.to
    key = suppressions.key_of(config.to) if mail and config.to else None
    while (found := outbox.oldest(conn, config.id, now=now)) is not None:
        standing = outbox.standing(conn, found.subscription_id, key, channel_id=config.id)
        why = standing.stopped or (muted(conn, found, now) if standing.mutes else None)
        if why is None:
            return found.id
        _log.info("withheld", delivery=found.id, why=why)
        outbox.withhold(conn, found.id, reason=why, now=now)
    return None


def muted(conn: Connection, found: Candidate, now: datetime) -> str | None:
    """Why its reader wants to hear nothing of it since it was written; None when they do.

    An immediate message is withheld when all that it tells was muted; a digest only when its reader paused everything,
    since the rest of it is wanted. What the service itself has to say is never muted.
    """
    told = digests.alerts_of(conn, found.digest_id)
    subscription = subscriptions.get(conn, found.subscription_id)
    if not told or subscription is None:
        return None
    held = mutes_of(conn, [subscription], now).get(subscription.id, ())
    if not paused(held) and (not found.immediate or len(silenced(conn, held, told)) < len(told)):
        return None
    zone = subscription.schedule.zone
    return muted_in_words(held[-1], zone) if len(held) == 1 else "muted since it was written"
