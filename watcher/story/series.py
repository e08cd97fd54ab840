"""Headlines of a series: the same words with other numbers tell different things ("Week 3", "Week 4")."""

from __future__ import annotations

import re
import unicodedata

_AMOUNT = re.compile(
    r"(?:[$€£¥₩]|\b(?:usd|eur|gbp|cny|rmb|hk|us|a)\$?)\s*\d[\d.,]*"
    r"|\d[\d.,]*\s*(?:%|percent\b|million\b|billion\b|bn\b|mn?\b|mio\b|mrd\b|mill|usd\b|eur\b|[万亿萬億만억]|美元|元)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NOT_WORDS = re.compile(r"[\W_]+")


def apart(title: str, other: str) -> bool:
    """Whether two headlines share all words and differ in a number that is no amount: amounts get corrected."""
    if title == other:
        return False
    words, numbers = _form(title)
    other_words, other_numbers = _form(other)
    return words == other_words and numbers != other_numbers


def _form(title: str) -> tuple[str, list[str]]:
    plain = _AMOUNT.sub(" ¤ ", unicodedata.normalize("NFKC", title).casefold())
    return _NOT_WORDS.sub(" ", _NUMBER.sub(" ", plain)).strip(), _NUMBER.findall(plain)
