"""Deliveries: messages found and shown as they were sent, what each try came to, and sending one again.

What is shown of a message is masked by `message`; how the channels stand is `channels`'.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.model import ChannelState, DeliveryState, Envelope
from watcher.store import channel_health, deliveries, delivery_search, subscriptions
from watcher.store.delivery_search import Wanted
from watcher.web.console import channels
from watcher.web.console.desk import HEADERS, Desk, NotHere, Page, Refused
from watcher.web.console.message import Message, frame, message
from watcher.web.console.reasons import in_words
from watcher.web.masking import masked

PAGE = 50
_TOLD = 60
_KEY = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"(?a)#?\d{1,18}")
STATES = {
    DeliveryState.SENT: ("good", "Sent"),
    DeliveryState.PENDING: ("wait", "Waiting"),
    DeliveryState.PARKED: ("bad", "Dead letter"),
    DeliveryState.WITHHELD: ("", "Withheld"),
}
VIEWS = (("", "All"), ("pending", "Waiting"), ("parked", "Dead letters"), ("withheld", "Withheld"), ("sent", "Sent"))
"""The lists, each at `/deliveries?state=…`."""
FRAMED = HEADERS | {"content-security-policy": f"{HEADERS['content-security-policy']}; frame-src 'self'"}
"""Of a page that shows a mail in a frame."""
_OUTCOMES = {"sent": "good", "retry": "wait", "uncertain": "wait", "rejected": "bad", "channel_down": "bad"}


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def listing(desk: Desk) -> Response:
    """`/deliveries`: those that the filter asks for, newest first; over them how the channels stand."""
    asked = {name: desk.query(name) for name in ("q", "state", "channel", "subscription", "event", "from", "to")}
    wanted, wrong = _wanted(asked)
    before = desk.query("before")
    with desk.rt.database.read() as conn:
        health = channels.strip(conn, desk.now)
        older = int(before) if _NUMBER.fullmatch(before) else None
        found = delivery_search.find(conn, wanted, limit=PAGE, before=older)
        ways = channel_health.several(conn, {row["channel_id"] for row in found.rows})
        dead = channel_health.most_parked(conn, limit=20) if asked["state"] == "parked" else []
    return desk.page(
        "deliveries.html.j2",
        dict(VIEWS[1:]).get(asked["state"], "Deliveries"),
        rows=[shown_row(row, ways.get(row["channel_id"]), desk.now) for row in found.rows],
        asked=asked,
        wrong={name: wrong.get(name, "") for name in asked},
        views=VIEWS,
        health=health,
        dead=dead,
        older=found.older,
        paged=older is not None,
        kept={name: value for name, value in asked.items() if value},
    )


def _wanted(asked: dict[str, str]) -> tuple[Wanted, dict[str, str]]:
    """What the fields ask for, and what is wrong with those that cannot be read, by field."""
    wrong: dict[str, str] = {}
    words, key, number = asked["q"], "", None
    if found := _KEY.search(words.lower()):
        words, key = "", found[0]
    elif _NUMBER.fullmatch(words):
        words, number = "", int(words.removeprefix("#"))
    event = asked["event"].removeprefix("#")
    if event and not _NUMBER.fullmatch(event):
        wrong["event"] = "Write the number of an event."
    since, until = _day(asked, "from", wrong), _day(asked, "to", wrong)
    return Wanted(
        states=tuple(one for one in DeliveryState if one.value == asked["state"]),
        channel=asked["channel"],
        subscription=asked["subscription"],
        event_id=int(event) if event and "event" not in wrong else None,
        id=number,
        key=key,
        words=words,
        since=since,
        until=until + timedelta(days=1) if until else None,
    ), wrong


def _day(asked: dict[str, str], name: str, wrong: dict[str, str]) -> datetime | None:
    if not asked[name]:
        return None
    try:
        day = datetime.strptime(asked[name], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        day = None
    if day is None or not 1990 <= day.year <= 2200:
        wrong[name] = "Write a day as 2026-01-31."
        return None
    return day


def shown_row(row: dict[str, Any], state: ChannelState | None, now: datetime) -> dict[str, Any]:
    """A message of a list in words; `state` is how its channel stands."""
    pill, word = STATES[DeliveryState(row["state"])]
    return row | {
        "pill": pill,
        "word": word,
        "why": in_words(row["reason"]),
        "title": wording.one_line(row["title"], 160) or "Nothing to tell",
        "subscription": subscription_name(row["subscription_id"]),
        **_next(row, state, now),
    }


def _next(row: dict[str, Any], state: ChannelState | None, now: datetime) -> dict[str, Any]:
    """When the next try is, or what it waits for: a channel that is shut sends nothing at the message's own hour."""
    at, held = row["next_attempt_at"], ""
    if row["state"] != DeliveryState.PENDING or at is None:
        return {"next": None, "held": ""}
    if state is not None and state.disabled_reason is not None:
        held = "when its channel is enabled"
    elif state is not None and state.open_until is not None and state.open_until > max(at, now):
        at, held = state.open_until, "its channel is paused"
    return {"next": at, "held": held}


