"""One pass over a text for the literals of all rules. What the literals mean for a rule is left to `evaluate`.

The pass runs over the text as it is written, in UTF-8, because folding it first would take longer than the pass: the
literals are entered in simplified and in traditional Chinese, and a text with any other character that folding could
turn into part of a literal (É, Ａ) is folded and passed over once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from math import prod

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

from watcher.match.fold import fold, folded_chars, is_cjk

MAX_SPELLINGS = 64
"""Ways to write one literal that are entered; of a literal with more of them the characters are, as those that fold."""
MAX_FAST = 200_000
"""Bytes of literals for which the fastest automaton is made: twice as fast, some 250 bytes of memory for each."""


class Scan:
    """Which of some literals of folded text occur in a text. Safe to share between threads."""

    def __init__(self, masks: Mapping[str, int]) -> None:
        """`masks`: per literal, which holds no white space, the bits that its presence sets."""
        spelled: dict[str, int] = {}
        foldable: set[str] = set()
        for literal, mask in masks.items():
            spellings = [_spellings(char) for char in literal]
            foldable.update(char for char in literal if not is_cjk(char))
            if prod(map(len, spellings)) > MAX_SPELLINGS:
                foldable.update(literal)
                spellings = list(literal)
            for spelling in map("".join, product(*spellings)):
                spelled[spelling] = spelled.get(spelling, 0) | mask
        self._masks = list(spelled.values())
        written = [char for folded in sorted(foldable) for char in _written().get(folded, "")]
        patterns = [_encoded(spelling) for spelling in (*spelled, *written)]
        fast = sum(map(len, patterns)) <= MAX_FAST
        self._automaton = BytesAhoCorasick(patterns, implementation=Implementation.DFA if fast else None)

    def bits(self, text: str) -> int:
        """The bits of all literals that occur in the folded text, which need not be made for it."""
        found = self._indexes(text)
        masks = self._masks
        if found and max(found) >= len(masks):
            found = self._indexes(fold(text))
        bits = 0
        for index in found:
            if index < len(masks):
                bits |= masks[index]
        return bits

    def _indexes(self, text: str) -> set[int]:
        written = _encoded(text).lower()
        return {hit[0] for hit in self._automaton.find_matches_as_indexes(written, overlapping=True)}


def positions(literals: Iterable[str]) -> AhoCorasick:
    """An automaton that finds where each of the literals occurs in folded text."""
    patterns = list(literals)
    fast = sum(len(_encoded(pattern)) for pattern in patterns) <= MAX_FAST
    return AhoCorasick(patterns, implementation=Implementation.DFA if fast else None)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _spellings(char: str) -> str:
    return char + _written().get(char, "") if is_cjk(char) else char


@cache
def _written() -> dict[str, str]:
    """Per folded character the others, beyond ASCII, that fold to it."""
    written: dict[str, str] = {}
    for char, folded in folded_chars():
        written[folded] = written.get(folded, "") + char
    return written
