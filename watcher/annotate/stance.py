"""Decides how a clause stands to what it tells: asserted, planned, expected, rumoured, denied, past and so on.

Works on one sentence at a time: cuts it into clauses, looks for cue words (`stance_cues.txt`) and dates long
before the item's own, and decides how far each cue reaches. Where sentences begin is `sentences`' part.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from watcher.annotate.cues import CueScanner, Hit, between, tables
from watcher.annotate.dates import Named, named
from watcher.annotate.folding import fold, is_cjk
from watcher.model import Stance

RECENT_DAYS = 60
"""A day, month or year that ended longer than this before the item's date is past."""
_LENGTH = {"day": 1, "month": 31, "quarter": 92, "year": 366}
_LONGEST = 4000
"""A sentence is looked at for cues up to this many code points; tables and lists without a full stop run on."""


class Piece(NamedTuple):
    """A clause with its stance and the words that decided it."""

    start: int
    end: int
    stance: Stance
    cue: str


class _Cue(NamedTuple):
    start: int
    end: int
    stance: Stance
    onward: bool


_MARK = {"shield": "~", "reset": "=", "assert": "!", "onward": ">", "whole": "*", "sentence": "^"}
_SCAN = CueScanner(("".join((_MARK[header[0]], *header[1:])), phrases) for header, phrases in tables("stance_cues.txt"))
_ALWAYS = re.compile(
    r";|:\s|(?<=\s)[–—-](?=\s)|—"
    r"|,\s(?=(?:but|while|whereas|although|though|which|whose|whom|where|when|after|before|because|since|unless|until|having|"
    r"founded|formed|established|set\sup|created|formerly|announced|who)\b)"
    r"|\s(?=(?:while|whereas|although|though|but|after|because|unless|until|whereby|before|"
    r"(?:under|in|for|to|of|by|on|from|through)\swhich|(?:that|who|which)\s(?:had|has|have|could|may|might|would|will)|which)\b)"
    r"|(?<=[\u3400-\u9fff])(?=但是?|然而|不过|并且|而且|同时)"
)
_AHEAD_STANCES = (Stance.EXPECTED, Stance.PLANNED)
_ONLY_TIME = re.compile(
    r"(?:到|至|在|于)?(?:本|今|明|后|次|未来|今后|同)?[\d一二三四五六七八九十两]*(?:[年月日季]|季度|年度|年内|年底|年末|月底|月末|五年|[^,，。;；]{0,6}期间|五)*"
    r"(?:底|末|初|前|内|中|时|后|左右)?\s*[,，]\s?"
)
"""What a Chinese clause holds when a forecast names only its time and its matter follows behind the comma."""
_RELATIVE = re.compile(r",\s(?=(?:which|who|whose|founded|formed|established|set\sup|created|formerly)\b)")
_MAYBE = re.compile(r",\s?")
_JOINS = re.compile(
    r"(?:,\s*)?(?:\b(?:and|or|as\sit|as\sthey|it|they|he|she|we|that|who|which|what|also|then)\s+|[并且又也还而]|同时)+$"
)
_PREPOSITION = re.compile(
    r"(?:\b(?:in|on|of|since|from|during|dated|by|until|through|back\sin|early|late|mid|en|el|de|im|em|in|nel)[\s-]+(?:early|late|mid|the|del|el)?[\s-]?|早在|于|自|从)$"
)
_NOUN_YEAR = re.compile(r"(?:\b(?:an?|its|their|our|his|her|of|from)|'s|s')\s+$")
_AHEAD = re.compile(r"(?:\bby|until|through|\bto|before|since the|end of|[到至在-])\s?$")
_REPORTED = re.compile(r"\b(?:said|says|announced|reported|confirmed|revealed|added|disclosed|told)\b[^.;]*$")
_OPENING = re.compile(
    r"[\s\"'(\[「『《-]*(?:[一二两三四五六七八九十数几多\d]+|(?:back\s)?(?:in|on|since|during|by|from|en|im|em|nel)\s(?:early\s|late\s|mid-?\s?)?|早在|自|从|于)?$"
)


class Clock(NamedTuple):
    """What counts as now: `dated` completes dates without a year; days of `years_only` clocks differ by year alone."""

    dated: date | None
    now: date | None
    years_only: bool = False


@lru_cache(maxsize=8)
def clock_of(text: str, dated: date | None) -> Clock:
    """The item's date; without it the newest day, else the newest year, that the text names and that is not ahead."""
    if dated is not None:
        return Clock(dated, dated)
    told = [one for one in named(text, None) if not _is_ahead(text, one)]
    days = [one.day for one in told if one.precision == "day"]
    years = [one.day.year for one in told]
    if days and max(days).year >= max(years):
        return Clock(None, max(days))
    return Clock(None, date(max(years), 12, 31), True) if years else Clock(None, None)


