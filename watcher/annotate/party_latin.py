"""Organisations in Latin letters: known names, telling last or first words, telling shapes, and who does deals."""

from __future__ import annotations

import re
from functools import lru_cache

from watcher.annotate.gazetteer import latin_key
from watcher.annotate.latin import FUNCTION, Word, joined, shouting, words
from watcher.annotate.party_names import Organisation, key_of, known_names
from watcher.annotate.party_words import (
    ACTS,
    APPOSED,
    AUXILIARY,
    BODY_HEADS,
    BREAKS,
    CAMEL,
    COMMON,
    COMPANY_HEADS,
    DEAL_NOUNS,
    DOINGS,
    EPONYMS,
    FIRM_NOUNS,
    FRONT_HEADS,
    HAN_AFTER,
    HAN_BEFORE,
    LEGAL,
    LOOSE_HEADS,
    MODALS,
    OWNED,
    SHAPE,
    SHAPE_NOT,
    THING_NEXT,
    TICKER,
    TITLES,
    TOPICS,
)
from watcher.model import PartyKind

_MOST_WORDS = 9
OF_PLACES = frozenset(("of", "in", "at", "near", "de", "di"))
"""After these an unknown name is rather a place than somebody who does deals."""
PLACE_NOUNS = frozenset("zone region district province county city area valley campus high state river port".split())
"""After an unknown name these make it a place."""
NAME_FUNCTION = frozenset(("new", "first", "next", "one"))
"""Words of grammar that names begin with all the same (New Horizon Health)."""


def _name_word(word: Word) -> bool:
    return word.shaped or word.text[0].isdigit()


