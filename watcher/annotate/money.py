"""Finds amounts of money in a text and reads value, currency and bound; thresholds too.

Digits and scale words are located by a scan, then an anchored grammar reads around each. What an amount is for (its
role) is decided in `money_role`; how many dollars it is, in `rates`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from watcher.annotate import currencies, numerals
from watcher.annotate.bounds import bound_of
from watcher.annotate.folding import fold, is_cjk
from watcher.annotate.money_role import Amount, roles
from watcher.annotate.money_words import Read, han_amounts, word_amounts
from watcher.annotate.rates import rate, to_usd
from watcher.model import Bound, Money, Sentence, TextField

_COMMA_DECIMAL = frozenset(("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "no", "fi", "pl", "ru", "tr", "cs"))

_PRE = currencies.alternatives(currencies.PREFIX_FORMS)
_SUF = currencies.alternatives(currencies.SUFFIX_FORMS)
_NUM = r"\d+(?:[.,']\d+)*"
_NUM_SPACED = r"(?:\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,']\d+)*)"
_NUMBER = re.compile(rf"(?<![\d.,]){_NUM}|(?<=[^\d][.,]){_NUM}")
_NUMBER_SPACED = re.compile(rf"(?<![\d.,]){_NUM_SPACED}|(?<=[^\d][.,]){_NUM_SPACED}")
_PREFIX = re.compile(
    rf"(?:(?<![a-z0-9])|(?<=[0-9]\s))(?:{_PRE}|r)[\s~:]?$|[$€£¥₩₹]\s?$|(?:人民币|美元|美金|港币|港元|台币|欧元|日元|英镑|韩元)(?:约|近|超)?[\s:]?$"
)
_LATIN_SCALE = re.compile(
    r"[\s-]?(?:"
    + currencies.alternatives(
        {name: "" for name in numerals.SCALES if len(name.rstrip(".")) > 3 or name.startswith(("mio", "mrd"))}
    )
    + r")(?![a-z])"
    r"|\s?(?:mln|bln|trn|mill?|bil|mrd|mio|mn|mm|bn|tn|md|mi|cr|lac|m|b|k|t)(?![a-z0-9])",
)
_HAN_SCALE = re.compile(
    r"\s?(?P<mid>[多余几来])?(?P<scale>万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|兆|조|천만|백만|억|만|천|千|百)(?P<after>[多余])?"
)
_HAN_MORE = re.compile(r"\s?(?P<more>\d+(?:\.\d+)?)(?P<scale>千万|百万|万|천만|백만|만|천)")
_SUFFIX = re.compile(rf"(?:\s(?:de|di|of)\s|\sd'|[\s-])?(?:{_SUF})(?:(?<=[^a-z])|(?![a-z]))")
_LINKING = re.compile(r"^(?:\s(?:de|di|of)\s|\sd'|[\s-])")
_LINK = re.compile(r"\s?(?:-|–|—|~|至|到|から|에서)\s?|\sto\s|\sor\s|\sand\s|\sa\s|\sbis\s|\sà\s|\sy\s")
_BETWEEN = re.compile(r"(?:between|entre|zwischen|tra)\s+(?:about |roughly )?$")
_SECOND_PREFIX = re.compile(rf"(?:{_PRE})\s?")
_PLAUSIBLE_AFTER = re.compile(r"[\s-]?[a-z$€£¥₩₹₽₺₱₫₦₪฿₴₸\u3040-\u9fff\uac00-\ud7a3]|\s?[-–—~～]\s?[\d$€£¥₩₹]")
_PLAUSIBLE_BEFORE = re.compile(r"[a-z.$€£¥₩₹₽₺₱₫₦₪฿₴₸~:\u3040-\u9fff][\s~:]?\d")
_MOST_NUMBERS, _MOST_AMOUNTS = 4000, 1000
"""A text with more numbers or amounts is a table, not news; the rest of it is left unread."""
_LEVEL = re.compile(r"\s?(?:级(?!别)|规模级)")
_EQUIVALENT = re.compile(
    r"\s?[,;]?\s?[(\[]?\s?"
    r"(?:or |或|折合|合|约合|相当于|equivalent to |equal to |i\.e\.,? |that is,? |=|≈|/|~|c\.|ca\.?)?"
    r"\s?(?:an?\s)?(?:about |around |approximately |approx\.? |roughly |some |nearly "
    r"|约|大约|共|近|逾|超过?|约合|人民币约|人民币)?\s?$"
)
_BARE_CONTEXT = re.compile(
    r"(?:融资|投资|金额|总额|资金|估值|营收|收入|市值|规模|募资|募集|产值"
    r"|认缴|出资|获得?|补助|首付款?|付款|里程碑|贷款|授信|交易额)[^,;。]{0,10}$"
)
_BARE_AFTER = re.compile(r"\s?(?:$|[,;。.、)!?]|的|融资|投资|[a-f][+]*轮|轮|天使|以上|资金|首付|里程碑|左右)")
_BARE_ENGLISH = re.compile(
    r"\b(?:rais(?:e|es|ed|ing)|secur(?:e|es|ed|ing)|invest(?:s|ed|ing)?|attract(?:s|ed|ing)?"
    r"|funding of|investment of|valued at|valuation of)\s"
    r"(?:up to |more than |over |about |around |nearly |some |a further |another )?$"
)
_BARE_ENGLISH_AFTER = re.compile(r"\s(?:in|from|for|to|at|through|via|round|series|seed|and)\b|[.,;)]|$")
_SHARE_UNIT = re.compile(
    r"\s?(?:股|人|次|吨|件|家|平方|亩|剂|份|户|片|支|台|辆|瓶|例|名|粒|个|只|立方|公里|米|千瓦|度|年|倍|字|头|羽|株|套|瓦|条|点|主)"
)

_SMALLEST = 1000.0
"""Below this many dollars an amount is a price."""
_CODES_ALONE = frozenset(
    ("usd", "eur", "gbp", "rmb", "hkd", "chf", "cny", "jpy", "krw", "sgd", "aud", "twd", "ntd", "euro", "euros")
)
_ANY_CASE = frozenset(("rs", "rs.", "re.", "kr", "fr.", "euro", "euros", "rmb", "renminbi", "rmb yuan", "rp"))
_WEAK_NAMES = frozenset(
    [
        "won",
        "pound",
        "pounds",
        "rand",
        "real",
        "reais",
        "reales",
        "dong",
        "baht",
        "taka",
        "franc",
        "francs",
        "kr",
        "krone",
        "kroner",
        "crown",
        "dinar",
        "dinars",
        "lira",
        "riyal",
        "riyals",
        "libra",
        "libras",
        "pfund",
        "franken",
        "try",
        "cop",
        "pen",
        "php",
    ]
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One number with what stands around it."""

    start: int
    end: int
    value: float
    scale: float | None
    sign: str | None
    prefixed: bool
    loose: bool
    """多/余 between number and unit: the number is a lower bound."""


