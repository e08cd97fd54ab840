"""Well-known organisations under all their names, and the key by which two mentions are the same party."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from watcher.annotate.gazetteer import DATA, fold_han, latin_key
from watcher.model import PartyKind


@dataclass(frozen=True, slots=True)
class Organisation:
    """A name found in a text; empty `name` and `key` mean: as written."""

    start: int
    end: int
    kind: PartyKind
    name: str = ""
    key: str = ""
    country: str | None = None
    seat: str = ""
    """Key of the place that begins or ends the name."""


@dataclass(frozen=True, slots=True)
class Known:
    name: str
    kind: PartyKind
    country: str | None
    weak: bool


_LEGAL = re.compile(
    r"[\s,]+(?:inc|incorporated|ltd|limited|llc|llp|lp|plc|co|company|corp|corporation|"
    r"gmbh|ag|kgaa|sa|sas|sarl|se|nv|n\.v|bv|b\.v|ab|asa|as|a/s|oy|oyj|"
    r"spa|s\.p\.a|srl|s\.r\.l|sl|s\.l|s\.a|pty|pte|kk|k\.k|holdings?|group)\.?$",
    re.IGNORECASE,
)
_HAN_LEGAL = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|股份公司|控股公司|公司|集团|控股|株式会社)$")
_BRACKETS = re.compile(r"[（(][^）)]*[）)]")


@cache
def known_names() -> tuple[dict[str, Known], dict[str, int], dict[str, Known], dict[str, int]]:
    """Latin key → organisation, first word → most words; Han name → organisation, first two characters → longest."""
    latin: dict[str, Known] = {}
    words: dict[str, int] = {}
    han: dict[str, Known] = {}
    starts: dict[str, int] = {}
    table = (DATA / "party_names.tsv").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, country, name, *others = line.split("\t")
        for alias in (name, *(a for a in "|".join(others).split("|") if a)):
            known = Known(name, PartyKind(kind), country or None, alias[0] == "~")
            alias = alias.lstrip("~")
            if alias.isascii() or latin_key(alias).isascii():
                key = latin_key(alias)
                latin.setdefault(key, known)
                first = key.split(" ")[0]
                words[first] = max(words.get(first, 0), key.count(" ") + 1)
            else:
                key = fold_han(alias)
                han.setdefault(key, known)
                starts[key[:2]] = max(starts.get(key[:2], 0), len(key))
    return latin, words, han, starts


def key_of(name: str) -> str:
    """The identity of a party by its name: the canonical one if known, else without legal form, case and accents."""
    latin, _, han, _ = known_names()
    plain = fold_han(_BRACKETS.sub("", name)).strip(" .,")
    for _ in range(3):
        shorter = _HAN_LEGAL.sub("", _LEGAL.sub("", plain)).strip(" .,")
        if not shorter or shorter == plain:
            break
        plain = shorter
    known = latin.get(latin_key(plain)) or han.get(plain)
    return re.sub(r"[^\w]+", "-", latin_key(known.name if known else plain)).strip("-")
