"""Digests: the open and the recent windows, one with all that it told, and what a subscription would be sent now.

A preview is made by the functions behind `watcher digests preview`; nothing is written or sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.errors import CannotHelp, SandboxFailed
from watcher.model import ChannelConfig, Choice, DigestView, EventView, Language, SubscriptionConfig
from watcher.pipeline import digest_preview
from watcher.store import channels, delivery_search, digest_search, digests, subscriptions
from watcher.store.digest_search import Fate
from watcher.web.console import digest_rows
from watcher.web.console.deliveries import FRAMED, STATES
from watcher.web.console.desk import Desk, NotHere, Page
from watcher.web.console.message import Message, frame, message
from watcher.web.words import LANGUAGES

PAGE = 50
_CLOSING = 12
_TOLD = 100
_LEFT_OUT = 100
FATES = (
    ("", "All"),
    (Fate.OPEN.value, "Open"),
    (Fate.SENT.value, "With messages"),
    (Fate.EMPTY.value, "Empty"),
    (Fate.LATE.value, "Late"),
    (Fate.PARKED.value, "Parked"),
)
"""The lists, each at `/digests?state=…`."""
DAYS = (("", "the open window"), ("1", "the last day"), ("7", "the last week"), ("30", "the last 30 days"))
"""Of what a preview is made, by the value of the form."""


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def listing(desk: Desk) -> Response:
    """`/digests`: the windows that close next and the newest ones; POST writes the parked ones again."""
    if desk.posted:
        return _retry(desk)
    state, subscription, before = desk.query("state"), desk.query("subscription"), desk.query("before")
    older = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    with desk.rt.database.read() as conn:
        fate = Fate(state) if state in set(Fate) else None
        found = digest_search.find(conn, limit=PAGE + 1, fate=fate, subscription=subscription, before=older)
        rows = digest_rows.in_words(conn, found[:PAGE])
        first = not (state or subscription or older)
        closing = digest_rows.in_words(conn, digest_search.closing(conn, limit=_CLOSING)) if first else []
        named = subscriptions.get(conn, subscription) if subscription else None
    return desk.page(
        "digests.html.j2",
        "Digests",
        rows=rows,
        closing=closing,
        fates=FATES,
        asked={"state": state, "subscription": subscription},
        kept={name: value for name, value in (("state", state), ("subscription", subscription)) if value},
        older=rows[-1]["id"] if len(found) > PAGE else None,
        paged=older is not None,
        previewed=named.id if named else "",
    )


def _retry(desk: Desk) -> Response:
    with desk.rt.database.write() as conn:
        woken = digests.wake_parked(conn)
        desk.note(conn, "digests.retry", woken=woken)
    return desk.go("/digests", done=f"{wording.counted(woken, 'parked digest')} due now.")


# ── one window ───────────────────────────────────────────────────────────────────────────────────────────────────────


def one(desk: Desk) -> Response:
    """`/digests/{id}`: one window, what it tells or told, and its messages. Raises NotHere."""
    digest_id = desk.number("id")
    with desk.rt.database.read() as conn:
        found = digest_search.get(conn, digest_id)
        if found is None:
            raise NotHere
        (row,) = digest_rows.in_words(conn, [found])
        told = delivery_search.told_in(conn, digest_id, limit=_TOLD)
        merged = digest_search.merged(conn, digest_id)
        named = subscriptions.get(conn, row["subscription_id"])
    return desk.page(
        "digest.html.j2",
        row["title"] or f"Digest of {row['subscription']}",
        row=row,
        told=told,
        merged=merged,
        messages=[(number, channel, *STATES[state]) for number, channel, state in row["messages"]],
        previewed=row["closed_at"] is None and not row["notice"] and named is not None,
    )


# ── a preview ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Of whom, of what and in which form a preview is."""

    subscription: SubscriptionConfig
    ways: tuple[ChannelConfig, ...]
    way: ChannelConfig | None
    days: str
    language: str

    @property
    def query(self) -> dict[str, str]:
        return {"channel": self.way.id if self.way else "", "days": self.days, "language": self.language}


def preview(desk: Desk) -> Response:
    """`/digests/preview/{subscription}`: what would be sent now, and what is left out and why. Raises NotHere."""
    asked = _asked(desk)
    view = _view(desk, asked)
    shown, trouble = _message(desk, asked, view)
    days = asked.days or "1"
    left = digest_preview.left_out(desk.rt, asked.subscription, days=float(days))
    answer = desk.page(
        "digest_preview.html.j2",
        f"Preview: {wording.one_line(asked.subscription.title, 100)}",
        asked=asked,
        view_of=view,
        message=shown,
        trouble=trouble,
        view=shown.view(desk.query("show")),
        events=len(view.alerts),
        known_days=DAYS,
        languages=[(one.value, name) for one, name in LANGUAGES.items()],
        of_days=dict(DAYS)[days],
        left=[_left_out(event, choice) for event, choice in left[:_LEFT_OUT]],
        more=max(0, len(left) - _LEFT_OUT),
    )
    answer.headers.update(FRAMED)
    return answer


def preview_html(desk: Desk) -> Response:
    """`/digests/preview/{subscription}/html`: the mail itself, for the frame. Raises NotHere for what is no mail."""
    asked = _asked(desk)
    shown, _ = _message(desk, asked, _view(desk, asked))
    if not shown.html:
        raise NotHere
    return frame(shown)


def _asked(desk: Desk) -> _Asked:
    with desk.rt.database.read() as conn:
        config = subscriptions.get(conn, desk.path("subscription"))
        if config is None or config.id == subscriptions.OPS:
            raise NotHere
        ways = tuple(channels.configs(conn, config.channels))
    wanted = desk.query("channel")
    days, language = desk.query("days"), desk.query("language")
    return _Asked(
        subscription=config,
        ways=ways,
        way=next((one for one in ways if one.id == wanted), ways[0] if ways else None),
        days=days if days in dict(DAYS) else "",
        language=language if language in set(Language) else "",
    )


def _view(desk: Desk, asked: _Asked) -> DigestView:
    language = Language(asked.language) if asked.language else None
    days = float(asked.days) if asked.days else None
    return digest_preview.preview_digest(desk.rt, asked.subscription, days=days, language=language)


def _message(desk: Desk, asked: _Asked, view: DigestView) -> tuple[Message, str]:
    """The message as its channel would write it, masked; else why it cannot be written."""
    if asked.way is None:
        return Message(), "The subscription has no channel that is left."
    try:
        envelope = digest_preview.preview_message(desk.rt, view, asked.way)
    except (CannotHelp, SandboxFailed) as error:
        return Message(), f"It cannot be written: {error}"
    return message(envelope, asked.way.to), ""


def _left_out(event: EventView, choice: Choice) -> Mapping[str, Any]:
    return {
        "id": event.id,
        "title": wording.one_line(event.title, 160),
        "rule": wording.one_line(event.rule_title, 80),
        "level": event.level.value,
        "why": choice.reason,
        "muted": choice.muted,
        "at": event.updated_at,
    }


PAGES = (
    Page(path="/digests", show=listing, methods=("GET", "POST")),
    Page(path="/digests/preview/{subscription}", show=preview),
    Page(path="/digests/preview/{subscription}/html", show=preview_html),
    Page(path="/digests/{id}", show=one),
)
