"""The digest that would close now, or that the last days would make, for looking at: nothing is written or sent."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from watcher.digest.choose import choose
from watcher.digest.window import next_windows
from watcher.model import ChannelConfig, DigestView, Envelope, Language, SubscriptionConfig, Window
from watcher.pipeline.compose import compose
from watcher.pipeline.digest_view import digest_view, rule_titles
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.store import digests, previews

_MOST_EVENTS = 500


def preview_digest(
    rt: Runtime, subscription: SubscriptionConfig, *, days: float | None = None, language: Language | None = None
) -> DigestView:
    """What waits in the subscription's open window; with `days`, what it would have been told of those days."""
    reader = dataclasses.replace(subscription, language=language or subscription.language)
    signer, titles, now = links(rt), rule_titles(rt, reader.language), rt.clock()
    with rt.database.read() as conn:
        waiting = previews.open_digest(conn, reader.id) if days is None else None
        told = digests.alerts_of(conn, waiting.id) if waiting else []
        if days is not None:
            recent = previews.events_since(conn, now - timedelta(days=days), limit=_MOST_EVENTS)
            chosen = ((one, choose(one, reader, tells_amounts=rt.rules.tells_amounts(one.rule_id))) for one in recent)
            told = [
                digests.AlertRow(id=event.id, event_id=event.id, revision=event.revision, reason=choice.reason)
                for event, choice in chosen
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


def preview_message(rt: Runtime, view: DigestView, config: ChannelConfig) -> Envelope:
    """The bytes that the channel would be sent."""
    return compose(rt, view, config, key=view.key, now=rt.clock())
