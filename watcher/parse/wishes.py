"""What a publisher writes into its feed about when to look again; obeying is `watcher.fetch.schedule`'s duty.

Read from the document's text, whatever parser reads the rest: only the channel's own elements count, which stand before
the first item or after the last one, so the size of the document does not matter.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from watcher.model import Wishes

_PERIODS_S = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WISH_MAX_S = 7 * 86400
_HEAD_CHARACTERS = 200_000
_TAIL_CHARACTERS = 50_000
_LIST_CHARACTERS = 5_000
_ITEM = re.compile(r"<(?:[A-Za-z_][\w.-]{0,60}:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_ITEM_END = re.compile(r"</(?:[A-Za-z_][\w.-]{0,60}:)?(?:item|entry)\s{0,100}>", re.IGNORECASE)
_OPAQUE = re.compile(r"<!--|<!\[CDATA\[")
_ENDS = {"<!--": "-->", "<![CDATA[": "]]>"}
_TAG = r"<{name}(?:\s[^<>]{{0,500}})?>\s{{0,200}}([^<>\s]{{1,60}})\s{{0,200}}</"
_TTL = re.compile(_TAG.format(name="ttl"), re.IGNORECASE)
_PERIOD, _FREQUENCY, _BASE = (
    re.compile(_TAG.format(name=rf"(?:[A-Za-z_][\w.-]{{0,60}}:)?update{name}"), re.IGNORECASE)
    for name in ("Period", "Frequency", "Base")
)
_HOUR = re.compile(_TAG.format(name="hour"), re.IGNORECASE)
_DAY = re.compile(_TAG.format(name="day"), re.IGNORECASE)
_SKIP_HOURS = re.compile(r"<skipHours[\s>]", re.IGNORECASE)
_SKIP_DAYS = re.compile(r"<skipDays[\s>]", re.IGNORECASE)


def _bare(text: str) -> str:
    """The text without comments and without what looks like elements in CDATA sections; cut where one has no end."""
    kept, at = [], 0
    while found := _OPAQUE.search(text, at):
        kept.append(text[at : found.start()])
        end = text.find(_ENDS[found[0]], found.end())
        if end < 0:
            return "".join(kept)
        if found[0] != "<!--":
            kept.append(text[found.end() : end].replace("<", " "))
        at = end + 3
    return "".join((*kept, text[at:]))


def _channel(text: str) -> str:
    """What stands before the first item and after the last one, as far as it is near the document's ends."""
    head = _bare(text[:_HEAD_CHARACTERS])
    first = _ITEM.search(head)
    head = head[: first.start()] if first else head
    if first is None and len(text) <= _HEAD_CHARACTERS:
        return head
    tail = text[-_TAIL_CHARACTERS:]
    ends = list(_ITEM_END.finditer(tail))
    return head + _bare(tail[ends[-1].end() :]) if ends else head


def _said(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _listed(start: re.Pattern[str], each: re.Pattern[str], text: str) -> list[str]:
    """The words of a list element's children."""
    found = start.search(text)
    if found is None:
        return []
    inside = text[found.end() : found.end() + _LIST_CHARACTERS]
    return [word[1] for word in each.finditer(inside.partition("</skip")[0])]


def _hours(words: list[str]) -> tuple[int, ...]:
    """RSS 2.0 counts 0–23, RSS 0.91 counted 1–24: midnight is both 0 and 24."""
    told = {int(word) % 24 for word in words if re.fullmatch(r"[0-9]{1,2}", word) and int(word) <= 24}
    return tuple(sorted(told))


def _days(words: list[str]) -> tuple[int, ...]:
    told = {number for number, name in enumerate(_DAYS) for word in words if word.lower() in (name, name[:3])}
    return tuple(sorted(told))


def _base(word: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(word)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _period_s(period: str, frequency: str) -> int | None:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", frequency):
        return None
    return min(_PERIODS_S.get(period.lower(), 0) // int(frequency), _WISH_MAX_S) or None


def wishes_of(text: str) -> Wishes:
    """The wishes in the text of an RSS, RDF or Atom document; nothing is raised for what cannot be read.

    `ttl` is in minutes; hours and days are those of the RSS 2.0 specification, in GMT; period, frequency and base those
    of the RSS 1.0 syndication module. At most 250,000 characters are looked at.
    """
    channel = _channel(text)
    minutes = _said(_TTL, channel)
    period_s = _period_s(_said(_PERIOD, channel), _said(_FREQUENCY, channel) or "1")
    ttl_s = int(minutes) * 60 if re.fullmatch(r"[0-9]{1,7}", minutes) else 0
    return Wishes(
        ttl_s=min(ttl_s, _WISH_MAX_S) or None,
        period_s=period_s,
        base_at=_base(_said(_BASE, channel)) if period_s else None,
        skip_hours=_hours(_listed(_SKIP_HOURS, _HOUR, channel)),
        skip_days=_days(_listed(_SKIP_DAYS, _DAY, channel)),
    )