def _is_ahead(text: str, one: Named) -> bool:
    before = fold(text)[max(0, one.start - 9) : one.start]
    return bool(_AHEAD.search(before)) or text[one.end : one.end + 1] in ("前", "末")


@lru_cache(maxsize=1024)
def pieces(text: str, start: int, end: int, clock: Clock) -> tuple[Piece, ...]:
    """The clauses of the sentence at `[start, end)` in order, each with its stance."""
    limit = min(end, start + _LONGEST)
    hits = between(_hits(text), start, limit)
    past = _past_dates(text, start, limit, clock)
    if not hits and not past:
        return (Piece(start, end, Stance.ASSERTED, ""),)
    found: list[Piece] = []
    carried: _Cue | None = None
    for left, right in _clause_bounds(text, start, limit, hits, past):
        made, carried = _judge(text, (left, right), start, between(hits, left, right), past, carried)
        found.extend(made)
    for hit in hits:
        if hit.label[0] == "^":
            found = [_recoloured(text, part, hit) for part in found]
    if limit < end and found:
        found[-1] = found[-1]._replace(end=end)
    return tuple(found) or (Piece(start, end, Stance.ASSERTED, ""),)


def _recoloured(text: str, part: Piece, hit: Hit) -> Piece:
    """A source's words colour the whole sentence, save what is denied, ended or past in it."""
    if part.stance in (Stance.DENIED, Stance.ENDED, Stance.BACKGROUND):
        return part
    return part._replace(stance=Stance(hit.label[1:]), cue=text[hit.start : hit.end])


def whole_stance(text: str, start: int, end: int, clock: Clock) -> Piece:
    """The sentence as one piece: asserted when a clause of it asserts an event, else as its first coloured one."""
    parts = pieces(text, start, end, clock)
    coloured = [part for part in parts if part.stance is not Stance.ASSERTED]
    if not coloured:
        return Piece(start, end, Stance.ASSERTED, "")
    for part in parts:
        if part.stance is Stance.ASSERTED and asserts(text, part.start, part.end):
            return Piece(start, end, Stance.ASSERTED, "")
    return Piece(start, end, coloured[0].stance, coloured[0].cue)


def asserts(text: str, start: int, end: int) -> bool:
    """Whether a verb that asserts an event stands at `[start, end)`."""
    return any(hit.label == "!" for hit in between(_hits(text), start, end))


@lru_cache(maxsize=4)
def _hits(text: str) -> list[Hit]:
    return [hit for hit in _SCAN.hits(fold(text)) if hit.label != "~" and not _is_month_may(text, hit)]


def _is_month_may(text: str, hit: Hit) -> bool:
    if text[hit.start : hit.end] != "May":
        return False
    after = text[hit.end : hit.end + 2].strip()
    return (
        after[:1].isdigit()
        or not after
        or after[:1] in ",.;"
        or text[max(0, hit.start - 3) : hit.start] in ("in ", "In ", "of ")
    )


def _past_dates(text: str, start: int, end: int, clock: Clock) -> list[Named]:
    if clock.now is None:
        return []
    found = _in_range(named(text, clock.dated), start, end)
    if clock.years_only:
        return [one for one in found if one.day.year < clock.now.year]
    limit = clock.now - timedelta(days=RECENT_DAYS)
    return [one for one in found if one.day + timedelta(days=_LENGTH[one.precision]) < limit]


def _in_range(found: Sequence[Named], start: int, end: int) -> Sequence[Named]:
    return found[bisect_left(found, (start,)) : bisect_left(found, (end,))]


def _clause_bounds(
    text: str, start: int, end: int, hits: Sequence[Hit], past: Sequence[Named]
) -> Iterator[tuple[int, int]]:
    """Cuts at what always parts clauses, and at commas behind which a new statement stands."""
    folded = fold(text)
    cuts = {found.end() for found in _ALWAYS.finditer(folded, start, end)}
    relative = {found.end() for found in _RELATIVE.finditer(folded, start, end)}
    verbs = [hit for hit in hits if hit.label[0] != "^"]
    marks = sorted([hit.start for hit in verbs if hit.label != "="] + [one.start for one in past])
    for found in _MAYBE.finditer(folded, start, end):
        if _new_statement(text, found, verbs, end):
            cuts.add(found.end())
    left = start
    told = 0
    for cut in sorted(cuts):
        while told < len(marks) and marks[told] < left:
            told += 1
        if left < cut < end and (cut in relative or (told < len(marks) and marks[told] < cut)):
            yield left, cut
            left = cut
    yield left, end


