"""One phrase of a rule as a regular expression over folded text, with the literals without which it cannot match.

A phrase is words with a few signs: `a|b` either word, `word?` may be absent, `word*` any ending, `=word` this form
only, `two_words` one alternative of two words, `...` a gap of about six words (`...3` three) in one sentence, `{list}`
any phrase of a word list, `<name=party:company>` an annotation. Other words match in every inflection and spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, takewhile

from watcher.match.fold import ASCII_WORD, FURTHER_WORD, WORD, fold, is_cjk
from watcher.match.slots import Slot, SlotError, read_slot
from watcher.match.words import forms

GAP_WORDS = 6
MAX_GAP_WORDS = 40
_LATIN_PER_WORD, _CJK_PER_WORD = 9, 3
_OPEN = f"(?<![{ASCII_WORD}])(?<![{FURTHER_WORD}])"
_CLOSE = f"(?![{ASCII_WORD}])(?![{FURTHER_WORD}])"
"""Borders of words, in two classes because one would take several times as long to compile."""
_NOT_CJK = "[\\W0-9_a-z\u00aa-\u10ff]"
"""Scripts with spaces between words, and signs; the other scripts, negated, would take milliseconds to compile."""
_JOIN = "[ \\-\"'/]{1,3}"
_JOIN_SLOT = "[ ,\"'()\\-]{0,3}"
_ARTICLE = "(?:(?:the|a|an|la|el|il|le|o|der|die|das|dem|den) )?"
_TOKEN = re.compile(
    r"(?:\.\.\.|…)(?P<gap>\d*)|\{(?P<list>[^{}]*)\}|<(?P<slot>[^<>]*)>|(?P<space>\s+)|(?P<word>(?:(?!\.\.\.)[^\s{<…])+)"
)


class PhraseError(ValueError):
    """A phrase that cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A phrase ready to search."""

    source: str
    pattern: str
    needs: tuple[frozenset[str], ...]
    """Sets of literals of folded text; where the phrase matches, at least one of each set is present."""
    starts: frozenset[str] = frozenset()
    """Literals, and characters of slots, one of which every match begins with; empty when that is not known."""
    slots: tuple[Slot, ...] = ()
    holes: tuple[frozenset[str], ...] = ()
    """Per slot the characters of which one must stand there."""
    gapped: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The most selective of the sets that the phrase needs; empty when it needs none."""
        return _best(self.needs)

    @property
    def regex(self) -> re.Pattern[str]:
        return _compiled(self.pattern)

    @property
    def by_sentence(self) -> bool:
        """Whether it must be searched in one sentence at a time."""
        return self.gapped or bool(self.slots)


@lru_cache(maxsize=65536)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@dataclass(slots=True)
class _Part:
    pattern: str
    keys: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()
    kind: str = "word"
    optional: bool = False
    spaced: bool = False
    """Whether white space stands before it in the source."""


Lists = Mapping[str, tuple[Phrase, ...]]


def read_phrase(source: str, lists: Lists | None = None) -> Phrase:
    """Read one phrase as a rule writes it; raises PhraseError."""
    return _read(source, lists) if "{" in source else _read_alone(source)


@lru_cache(maxsize=65536)
def _read_alone(source: str) -> Phrase:
    return _read(source, None)


def _read(source: str, lists: Lists | None) -> Phrase:
    parts: list[_Part] = []
    slots: list[Slot] = []
    spaced = False
    position = 0
    for token in _TOKEN.finditer(source):
        if token.start() != position:
            break
        position = token.end()
        if token["space"] is not None:
            spaced = True
            continue
        parts.append(_part(token, lists, slots))
        parts[-1].spaced = spaced
        spaced = False
    if position != len(source):
        raise PhraseError(f"{source[position:][:20]!r} cannot be read: close every {{list}} and <slot>")
    _check(source, parts)
    return Phrase(
        source=source,
        pattern=_joined(parts),
        needs=_necessary(parts),
        starts=_starts(parts),
        slots=tuple(slots),
        holes=tuple(frozenset(slot.codes) for slot in slots),
        gapped=any(part.kind == "gap" for part in parts),
    )


def _check(source: str, parts: list[_Part]) -> None:
    solid = [part for part in parts if part.kind != "gap" and not part.optional]
    if not solid:
        raise PhraseError(f"{source!r} holds no word that must be there: add one")
    if parts[0].kind == "gap" or parts[-1].kind == "gap":
        raise PhraseError(f"{source!r} begins or ends with a gap: delete the dots")


