"""Digests to deliveries: write the messages of every window that has closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from watcher import log, wording
from watcher.deliver.backoff import expires_at
from watcher.deliver.parts import parts
from watcher.digest.window import next_windows
from watcher.errors import TryAgain
from watcher.model import (
    AlertView,
    ChannelConfig,
    DigestView,
    EmptyDay,
    Envelope,
    Mute,
    Notice,
    SubscriptionConfig,
    When,
)
from watcher.pipeline.compose import compose
from watcher.pipeline.digest_view import digest_view, rule_titles
from watcher.pipeline.links import links
from watcher.pipeline.silence import mutes_of, paused, silenced
from watcher.pipeline.steps import REDO, SOON, Failure, Nudges, Step, Turn, attempt, notify, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, channels, deliveries, digests, subscriptions

_log = log.get("pipeline")
_REWRITES = 5
_PASSING = (TryAgain, OSError)
"""Trouble of the machine and not of what is written: it puts a digest off whole."""


def close_digests(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Write the messages of every digest whose window has closed; they and its mark are one transaction."""
    turn = Turn(rt, Step.DIGESTS)
    written: list[int] = []
    for claimed in turn.batches(digests.claim, ids, digests.due):
        for digest in claimed:
            written += _close_one(turn, digest)
    turn.reach("committed")
    return nudges({Step.DELIVERIES: written})


def _close_one(turn: Turn, digest: digests.ClaimedDigest) -> list[int]:
    rt = turn.rt
    if turn.over:
        with rt.database.write() as conn:
            digests.release(conn, digest, owner=turn.owner)
        return []
    if digest.attempt > rt.settings.park_after:
        _set_aside(turn, digest, f"a worker died {digest.attempt - 1} times on this digest")
        return []
    written = attempt(rt, partial(_close, turn, digest))
    if isinstance(written, Failure):
        _set_aside(turn, digest, written.why, passing=isinstance(written.error, _PASSING))
        return []
    return written


def _close(turn: Turn, digest: digests.ClaimedDigest) -> list[int]:
    rt, signer = turn.rt, links(turn.rt)
    for _ in range(_REWRITES):
        with rt.database.read() as conn:
            subscription = subscriptions.get(conn, digest.subscription_id)
            ways = channels.configs(conn, subscription.channels) if subscription else []
            told = digests.alerts_of(conn, digest.id)
            held = mutes_of(conn, [subscription], rt.clock()).get(subscription.id, ()) if subscription else ()
            muted = silenced(conn, held, told)
            left = [alert for alert in told if alert.id not in muted]
            titles = rule_titles(rt, subscription.language) if subscription else {}
            view = digest_view(conn, digest, subscription, left, signer, titles) if subscription else None
        now = rt.clock()
        messages = (
            _messages(rt, view, ways, _next_at(subscription, now), now)
            if view and _worth_sending(view, subscription, held)
            else []
        )
        with rt.database.write() as conn:
            digests.lock(conn, digest)
            if digests.alerts_of(conn, digest.id) != told:
                continue  # one more alert came while we wrote: write again
            if not digests.finish(conn, digest, owner=turn.owner, now=now):
                return []
            digests.withdraw(conn, muted)
            added = [_add(conn, digest, message, now) for message in messages]
            turn.reach("committing")
        return [one for one in added if one is not None]
    raise TryAgain(f"digest {digest.id}: alerts kept coming while it was written")


def _worth_sending(view: DigestView, subscription: SubscriptionConfig | None, held: Iterable[Mute]) -> bool:
    """Whether there is anything to tell, if only that there is nothing."""
    if view.alerts or view.notice:
        return True
    if subscription is None or subscription.schedule.when is When.IMMEDIATE or paused(held):
        return False
    return subscription.empty is EmptyDay.SEND


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    channel_id: str
    part: int
    key: str
    envelope: Envelope
    expires_at: datetime


def _add(conn: Connection, digest: digests.ClaimedDigest, message: _Message, now: datetime) -> int | None:
    return deliveries.add(
        conn,
        digest_id=digest.id,
        channel_id=message.channel_id,
        part=message.part,
        key=message.key,
        envelope=message.envelope,
        expires_at=message.expires_at,
        now=now,
    )


def _next_at(subscription: SubscriptionConfig | None, now: datetime) -> datetime | None:
    """When the subscription's next digest closes; None when it has none."""
    windows = next_windows(subscription.schedule, now) if subscription else iter(())
    return next((window.closes_at for window in windows), None)


