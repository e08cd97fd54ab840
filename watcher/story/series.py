"""Headlines of a series: the same words with another number or another name tell different things ("Week 3", "Week 4";
"Broker rates Alta outperform", "Broker rates Borea outperform").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_AMOUNT = re.compile(
    r"(?:[$€£¥₩]|\b(?:usd|eur|gbp|cny|rmb|hk|us|a)\$?)\s*\d[\d.,]*"
    r"|\d[\d.,]*\s*(?:%|percent\b|million\b|billion\b|bn\b|mn?\b|mio\b|mrd\b|mill|usd\b|eur\b|[万亿萬億만억]|美元|元)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NOT_WORDS = re.compile(r"[\W_]+")
_MARKS = "'\".,:;!?()\u201c\u201d\u2018\u2019\u00ab\u00bb"
LEAST_WORDS = 5
"""Words from which on two headlines do not differ in one alone by chance."""


def apart(title: str, other: str) -> bool:
    """Whether two headlines share all words and differ in a number that is no amount: amounts get corrected."""
    if title == other:
        return False
    words, numbers = _form(title)
    other_words, other_numbers = _form(other)
    return words == other_words and numbers != other_numbers


def renamed(title: str, other: str) -> bool:
    """Whether two headlines are alike word for word but for one name, and long enough for that to be no chance.

    A name is written with a capital, not first in the headline, where other words are not; and neither is a part of the
    other, which would be its longer form.
    """
    one, two = title.split(), other.split()
    if len(one) != len(two) or len(one) < LEAST_WORDS or one[0] != two[0]:
        return False
    differing = [(mine, its) for mine, its in zip(one, two, strict=True) if mine != its]
    if len(differing) != 1:
        return False
    mine, its = (word.strip(_MARKS) for word in differing[0])
    plain = sum(word[:1].islower() for word in one[1:])
    named = mine[:1].isupper() and its[:1].isupper() and plain > 0
    return named and mine.casefold() not in its.casefold() and its.casefold() not in mine.casefold()


@lru_cache(maxsize=65536)
def _form(title: str) -> tuple[str, list[str]]:
    plain = _AMOUNT.sub(" ¤ ", unicodedata.normalize("NFKC", title).casefold())
    return _NOT_WORDS.sub(" ", _NUMBER.sub(" ", plain)).strip(), _NUMBER.findall(plain)
