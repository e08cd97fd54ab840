"""Zones and parks in Latin letters, told by the words of their type ("… High-tech Zone", "… Life Science Park").

It also holds what both readers of Latin text share: the words, which of them are taken, which belong to organisations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from watcher.annotate.gazetteer import Entry, gazetteer, latin_key
from watcher.annotate.latin import FUNCTION, Word, joined, shouting, words
from watcher.annotate.party_names import Organisation
from watcher.annotate.place_found import Found, made_key
from watcher.annotate.place_words import PERSON_BEFORE, ZONE_NEXT
from watcher.annotate.zone_words import FRONT_PATTERN, FRONT_TYPES, LATIN_PATTERN, TYPE_ENDS, latin_type
from watcher.model import PartyKind, PlaceKind

_MOST_ZONE_WORDS = 6
_FRONT_STARTS = frozenset(("parque", "parco", "parc", "zona", "polo", "pole"))


class ZoneReader:
    """`organisations` are spans without places of their own, save public bodies, which are named by their seat."""

    def __init__(self, text: str, organisations: Sequence[Organisation]) -> None:
        self.text = text
        self.words = words(text)
        self.style = shouting(text)
        self.count = len(self.words)
        self.blocked = bytearray(self.count)
        self.government = bytearray(self.count)
        self.opens: set[int] = set()
        self._block(organisations)
        self.taken = bytearray(self.count)
        self.senses: dict[str, Entry] = {}
        self.starts = {w.start: i for i, w in enumerate(self.words)}
        self.found: list[Found] = []

    def _block(self, organisations: Sequence[Organisation]) -> None:
        k = 0
        for one in organisations:
            while k < self.count and self.words[k].end <= one.start:
                k += 1
            first = k
            while k < self.count and self.words[k].start < one.end:
                # "Shanghai Sports Bureau", "City Council of Lyon": the seat of a public body is a place
                seat = one.kind is PartyKind.GOVERNMENT and not one.name
                (self.government if seat else self.blocked)[k] = 1
                k += 1
            self.opens.add(first)

    def _before(self, i: int) -> Word | None:
        return self.words[i - 1] if i and not self.words[i].first else None

    def _after(self, j: int) -> Word | None:
        return self.words[j] if j < self.count and not self.words[j].first else None

    def read_zones(self) -> None:
        """Looks only around words that end the names of types: the patterns are too dear for every position."""
        for i, word in enumerate(self.words):
            if word.fold in TYPE_ENDS and word.shaped and not self.taken[i]:
                low = self.words[max(0, i - 6)].start
                for match in LATIN_PATTERN.finditer(self.text, low, word.end):
                    at = self.starts.get(match.start())
                    shouted = self.style == "title" and match.group().isupper()
                    if at is not None and not self.taken[at] and self.words[at].shaped and not shouted:
                        self._zone(match, at)
            elif word.fold in _FRONT_STARTS and word.capital:
                front = FRONT_PATTERN.match(self.text, word.start)
                if front:
                    self._front_zone(front, i)

    def _zone(self, match: re.Match[str], at: int) -> None:
        stop = at
        while stop < self.count and self.words[stop].end <= match.end():
            stop += 1
        begin = at
        while begin and at - begin < _MOST_ZONE_WORDS and joined(self.words[begin]) and not self.taken[begin - 1]:
            before = self.words[begin - 1]
            if (before.fold in FUNCTION and before.fold not in ("and", "new")) or (
                not before.shaped and before.fold not in ("and",)
            ):
                break
            if before.fold == "and" and not (
                begin > 1 and self.words[begin - 2].fold in ("science", "technology", "health", "life", "medical")
            ):
                break
            begin -= 1
        while begin < at and (self.words[begin].fold in PERSON_BEFORE or self.words[begin].fold in FUNCTION):
            begin += 1
        if begin == at and not self._complete(match):
            return
        type_name, kind = latin_type(match)
        seat, size = self._seat(begin, at)
        rest = " ".join(w.text for w in self.words[begin + size : at])
        end = self._bracket(stop)
        known = self._known_zone(begin, begin + size, at, stop, seat)
        if known is None and not self._telling(match, begin, begin + size, at, stop, seat):
            return
        for k in range(begin, end):
            self.taken[k] = 1
        start, finish = self.words[begin].start, self.words[end - 1].end
        if end > stop:
            finish += 1
        if known:
            self.found.append(Found(start, finish, known.name, known.kind, known.country, known.key, known.within))
            return
        parent = self._in_brackets(stop) or seat or self._nearby(stop, start)
        name = self.text[start:finish]
        within = (parent.key, *parent.within) if parent else ()
        own = rest if rest or type_name in ("high-tech-zone", "economic-zone", "new-area") else match.group()
        key = made_key(parent.key if parent else "", own, type_name if rest or own == "" else "")
        self.found.append(Found(start, finish, name, kind, parent.country if parent else None, key, within))

    def _telling(self, match: re.Match[str], begin: int, own: int, at: int, stop: int, seat: Entry | None) -> bool:
        """Does this name a zone or park? Plain "Park" and centres need their seat; names of cities are not parks."""
        if gazetteer().latin.senses(" ".join(latin_key(w.text) for w in self.words[begin:stop])):
            return False
        after = self._after(stop)
        if self.style == "plain" and after and joined(after) and after.capital and after.fold not in ZONE_NEXT:
            return False
        if match.group() == "Park":
            return seat is not None and own == at
        if match.group().endswith(("Center", "Centre", "Complex", "Incubator")):
            return seat is not None
        return seat is not None or stop - begin > 1 or self._complete(match)

    def _complete(self, match: re.Match[str]) -> bool:
        """Is the type word a name by itself (BioQuarter)? Not so a plain "Science Park"."""
        return any(c.isupper() for c in match.group()[1:]) and " " not in match.group() and "-" not in match.group()

    def _seat(self, begin: int, at: int) -> tuple[Entry | None, int]:
        for size in range(min(3, at - begin), 0, -1):
            for sense in gazetteer().latin.senses(
                " ".join(latin_key(w.text) for w in self.words[begin : begin + size])
            ):
                entry = gazetteer().entry(sense.row)
                if entry.kind not in (PlaceKind.ZONE, PlaceKind.PARK) and (not sense.weak or size == at - begin):
                    return entry, size
        return None, 0

    def _bracket(self, stop: int) -> int:
        """ "Biomedical Industrial Park (Guangzhou)": a place in brackets belongs to the name."""
        if stop >= self.count or self.words[stop].gap != " (":
            return stop
        word = self.words[stop]
        closed = self.text[word.end : word.end + 1] == ")"
        return stop + 1 if closed and gazetteer().latin.senses(word.fold) else stop

    def _in_brackets(self, stop: int) -> Entry | None:
        if self._bracket(stop) == stop:
            return None
        return gazetteer().entry(gazetteer().latin.senses(self.words[stop].fold)[0].row)

    def _known_zone(self, begin: int, own: int, at: int, stop: int, seat: Entry | None) -> Entry | None:
        for first, last in ((begin, stop), (own, stop), (own, at)):
            if last <= first:
                continue
            for sense in gazetteer().latin.senses(" ".join(latin_key(w.text) for w in self.words[first:last])):
                entry = gazetteer().entry(sense.row)
                if entry.kind in (PlaceKind.ZONE, PlaceKind.PARK) and (
                    seat is None or seat.key in entry.within or first == begin
                ):
                    return entry
        return None

    def _nearby(self, stop: int, start: int) -> Entry | None:
        """The place that stands right before ("Beijing's Changping Park") or after ("in Chongqing")."""
        if (
            stop + 1 < self.count
            and self.words[stop].fold in ("in", "of", "at", "near", "en", "em", "di")
            and joined(self.words[stop])
        ):
            for size in (3, 2, 1):
                for sense in gazetteer().latin.senses(
                    " ".join(latin_key(w.text) for w in self.words[stop + 1 : stop + 1 + size])
                ):
                    if not sense.weak:
                        return gazetteer().entry(sense.row)
        if (i := self.starts.get(start)) and self.text[self.words[i - 1].end : start] in ("'s ", "’s "):
            for sense in gazetteer().latin.senses(self.words[i - 1].fold):
                return gazetteer().entry(sense.row)
        return None

    def _front_zone(self, match: re.Match[str], at: int) -> None:
        stop = at
        while stop < self.count and self.words[stop].end <= match.end():
            stop += 1
        j = stop + 1
        while j < self.count and j - stop < 4 and joined(self.words[j]) and self.words[j].capital:
            j += 1
        if j == stop + 1:
            return
        type_name, kind = latin_type(match, FRONT_TYPES)
        name = " ".join(w.text for w in self.words[stop + 1 : j])
        senses = gazetteer().latin.senses(latin_key(name))
        parent = gazetteer().entry(senses[0].row) if senses else None
        for k in range(at, j):
            self.taken[k] = 1
        start, end = self.words[at].start, self.words[j - 1].end
        within = (parent.key, *parent.within) if parent else ()
        key = made_key(parent.key if parent else "", "" if parent else name, type_name)
        self.found.append(
            Found(start, end, self.text[start:end], kind, parent.country if parent else None, key, within)
        )
