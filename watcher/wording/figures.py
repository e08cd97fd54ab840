"""Numbers, days and amounts of money as words, in the reader's language and beside his currency."""

from __future__ import annotations

import re
from datetime import date, datetime

from watcher.model import Bound, Fact, Language
from watcher.wording.phrases import say
from watcher.wording.text import one_line

STALE_DAYS = 7
"""A rate further from the news than this is said to be stale."""
_EN, _ZH = Language.ENGLISH, Language.CHINESE
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SCALES = {
    _EN: ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k")),
    _ZH: ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}
_CURRENCIES = {
    "AED": "阿联酋迪拉姆", "AUD": "澳元", "BRL": "巴西雷亚尔", "CAD": "加元", "CHF": "瑞士法郎", "CNY": "元人民币",
    "CZK": "捷克克朗", "DKK": "丹麦克朗", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "HUF": "匈牙利福林",
    "IDR": "印尼盾", "ILS": "以色列新谢克尔", "INR": "印度卢比", "JPY": "日元", "KRW": "韩元", "MOP": "澳门元",
    "MYR": "马来西亚林吉特", "NOK": "挪威克朗", "NZD": "新西兰元", "PLN": "波兰兹罗提", "RUB": "俄罗斯卢布",
    "SAR": "沙特里亚尔", "SEK": "瑞典克朗", "SGD": "新加坡元", "THB": "泰铢", "TRY": "土耳其里拉", "TWD": "新台币",
    "USD": "美元", "VND": "越南盾", "ZAR": "南非兰特",
}  # fmt: skip
"""Names of currencies in Chinese; any other stands by its code."""


def day(value: date | datetime, language: Language = _EN) -> str:
    """`29 Jul 2024`, the same in every locale; in Chinese `2024年7月29日`."""
    if language is _ZH:
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def weekday(value: date | datetime, language: Language = _EN) -> str:
    """`Sunday 22 Nov 2026`."""
    return say("weekday_day", language, weekday=say(_WEEKDAYS[value.weekday()], language), day=day(value, language))


def written_day(value: str, language: Language = _EN) -> str:
    """An ISO day, month or year as words; anything else as it is."""
    try:
        return day(date.fromisoformat(value[:10]), language)
    except ValueError:
        pass
    year, dash, month = value.partition("-")
    if dash and year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12:
        return f"{year}年{int(month)}月" if language is _ZH else f"{_MONTHS[int(month) - 1]} {year}"
    return value


def compact(value: float, digits: int = 4, language: Language = _EN) -> str:
    """`10.2bn`, `712M`, `850k`, `12.5`, in Chinese `102亿`: at most `digits` significant digits, no trailing zeros."""
    size = abs(value)
    for scale, suffix in _SCALES[language]:
        # Rounding may carry into the next scale: 999,960 is 1M and never 1000k.
        if float(f"{size:.{digits}g}") >= scale:
            return f"{_plain(value / scale, digits)}{suffix}"
    return _plain(value, digits)


def _plain(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:f}".rstrip("0").rstrip(".")


def _named(figure: str, currency: str, language: Language) -> str:
    name = _CURRENCIES.get(currency, f" {currency}") if language is _ZH else currency
    return say("in_currency", language, figure=figure, currency=name)


def _figure(low: float, high: float | None, digits: int, language: Language) -> str:
    figure = compact(low, digits, language)
    return f"{figure}–{compact(high, digits, language)}" if high is not None and high > low else figure


def amount(fact: Fact, language: Language = _EN) -> str:
    """A money fact in its own currency with its bound: `up to 1.2bn USD`, `10M–15M EUR`, in Chinese `最高12亿美元`."""
    if not isinstance(fact.value, int | float) or isinstance(fact.value, bool):
        return one_line(fact.text, 80)
    figure = _figure(fact.value, fact.high, 4, language)
    words = _named(figure, fact.currency, language) if fact.currency else say("no_currency", language, figure=figure)
    return say(fact.bound or Bound.EXACT, language, amount=words)


def usd(value: float, language: Language = _EN) -> str:
    """`1.43bn USD`: three digits, since a converted amount is no more exact than that."""
    return _named(compact(value, 3, language), "USD", language)


def amount_usd(fact: Fact) -> float | None:
    """The fact's amount in US dollars, where it is known."""
    if fact.usd is not None:
        return fact.usd
    known = fact.currency == "USD" and isinstance(fact.value, int | float)
    return float(fact.value) if known and not isinstance(fact.value, tuple) else None


def full_amount(fact: Fact, language: Language = _EN) -> str:
    """`10.2bn CNY (≈ 1.43bn USD, rate of 15 Dec 2025)`, a stale rate said to be one.

    The other currency is the reader's where a digest was built for one, else the dollar. Plain when the amount is in
    that currency or has no rate.
    """
    own = amount(fact, language)
    if shown := fact.shown:
        other = _named(_figure(shown.value, shown.high, 3, language), shown.currency, language)
        return _worth(own, other, shown.rate_date, shown.stale_days, language)
    if fact.usd is None or fact.currency in (None, "USD"):
        return own
    told, rated = fact.told_at, fact.rate_date
    stale = abs((told.date() - rated).days) if told and rated else 0
    return _worth(own, usd(fact.usd, language), rated, stale, language)


def _worth(own: str, other: str, rated: date | None, stale_days: int, language: Language) -> str:
    if rated is None:
        return say("worth", language, own=own, other=other)
    if stale_days > STALE_DAYS:
        return say("worth_stale", language, own=own, other=other, day=day(rated, language), days=stale_days)
    return say("worth_at", language, own=own, other=other, day=day(rated, language))


# ── words that were written before their reader was known ────────────────────────────────────────────────────────────

_NUMBER = r"-?\d+(?:\.\d+)?(?:tn|bn|M|k)?"
_WRITTEN = re.compile(
    rf"(?P<before>about |more than |up to )?(?<![\w.])(?P<low>{_NUMBER})(?:–(?P<high>{_NUMBER}))?"
    r" (?P<currency>[A-Z]{3})\b(?P<after> or more)?"
)
_BOUNDS = {"about ": "about", "more than ": "at_least", "up to ": "at_most"}
_UNITS = {"tn": 1e12, "bn": 1e9, "M": 1e6, "k": 1e3}


def translated(words: str, language: Language) -> str:
    """English words that `amount` and `usd` wrote, with their amounts in `language`; all else as it is."""
    if language is _EN:
        return words
    return _WRITTEN.sub(lambda found: _again(found, language), words)


def _again(found: re.Match[str], language: Language) -> str:
    low, high = (_read(found[name]) for name in ("low", "high"))
    if low is None:
        return found[0]
    bound = "vague" if found["after"] else _BOUNDS.get(found["before"] or "", "exact")
    return say(bound, language, amount=_named(_figure(low, high, 6, language), found["currency"], language))


def _read(figure: str | None) -> float | None:
    if figure is None:
        return None
    unit = next((one for one in _UNITS if figure.endswith(one)), "")
    # The decimal point moves in text: 1.2bn is 1,200,000,000 and not a neighbour of it.
    return float(f"{figure.removesuffix(unit)}e{round(len(str(int(_UNITS[unit]))) - 1) if unit else 0}")
