"""Finds the words of cue tables in a text: one scan for all of them, word borders respected, longest first.

A table maps a label to phrases; `{a,b}` in a phrase lists endings, so `rais{e,es,ed,ing}` is four phrases. The tables
are text files in `watcher/data`. What a cue means is left to the caller.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import NamedTuple

import ahocorasick_rs

from watcher.annotate.folding import fold, is_cjk


class Hit(NamedTuple):
    """A cue found at `[start, end)` of the text."""

    start: int
    end: int
    label: str


def spelled(phrase: str) -> list[str]:
    """All the phrases that one with `{…,…}` lists stands for."""
    found = re.search(r"\{([^{}]*)\}", phrase)
    if not found:
        return [phrase]
    head, tail = phrase[: found.start()], phrase[found.end() :]
    return [whole for ending in found[1].split(",") for whole in spelled(head + ending + tail)]


def tables(name: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The tables of `watcher/data/<name>` in order: the words of each `[header]` and the phrases below it."""
    found: list[tuple[tuple[str, ...], list[str]]] = []
    for line in (resources.files("watcher.data") / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found.append((tuple(line.strip("[]").split()), []))
        elif line and not line.startswith("#"):
            found[-1][1].extend(phrase.strip() for phrase in line.split(" | "))
    return [(header, tuple(phrases)) for header, phrases in found]


def _joins(char: str) -> bool:
    return char.isalnum() and not is_cjk(char)


class CueScanner:
    """Compiled cue tables; `hits` is linear in the text."""

    def __init__(self, table: Iterable[tuple[str, Iterable[str]]]) -> None:
        labels: dict[str, str] = {}
        for label, phrases in table:
            for phrase in phrases:
                for whole in spelled(phrase):
                    labels.setdefault(fold(whole), label)
        self._phrases = list(labels)
        self._labels = [labels[phrase] for phrase in self._phrases]
        self._open = [_joins(phrase[0]) for phrase in self._phrases]
        self._close = [_joins(phrase[-1]) for phrase in self._phrases]
        self._scan = ahocorasick_rs.AhoCorasick(self._phrases)

    def hits(self, folded: str) -> list[Hit]:
        """The cues in a folded text, in order of start; a cue inside a longer one is left out."""
        found: list[tuple[int, int, int]] = []
        for index, start, end in self._scan.find_matches_as_indexes(folded, overlapping=True):
            if self._open[index] and start and _joins(folded[start - 1]):
                continue
            if self._close[index] and end < len(folded) and _joins(folded[end]):
                continue
            found.append((start, -end, index))
        found.sort()
        hits: list[Hit] = []
        reach = -1
        for start, minus_end, index in found:
            if -minus_end > reach:
                reach = -minus_end
                hits.append(Hit(start, reach, self._labels[index]))
        return hits


def between(hits: Sequence[Hit], start: int, end: int) -> Sequence[Hit]:
    """The hits that lie within `[start, end)`, found by bisection."""
    first = bisect_left(hits, (start,))
    last = bisect_left(hits, (end,), lo=first)
    return [hit for hit in hits[first:last] if hit.end <= end]
