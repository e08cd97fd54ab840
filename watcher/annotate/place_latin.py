"""Places in Latin letters: names of the gazetteer where their surroundings allow it, and names that patterns give away."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watcher.annotate.gazetteer import Entry, gazetteer, latin_key
from watcher.annotate.latin import FUNCTION, Word, joined, shouting, words
from watcher.annotate.party_names import Organisation
from watcher.annotate.place_found import Found, choose, made_key, slug
from watcher.annotate.place_words import (
    ADMIN_AFTER,
    ADMIN_BEFORE,
    INITIALS,
    LOCATIVE,
    MAY_FOLLOW,
    MAY_PRECEDE,
    PERSON_BEFORE,
    SPEAKS,
    STATE_SHORT,
    ZONE_NEXT,
)
from watcher.annotate.zone_words import (
    FRONT_PATTERN,
    FRONT_TYPES,
    LATIN_PATTERN,
    latin_type,
)
from watcher.model import PartyKind, PlaceKind

_MOST_ZONE_WORDS = 6


class LatinReader:
    """One pass over one text; `organisations` are spans in which no place is looked for, save the head of a public body's name."""

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
                # the seat of a public body is a place ("Shanghai Sports Bureau", "City Council of Lyon"), other words are not
                seat = one.kind is PartyKind.GOVERNMENT and not one.name
                (self.government if seat else self.blocked)[k] = 1
                k += 1
            self.opens.add(first)

    def read(self) -> list[Found]:
        self._zones()
        i = 0
        while i < self.count:
            i += self._name(i)
        self._unknown()
        return self.found

    # ── names of the gazetteer ──

    def _name(self, i: int) -> int:
        word = self.words[i]
        if self.taken[i] or self.blocked[i] or not (word.capital or word.text[0].isdigit()):
            return 1
        if entry := self._initials(word):
            self._add(i, i + 1, entry)
            return 1
        most = gazetteer().latin.starts.get(word.fold, 0)
        for size in range(min(most, self.count - i, 6), 0, -1):
            run = self.words[i : i + size]
            if any(not joined(w) and w.gap not in (". ", "’", "'") for w in run[1:]) or not run[-1].text[0].isupper():
                continue
            if any(self.taken[i : i + size]) or any(self.blocked[i : i + size]):
                continue
            senses = gazetteer().latin.senses(" ".join(latin_key(w.text) for w in run))
            if senses and self._fits(i, i + size, strong=any(not s.weak for s in senses)):
                everything = [gazetteer().entry(s.row) for s in senses]
                entries = [e for e, s in zip(everything, senses, strict=True) if not s.weak] or everything
                key = " ".join(latin_key(w.text) for w in run)
                chosen = self._chosen(i, i + size, entries, everything, self.senses.get(key))
                self.senses[key] = chosen
                self._add(i, i + size, chosen)
                return size
        return 1

    def _initials(self, word: Word) -> Entry | None:
        key = INITIALS.get(word.text)
        if self.text[word.end : word.end + 7].lstrip().startswith(("dollar", "Dollar")):
            return None
        if self.text[word.end : word.end + 1] in "$-" and self.text[word.end : word.end + 1]:
            key = key if self.text[word.end] == "-" else None
        return gazetteer().by_key(key) if key else None

    def _chosen(self, i: int, j: int, entries: list[Entry], everything: list[Entry], before: Entry | None) -> Entry:
        """ "Cambridge, Mass." and "Valencia, Spain": what follows decides, then what was named before, then size."""
        if len(everything) > 1:
            after = self._after(j)
            if after and after.gap == " " and after.fold in ("province", "prefecture", "oblast", "state", "region"):
                everything = [e for e in everything if e.kind is PlaceKind.REGION] or everything
                return everything[0]
            for entry in everything:
                if self._followed_by(j, entry) or self._led_by(i, entry):
                    return entry
        if before:
            return before
        return choose(
            entries,
            [f.country for f in self.found[-6:]] if len(entries) > 1 and entries[0].kind is PlaceKind.CITY else [],
        )

    def _followed_by(self, j: int, entry: Entry) -> bool:
        if j >= self.count or self.words[j].gap not in (", ", " (", ",", " ", ", in ", " in "):
            return False
        for size in (3, 2, 1):
            run = self.words[j : j + size]
            if len(run) < size:
                continue
            name = " ".join(latin_key(w.text) for w in run)
            keys = {gazetteer().entry(s.row).key for s in gazetteer().latin.senses(name)}
            if (short := STATE_SHORT.get(run[0].text)) and size == 1 and run[0].gap.startswith(","):
                keys.add(short)
            if keys & set(entry.within):
                return True
        return False

    def _led_by(self, i: int, entry: Entry) -> bool:
        """ "Japan's Date", "Spain's Valencia" """
        if not i or not self.found:
            return False
        last = self.found[-1]
        between = self.text[last.end : self.words[i].start]
        return between in ("'s ", "’s ") and (last.key in entry.within)

    def _fits(self, i: int, j: int, *, strong: bool) -> bool:
        """Do the words around let this spelling be a place here?"""
        before, after = self._before(i), self._after(j)
        if self.style == "plain" and self.words[i].text.isupper() and len(self.words[i].text) <= 3 and j - i == 1:
            return False
        if before and before.fold in PERSON_BEFORE and before.capital and self.style != "caps":
            return False
        cue = self._cue(i, j)
        if cue:
            return True
        if self.style == "plain":
            if (
                after
                and joined(after)
                and after.gap != "-"
                and after.shaped
                and after.fold not in MAY_FOLLOW
                and not self._place_at(j)
            ):
                if not self.government[j]:
                    return False
            if (
                before
                and joined(self.words[i])
                and self.words[i].gap != "-"
                and before.capital
                and before.fold not in MAY_PRECEDE
            ):
                if not before.first or before.fold not in FUNCTION:
                    if not (self.taken[i - 1] or self.blocked[i - 1]) or (self.blocked[i - 1] and not strong):
                        return False
        if after and after.fold in SPEAKS and not strong:
            return False
        if strong:
            return True
        return (
            self.style == "plain"
            and before is not None
            and joined(self.words[i])
            and before.fold in LOCATIVE
            and not (after and joined(after) and after.fold in SPEAKS)
        )

    def _place_at(self, j: int) -> bool:
        return bool(self.taken[j]) or (
            bool(gazetteer().latin.senses(self.words[j].fold)) and not self.words[j].gap.strip()
        )

    def _cue(self, i: int, j: int) -> bool:
        """Words that only go with places: "City of X", "Mayor of X", "X Province", "X-based", "X, Spain"."""
        before, after = self._before(i), self._after(j)
        if (
            after
            and after.gap in (" ", "-")
            and (after.fold in ADMIN_AFTER or (after.gap == "-" and after.fold in ("based", "headquartered", "area")))
        ):
            return True
        if (
            before
            and before.fold in ("of", "de", "di", "da", "do", "d")
            and i > 1
            and self.words[i - 2].fold in ADMIN_BEFORE
            and joined(self.words[i - 1])
        ):
            return True
        if (
            before
            and before.gap != ""
            and before.fold in ("comune", "ciudad", "ville", "stadt", "comuna", "municipio", "cidade")
            and joined(self.words[i])
        ):
            return True
        senses = gazetteer().latin.senses(" ".join(latin_key(w.text) for w in self.words[i:j]))
        return any(
            self._followed_by(j, gazetteer().entry(s.row))
            for s in senses[:12]
            if self.words[j : j + 1] and self.words[j].gap != " "
        )

    def _before(self, i: int) -> Word | None:
        return self.words[i - 1] if i and not self.words[i].first else None

    def _after(self, j: int) -> Word | None:
        return self.words[j] if j < self.count and not self.words[j].first else None

    def _add(self, i: int, j: int, entry: Entry) -> None:
        if entry.key.startswith(
            "world/"
        ):  # continents: known so that nothing else is read into them, but no places of ours
            self.taken[i:j] = b"\1" * (j - i)
            return
        end = j
        following = self._after(j)
        if (
            following
            and following.gap == " "
            and following.fold in ("province", "prefecture", "county", "district", "state", "city")
            and following.capital
        ):
            fits = {"city": PlaceKind.CITY, "district": PlaceKind.DISTRICT, "county": PlaceKind.DISTRICT}.get(
                following.fold, PlaceKind.REGION
            )
            after = self.words[j + 1] if j + 1 < self.count else None
            council = (
                after is not None
                and joined(after)
                and after.fold in ("council", "hall", "government", "university", "manager")
            )
            if (fits is entry.kind or following.fold == "county") and not council and not self.taken[j]:
                end = j + 1
        for k in range(i, end):
            self.taken[k] = 1
        self.found.append(
            Found(
                self.words[i].start,
                self.words[end - 1].end,
                entry.name,
                entry.kind,
                entry.country,
                entry.key,
                entry.within,
            )
        )

    # ── zones and parks by their type ──

    def _zones(self) -> None:
        for match in LATIN_PATTERN.finditer(self.text):
            at = self.starts.get(match.start())
            if (
                at is None
                or self.taken[at]
                or not self.words[at].shaped
                or (self.style == "title" and match.group().isupper())
            ):
                continue
            self._zone(match, at)
        for match in FRONT_PATTERN.finditer(self.text):
            at = self.starts.get(match.start())
            if at is not None and self.words[at].capital:
                self._front_zone(match, at)

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
        """Is this really the name of a zone or park? Plain "Park" and centres need their seat; names of cities are not parks."""
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
        if (
            stop < self.count
            and self.words[stop].gap == " ("
            and self.text[self.words[stop].end : self.words[stop].end + 1] == ")"
        ):
            if gazetteer().latin.senses(self.words[stop].fold):
                return stop + 1
        return stop

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

    # ── names that only patterns give away ──

    def _unknown(self) -> None:
        """ "Mayor of X", "City of X", "X City", "X Province", "X District", "X-do": places that no gazetteer knows."""
        for i in range(self.count):
            word = self.words[i]
            if self.taken[i] or self.blocked[i] or not word.capital or word.fold in FUNCTION:
                continue
            before = self._before(i)
            if (
                before
                and before.fold in ("of", "de", "di")
                and i > 1
                and self.words[i - 2].fold in ADMIN_BEFORE
                and joined(word)
                and joined(self.words[i - 1])
            ):
                j = i + 1
                while (
                    j < self.count
                    and j - i < 3
                    and joined(self.words[j])
                    and self.words[j].capital
                    and not self.taken[j]
                    and self.words[j].fold not in MAY_FOLLOW
                ):
                    j += 1
                self._add_unknown(i, j, PlaceKind.CITY)
                continue
            kind = _TAIL_KIND.get(word.fold)
            if kind and before and joined(word) and i and not self.taken[i - 1] and not self.blocked[i - 1]:
                self._tail(i, kind)

    def _tail(self, i: int, kind: PlaceKind) -> None:
        begin = i
        while (
            begin
            and i - begin < 3
            and joined(self.words[begin])
            and self.words[begin - 1].capital
            and not self.taken[begin - 1]
        ):
            if self.words[begin - 1].fold in FUNCTION or self.words[begin - 1].fold in _NOT_BEFORE_TAIL:
                break
            begin -= 1
        hyphen = self.words[i].gap == "-"
        if begin == i or hyphen != (self.words[i].fold in ("do", "gu", "si", "gun", "ku", "shi", "ken")):
            return
        after = self.words[i + 1] if i + 1 < self.count else None
        if after and joined(after) and after.capital and after.fold not in MAY_FOLLOW and self.style == "plain":
            return
        self._add_unknown(begin, i + 1, kind)

    def _add_unknown(self, i: int, j: int, kind: PlaceKind) -> None:
        if j <= i or any(self.taken[i:j]):
            return
        for k in range(i, j):
            self.taken[k] = 1
        start, end = self.words[i].start, self.words[j - 1].end
        name = self.text[start:end]
        country = self._context_country(start)
        self.found.append(
            Found(
                start,
                end,
                name,
                kind,
                country,
                made_key((country or "").lower(), slug(name), ""),
                (country.lower(),) if country else (),
            )
        )

    def _context_country(self, start: int) -> str | None:
        near = [f for f in self.found if abs(f.start - start) < 200 and f.country]
        return min(near, key=lambda f: abs(f.start - start)).country if near else None


_TAIL_KIND = {
    "city": PlaceKind.CITY, "province": PlaceKind.REGION, "prefecture": PlaceKind.REGION, "oblast": PlaceKind.REGION, "county": PlaceKind.DISTRICT,
    "district": PlaceKind.DISTRICT, "town": PlaceKind.DISTRICT, "township": PlaceKind.DISTRICT, "borough": PlaceKind.DISTRICT, "canton": PlaceKind.REGION,
    "do": PlaceKind.REGION, "gu": PlaceKind.DISTRICT, "si": PlaceKind.CITY, "gun": PlaceKind.DISTRICT, "ku": PlaceKind.DISTRICT, "shi": PlaceKind.CITY,
    "ken": PlaceKind.REGION,
}  # fmt: skip
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
