"""A message as a page shows it: a mail's parts, or JSON and what it says; always masked, never as its reader holds it.

Who may see it and where it comes from (the outbox, a preview) is left to the pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from starlette.responses import HTMLResponse

from watcher import wording
from watcher.deliver.slack_text import Line, Piece, lines
from watcher.model import JSON, Envelope, Language
from watcher.web.mail_page import clean
from watcher.web.masking import masked, masked_mail

FRAME_HEADERS = {
    "content-security-policy": (
        "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
}
"""Of the document inside the frame: it runs nothing, fetches nothing, and has no origin of its own."""
MAIL = "message/rfc822"
SHOWN_CHARACTERS = 400_000
_EVENTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What can be shown of a message; what it has not is empty."""

    headers: tuple[tuple[str, str], ...] = ()
    html: str = ""
    """A whole cleaned document, for a sandboxed frame only."""
    text: str = ""
    lines: tuple[Line, ...] = ()
    """A chat's or a webhook's message in words."""
    source: str = ""
    language: str = "en"

    @property
    def views(self) -> tuple[tuple[str, str], ...]:
        """The ways in which it can be looked at, the first one first: (name, words)."""
        known = (
            ("html", "As mail", self.html),
            ("words", "In words", self.lines),
            ("text", "Text", self.text),
            ("headers", "Headers", self.headers),
            ("source", "Source", self.source),
        )
        return tuple((name, words) for name, words, there in known if there)

    def view(self, wanted: str) -> str:
        """The wanted way, else the first that there is; nothing when its bytes are gone."""
        names = [name for name, _ in self.views]
        return wanted if wanted in names else (names[0] if names else "")


def message(envelope: Envelope, address: str | None) -> Message:
    """The message of those bytes; `address` is its reader's, to be masked where it is quoted."""
    if not envelope.body:
        return Message()
    if envelope.content_type.partition(";")[0].strip().lower() == MAIL:
        return _mail(masked_mail(envelope.body, address))
    return _json(masked(envelope.body.decode("utf-8", "replace"), address))


def frame(shown: Message) -> HTMLResponse:
    """The mail's HTML as a document of its own, under a policy that lets it do nothing."""
    return HTMLResponse(shown.html, headers=FRAME_HEADERS)


def _mail(mail: EmailMessage) -> Message:
    html, text = (mail.get_body(preferencelist=(kind,)) for kind in ("html", "plain"))
    language = str(mail.get("Content-Language", "en"))
    known = Language(language) if language in set(Language) else Language.ENGLISH
    return Message(
        headers=tuple((name, " ".join(str(value).split())) for name, value in mail.items()),
        html=clean(str(html.get_content()), known) if html else "",
        text=str(text.get_content()).strip() if text else "",
        source=mail.as_bytes().decode("utf-8", "replace").replace("\r\n", "\n")[:SHOWN_CHARACTERS],
        language=known.value,
    )


def _json(body: str) -> Message:
    try:
        payload: JSON = json.loads(body)
    except (ValueError, RecursionError):
        return Message(source=body[:SHOWN_CHARACTERS])
    source = json.dumps(payload, ensure_ascii=False, indent=2)[:SHOWN_CHARACTERS]
    said = tuple(_told(payload)) if isinstance(payload, dict) else ()
    return Message(lines=tuple(line for line in said if line.kind == "divider" or line.words.strip()), source=source)


def _told(payload: dict[str, Any]) -> Iterator[Line]:
    """What a payload of ours tells: Slack's blocks, a chat's title and body, or a webhook's events."""
    data = payload.get("data")
    if "blocks" in payload or "text" in payload:
        yield from lines(payload)
    elif isinstance(data, dict):
        yield _line("header", payload.get("type", ""))
        yield _line("header", data.get("subject", ""))
        yield from (_line("text", one) for one in _list(data.get("lines")))
        told = _list(data.get("events")) or [data]
        for number, one in enumerate(one for one in told[:_EVENTS] if isinstance(one, dict)):
            yield from (Line(kind="divider"),) if number else ()
            yield from _event(one)
        yield from (_line("context", one) for one in (*_list(data.get("notes")), *_list(data.get("left_out"))))
    else:
        yield _line("header", payload.get("title", ""))
        yield from (_line("text", one) for one in str(payload.get("body", "")).splitlines())


def _event(told: dict[str, Any]) -> Iterator[Line]:
    event = told.get("event")
    if not isinstance(event, dict):
        return
    first = next((one for one in _list(event.get("sources")) if isinstance(one, dict)), {})
    link = wording.web_link(first.get("link") if isinstance(first.get("link"), str) else None)
    yield Line(
        kind="text", pieces=(Piece(text=wording.one_line(str(event.get("title", "")), 300), bold=True, url=link),)
    )
    yield _line("text", event.get("summary", ""))
    yield from (
        _line("quote", one["text"]) for one in _list(told.get("changes")) if isinstance(one, dict) and "text" in one
    )
    yield _line("context", told.get("reason", ""))


def _list(value: JSON) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(kind: str, words: JSON) -> Line:
    return Line(kind=kind, pieces=(Piece(text=wording.one_line(str(words), 2000)),))
