"""A digest as Block Kit, within all of Slack's limits; how it is sent is `slack`'s, how text is made inert `mrkdwn`'s.

Sources: Slack's reference on Block Kit (https://docs.slack.dev/reference/block-kit/blocks); slackapi/bolt-js issues
2509 and 2867 on the unwritten limit for a message as a whole. slack-sdk's models build the blocks and check only some
limits, so that all are checked here on what was built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from watcher import wording
from watcher.deliver.headline import DOT, headline
from watcher.deliver.mrkdwn import fitted, link, mrkdwn, plain, units, within
from watcher.model import AlertView, DigestView, EventView

BLOCKS, SECTION, HEADER, FIELD, FIELDS, FALLBACK = 50, 3000, 150, 2000, 10, 1000
CONTEXT_ELEMENTS, ACTIONS, BUTTON_TEXT, BUTTON_URL, TEXT = 10, 25, 75, 3000, 40_000
TOTAL = 13_000
"""UTF-16 units of all blocks as JSON. Slack was seen to refuse from 13,200 on, and once below 12,000 characters of text
in many blocks: containers count, so all of the JSON is counted."""
_FOOT_BLOCKS, _FOOT = 2, 2200
"""Room for the line that says what had none, the coverage line and the links."""

Payload = dict[str, Any]


def payload(view: DigestView) -> Payload:
    """The message: blocks, and `text` for notifications and readers that show no blocks.

    Blocks that Slack would refuse, which would be a mistake of ours, are not sent: then their text is all.
    """
    blocks = [block.to_dict() for block in _blocks(view)]
    made = {"text": fitted(headline(view), FALLBACK), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}
    return made if not faults(made) else as_text(made)


def as_text(made: Payload) -> Payload:
    """The same message without blocks: all they say as mrkdwn, cut between lines."""
    lines: list[str] = []
    for block in made["blocks"]:
        lines += _lines(block)
    kept = {name: value for name, value in made.items() if name != "blocks"}
    return {**kept, "text": within(TEXT, *lines) or made["text"]}


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    if block["type"] == "divider":
        yield "———"
    if block["type"] == "header":
        yield f"*{mrkdwn(block['text']['text'])}*"
    elif "text" in block:
        yield block["text"]["text"]
    for one in block.get("fields", ()):
        yield one["text"].replace("\n", " ", 1)
    elements = block.get("elements", ())
    if block["type"] == "context":
        yield from (one["text"] for one in elements)
    buttons = [*elements, *filter(None, [block.get("accessory")])] if block["type"] != "context" else []
    if buttons:
        yield " · ".join(link(one["url"], one["text"]["text"], BUTTON_TEXT) for one in buttons)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def size(blocks: Sequence[Mapping[str, Any]]) -> int:
    """UTF-16 units of the blocks as the JSON that is sent."""
    return units(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def faults(made: Payload) -> tuple[str, ...]:
    """Every limit of Slack's that the finished message breaks, in words; none when it may be sent."""
    blocks = made.get("blocks", [])
    whole = [
        ("text", units(made["text"]), TEXT),
        ("blocks", len(blocks), BLOCKS),
        ("all blocks", size(blocks), TOTAL),
    ]
    counts = [*whole, *(one for block in blocks for one in _counts(block))]
    empty = [f"{what} is empty" for what, count, _ in counts if count < 1 and what != "blocks"]
    return (*empty, *(f"{what}: {count} of {most}" for what, count, most in counts if count > most))


