"""What an item says about earlier reports: that it corrects one, or that what they told is over or was never so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from watcher.annotate.sentences import sentences
from watcher.model import Fact, FactKind, Snippet, Span, Stance, TextField
from watcher.story.merge import STAGE

_CORRECTS = re.compile(
    r"(?:^|[\n(\[*])\s*correct(?:s|ed|ion)\b|\bbeen corrected\b|\bcorrected version\b|\ban earlier version\b"
    r"|\bcorrects (?:the )?(?:headline|amount|sum|figures?|value|name|date|paragraph)\b|\berratum\b|\bcorrigendum\b"
    r"|更正|勘误|勘誤|订正|訂正|정정|\bkorrektur\b|\bberichtig(?:t|ung)\b|\brectificaci[oó]n\b|\bcorrecci[oó]n\b"
    r"|\bcorrecti(?:f|on)\b|\brectificatif\b|\brettifica\b|\bcorreç[aã]o\b",
    re.IGNORECASE,
)
_LOOKED_AT = 300
"""Code points at each end of a text: that is where outlets put the note that a report was corrected."""
_DENIES = re.compile(r"den(?:y|ies|ied|ying)|refut|no\b|not\b|never|dement|desmi|否|辟谣|没有|并未|부인", re.IGNORECASE)
"""Cues of a denial that speak of the report itself; a regulator's "rejects" speaks of something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """That an event is over, as the stage it has from then on, and the headline that says so."""

    stage: Fact
    snippet: Snippet


def corrects(title: str, text: str) -> bool:
    """Whether the item says of itself that it corrects a report."""
    return any(_CORRECTS.search(part) for part in (title, text[:_LOOKED_AT], text[-_LOOKED_AT:]))


def ending(title: str, dated: date | None) -> Ending | None:
    """The ending that a headline tells, by the stance of its first sentence; None when it tells none.

    Only headlines count: texts name the ended deals of other years in passing.
    """
    told = next(iter(sentences(title, TextField.TITLE, dated=dated)), None)
    if told is None or told.stance not in (Stance.ENDED, Stance.DENIED):
        return None
    if told.stance is Stance.DENIED and not _DENIES.match(told.cue):
        return None
    at = title.find(told.cue, told.start) if told.cue else -1
    start, end = (at, at + len(told.cue)) if at >= 0 else (told.start, told.end)
    span = Span(field=TextField.TITLE, start=start, end=end)
    stage = Fact(name=STAGE, kind=FactKind.TEXT, value=told.stance.value, span=span, text=title[start:end])
    return Ending(stage=stage, snippet=Snippet(text=title, marks=((start, end),)))
