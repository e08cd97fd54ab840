"""Places in Latin letters that no gazetteer knows: what stands around a name gives it away ("Mayor of X", "X City",
"X's mayor", "X, Panama", "X in western Ukraine"), and then the bare name is known too.
"""

from __future__ import annotations

from watcher.annotate.latin import FUNCTION, Word, joined
from watcher.annotate.place_found import Found, made_key, slug
from watcher.annotate.place_words import (
    ADMIN_BEFORE,
    COMMON,
    MAY_FOLLOW,
    PERSON_BEFORE,
    RULES_IT,
    SPEAKS_FOR,
)
from watcher.annotate.zone_latin import ZoneReader
from watcher.model import PlaceKind

_MOST_WORDS = 3
_OF = frozenset(("of", "de", "di"))
_HERE = frozenset(("in", "from", "near", "to", "at", "with", "between"))
_QUARTERS = frozenset(
    "western eastern northern southern central northwestern northeastern southwestern southeastern north south".split()
)
_PEOPLES = ("ese", "ish", "ian", "ean", "ans", "ench", "utch", "reek", "wiss", "zech", "rab")
"""Endings of words for peoples: "the Chinese mayor" is of no place called Chinese."""


class UnknownReader(ZoneReader):
    """What reads the names that the gazetteer left, after all others."""

    def read_unknown(self) -> None:
        """Names by pattern first, then the same names where they stand bare."""
        self._by_start: dict[int, int] = {}
        self._by_end: dict[int, int] = {}
        self._noted = 0
        before = len(self.found)
        for i in range(self.count):
            named = self._free(i) and self.words[i].capital and self.words[i].fold not in FUNCTION
            if named and not self._admin_of(i) and not self._tail_of(i):
                self._told_by_neighbours(i)
        self._bare(self.found[before:])

    def _free(self, i: int) -> bool:
        return not self.taken[i] and not self.blocked[i]

    def _admin_of(self, i: int) -> bool:
        """ "Mayor of X", "City of X Y", "alcalde de X" """
        before = self._before(i)
        led = before and before.fold in _OF and i > 1 and self.words[i - 2].fold in ADMIN_BEFORE
        if not led or not joined(self.words[i]) or not joined(self.words[i - 1]) or self.words[i].fold in _NO_SEAT:
            return False
        j = i + 1
        while j < self.count and j - i < _MOST_WORDS and self._goes_on(j) and self.words[j].fold not in MAY_FOLLOW:
            j += 1
        self._add_unknown(i, j, PlaceKind.CITY)
        return True

    def _goes_on(self, j: int) -> bool:
        return joined(self.words[j]) and self.words[j].capital and not self.taken[j]

    def _tail_of(self, i: int) -> bool:
        """ "X City", "X Province", "X-do" """
        kind = _TAIL_KIND.get(self.words[i].fold)
        if not kind or not self._before(i) or not joined(self.words[i]) or not i or not self._free(i - 1):
            return False
        self._tail(i, kind)
        return True

    def _tail(self, i: int, kind: PlaceKind) -> None:
        begin = i
        while begin and i - begin < _MOST_WORDS and joined(self.words[begin]) and self.words[begin - 1].capital:
            before = self.words[begin - 1]
            if self.taken[begin - 1] or before.fold in FUNCTION or before.fold in _NOT_BEFORE_TAIL:
                break
            begin -= 1
        hyphen = self.words[i].gap == "-"
        if begin == i or hyphen != (self.words[i].fold in ("do", "gu", "si", "gun", "ku", "shi", "ken")):
            return
        after = self.words[i + 1] if i + 1 < self.count else None
        if after and joined(after) and after.capital and after.fold not in MAY_FOLLOW and self.style == "plain":
            return
        self._add_unknown(begin, i + 1, kind)

    def _told_by_neighbours(self, i: int) -> None:
        """A run of capitalised words that its mayor, its country or its council gives away."""
        if self.style != "plain" or (i and self._goes_on(i) and self._is_named(i - 1) and not self.words[i].first):
            return
        j = i + 1
        while j < self.count and j - i < _MOST_WORDS and self._goes_on(j) and self._is_named(j):
            j += 1
        if not all(self._is_named(k) and self._free(k) for k in range(i, j)):
            return
        before, after = self._before(i), self._after(j)
        if before and (before.fold in ("the", "an", "a") or before.fold in PERSON_BEFORE):
            return
        wider = self._located(j, before)
        if wider or self._ruled(j, after) or self._spoken_for(i, before):
            self._add_unknown(i, j, PlaceKind.CITY, wider.country if wider else None)

    def _is_named(self, k: int) -> bool:
        word = self.words[k]
        common = any(word.fold in words for words in (COMMON, FUNCTION, PERSON_BEFORE, MAY_FOLLOW, _TAIL_KIND))
        return word.capital and len(word.text) > 2 and word.text[1:].islower() and not common

    def _ruled(self, j: int, after: Word | None) -> bool:
        """ "X's mayor", "X councillors", "X town council" """
        name = self.words[j - 1].text.lower()
        return bool(
            after and after.gap in (" ", "'s ", "’s ") and after.fold in RULES_IT and not name.endswith(_PEOPLES)
        )

    def _spoken_for(self, i: int, before: Word | None) -> bool:
        """ "councillors in X", "officials from X" """
        return bool(before and i > 1 and before.fold in ("in", "from", "of") and self.words[i - 2].fold in SPEAKS_FOR)

    def _located(self, j: int, before: Word | None) -> Found | None:
        """ "from X, Panama", "with X in western Ukraine" """
        if not before or before.fold not in _HERE or j >= self.count:
            return None
        at = j
        if self.words[j].gap == " " and self.words[j].fold == "in" and j + 2 < self.count:
            at = j + 2 if self.words[j + 1].fold in _QUARTERS else j
        if at == j and self.words[j].gap != ", ":
            return None
        if not self.taken[at] or self.words[at].gap not in (", ", " "):
            return None
        start = self.words[at].start
        wider = next((one for one in self.found if one.start == start), None)
        kinds = (PlaceKind.COUNTRY, PlaceKind.REGION)
        owns = wider is not None and self.text[wider.end : wider.end + 2] in ("'s", "’s")
        return wider if wider is not None and wider.kind in kinds and not owns else None

    def _bare(self, made: list[Found]) -> None:
        """The names just found stand elsewhere without what gave them away: the same places."""
        heads: dict[str, Found] = {}
        for one in made:
            words = one.name.split()
            while len(words) > 1 and words[-1].lower() in _TAIL_KIND:
                words.pop()
            if one.kind in (PlaceKind.CITY, PlaceKind.DISTRICT) and len(words[0]) > 3:
                heads.setdefault(words[0], one)
        for i in range(self.count) if heads else ():
            one_known = heads.get(self.words[i].text)
            if one_known is None or not self._free(i):
                continue
            size = len([word for word in one_known.name.split() if word.lower() not in _TAIL_KIND]) or 1
            run = self.words[i : i + size]
            if " ".join(word.text for word in run) == " ".join(one_known.name.split()[:size]):
                self._repeat(i, i + size, one_known)

    def _repeat(self, i: int, j: int, known: Found) -> None:
        after = self._after(j)
        if any(self.taken[i:j]) or (after and joined(after) and after.capital and after.fold not in MAY_FOLLOW):
            return
        self.taken[i:j] = b"\1" * (j - i)
        start, end = self.words[i].start, self.words[j - 1].end
        self.found.append(Found(start, end, known.name, known.kind, known.country, known.key, known.within))

    def _add_unknown(self, i: int, j: int, kind: PlaceKind, country: str | None = None) -> None:
        if j <= i or any(self.taken[i:j]):
            return
        self.taken[i:j] = b"\1" * (j - i)
        start, end = self.words[i].start, self.words[j - 1].end
        name = self.text[start:end]
        country = country or self._context_country(start, end)
        key = made_key((country or "").lower(), slug(name), "")
        self.found.append(Found(start, end, name, kind, country, key, (country.lower(),) if country else ()))

    def _context_country(self, start: int, end: int) -> str | None:
        """The country of a place right before ("Busan's …") or right after ("…, Panama", "… in Spain")."""
        self._note_found()
        near = [self._by_end.get(start - 3)] if self.text[start - 3 : start] in ("'s ", "’s ") else []
        seps = (", ", " in ", " (", ", in ")
        near += [self._by_start.get(end + len(sep)) for sep in seps if self.text.startswith(sep, end)]
        known = [index for index in near if index is not None]
        return self.found[min(known)].country if known else None

    def _note_found(self) -> None:
        """Notes the first name that begins and the first that ends at each position, as far as names are found."""
        for index in range(self._noted, len(self.found)):
            self._by_start.setdefault(self.found[index].start, index)
            self._by_end.setdefault(self.found[index].end, index)
        self._noted = len(self.found)


