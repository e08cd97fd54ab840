"""One event: what it tells and stands on, who was told and what came of it, and what people say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.digest.mute import muting
from watcher.digest.mute import told as mute_words
from watcher.errors import SandboxFailed
from watcher.model import DeliveryState, EventView, Language, RuleStatus, SubscriptionConfig, TextField
from watcher.pipeline.explained import explained, offers_of
from watcher.runtime import Runtime
from watcher.store import Connection, event_trail, events, history, mutes, subscriptions, verdicts
from watcher.store.event_trail import Message, SourceItem, Story, Telling
from watcher.store.verdicts import Verdict
from watcher.web import signed
from watcher.web.console import why
from watcher.web.console.desk import Desk, NotHere, Page, Refused
from watcher.web.console.passages import passages
from watcher.web.console.reasons import in_words
from watcher.web.operator import Scope
from watcher.web.words import say

_NOTE = 2000
_SUBSCRIPTIONS = 200
"""So many of those who were not told are asked why; the API asks the others."""
_VERDICTS = ((Verdict.USEFUL, "Useful"), (Verdict.NOT_USEFUL, "Not useful"), (Verdict.WRONG_FACTS, "Wrong facts"))
_STATES = {
    DeliveryState.SENT: ("sent", "good"),
    DeliveryState.PENDING: ("waiting", "wait"),
    DeliveryState.PARKED: ("given up", "bad"),
    DeliveryState.WITHHELD: ("withheld", ""),
}


def show(desk: Desk) -> Response:
    """The event as it is now; a POST keeps the operator's verdict."""
    event_id = desk.number("id")
    if desk.posted:
        return _judge(desk, event_id)
    rt, now = desk.rt, desk.now
    with rt.database.read() as conn:
        event = _event(conn, event_id)
        told = event_trail.tellings(conn, event_id)
        said = event_trail.said(conn, event_id)
        values: dict[str, Any] = {
            "items": [_item(one) for one in event_trail.source_items(conn, event_id, event.rule_id)],
            "tellings": [_telling(one, now) for one in told],
            "held": _held(conn, event, {one.subscription_id for one in told}, now),
            "story": _story(event_trail.story(conn, event.story_id or 0, event_id)),
        }
    return desk.page(
        "event.html.j2",
        wording.one_line(event.title, 120) or "(no title)",
        event=signed.shown_event(event, Language.ENGLISH),
        about=_about(event),
        t=partial(say, language=Language.ENGLISH),
        said=[_verdict(one) for one in said],
        own=next((one["verdict"] for one in said if one["who"] == desk.operator.name), ""),
        note=next((one["note"] for one in said if one["who"] == desk.operator.name), ""),
        verdicts=[(one.value, words) for one, words in _VERDICTS],
        **values,
    )


def reasons(desk: Desk) -> Response:
    """Why each rule says yes or no of one of the event's items now, and what those say who were not told."""
    event_id, chosen = desk.number("id"), desk.query("item")
    rt = desk.rt
    with rt.database.read() as conn:
        event = _event(conn, event_id)
        ids = _item_ids(event)
        item_id = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) <= 18 else min(ids, default=0)
        item = history.item(conn, item_id) if item_id in ids else None
        told = {one.subscription_id for one in event_trail.tellings(conn, event_id)}
        untold = [one for one in subscriptions.active(conn) if one.id not in told][:_SUBSCRIPTIONS]
    if item is None:
        raise NotHere
    try:
        found = explained(rt, item)
    except SandboxFailed as failed:
        return desk.page("event_why.html.j2", "Why", about=_about(event), failed=str(failed), status=503)
    offers = _offers(rt, event, untold, tells_amounts=event.rule_id in found.amounts)
    return desk.page(
        "event_why.html.j2",
        "Why",
        about=_about(event),
        failed="",
        item={"id": item.id, "title": wording.one_line(item.title or item.text, 160)},
        items=[(one.item_id, wording.one_line(one.feed, 60)) for one in event.sources],
        rules=[why.rule(one, item.title, item.text) for one in found.rules],
        offers=offers,
        version=found.version[:12],
    )


def _item_ids(event: EventView) -> set[int]:
    """The items that tell the event."""
    return {one.item_id for one in event.sources}


def _offers(
    rt: Runtime, event: EventView, untold: Sequence[SubscriptionConfig], *, tells_amounts: bool
) -> list[dict[str, Any]]:
    with rt.database.read() as conn:
        offers = offers_of(rt, conn, event, untold, tells_amounts=tells_amounts)
    return [
        {"subscription": one.subscription_id, "chosen": one.chosen, "reason": wording.reason(one.reason)}
        for one in offers
    ]


PAGES = (
    Page(path="/events/{id}", show=show, methods=("GET", "POST"), act=Scope.JUDGE),
    Page(path="/events/{id}/why", show=reasons),
)


def _judge(desk: Desk, event_id: int) -> Response:
    word, note = desk.form.one("verdict"), wording.paragraphs(desk.form.one("note"), _NOTE)
    if word not in set(Verdict):
        raise Refused("Say whether it was useful, not useful, or the facts are wrong.", status=400)
    with desk.rt.database.write() as conn:
        kept = verdicts.record(conn, event_id, Verdict(word), who=desk.operator.name, note=note, now=desk.now)
        if not kept:
            raise NotHere
        desk.note(conn, "events.judge", f"event {event_id}", verdict=word)
    return desk.go(f"/events/{event_id}", done=f"Kept: {dict(_VERDICTS)[Verdict(word)].lower()}.")


