"""The digest that would close now, or that the last days would make, for looking at: nothing is written or sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from watcher.digest.choose import choose
from watcher.digest.window import next_windows
from watcher.model import (
    ChannelConfig,
    Choice,
    DigestView,
    Envelope,
    EventView,
    Language,
    Mute,
    SubscriptionConfig,
    Window,
)
from watcher.pipeline.compose import compose
from watcher.pipeline.digest_view import digest_view, rule_titles
from watcher.pipeline.links import links
from watcher.pipeline.silence import mutes_of, silenced
from watcher.runtime import Runtime
from watcher.store import Connection, digests, previews

_MOST_EVENTS = 500
"""The newest events of the days that are asked for."""


def preview_digest(
    rt: Runtime, subscription: SubscriptionConfig, *, days: float | None = None, language: Language | None = None
) -> DigestView:
    """What waits in the subscription's open window; with `days`, what it would have been told of those days."""
    reader = dataclasses.replace(subscription, language=language or subscription.language)
    signer, titles, now = links(rt), rule_titles(rt, reader.language), rt.clock()
    with rt.database.read() as conn:
        held = mutes_of(conn, [reader], now).get(reader.id, ())
        waiting = previews.open_digest(conn, reader.id) if days is None else None
        told = digests.alerts_of(conn, waiting.id) if waiting else []
        muted = silenced(conn, held, told)
        told = [alert for alert in told if alert.id not in muted]
        if days is not None:
            told = [
                digests.AlertRow(id=event.id, event_id=event.id, revision=event.revision, reason=choice.reason)
                for event, choice in _choices(rt, conn, reader, held, since=now - timedelta(days=days))
                if choice.chosen
            ]
        window = next(next_windows(reader.schedule, now), Window(key="preview", closes_at=now))
        digest = waiting or digests.ClaimedDigest(
            id=0,
            key="preview",
            subscription_id=reader.id,
            window=window,
            immediate=False,
            notice=None,
            attempt=0,
        )
        return digest_view(conn, digest, reader, told, signer, titles)


def left_out(rt: Runtime, subscription: SubscriptionConfig, *, days: float) -> list[tuple[EventView, Choice]]:
    """The events of those days that the subscription is not told, newest first, each with the reason."""
    now = rt.clock()
    with rt.database.read() as conn:
        held = mutes_of(conn, [subscription], now).get(subscription.id, ())
        tried = _choices(rt, conn, subscription, held, since=now - timedelta(days=days))
        return [(event, choice) for event, choice in tried if not choice.chosen]


def _choices(
    rt: Runtime, conn: Connection, subscription: SubscriptionConfig, held: Sequence[Mute], *, since: datetime
) -> Iterator[tuple[EventView, Choice]]:
    for event in previews.events_since(conn, since, limit=_MOST_EVENTS):
        tells_amounts = rt.rules.tells_amounts(event.rule_id)
        yield event, choose(event, subscription, tells_amounts=tells_amounts, mutes=held)


def preview_message(rt: Runtime, view: DigestView, config: ChannelConfig) -> Envelope:
    """The bytes that the channel would be sent."""
    return compose(rt, view, config, key=view.key, now=rt.clock())