_NO_SEAT = frozenset("culture science sport design justice peace light music youth books innovation".split())
"""A "Capital of Culture" is none of a place."""
_TAIL_KIND = {
    "city": PlaceKind.CITY,
    "province": PlaceKind.REGION,
    "prefecture": PlaceKind.REGION,
    "oblast": PlaceKind.REGION,
    "county": PlaceKind.DISTRICT,
    "district": PlaceKind.DISTRICT,
    "town": PlaceKind.DISTRICT,
    "township": PlaceKind.DISTRICT,
    "borough": PlaceKind.DISTRICT,
    "canton": PlaceKind.REGION,
    "do": PlaceKind.REGION,
    "gu": PlaceKind.DISTRICT,
    "si": PlaceKind.CITY,
    "gun": PlaceKind.DISTRICT,
    "ku": PlaceKind.DISTRICT,
    "shi": PlaceKind.CITY,
    "ken": PlaceKind.REGION,
}
_NOT_BEFORE_TAIL = frozenset(
    [
        "sister",
        "friendship",
        "inner",
        "smart",
        "capital",
        "twin",
        "host",
        "home",
        "our",
        "this",
        "each",
        "every",
        "new-york",
        "major",
        "other",
        "biotech",
        "medicine",
        "science",
        "health",
        "life",
        "partner",
        "chinese",
        "school",
        "court",
        "business",
        "financial",
        "historic",
        "old",
        "central",
        "downtown",
        "innovation",
        "world",
        "heritage",
        "ideal",
        "forbidden",
        "garden",
        "industrial",
        "special",
        "member",
    ]
)