def _part(token: re.Match[str], lists: Lists | None, slots: list[Slot]) -> _Part:
    if token["gap"] is not None:
        words = int(token["gap"] or GAP_WORDS)
        if not 0 < words <= MAX_GAP_WORDS:
            raise PhraseError(f"a gap holds 1 to {MAX_GAP_WORDS} words")
        return _Part(pattern=str(words), kind="gap")
    if token["list"] is not None:
        return _list_part(token["list"], lists)
    if token["slot"] is not None:
        try:
            slot = read_slot(token["slot"])
        except SlotError as error:
            raise PhraseError(str(error)) from None
        if slot.name and any(slot.name == one.name for one in slots):
            raise PhraseError(f"slot {slot.name!r} stands twice in one phrase: name one of them otherwise")
        slots.append(slot)
        return _Part(pattern=f"(?P<slot{len(slots) - 1}>[{slot.codes}])", starts=frozenset(slot.codes), kind="slot")
    return _word_part(token["word"])


def _list_part(name: str, lists: Lists | None) -> _Part:
    if lists is None:
        raise PhraseError("a word list cannot use another list: write the words out")
    if name not in lists:
        known = ", ".join(sorted(lists)) or "none"
        raise PhraseError(f"no word list {name!r} (lists: {known})")
    phrases = lists[name]
    if not phrases:
        raise PhraseError(f"word list {name!r} is empty")
    keys = (
        frozenset(key for phrase in phrases for key in phrase.keys) if all(one.keys for one in phrases) else frozenset()
    )
    patterns = [phrase.pattern for phrase in sorted(phrases, key=lambda one: -len(one.source))]
    patterns.sort(key=lambda pattern: not pattern.startswith(_OPEN))
    return _Part(pattern=_either(patterns), keys=keys, starts=_all_or_none([phrase.starts for phrase in phrases]))


def _word_part(written: str) -> _Part:
    optional = written.endswith("?") and len(written) > 1
    alternatives = (written[:-1] if optional else written).split("|")
    if not all(alternatives):
        raise PhraseError(f"{written!r}: a word is missing beside '|'")
    read = [_alternative(alternative) for alternative in alternatives]
    patterns = [pattern for pattern, _, _ in read]
    keys = frozenset(key for _, keys, _ in read for key in keys)
    starts = _all_or_none([starts for _, _, starts in read])
    return _Part(pattern=_either(patterns), keys=keys, starts=starts, optional=optional)


def _all_or_none(every: list[frozenset[str]]) -> frozenset[str]:
    """All starts of alternatives; none where those of one are not known."""
    return frozenset().union(*every) if all(every) else frozenset()


def _either(patterns: list[str]) -> str:
    """The patterns as alternatives in this order. Borders that neighbours share stand once around them: classes of
    characters are most of the time that it takes to compile a pattern.
    """
    opened = [
        (opening, [pattern.removeprefix(opening) for pattern in group])
        for opening, group in groupby(patterns, lambda pattern: _OPEN if pattern.startswith(_OPEN) else "")
    ]
    return _grouped([opening + _grouped(_closed(group)) for opening, group in opened])


def _closed(patterns: list[str]) -> list[str]:
    groups = groupby(patterns, lambda pattern: _CLOSE if pattern.endswith(_CLOSE) else "")
    return [_grouped([pattern.removesuffix(closing) for pattern in group]) + closing for closing, group in groups]