def _event(conn: Connection, event_id: int) -> EventView:
    event = events.views(conn, [event_id]).get(event_id)
    if event is None:
        raise NotHere
    return event


def _about(event: EventView) -> dict[str, Any]:
    """What only operators are shown of an event."""
    return {
        "id": event.id,
        "rule_id": event.rule_id,
        "rule": wording.one_line(event.rule_title, 80),
        "title": wording.one_line(event.title, 300) or "(no title)",
        "level": event.level.value,
        "stance": wording.one_line(event.stage or "", 32),
        "trial": event.status is RuleStatus.EXPERIMENTAL,
        "status": event.status.value,
        "revision": event.revision,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
        "tags": [wording.one_line(tag, 40) for tag in event.tags[:20]],
        "languages": [wording.one_line(tag, 16) for tag in event.languages[:20]],
    }


def _item(item: SourceItem) -> dict[str, Any]:
    titles = [span for span in item.spans if span.field is TextField.TITLE]
    texts = [span for span in item.spans if span.field is TextField.TEXT]
    return {
        "id": item.id,
        "title": passages(item.title, titles),
        "text": passages(item.text, texts),
        "feed": wording.one_line(item.feed, 80),
        "link": wording.web_link(item.link),
        "lang": signed.language_tag(item.language),
        "at": item.published_at or item.first_seen_at,
        "repeats": item.copy,
        "gone": _gone(item, bool(texts)),
    }


def _gone(item: SourceItem, marked: bool) -> str:
    """Why there are no words to mark; empty where there are."""
    if not item.text.strip():
        if marked:
            return "The text of this item is no longer kept: its time is over."
        return "" if item.matched else "Of this item only the headline is kept."
    return "" if item.matched else "The rule does not match this item as it is now; nothing of it is marked."


def _telling(one: Telling, now: datetime) -> dict[str, Any]:
    return {
        "subscription": one.subscription_id,
        "title": wording.one_line(one.title or one.subscription_id, 80),
        "gone": one.title is None,
        "revision": one.revision,
        "reason": wording.reason(one.reason),
        "at": one.at,
        "digest": one.digest_id,
        "window": _window(one, now),
        "messages": [_message(message) for message in one.messages],
    }


def _window(one: Telling, now: datetime) -> str:
    """What became of the digest, where it has no message that says so."""
    if one.parked_reason:
        return f"its digest was set aside: {wording.one_line(one.parked_reason, 160)}"
    if one.messages:
        return ""
    if one.closed_at is not None:
        return "its digest was closed without a message"
    return "its message is being written" if one.closes_at <= now else "waits for its digest"


def _message(message: Message) -> dict[str, Any]:
    words, kind = _STATES.get(DeliveryState(message.state), (message.state, ""))
    return {
        "id": message.id,
        "channel": wording.one_line(message.channel_id, 80),
        "state": words,
        "kind": kind,
        "answer": in_words(message.answer or message.reason) if message.tries else "",
        "tries": message.tries,
        "at": message.finished_at or message.answered_at,
        "next": message.next_attempt_at if message.state == DeliveryState.PENDING else None,
    }


def _held(conn: Connection, event: EventView, told: Iterable[str], now: datetime) -> list[tuple[str, str]]:
    """The subscriptions whose readers' mutes keep them from hearing of the event now, each with the mute in words.

    What watcher.yml mutes is told with the other reasons of those who were not told.
    """
    known, found = set(told), []
    for name, held in list(mutes.active_of(conn, None, now).items())[:_SUBSCRIPTIONS]:
        mute = muting(event, held)
        one = subscriptions.get(conn, name) if mute is not None else None
        if mute is not None and one is not None:
            words = mute_words(mute, one.schedule.zone)
            found.append((name, words + (", set after it was told" if name in known else "")))
    return found


def _story(story: Story) -> dict[str, Any]:
    return {
        "id": story.id,
        "open": story.open,
        "more": story.more,
        "items": [_alike(one) for one in story.items],
        "events": [
            {
                "id": one["id"],
                "rule": wording.one_line(one["rule_title"], 80),
                "title": wording.one_line(one["title"], 160) or "(no title)",
            }
            for one in story.events
        ],
    }


def _alike(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "title": wording.one_line(one["title"], 200) or "(no title)",
        "link": wording.web_link(one["link"]),
        "lang": signed.language_tag(one["language"]),
        "feed": wording.one_line(one["feed"], 80),
        "at": one["at"],
        "reason": wording.one_line(one["reason"] or "", 160),
    }


def _verdict(one: Mapping[str, Any]) -> dict[str, Any]:
    names = {verdict.value: words for verdict, words in _VERDICTS}
    return {
        "who": wording.one_line(one["who"], 80),
        "verdict": names.get(one["verdict"], one["verdict"]),
        "note": wording.paragraphs(one["note"], _NOTE),
        "at": one["created_at"],
    }