def _messages(
    rt: Runtime, view: DigestView, ways: Sequence[ChannelConfig], next_at: datetime | None, now: datetime
) -> list[_Message]:
    """The bytes for each channel; a channel that cannot be written to is told to `ops:`, the others get theirs."""
    messages, chosen = [], rt.settings
    for config in ways:
        spans = {"webhook_s": chosen.webhook_retry_s, "alert_s": chosen.alert_retry_s}
        until = expires_at(config.kind, immediate=view.immediate, created_at=now, next_window_at=next_at, **spans)
        cut = attempt(rt, partial(parts, config.kind, view))
        for part, one in enumerate((view,) if isinstance(cut, Failure) else cut):
            key = deliveries.delivery_key(view.key, config.id, part)
            if (envelope := _written(rt, one, config, key, now)) is not None:
                message = _Message(channel_id=config.id, part=part, key=key, envelope=envelope, expires_at=until)
                messages.append(message)
    return messages


def _written(rt: Runtime, view: DigestView, config: ChannelConfig, key: str, now: datetime) -> Envelope | None:
    """One message. An alert that cannot be written is left out and named; None when nothing can be."""
    whole = attempt(rt, partial(compose, rt, view, config, key=key, now=now))
    if not isinstance(whole, Failure):
        return whole
    if isinstance(whole.error, _PASSING):
        raise whole.error
    empty = attempt(rt, partial(compose, rt, dataclasses.replace(view, alerts=()), config, key=key, now=now))
    if isinstance(empty, Failure):
        _unusable(rt, view, config, empty.why, now)
        return None
    sound, broken = _sound_alerts(rt, view, config, key, now)
    for alert, why in broken:
        lines = (f"Event {alert.event.id}: {alert.event.title}", why)
        notify(rt, f"unwritable:{alert.event.id}", Notice(subject="An event could not be written", lines=lines))
    told = (wording.say("could_not_be_written", view.language, number=alert.event.id) for alert, _ in broken)
    rest = dataclasses.replace(view, alerts=sound, left_out=(*view.left_out, *told))
    written = attempt(rt, partial(compose, rt, rest, config, key=key, now=now)) if broken else whole
    if not isinstance(written, Failure):
        return written
    _unusable(rt, view, config, written.why, now)
    return None


def _unusable(rt: Runtime, view: DigestView, config: ChannelConfig, why: str, now: datetime) -> None:
    """Nothing can be written to the channel, whatever is told."""
    _log.error("nothing can be written to a channel", channel=config.id, digest=view.key, why=why)
    lines = (f"A digest of {view.subscription_title} could not be written: {why}", "Other channels got theirs.")
    trouble = Notice(subject=f"Channel {config.id} cannot be used", lines=lines)
    notify(rt, f"compose:{config.id}:{now:%Y-%m-%d}", trouble)


def _sound_alerts(
    rt: Runtime, view: DigestView, config: ChannelConfig, key: str, now: datetime
) -> tuple[tuple[AlertView, ...], list[tuple[AlertView, str]]]:
    """The alerts that can be written alone, and the others with what goes wrong with each."""
    sound, broken = [], []
    for alert in view.alerts:
        alone = dataclasses.replace(view, alerts=(alert,))
        tried = attempt(rt, partial(compose, rt, alone, config, key=key, now=now))
        if not isinstance(tried, Failure):
            sound.append(alert)
            continue
        if isinstance(tried.error, _PASSING):
            raise tried.error
        _log.error("an event cannot be written", event_id=alert.event.id, channel=config.id, why=tried.why)
        broken.append((alert, type(tried.error).__name__))
    return tuple(sound), broken


def _set_aside(turn: Turn, digest: digests.ClaimedDigest, why: str, *, passing: bool = False) -> None:
    """Put the digest off, or park it at last; trouble that passes by itself never parks."""
    rt, now = turn.rt, turn.rt.clock()
    last = digest.attempt >= rt.settings.park_after and not passing
    _log.error("a digest was set aside", digest=digest.id, attempt=digest.attempt, parked=last, why=why)
    with rt.database.write() as conn:
        if not last:
            wait = SOON if passing else REDO * min(digest.attempt, 10)
            digests.put_off(conn, digest, owner=turn.owner, until=now + wait, tried=not passing)
        elif digests.park(conn, digest, owner=turn.owner, reason=why):
            lines = (f"Digest {digest.id} of {digest.subscription_id}", why, "`watcher digests retry` writes it again.")
            digests.add_notice(conn, f"digest:{digest.id}", Notice(subject="A digest was parked", lines=lines), now=now)