def _grouped(patterns: list[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"


def _alternative(written: str) -> tuple[str, frozenset[str], frozenset[str]]:
    words = [_word(word) for word in written.split("_") if word]
    if not words:
        raise PhraseError(f"{written!r} holds no word")
    pattern = words[0][0]
    for following, _, _ in words[1:]:
        pattern = pattern.removesuffix(_CLOSE) + _JOIN + following.removeprefix(_OPEN)
    return pattern, max((keys for _, keys, _ in words), key=_weight), words[0][2]


@cache
def _word(written: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """The pattern of a word, the literals of which one is in every match, and those of which one begins it."""
    exact = written.startswith("=") and len(written) > 1
    prefix = written.endswith("*")
    word = fold(written.strip("=*") if exact or prefix else written)
    if not word or "*" in word:
        raise PhraseError(f"{written!r}: '*' stands only at the end of a word")
    if prefix and len(word) < 3 and not is_cjk(word[0]):
        raise PhraseError(f"{written!r}: at least three letters before '*'")
    found = sorted({word} if exact or prefix else forms(word), key=lambda form: (-len(form), form))
    opening = "" if is_cjk(word[0]) or not word[0].isalnum() else _OPEN
    closing = "" if is_cjk(word[-1]) or not word[-1].isalnum() else _CLOSE
    if prefix:
        closing = f"[{WORD}]*" if closing else ""
    keys = frozenset(max(form.split("-"), key=len) for form in found)
    heads = frozenset(head for form in found for head in _heads(form))
    starts = heads if all(map(_tells, heads)) else frozenset()
    return opening + _alternation(found) + closing, keys if all(keys) else frozenset(), starts


def _heads(form: str) -> list[str]:
    """What the ways to write a form begin with (see `_spelled`)."""
    head, hyphen, tail = form.partition("-")
    return (
        [head] if not hyphen or _tells(head) else [f"{head}{sign}{tail.partition('-')[0]}" for sign in ("", " ", "-")]
    )


def _tells(key: str) -> bool:
    """Whether a literal is rare enough to look at each of its occurrences."""
    return len(key) > 2 or not key.isascii()


def _alternation(found: list[str]) -> str:
    """The forms with what they begin with in common put in front: the engine then sees at one glance that none fits."""
    head = _common_head(found)
    if not head or len(found) == 1:
        return _spelled(found[0]) if len(found) == 1 else "(?:" + "|".join(map(_spelled, found)) + ")"
    return _spelled(head) + "(?:" + "|".join(_spelled(form[len(head) :]) for form in found) + ")"


def _common_head(found: list[str]) -> str:
    low, high = min(found), max(found)
    return next((low[:index] for index, char in enumerate(low) if char != high[index]), low)


def _spelled(form: str) -> str:
    """A form as a pattern. A hyphen may be missing, or a space unless "in-" stands before it: "in licensing" is no
    in-licensing.
    """
    hyphen = "-?" if form.startswith("in-") else "[ \\-]?"
    return hyphen.join(re.escape(part) for part in form.split("-")) if len(form) > 1 else re.escape(form)


def _joined(parts: list[_Part]) -> str:
    pieces: list[str] = []
    leading = True
    for index, part in enumerate(parts):
        before = parts[index - 1] if index else None
        join = "" if leading or before is None else _join(before, part)
        if part.kind == "gap":
            pieces.append(_gap(int(part.pattern)))
        elif not part.optional:
            if join == _JOIN and before and not before.optional:
                pieces[-1] = pieces[-1].removesuffix(_CLOSE)
            pieces.append(_after(join, part))
        elif leading:
            pieces.append(f"(?:{part.pattern}{_join(part, parts[index + 1])})?")
        else:
            pieces.append(f"(?:{_after(join, part)})?")
        leading = leading and part.optional
    return "".join(pieces)


def _after(join: str, part: _Part) -> str:
    """A part behind its join; none of the signs that join words belongs to a word, so the border is there."""
    return join + (part.pattern.removeprefix(_OPEN) if join == _JOIN else part.pattern)


def _join(before: _Part, part: _Part) -> str:
    if "gap" in (before.kind, part.kind):
        return ""
    if "slot" in (before.kind, part.kind):
        return _JOIN_SLOT + (_ARTICLE if part.kind == "slot" else "")
    return _JOIN if part.spaced else " ?"


def _gap(words: int) -> str:
    """Up to so many words: nine characters each where no Chinese, Japanese or Korean stands between, else three."""
    return f"(?:{_NOT_CJK}{{0,{words * _LATIN_PER_WORD + 1}}}?|.{{0,{words * _CJK_PER_WORD}}}?)"


@lru_cache(maxsize=65536)
def _best(needs: tuple[frozenset[str], ...]) -> frozenset[str]:
    return max(needs, key=_weight, default=frozenset())


@lru_cache(maxsize=65536)
def _weight(keys: frozenset[str]) -> tuple[int, int]:
    """How selective a set of literals is: the length of its shortest, a Chinese character as two, then how few."""
    return (min(map(weight, keys)), -len(keys)) if keys else (0, 0)


@lru_cache(maxsize=65536)
def weight(key: str) -> int:
    """The length of a literal, a Chinese character as two."""
    return len(key) if key.isascii() else sum(1 + is_cjk(char) for char in key)


def _necessary(parts: list[_Part]) -> tuple[frozenset[str], ...]:
    return tuple(shortest(part.keys) for part in parts if part.kind == "word" and not part.optional and part.keys)


def _starts(parts: list[_Part]) -> frozenset[str]:
    """What the first part that must be there begins with, and the optional ones before it."""
    leading = list(takewhile(lambda part: part.optional, parts))
    starts = _all_or_none([part.starts for part in parts[: len(leading) + 1]])
    return frozenset(one for one in starts if not any(one[:length] in starts for length in range(1, len(one))))


@lru_cache(maxsize=65536)
def shortest(keys: frozenset[str]) -> frozenset[str]:
    """The keys without those that contain another key: where such a one is, the shorter one is too."""
    if len(keys) < 2:
        return keys
    kept: list[str] = []
    for key in sorted(keys, key=lambda one: (len(one), one)):
        if not any(one in key for one in kept):
            kept.append(key)
    return frozenset(kept)
