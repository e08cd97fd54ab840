"""Places in Latin letters: names of the gazetteer where surroundings allow it; zones and names that only patterns give
away are read by `zone_latin` and `place_unknown`.
"""

from __future__ import annotations

from watcher.annotate.gazetteer import Entry, gazetteer, latin_key
from watcher.annotate.latin import FUNCTION, Word, joined
from watcher.annotate.place_found import Found, choose
from watcher.annotate.place_unknown import UnknownReader
from watcher.annotate.place_words import (
    ADMIN_AFTER,
    ADMIN_BEFORE,
    ADMIN_DIRECT,
    INITIALS,
    LOCATIVE,
    MAY_FOLLOW,
    MAY_PRECEDE,
    PERSON_BEFORE,
    SPEAKS,
    STATE_SHORT,
)
from watcher.model import PlaceKind

_AND = frozenset(("and", "und", "y", "e", "et"))
_CALENDAR = frozenset(("march", "may", "august", "date"))
_OF = frozenset(("of", "de", "di", "da", "do", "d"))


class LatinReader(UnknownReader):
    """One pass over one text, zones and parks first; then names of the gazetteer, then what patterns give away."""

    def read(self) -> list[Found]:
        self.read_zones()
        i = 0
        while i < self.count:
            i += self._name(i)
        self.read_unknown()
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
            if size == 1 and word.fold in _COMPASS and not self._compass_place(i):
                continue
            if senses and self._fits(i, i + size, strong=any(not s.weak for s in senses)):
                everything = [gazetteer().entry(s.row) for s in senses]
                entries = [e for e, s in zip(everything, senses, strict=True) if not s.weak] or everything
                key = " ".join(latin_key(w.text) for w in run)
                chosen = self._chosen(i, i + size, entries, everything, self.senses.get(key))
                self.senses[key] = chosen
                self._add(i, i + size, chosen)
                return size
        return 1

    def _compass_place(self, i: int) -> bool:
        after = self._after(i + 1)
        return after is not None and joined(after) and after.fold in ("region", "province")

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
        if self._cue(i, j):
            return True
        if self.style == "plain" and (self._name_goes_on(j) or self._name_began(i, strong=strong)):
            return False
        if after and after.fold in SPEAKS and not strong:
            return False
        if strong:
            return True
        led = before is not None and joined(self.words[i]) and (before.fold in LOCATIVE or self._beside_place(i))
        return led and self.style == "plain" and self.words[i].fold not in _CALENDAR

    def _beside_place(self, i: int) -> bool:
        """ "Kazan and Ghent": after a place and "and" an ordinary-looking name is a place too."""
        if i < 2 or self.words[i - 1].fold not in _AND or not joined(self.words[i - 1]):
            return False
        return bool(self.taken[i - 2])

    def _name_goes_on(self, j: int) -> bool:
        """A capitalised word right after makes it part of another name ("Boston Scientific", "Sydney Brenner")."""
        after = self._after(j)
        if not after or not joined(after) or after.gap == "-" or not after.shaped:
            return False
        return after.fold not in MAY_FOLLOW and not self._place_at(j) and not self.government[j]

    def _name_began(self, i: int, *, strong: bool) -> bool:
        """A capitalised word right before does the same ("Bobby Gaspar"), unless it is a place or party itself."""
        before, word = self._before(i), self.words[i]
        if not before or not joined(word) or word.gap == "-" or not before.capital or before.fold in MAY_PRECEDE:
            return False
        if before.first and before.fold in FUNCTION:
            return False
        return not (self.taken[i - 1] or (self.blocked[i - 1] and strong))

    def _place_at(self, j: int) -> bool:
        """Does the next word name a place of the same country ("Shanghai Zhangjiang")? Then it is no surname."""
        if self.taken[j]:
            return True
        countries = {
            gazetteer().entry(s.row).country for s in gazetteer().latin.senses(self.words[j].fold) if not s.weak
        }
        mine = gazetteer().latin.senses(self.words[j - 1].fold)
        return any(gazetteer().entry(s.row).country in countries for s in mine[:3])

    def _cue(self, i: int, j: int) -> bool:
        """Words that only go with places: "City of X", "Stadt X", "X Province", "X-based", "X, Spain"."""
        before, after = self._before(i), self._after(j)
        if after and after.gap in (" ", "-"):
            hyphened = after.gap == "-" and after.fold in ("based", "headquartered", "area")
            if hyphened or after.fold in ADMIN_AFTER:
                return True
        if before and joined(self.words[i]):
            led = before.fold in _OF and i > 1 and self.words[i - 2].fold in ADMIN_BEFORE and joined(before)
            if led and self.style == "plain" and self._name_goes_on(j):  # "City of Laredo Springs" is not in Laredo
                return False
            if led or before.fold in ADMIN_DIRECT:
                return True
        if j >= self.count or self.words[j].gap == " ":
            return False
        senses = gazetteer().latin.senses(" ".join(latin_key(w.text) for w in self.words[i:j]))
        return any(self._followed_by(j, gazetteer().entry(s.row)) for s in senses[:12])

    def _add(self, i: int, j: int, entry: Entry) -> None:
        if entry.key.startswith("world/"):  # continents: known so that nothing is read into them, but no places of ours
            self.taken[i:j] = b"\1" * (j - i)
            return
        end = j + self._own_tail(j, entry)
        self.taken[i:end] = b"\1" * (end - i)
        start, stop = self.words[i].start, self.words[end - 1].end
        kind, key, within = entry.kind, entry.key, entry.within
        if end > j and self.words[j].fold == "county" and kind is PlaceKind.CITY:
            kind, key = PlaceKind.DISTRICT, f"{key}-county"
        self.found.append(Found(start, stop, entry.name, kind, entry.country, key, within))

    def _own_tail(self, j: int, entry: Entry) -> int:
        """1 where the word after the name says what kind of place it is ("Huangyan District", "Zhejiang Province")."""
        tail = self._after(j)
        if not tail or tail.gap != " " or not tail.capital or self.taken[j] or tail.fold not in _OWN_TAILS:
            return 0
        after = self.words[j + 1] if j + 1 < self.count else None
        if after and joined(after) and after.fold in ("council", "hall", "government", "university", "manager"):
            return 0
        return int(_OWN_TAILS[tail.fold] is entry.kind or tail.fold == "county")


_COMPASS = frozenset("northern southern eastern western central island north south east west".split())
_OWN_TAILS = {
    **dict.fromkeys(("province", "prefecture", "state"), PlaceKind.REGION),
    **dict.fromkeys(("county", "district"), PlaceKind.DISTRICT),
    "city": PlaceKind.CITY,
}
