"""The forms that one English word takes in the news: inflection, British and American spelling. Pure tables and rules.

Written for finding, not for generating: a form too many (`haved`) costs nothing, a missing one costs a match.
"""

from __future__ import annotations

from functools import cache

_IRREGULAR = (
    "be am is are was were been being",
    "have has had having",
    "do does did done doing",
    "become becomes became becoming",
    "begin begins began begun beginning",
    "bring brings brought bringing",
    "build builds built building",
    "buy buys bought buying",
    "choose chooses chose chosen choosing",
    "come comes came coming",
    "cut cuts cutting",
    "draw draws drew drawn drawing",
    "find finds found finding",
    "forge forges forged forging",
    "get gets got gotten getting",
    "give gives gave given giving",
    "go goes went gone going",
    "grow grows grew grown growing",
    "hold holds held holding",
    "keep keeps kept keeping",
    "land lands landed landing",
    "lead leads led leading",
    "leave leaves left leaving",
    "make makes made making",
    "meet meets met meeting",
    "pay pays paid paying",
    "put puts putting",
    "raise raises raised raising",
    "say says said saying",
    "see sees saw seen seeing",
    "seek seeks sought seeking",
    "sell sells sold selling",
    "set sets setting",
    "spend spends spent spending",
    "strike strikes struck striking",
    "take takes took taken taking",
    "tell tells told telling",
    "win wins won winning",
    "withdraw withdraws withdrew withdrawn withdrawing",
    "write writes wrote written writing",
    "city cities",
    "company companies",
)
_BRITISH = (
    ("license", "licence"),
    ("center", "centre"),
    ("program", "programme"),
    ("labor", "labour"),
    ("favor", "favour"),
    ("honor", "honour"),
    ("rumor", "rumour"),
    ("tumor", "tumour"),
    ("therapeutic", "therapeutical"),
    ("defense", "defence"),
    ("catalog", "catalogue"),
    ("judgment", "judgement"),
    ("practice", "practise"),
    ("fiber", "fibre"),
    ("anemia", "anaemia"),
    ("leukemia", "leukaemia"),
    ("pediatric", "paediatric"),
    ("gray", "grey"),
)
_FIXED = frozenset(
    "a an and as at but by for from if in into it its no nor not of off on onto or our out over so than that the their "
    "then these this those to too up via was we were what when where which who whose will with within would you your"
    " under between after before during per".split()
)
_DOUBLING = frozenset(
    "ban cap chip cut drop fit get hit let net plan plug pop rub run ship shop sign-up sit slip spin stop strip submit "
    "swap tap tip top trim unplug up wrap zip bag nab ink-in permit refer transfer commit admit".split()
)
_VOWELS = "aeiou"


@cache
def _families() -> dict[str, frozenset[str]]:
    families: dict[str, frozenset[str]] = {}
    for line in _IRREGULAR:
        words = frozenset(line.split())
        for word in words:
            families[word] = families.get(word, frozenset()) | words
    return families


def _spellings(word: str) -> frozenset[str]:
    found = {word}
    for american, british in _BRITISH:
        if word.startswith(american):
            found.add(british + word[len(american) :])
        elif word.startswith(british):
            found.add(american + word[len(british) :])
    for tail, other in (("ize", "ise"), ("yze", "yse"), ("ization", "isation")):
        for one, two in ((tail, other), (other, tail)):
            if word.endswith(one) and len(word) > len(one) + 2:
                found.add(word[: -len(one)] + two)
    return frozenset(found)


def _regular(word: str) -> set[str]:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return {word + "es", word + "ed", word + "ing"}
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        stem = word[:-1]
        return {stem + "ies", stem + "ied", word + "ing"}
    if word.endswith("ie"):
        return {word + "s", word + "d", word[:-2] + "ying"}
    if word.endswith("e"):
        gerund = word + "ing" if word.endswith(("ee", "oe", "ye")) else word[:-1] + "ing"
        return {word + "s", word + "d", gerund}
    forms = {word + "s", word + "ed", word + "ing"}
    if word in _DOUBLING:
        forms |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    if word.endswith("l") and word[-2:-1] in _VOWELS:  # signalled, signaled
        forms |= {word + "led", word + "ling"}
    return forms


@cache
def forms(word: str) -> frozenset[str]:
    """All forms of one folded English word, itself among them.

    Short function words, words with a digit and words of another script stay as they are. A hyphenated word inflects in
    its last part (`out-license`).
    """
    if len(word) < 3 or not word.replace("-", "").replace("'", "").isalpha() or not word.isascii():
        return frozenset({word})
    if word in _FIXED:
        return frozenset({word})
    head, hyphen, tail = word.rpartition("-")
    if hyphen:
        return frozenset(f"{head}-{form}" for form in forms(tail))
    found: set[str] = set()
    for spelling in _spellings(word):
        found |= _families().get(spelling, frozenset({spelling} | _regular(spelling)))
    return frozenset(found)