def money(
    text: str,
    field: TextField,
    sentences: Sequence[Sentence],
    *,
    language: str | None = None,
    dated: date | None = None,
) -> tuple[Money, ...]:
    """The amounts of a text in order, with role and, where a rate is known, their worth in US dollars on `dated`.

    Amounts in brackets that give the same money in another currency are reported too, with the same role.
    """
    folded = fold(text)
    reads = _reads(text, folded, language)[:_MOST_AMOUNTS]
    if not reads:
        return ()
    signed = _settled(reads, text, folded, language, dated)
    worth = [to_usd(one.value, code, dated) for one, code, _ in signed]
    amounts = [
        Amount(start=one.start, end=one.end, same_as=same, small=usd is not None and usd.usd < _SMALLEST)
        for (one, _, same), usd in zip(signed, worth, strict=True)
    ]
    found = roles(text, sentences, amounts, dated)
    return tuple(
        Money(
            field=field,
            start=one.start,
            end=one.end,
            text=text[one.start : one.end],
            value=one.value,
            high=one.high,
            currency=code,
            bound=one.bound,
            role=role,
            converted=usd,
        )
        for (one, code, _), role, usd in zip(signed, found, worth, strict=True)
    )


def parse_threshold(written: str) -> tuple[float, str]:
    """A threshold such as "10M USD", "5,000,000 EUR", "US$ 2.5bn", "1亿元" as value and ISO code (USD when unnamed).

    Raises ValueError with what to write instead.
    """
    text = written.strip()
    folded = fold(text)
    reads = _reads(text, folded, None)
    if len(reads) == 1 and (reads[0].start, reads[0].end) == (0, len(text)) and reads[0].high is None:
        code = currencies.settle(reads[0].sign, text, None)
        if code is not None:
            return reads[0].value, code
    plain = re.fullmatch(rf"(?P<num>{_NUM})\s?(?P<words>[a-z]*(?:\s[a-z]+)?)", folded)
    words = plain["words"].replace(" ", "") if plain else ""
    named = words not in numerals.SCALES and len(words) >= 3
    code = words[-3:].upper() if named else "USD"
    unit = words[:-3] if named else words
    scale = numerals.SCALES.get(unit) if unit else 1.0
    value = numerals.digits(plain["num"]) if plain else None
    if value is None or scale is None or len(code) != 3 or (rate(code, None) is None):
        raise ValueError(f"{written!r} is not an amount; write a number and a currency code, such as 10M USD")
    return value * scale, code


