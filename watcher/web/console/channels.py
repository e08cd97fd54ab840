"""The channels: where each leads, how fast it is sent to, whether it sends and why not; trying, stopping, starting one.

An address that is a secret is never read here: it is named by where it is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import Response

from watcher.deliver import pace
from watcher.errors import CannotHelp
from watcher.model import ChannelKind, ChannelState, DeliveryState, OutcomeKind
from watcher.pipeline.channel_sample import try_channel
from watcher.store import Connection, channel_health, channels, deliveries
from watcher.web.console.desk import Desk, NotHere, Page, Refused
from watcher.web.console.reasons import in_words
from watcher.web.masking import server, way

MOST = 200
KINDS = {
    ChannelKind.EMAIL: "Mail",
    ChannelKind.SLACK: "Slack",
    ChannelKind.WEBHOOK: "Webhook",
    ChannelKind.APPRISE: "Apprise",
}
_BACK = {"deliveries": "/deliveries?state=parked"}


def listing(desk: Desk) -> Response:
    """`/channels`: those of watcher.yml, and readers' own that are in trouble."""
    after = desk.query("after")
    with desk.rt.database.read() as conn:
        ours = channel_health.ours(conn, limit=MOST + 1, after=after)
        sick = [] if after else channel_health.in_trouble(conn, limit=MOST)
        known = {one.config.id for one in ours}
        shown, others = ours[:MOST], [one for one in sick if one.config.id not in known]
        counts = channel_health.left_over(conn, [one.config.id for one in (*shown, *others)])
    return desk.page(
        "channels.html.j2",
        "Channels",
        channels=[row(one, counts, desk.now) for one in shown],
        others=[row(one, counts, desk.now) for one in others],
        following=shown[-1].config.id if len(ours) > MOST else "",
    )


def strip(conn: Connection, now: datetime) -> dict[str, Any]:
    """What stands over the deliveries: how many channels send, and those that do not or for which much waits."""
    sick = {one.config.id: one for one in channel_health.in_trouble(conn, limit=20)}
    ours = channel_health.ours(conn, limit=MOST)
    counts = channel_health.left_over(conn, {*sick, *(one.config.id for one in ours)})
    sound = [one for one in ours if one.config.id not in sick]
    listed = [*sick.values(), *(one for one in sound if counts.get(one.config.id) or _asked_to_wait(one, now))]
    return {
        "channels": [row(one, counts, now) for one in listed[:20]],
        "sound": len(sound),
        "sick": len(sick),
    }


def _asked_to_wait(state: ChannelState, now: datetime) -> bool:
    return pace.status(state, now=now) != "sends"


def row(state: ChannelState, counts: dict[str, dict[DeliveryState, int]], now: datetime) -> dict[str, Any]:
    """A channel as the templates show it."""
    config, left = state.config, counts.get(state.config.id, {})
    pill, word = _standing(state, now)
    return {
        "id": config.id,
        "kind": KINDS[config.kind],
        "way": way(config),
        "server": server(config),
        "rate": rate(state),
        "pill": pill,
        "word": word,
        "status": pace.status(state, now=now).removeprefix("disabled: "),
        "disabled": state.disabled_reason is not None,
        "failing": state.failures > 0 or state.open_until is not None,
        "waiting": left.get(DeliveryState.PENDING, 0),
        "parked": left.get(DeliveryState.PARKED, 0),
        "worked_at": state.worked_at,
        "fault": in_words(state.fault) if state.fault else "",
        "failing_since": state.failing_since,
        "open_until": state.open_until,
        "retired": state.retired,
    }


def _standing(state: ChannelState, now: datetime) -> tuple[str, str]:
    if state.retired:
        return "", "Removed"
    if state.disabled_reason is not None:
        return "bad", "Disabled"
    if state.open_until is not None:
        return "bad", "Paused" if now < state.open_until else "Tries again"
    if state.failures:
        return "wait", "Failing"
    if pace.status(state, now=now) != "sends":
        return "wait", "Asked to wait"
    return ("good", "Sends") if state.worked_at else ("", "Not used yet")


def rate(state: ChannelState) -> str:
    """How fast its kind is sent to: `one message a second`."""
    known = pace.PACES[state.config.kind]
    if known.every_s:
        return "one message a second" if known.every_s == 1 else f"one message every {known.every_s:g} s"
    return f"up to {known.at_once} at a time, no other bound"


# ── acting on one ────────────────────────────────────────────────────────────────────────────────────────────────────


def act(desk: Desk) -> Response:
    """POST `/channels/{channel}`: what the pressed button says."""
    channel_id = desk.path("channel")
    back = _BACK.get(desk.form.one("back"), "/channels")
    with desk.rt.database.read() as conn:
        state = channel_health.one(conn, channel_id)
    if state is None:
        raise NotHere
    match desk.form.one("do"):
        case "test":
            return _go(desk, back, _test(desk, state))
        case "enable":
            return _go(desk, back, _enable(desk, channel_id))
        case "disable":
            return _go(desk, back, _disable(desk, channel_id))
        case "retry":
            return _go(desk, back, _retry(desk, channel_id))
    raise Refused("The form names nothing that can be done with a channel.", status=422)


def _go(desk: Desk, back: str, done: str) -> Response:
    path, _, query = back.partition("?")
    return desk.go(path, done=done, **dict(one.split("=") for one in query.split("&") if one))


def _test(desk: Desk, state: ChannelState) -> str:
    """The sample first, then the line of the audit log with what came of it: a send cannot be rolled back."""
    try:
        tried = try_channel(desk.rt, state.config)
    except CannotHelp as error:
        raise Refused(f"The sample could not be written: {error}", status=422) from None
    with desk.rt.database.write() as conn:
        desk.note(conn, "channels.test", f"channel {state.config.id}", outcome=tried.outcome.reason)
    if tried.outcome.kind is not OutcomeKind.SENT:
        raise Refused(f"The sample did not go through. {tried.words}.", status=409)
    return f"The sample was sent through {state.config.id} ({tried.outcome.reason}). It is marked as a test."


def _enable(desk: Desk, channel_id: str) -> str:
    with desk.rt.database.write() as conn:
        if not channels.enable(conn, channel_id):
            raise Refused("This channel was removed from watcher.yml.", status=409)
        woken = deliveries.wake_channel(conn, [channel_id], now=desk.now)
        desk.note(conn, "channels.enable", f"channel {channel_id}", woken=woken)
    return f"{channel_id} sends again; {_messages(woken)} due now."


def _disable(desk: Desk, channel_id: str) -> str:
    with desk.rt.database.write() as conn:
        if not channels.disable(conn, channel_id, reason=f"by {desk.operator.name} at the console"):
            raise Refused("This channel was disabled already.", status=409)
        desk.note(conn, "channels.disable", f"channel {channel_id}")
    return f"{channel_id} sends nothing until it is enabled; what comes for it waits."


def _retry(desk: Desk, channel_id: str) -> str:
    with desk.rt.database.write() as conn:
        woken = deliveries.retry(conn, None, now=desk.now, channel=channel_id)
        desk.note(conn, "deliveries.retry", f"channel {channel_id}", woken=woken)
    return f"{channel_id}: {_messages(woken)} due now, the same bytes under the same ids."


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"


PAGES = (
    Page(path="/channels", show=listing),
    Page(path="/channels/{channel}", show=act, methods=("POST",)),
)
