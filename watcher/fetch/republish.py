"""Whether what a document brings as new is news: old entries under new ids, a return after silence, or a busy day.

Pure. A publisher that moves to another system gives its whole archive new ids, and readers must not be flooded. But a
feed all of whose entries are new may also be a fast one that we did not look at for a while, or one that brings a
batch a day. The ids cannot tell them apart and the number cannot either; the dates can. An entry dated no later than
what was known is old, however new its id. Many later ones are news when they are spread over the time since, as what
was posted one by one is (an import dates all alike), or when the feed always brings about as many in such a time. The
latter is the only witness of a feed without dates. Where nothing of this speaks for the entries, ten may still alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MANY = 10
"""So many entries of a document may be new without a doubt."""
FEW = 10
"""So many may alert of a document that is doubted, the newest of those that are dated after all that was known."""
MOST_AFTER_SILENCE = 200
"""So many may alert of a document whose dates show that they were posted while we did not look."""
SETTLED = timedelta(days=1)
"""A feed younger than this is not doubted: we do not know what it is like."""
SILENCE = timedelta(days=7)
"""A feed that brought nothing for so long returns; old entries that it then brings are no news."""
_USUAL_TIMES = 3
"""How many times the usual number is still usual: there are busy days."""


class Verdict(StrEnum):
    """Why a new entry alerts or stays silent."""

    NEWS = "news"
    OLD = "dated before what was known"
    UNDATED = "undated, and nothing else says that it is new"
    TOO_MANY = "more than may be told at once"

    @property
    def silent(self) -> bool:
        return self is not Verdict.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of the feed: its newest publish date, how many items a day it brings, when it last brought one."""

    newest_at: datetime | None
    per_day: float
    last_news_at: datetime


def is_republished(*, new: int, of: int, first_fetched_at: datetime | None, now: datetime) -> bool:
    """Whether a document is doubted: more than half of its entries, and more than ten, come under new ids."""
    return first_fetched_at is not None and now - first_fetched_at > SETTLED and new > MANY and 2 * new > of


def is_return(*, last_news_at: datetime, now: datetime) -> bool:
    """Whether a feed speaks again after a long silence, its own or ours."""
    return now - last_news_at > SILENCE


def is_plausible(dates: Sequence[datetime | None], past: Past, *, now: datetime) -> bool:
    """Whether so many new entries, with these publish dates, are what the feed may have posted since it last did."""
    return _is_usual(len(dates), past, now=now) or _is_spread(dates, past, now=now)


def verdicts(dates: Sequence[datetime | None], past: Past, *, doubted: bool, now: datetime) -> list[Verdict]:
    """What each new entry is, in the order of their publish dates as given.

    For a document that is `doubted` (`is_republished`) or the first after a silence.
    """
    usual = _is_usual(len(dates), past, now=now)
    plain = [_verdict(date, past, undated_is_news=usual or not doubted) for date in dates]
    most = len(dates) if usual else MOST_AFTER_SILENCE if _is_spread(dates, past, now=now) else FEW
    news = [number for number, verdict in enumerate(plain) if verdict is Verdict.NEWS]
    # documents are mostly newest first, so that the place decides among those of one time
    newest = sorted(news, key=lambda number: (dates[number] or past.last_news_at, -number), reverse=True)[:most]
    kept = set(newest)
    return [
        Verdict.TOO_MANY if verdict is Verdict.NEWS and number not in kept else verdict
        for number, verdict in enumerate(plain)
    ]


def _verdict(date: datetime | None, past: Past, *, undated_is_news: bool) -> Verdict:
    if date is None:
        return Verdict.NEWS if undated_is_news else Verdict.UNDATED
    return Verdict.NEWS if _is_later(date, past) else Verdict.OLD


def _is_later(date: datetime, past: Past) -> bool:
    known = past.newest_at or past.last_news_at
    if date.hour == date.minute == date.second == 0:  # a date without a time says the day only
        return date.date() >= known.date()
    return date > known


def _is_usual(count: int, past: Past, *, now: datetime) -> bool:
    days = (now - past.last_news_at) / timedelta(days=1)
    return count <= _USUAL_TIMES * past.per_day * days


def _is_spread(dates: Sequence[datetime | None], past: Past, *, now: datetime) -> bool:
    """Whether most of the entries are later than all that was known, and posted one by one over the time since."""
    later = [date for date in dates if date is not None and _is_later(date, past)]
    if 2 * len(later) < len(dates) or not later:
        return False
    minutes = {date.replace(second=0, microsecond=0) for date in later}
    since = past.newest_at or past.last_news_at
    return 2 * len(minutes) >= len(later) and max(later) - min(later) >= (now - since) / 4
