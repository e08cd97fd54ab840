"""Digests: the windows of subscriptions and what is in them, how one would look, and one sent before its hour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher import pipeline
from watcher.digest.render import render
from watcher.model import ChannelKind, DeliveryState, Language, SubscriptionConfig
from watcher.pipeline import compose, digest_preview
from watcher.store import Connection, channels, delivery_search, listings, subscriptions
from watcher.store import digests as digest_rows
from watcher.web import masking
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Nothing, Operation
from watcher.web.api.problem import Kind, Problem
from watcher.web.api.values import Answer, Asked, Count, Id, Instant, Name, NumberedList, Page, line
from watcher.web.operator import Scope

_EVENTS = 500


class Sent(Answer):
    """A message of the digest."""

    id: int
    channel_id: str
    state: DeliveryState


class Digest(Answer):
    """One window of a subscription; an immediate alert is a digest of its own."""

    id: int
    key: str
    subscription_id: str
    window: str
    immediate: bool
    notice: bool = Field(description="It tells of the service itself, or is a letter, and not of events.")
    created_at: Instant
    closes_at: Instant
    closed_at: Instant | None
    parked_reason: str | None
    merged_into: int | None = Field(description="The digest that tells it, since this one was too late.")
    alerts: int
    deliveries: list[Sent]


class DigestEvent(Answer):
    """An event that the digest tells, and why."""

    event_id: int
    revision: int
    reason: str
    title: str
    rule_id: str


class WholeDigest(Digest):
    """A digest with what it tells."""

    events: list[DigestEvent]


class DigestsAsked(NumberedList):
    subscription: Name | None = None
    open: bool | None = Field(None, description="Only those that are still to close, or only the others.")


class DigestAsked(Asked):
    digest_id: Id


class SubscriptionAsked(Asked):
    subscription_id: Name


class PreviewAsked(SubscriptionAsked):
    days: Annotated[float, Field(ge=0.01, le=90)] | None = Field(
        None, description="Of the last days, instead of what waits in the open window."
    )
    language: Language | None = None
    channel: Name | None = Field(None, description="As this channel would send it.")


class Preview(Answer):
    """The message; signed addresses in it do not work."""

    events: list[int]
    subject: str
    text: str
    html: str | None


def listing(call: Call, asked: DigestsAsked) -> Page[Digest]:
    """Digests, newest first."""
    with call.rt.database.read() as conn:
        rows = listings.of_digests(
            conn, limit=asked.limit + 1, after=asked.cursor, subscription=asked.subscription, still_open=asked.open
        )
    return call.page(rows, limit=asked.limit, show=lambda row: Digest(**_row(row)))


def one_digest(call: Call, asked: DigestAsked) -> WholeDigest:
    """The digest with its events."""
    with call.rt.database.read() as conn:
        row = found(listings.digest(conn, asked.digest_id), f"digest {asked.digest_id}")
        told = delivery_search.told_in(conn, asked.digest_id, limit=_EVENTS)
    names = DigestEvent.model_fields
    shown = [DigestEvent(**({name: one[name] for name in names} | {"title": line(one["title"])})) for one in told]
    return WholeDigest(**_row(row), events=shown)


def preview(call: Call, asked: PreviewAsked) -> Preview:
    """Nothing is written or sent."""
    with call.rt.database.read() as conn:
        config = _subscription(conn, asked.subscription_id)
        way = None
        if asked.channel is not None:
            way = found(next(iter(channels.configs(conn, [asked.channel])), None), f"channel {asked.channel}")
    view = digest_preview.preview_digest(call.rt, config, days=asked.days, language=asked.language)
    ids = [alert.event.id for alert in view.alerts]
    if way is not None and way.kind is not ChannelKind.EMAIL:
        body = digest_preview.preview_message(call.rt, view, way).body.decode("utf-8", "replace")
        return Preview(events=ids, subject="", text=masking.without_tokens(body), html=None)
    written = compose.render(call.rt, view, way) if way is not None else render(view)
    return Preview(
        events=ids,
        subject=written.subject,
        text=masking.without_tokens(written.text),
        html=masking.without_tokens(written.html),
    )


def send_now(call: Call, asked: SubscriptionAsked) -> Count:
    """Its open windows close now; the running service writes and sends them within seconds."""
    with call.rt.database.write() as conn:
        _subscription(conn, asked.subscription_id)
        call.note(conn, "digests.send", f"subscription {asked.subscription_id}")
    return Count(changed=pipeline.send_digest_now(call.rt, asked.subscription_id))


def retry(call: Call, _asked: Nothing) -> Count:
    """Write every parked digest again."""
    with call.rt.database.write() as conn:
        woken = digest_rows.wake_parked(conn)
        call.note(conn, "digests.retry", "parked", changed=woken)
    return Count(changed=woken)


def _subscription(conn: Connection, subscription_id: str) -> SubscriptionConfig:
    """One that may be told something; raises Problem for one that is not there (404) or has ended (409)."""
    config = subscriptions.get(conn, subscription_id)
    if config is None and listings.subscription_rows(conn, [subscription_id]):
        raise Problem(Kind.CONFLICT, "It has ended: resume it first.")
    return found(config, f"subscription {subscription_id}")


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    sent = [Sent(id=one["id"], channel_id=one["channel_id"], state=one["state"]) for one in row["deliveries"]]
    return dict(row) | {"deliveries": sent}


OPERATIONS = (
    Operation(
        name="list_digests",
        method="GET",
        path="/digests",
        summary="List digests, newest first.",
        act=listing,
        asked=DigestsAsked,
        answer=Page[Digest],
    ),
    Operation(
        name="retry_digests",
        method="POST",
        path="/digests/retry",
        summary="Write parked digests again.",
        act=retry,
        scope=Scope.OPERATE,
        answer=Count,
    ),
    Operation(
        name="get_digest",
        method="GET",
        path="/digests/{digest_id}",
        summary="One digest and what it tells.",
        act=one_digest,
        asked=DigestAsked,
        answer=WholeDigest,
    ),
    Operation(
        name="preview_digest",
        method="GET",
        path="/subscriptions/{subscription_id}/preview",
        summary="The digest that would close now.",
        act=preview,
        asked=PreviewAsked,
        answer=Preview,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="send_digest",
        method="POST",
        path="/subscriptions/{subscription_id}/send",
        summary="Close its open windows now instead of at their hour.",
        act=send_now,
        scope=Scope.OPERATE,
        asked=SubscriptionAsked,
        answer=Count,
        problems=(Kind.CONFLICT,),
    ),
)