def _reads(text: str, folded: str, language: str | None) -> list[Read]:
    found = [*_digit_amounts(text, folded, language)]
    if any(word in folded for word in ("illion", "thousand", "hundred", "crore", "lakh")):
        found.extend(islice(word_amounts(folded), _MOST_AMOUNTS))
    if any(char in folded for char in "万亿千百억조만"):
        found.extend(islice(han_amounts(folded), _MOST_AMOUNTS))
    return _without_overlaps(found)


# ── digits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _digit_amounts(text: str, folded: str, language: str | None) -> Iterator[Read]:
    comma = (language or "")[:2] in _COMMA_DECIMAL
    spaced = comma or "\u00a0" in text or "\u202f" in text or "\u2009" in text
    number = _NUMBER_SPACED if spaced else _NUMBER
    at = tried = 0
    while tried < _MOST_NUMBERS and (found := number.search(folded, at)):
        at = found.end()
        if not _PLAUSIBLE_AFTER.match(folded, at) and not _PLAUSIBLE_BEFORE.search(
            folded, max(0, found.start() - 2), at
        ):
            continue
        tried += 1
        read = _digit_amount(text, folded, found, comma, number)
        if read is not None:
            yield read
            at = max(at, read.end)


def _digit_amount(text: str, folded: str, found: re.Match[str], comma: bool, number: re.Pattern[str]) -> Read | None:
    first = _part(text, folded, found, comma)
    if first is None:
        return None
    ranged = _range(text, folded, first, comma, number)
    if ranged is not None:
        return ranged
    if first.sign is None:
        return _bare(folded, first)
    if not _credible(folded, first):
        return None
    return _bounded(folded, first)


def _part(text: str, folded: str, found: re.Match[str], comma: bool) -> _Part | None:
    start, at = found.span()
    sign, begin = _prefix(text, folded, start)
    scale, at, loose = _scale(folded, at, sign is not None)
    value = numerals.digits(found[0], comma_decimal=comma, scaled=scale is not None)
    if value is None:
        return None
    value *= scale or 1.0
    if scale is not None and (more := _HAN_MORE.match(folded, at)):
        value += float(more["more"]) * numerals.HAN_SCALES[more["scale"]]
        at = more.end()
    prefixed = sign is not None
    after = _SUFFIX.match(folded, at)
    if after:
        code = currencies.SUFFIX_FORMS[_LINKING.sub("", after[0])]
        if sign is None or (len(sign) != 3 and len(code) == 3) or code == sign or is_cjk(after[0][-1]):
            sign = sign if sign and len(sign) == 3 else code
            at = after.end()
    return _Part(begin, at, value, scale, sign, prefixed, loose)