class _Reader:
    """One pass over the words of one text; every step only looks a bounded number of words around."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = words(text)
        self.style = shouting(text)
        self.found: list[Organisation] = []
        self.taken = bytearray(len(self.words))

    def read(self) -> list[Organisation]:
        self._known()
        for i in range(len(self.words)):
            if not self.taken[i]:
                self._headed(i)
        for i in range(len(self.words)):
            if not self.taken[i] and self.words[i].shaped:
                self._shaped(i)
        self._short_forms()
        if self.style == "plain":
            for i in range(len(self.words)):
                if not self.taken[i] and self.words[i].capital:
                    self._acting(i)
            self._again()
        return self.found

    def _take(
        self, i: int, j: int, kind: PartyKind, *, name: str = "", key: str = "", country: str | None = None
    ) -> None:
        """Words i..j-1 are one organisation."""
        for k in range(i, j):
            self.taken[k] = 1
        end = self.words[j - 1].end
        self.found.append(Organisation(self.words[i].start, end, kind, name, key, country))

    def _known(self) -> None:
        latin, longest, _, _ = known_names()
        i, count = 0, len(self.words)
        while i < count:
            step = 1
            if (most := longest.get(self.words[i].fold)) and _name_word(self.words[i]):
                for size in range(min(most, count - i), 0, -1):
                    run = self.words[i : i + size]
                    if any(not joined(w) and w.gap not in (". ", ", ") for w in run[1:]):
                        continue
                    known = latin.get(" ".join(w.fold for w in run))
                    if known and self._fits_known(i, size, known.weak, known.name):
                        end = self._legal_tail(i + size)
                        self._take(i, end, known.kind, name=known.name, key=key_of(known.name), country=known.country)
                        step = end - i
                        break
            i += step

    def _fits_known(self, i: int, size: int, weak: bool, name: str) -> bool:
        word = self.words[i]
        if size == 1 and len(word.text) <= 4 and not (word.text.isupper() or word.text == name):
            return False
        if size == 1 and self.style == "caps" and word.fold in COMMON:
            return False
        after = self.words[i + size] if i + size < len(self.words) else None
        if after and joined(after) and after.gap != " - " and after.capital and size == 1:
            # "Legend Capital" is not Legend, "Roche Holding" is Roche: longer names are found by their heads
            if after.fold in COMPANY_HEADS or after.fold in BODY_HEADS:
                return after.fold in ("holding", "group", "pharma", "pharmaceuticals", "pharmaceutical", "oncology")
            if weak and self.style == "plain":
                return False
        before = self.words[i - 1] if i else None
        return not (weak and before is not None and joined(before) and before.capital and not before.first)

    def _legal_tail(self, end: int) -> int:
        """Takes "Inc.", "Co., Ltd." and the like into the name."""
        while end < len(self.words):
            word = self.words[end]
            if word.fold.replace(".", "") in LEGAL and word.shaped and word.gap in (" ", ", ", "., ", ". ", ".,"):
                end += 1
            else:
                break
        return end

    def _headed(self, i: int) -> None:
        word = self.words[i]
        if not word.shaped and word.fold not in ("plc", "oyj"):
            return
        fold = word.fold.replace(".", "") if word.fold not in FRONT_HEADS else word.fold
        if fold in FRONT_HEADS and self._front(i, FRONT_HEADS[fold]):
            return
        if fold in LEGAL and i and (len(fold) > 2 or word.text.isupper() or fold == "co") and not self.taken[i - 1]:
            begin = self._left(i, topics=False, legal=True)
            if begin < i:
                self._take(begin, self._legal_tail(i), PartyKind.COMPANY)
            return
        kind = COMPANY_HEADS.get(fold) or BODY_HEADS.get(fold)
        if kind is None:
            return
        if self._continues(i, fold):
            return
        begin = self._left(i, topics=fold in BODY_HEADS, legal=False)
        if begin < i and not (i - begin == 1 and self.words[begin].fold in COMMON):
            end = self._legal_tail(i + 1)
            self._take(begin, end, kind)

    def _continues(self, i: int, fold: str) -> bool:
        """Does a longer name go on after this head? Then its last word decides."""
        after = self.words[i + 1 : i + 4]
        if fold in TOPICS and len(after) > 1 and after[0].fold == "and" and joined(after[0]) and after[1].capital:
            return True
        if not after or not joined(after[0]) or not after[0].capital:
            return False
        for word in after:
            if not joined(word) or not word.shaped:
                break
            if word.fold in COMPANY_HEADS or word.fold in BODY_HEADS or word.fold.replace(".", "") in LEGAL:
                return True
        last = after[0].fold
        loose = self.style == "plain" and last not in TITLES and last not in BREAKS and last not in FUNCTION
        return loose and fold in LOOSE_HEADS and last.replace(".", "") not in LEGAL

    def _left(self, i: int, *, topics: bool, legal: bool) -> int:
        """The first word of the name that ends with the head at i; i itself when nothing fits before it."""
        begin = i
        while begin > 0 and i - begin < _MOST_WORDS:
            here, before = self.words[begin], self.words[begin - 1]
            if here.gap == ") " and before.gap == " (" and begin > 1 and not self.taken[begin - 2]:
                begin -= 2  # "PalaTech (Chongqing) Biotechnology Co"
                continue
            glue = joined(here) or (legal and begin == i and here.gap == ", ")
            if self.taken[begin - 1] or not glue:
                break
            if not _name_word(before):
                if topics and before.fold in ("and", "of", "for") and begin > 1 and self._topic(begin):
                    begin -= 2
                    continue
                if before.fold == "tech" and begin > 1 and self.words[begin - 2].fold == "high":
                    begin -= 2
                    continue
                break
            hyphen = here.gap == "-" and begin > 1 and joined(before)  # "Shenzhen-European … Office"
            if not hyphen and (before.fold in BREAKS or (before.fold in FUNCTION and before.fold not in NAME_FUNCTION)):
                break
            if before.fold.replace(".", "") in LEGAL and len(before.fold) > 2:
                break
            begin -= 1
        while begin < i and (self.words[begin].fold in BREAKS | TITLES or self.words[begin].text.isdigit()):
            begin += 1
        return begin

    def _topic(self, begin: int) -> bool:
        """ "Culture and Tourism Bureau": is the word before the connector at begin-1 part of the name?"""
        word = self.words[begin - 2]
        return word.capital and word.fold in TOPICS and joined(self.words[begin - 1])

    def _front(self, i: int, kind: PartyKind) -> bool:
        """ "University of X", "Ministry of X and Y", "Ayuntamiento de X": reads on to the right."""
        j, count = i + 1, len(self.words)
        if (
            j >= count
            or not joined(self.words[j])
            or self.words[j].fold
            not in ("of", "de", "for", "di", "do", "da", "del", "für", "der", "fur", "des", "du", "della", "delle")
        ):
            return False
        j += 1
        if j < count and self.words[j].fold in ("the", "la", "las", "los", "il"):
            j += 1
        begin = j
        while j < count and j - i < _MOST_WORDS + 3 and joined(self.words[j]):
            word = self.words[j]
            if (word.shaped and word.fold not in BREAKS and not self.taken[j]) or (
                word.fold in ("and", "of", "de", "y", "e", "for", "di")
                and j + 1 < count
                and self.words[j + 1].capital
                and self._goes_on(i, j)
            ):
                j += 1
            else:
                break
        if j <= begin:
            return False
        start = i
        while start > 0 and joined(self.words[start]) and self.words[start - 1].capital and not self.taken[start - 1]:
            if self.words[start - 1].fold in BREAKS or self.words[start - 1].fold in FUNCTION or i - start > 3:
                break
            start -= 1
        self._take(start, j, kind)
        return True

    def _goes_on(self, i: int, j: int) -> bool:
        """Does a connector inside "Ministry of Science and Technology" belong to the name?"""
        if self.words[j].fold in ("of", "de", "di", "for"):
            latin = self.words[j].fold in ("de", "di")  # "Universidad de Santiago de Compostela"
            return latin or self.words[j - 1].fold in TOPICS or not self.words[i].fold.startswith("univer")
        return self.words[j - 1].fold in TOPICS

    def _shaped(self, i: int) -> None:
        """A word that looks coined for a company: telling syllables (SynaptixBio) or inner capitals (TreeFrog)."""
        word = self.words[i]
        if len(word.text) < 5 or word.fold in SHAPE_NOT or word.fold in COMMON or word.text.isupper():
            return
        coined = SHAPE.search(word.text) is not None
        if not coined and not CAMEL.search(word.text):
            return
        following = self.words[i + 1] if i + 1 < len(self.words) else None
        if (following and joined(following) and following.fold in THING_NEXT) or not self._not_place(i, i + 1):
            return
        begin = i
        before = self.words[i - 1] if i else None
        if before and joined(word) and before.capital and word.gap == " " and self.style == "plain" and not word.first:
            plain = before.fold not in BREAKS and before.fold not in FUNCTION and before.fold not in TITLES
            if plain and not self.taken[i - 1] and not (before.first and before.fold in COMMON):
                if not coined:
                    return
                begin -= 1
        self._take(begin, i + 1, PartyKind.COMPANY)

    def _short_forms(self) -> None:
        """Other mentions by the first word, by a lone last word with inner capitals, or by the acronym in brackets."""
        short: dict[str, Organisation] = {}
        for one in self.found:
            written = self.text[one.start : one.end]
            key = one.key or key_of(written)
            full = Organisation(one.start, one.end, one.kind, one.name or written, key, one.country)
            for alias in aliases(written, one.kind):
                short.setdefault(alias, full)
            match = re.match(
                r"\s*[（(]\s*(?:the\s+)?[\"“]?([A-Z][A-Za-z&-]{1,9})[\"”]?\s*[）)]", self.text[one.end : one.end + 24]
            )
            if match and sum(c.isupper() for c in match.group(1)) >= 2:
                short.setdefault(match.group(1), full)
        for i, word in enumerate(self.words):
            if self.taken[i] or word.text not in short:
                continue
            following = self.words[i + 1] if i + 1 < len(self.words) else None
            if (
                following
                and joined(following)
                and following.capital
                and self.style == "plain"
                and following.fold not in ACTS
                and following.gap == " "
            ):
                continue
            full = short[word.text]
            self._take(i, i + 1, full.kind, name=full.name, key=full.key, country=full.country)

    def _acting(self, i: int) -> None:
        """An unknown name doing what organisations do: "Vedere raised …", "licensed to Nanolek", "与X签订"."""
        word = self.words[i]
        if word.fold in COMMON or word.fold in FUNCTION or word.fold in BREAKS or word.fold in TITLES | TOPICS:
            return
        if len(word.text) < 3 or (
            i and joined(word) and (self.words[i - 1].capital or self.words[i - 1].fold in OF_PLACES)
        ):
            return
        j = i + 1
        while (
            j < len(self.words) and j - i < 3 and joined(self.words[j]) and self.words[j].shaped and not self.taken[j]
        ):
            j += 1
        if not self._not_place(i, j):
            return
        known = self._called(i, j) or TICKER.match(self.text, self.words[j - 1].end) is not None
        known = known or (j - i < 3 and self._told(i, j))
        single = j - i == 1 or (j - i == 2 and any(c.isupper() or c.isdigit() for c in self.words[j - 1].text[1:]))
        if known or (single and (self._deals_after(j) or self._deals_before(i) or self._han_around(i, j))):
            self._take(i, j, PartyKind.COMPANY)

    def _called(self, i: int, j: int) -> bool:
        """ "seed house X", "Osaka-based X", "Gothenburg's X": is the name introduced as a company's?"""
        word, before = self.words[i], self.words[i - 1] if i else None
        if before is None or word.first or word.gap not in (" ", "'s ", "’s "):
            return False
        if word.gap != " ":
            return j - i == 1 and before.capital and not self._not_place(i - 1, i) and not self._before_noun(j)
        if before.fold in ("based", "listed", "headquartered"):
            return before.gap == "-"
        spun = before.gap == "-" and i > 1 and f"{self.words[i - 2].fold}-{before.fold}" in FIRM_NOUNS
        return not before.capital and (before.fold in FIRM_NOUNS or spun) and not self._before_noun(j)

    def _before_noun(self, j: int) -> bool:
        """Is the name only the first part of something: "CLN-081", "Xinzhan zone", "Distrito de Innovación"?"""
        if j >= len(self.words) or not joined(self.words[j]):
            return False
        after = self.words[j]
        return after.capital or after.gap == "-" or after.fold == "de" or after.fold in PLACE_NOUNS

    def _told(self, i: int, j: int) -> bool:
        """ "X, a maker of …", "X's antibody": is the name followed by what only companies are or have?"""
        end = self.words[j - 1].end
        if APPOSED.match(self.text, end):
            return True
        return self.words[i].fold not in EPONYMS and j - i == 1 and OWNED.match(self.text, end) is not None

    def _again(self) -> None:
        """Other mentions of names that were found by what they do."""
        named = {self.text[one.start : one.end]: one for one in self.found if one.kind is PartyKind.COMPANY}
        for i, word in enumerate(self.words):
            if not self.taken[i] and word.text in named and word.capital and not self._before_noun(i + 1):
                one = named[word.text]
                self._take(i, i + 1, one.kind, name=one.name, key=one.key, country=one.country)

    def _deals_after(self, j: int) -> bool:
        k, may = j, False
        while k < len(self.words) and k - j < 3 and self.words[k].fold in AUXILIARY and self.words[k].gap == " ":
            may = may or self.words[k].fold in MODALS
            k += 1
        if k >= len(self.words) or self.words[k].gap != " ":
            return False
        plural = self.words[j - 1].first and self.words[j - 1].fold.endswith("s")  # "Farmers will receive"
        return self.words[k].fold in ACTS or (may and not plural and self.words[k].fold in DOINGS)

    def _deals_before(self, i: int) -> bool:
        word = self.words[i]
        if i < 2 or word.first or word.gap != " " or self.words[i - 1].first:
            return False
        return self.words[i - 1].fold in ("to", "with", "from", "by") and self.words[i - 2].fold in DEAL_NOUNS

    def _han_around(self, i: int, j: int) -> bool:
        start, end = self.words[i].start, self.words[j - 1].end
        if self.words[i].text.isupper() or not any(c.islower() for c in self.words[i].text):
            return False
        before, after = self.text[max(0, start - 2) : start], self.text[end : end + 3]
        return HAN_BEFORE.search(before) is not None or HAN_AFTER.match(after) is not None

    def _not_place(self, i: int, j: int) -> bool:
        from watcher.annotate.gazetteer import gazetteer

        return not gazetteer().latin.senses(latin_key(" ".join(w.text for w in self.words[i:j])))


