"""Likeness: how much a text reads like the news of a rule, by a learned model.

The likeness of a passage is the logistic of its features' weights, summed and divided by the root of their number; that
of a text is the highest of its passages.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from watcher.match.features import Features, Passage, features, passages
from watcher.match.learned import LearnedModel
from watcher.match.view import Stretch, Unit, View

MAX_WORDS = 6


class Reading(NamedTuple):
    """The likeness of a text, 0 to 1, and what it comes from."""

    likeness: float
    sentence: Stretch | None
    """The sentence that speaks most for it."""
    words: tuple[tuple[str, float], ...]
    """The features that weigh most, for it or against it, with what they add."""


def read(model: LearnedModel, view: View, unit: Unit) -> Reading:
    """The likeness of that passage of a unit which has the highest one."""
    readings = [_passage(model, view, passage) for passage in passages(view, unit)]
    return max(readings, key=lambda one: one.likeness, default=Reading(0.0, None, ()))


def _passage(model: LearnedModel, view: View, passage: Passage) -> Reading:
    weights = model.weights
    found = {name: held for name, held in features(view, passage, model.lists).items() if name in weights}
    scale = 1 / math.sqrt(len(found) or 1)
    total = model.bias + scale * sum(weights[name] for name in found)
    heaviest = sorted(found, key=lambda name: (-abs(weights[name]), name))[:MAX_WORDS]
    words = tuple((name, weights[name] * scale) for name in heaviest)
    return Reading(logistic(total), _sentence(model, passage, found), words)


def _sentence(model: LearnedModel, passage: Passage, found: Features) -> Stretch | None:
    said = [0.0] * len(passage.sentences)
    for name, held in found.items():
        for index in held:
            said[index] += model.weights[name]
    if not said:
        return None
    best = passage.sentences[said.index(max(said))]
    return Stretch(best.field, best.start, best.end)


def logistic(total: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))
