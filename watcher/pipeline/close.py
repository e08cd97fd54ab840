"""Digests to deliveries: write the messages of every window that has closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from watcher import log, wire
from watcher.digest.build import build
from watcher.errors import CannotHelp
from watcher.model import (
    AlertView,
    ChannelConfig,
    Coverage,
    DigestView,
    Envelope,
    EventView,
    Notice,
    Rendered,
    SubscriptionConfig,
)
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, deliveries, digests, events, feeds, subscriptions
from watcher.story.merge import since

_log = log.get("pipeline")
_REWRITES = 5


def close_digests(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Write the messages of every digest whose window has closed; they and its mark are one transaction."""
    with rt.database.write() as conn:
        claimed = digests.claim(conn, ids, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    rt.checkpoint("claimed")
    written: list[int] = []
    for digest in claimed:
        result = attempt(partial(_close, rt, digest))
        if isinstance(result, Failure):
            _put_off_digest(rt, digest, result.error)
        else:
            written += result
    rt.checkpoint("committed")
    return nudges({Step.DELIVERIES: written})


def _close(rt: Runtime, digest: digests.ClaimedDigest) -> list[int]:
    for _ in range(_REWRITES):
        with rt.database.read() as conn:
            subscription = subscriptions.get(conn, digest.subscription_id)
            channels = subscriptions.channel_configs(conn, subscription.channels) if subscription else []
            told = digests.alerts_of(conn, digest.id)
            view = _digest_view(conn, digest, subscription, told) if subscription else None
        now = rt.clock()
        worth_sending = view is not None and (view.alerts or view.notice)
        messages = _messages(rt, view, channels, now) if view is not None and worth_sending else []
        with rt.database.write() as conn:
            digests.lock(conn, digest)
            if digests.alerts_of(conn, digest.id) != told:
                continue  # one more alert came while we wrote: write again
            if not digests.finish(conn, digest, owner=rt.owner, now=now):
                return []
            added = [
                deliveries.add(conn, digest_id=digest.id, channel_id=channel_id, key=key, envelope=envelope, now=now)
                for channel_id, key, envelope in messages
            ]
            rt.checkpoint("committing")
        return [one for one in added if one is not None]
    raise CannotHelp(f"digest {digest.id}: alerts kept coming while it was written")


def _digest_view(
    conn: Connection,
    digest: digests.ClaimedDigest,
    subscription: SubscriptionConfig,
    told: Sequence[digests.AlertRow],
) -> DigestView:
    ids = [alert.event_id for alert in told]
    views = events.views(conn, ids)
    before = digests.told_before(conn, subscription.id, ids, digest.id)
    alerts = [_alert_view(alert, views[alert.event_id], before.get(alert.event_id)) for alert in told]
    total, checked, failing = feeds.coverage(conn)
    return build(
        key=digest.key,
        subscription=subscription,
        window=digest.window,
        immediate=digest.immediate,
        alerts=alerts,
        coverage=Coverage(feeds_total=total, feeds_checked=checked, failing=tuple(failing)),
        notice=digest.notice,
    )


def _alert_view(alert: digests.AlertRow, event: EventView, told: int | None) -> AlertView:
    """One entry; `told` is the newest revision that the reader has heard of, if any."""
    news = [one for one in event.revisions if told is not None and one.number > told]
    return AlertView(
        alert_id=alert.id,
        reason=alert.reason,
        event=event,
        update=told is not None and told < alert.revision,
        changes=since([change for one in news for change in one.changes]),
    )


def _messages(
    rt: Runtime, view: DigestView, channels: Sequence[ChannelConfig], now: datetime
) -> list[tuple[str, str, Envelope]]:
    """The bytes for each channel. An alert that cannot be written is left out and named; the others go."""
    written = attempt(partial(_compose, rt, view, channels, now))
    if not isinstance(written, Failure):
        return written
    sound, left_out = [], list(view.left_out)
    for alert in view.alerts:
        alone = dataclasses.replace(view, alerts=(alert,))
        tried = attempt(partial(_compose, rt, alone, channels, now))
        if isinstance(tried, Failure):
            _log.error("an event cannot be written", event_id=alert.event.id, why=str(tried.error))
            left_out.append(f"Event {alert.event.id} could not be written: {type(tried.error).__name__}.")
        else:
            sound.append(alert)
    if not sound and not view.notice:
        raise written.error
    return _compose(rt, dataclasses.replace(view, alerts=tuple(sound), left_out=tuple(left_out)), channels, now)


def _compose(
    rt: Runtime, view: DigestView, channels: Sequence[ChannelConfig], now: datetime
) -> list[tuple[str, str, Envelope]]:
    timeout_s = rt.settings.sandbox_cpu_s + 5
    answer = rt.sandbox.call("watcher.digest.render:render_json", wire.dump(view), timeout_s=timeout_s)
    rendered = wire.load(Rendered, answer)
    messages = []
    for config in channels:
        key = deliveries.delivery_key(view.key, config.id)
        messages.append((config.id, key, rt.channel(config).compose(view, rendered, key=key, now=now)))
    return messages


def _put_off_digest(rt: Runtime, digest: digests.ClaimedDigest, error: Exception) -> None:
    why = f"{type(error).__name__}: {error}"
    now = rt.clock()
    last = digest.attempt >= rt.settings.park_after
    _log.error("a digest could not be written", digest=digest.id, attempt=digest.attempt, parked=last, why=why)
    with rt.database.write() as conn:
        if not last:
            digests.put_off(conn, digest, owner=rt.owner, until=now + REDO * digest.attempt)
        elif digests.park(conn, digest, owner=rt.owner, reason=why):
            lines = (f"Digest {digest.id} of subscription {digest.subscription_id}", why)
            digests.add_notice(conn, f"digest:{digest.id}", Notice(subject="A digest was parked", lines=lines), now=now)
