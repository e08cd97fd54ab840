"""The words of a text as features that inflection, script and language change as little as possible.

A feature is a string whose first character says what it is: `=` a country, `~` a word of the news in any language, `@`
a place or a well-known organisation, `#` a number or a code, `+` a name by its capital, anything else a word or two
characters of a script without spaces. How much a feature weighs is left to `same`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from watcher.annotate.gazetteer import DATA, fold_han, fold_latin, gazetteer, latin_key
from watcher.annotate.party_names import known_names

_PIECE = re.compile(
    r"\d+(?:[.,]\d+)*"
    r"|[\u3400-\u9fff\uf900-\ufaff]+|[\u30a1-\u30fa\u30fc]+|[\u3041-\u3096]+|[\uac00-\ud7a3]+|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+"
    r"|[^\W\d_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]+(?:['’][^\W\d_]{1,2}\b)?"
)
_CODE = re.compile(
    r"(?<![A-Za-z0-9-])(?=[A-Z0-9-]*[A-Z][A-Z0-9-]*\d)[A-Z]{1,6}[A-Z0-9]?-?[A-Z]{0,2}\d{2,7}[A-Z]?(?![A-Za-z0-9-])"
)
_SCALES = {
    **dict.fromkeys("k thousand tausend mil mille 千 천".split(), 1e3),
    **dict.fromkeys("万 만".split(), 1e4),
    **dict.fromkeys("m mn mln million millions millionen mio millones millon milhoes milioni 百万 백만".split(), 1e6),
    **dict.fromkeys("亿 億 억".split(), 1e8),
    **dict.fromkeys("bn b billion billions milliarde milliarden mrd milliards milliard miliardi bilhoes".split(), 1e9),
    **dict.fromkeys("tn trillion trillions billionen 万亿 조".split(), 1e12),
}
_HAN_SCALE = re.compile(r"万亿|百万|[千万亿천만억조]|백만")
_LATIN_SCALE = re.compile(r"[  -]?([a-zA-Zõãíé]+)")
_PARTICLE = re.compile(r"(?:에서|으로|에게|까지|부터|이다|했다|한다|[은는이가을를에의로와과도서])$")
_CYRILLIC = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya i i e g".split(" "),
        strict=True,
    )
)
_GREEK = dict(
    zip("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(), strict=True)
)
_TRANSLITERATED = str.maketrans(_CYRILLIC | _GREEK)
MOST_READ = 6_000
"""Code points of a text that count: what a story is about stands at its beginning."""


@dataclass(frozen=True, slots=True)
class Meanings:
    """The table of news words: whole words, beginnings by their letters, words in scripts without spaces."""

    whole: dict[str, str]
    begins: dict[str, str]
    joined: dict[str, str]
    longest: dict[str, int]


@cache
def meanings() -> Meanings:
    whole: dict[str, str] = {}
    begins: dict[str, str] = {}
    joined: dict[str, str] = {}
    longest: dict[str, int] = {}
    for line in (DATA / "news_words.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, forms = line.split("\t")
        feature = name if name.startswith("=") else f"~{name}"
        for form in forms.split("|"):
            if not form.rstrip("*").replace(" ", "").replace("-", "").replace(".", "").isascii():
                form = fold_han(form)
                joined.setdefault(form, feature)
                longest[form[:1]] = max(longest.get(form[:1], 0), len(form))
            elif form.endswith("*"):
                begins.setdefault(form[:-1], feature)
            else:
                whole.setdefault(latin_key(form), feature)
    return Meanings(whole, begins, joined, longest)


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """Words that tell nothing, by language; `news` and `han` as the file says."""
    lines = (DATA / "stop_words.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {name: frozenset(words if name == "han" else words.split()) for name, words in rows}


@cache
def _stopped() -> frozenset[str]:
    return frozenset().union(*(words for name, words in stop_words().items() if name != "han"))


_ENDINGS = re.compile(r"(?:'s|’s|s'|'|’)$")


@lru_cache(maxsize=65536)
def plain(word: str) -> str:
    """A word in Latin letters without case, accents, possessive; Cyrillic and Greek letters transliterated."""
    folded = fold_latin(_ENDINGS.sub("", word))
    if folded.isascii():
        return folded
    return "".join(c for c in folded.translate(_TRANSLITERATED) if c.isalnum())


@lru_cache(maxsize=65536)
def meaning(word: str) -> str | None:
    """The meaning of a plain word by the table of news words."""
    table = meanings()
    if found := table.whole.get(word):
        return found
    for size in range(min(len(word), 12), 3, -1):
        if found := table.begins.get(word[:size]):
            return found
    return None


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word without the endings of English; long words by their first seven letters, which serves most languages."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    return word[:7].rstrip("e") if len(word) > 4 else word


def features(text: str) -> Iterator[str]:
    """The features of a text in its order, with repeats; any string is fine."""
    text = fold_han(unicodedata.normalize("NFKC", text[:MOST_READ]))
    codes = {found.start(): found for found in _CODE.finditer(text)}
    pieces = list(_PIECE.finditer(text))
    shown = _capitals_tell(text)
    at, done = 0, 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if piece.start() < done:
            continue
        first = piece[0][0]
        if code := codes.get(piece.start()):
            done = code.end()
            yield "#" + code[0].replace("-", "").casefold()
        elif first.isdigit():
            value, done = _number(text, piece)
            if value:
                yield value
        elif "\u3400" <= first <= "\u9fff":
            yield from _han(piece[0])
        elif "\uac00" <= first <= "\ud7a3":
            yield from _hangul(piece[0])
        elif "\u30a1" <= first <= "\u30fc":
            yield _joined(piece[0]) or piece[0]
        elif "\u3041" <= first <= "\u3096":
            continue
        elif _spaceless(first):
            yield from (piece[0][i : i + 3] for i in range(max(1, len(piece[0]) - 2)))
        else:
            known, taken = _named(pieces, at - 1, text, shown)
            if known:
                at += taken - 1
                yield known
            else:
                yield from _word(piece[0], shown)


def _spaceless(char: str) -> bool:
    return "\u0e00" <= char <= "\u0eff" or "\u1000" <= char <= "\u109f" or "\u1780" <= char <= "\u17ff"


def _capitals_tell(text: str) -> bool:
    """Do some words but not all begin with a capital, so that a capital marks a name?"""
    words = text.split()[:60]
    upper = sum(word[:1].isupper() for word in words)
    return 0 < upper < 0.75 * len(words)


def _word(written: str, shown: bool) -> Iterator[str]:
    word = plain(written)
    if len(word) < 2 or word in _stopped():
        return
    known = meaning(word)
    if known:
        yield known
        return
    yield stem(word)
    if written[0].isupper() or not shown:
        yield "+" + word[:8]


def _number(text: str, piece: re.Match[str]) -> tuple[str | None, int]:
    """A number with its scale as `#…` to three digits, and where it ends; small numbers and years tell nothing."""
    value, end = _value(piece[0]), piece.end()
    scale = None
    if found := _HAN_SCALE.match(text, end):
        scale, end = _SCALES[found[0]], found.end()
    elif found := _LATIN_SCALE.match(text, end):
        scale = _SCALES.get(fold_latin(found[1]))
        end = found.end() if scale else end
    if scale is not None:
        value *= scale
    elif "." not in piece[0] and "," not in piece[0] and (value < 13 or 1990 <= value <= 2040):
        return None, end
    return f"#{value:.3g}", end


def _value(written: str) -> float:
    """1,200 and 1.200 are 1200; 1.2 and 1,2 are 1.2; what is neither is read up to its first sign."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+", written) and not written.startswith("0"):
        written = written.replace(",", "").replace(".", "")
    whole, _, rest = written.replace(",", ".").partition(".")
    return float(f"{whole[:15]}.{rest.partition('.')[0][:6] or 0}")