def _new_statement(text: str, comma: re.Match[str], verbs: Sequence[Hit], end: int) -> bool:
    at, after = comma.start(), comma.end()
    if (at and is_cjk(text[at - 1])) or (after < end and is_cjk(text[after])):
        return True
    if after == at + 1 or after >= end:
        return False
    ahead = between(verbs, after, min(end, after + 70))
    if not ahead:
        return False
    if ahead[0].start - after <= 4:
        return True
    subject = text[after : ahead[0].start]
    begins = subject[0].isupper() or subject.startswith(("the ", "its ", "and ", "it ", "they ", "but "))
    return begins and "," not in subject and " to " not in subject


def _judge(
    text: str, clause: tuple[int, int], sentence: int, hits: Sequence[Hit], past: Sequence[Named], carried: _Cue | None
) -> tuple[list[Piece], _Cue | None]:
    """The clause as one or two pieces, and the past-time cue that colours the clauses after it."""
    left, right = clause
    asserts = [hit for hit in hits if hit.label == "!"]
    reset = next((hit for hit in hits if hit.label == "="), None)
    cues = [
        _Cue(hit.start, hit.end, Stance(hit.label[1:]), hit.label[0] == ">")
        for hit in hits
        if hit.label[0] in ">*" and not _is_reported(text, sentence, hit)
    ]
    times = [cue for one in past if left <= one.start < right if (cue := _time_cue(text, one, left, asserts))]
    if reset is not None:
        times = [cue for cue in times if cue.onward]
        carried = None
    cues.extend(times)
    for cue in cues:
        if cue.stance is Stance.BACKGROUND and not cue.onward and _OPENING.match(fold(text[sentence : cue.start])):
            carried = carried or cue
    for cue in cues:
        if cue.onward and cue.stance in _AHEAD_STANCES and _ONLY_TIME.fullmatch(fold(text[cue.end : right])):
            carried = cue
    ruling = _ruling(cues) or carried
    if ruling is None:
        return [Piece(left, right, Stance.ASSERTED, "")], carried
    made = _spread(text, left, right, ruling, cues, asserts)
    return made, carried


def _is_reported(text: str, sentence: int, hit: Hit) -> bool:
    """ "Acme said it had signed …", "it would pay …": reported speech sets the tense of news back, no more."""
    return text.startswith(("had ", "would"), hit.start) and bool(
        _REPORTED.search(fold(text)[max(sentence, hit.start - 90) : hit.start])
    )


def _time_cue(text: str, one: Named, left: int, asserts: Sequence[Hit]) -> _Cue | None:
    """How far a past date reaches: back over the clause's main verb, or only over the noun or participle it follows."""
    before = fold(text)[max(left, one.start - 24) : one.start]
    spoken = [hit for hit in asserts if hit.end <= one.start]
    if spoken and _NOUN_YEAR.search(before):
        return _Cue(one.start, one.end, Stance.BACKGROUND, True)
    if len(spoken) > 1 and not is_cjk(text[one.end - 1]):
        return _Cue(spoken[-1].start, one.end, Stance.BACKGROUND, True)
    if _PREPOSITION.search(before) or _NOUN_YEAR.search(before) or is_cjk(text[one.end - 1]) or not before.strip():
        return _Cue(one.start, one.end, Stance.BACKGROUND, False)
    return None if one.precision == "year" else _Cue(one.start, one.end, Stance.BACKGROUND, False)


_STRONG = (Stance.DENIED, Stance.RUMOURED)


def _ruling(cues: Sequence[_Cue]) -> _Cue | None:
    """The cue that governs a clause: a denial or a rumour wherever it stands, else the first one."""
    strong = [cue for cue in cues if cue.stance in _STRONG]
    return min(strong or cues, default=None)


def _spread(
    text: str, left: int, right: int, ruling: _Cue, cues: Sequence[_Cue], asserts: Sequence[Hit]
) -> list[Piece]:
    """Colours the whole clause, or only what follows a cue behind an asserting verb."""
    words = text[ruling.start : ruling.end]
    if not left <= ruling.start < right:
        return [Piece(left, right, ruling.stance, words)]
    cut = _join_start(text, left, ruling.start)
    joined = cut < ruling.start
    spoken = any(hit.end <= ruling.start for hit in asserts)
    if not spoken or not (ruling.onward or joined):
        return [Piece(left, right, ruling.stance, words)]
    rest = [cue for cue in cues if cue.end <= cut]
    head = _ruling(rest)
    before = _spread(text, left, cut, head, rest, [hit for hit in asserts if hit.end <= cut]) if head else None
    return [*(before or [Piece(left, cut, Stance.ASSERTED, "")]), Piece(cut, right, ruling.stance, words)]


def _join_start(text: str, left: int, start: int) -> int:
    found = _JOINS.search(fold(text)[max(left, start - 24) : start])
    return max(left, start - 24) + found.start() if found else start