def _prefix(text: str, folded: str, start: int) -> tuple[str | None, int]:
    if not start or (folded[start - 1].isdigit()):
        return None, start
    found = _PREFIX.search(folded[max(0, start - 12) : start])
    if not found:
        return None, start
    begin = start - (min(start, 12) - found.start())
    form = found[0].strip(" ~:")
    form = form.rstrip("约近超") if is_cjk(form[-1]) else form
    written = text[begin : begin + len(form)]
    if form == "r":
        south = currencies.tells(text).get("ZAR") and written == "R" and found[0] == "r"
        return ("ZAR", begin) if south else (None, start)
    if form.isalpha() and form.isascii() and form not in _ANY_CASE and not written.isupper():
        return None, start
    return currencies.PREFIX_FORMS[form], begin


def _scale(folded: str, at: int, prefixed: bool) -> tuple[float | None, int, bool]:
    han = _HAN_SCALE.match(folded, at)
    if han:
        return numerals.HAN_SCALES[han["scale"]], han.end(), bool(han["mid"] or han["after"])
    latin = _LATIN_SCALE.match(folded, at)
    if latin:
        name = latin[0].strip(" -")
        short = len(name) <= 3
        if short and not prefixed and not _SUFFIX.match(folded, latin.end()):
            return None, at, False
        return numerals.SCALES[name], latin.end(), False
    loose = at < len(folded) and folded[at] in "多余"
    return None, at + loose, loose


def _credible(folded: str, part: _Part) -> bool:
    """Refuses what only looks like money: "COP 26", "INR 2.5", "2021 won", "20 pounds"."""
    if part.scale is not None or part.value >= 10_000 or not part.value:
        return part.value > 0
    words = folded[part.start : part.end]
    name = re.sub(r"[\d\s.,'-]+", "", words)
    if name in _WEAK_NAMES:
        return False
    alone = name.isalpha() and name.isascii() and len(name) == 3 and name not in _CODES_ALONE
    return not (alone and part.value < 1000)


def _range(text: str, folded: str, first: _Part, comma: bool, number: re.Pattern[str]) -> Read | None:
    link = _LINK.match(folded, first.end)
    if not link:
        return None
    word = link[0].strip()
    if word in ("and", "or", "a", "y", "à") and not _BETWEEN.search(folded[max(0, first.start - 20) : first.start]):
        return None
    at = link.end()
    again = _SECOND_PREFIX.match(folded, at)
    following = number.match(folded, again.end() if again else at)
    if not following:
        return None
    second = _part(text, folded, following, comma)
    if second is None:
        return None
    sign = first.sign if first.sign and (len(first.sign) == 3 or not second.sign) else second.sign or first.sign
    low = first.value if first.scale or not second.scale else first.value * second.scale
    plausible = (
        sign is not None
        and low < second.value
        and (first.prefixed or second.sign)
        and (second.scale or first.scale or first.prefixed or second.value < 1e15)
    )
    looks_like_date = first.sign is None and 1900 < first.value < 2100 and not first.scale
    if not plausible or looks_like_date or (first.scale and not second.scale and second.sign is None):
        return None
    return Read(start=first.start, end=second.end, value=low, high=second.value, sign=sign, bound=Bound.RANGE)


