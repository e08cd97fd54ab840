"""Finds dates in a text: days, months, quarters and years, absolute or completed from the item's date.

Reads English, Chinese, Japanese, Korean, Spanish, Portuguese, Italian, French and German. What a date means for a
sentence (past, planned) is left to `stance`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from watcher.annotate.folding import fold
from watcher.model import DateMention, TextField


class Named(NamedTuple):
    """A date found at `[start, end)`: its first day and its precision (day, month, quarter, year)."""

    start: int
    end: int
    day: date
    precision: str


_MONTH_NAMES = {
    1: "january jan enero janeiro gennaio januar jänner janvier",
    2: "february feb febrero fevereiro febbraio februar février fevrier",
    3: "march mar marzo março marco märz mars",
    4: "april apr abril aprile avril",
    5: "may mayo maio maggio mai",
    6: "june jun junio junho giugno juni juin",
    7: "july jul julio julho luglio juli juillet",
    8: "august aug agosto août aout",
    9: "september sep sept septiembre setembro settembre septembre",
    10: "october oct octubre outubro ottobre oktober octobre",
    11: "november nov noviembre novembro novembre",
    12: "december dec diciembre dezembro dicembre dezember décembre",
}
_MONTH = {name: number for number, names in _MONTH_NAMES.items() for name in names.split()}
_M = "(?:" + "|".join(sorted(_MONTH, key=len, reverse=True)) + ")"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_QUARTERS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "1": 1,
    "2": 2,
    "3": 3,
    "4": 4,
}
_YEAR = r"(?:19[5-9]\d|20[0-6]\d)"
_NOT_CODE = r"(?<![\w.,/$€£¥-])"
_D = r"(?:0?[1-9]|[12]\d|3[01])"

_PATTERN = re.compile(
    rf"""
    (?<![\w.-])(?P<iso_y>{_YEAR})(?P<sep>[-/.])(?P<iso_m>0?[1-9]|1[0-2])(?P=sep)(?P<iso_d>{_D})(?!\d|[-/.]\d)
  | (?P<han_y>(?<!\d){_YEAR}|今|去|前|明|当)\s?[年년](?:底|初|末)?
       (?:\s?(?P<han_m>0?[1-9]|1[0-2])\s?[月월](?:份)?(?:\s?(?P<han_d>{_D})\s?[日号일])?
       |\s?第?(?P<han_q>[一二三四1-4])(?:季度|四半期|분기)|(?P<han_half>[上下])半年)?
  | (?<![\d.])(?P<m_only>0?[1-9]|1[0-2])\s?[月월](?:份|(?:\s?(?P<md_d>{_D})\s?[日号일]))?(?!\d)
  | (?<![\d.,])(?P<d_only>{_D})[日号](?!\d)
  | (?<!\w)(?P<last>(?:last|this|next)\s)?(?P<mon>{_M})\b\.?
       (?:\s(?P<mon_d>{_D})(?:st|nd|rd|th)?(?![\d.]*\d|\s?(?:%|million|billion|percent)))?
       (?:,?\s(?:of\s)?(?P<mon_y>{_YEAR}))?(?![\w])
  | (?<![\w.,-])(?P<dm_d>{_D})(?:st|nd|rd|th|\.|º|°)?\s(?:of\s|de\s)?(?P<dm_m>{_M})\b\.?
       (?:,?\s(?:de\s|del\s|of\s)?(?P<dm_y>{_YEAR}))?(?!\w)
  | (?<!\w)(?:q(?P<q>[1-4])|(?P<q_word>first|second|third|fourth)[\s-]quarter)(?:\s(?:of\s)?(?P<q_y>{_YEAR}))?(?!\w)
  | (?<!\w)(?:h(?P<h>[12])|(?P<h_word>first|second)\shalf)\s(?:of\s)?(?P<h_y>{_YEAR})(?!\w)
  | (?<!\w)(?P<rel>today|yesterday|last\syear|this\syear|next\syear|last\smonth)(?!\w)
  | (?<!\w)(?:on\s|last\s|this\s|since\s)(?P<week>{"|".join(_WEEKDAYS)})(?!\w)
  | {_NOT_CODE}(?P<year>{_YEAR})(?![\w%]|[.,]\d|[-/]\d)
    """,
    re.VERBOSE,
)
_TRIGGER = re.compile(
    r"(?<!\d)\d{1,4}(?!\d)|\d{5,}|[今去前明当]年|\b(?:last|this|next|today|yesterday|on|since|first|second|third|fourth|[qh][1-4])\b"
    rf"|\b{_M}\b"
)
_BEFORE_MONTH = re.compile(r"(?:in|since|by|until|during|early|late|mid|from|of|and|to|for|en|em|im|in|end)[\s-]$")


def dates(text: str, field: TextField, dated: date | None = None) -> tuple[DateMention, ...]:
    """The dates of a text in order; those without a year are completed to the nearest one to `dated`, or left out."""
    return tuple(
        DateMention(
            field=field,
            start=one.start,
            end=one.end,
            text=text[one.start : one.end],
            day=one.day,
            precision=one.precision,
        )
        for one in named(text, dated)
    )


@lru_cache(maxsize=8)
def named(text: str, dated: date | None) -> tuple[Named, ...]:
    """As `dates`, without the field."""
    return tuple(_scan(fold(text), dated))


def _scan(folded: str, dated: date | None) -> Iterator[Named]:
    at = 0
    while trigger := _TRIGGER.search(folded, at):
        found = _PATTERN.match(folded, trigger.start())
        at = max(trigger.start() + 1, found.end()) if found else trigger.end()
        if found is None:
            continue
        reading = _read(found, dated)
        if reading is not None and _stands_alone(folded, found):
            end = found.end()
            while end > found.start() and folded[end - 1] in " .\t\n":
                end -= 1
            yield Named(found.start(), end, *reading)


def _stands_alone(folded: str, found: re.Match[str]) -> bool:
    name = found["mon"]
    if not name or found["mon_d"] or found["mon_y"] or found["last"]:
        return True
    before = folded[max(0, found.start() - 7) : found.start()]
    return bool(_BEFORE_MONTH.search(before)) and (name not in ("mars", "mai", "marco") or before.endswith("en "))


Reading = tuple[date, str] | None


def _read(found: re.Match[str], dated: date | None) -> Reading:
    for group, reader in _ORDER:
        if found[group]:
            return reader(found, dated)
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def nearest(dated: date | None, month: int, day: int = 1, *, past: bool = False) -> date | None:
    """The day in the year that brings it nearest to `dated` (`past`: not after it); None without a date."""
    if dated is None:
        return None
    options = [one for year in (dated.year - 1, dated.year, dated.year + 1) if (one := _day(year, month, day))]
    if past:
        options = [one for one in options if one <= dated and (one.year, one.month) != (dated.year, dated.month)]
    return min(options, key=lambda one: abs(one - dated), default=None)


def _made(day: date | None, precision: str) -> Reading:
    return (day, precision) if day else None


def _iso(found: re.Match[str], _dated: date | None) -> Reading:
    return _made(_day(int(found["iso_y"]), int(found["iso_m"]), int(found["iso_d"])), "day")


def _han(found: re.Match[str], dated: date | None) -> Reading:
    written = found["han_y"]
    if not written.isdigit():
        if dated is None:
            return None
        written = str(dated.year + {"去": -1, "前": -2, "明": 1}.get(written, 0))
    year = int(written)
    if found["han_d"]:
        return _made(_day(year, int(found["han_m"]), int(found["han_d"])), "day")
    if found["han_m"]:
        return date(year, int(found["han_m"]), 1), "month"
    if found["han_q"]:
        return date(year, 3 * _QUARTERS[found["han_q"]] - 2, 1), "quarter"
    if found["han_half"]:
        return date(year, 1 if found["han_half"] == "上" else 7, 1), "quarter"
    return date(year, 1, 1), "year"


def _han_month(found: re.Match[str], dated: date | None) -> Reading:
    if found["md_d"]:
        return _made(nearest(dated, int(found["m_only"]), int(found["md_d"])), "day")
    return _made(nearest(dated, int(found["m_only"])), "month")


def _han_day(found: re.Match[str], dated: date | None) -> Reading:
    if dated is None:
        return None
    day = _day(dated.year, dated.month, int(found["d_only"]))
    if day and day - dated > timedelta(days=15):
        before = date(dated.year, dated.month, 1) - timedelta(days=1)
        day = _day(before.year, before.month, int(found["d_only"]))
    return _made(day, "day")


def _month_first(found: re.Match[str], dated: date | None) -> Reading:
    month = _MONTH[found["mon"]]
    past = (found["last"] or "").startswith("last")
    day = int(found["mon_d"] or 1)
    precision = "day" if found["mon_d"] else "month"
    if found["mon_y"]:
        return _made(_day(int(found["mon_y"]), month, day), precision)
    return _made(nearest(dated, month, day, past=past), precision)


def _day_first(found: re.Match[str], dated: date | None) -> Reading:
    month, day = _MONTH[found["dm_m"]], int(found["dm_d"])
    if found["dm_y"]:
        return _made(_day(int(found["dm_y"]), month, day), "day")
    return _made(nearest(dated, month, day), "day")


def _quarter(found: re.Match[str], dated: date | None) -> Reading:
    number = int(found["q"]) if found["q"] else _QUARTERS[found["q_word"]]
    if found["q_y"]:
        return date(int(found["q_y"]), 3 * number - 2, 1), "quarter"
    return _made(nearest(dated, 3 * number - 2), "quarter")


def _half(found: re.Match[str], _dated: date | None) -> Reading:
    second = found["h"] == "2" or found["h_word"] == "second"
    return date(int(found["h_y"]), 7 if second else 1, 1), "quarter"


def _relative(found: re.Match[str], dated: date | None) -> Reading:
    if dated is None:
        return None
    word = " ".join(found["rel"].split())
    if word in ("today", "yesterday"):
        return dated - timedelta(days=word == "yesterday"), "day"
    if word == "last month":
        return (date(dated.year, dated.month, 1) - timedelta(days=1)).replace(day=1), "month"
    return date(dated.year + {"last year": -1, "next year": 1}.get(word, 0), 1, 1), "year"


def _weekday(found: re.Match[str], dated: date | None) -> Reading:
    if dated is None:
        return None
    return dated - timedelta(days=(dated.weekday() - _WEEKDAYS.index(found["week"])) % 7), "day"


def _year(found: re.Match[str], _dated: date | None) -> Reading:
    return date(int(found["year"]), 1, 1), "year"


_ORDER: tuple[tuple[str, Callable[[re.Match[str], date | None], Reading]], ...] = (
    ("iso_y", _iso),
    ("han_y", _han),
    ("m_only", _han_month),
    ("d_only", _han_day),
    ("mon", _month_first),
    ("dm_m", _day_first),
    ("q", _quarter),
    ("q_word", _quarter),
    ("h_y", _half),
    ("rel", _relative),
    ("week", _weekday),
    ("year", _year),
)
