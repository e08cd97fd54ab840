"""Reads amounts of money written without digits: "one billion dollars", "several hundred million", 三百亿元, 수백억원.

Amounts in digits, and what becomes of both, are `money`'s part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from watcher.annotate import currencies, numerals
from watcher.annotate.bounds import bound_of
from watcher.model import Bound

_SUF = currencies.alternatives(currencies.SUFFIX_FORMS)
_WORD_SCALE = re.compile(
    r"(?<![a-z])(?:multi-?)?(?:hundreds?|thousands?|millions?|billions?|trillions?|crores?|lakhs?)"
    r"(?:[\s-](?:thousand|million|billion|crores?))?(?![a-z])"
)
_WORDS_BEFORE = re.compile(
    r"(?<![a-z])(?P<vague>several|a few|few|many|multiple|tens of|dozens of|hundreds of|thousands of|multi)?[\s-]*"
    rf"(?P<words>(?:{numerals.NUMBER_WORD}[\s-]+){{0,6}})$"
)
_WORD_SUFFIX = re.compile(rf"(?:\s(?:of|in))?[\s-](?P<cur>{_SUF})(?![a-z])")
_HAN_WORDS = re.compile(
    rf"(?<![\d.,])(?P<vague>[数几上])?(?P<num>{numerals.HAN_NUMERAL}{{0,16}}?)(?P<mid>[几多余])?(?P<tail>[十百千]?[千百十]?[万亿]{{1,2}}|[百千])(?P<after>[多余])?\s?(?P<cur>{_SUF})(?P<level>级)?"
    rf"|(?<![\d.,])(?P<bare>数)(?P<bare_tail>[十百千]?[万亿])(?=级?(?:天使|pre|[a-f][+轮]|种子|融资|战略|b轮|a轮))"
    r"|(?<![\d.,])(?P<lvl>[十百千]?[万亿])级(?=别?(?:人民币|融资|天使|pre|[a-f][+轮]|种子|战略))"
)
_HAN_START = re.compile(rf"(?:[数几上]|(?<!{numerals.HAN_NUMERAL}){numerals.HAN_NUMERAL})")
_KOREAN_VAGUE = re.compile(r"수\s?(?P<scale>십억|백억|천억|십만|백만|천만|억|만|조)\s?(?P<cur>원|달러|엔|위안|유로)")
_KOREAN_SCALES = {
    "십억": 1e9,
    "백억": 1e10,
    "천억": 1e11,
    "십만": 1e5,
    "백만": 1e6,
    "천만": 1e7,
    "억": 1e8,
    "만": 1e4,
    "조": 1e12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An amount as read: `sign` is a code or a sign to settle, None when the text names no currency."""

    start: int
    end: int
    value: float
    high: float | None = None
    sign: str | None
    bound: Bound = Bound.EXACT


def word_amounts(folded: str) -> Iterator[Read]:
    """ "One billion dollars", "several hundred million euros", "multi-million-dollar"."""
    for found in _WORD_SCALE.finditer(folded):
        after = _WORD_SUFFIX.match(folded, found.end())
        if not after:
            continue
        words = _WORDS_BEFORE.search(folded[max(0, found.start() - 60) : found.start()])
        read = _worded(folded, found, after, words)
        if read is not None:
            yield read


def _worded(folded: str, found: re.Match[str], after: re.Match[str], words: re.Match[str] | None) -> Read | None:
    start = found.start() - (len(words[0].lstrip()) if words else 0)
    name = re.sub(r"^multi-?", "", found[0])
    scale = _word_scale(name)
    if (
        scale is None
        or (start and folded[start - 1].isdigit())
        or re.search(r"\d[\s-]$", folded[max(0, found.start() - 2) : found.start()])
    ):
        return None
    spoken = words["words"].strip(" -") if words else ""
    count = numerals.english(spoken) if spoken else None
    vague = (words["vague"] if words else None) or ("multi" if found[0].startswith("multi") else None)
    if spoken == "and":
        spoken, start, count = "", found.start(), None
    if count is None and not vague and not name.endswith("s"):
        return None
    lowest = {"tens of": 10.0, "dozens of": 10.0, "hundreds of": 100.0, "thousands of": 1000.0}.get(vague or "", 1.0)
    value = (count or 1.0) * lowest * scale
    sign = currencies.SUFFIX_FORMS[after["cur"]]
    bound = Bound.VAGUE if vague or count is None else bound_of(folded, start, after.end())
    return Read(start=start, end=after.end(), value=value, sign=sign, bound=bound) if value >= 1000 else None


def _word_scale(name: str) -> float | None:
    scale = 1.0
    for word in re.split(r"[\s-]", name):
        one = numerals.SCALES.get(word) or numerals.SCALES.get(word.rstrip("s"))
        if one is None:
            return None
        scale *= one
    return scale


def han_amounts(folded: str) -> Iterator[Read]:
    """三百亿元, 数千万美元, 亿元级, 수백억원."""
    at = 0
    while start := _HAN_START.search(folded, at):
        found = _HAN_WORDS.match(folded, start.start())
        at = start.start() + 1
        if found is None:
            continue
        read = _han_amount(folded, found)
        if read is not None:
            yield read
            at = max(at, found.end())
    for vague in _KOREAN_VAGUE.finditer(folded) if "수" in folded else ():
        sign = currencies.SUFFIX_FORMS[vague["cur"]]
        yield Read(
            start=vague.start(), end=vague.end(), value=_KOREAN_SCALES[vague["scale"]], sign=sign, bound=Bound.VAGUE
        )


def _han_amount(folded: str, found: re.Match[str]) -> Read | None:
    end = found.end()
    if found["bare"] or found["lvl"]:
        value = numerals.han(found["bare_tail"] or found["lvl"])
        if not value or value < 1e6:
            return None
        return Read(start=found.start(), end=end, value=value, sign=currencies.YUAN_CHAR, bound=Bound.VAGUE)
    numeral = found["num"] + found["tail"]
    value = numerals.han(numeral)
    if not value or value < 100 or folded[max(0, found.start() - 3) : found.start()].startswith("单位"):
        return None
    sign = currencies.SUFFIX_FORMS[found["cur"]]
    counted = any(char in "一二三四五六七八九两壹贰叁肆伍陆柒捌玖" for char in numeral) or numeral.startswith("十")
    bound = bound_of(folded, found.start(), end)
    if found["vague"] == "上":
        bound = Bound.AT_LEAST
    elif found["vague"] or (not counted and (bound is Bound.EXACT or found["level"])):
        bound = Bound.VAGUE
    elif (found["mid"] or found["after"]) and bound is Bound.EXACT:
        bound = Bound.AT_LEAST
    if not counted and not found["vague"] and (value < 1e6 or folded.startswith("以上", end)):
        return None
    return Read(start=found.start(), end=end, value=value, sign=sign, bound=bound)
