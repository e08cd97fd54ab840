"""Cuts a text into sentences and clauses, each with its stance; knows abbreviations, headlines, quotes and CJK stops.

What the stance of a clause is, is decided in `stance`; this module decides where things begin and end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date

from watcher.annotate.cues import tables
from watcher.annotate.folding import is_cjk
from watcher.annotate.stance import Clock, Piece, asserts, clock_of, pieces, whole_stance
from watcher.model import Sentence, Stance, TextField

_LISTS = {header[0]: frozenset(words) for header, words in tables("sentence_words.txt")}
_NEVER_LAST = _LISTS["never"]
_MAYBE_LAST = _LISTS["maybe"]
_OPENERS = _LISTS["opener"]
_MONTHS = _LISTS["month"]
_FIRMS = _LISTS["firm"]
_LABELLED = re.compile(
    r"\b(?:[Ss]eries|[Pp]hase|[Cc]lass|[Tt]ype|[Hh]epatitis|[Gg]roup|[Vv]itamin|[Rr]ound|[Pp]art|[Ss]chedule)\s\w{1,3}$"
)
"""What ends in a letter or number that is no initial: "Series B." """
_CLOSERS = "\"'”’)]}»」』】）］｝〉》"
_WIDE_STOP = "。！？；｡"
_STOP = re.compile(r"[.!?。！？；｡…]+|\n|(?<=\])\s[-–](?=\s[A-Z])|\s[•●■◆▪](?=\s)")
_WORD_BEFORE = re.compile(r"[^\s()\[\]\"“”,;:—–/]{1,24}$")
_WORD_AFTER = re.compile(r"\s*[\"'“‘(\[«¿¡]*([^\s]{1,24})")
_BULLET = re.compile(r"\s*(?:[-–—•●■◆▪‣*·]|\(?\d{1,2}[.)、]|[一二三四五六七八九十]+、)\s")


def sentences(text: str, field: TextField, *, dated: date | None = None) -> tuple[Sentence, ...]:
    """The sentences of a text in order, trimmed of white space, with the stance of their main clause.

    `dated` is the item's date, against which years and months count as past; without it the newest year that the text
    names stands in. Linear in the text.
    """
    clock = clock_of(text, dated)
    return tuple(_sentence(text, field, start, end, clock) for start, end in bounds(text))


def clauses(
    text: str, field: TextField, found: Sequence[Sentence], *, dated: date | None = None
) -> tuple[Sentence, ...]:
    """The clauses of the sentences in order: a finer cut of the same text, each with its own stance.

    A clause ends at a semicolon, a dash, a conjunction that opens a new statement, a relative clause, a Chinese comma.
    """
    clock = clock_of(text, dated)
    return tuple(
        Sentence(field=field, start=start, end=end, stance=piece.stance, cue=piece.cue)
        for one in found
        if one.field is field
        for piece in pieces(text, one.start, one.end, clock)
        for start, end in _trimmed(text, piece.start, piece.end)
    )


def stance_at(found: Sequence[Sentence], field: TextField, start: int) -> Stance:
    """The stance of the clause (or sentence) among `found` that holds the code point `start` of the field."""
    one = holding(found, field, start)
    return one.stance if one is not None else Stance.ASSERTED


def holding(found: Sequence[Sentence], field: TextField, start: int) -> Sentence | None:
    """The clause (or sentence) among `found`, in order of field and start, that holds the code point `start`."""
    index = bisect_right(
        found, (field is TextField.TEXT, start), key=lambda one: (one.field is TextField.TEXT, one.start)
    )
    if not index or found[index - 1].field is not field or start >= found[index - 1].end:
        return None
    return found[index - 1]


def bounds(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every sentence, trimmed."""
    wrapped = _hard_wrapped(text)
    start = 0
    for stop in _STOP.finditer(text):
        end = _end_of(text, stop, wrapped, start)
        if end is None:
            continue
        yield from _trimmed(text, start, end)
        start = end
    yield from _trimmed(text, start, len(text))


def _sentence(text: str, field: TextField, start: int, end: int, clock: Clock) -> Sentence:
    return _as_sentence(field, whole_stance(text, start, end, clock))


def _as_sentence(field: TextField, piece: Piece) -> Sentence:
    return Sentence(field=field, start=piece.start, end=piece.end, stance=piece.stance, cue=piece.cue)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end


