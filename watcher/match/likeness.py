"""Likeness: how much a text reads like the news of a rule, by a learned model.

The likeness of a passage is the logistic of its features' weights, summed and divided by the root of their number; that
of a text is the highest of its passages.
"""

from __future__ import annotations

import math
from collections.abc import Set
from typing import NamedTuple

from watcher.match.features import Passage, counts, passages, seen
from watcher.match.learned import LearnedModel
from watcher.match.view import Stretch, Unit, View
from watcher.model import Sentence

MAX_WORDS = 6


class Reading(NamedTuple):
    """The likeness of a text, 0 to 1, and what it comes from."""

    likeness: float
    sentence: Stretch | None
    """The sentence that speaks most for it."""
    words: tuple[tuple[str, float], ...]
    """The features that weigh most, for it or against it, with what they add."""


def read(model: LearnedModel, view: View, unit: Unit) -> Reading:
    """The likeness of that passage of a unit which has the highest one; read once however many clauses ask."""
    return view.once((id(model), unit), lambda: _read(model, view, unit))


def _read(model: LearnedModel, view: View, unit: Unit) -> Reading:
    cut = [(one, _found(model, view, one)) for one in passages(view, unit)]
    best, found = max(cut, key=lambda pair: _total(model, pair[1]))
    scale = 1 / math.sqrt(len(found) or 1)
    heaviest = sorted(found, key=lambda name: (-abs(model.weights[name]), name))[:MAX_WORDS]
    words = tuple((name, model.weights[name] * scale) for name in heaviest)
    return Reading(likeness(model, found), _sentence(model, view, best), words)


def likeness(model: LearnedModel, found: Set[str]) -> float:
    """The likeness of a passage with these features, all of which the model weighs."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, _total(model, found)))))


def _total(model: LearnedModel, found: Set[str]) -> float:
    return model.bias + math.fsum(map(model.weights.__getitem__, found)) / math.sqrt(len(found) or 1)


def _found(model: LearnedModel, view: View, passage: Passage) -> set[str]:
    known = (_known(model, view, sentence) for sentence in passage.sentences)
    return set().union(*known, counts(view, passage, model.lists) & model.weights.keys())


def _known(model: LearnedModel, view: View, sentence: Sentence) -> frozenset[str]:
    """The features of a sentence that the model weighs."""
    key = (id(model), sentence.field, sentence.start)
    return view.once(key, lambda: seen(view, sentence, model.lists).features & model.weights.keys())


def _sentence(model: LearnedModel, view: View, passage: Passage) -> Stretch | None:
    """The sentence that speaks most for it."""

    def said(sentence: Sentence) -> float:
        return math.fsum(map(model.weights.__getitem__, _known(model, view, sentence)))

    best = max(passage.sentences, key=said, default=None)
    return Stretch.of(best) if best else None
