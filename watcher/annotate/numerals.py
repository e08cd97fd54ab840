"""Reads numbers as texts write them: digits with separators, English number words, Chinese numerals, scales.

What a number counts is left to the caller.
"""

from __future__ import annotations

import re

SCALES: dict[str, float] = {
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "mm": 1e6,
    "mio": 1e6,
    "mio.": 1e6,
    "mill": 1e6,
    "mill.": 1e6,
    "m": 1e6,
    "mi": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "bn": 1e9,
    "bln": 1e9,
    "b": 1e9,
    "bil": 1e9,
    "mrd": 1e9,
    "mrd.": 1e9,
    "md": 1e9,
    "trillion": 1e12,
    "trillions": 1e12,
    "tn": 1e12,
    "trn": 1e12,
    "t": 1e12,
    "crore": 1e7,
    "crores": 1e7,
    "cr": 1e7,
    "lakh": 1e5,
    "lakhs": 1e5,
    "lac": 1e5,
    "lakh crore": 1e12,
    "hundred": 1e2,
    "hundred thousand": 1e5,
    "hundred million": 1e8,
    "hundred billion": 1e11,
    "thousand million": 1e9,
    "dozen": 12.0,
    "mil": 1e3,
    "mille": 1e3,
    "mila": 1e3,
    "tausend": 1e3,
    "millones": 1e6,
    "millón": 1e6,
    "millon": 1e6,
    "milhões": 1e6,
    "milhão": 1e6,
    "milhoes": 1e6,
    "milioni": 1e6,
    "milione": 1e6,
    "millionen": 1e6,
    "mil millones": 1e9,
    "mil milhões": 1e9,
    "mille millions": 1e9,
    "bilhões": 1e9,
    "bilhão": 1e9,
    "miliardi": 1e9,
    "miliardo": 1e9,
    "milliard": 1e9,
    "milliards": 1e9,
    "milliarde": 1e9,
    "milliarden": 1e9,
    "miljoner": 1e6,
    "miljarder": 1e9,
    "millioner": 1e6,
    "milliarder": 1e9,
    "miljoen": 1e6,
    "miljard": 1e9,
}
"""Scales in Latin script, folded."""

HAN_SCALES: dict[str, float] = {
    "十": 1e1,
    "百": 1e2,
    "千": 1e3,
    "万": 1e4,
    "十万": 1e5,
    "百万": 1e6,
    "千万": 1e7,
    "亿": 1e8,
    "十亿": 1e9,
    "百亿": 1e10,
    "千亿": 1e11,
    "万亿": 1e12,
    "兆": 1e12,
    "천": 1e3,
    "만": 1e4,
    "백만": 1e6,
    "천만": 1e7,
    "억": 1e8,
    "조": 1e12,
}

_SMALL = {
    word: float(value)
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
}
_SMALL.update(
    {
        word: 10.0 * value
        for value, word in enumerate(
            ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
        )
    }
)
_SMALL["half"] = 0.5
NUMBER_WORD = "(?:" + "|".join(sorted(_SMALL, key=len, reverse=True)) + "|hundred|and|an?)"

_HAN_DIGITS = {char: float(value) for value, char in enumerate("零一二三四五六七八九")}
_HAN_DIGITS.update(
    {
        "〇": 0.0,
        "两": 2.0,
        "壹": 1.0,
        "贰": 2.0,
        "叁": 3.0,
        "肆": 4.0,
        "伍": 5.0,
        "陆": 6.0,
        "柒": 7.0,
        "捌": 8.0,
        "玖": 9.0,
    }
)
_HAN_UNITS = {"十": 10.0, "拾": 10.0, "百": 100.0, "佰": 100.0, "千": 1000.0, "仟": 1000.0}
HAN_NUMERAL = "[" + "".join((*_HAN_DIGITS, *_HAN_UNITS)) + "万亿兆]"
_LONGEST = 40


def english(words: str) -> float | None:
    """The value of number words below a thousand ("two hundred and fifty", "half a"), or None."""
    total = 0.0
    seen = False
    for word in re.split(r"[\s-]+", words.strip()):
        if word in ("and", ""):
            continue
        if word == "hundred":
            total = (total or 1.0) * 100
        elif word in _SMALL:
            total += _SMALL[word]
        elif word not in ("a", "an"):
            return None
        seen = True
    return (total or 1.0) if seen else None


def han(numeral: str) -> float | None:
    """The value of a Chinese numeral ("三百亿", "一亿两千万", "十"), or None for what is none."""
    if len(numeral) > _LONGEST:
        return None
    total = section = digit = 0.0
    seen_digit = False
    for char in numeral:
        if char in _HAN_DIGITS:
            digit, seen_digit = _HAN_DIGITS[char], True
        elif char in _HAN_UNITS:
            section += (digit if seen_digit else 1.0) * _HAN_UNITS[char]
            digit, seen_digit = 0.0, False
        elif char in "万亿兆":
            section += digit
            scale = HAN_SCALES[char]
            total = (total + section) * scale if total and total < scale else total + (section or 1.0) * scale
            section = digit = 0.0
            seen_digit = False
        else:
            return None
    return total + section + digit


def digits(written: str, *, comma_decimal: bool = False, scaled: bool = True) -> float | None:
    """The value of digits with separators; `comma_decimal` for languages that write 1.234,5.

    `scaled` says that a scale word follows, which makes "1.500" in such a language one and a half.
    """
    if len(written) > _LONGEST:
        return None
    plain = written.replace(" ", "").replace("'", "")
    commas, dots = plain.count(","), plain.count(".")
    if commas and dots:
        decimal = "," if plain.rfind(",") > plain.rfind(".") else "."
        plain = plain.replace("." if decimal == "," else ",", "").replace(",", ".")
    elif commas:
        grouped = bool(re.fullmatch(r"\d{1,3}(?:,\d{2,3})*,\d{3}", plain))
        plain = plain.replace(",", "." if commas == 1 and (not grouped or (comma_decimal and scaled)) else "")
    elif dots > 1 or (dots and comma_decimal and not scaled and re.fullmatch(r"\d{1,3}\.\d{3}", plain)):
        plain = plain.replace(".", "")
    try:
        return float(plain)
    except ValueError:
        return None