def _hard_wrapped(text: str) -> bool:
    """Whether line breaks fall at a column rather than between paragraphs."""
    lengths = [len(line) for line in text[:20_000].split("\n") if line]
    inner = lengths[:-1]
    return len(inner) >= 4 and sum(55 <= length <= 100 for length in inner) >= 0.7 * len(inner)


def _end_of(text: str, stop: re.Match[str], wrapped: bool, start: int) -> int | None:
    mark = stop[0]
    if mark[0].isspace() and mark != "\n":
        return stop.end()
    if mark == "\n":
        return _line_end(text, stop.start(), wrapped, start)
    end = _past_closers(text, stop.end())
    if mark[0] in _WIDE_STOP or mark[-1] in _WIDE_STOP:
        return end
    if mark[0] == "…":
        return end if _opens_sentence(text, end) else None
    if mark[0] in "!?":
        return end if end >= len(text) or text[end].isspace() or is_cjk(text[end]) else None
    return end if _full_stop_ends(text, stop.start(), stop.end(), end, start) else None


def _past_closers(text: str, end: int) -> int:
    limit = min(len(text), end + 6)
    while end < limit and text[end] in _CLOSERS:
        end += 1
    return end


def _line_end(text: str, at: int, wrapped: bool, start: int) -> int | None:
    after = text[at + 1 : at + 80]
    if not after.strip() or after.lstrip(" \t\r")[:1] == "\n" or _BULLET.match(after):
        return at + 1
    before = text[max(start, at - 1) : at]
    following = after.lstrip()[:1]
    if before in (",", "，", "、") or (before == "-" and following.islower()):
        return None
    if following.islower() and not is_cjk(following) and at - start > 30:
        return None
    return None if wrapped and at - text.rfind("\n", 0, at) > 50 else at + 1


def _opens_sentence(text: str, end: int) -> bool:
    if end >= len(text):
        return True
    following = _WORD_AFTER.match(text, end)
    return following is None or not following[1][0].islower()


def _full_stop_ends(text: str, at: int, past_dots: int, end: int, start: int) -> bool:
    if end >= len(text):
        return True
    if not text[end].isspace():
        return _glued(text, at, end)
    following = _WORD_AFTER.match(text, end)
    if following is None:
        return True
    word = following[1]
    before = _WORD_BEFORE.search(text[max(start, at - 24) : at])
    last = before[0].lower().strip("'’") if before else ""
    if past_dots - at > 1 or end > past_dots:
        return not word[0].islower()
    if _LABELLED.search(text, max(start, at - 14), at):
        return word[0].isupper()
    return _abbreviation_ends(last, word, at - start) or (last in _FIRMS and _two_statements(text, start, at, end))


def _two_statements(text: str, start: int, at: int, end: int) -> bool:
    """Behind "Inc.": whether a verb stands on both sides, so that a new sentence begins with a name."""
    return text[end : end + 3].lstrip()[:1].isupper() and asserts(text, start, at) and asserts(text, end, end + 60)


def _glued(text: str, at: int, end: int) -> bool:
    """A full stop with no space behind it, as HTML left-overs have: "cooperation.Officials"."""
    before, after = text[max(0, at - 2) : at], text[end : end + 2]
    if len(before) == 2 and is_cjk(before[1]):
        return not after[0].isdigit()
    return before.isalpha() and before.islower() and len(after) == 2 and after[0].isupper() and after[1].islower()


def _abbreviation_ends(last: str, word: str, length: int) -> bool:
    """Whether a sentence ends at "last." before `word`; `length` is the sentence's length so far."""
    opener = word[0].isupper() and word.rstrip(",").lower() in _OPENERS
    if last in _NEVER_LAST:
        return opener and last in ("nov", "dec", "oct", "sept", "jan", "feb", "al") and word.lower() != "a"
    initial = len(last) == 1 and last.isalpha()
    dotted = "." in last and all(len(part) <= 2 for part in last.split("."))
    if initial or dotted or last in _MAYBE_LAST:
        return opener
    if last.isdigit() and len(last) <= 2:
        return length > 4 and word.lower().strip(".,") not in _MONTHS and not word[0].islower()
    if word[0].islower():
        return len(last) >= 4 and last.isalpha()
    return True
