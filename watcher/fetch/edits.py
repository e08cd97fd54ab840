"""Whether an entry that a feed brings once more says something else than before. What an edit sets off is not ours."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MOST_EDITS = 24
"""Edits of one item; some feeds change their entries with every fetch."""
READ_AGAIN_FOR = timedelta(days=14)
"""How long after an item was first seen its edits count: as long as stories stay open by default."""
_URL = re.compile(r"(?:https?://|www\.)\S+")
_NUMBER = r"(?<![\d.,])\d(?:[\d.,\u00a0]{0,12}\d)?\s?[km万千]?"
_COUNTED = r"(?:views?|reads?|comments?|repl(?:y|ies)|likes?|claps?|retweets?|reposts?|aufrufe|kommentare?|vues)"
_COUNTED_HAN = r"(?:阅读|浏览|点击|评论|点赞|转发|收藏|查看)(?:量|数|次数)?"
_COUNTERS = re.compile(
    rf"(?:{_NUMBER}|\bno)\s{{0,2}}{_COUNTED}\b|\b{_COUNTED}\s{{0,2}}[:(]\s{{0,2}}{_NUMBER}"
    rf"|{_COUNTED_HAN}\s{{0,2}}[:(]?\s{{0,2}}{_NUMBER}|{_NUMBER}\s{{0,2}}[次人]?(?:阅读|浏览|点击|评论)"
    r"|(?<!\d)\d{1,3}\s(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?)\sago\b"
    r"|(?<!\d)\d{1,3}\s?(?:秒|分钟|小时|天)前"
)
"""Numbers that readers move, and ages of the page. Not shares, points or votes: those are news in finance."""
_WORD = re.compile(r"[^\W_]+")
_MORE = 6
"""Words that a teaser may end with beyond the text's own: "… Read the whole story on our site"."""


class Edit(StrEnum):
    """What a changed entry is."""

    WORDS = "its words changed"
    SAME_WORDS = "only its markup, links or counters changed"
    TEASER = "it shows less of the text that we have"
    OLDER = "it is an older version"
    LATE = "it was first seen too long ago"
    OFTEN = "it was edited too often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an entry, as far as it is compared."""

    title: str
    summary: str
    text: str
    link: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None


def judge(
    before: Version,
    after: Version,
    *,
    edits: int,
    first_seen_at: datetime,
    now: datetime,
    window: timedelta = READ_AGAIN_FOR,
    from_page: bool = False,
) -> Edit:
    """What the new version of an entry is; only `WORDS` is an edit.

    Words are compared without case, width, punctuation, addresses and counters; those of the title in their order,
    those of the text in any. `from_page`: the stored text is the page's, so that the feed's summary is compared.
    """
    if edits >= MOST_EDITS:
        return Edit.OFTEN
    if now - first_seen_at > window:
        return Edit.LATE
    if before.updated_at and after.updated_at and after.updated_at < before.updated_at:
        return Edit.OLDER
    same_title = words(before.title) == words(after.title)
    old, new = (words(one.summary if from_page else one.text) for one in (before, after))
    if same_title and sorted(old) == sorted(new):
        return Edit.SAME_WORDS
    return Edit.TEASER if same_title and not from_page and _is_teaser(old, new) else Edit.WORDS


def is_another(before: Version, after: Version) -> bool:
    """Whether the entry is another one, of a publisher that uses an id more than once.

    Then its page, headline and publish date are others, and it shares less than half of its words. A headline that
    was changed together with the address made of it leaves date or words as they were.
    """
    if before.link == after.link or None in (before.link, after.link) or words(before.title) == words(after.title):
        return False
    if before.published_at is not None and before.published_at == after.published_at:
        return False
    old, new = set(words(f"{before.title} {before.text}")), set(words(f"{after.title} {after.text}"))
    return 2 * len(old & new) < min(len(old), len(new))


def words(text: str) -> list[str]:
    """The words of a text that count: no addresses, no counters, letters and digits only, folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(_COUNTERS.sub(" ", _URL.sub(" ", folded)))


def _is_teaser(old: list[str], new: list[str]) -> bool:
    """Whether the new words are the beginning of the old ones, but for the last few."""
    if len(new) * 5 > len(old) * 4:
        return False
    common = next((n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(new))
    return len(new) - common <= _MORE and common * 2 >= len(new)