def _named(pieces: Sequence[re.Match[str]], at: int, text: str, shown: bool) -> tuple[str | None, int]:
    """A meaning, a well-known organisation or a place that begins here, and how many words it takes."""
    organisations, firsts, _, _ = known_names()
    places, table = gazetteer().latin, meanings()
    first = latin_key(_ENDINGS.sub("", pieces[at][0]))
    most = max(firsts.get(first, 0), places.starts.get(first, 0), 2)
    capital = pieces[at][0][0].isupper()
    for size in range(min(most, 4, len(pieces) - at), 0, -1):
        last = pieces[at + size - 1]
        if last.end() - pieces[at].start() > 48:
            continue
        written = latin_key(_ENDINGS.sub("", text[pieces[at].start() : last.end()]))
        if size > 1 and written in table.whole:
            return table.whole[written], size
        if (capital or not shown) and written not in _stopped():
            if (known := organisations.get(written)) and not known.weak and (size > 1 or written not in table.whole):
                return "@" + latin_key(known.name), size
            if size == 1 and meaning(written):
                continue
            rows = places.rows.get(written, "~")
            if len(written) > 3 and rows[0] != "~":
                return _place(rows), size
    return None, 0


def _place(rows: str) -> str:
    entry = gazetteer().entry(int(rows.split(" ", 1)[0]))
    return f"={entry.key}" if len(entry.key) == 2 else f"@{entry.key}"


def _joined(run: str) -> str | None:
    return meanings().joined.get(run)


def _han(run: str) -> Iterator[str]:
    """Known names and words first, two characters at a time for the rest."""
    _, _, organisations, org_starts = known_names()
    places, table = gazetteer().han, meanings()
    rest, i = "", 0
    while i < len(run):
        pair = run[i : i + 2]
        most = max(org_starts.get(pair, 0), places.starts.get(pair, 0), table.longest.get(run[i], 0))
        for size in range(min(most, len(run) - i), 0, -1):
            found = _known_han(run[i : i + size], organisations, places.rows, table.joined)
            if found:
                yield from _pairs(rest)
                yield found
                rest, i = "", i + size
                break
        else:
            rest += run[i]
            i += 1
    yield from _pairs(rest)


def _known_han(part: str, organisations: dict, places: dict[str, str], joined: dict[str, str]) -> str | None:  # type: ignore[type-arg]
    if part in joined:
        return joined[part]
    if len(part) > 1:
        if (known := organisations.get(part)) and not known.weak:
            return "@" + latin_key(known.name)
        rows = places.get(part, "~")
        if rows[0] != "~":
            return _place(rows)
    return None


def _pairs(run: str) -> Iterator[str]:
    joins = stop_words()["han"]
    for i in range(len(run) - 1):
        if run[i] not in joins and run[i + 1] not in joins:
            yield run[i : i + 2]


def _hangul(word: str) -> Iterator[str]:
    """A Korean word by its beginning if known, else without its particle, two syllables at a time."""
    table = meanings()
    for size in range(min(table.longest.get(word[0], 0), len(word)), 1, -1):
        if found := table.joined.get(word[:size]):
            yield found
            if len(word) - size < 3:
                return
            word = word[size:]
            break
    rows = gazetteer().han.rows
    for cut in range(len(word), 1, -1):
        if (found := rows.get(word[:cut])) and (found[0] != "~" or len(word) - cut <= 2):
            yield _place(found.replace("~", ""))
            return
    bare = _PARTICLE.sub("", word) if len(word) > 2 else word
    if len(bare) < 2:
        return
    yield from (bare[i : i + 2] for i in range(len(bare) - 1))
