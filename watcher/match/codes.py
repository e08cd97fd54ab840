"""The codes that a rule may write for currencies, countries and languages; any other could never match.

Currencies are ISO 4217, countries ISO 3166-1 alpha-2, languages the tags of RFC 5646 with an ISO 639-1 primary subtag,
or with one of three letters.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from functools import cache
from importlib import resources

from watcher.match.nodes import Node

_ISO_639_1 = frozenset(
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo  es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it "
    "iu ja jv ka kg  ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt "
    "my na nb nd ne ng nl nn  no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk "
    "sl sm sn so sq sr ss st su sv sw  ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi "
    "yo za zh zu".split()
)
_TAG = re.compile(r"([a-z]{2,3})(-[a-z0-9]{2,8})*")
_OTHER_NAMES = {
    "english": "en", "chinese": "zh", "cn": "zh", "mandarin": "zh", "japanese": "ja", "jp": "ja", "korean": "ko",
    "german": "de", "french": "fr", "spanish": "es", "italian": "it", "portuguese": "pt", "dutch": "nl",
    "russian": "ru", "eng": "en",
    "uk": "GB", "china": "CN", "usa": "US", "prc": "CN", "eu": "name the countries one by one", "england": "GB",
    "united states": "US", "germany": "DE", "japan": "JP", "korea": "KR", "south korea": "KR",
    "rmb": "CNY", "yuan": "CNY", "$": "USD", "us$": "USD", "dollar": "USD", "€": "EUR", "euro": "EUR", "£": "GBP",
    "yen": "JPY", "cnh": "CNY", "ntd": "TWD", "stg": "GBP",
}  # fmt: skip
"""What people write instead, folded, and the code that they mean."""


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes that amounts may carry."""
    return frozenset(resources.files("watcher.data").joinpath("iso4217.txt").read_text("ascii").split())


@cache
def countries() -> frozenset[str]:
    """The ISO 3166-1 alpha-2 codes, from the table of the time zone database, and Kosovo's, which has none there."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    return frozenset(line[:2] for line in table.splitlines() if line and not line.startswith("#")) | {"XK"}


def read_currencies(node: Node | None) -> frozenset[str]:
    """Currency codes in capitals; what is none becomes a mistake."""
    return _read(node, "currency", str.upper, lambda code: code in currencies(), currencies)


def read_countries(node: Node | None) -> frozenset[str]:
    """Country codes in capitals; what is none becomes a mistake."""
    return _read(node, "country", str.upper, lambda code: code in countries(), countries)


def read_languages(node: Node | None) -> frozenset[str]:
    """Language tags in small letters; what is none becomes a mistake."""
    return _read(node, "language", lambda text: text.lower().replace("_", "-"), _is_language, lambda: _ISO_639_1)


def _is_language(tag: str) -> bool:
    found = _TAG.fullmatch(tag)
    return found is not None and (len(found[1]) == 3 or found[1] in _ISO_639_1) and tag not in _OTHER_NAMES


def _read(
    node: Node | None,
    what: str,
    shape: Callable[[str], str],
    known: Callable[[str], bool],
    every: Callable[[], Collection[str]],
) -> frozenset[str]:
    found = set()
    for child in filled(node, what):
        text = child.text()
        code = shape(text)
        if text and not known(code):
            child.wrong(f"no {what} {text!r}, so it can never match", _instead(code, what, every()))
        found.add(code)
    return frozenset(found - {""})


def _instead(code: str, what: str, known: Collection[str]) -> str:
    meant = _OTHER_NAMES.get(code.lower())
    if meant:
        return f"write {meant}" if len(meant) <= 3 else meant
    near = difflib.get_close_matches(code, sorted(known), n=1, cutoff=0.6)
    examples = {"currency": "USD or CNY", "country": "CN or DE", "language": "en or zh"}[what]
    return f"did you mean {near[0]}?" if near else f"a code, as {examples}"


def filled(node: Node | None, what: str) -> list[Node]:
    """The elements of a list; an empty one, which could never match, becomes a mistake."""
    if node is None:
        return []
    elements = node.elements()
    if not elements:
        node.wrong(f"an empty list of {what}, which can never match", "write one at least, or delete the line")
    return elements
