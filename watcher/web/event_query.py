"""The filter of events as an address says it: read into what the store looks for, every mistake named at its field.

Pure but for the exchange rate of the day, which is a table in the program. Nothing anybody writes raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from watcher import wording
from watcher.annotate.money import parse_threshold
from watcher.annotate.rates import to_usd
from watcher.store.event_search import EventFilter, folded

FIELDS = ("text", "rule", "place", "party", "at_least", "stance", "language", "from", "to")
LONGEST = 200
_AT_LEAST = re.compile(r"(?:at\s+least|>=?|≥|至少|不低于|from|over)\s*", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """What was asked for: `written` as it came, made clean; `wrong` by field what is the matter with it."""

    filter: EventFilter
    written: Mapping[str, str]
    wrong: Mapping[str, str]

    @property
    def empty(self) -> bool:
        return not self.written


class _Mistake(ValueError):
    """What is wrong with a field, in words."""


def read(query: Mapping[str, str], *, today: date) -> EventQuery:
    """The filter of an address's parameters; a field that is wrong is left out of the filter."""
    written = {name: words for name in FIELDS if (words := wording.one_line(query.get(name, "")[: LONGEST + 1]))}
    parts: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for name, words in written.items():
        try:
            parts |= dict(_part(name, words, today))
        except _Mistake as mistake:
            wrong[name] = str(mistake)
    since, until = parts.get("since"), parts.get("until")
    if isinstance(since, datetime) and isinstance(until, datetime) and since >= until:
        wrong["to"] = "This day is before the first one."
    return EventQuery(filter=EventFilter(**parts), written=written, wrong=wrong)  # type: ignore[arg-type]


def _part(name: str, words: str, today: date) -> Iterator[tuple[str, object]]:
    if len(words) > LONGEST:
        raise _Mistake(f"At most {LONGEST} characters are looked for.")
    match name:
        case "at_least":
            yield "at_least_usd", _dollars(words, today)
        case "from":
            yield "since", _day(words)
        case "to":
            yield "until", _day(words) + timedelta(days=1)
        case "language":
            if not _LANGUAGE.fullmatch(words):
                raise _Mistake("Write a language as its tag: en, zh, ja.")
            yield "language", re.split("[-_]", words.lower())[0]
        case "text" | "place" | "party":
            if not folded(words):
                raise _Mistake("There is no letter or digit in it.")
            yield name, words
        case _:
            yield name, words


def _dollars(words: str, today: date) -> float:
    try:
        value, currency = parse_threshold(_AT_LEAST.sub("", words, count=1) if _AT_LEAST.match(words) else words)
        converted = to_usd(value, currency, today)
    except ValueError:
        raise _Mistake("Write a number and a currency, as 100M USD, 50M EUR or 1亿元.") from None
    if converted is None:
        raise _Mistake("No exchange rate is known for this currency.")
    return converted.usd


def _day(words: str) -> datetime:
    try:
        found = date.fromisoformat(words)
    except ValueError:
        raise _Mistake("Write a day as 2027-01-31.") from None
    if not 1970 <= found.year <= 9998:
        raise _Mistake("Write a day between 1970 and 9998.")
    return datetime(found.year, found.month, found.day, tzinfo=UTC)
