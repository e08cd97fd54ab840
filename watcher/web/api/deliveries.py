"""Deliveries: messages searched, shown as they were sent but masked, sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher.model import DeliveryState, OutcomeKind
from watcher.store import channel_health, delivery_search, listings
from watcher.store import deliveries as delivery_rows
from watcher.store.delivery_search import Wanted
from watcher.web import masking
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Operation
from watcher.web.api.problem import Kind, Problem
from watcher.web.api.values import Answer, Asked, Count, Id, Instant, Name, NumberedList, Page, Row
from watcher.web.operator import Scope

_BODY = 400_000
MAIL = "message/rfc822"


class DeliveryRow(Answer):
    """A message in a list."""

    id: int
    key: str = Field(description="The public id: a webhook-id, or what a Message-ID begins with.")
    digest_id: int
    channel_id: str
    subscription_id: str
    window: str
    part: int
    state: DeliveryState
    reason: str
    attempt: int
    created_at: Instant
    next_attempt_at: Instant | None
    expires_at: Instant | None = Field(description="Until when it is tried.")
    finished_at: Instant | None


class Attempt(Answer):
    """One try and what came of it."""

    number: int
    started_at: Instant
    finished_at: Instant | None
    outcome: OutcomeKind | None
    reason: str | None
    detail: str | None


class Delivery(DeliveryRow):
    """A message with its attempts and what was sent."""

    message_id: str
    content_type: str
    first_attempt_at: Instant | None
    attempts: list[Attempt]
    body: str = Field(
        description="As sent, but that no signed address in it works; readers' addresses are masked without the "
        "scope `operate`. Empty where its reader had it erased."
    )


class DeliveriesAsked(NumberedList):
    state: Annotated[list[DeliveryState], Field(max_length=4)] = Field(
        default_factory=list, description="May be repeated."
    )
    channel: Name | None = None
    subscription: Name | None = None
    event: Id | None = Field(None, description="Messages that tell this event.")
    digest: Id | None = None
    key: Name | None = None
    text: Name | None = Field(None, description="Part of the title of an event that is told.")
    since: Instant | None = None
    until: Instant | None = None


class DeliveryAsked(Asked):
    delivery_id: Id


class Which(Asked):
    """Which messages go again: those of these ids, or every parked one, of one channel or of all."""

    ids: Annotated[list[Id], Field(max_length=500)] = Field(default_factory=list)
    channel: Name | None = None
    every_parked: bool = False


def search(call: Call, asked: DeliveriesAsked) -> Page[DeliveryRow]:
    """Messages, newest first."""
    wanted = Wanted(
        states=tuple(asked.state),
        channel=asked.channel or "",
        subscription=asked.subscription or "",
        event_id=asked.event,
        digest_id=asked.digest,
        key=asked.key or "",
        words=asked.text or "",
        since=asked.since,
        until=asked.until,
    )
    with call.rt.database.read() as conn:
        rows = delivery_search.find(conn, wanted, limit=asked.limit + 1, before=asked.cursor).rows
    return call.page(rows, limit=asked.limit, show=lambda row: DeliveryRow(**_shown(DeliveryRow, row)))


def one_delivery(call: Call, asked: DeliveryAsked) -> Delivery:
    """The message, masked."""
    with call.rt.database.read() as conn:
        row = found(listings.delivery(conn, asked.delivery_id), f"delivery {asked.delivery_id}")
        state = channel_health.one(conn, row["channel_id"])
    hide = None if call.operates or state is None else state.config.to
    tries = [
        Attempt(**(_shown(Attempt, one) | {"detail": masking.masked(one["detail"] or "", hide) or None}))
        for one in row["attempts"]
    ]
    told = _shown(Delivery, row) | {"attempts": tries, "body": _masked(row, hide)}
    return Delivery(**told | {"reason": masking.masked(row["reason"], hide)})


def retry_one(call: Call, asked: DeliveryAsked) -> DeliveryRow:
    """The same bytes under the same id, due now."""
    with call.rt.database.write() as conn:
        found(listings.delivery(conn, asked.delivery_id), f"delivery {asked.delivery_id}")
        if not delivery_rows.retry(conn, [asked.delivery_id], now=call.now):
            raise Problem(Kind.CONFLICT, "It was sent, or is withheld from its reader: it does not go again.")
        call.note(conn, "deliveries.retry", f"delivery {asked.delivery_id}")
        row = found(listings.delivery(conn, asked.delivery_id), f"delivery {asked.delivery_id}")
    return DeliveryRow(**_shown(DeliveryRow, row))


def retry(call: Call, _asked: Asked, body: Which) -> Count:
    """The same bytes under the same ids, due now."""
    if bool(body.ids) == body.every_parked or (body.ids and body.channel):
        raise Problem(Kind.CONFLICT, "Name `ids`, or say `every_parked`, with `channel` for those of one channel.")
    with call.rt.database.write() as conn:
        woken = delivery_rows.retry(conn, body.ids or None, now=call.now, channel=body.channel)
        call.note(conn, "deliveries.retry", body.channel or "deliveries", ids=body.ids[:50], changed=woken)
    return Count(changed=woken)


def _shown(model: type[Row], row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in model.model_fields if name in row}


def _masked(row: Mapping[str, Any], hide: str | None) -> str:
    body = str(row["body"])
    if row["content_type"].partition(";")[0].strip() == MAIL and body:
        return masking.masked_mail(body.encode("utf-8", "replace"), hide).as_string()[:_BODY]
    return masking.masked(body, hide)[:_BODY]


OPERATIONS = (
    Operation(
        name="search_deliveries",
        method="GET",
        path="/deliveries",
        summary="Search messages, newest first.",
        act=search,
        asked=DeliveriesAsked,
        answer=Page[DeliveryRow],
    ),
    Operation(
        name="retry_deliveries",
        method="POST",
        path="/deliveries/retry",
        summary="Send parked messages again.",
        act=retry,
        scope=Scope.OPERATE,
        body=Which,
        answer=Count,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="get_delivery",
        method="GET",
        path="/deliveries/{delivery_id}",
        summary="One message: attempts, answers, and what was sent.",
        act=one_delivery,
        asked=DeliveryAsked,
        answer=Delivery,
    ),
    Operation(
        name="retry_delivery",
        method="POST",
        path="/deliveries/{delivery_id}/retry",
        summary="Send it again.",
        act=retry_one,
        scope=Scope.OPERATE,
        asked=DeliveryAsked,
        answer=DeliveryRow,
        problems=(Kind.CONFLICT,),
    ),
)
