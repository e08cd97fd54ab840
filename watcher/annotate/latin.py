"""Words in Latin letters with their offsets, and what their capitals say; shared by the annotators of names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from watcher.annotate.gazetteer import fold_latin

_WORD = re.compile(
    r"[A-Za-z0-9À-ɏḀ-ỿ][A-Za-z0-9À-ɏḀ-ỿ\u0300-\u036f]*(?:['’.&+][A-Za-z0-9À-ɏḀ-ỿ][A-Za-z0-9À-ɏḀ-ỿ\u0300-\u036f]*)*"
)
_POSSESSIVE = re.compile(r"['’]s?$")

FUNCTION = frozenset(
    [
        "a",
        "an",
        "the",
        "in",
        "on",
        "at",
        "of",
        "for",
        "from",
        "to",
        "with",
        "by",
        "and",
        "or",
        "but",
        "as",
        "into",
        "over",
        "under",
        "after",
        "before",
        "since",
        "until",
        "than",
        "that",
        "this",
        "these",
        "those",
        "its",
        "their",
        "his",
        "her",
        "our",
        "my",
        "your",
        "it",
        "he",
        "she",
        "we",
        "they",
        "you",
        "i",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "may",
        "might",
        "should",
        "do",
        "does",
        "did",
        "not",
        "no",
        "if",
        "when",
        "while",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "what",
        "why",
        "how",
        "all",
        "any",
        "both",
        "each",
        "few",
        "more",
        "most",
        "other",
        "some",
        "such",
        "only",
        "own",
        "same",
        "so",
        "too",
        "very",
        "just",
        "also",
        "now",
        "then",
        "here",
        "there",
        "once",
        "about",
        "against",
        "between",
        "during",
        "through",
        "above",
        "below",
        "up",
        "down",
        "out",
        "off",
        "again",
        "further",
        "via",
        "per",
        "amid",
        "among",
        "across",
        "within",
        "without",
        "near",
        "new",
        "first",
        "last",
        "next",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "one",
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "y",
        "e",
        "en",
        "con",
        "por",
        "para",
        "de",
        "del",
        "al",
        "se",
        "su",
        "sus",
        "il",
        "lo",
        "gli",
        "le",
        "uno",
        "di",
        "da",
        "dal",
        "dalla",
        "nel",
        "nella",
        "e",
        "ed",
        "con",
        "per",
        "tra",
        "o",
        "os",
        "um",
        "uma",
        "do",
        "dos",
        "das",
        "em",
        "na",
        "no",
        "nas",
        "nos",
        "com",
        "ao",
        "der",
        "die",
        "das",
        "den",
        "dem",
        "des",
        "ein",
        "eine",
        "einer",
        "und",
        "im",
        "am",
        "zu",
        "zur",
        "zum",
        "mit",
        "von",
        "vom",
        "für",
        "auf",
        "les",
        "une",
        "et",
        "au",
        "aux",
        "du",
        "dans",
        "sur",
        "pour",
        "avec",
        "par",
        "d",
        "l",
    ]
)


@dataclass(frozen=True, slots=True)
class Word:
    start: int
    end: int
    text: str
    """Without a final possessive."""
    fold: str
    gap: str
    """What stands between the word before and this one."""
    first: bool
    """Does a sentence, line or quotation begin here?"""

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def shaped(self) -> bool:
        """A capital anywhere but in a plain word: uniQure, mRNA; or a capital at the start."""
        return self.text[0].isupper() or any(c.isupper() for c in self.text[1:])


_STARTER = re.compile(r"[.!?:;•\n\"“‘«|>]|(?:^|\s)[-–—]\s")


@lru_cache(maxsize=8)
def words(text: str) -> tuple[Word, ...]:
    """All words of `text` in Latin letters or digits, in order; hyphens separate, apostrophes and inner dots do not."""
    found: list[Word] = []
    last = 0
    for match in _WORD.finditer(text):
        raw = match.group()
        plain = _POSSESSIVE.sub("", raw) or raw
        gap = text[last : match.start()] if match.start() - last <= 40 else "\n"
        start = match.start()
        begins = last == 0 or (_STARTER.search(gap) is not None)
        found.append(Word(start, start + len(plain), plain, fold_latin(plain), gap, begins))
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
    return "title" if len(content) >= 4 and capital >= 0.8 * len(content) else "plain"
