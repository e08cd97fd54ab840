"""Learns the model of a rule from labelled news: logistic regression over `features`, with scikit-learn (the extra
`learn`). Applying a model needs none of this.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watcher.annotate import annotate
from watcher.errors import CannotHelp
from watcher.match.features import Passage, features, passages
from watcher.match.learned import LearnedModel, Named
from watcher.match.lexicon import Lexicon
from watcher.match.likeness import likeness
from watcher.match.rule import RuleSet
from watcher.match.view import View
from watcher.model import NewsText, TextField

MAX_FEATURES = 8000
SEEN_IN = 3
"""A feature of fewer passages than this says more of them than of the language."""
STRENGTH = 60.0
"""Inverse of the regularisation, on rows of length 1."""
FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A labelled item. `evidence` is the relevant sentence of a long text, as it stands there; empty: unknown."""

    id: str
    news: NewsText
    labels: frozenset[str]
    evidence: str = ""
    only: str = ""
    """The rule that the labels speak of; empty: all rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A passage to learn from."""

    item: str
    features: frozenset[str]
    labels: frozenset[str]
    decides: bool
    """Whether its labels are known: of a long text without known evidence they are not."""
    only: str = ""


def rows(items: Iterable[Labelled], lists: Named) -> list[Row]:
    """The passages of labelled news. A label of a long text holds for the passages with the evidence alone."""
    lexicon = Lexicon((), lists)
    return [row for item in items for row in _rows(item, View(item.news, annotate, lexicon), lists)]


def examples(rule_set: RuleSet) -> list[Labelled]:
    """The examples inside rules, as labelled news."""
    return [
        Labelled(
            id=f"{rule.path}:{test.line}",
            news=test.news,
            labels=frozenset({rule.id} if test.expect else ()),
            only=rule.id,
        )
        for rule in rule_set.rules
        for test in rule.tests
    ]


def _rows(item: Labelled, view: View, lists: Named) -> Iterable[Row]:
    cut = passages(view, view.everything)
    for passage in cut:
        here = len(cut) == 1 or _holds(passage, item)
        yield Row(
            item=item.id,
            features=frozenset(features(view, passage, lists)),
            labels=item.labels if here else frozenset(),
            decides=len(cut) == 1 or not item.labels or bool(item.evidence),
            only=item.only,
        )


def _holds(passage: Passage, item: Labelled) -> bool:
    at = item.news.text.find(item.evidence[:40]) if item.evidence else -1
    return at >= 0 and any(one.field is TextField.TEXT and one.start <= at < one.end for one in passage.sentences)


def learn(rule_id: str, learnable: Sequence[Row], lists: Named, *, most: int = MAX_FEATURES) -> LearnedModel:
    """The model that tells the rule's passages from the others; raises CannotHelp where there is nothing to learn."""
    kept = [row for row in learnable if row.decides and row.only in ("", rule_id)]
    truth = [rule_id in row.labels for row in kept]
    if not any(truth) or all(truth):
        raise CannotHelp(f"{rule_id}: items with and without this label are needed to learn from")
    seen = Counter(feature for row in kept for feature in row.features)
    names = sorted(feature for feature, count in seen.items() if count >= SEEN_IN)
    weights, bias = _fit(kept, truth, names)
    if len(names) > most:
        names = sorted(sorted(names, key=lambda name: (-abs(weights[name]), name))[:most])
        weights, bias = _fit(kept, truth, names)
    return LearnedModel(rule_id, bias, weights, lists)


def _fit(kept: Sequence[Row], truth: Sequence[bool], names: Sequence[str]) -> tuple[dict[str, float], float]:
    try:
        from scipy.sparse import csr_matrix
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise CannotHelp("learning needs scikit-learn: pip install 'biotech-watcher[learn]'") from error
    column = {name: index for index, name in enumerate(names)}
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for row in kept:
        known = sorted(column[feature] for feature in row.features if feature in column)
        columns += known
        values += [1 / math.sqrt(len(known) or 1)] * len(known)
        ends.append(len(columns))
    table = csr_matrix((values, columns, ends), shape=(len(kept), len(names)))
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000, solver="liblinear").fit(
        table, truth
    )
    return {name: float(weight) for name, weight in zip(names, fitted.coef_[0], strict=True)}, float(
        fitted.intercept_[0]
    )


def cross_validated(
    rule_id: str, learnable: Sequence[Row], lists: Named, always: Sequence[Row] = ()
) -> dict[str, float]:
    """Item → its likeness by a model that was learned without it; the folds are cut by a hash of the ids.

    `always`: rows that every model is learned from and that are not asked about.
    """
    found: dict[str, float] = {}
    for fold in range(FOLDS):
        model = learn(rule_id, [*always, *(row for row in learnable if _fold(row.item) != fold)], lists)
        for row in learnable:
            if _fold(row.item) == fold:
                found[row.item] = max(found.get(row.item, 0.0), likeness(model, row.features & model.weights.keys()))
    return found


def _fold(item: str) -> int:
    return int(hashlib.sha256(item.encode()).hexdigest()[:8], 16) % FOLDS
