"""A publisher's date in any of the forms met in feeds, to an instant; impossible and absurd ones are None.

What stands in for a missing date (when the item was first seen) is the store's duty.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

AHEAD = timedelta(hours=24)
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LENGTH = 80
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Month names of other languages whose first letters differ; compared by their start.
_FOREIGN = {"janv": 1, "ene": 1, "gen": 1, "fév": 2, "fev": 2, "mär": 3, "mrz": 3, "maa": 3, "mars": 3}
_FOREIGN |= {"avr": 4, "abr": 4, "mai": 5, "mag": 5, "mei": 5, "giu": 6, "juin": 6, "juil": 7, "lug": 7}
_FOREIGN |= {"aoû": 8, "aou": 8, "ago": 8, "set": 9, "okt": 10, "ott": 10, "out": 10, "dez": 12, "déc": 12, "dic": 12}
# RFC 5322 section 4.3; other letters are ambiguous and read as UTC, as that RFC asks.
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_ZONES |= {"cet": 1, "met": 1, "cest": 2, "mest": 2, "bst": 1, "eet": 2, "eest": 3, "jst": 9, "kst": 9, "hkt": 8}
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?\s*(?P<half>[ap]\.?m\.?)?"
_ZONE = r"(?P<zone>Z|[+-]\d{1,2}:?\d{2}|[+-]\d{2}|(?:UTC|GMT)?[+-]\d{1,2}:?\d{0,2}|[A-Za-z/_]{1,20})?"
_CLOCK = rf"(?:[T\s,]+(?:at\s+)?{_TIME}\s*\(?{_ZONE}\)?.*)?"
_FORMS = tuple(
    re.compile(form + _CLOCK, re.IGNORECASE | re.DOTALL)
    for form in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})\s*[年년]\s*(?P<month>\d{1,2})\s*[月월]\s*(?P<day>\d{1,2})\s*[日일]?",
        r"(?:[^\W\d_]+\.?,?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:de\s+)?(?P<name>[^\W\d_]{3,12})\.?,?"
        r"[\s-]+(?:de\s+)?(?P<year>\d{4}|\d{2})(?!\d)",
        r"(?:[^\W\d_]+\.?,?\s+)?(?P<name>[^\W\d_]{3,12})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})(?!\d)",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?!\d)",
    )
)
_ASCTIME = re.compile(
    rf"[A-Za-z]{{3}}\s+(?P<name>[A-Za-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_TIME}\s*{_ZONE}\s*(?P<year>\d{{4}})",
    re.IGNORECASE,
)
# The two forms that nearly all feeds use, read without the general machinery.
_RFC_822 = re.compile(
    r"(?:[A-Z][a-z]{2},? )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2})(?::(\d{2}))? "
    r"(?:GMT|UTC|Z|([+-]\d{2})(\d{2}))",
    re.ASCII,
)
_RFC_3339 = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(Z|[+-](?:0\d|1[0-3]):[0-5]\d)", re.ASCII)
_ENGLISH = {name.capitalize(): number for number, name in enumerate(_MONTHS, 1)}
_MONTH_ONLY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})")


def _month(name: str) -> int | None:
    folded = name.lower()
    for start, number in _FOREIGN.items():
        if folded.startswith(start):
            return number
    return _MONTHS.index(folded[:3]) + 1 if folded[:3] in _MONTHS else None


def _offset(zone: str | None) -> timezone | None:
    """The zone's offset; UTC for none or an unknown name, None for an impossible number."""
    if not zone:
        return UTC
    numbers = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", zone)
    if numbers is None:
        return timezone(timedelta(hours=_ZONES.get(zone.lower(), 0)))
    hours, minutes = int(numbers[2]), int(numbers[3] or 0)
    if hours > 14 or minutes > 59:
        return None
    return timezone((timedelta(hours=hours, minutes=minutes)) * (-1 if numbers[1] == "-" else 1))


def _hour(parts: dict[str, str | None]) -> int:
    hour = int(parts.get("hour") or 0)
    half = (parts.get("half") or "").lower()[:1]
    return hour % 12 + (12 if half == "p" else 0) if half else hour


def _instant(parts: dict[str, str | None]) -> datetime | None:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 1900 if year >= 90 else 2000
    month = _month(parts["name"] or "") if "name" in parts else int(parts["month"] or 0)
    offset = _offset(parts.get("zone"))
    if month is None or offset is None:
        return None
    hour, minute, second = _hour(parts), int(parts.get("minute") or 0), int(parts.get("second") or 0)
    # 24:00 and a leap second are legal in feeds and unknown to datetime.
    over = timedelta(days=hour == 24, seconds=max(second - 59, 0))
    try:
        at = datetime(year, month, int(parts.get("day") or 1), hour % 24 if hour == 24 else hour, minute, tzinfo=offset)
        return (at + timedelta(seconds=min(second, 59)) + over).astimezone(UTC) if second <= 60 else None
    except (ValueError, OverflowError):
        return None


def _shift(hours: str, minutes: str) -> timedelta:
    """`+08` and `30` to 8½ hours; raises ValueError on more than 14 hours."""
    if int(hours[1:]) > 14 or int(minutes) > 59:
        raise ValueError(hours)
    return timedelta(hours=int(hours[1:]), minutes=int(minutes)) * (-1 if hours[0] == "-" else 1)


def _common(text: str) -> datetime | None:
    """The instant of a date in one of the two usual forms; None leaves it to the others."""
    try:
        if found := _RFC_3339.fullmatch(text):
            return datetime.fromisoformat(found[1] + found[2]).astimezone(UTC)
        if found := _RFC_822.fullmatch(text):
            day, name, year, hour, minute, second, hours, minutes = found.groups()
            at = datetime(int(year), _ENGLISH[name], int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
            return at if hours is None else at - _shift(hours, minutes)
    except (ValueError, KeyError, OverflowError):
        pass
    return None


def read_date(text: str, now: datetime) -> datetime | None:
    """The instant that `text` names, in UTC; None for no date, an impossible one, one before 1990 or over a day ahead.

    A date without a zone is read as UTC, one without a time as midnight.
    """
    text = " ".join(text[:_LENGTH].split())
    if not text:
        return None
    at = _common(text)
    if at is not None:
        return at if EARLIEST <= at <= now + AHEAD else None
    for form in (*_FORMS, _ASCTIME, _MONTH_ONLY):
        found = form.fullmatch(text)
        if found is None:
            continue
        moment = _instant(found.groupdict())
        return moment if moment is not None and EARLIEST <= moment <= now + AHEAD else None
    return None