def aliases(written: str, kind: PartyKind) -> list[str]:
    """Short names by which a text goes on to call a company or fund that it has named in full."""
    from watcher.annotate.gazetteer import gazetteer

    if kind not in (PartyKind.COMPANY, PartyKind.FUND):
        return []
    parts = re.split(r"[\s,]+", written)
    base = [p for p in parts if p.lower().strip(".") not in LEGAL and p.lower() not in COMPANY_HEADS]
    if not base or (len(base) == len(parts) and len(base) > 1 and not any(c.isupper() for c in base[-1][1:])):
        return []
    found = []
    first = base[0].rstrip("’'s.,") if base[0].endswith(("’s", "'s")) else base[0].rstrip(".,")
    if (
        len(first) > 2
        and first.lower() not in COMMON
        and first.lower() not in FUNCTION
        and not gazetteer().latin.senses(latin_key(first))
    ):
        found.append(first)
    if len(base) > 1 and any(c.isupper() for c in base[-1][1:]) and len(base[-1]) > 4:
        found.append(base[-1])
    return found


@lru_cache(maxsize=8)
def latin_organisations(text: str) -> tuple[Organisation, ...]:
    """Organisations written in Latin letters, unordered and without overlaps among themselves."""
    return tuple(_Reader(text).read())
