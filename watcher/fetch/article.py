"""Which items' pages are worth a request, and when a request that failed is worth another. Pure.

robots.txt is not asked: nothing is crawled. A feed that a person chose links to the article, and its page is fetched
once, as a reader's click would, with a User-Agent that says who we are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from urllib.parse import urlsplit

from watcher.model import FetchOutcome, Item

LONG_ENOUGH_BYTES = 3000
"""UTF-8 bytes of text from which on a feed has brought the article itself: some 500 English words, 1,000 Chinese
characters. Summaries measure 100 to 1,500."""
HISTORY_AGE = timedelta(hours=24)
NEWS_AGE = timedelta(days=14)
PAGES_OF_ONE_DOCUMENT = 100
REQUESTS_MAX = 4
ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"
_WAITS = (timedelta(minutes=15), timedelta(hours=2), timedelta(hours=12))
_JITTER = 0.2
_WINDOW = timedelta(hours=36)
_PASSING = frozenset(
    {
        FetchOutcome.RATE_LIMITED,
        FetchOutcome.SERVER_ERROR,
        FetchOutcome.TIMEOUT,
        FetchOutcome.DNS,
        FetchOutcome.TLS,
        FetchOutcome.CONNECTION,
        FetchOutcome.TRUNCATED,
        FetchOutcome.EMPTY_BODY,
        FetchOutcome.PARSER_FAILED,
        FetchOutcome.INTERNAL_ERROR,
    }
)
_NO_PAGE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|zip|gz|mp3|m4a|mp4|webm|mov|jpe?g|png|gif|webp|svg|xml|rss|csv|json)$", re.IGNORECASE
)
# A long text that says itself that it goes on elsewhere.
_GOES_ON = re.compile(
    r"(?:\.\.\.|…|\[\s*(?:…|\.\.\.)\s*\]|(?:read|see) (?:more|the full (?:story|article))|continue reading"
    r"|阅读(?:全文|更多)|查看(?:全文|更多)|[»→>]{1,2})[\s\])»→.]*$",
    re.IGNORECASE,
)


class Choice(StrEnum):
    """Whether an item's page is asked for; stored with the page."""

    WANTED = "wanted"
    NO_LINK = "no_link"
    NO_PAGE = "link_is_no_page"
    HISTORY = "history"
    OLD = "old"
    LONG_ENOUGH = "feed_text_is_long_enough"
    TOO_MANY = "too_many_at_once"


def choose(item: Item, *, now: datetime) -> Choice:
    """Whether to ask for the page of a new or changed item.

    Of a feed's first fetch only what was published in the last day, of later news the last fortnight.
    """
    if not item.link:
        return Choice.NO_LINK
    if _NO_PAGE.search(urlsplit(item.link).path):
        return Choice.NO_PAGE
    age = now - item.told_at
    if item.history and (item.published_at is None or age > HISTORY_AGE):
        return Choice.HISTORY
    if age > NEWS_AGE:
        return Choice.OLD
    whole = len(item.text.encode("utf-8", "ignore")) >= LONG_ENOUGH_BYTES
    return Choice.LONG_ENOUGH if whole and not _GOES_ON.search(item.text[-80:]) else Choice.WANTED


@dataclass(frozen=True, slots=True, kw_only=True)
class NextTry:
    """What follows a request that brought no page. `at` is None when it was the last one."""

    at: datetime | None
    reason: str


def next_try(
    outcome: FetchOutcome, *, tries: int, retry_after_s: float | None, wanted_at: datetime, key: str, now: datetime
) -> NextTry:
    """After request number `tries` (from 1): passing faults are tried three times more, 15 min, 2 h and 12 h apart.

    ±20 % by a hash of `key`; never before Retry-After, and not at all when that is later than a day and a half after
    the page was wanted, since news is old by then. Any other fault is the end.
    """
    if outcome not in _PASSING or tries >= REQUESTS_MAX:
        return NextTry(at=None, reason=outcome.value)
    chance = int.from_bytes(sha256(f"{key}:{tries}".encode()).digest()[:8]) / 2**64
    wait = _WAITS[max(tries, 1) - 1] * (1 - _JITTER + 2 * _JITTER * chance)
    at = now + max(wait, timedelta(seconds=min(retry_after_s or 0, 365 * 86400)))
    return NextTry(at=None if at > wanted_at + _WINDOW else at, reason=outcome.value)
