"""What of an item tells stories apart: its key, the keys by which other tellings of its story are found, its words.

`story_key` knows certain sameness only: two items share it when they name the same page under the same headline, or,
without a link, tell the same words under the same headline. `fingerprint` holds what a decision needs; the decision
itself belongs to `same`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from urllib.parse import urlsplit

from watcher.model import Item
from watcher.story.roundup import is_roundup
from watcher.story.words import features, stop_words

_NOT_WORDS = re.compile(r"[\W_]+")
_LEAD = 600
"""Code points of a text that count in full; what follows counts half."""
_TITLE_COUNTS, _REST_COUNTS = 1.2, 0.5
_NEUTRAL = frozenset("=~@#+")
BANDS, _BAND_BITS = 4, 16


def normal(text: str) -> str:
    """Letters and digits only, case and width folded, one space between words."""
    return _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def page(link: str | None) -> str | None:
    """The page that a link names, without scheme, `www.` and fragment; None where it names only a site."""
    try:
        parts = urlsplit(link) if link else None
    except ValueError:
        return None
    if parts and (parts.path.strip("/") or parts.query):
        return f"{parts.netloc.casefold().removeprefix('www.')}{parts.path.rstrip('/')}?{parts.query}"
    return None


def story_key(item: Item) -> str:
    """The key of the item's story: 64 hexadecimal digits."""
    told = page(item.link) or normal(item.text)
    return hashlib.sha256(f"{normal(item.title)}\n{told}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The part of an item that its story is found by; `id` only names it."""

    id: str
    title: str = ""
    text: str = ""
    language: str | None = None
    dated: date | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What `same` compares. Features are those of `words`, with how much the telling makes of each."""

    telling: Telling
    title: str
    """Normal form of the title."""
    page: str | None
    body: str
    """Hash of the text's normal form; empty for a text too short to be copied."""
    words: Mapping[str, float]
    """Features to compare within a language."""
    neutral: Mapping[str, float]
    """Features to compare across languages: names, numbers, codes, news words."""
    language: str
    """Two letters, or `und` for Latin letters of an unknown language."""
    roundup: bool
    """Tells many things at once."""
    short: bool = False
    """A text without a headline, and a short one: it has few words to share."""
    codes: frozenset[str] = field(default=frozenset())
    """Codes of substances in the title and the lead."""

    @property
    def keys(self) -> frozenset[str]:
        """Keys of which another telling of the story most likely has one."""
        return frozenset(_keys(self))


def fingerprint(item: Telling | Item) -> Fingerprint:
    """The fingerprint of an item; pure, takes some tenths of a millisecond, never raises on any text."""
    told = item if isinstance(item, Telling) else telling(item)
    title, text = list(features(told.title)), told.text
    lead, rest = list(features(text[:_LEAD])), list(features(text[_LEAD:]))
    counted: dict[str, float] = {}
    for part, worth in ((title, _TITLE_COUNTS), (lead, 1.0), (rest, _REST_COUNTS)):
        for one in part:
            counted[one] = counted.get(one, 0.0) + worth
    body = normal(text[:4000])
    return Fingerprint(
        telling=told,
        title=normal(told.title),
        page=page(told.link),
        body=hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:16] if len(body) > 60 else "",
        words={one: count for one, count in counted.items() if one[0] != "+"},
        neutral={one: count for one, count in counted.items() if one[0] in _NEUTRAL},
        language=language_of(told),
        roundup=is_roundup(told.title, text),
        short=not told.title and len(text) < _LEAD,
        codes=frozenset(one for one in (*title, *lead) if one[0] == "#" and one[1].isalpha()),
    )


def telling(item: Item) -> Telling:
    """The part of a stored item that its story is found by."""
    return Telling(
        id=str(item.id),
        title=item.title,
        text=item.text,
        language=item.language,
        dated=item.dated,
        link=item.link,
    )


_SCRIPTS = (
    ("ko", re.compile("[\uac00-\ud7a3]")),
    ("ja", re.compile("[\u3041-\u30fa]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
)
_WORD = re.compile(r"[^\W\d_]+")


def language_of(told: Telling) -> str:
    """The language of a telling: by its script, else as given, else by the small words it uses, else `und`."""
    sample = f"{told.title} {told.text[:400]}"
    letters = sum(char.isalpha() for char in sample) or 1
    for name, pattern in _SCRIPTS:
        if 3 * len(pattern.findall(sample)) > letters:
            return name
    if told.language:
        return told.language[:2].casefold()
    words = _WORD.findall(sample.casefold())
    votes = {
        name: sum(word in stopped for word in words)
        for name, stopped in stop_words().items()
        if name not in ("news", "han", "ru")
    }
    best = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return best[0][0] if best[0][1] > best[1][1] else "und"


def _keys(one: Fingerprint) -> Iterable[str]:
    if len(one.title) > 11:
        yield f"t:{_short(one.title)}"
    if one.page:
        yield f"l:{_short(one.page)}"
    if one.body:
        yield f"b:{one.body}"
    if one.roundup:
        return
    for number, band in enumerate(_simhash_bands(one.words)):
        yield f"s{number}:{band:x}"
    telling = sorted(one.neutral.items(), key=lambda pair: (-_worth(pair[0]) * pair[1], pair[0]))
    best = [name for name, _ in telling[:6] if _worth(name) > 0]
    yield from (f"c:{name}" for name in best if name[0] == "#" and name[1].isalpha())
    yield from (f"p:{a}|{b}" for a, b in combinations(sorted(best), 2))
    words = sorted(one.words.items(), key=lambda pair: (-pair[1] * (1 + (pair[0][0] in "@#")), pair[0]))
    strong = [name for name, _ in words if name[0] not in "=~"][:6]
    yield from (f"w:{a}|{b}" for a, b in combinations(sorted(strong), 2))


_WORTH = {"#": 3.0, "@": 2.5, "+": 1.0, "~": 0.8, "=": 0.7}


def _worth(feature: str) -> float:
    return _WORTH.get(feature[0], 0.0)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _simhash_bands(words: Mapping[str, float]) -> list[int]:
    """Charikar's similarity hash in four bands of 16 bits: near copies share a band."""
    sums = [0.0] * (BANDS * _BAND_BITS)
    for word, count in words.items():
        digest = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        for bit in range(len(sums)):
            sums[bit] += count if digest >> bit & 1 else -count
    whole = sum(1 << bit for bit, total in enumerate(sums) if total > 0)
    return [whole >> (_BAND_BITS * n) & 0xFFFF for n in range(BANDS)] if words else []
