"""The names and signs of currencies (`currencies.txt`), and whose dollar, yen sign, crown or peso a text means.

Which amounts are money is decided in `money`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from watcher.annotate.cues import CueScanner, spelled, tables
from watcher.annotate.folding import fold, is_han, script

DOLLAR, YEN_SIGN, CROWN, PESO, RUPEE, FRANC, YUAN_CHAR, DINAR, RIYAL = (
    "$",
    "¥",
    "kr",
    "peso",
    "rupee",
    "franc",
    "元",
    "dinar",
    "riyal",
)
"""Signs that more than one currency uses; `Reader.settle` makes a code of them."""

_TABLES = tables("currencies.txt")


def _forms(kind: str) -> dict[str, str]:
    return {
        form.strip(): header[1]
        for header, phrases in _TABLES
        if header[0] == kind
        for phrase in phrases
        for form in spelled(fold(phrase))
    }


PREFIX_FORMS: dict[str, str] = _forms("prefix")
"""What may stand before a number, folded, and the code or sign it means."""
SUFFIX_FORMS: dict[str, str] = _forms("suffix")
"""What may stand after a number and its scale."""
_SCAN = CueScanner(
    (f"{header[1]}:{word}", (word,)) for header, words in _TABLES if header[0] == "home" for word in words
)
_ISLAND_STOCK, _HARBOUR_STOCK = re.compile(r"\(\d{4}\)"), re.compile(r"\((?:\d{5}|\d{1,5}\.hk)\)")
"""Stock codes in brackets: four digits in Taipei, five or `.HK` in Hong Kong."""
MIN_TRADITIONAL = 0.05
"""Least share of traditional characters that fold to others in a text of Taiwan or Hong Kong."""
_CHOICES: dict[str, tuple[tuple[str, ...], str]] = {
    CROWN: (("SEK", "DKK", "NOK"), "SEK"),
    PESO: (("MXN", "PHP", "ARS", "CLP", "COP"), "MXN"),
    RUPEE: (("PKR", "LKR"), "INR"),
    RIYAL: (("QAR",), "SAR"),
    DINAR: (("KWD",), "KWD"),
    FRANC: ((), "CHF"),
}
_LOCAL_DOLLARS = ("AUD", "CAD", "HKD", "SGD", "TWD", "NZD")


@lru_cache(maxsize=8)
def tells(text: str) -> dict[str, int]:
    """How many different words of the text point to each currency's home (`US` for the United States)."""
    found = {hit.label for hit in _SCAN.hits(fold(text)) if hit.label != "US:us" or text[hit.start : hit.end] == "US"}
    counts: dict[str, int] = {}
    for label in found:
        code = label.split(":", 1)[0]
        counts[code] = counts.get(code, 0) + 1
    return counts


@lru_cache(maxsize=64)
def settle(sign: str | None, text: str, language: str | None) -> str | None:
    """The ISO code of a sign or name as used in this text; codes pass through.

    A bare `$` is a local dollar only when two different words of the text point to that country and none to the United
    States; `¥` is the yen in Japanese texts or where Japan is named more than China.
    """
    if sign is None or (len(sign) == 3 and sign.isupper()):
        return sign
    if sign == DOLLAR:
        return _dollar(tells(text))
    if sign == YEN_SIGN:
        return _yen_sign(text, language)
    if sign == YUAN_CHAR:
        return _yuan(text, language)
    options, default = _CHOICES[sign]
    counts = tells(text)
    return max((code for code in options if counts.get(code)), key=lambda code: counts[code], default=default)


def _dollar(counts: dict[str, int]) -> str:
    if counts.get("US"):
        return "USD"
    best = max(_LOCAL_DOLLARS, key=lambda code: counts.get(code, 0))
    return best if counts.get(best, 0) >= 2 else "USD"


def _yen_sign(text: str, language: str | None) -> str:
    spoken = (language or script(text))[:2]
    if spoken in ("ja", "zh"):
        return "JPY" if spoken == "ja" else "CNY"
    counts = tells(text)
    return "JPY" if counts.get("JPY", 0) > counts.get("CNY", 0) else "CNY"


def _yuan(text: str, language: str | None) -> str:
    home = (language or "").lower()
    if home in ("zh-tw", "zh-hant-tw"):
        return "TWD"
    if home in ("zh-hk", "zh-hant-hk"):
        return "HKD"
    folded = fold(text)
    if "人民币" in folded or not _traditional(text, folded):
        return "CNY" if "新台币" not in folded or "人民币" in folded else "TWD"
    counts = tells(text)
    island = counts.get("TWD", 0) + bool(_ISLAND_STOCK.search(folded))
    harbour = counts.get("HKD", 0) + bool(_HARBOUR_STOCK.search(folded))
    return "CNY" if island == harbour else "TWD" if island > harbour else "HKD"


def _traditional(text: str, folded: str) -> bool:
    """Whether the text is in traditional characters, as in Taiwan and Hong Kong."""
    han = sum(map(is_han, text))
    changed = sum(one != other and is_han(one) for one, other in zip(text, folded, strict=True))
    return changed > MIN_TRADITIONAL * han


def alternatives(forms: dict[str, str]) -> str:
    """A regex alternation of the forms, longest first."""
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
