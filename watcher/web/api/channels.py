"""Channels: the ways out, which of them send and why not; let go on, stopped, tried with a sample."""

from __future__ import annotations

from pydantic import Field

from watcher.deliver import pace
from watcher.model import ChannelKind, ChannelState, DeliveryState, Language, OutcomeKind
from watcher.pipeline.channel_sample import try_channel
from watcher.store import Connection, channel_health, deliveries, listings
from watcher.store import channels as channel_rows
from watcher.web import masking
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Operation
from watcher.web.api.problem import Kind
from watcher.web.api.values import Answer, Asked, Instant, Name, NamedList, Page, Text
from watcher.web.operator import Scope

_STOPPED = "stopped through the API"


class Channel(Answer):
    """A way out and how it stands. Where it leads is shown without what is secret."""

    id: str
    kind: ChannelKind
    way: str = Field(description="A masked mail address, a host, or where its secret is kept.")
    to: str | None = Field(description="A mail's recipient; masked without the scope `operate`.")
    server: str
    status: str = Field(description="One line for people.")
    sends: bool
    waiting: int
    parked: int
    worked_at: Instant | None
    failures: int = Field(description="In a row.")
    failing_since: Instant | None
    fault: str | None
    open_until: Instant | None = Field(description="Until when nothing is tried after failures.")
    free_at: Instant | None
    disabled_reason: str | None


class ChannelAsked(Asked):
    channel_id: Name


class Sample(Asked):
    """What is sent: a made-up event, marked as a test."""

    digest: bool = Field(False, description="As a daily digest, and not as an alert.")
    language: Language = Language.ENGLISH


class Reason(Asked):
    """Why."""

    reason: Text = _STOPPED


class Tried(Answer):
    """What came of the sample; no row is kept of it."""

    outcome: OutcomeKind
    reason: str
    detail: str
    message_id: str
    bytes: int


class Enabled(Answer):
    """What goes now."""

    due: int = Field(description="Messages that waited for it.")
    parked: int = Field(description="Messages that were given up; `POST /deliveries/retry` sends them too.")


def listing(call: Call, asked: NamedList) -> Page[Channel]:
    """Channels by id, readers' own included."""
    with call.rt.database.read() as conn:
        ids = listings.channel_ids(conn, limit=asked.limit + 1, after=asked.cursor)
        shown = _several(call, conn, ids)
    return call.page([{"id": one.id, "it": one} for one in shown], limit=asked.limit, show=lambda row: row["it"])


def one_channel(call: Call, asked: ChannelAsked) -> Channel:
    """The channel."""
    with call.rt.database.read() as conn:
        return _one(call, conn, asked.channel_id)


def enable(call: Call, asked: ChannelAsked) -> Enabled:
    """Let it send at once, as if it had never failed."""
    with call.rt.database.write() as conn:
        found(channel_rows.enable(conn, asked.channel_id) or None, f"channel {asked.channel_id}")
        due = deliveries.wake_channel(conn, [asked.channel_id], now=call.now)
        left = channel_health.left_over(conn, [asked.channel_id]).get(asked.channel_id, {})
        call.note(conn, "channels.enable", f"channel {asked.channel_id}", due=due)
    return Enabled(due=due, parked=left.get(DeliveryState.PARKED, 0))


def disable(call: Call, asked: ChannelAsked, body: Reason) -> Channel:
    """Send nothing until it is enabled, or changed in watcher.yml; what is addressed to it waits."""
    with call.rt.database.write() as conn:
        _one(call, conn, asked.channel_id)
        if channel_rows.disable(conn, asked.channel_id, reason=body.reason.strip() or _STOPPED):
            call.note(conn, "channels.disable", f"channel {asked.channel_id}", reason=body.reason)
        return _one(call, conn, asked.channel_id)


def test(call: Call, asked: ChannelAsked, body: Sample) -> Tried:
    """Send a sample now, and say what came of it."""
    with call.rt.database.write() as conn:
        config = next(iter(channel_rows.configs(conn, [asked.channel_id])), None)
        config = found(config, f"channel {asked.channel_id}")
        call.note(conn, "channels.test", f"channel {asked.channel_id}")
    tried = try_channel(call.rt, config, immediate=not body.digest, language=body.language)
    return Tried(
        outcome=tried.outcome.kind,
        reason=tried.outcome.reason,
        detail=masking.masked(tried.outcome.detail, None if call.operates else config.to),
        message_id=tried.envelope.message_id,
        bytes=len(tried.envelope.body),
    )


def _one(call: Call, conn: Connection, channel_id: str) -> Channel:
    ids = listings.live_channels(conn, [channel_id])
    return found(next(iter(_several(call, conn, ids)), None), f"channel {channel_id}")


def _several(call: Call, conn: Connection, ids: list[str]) -> list[Channel]:
    states, left = channel_health.several(conn, ids), channel_health.left_over(conn, ids)
    return [_channel(call, states[one], left.get(one, {})) for one in ids]


def _channel(call: Call, state: ChannelState, left: dict[DeliveryState, int]) -> Channel:
    config, to = state.config, state.config.to
    return Channel(
        id=config.id,
        kind=config.kind,
        way=masking.way(config),
        to=to if call.operates or to is None else masking.masked_address(to),
        server=masking.server(config),
        status=pace.status(state, now=call.now),
        sends=state.disabled_reason is None and state.open_until is None,
        waiting=left.get(DeliveryState.PENDING, 0),
        parked=left.get(DeliveryState.PARKED, 0),
        worked_at=state.worked_at,
        failures=state.failures,
        failing_since=state.failing_since,
        fault=state.fault,
        open_until=state.open_until,
        free_at=state.free_at,
        disabled_reason=state.disabled_reason,
    )


OPERATIONS = (
    Operation(
        name="list_channels",
        method="GET",
        path="/channels",
        summary="List channels and how they stand.",
        act=listing,
        asked=NamedList,
        answer=Page[Channel],
    ),
    Operation(
        name="get_channel",
        method="GET",
        path="/channels/{channel_id}",
        summary="One channel.",
        act=one_channel,
        asked=ChannelAsked,
        answer=Channel,
    ),
    Operation(
        name="enable_channel",
        method="POST",
        path="/channels/{channel_id}/enable",
        summary="Let it send at once what waits for it.",
        act=enable,
        scope=Scope.OPERATE,
        asked=ChannelAsked,
        answer=Enabled,
    ),
    Operation(
        name="disable_channel",
        method="POST",
        path="/channels/{channel_id}/disable",
        summary="Stop it; what is addressed to it waits.",
        act=disable,
        scope=Scope.OPERATE,
        asked=ChannelAsked,
        body=Reason,
        answer=Channel,
    ),
    Operation(
        name="test_channel",
        method="POST",
        path="/channels/{channel_id}/test",
        summary="Send a sample event through it, marked as a test.",
        act=test,
        scope=Scope.OPERATE,
        asked=ChannelAsked,
        body=Sample,
        answer=Tried,
        problems=(Kind.CONFLICT,),
    ),
)
