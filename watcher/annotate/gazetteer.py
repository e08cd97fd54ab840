"""Names of places in many scripts and whom they may mean; the data are made by `watcher/data/make_gazetteer.py`.

It answers what a spelling can mean. Whether a spelling in a text means it is decided in `places`.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from watcher.annotate.folding import Replacement
from watcher.model import PlaceKind

MOST_READ = 200_000
"""Names are looked for in so many first code points: no news is longer, and a hostile text must not cost a minute."""

DATA = Path(__file__).resolve().parent.parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place of the gazetteer; `within` holds keys, nearest first, and ends with the country's."""

    key: str
    kind: PlaceKind
    country: str | None
    within: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Sense:
    """One thing a spelling can mean; `weak` spellings are ordinary words or names of people as well."""

    row: int
    weak: bool


@cache
def _han_folded() -> Replacement:
    pairs = (DATA / "han_fold.txt").read_text(encoding="utf-8").strip()
    table = dict(zip(pairs[::2], pairs[1::2], strict=True))
    table.update({chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)})
    table["\u3000"] = " "
    return Replacement(table)


def fold_han(text: str) -> str:
    """Traditional and Japanese forms as simplified, full width as half width: one code point for one, so spans stay."""
    return text if text.isascii() else _han_folded()(text)


_EAST_ASIAN = re.compile(r"[\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def east_asian(text: str) -> bool:
    """Is anything written in Han, kana or Hangul?"""
    return _EAST_ASIAN.search(text) is not None


@lru_cache(maxsize=65536)
def fold_latin(word: str) -> str:
    """A key for a spelling in Latin letters: no case, no accents, one kind of apostrophe and hyphen, single spaces."""
    word = word.replace("’", "'").replace("‑", "-").replace("–", "-")
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L"))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


_BREAK = re.compile(r"[\s-]+")


def latin_key(text: str) -> str:
    """The look-up key of a name of one or several words; hyphens and spaces are the same."""
    return _BREAK.sub(" ", fold_latin(text)).strip()


class Index:
    """Spellings of one script: what each can mean, and how far to read from a beginning.

    A row is written `12` or, where the spelling is weak, `~12`; rows are parsed when asked for, since most never are.
    """

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.starts: dict[str, int] = {}

    def add(self, name: str, row: str, start: str, size: int) -> None:
        """Rows added first are the likelier meanings."""
        known = self.rows.get(name)
        self.rows[name] = row if known is None else f"{known} {row}"
        if size > self.starts.get(start, 0):
            self.starts[start] = size

    def senses(self, name: str) -> tuple[Sense, ...]:
        return _senses(self.rows.get(name, ""))

    def dump(self) -> str:
        names = "\n".join(f"{name}\t{rows}" for name, rows in self.rows.items())
        return names + "\f" + "\n".join(f"{start}\t{size}" for start, size in self.starts.items())

    @classmethod
    def load(cls, names: str, starts: str) -> Index:
        index = cls()
        cells, sizes = iter(names.replace("\n", "\t").split("\t")), iter(starts.replace("\n", "\t").split("\t"))
        index.rows = dict(zip(cells, cells, strict=True))
        index.starts = dict(zip(sizes, map(int, sizes), strict=True))
        return index


@lru_cache(maxsize=8192)
def _senses(rows: str) -> tuple[Sense, ...]:
    return tuple(Sense(int(row.lstrip("~")), row[0] == "~") for row in rows.split())


def add_names(latin_index: Index, han_index: Index, line: str, row: int) -> None:
    """Enters the names of one line of a gazetteer table under its row number."""
    _, _, _, _, _, latin, other = line.split("\t")
    seen = set()
    for name in filter(None, latin.split("|")):
        key = latin_key(name.lstrip("~"))
        if key not in seen:
            seen.add(key)
            latin_index.add(key, f"~{row}" if name[0] == "~" else str(row), key.split(" ")[0], key.count(" ") + 1)
    for name in filter(None, other.split("|")):
        key = name.lstrip("~")
        if key not in seen:
            seen.add(key)
            han_index.add(key, f"~{row}" if name[0] == "~" else str(row), key[:2], len(key))


class Gazetteer:
    """All names in memory, in Latin letters and in East Asian scripts; the hand-kept table goes before the made one."""

    def __init__(self, made: str, extra: list[str]) -> None:
        lines, names, starts, han_names, han_starts = made.split("\f")
        self._lines = lines.split("\n")
        self.latin, self.han = Index.load(names, starts), Index.load(han_names, han_starts)
        self._by_key: dict[str, str] | None = None
        first_latin, first_han = Index(), Index()
        for line in extra:
            add_names(first_latin, first_han, line, len(self._lines))
            self._lines.append(line)
        for mine, added in ((self.latin, first_latin), (self.han, first_han)):
            for name, rows in added.rows.items():
                mine.rows[name] = f"{rows} {mine.rows[name]}" if name in mine.rows else rows
            for start, size in added.starts.items():
                mine.starts[start] = max(size, mine.starts.get(start, 0))

    def entry(self, row: int) -> Entry:
        return _entry(self._lines[row])

    def by_key(self, key: str) -> Entry | None:
        if self._by_key is None:
            self._by_key = {line.split("\t", 1)[0]: line for line in self._lines}
        line = self._by_key.get(key)
        return None if line is None else _entry(line)


@lru_cache(maxsize=8192)
def _entry(line: str) -> Entry:
    key, kind, country, within, name, *_ = line.split("\t")
    parents = tuple(within.split())
    return Entry(key=key, kind=PlaceKind(kind), country=country or None, within=parents, name=name)


@cache
def gazetteer() -> Gazetteer:
    """The packaged gazetteer, read at first use (a fraction of a second) and kept."""
    extra = (DATA / "places_extra.tsv").read_text(encoding="utf-8").splitlines()
    made = gzip.decompress((DATA / "gazetteer.tsv.gz").read_bytes()).decode()
    return Gazetteer(made, [line for line in extra if line and not line.startswith("#")])


@lru_cache(maxsize=8)
def mask_names(folded: str) -> str:
    """`folded` with every name of a place overwritten by 〇, so that characters inside names cut nothing.

    Names that are ordinary words as well count only where the text also has the place's full name.
    """
    index, out, named = gazetteer().han, list(folded), set[int]()
    later: list[tuple[int, int, tuple[Sense, ...]]] = []
    i = 0
    while i < len(folded) - 1:
        most, step = index.starts.get(folded[i : i + 2], 0), 1
        for size in range(min(most, len(folded) - i), 1, -1):
            senses = index.senses(folded[i : i + size])
            if not senses:
                continue
            if all(s.weak for s in senses):
                later.append((i, size, senses))
                continue
            named.update(s.row for s in senses)
            out[i : i + size] = "〇" * size
            step = size
            break
        i += step
    for start, size, senses in later:
        if any(s.row in named for s in senses) and "〇" not in out[start : start + size]:
            out[start : start + size] = "〇" * size
    return "".join(out)
