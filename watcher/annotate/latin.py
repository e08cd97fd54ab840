"""Words in Latin letters with their offsets, and what their capitals say; shared by the annotators of names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from watcher.annotate.gazetteer import fold_latin
from watcher.annotate.word_lists import word_list

_WORD = re.compile(
    r"[A-Za-z0-9À-ɏḀ-ỿ][A-Za-z0-9À-ɏḀ-ỿ\u0300-\u036f]*(?:['’.&+][A-Za-z0-9À-ɏḀ-ỿ][A-Za-z0-9À-ɏḀ-ỿ\u0300-\u036f]*)*"
)
_ELIDED = re.compile(r"(?:l|d|dell|all|nell|sull|dall|un|qu)['’](?=[A-ZÀ-Þ])", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s?$")

FUNCTION = word_list("FUNCTION")


class Word(NamedTuple):
    start: int
    end: int
    text: str
    """Without a final possessive."""
    fold: str
    gap: str
    """What stands between the word before and this one."""
    first: bool
    """Does a sentence, line or quotation begin here?"""
    capital: bool
    shaped: bool
    """A capital anywhere but in a plain word: uniQure, mRNA; or a capital at the start."""


_STARTER = re.compile(r"[.!?:;•\n\"“‘«|>]|(?:^|\s)[-–—]\s")


@lru_cache(maxsize=8)
def words(text: str) -> tuple[Word, ...]:
    """All words of `text` in Latin letters or digits, in order; hyphens separate, apostrophes and inner dots do not."""
    found: list[Word] = []
    last = 0
    for match in _WORD.finditer(text):
        plain, start = match.group(), match.start()
        gap = text[last:start] if start - last <= 40 else "\n"
        if "'" in plain or "’" in plain:
            plain = _POSSESSIVE.sub("", plain) or plain
            if elided := _ELIDED.match(plain):  # "dell'Università"
                plain, start = plain[elided.end() :], start + elided.end()
        begins = last == 0 or (gap != " " and _STARTER.search(gap) is not None)
        shaped = plain != plain.lower()
        found.append(Word(start, start + len(plain), plain, fold_latin(plain), gap, begins, plain[0].isupper(), shaped))
        last = start + len(plain)
    return tuple(found)


def joined(word: Word) -> bool:
    """Does the word stand directly after the one before, as inside a name?"""
    return word.gap in (" ", "-", "\u00a0", " & ", "‑")


_EAST = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]{4}")


@lru_cache(maxsize=8)
def shouting(text: str) -> str:
    """How the text uses capitals: "plain" (they mean names), "title" (headline style), "caps" (all capitals)."""
    letters = [w for w in words(text)[:400] if w.text[0].isalpha()]
    if not letters or _EAST.search(text[:2000]) is not None:
        return "plain"
    if sum(w.text.isupper() and len(w.text) > 1 for w in letters) > 0.7 * len(letters) and len(letters) > 3:
        return "caps"
    content = [w for w in letters if w.fold not in FUNCTION]
    capital = sum(w.capital for w in content)
    share = 0.95 if text.rstrip().endswith((".", "!", "?")) else 0.8  # headlines have no full stop
    return "title" if len(content) >= 4 and capital >= share * len(content) else "plain"
