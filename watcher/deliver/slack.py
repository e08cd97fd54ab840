"""Slack: a digest as Block Kit, posted to an incoming webhook whose address is the password.

Sources: Slack's reference on Block Kit limits and on formatting text; slackapi/bolt-js issue 2509 on the unwritten
limit for a message as a whole. slack-sdk's models build the blocks but check few limits, so they are checked here.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from watcher import wording
from watcher.deliver.answer import Answer, Poster, classify, post
from watcher.deliver.channel import Misconfigured, Resolve, read
from watcher.model import (
    AlertView,
    ChannelConfig,
    DigestView,
    Envelope,
    EventView,
    Level,
    Outcome,
    OutcomeKind,
    Rendered,
)

BLOCKS, SECTION, HEADER, FIELD, FIELDS, FALLBACK = 50, 3000, 150, 2000, 10, 1000
TOTAL = 13_000
"""Characters over all blocks; Slack refuses somewhat above this."""
_KEPT_BACK_BLOCKS, _KEPT_BACK = 2, 1500
"""Room for the line that says what had none, and the coverage line."""
_DOT = {Level.HIGH: "🔴", Level.MEDIUM: "🟠", Level.LOW: "⚪"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_INERT = str.maketrans({"*": "∗", "`": "ˋ", "~": "∼"})
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_CODE = re.compile(r"[a-z][a-z_]{2,40}")


class SlackChannel:
    def __init__(self, config: ChannelConfig, *, client: Poster, resolve: Resolve, timeout_s: float) -> None:
        self._config = config
        self._client = client
        self._resolve = resolve
        self._timeout_s = timeout_s

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002 (its own form)
        """UTF-8 JSON within all of Slack's limits; Slack has no place for an id, so `key` stays with the delivery."""
        body = json.dumps(payload(view), ensure_ascii=False, separators=(",", ":")).encode()
        return Envelope(message_id=key, content_type="application/json; charset=utf-8", body=body)

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002 (the same bytes each time)
        """One POST. Slack's error word, when it says one, is the detail."""
        try:
            url = read(self._config.url, self._resolve, "Slack address")
        except Misconfigured as error:
            return error.outcome()
        headers = {"content-type": envelope.content_type}
        answer = post(self._client, url, headers, envelope.body, timeout_s=self._timeout_s, repeatable=False)
        return answer if isinstance(answer, Outcome) else outcome(answer, now=now)


def outcome(answer: Answer, *, now: datetime) -> Outcome:
    """As for any POST: every 2xx is sent, whatever its body says, since a message sent again would be seen twice."""
    said = answer.body[:200].decode("utf-8", "replace").strip()
    known = classify(answer, now=now)
    if known.kind is OutcomeKind.SENT or not _CODE.fullmatch(said):
        return known
    return replace(known, detail=said)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def mrkdwn(text: str) -> str:
    """`text` so that Slack shows it as it is: no mention, no link, no formatting comes out of it."""
    return _EDGE_UNDERSCORE.sub("ˍ", text.translate(_INERT)).translate(_ESCAPES)


