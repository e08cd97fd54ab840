"""A digest as short plain text for any chat; foreign words call nobody and make no link.

Services differ in what they take and in what they read as markup; the measure is that of the narrowest common one
(Discord, 2,000 characters: https://discord.com/developers/docs/resources/webhook), the text has no markup at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watcher import wording
from watcher.deliver.headline import DOT, headline
from watcher.deliver.mrkdwn import plain, units, within
from watcher.model import AlertView, DigestView

TOTAL = 1900
"""Title and body together, in UTF-16 units: many services have one field for both."""
TITLE = 200
_FOOT = 500
_LINK = 400
_CALL = re.compile(r"@(?=[\w&!])")
_MARKUP = re.compile(r"<(?=[@#!:&a-zA-Z/])|\](?=\()")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatText:
    title: str
    body: str


def text(view: DigestView) -> ChatText:
    """Title and body, together at most `TOTAL`; events that have no room are counted, none is cut."""
    title = _line(headline(view), TITLE)
    if view.notice is not None:
        lines = [_line(line, 300) for line in view.notice.lines]
        return ChatText(title=title, body=within(TOTAL - TITLE, *lines, _address(view.notice.action_url)) or title)
    told, entries = _entries(view)
    body = "\n\n".join(filter(None, [_notes(view), *entries, _foot(view, len(view.alerts) - told)]))
    return ChatText(title=title, body=body or title)


def room(view: DigestView) -> int:
    """How many of the digest's events one message has room for."""
    return _entries(view)[0]


def _entries(view: DigestView) -> tuple[int, list[str]]:
    used = TITLE + units(_notes(view)) + _FOOT
    entries: list[str] = []
    for alert in view.alerts:
        entry = _entry(alert, view)
        used += units(entry) + 2
        if used > TOTAL:
            break
        entries.append(entry)
    return len(entries), entries


def _entry(alert: AlertView, view: DigestView) -> str:
    """At most 1,000 units or so, so that one always has room."""
    event, language = alert.event, view.language
    title = wording.one_line(event.title) or wording.say("no_title", language)
    head = wording.say("subject_update", language, subject=title) if alert.update else title
    link = next((found for source in event.sources if (found := _address(source.link))), "")
    lines = (
        f"{DOT[event.level]} {_line(head, 180)}",
        _line(wording.update_line(alert, language), 160),
        _line(wording.facts_line(event, language), 200),
        _line(wording.say("why", language, reason=wording.reason(alert.reason, language)), 120),
        _address(alert.links.event) or link,
    )
    return within(TOTAL - TITLE - _FOOT - 200, *lines)


def _notes(view: DigestView) -> str:
    return within(180, *(_line(note, 170) for note in view.notes))


def _foot(view: DigestView, untold: int) -> str:
    language = view.language
    more = wording.say("no_room_here", language, count=untold) if untold > 0 else ""
    left = wording.say("left_out", language, what="; ".join(view.left_out)) if view.left_out else ""
    page = _address(view.links.browser) or _address(view.public_url)
    known = _line(wording.coverage(view.coverage, language), 160)
    return within(_FOOT - 4, _line(more, 100), page if len(page) < 240 else "", _line(left, 100), known)


def _line(words: str, limit: int) -> str:
    """One clean line that calls nobody; the signs that make it so count."""
    room_for = limit
    while units(inert_words := inert(plain(words, room_for))) > limit:
        room_for = room_for * limit // units(inert_words) - 1
    return inert_words


def inert(words: str) -> str:
    """`words` with an unseen space where a service would read a call (`@everyone`, `<@1>`) or a hidden link."""
    return _MARKUP.sub(lambda found: f"{found[0]}\u200b", _CALL.sub("@\u200b", words))


def _address(url: str | None) -> str:
    """The address so that no service reads a call in it; nothing when there is none, or a very long one."""
    address = (wording.web_link(url) or "").replace("@", "%40").replace(")", "%29")
    return address if len(address) <= _LINK else ""