def subscription_name(subscription_id: str) -> str:
    return "the service itself" if subscription_id == subscriptions.OPS else subscription_id


# ── one message ──────────────────────────────────────────────────────────────────────────────────────────────────────


def one(desk: Desk) -> Response:
    """`/deliveries/{id}`: GET shows the message, POST sends it again."""
    delivery_id = desk.number("id")
    if desk.posted:
        return _retry(desk, delivery_id)
    row, shown, address = _read(desk, delivery_id)
    with desk.rt.database.read() as conn:
        told = delivery_search.told_in(conn, row["digest_id"], limit=_TOLD)
        state = channel_health.one(conn, row["channel_id"])
        counts = channel_health.left_over(conn, [row["channel_id"]])
    view = shown.view(desk.query("show"))
    listed = shown_row({**row, "title": _subject(shown, told)}, state, desk.now)
    answer = desk.page(
        "delivery.html.j2",
        listed["title"],
        row=listed,
        alive=row["state"] in (DeliveryState.PENDING, DeliveryState.PARKED),
        attempts=[_attempt(one, address) for one in row["attempts"]],
        told=told,
        channel=channels.row(state, counts, desk.now) if state else None,
        message=shown,
        view=view,
        frame_at=f"/deliveries/{delivery_id}/html",
    )
    answer.headers.update(FRAMED)
    return answer


def html(desk: Desk) -> Response:
    """`/deliveries/{id}/html`: the mail itself, for the frame. Raises NotHere for what is no mail."""
    _, shown, _ = _read(desk, desk.number("id"))
    if not shown.html:
        raise NotHere
    return frame(shown)


def _read(desk: Desk, delivery_id: int) -> tuple[dict[str, Any], Message, str | None]:
    """The row, the message masked, and whom it went to. Raises NotHere."""
    with desk.rt.database.read() as conn:
        row = deliveries.show(conn, delivery_id)
        state = channel_health.one(conn, row["channel_id"]) if row else None
    if row is None:
        raise NotHere
    address = state.config.to if state else None
    body = row["body"].encode()  # `show` gives text, and what we write is UTF-8 or ASCII
    envelope = Envelope(message_id=row["message_id"], content_type=row["content_type"], body=body)
    return row, message(envelope, address or _recipient(row["body"])), address


def _recipient(body: str) -> str | None:
    """The To of a mail whose channel is no longer known."""
    found = re.search(r"(?im)^To: (.+)$", body[:20_000])
    return found[1].strip() if found else None


def _subject(shown: Message, told: list[dict[str, Any]]) -> str:
    subject = dict(shown.headers).get("Subject", "")
    return subject or (told[0]["title"] if told else "")


def _attempt(tried: dict[str, Any], address: str | None) -> dict[str, Any]:
    took = (tried["finished_at"] - tried["started_at"]).total_seconds() if tried["finished_at"] else None
    return tried | {
        "pill": _OUTCOMES.get(tried["outcome"] or "", ""),
        "why": in_words(tried["reason"]) if tried["reason"] else "No end of it was noted",
        "detail": masked(tried["detail"] or "", address),
        "took": "–" if took is None else f"{took:.1f} s",
    }


def _retry(desk: Desk, delivery_id: int) -> Response:
    with desk.rt.database.write() as conn:
        woken = deliveries.retry(conn, [delivery_id], now=desk.now)
        if woken:
            desk.note(conn, "deliveries.retry", f"delivery {delivery_id}")
    if not woken:
        raise Refused("Nothing was sent again: it went out before, was withheld, or is not there.", status=409)
    return desk.go(f"/deliveries/{delivery_id}", done="It is due now: the same bytes under the same id.")


PAGES = (
    Page(path="/deliveries", show=listing),
    Page(path="/deliveries/{id}", show=one, methods=("GET", "POST")),
    Page(path="/deliveries/{id}/html", show=html),
)
