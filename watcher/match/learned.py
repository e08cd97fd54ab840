"""A learned model: a text file of `weight<TAB>feature` lines that a person can read and a diff can show. Learning one
is `learn`'s, applying it `likeness`'s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from watcher.match.phrase import Phrase

BIAS = "(bias)"
_LIST = re.compile(r"\{([^{}]+)\}")
Named: TypeAlias = tuple[tuple[str, tuple[Phrase, ...]], ...]
"""Word lists with their names."""


class ModelError(ValueError):
    """A model file that cannot be read; `line` says where (1-based, 0: the whole file)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """Weights of features, and the word lists that features may name."""

    name: str
    bias: float
    weights: Mapping[str, float]
    lists: Named


def read_model(name: str, text: str, lists: Named) -> LearnedModel:
    """The model of a file's text; raises ModelError at the first line that is none, or that names a list not there."""
    known = {listed for listed, _ in lists}
    weights: dict[str, float] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        said, tab, feature = line.partition("\t")
        try:
            weight = float(said)
        except ValueError:
            weight = math.nan
        if not tab or not feature or not math.isfinite(weight):
            raise ModelError(number, f"not 'weight<TAB>feature': {line[:40]!r}")
        if feature in weights:
            raise ModelError(number, f"{feature!r} stands twice")
        weights[feature] = weight
        gone = next((listed for listed in lists_of(feature) if listed not in known), None)
        if gone:
            raise ModelError(number, f"no word list {gone!r}: learn the model anew")
    if BIAS not in weights:
        raise ModelError(0, f"no {BIAS} line")
    return LearnedModel(name, weights.pop(BIAS), weights, lists)


def lists_of(feature: str) -> list[str]:
    """The word lists that a feature is about: `title:{rights}`, `{grants}>{rights}`."""
    return _LIST.findall(feature)


def write_model(bias: float, weights: Mapping[str, float], about: str) -> str:
    """The text of a model file, heaviest features first; `about` becomes its first lines."""
    rows = sorted(weights.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    lines = [*(f"# {line}" for line in about.splitlines()), f"{bias:.3f}\t{BIAS}"]
    return "\n".join([*lines, *(f"{weight:.2f}\t{name}" for name, weight in rows)]) + "\n"
