"""One view of a text for matching, in which every code point keeps its place: lower case, half width, plain quotes and
hyphens, no Latin accents, simplified Chinese. Spans found in the folded text are spans of the original.

`watcher/data/han_simplified.txt` holds two lines of equal length: traditional characters and what they fold to (from
OpenCC's character table, Apache License 2.0).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources

ASCII_WORD, FURTHER_WORD = "a-z0-9_", "\u00df-\u024f\u0370-\u052f"
WORD = ASCII_WORD + FURTHER_WORD
"""Inside of a character class: what a Latin, Greek or Cyrillic word is made of, once folded."""

_SPACES = (0x09, 0x0A, 0x0D, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_HYPHENS = (0x2010, 0x2011, 0x2012, 0x2013, 0x2212, 0xFE63, 0xFF0D)
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201B: "'", 0x2032: "'", 0x201C: '"', 0x201D: '"', 0x201F: '"'}


_SURROGATE = re.compile("[\ud800-\udfff]")


@cache
def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for code in (*range(0xC0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x1F00)):
        base = unicodedata.normalize("NFD", chr(code))[0].lower()
        if base != chr(code) and len(base) == 1:
            table[chr(code)] = base
    for code in (*range(0xFF01, 0xFF5F), *range(0xFFE0, 0xFFE7)):
        table[chr(code)] = unicodedata.normalize("NFKC", chr(code))[0].lower()
    table.update({chr(code): " " for code in _SPACES})
    table.update({chr(code): "-" for code in _HYPHENS})
    table.update({chr(code): plain for code, plain in _QUOTES.items()})
    table["ς"] = "σ"  # which of the two lower() gives depends on the neighbours
    traditional, simplified = (
        resources.files("watcher.data").joinpath("han_simplified.txt").read_text(encoding="utf-8").split()
    )
    table.update(zip(traditional, simplified, strict=True))
    return {char: table.get(plain, plain) for char, plain in table.items()}


def folded_chars() -> Iterator[tuple[str, str]]:
    """All characters beyond ASCII that folding changes, each with what it becomes."""
    table = _table()
    for codes in (range(0x80, 0xD800), range(0xE000, 0x1F000)):
        chars = "".join(char for char in map(chr, codes) if len(char.lower()) == 1)
        yield from (
            (char, table.get(low, low))
            for char, low in zip(chars, chars.lower(), strict=True)
            if char != low or char in table
        )
    yield "\u0130", "i"  # its lower case is two characters


@cache
def _changing() -> re.Pattern[str]:
    """The characters of the table as one class: several times faster on Chinese than a set of the text's characters."""
    return re.compile("[" + re.escape("".join(_table())) + "]")


def readable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which no scan and no RE2 can read."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def fold(text: str) -> str:
    """The folded view; always as long as `text`."""
    lower = readable(text).lower()
    if len(lower) != len(text):
        lower = "".join(char.lower()[0] for char in readable(text))
    if lower.isascii():
        return lower.replace("\n", " ").replace("\t", " ").replace("\r", " ")
    table = _table()
    for char in set(_changing().findall(lower)):
        lower = lower.replace(char, table[char])
    return lower


def is_cjk(char: str) -> bool:
    """Whether the character's script does without spaces between words, or glues particles to them (Hangul)."""
    return "\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3" or "\uf900" <= char <= "\ufaff"
