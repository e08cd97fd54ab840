"""What a message says beside the facts: what changed, why it was chosen, what stands behind it, titles and labels."""

from __future__ import annotations

import re
from functools import cache

from watcher.model import AlertView, Change, ChangeWhy, Coverage, Language
from watcher.wording.facts import label, term
from watcher.wording.figures import translated, written_day
from watcher.wording.phrases import ENGLISH, joined, number_of, say
from watcher.wording.text import one_line

_EN = Language.ENGLISH
_PLACE_TO_FILL = re.compile(r"\\\{(\w+)\\\}")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def change(one: Change, language: Language = _EN) -> str:
    """`amount corrected from 1bn USD to 1.2bn USD`."""
    phrase: str = one.why
    if not one.before:
        phrase = "ended_at_once" if one.why is ChangeWhy.ENDED else "now_known"
    before, after = (_value(words, language) for words in (one.before, one.after))
    name = label(one.fact, language).lower()
    return say(phrase, language, fact=name, before=before, after=after)


def _value(words: str, language: Language) -> str:
    """A fact's value as it was written when it changed, in the reader's language."""
    clean = one_line(words, 120)
    if language is _EN:
        return clean
    return written_day(clean, language) if _ISO_DAY.fullmatch(clean) else term(translated(clean, language), language)


def update_line(alert: AlertView, language: Language = _EN) -> str:
    """What changed since the reader was told, as a sentence without its full stop; nothing for what is new."""
    if not alert.update or not alert.changes:
        return ""
    words = say("between_changes", language).join(change(one, language) for one in alert.changes[:4])
    return words[:1].upper() + words[1:]


def reason(why: str, language: Language = _EN) -> str:
    """Why an event was chosen, as `digest.choose` wrote it; in another language each part of it that is known."""
    clean = one_line(why, 300)
    if language is _EN:
        return clean
    return say("between_reasons", language).join(_part(part, language) for part in clean.split("; "))


def _part(part: str, language: Language) -> str:
    for phrase, pattern in _reasons():
        if found := pattern.fullmatch(part):
            filled = {name: _part(words, language) for name, words in found.groupdict().items()}
            return say(phrase, language, **filled)
    return translated(part, language).replace(" = ", " ≈ ")


@cache
def _reasons() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The English forms of reasons as patterns, the longer ones first."""
    return tuple(
        (phrase, re.compile(_PLACE_TO_FILL.sub(r"(?P<\1>.+)", re.escape(form))))
        for phrase, form in ENGLISH.items()
        if phrase.startswith("why_")
    )


def coverage(told: Coverage | None, language: Language = _EN) -> str:
    """`39 of 41 feeds checked. Not reached: A and B. Silent for long: C.`; nothing when nothing is known."""
    if told is None:
        return ""
    feeds = number_of("feeds", told.feeds_total, language)
    whole = not told.failing and told.feeds_checked == told.feeds_total
    phrase = "checked_some" if not whole else "checked_all" if told.feeds_total > 1 else "checked_one"
    words = say(phrase, language, feeds=feeds, checked=told.feeds_checked)
    for what, names in (("not_reached", told.failing), ("silent", told.silent)):
        if names:
            second = say(what, language, names=joined(names, language=language))
            words = say("sentences", language, first=words, second=second)
    return words