def fitted(text: str, limit: int) -> str:
    """One clean line that is at most `limit` characters after escaping; never cut inside an entity or a character."""
    room = limit
    while len(escaped := mrkdwn(wording.one_line(text, room))) > limit:
        room = min(room - 1, room * limit // len(escaped))
    return escaped


def link(url: str | None, words: str, limit: int) -> str:
    """`<url|words>`, or the words alone when there is no address that Slack would read as one."""
    address = wording.web_link(url)
    if address is None or len(address) > 1000:
        return fitted(words, limit)
    return f"<{address.replace('&', '&amp;')}|{fitted(words, limit)}>"


def _quote(event: EventView) -> str:
    """The first sentence of evidence as a quotation, its deciding words bold."""
    if not event.snippets:
        return ""
    words = []
    for text, marked in wording.segments(event.snippets[0], 360):
        # Slack makes bold only what stands free; a zero-width space frees a word inside unspaced script.
        bold = marked and text.strip()
        words.append(f"\u200b*{mrkdwn(text.strip())}*\u200b" if bold else mrkdwn(text))
    return "> " + "".join(words)


def _within(limit: int, *lines: str) -> str:
    """The lines, in order, that fit into `limit` characters together."""
    taken = ""
    for line in filter(None, lines):
        longer = f"{taken}\n{line}" if taken else line
        if len(longer) <= limit:
            taken = longer
    return taken


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def payload(view: DigestView) -> dict[str, Any]:
    """The message: blocks, and `text` for notifications and readers that show no blocks."""
    blocks = [block.to_dict() for block in _blocks(view)]
    return {"text": _fallback(view), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def weight(blocks: list[dict[str, Any]]) -> int:
    """Characters of text over all blocks, as Slack counts them."""
    return sum(len(text) for block in blocks for text in _texts(block))


def _texts(block: dict[str, Any]) -> list[str]:
    text = block.get("text")
    held = [text] if isinstance(text, dict) else []
    return [str(one["text"]) for one in (*held, *block.get("fields", ()), *block.get("elements", ()))]


def _fallback(view: DigestView) -> str:
    if view.notice is not None:
        return fitted(f"Watcher: {view.notice.subject}", FALLBACK)
    if not view.alerts:
        return fitted(f"{view.subscription_title}: nothing new", FALLBACK)
    first = view.alerts[0].event
    if view.immediate:
        told = wording.update_line(view.alerts[0]) or wording.facts_line(first)
        return fitted(f"{_prefix(view.alerts[0])}{first.title} ({told})", FALLBACK)
    return fitted(f"{view.subscription_title}: {wording.counted(len(view.alerts), 'event')}. {first.title}", FALLBACK)


def _prefix(alert: AlertView) -> str:
    return f"Update: {alert.event.rule_title}: " if alert.update else f"{alert.event.rule_title}: "


def _blocks(view: DigestView) -> list[Block]:
    if view.notice is not None:
        lines = [fitted(line, 500) for line in view.notice.lines]
        return [_header(f"Watcher: {view.notice.subject}"), _section(_within(SECTION, *lines) or "…")]
    if view.immediate and len(view.alerts) == 1:
        alert = view.alerts[0]
        start = "Update: " if alert.update else ""
        return [_header(f"{_DOT[alert.event.level]} {start}{alert.event.rule_title}"), *_alone(alert), *_foot(view, 0)]
    blocks: list[Block] = [_header(view.subscription_title), *_summary(view)]
    told, entries = _entries(view, blocks)
    return [*blocks, *entries, *_foot(view, len(view.alerts) - told)]


def _entries(view: DigestView, before: list[Block]) -> tuple[int, list[Block]]:
    """As many events as have room, each whole, and how many they are."""
    told, taken = 0, [block.to_dict() for block in before]
    entries: list[Block] = []
    for _, group in groupby(view.alerts, key=lambda alert: alert.event.rule_id):
        for place, alert in enumerate(group):
            heading = [_context(f"*{fitted(alert.event.rule_title, 200)}*")] if place == 0 else []
            more = [DividerBlock(), *heading, *_listed(alert)]
            longer = [*taken, *(block.to_dict() for block in more)]
            if len(longer) > BLOCKS - _KEPT_BACK_BLOCKS or weight(longer) > TOTAL - _KEPT_BACK:
                return told, entries
            told, taken = told + 1, longer
            entries += more
    return told, entries


def _alone(alert: AlertView) -> list[Block]:
    """An event with its facts side by side: an immediate alert."""
    event = alert.event
    rows = [f"*{fitted(label, 100)}*\n{fitted(words, 600)}" for label, words in wording.fact_rows(event)[:FIELDS]]
    fields = [MarkdownTextObject(text=row, verbatim=True) for row in rows]
    blocks: list[Block] = [_section(_within(SECTION, _headline(alert), _changed(alert)))]
    if fields:
        blocks.append(SectionBlock(fields=fields))
    if quote := _quote(event):
        blocks.append(_section(_within(SECTION, quote) or "…"))
    return [*blocks, _origin(alert)]


def _listed(alert: AlertView) -> list[Block]:
    """An event with its facts on a line: one of a digest."""
    start = f"{_DOT[alert.event.level]} " + ("Update: " if alert.update else "")
    facts = fitted(wording.facts_line(alert.event), 600)
    told = _within(SECTION, start + _headline(alert), _changed(alert), facts, _quote(alert.event))
    return [_section(told), _origin(alert)]


def _changed(alert: AlertView) -> str:
    """What an update is about, on a line of its own."""
    words = wording.update_line(alert)
    return f"*Update:* {fitted(words, 600)}" if words else ""


def _headline(alert: AlertView) -> str:
    event = alert.event
    url = next((source.link for source in event.sources if wording.web_link(source.link)), None)
    return f"*{link(url, event.title or '(no title)', 600)}*"


def _origin(alert: AlertView) -> Block:
    """Sources and reason."""
    sources = [
        link(source.link, source.feed or "unnamed feed", 80)
        + (f", {wording.day(source.published_at)}" if source.published_at else "")
        for source in alert.event.sources[:4]
    ]
    more = len(alert.event.sources) - 4
    told = " · ".join([*sources, *([f"{more} more"] if more > 0 else [])])
    return _context(_within(FIELD, told, f"Why: {fitted(alert.reason, 300)}"))


def _summary(view: DigestView) -> list[Block]:
    words = wording.counted(len(view.alerts), "event") if view.alerts else "Nothing new for you this time"
    return [_context(f"{words} · {fitted(view.window.key, 60)} · {fitted(view.zone, 60)}")]


def _foot(view: DigestView, untold: int) -> list[Block]:
    more = f"*and {wording.counted(untold, 'more event')}* that this message has no room for" if untold > 0 else ""
    coverage = view.coverage
    checked = f"{coverage.feeds_checked} of {wording.counted(coverage.feeds_total, 'feed')} checked" if coverage else ""
    if coverage and coverage.failing:
        checked += f". Not reached: {fitted(wording.joined(coverage.failing), 300)}"
    if coverage and coverage.silent:
        checked += f". Silent for long: {fitted(wording.joined(coverage.silent), 300)}"
    left_out = fitted(f"Left out: {'; '.join(view.left_out)}", 500) if view.left_out else ""
    page = link(view.public_url, "All events", 40) if wording.web_link(view.public_url) else ""
    words = _within(_KEPT_BACK, more, left_out, " · ".join(filter(None, [checked, page])))
    return [_context(words)] if words else []


def _header(text: str) -> Block:
    return HeaderBlock(text=PlainTextObject(text=wording.one_line(text, HEADER) or "…", emoji=False))


def _section(text: str) -> Block:
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True))


def _context(text: str) -> Block:
    return ContextBlock(elements=[MarkdownTextObject(text=text or "…", verbatim=True)])
