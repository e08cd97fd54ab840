"""Into how many messages a digest is cut for a kind of channel: always between events, and never into a flood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from watcher import wording
from watcher.deliver import blocks, chat_text
from watcher.model import AlertView, ChannelKind, DigestView

MESSAGES = 5
"""Into so many at most a digest is cut; the last one says how many events had no room."""
_TITLE = 120
_ROOM: Mapping[ChannelKind, Callable[[DigestView], int]] = {
    ChannelKind.SLACK: blocks.room,
    ChannelKind.APPRISE: chat_text.room,
}
"""How many of a digest's events one message has room for; the other kinds leave out details instead."""


def parts(kind: ChannelKind, view: DigestView) -> tuple[DigestView, ...]:
    """The views to compose, each a message and a delivery of its own; at least one, each with an event if there is any.

    What stands before the entries is in the first, what stands after them in the last, which takes all that remains:
    the channel then says how many of it have no room.
    """
    room = _ROOM.get(kind)
    if room is None or view.notice is not None or (view.immediate and len(view.alerts) < 2):
        return (view,)
    cut: list[tuple[AlertView, ...]] = []
    rest = view.alerts
    while rest and len(cut) < MESSAGES - 1:
        told = max(1, room(_part(view, len(cut), MESSAGES, rest)))
        if told == len(rest):
            break
        cut.append(rest[:told])
        rest = rest[told:]
    cut.append(rest)
    return tuple(_part(view, number, len(cut), alerts) for number, alerts in enumerate(cut))


def _part(view: DigestView, number: int, of: int, alerts: tuple[AlertView, ...]) -> DigestView:
    if of == 1:
        return view
    events = wording.number_of("events", len(view.alerts), view.language)
    last = number == of - 1
    return replace(
        view,
        alerts=alerts,
        subscription_title=f"{wording.one_line(view.subscription_title, _TITLE)} ({number + 1}/{of})",
        notes=() if number else (wording.say("in_messages", view.language, events=events, count=of), *view.notes),
        left_out=view.left_out if last else (),
        coverage=view.coverage if last else None,
    )