def _bare(folded: str, part: _Part) -> Read | None:
    """An amount whose currency goes without saying: 融资总额超过50亿, "raised 10 million in"."""
    if not part.scale or part.scale < 1e4:
        return None
    before = folded[max(0, part.start - 24) : part.start]
    if is_cjk(folded[part.end - 1]):
        if (
            not _BARE_CONTEXT.search(before)
            or _SHARE_UNIT.match(folded, part.end)
            or not _BARE_AFTER.match(folded, part.end)
        ):
            return None
        return _bounded(
            folded,
            replace_sign(
                part,
                currencies.YUAN_CHAR
                if part.scale in (1e4, 1e7, 1e8, 1e6, 1e9, 1e10, 1e11) and folded[part.end - 1] < "가"
                else None,
            ),
        )
    before = folded[max(0, part.start - 40) : part.start]
    if _BARE_ENGLISH.search(before) and _BARE_ENGLISH_AFTER.match(folded, part.end):
        return _bounded(folded, part)
    return None


def replace_sign(part: _Part, sign: str | None) -> _Part:
    """The part with another currency sign."""
    return replace(part, sign=sign)


def _bounded(folded: str, part: _Part) -> Read:
    end = part.end
    level = _LEVEL.match(folded, end) if is_cjk(folded[end - 1]) else None
    bound = Bound.ABOUT if level else bound_of(folded, part.start, end)
    if bound is Bound.EXACT and part.loose:
        bound = Bound.AT_LEAST
    return Read(start=part.start, end=level.end() if level else end, value=part.value, sign=part.sign, bound=bound)


# ── all together ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _without_overlaps(reads: list[Read]) -> list[Read]:
    kept: list[Read] = []
    for read in sorted(reads, key=lambda one: (one.start, -one.end)):
        if not kept or read.start >= kept[-1].end:
            kept.append(read)
    return kept


Signed = tuple[Read, str | None, int | None]
"""An amount, its currency code, and the index of the amount that it restates in another currency."""


def _settled(reads: list[Read], text: str, folded: str, language: str | None, dated: date | None) -> list[Signed]:
    signed: list[Signed] = []
    for index, read in enumerate(reads):
        code = currencies.settle(read.sign, text, language)
        before = reads[index - 1] if index else None
        same: int | None = None
        if before is not None and 0 <= read.start - before.end <= 24:
            code, same = _paired(folded, signed, before, read, code, dated)
        if code is None and before is not None and signed and read.start - before.end < 80:
            code = signed[-1][1]
        signed.append((read, code, same))
    return signed


def _paired(
    folded: str, signed: list[Signed], before: Read, read: Read, code: str | None, dated: date | None
) -> tuple[str | None, int | None]:
    """Whether `read` restates the amount before it; a `¥` in the pair takes the currency that makes them agree."""
    gap = folded[before.end : read.start]
    mark = gap.strip()[:1]
    if not _EQUIVALENT.fullmatch(gap) or not (
        mark in ("(", "[", "≈", "=") or re.search(r"合|相当|equivalent|\bor |或", gap)
    ):
        return code, None
    first_code = signed[-1][1]
    if currencies.YEN_SIGN in (before.sign, read.sign):
        first_code, code = _agreeing(before, read, first_code, code, dated)
        signed[-1] = (before, first_code, signed[-1][2])
    if first_code == code or first_code is None or code is None:
        return code, None
    left, right = to_usd(before.value, first_code, dated), to_usd(read.value, code, dated)
    if left and right and not 0.4 < left.usd / right.usd < 2.5:
        return code, None
    return code, len(signed) - 1


def _agreeing(
    before: Read, read: Read, first: str | None, second: str | None, dated: date | None
) -> tuple[str | None, str | None]:
    options = []
    for one in ("CNY", "JPY") if before.sign == currencies.YEN_SIGN else (first,):
        for two in ("CNY", "JPY") if read.sign == currencies.YEN_SIGN else (second,):
            left, right = to_usd(before.value, one, dated), to_usd(read.value, two, dated)
            if left and right and one != two:
                ratio = left.usd / right.usd
                options.append((max(ratio, 1 / ratio), one, two))
    return min(options)[1:] if options and min(options)[0] < 2 else (first, second)