def _counts(block: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """What a block holds of what is limited: its name, how much, and how much it may be."""
    kind = block["type"]
    if "text" in block:
        yield f"{kind} text", units(block["text"]["text"]), HEADER if kind == "header" else SECTION
    if "fields" in block:
        yield "fields", len(block["fields"]), FIELDS
        yield from (("field", units(one["text"]), FIELD) for one in block["fields"])
    if "elements" in block:
        most = CONTEXT_ELEMENTS if kind == "context" else ACTIONS
        yield f"{kind} elements", len(block["elements"]), most
    if kind == "context":
        yield from (("context text", units(one["text"]), FIELD) for one in block["elements"])
    buttons = block.get("elements", ()) if kind == "actions" else filter(None, [block.get("accessory")])
    for one in buttons:
        yield "button text", units(one["text"]["text"]), BUTTON_TEXT
        yield "button url", len(one["url"]), BUTTON_URL


def room(view: DigestView) -> int:
    """How many of the digest's events one message has room for."""
    return _entries(view.alerts, view, _head(view))[0]


# ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _blocks(view: DigestView) -> list[Block]:
    if view.notice is not None:
        return _notice(view)
    if view.immediate and len(view.alerts) == 1:
        alert = view.alerts[0]
        start = f"{DOT[alert.event.level]} {_marked_update(alert.event.rule_title, alert, view)}"
        return [_header(start), *_notes(view), *_alone(alert, view), *_foot(view, 0)]
    head = _head(view)
    told, entries = _entries(view.alerts, view, head)
    return [*head, *entries, *_foot(view, len(view.alerts) - told)]


def _notice(view: DigestView) -> list[Block]:
    notice = view.notice
    assert notice is not None
    subject = wording.say("subject_notice", view.language, subject=notice.subject)
    blocks: list[Block] = [_header(subject)]
    blocks.append(_section(within(SECTION, *(fitted(line, 500) for line in notice.lines)) or "…"))
    if buttons := _buttons([(notice.action, notice.action_url)]):
        blocks.append(ActionsBlock(elements=buttons))
    return blocks


def _marked_update(words: str, alert: AlertView, view: DigestView) -> str:
    return wording.say("subject_update", view.language, subject=words) if alert.update else words


def _head(view: DigestView) -> list[Block]:
    language = view.language
    local = view.window.closes_at.astimezone(ZoneInfo(view.zone))
    day, clock = wording.weekday(local, language), f"{local:%H:%M}"
    what = wording.number_of("events", len(view.alerts), language)
    words = what if view.alerts else wording.say("nothing_for_you", language)
    moment = wording.say("moment", language, day=day, clock=clock, zone=view.zone)
    return [_header(view.subscription_title), _context(f"{words} · {fitted(moment, 120)}"), *_notes(view)]


def _notes(view: DigestView) -> list[Block]:
    words = within(FIELD, *(fitted(note, 300) for note in view.notes[:6]))
    return [_context(words)] if words else []


def _entries(alerts: Sequence[AlertView], view: DigestView, before: Sequence[Block]) -> tuple[int, list[Block]]:
    """As many events as have room, each whole, and how many they are."""
    told, count, used = 0, len(before), size([block.to_dict() for block in before])
    entries: list[Block] = []
    for _, group in groupby(alerts, key=lambda alert: alert.event.rule_id):
        for place, alert in enumerate(group):
            heading = [_context(f"*{fitted(alert.event.rule_title, 200)}*")] if place == 0 else []
            more = [DividerBlock(), *heading, *_listed(alert, view)]
            count, used = count + len(more), used + size([block.to_dict() for block in more])
            if count > BLOCKS - _FOOT_BLOCKS or used > TOTAL - _FOOT:
                return told, entries
            told += 1
            entries += more
    return told, entries


def _alone(alert: AlertView, view: DigestView) -> list[Block]:
    """An event with its facts side by side: an immediate alert."""
    event, language = alert.event, view.language
    rows = wording.fact_rows(event, language)[:FIELDS]
    fields = [
        MarkdownTextObject(text=f"*{fitted(name, 100)}*\n{fitted(words, 500)}", verbatim=True) for name, words in rows
    ]
    blocks: list[Block] = [_section(within(SECTION, _headline(alert, view), _changed(alert, view)))]
    if fields:
        blocks.append(SectionBlock(fields=fields))
    if quote := _quote(event, 420):
        blocks.append(_section(quote))
    blocks.append(_origin(alert, view))
    links = alert.links
    named = (("open", links.event), ("useful", links.useful), ("not_useful", links.not_useful), ("mute", links.mute))
    buttons = _buttons([(wording.say(name, language), url) for name, url in named])
    return [*blocks, ActionsBlock(elements=buttons)] if buttons else blocks


def _buttons(named: Sequence[tuple[str, str | None]]) -> list[ButtonElement]:
    """Link buttons; one without words or an address is left out."""
    found = ((plain(words, BUTTON_TEXT), wording.web_link(url)) for words, url in named)
    return [
        ButtonElement(text=PlainTextObject(text=words, emoji=False), url=url, action_id=f"link-{number}")
        for number, (words, url) in enumerate(found)
        if words and url
    ]


def _listed(alert: AlertView, view: DigestView) -> list[Block]:
    """An event with its facts on a line: one of a digest."""
    language = view.language
    start = f"{DOT[alert.event.level]} {_marked_update('', alert, view)}"
    facts = fitted(wording.facts_line(alert.event, language), 600)
    told = within(SECTION, start + _headline(alert, view), _changed(alert, view), facts, _quote(alert.event, 280))
    buttons = _buttons([(wording.say("open", language), alert.links.event)])
    section = SectionBlock(text=MarkdownTextObject(text=told, verbatim=True), accessory=buttons[0] if buttons else None)
    links = alert.links
    named = (("useful", links.useful), ("not_useful", links.not_useful), ("mute", links.mute))
    votes = [link(url, wording.say(name, language), 60) for name, url in named if wording.web_link(url)]
    return [section, _origin(alert, view, " · ".join(votes))]


def _changed(alert: AlertView, view: DigestView) -> str:
    """What an update is about, on a line of its own."""
    words = wording.update_line(alert, view.language)
    return f"*{wording.say('subject_update', view.language, subject='').strip()}* {fitted(words, 600)}" if words else ""


def _headline(alert: AlertView, view: DigestView) -> str:
    event = alert.event
    url = next((source.link for source in event.sources if wording.web_link(source.link)), None)
    title = wording.one_line(event.title) or wording.say("no_title", view.language)
    return f"*{link(url, title, 500)}*"


def _quote(event: EventView, room: int) -> str:
    """The first sentence of evidence as a quotation, its deciding words bold."""
    while event.snippets and room > 20:
        words = [_marked(mrkdwn(text), text, marked) for text, marked in wording.segments(event.snippets[0], room)]
        if units(quote := "> " + "".join(words)) <= 2 * 420:
            return quote
        room //= 2
    return ""


def _marked(inert: str, text: str, marked: bool) -> str:
    # Slack makes bold only what stands free; a zero-width space frees a word inside unspaced script.
    return f"\u200b*{inert.strip()}*\u200b" if marked and text.strip() else inert


def _origin(alert: AlertView, view: DigestView, links: str = "") -> Block:
    """Sources, reason and links."""
    language = view.language
    sources = []
    for source in alert.event.sources[:4]:
        named = link(source.link, wording.one_line(source.feed) or wording.say("unnamed_feed", language), 80)
        at = source.published_at
        sources.append(wording.say("source_day", language, feed=named, day=wording.day(at, language)) if at else named)
    more = len(alert.event.sources) - len(sources)
    told = " · ".join([*sources, *([wording.say("more", language, count=more)] if more > 0 else [])])
    why = wording.say("why", language, reason=fitted(wording.reason(alert.reason, language), 300))
    for shown in (told, sources[0] if sources else ""):
        if units(words := "\n".join(filter(None, [shown, why, links]))) <= FIELD:
            return _context(words)
    return _context(within(FIELD, links, why))


def _foot(view: DigestView, untold: int) -> list[Block]:
    """What had no room or was left out, what was looked at, and where to read on."""
    language = view.language
    more = f"*{wording.say('no_room_here', language, count=untold)}*" if untold > 0 else ""
    left = wording.say("left_out", language, what="; ".join(view.left_out[:20])) if view.left_out else ""
    told = within(FIELD, more, fitted(left, 500), fitted(wording.coverage(view.coverage, language), 600))
    named = (
        ("browser", view.links.browser),
        ("preferences", view.links.preferences),
        ("all_events", view.public_url),
    )
    links = " · ".join(link(url, wording.say(name, language), 60) for name, url in named if _shown(name, url, view))
    return [_context(words) for words in (told, links[:0] if units(links) > FIELD else links) if words]


def _shown(name: str, url: str | None, view: DigestView) -> bool:
    """Whether a link is told; the address of all events only to whom no digest of their own is shown."""
    return wording.web_link(url) is not None and (name != "all_events" or not view.links.browser)


def _header(text: str) -> Block:
    return HeaderBlock(text=PlainTextObject(text=plain(text, HEADER) or "…", emoji=False))


def _section(text: str) -> Block:
    return SectionBlock(text=MarkdownTextObject(text=text, verbatim=True))


def _context(text: str) -> Block:
    return ContextBlock(elements=[MarkdownTextObject(text=text or "…", verbatim=True)])
