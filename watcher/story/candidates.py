"""Open stories in memory and which of them a new item joins: a few candidates by shared rare words, then the decision.

An item is compared to a story's core, its first items, never to whatever came to it later: a story cannot drift.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from watcher.story.fingerprint import Fingerprint
from watcher.story.same import ACROSS_WORTH, Decision, Reason, Weights, across, copies, dot, judged

CORE = 5
"""Items of a story that others are compared to."""
MOST_COMPARED = 6
"""Stories that one item is compared to."""
MOST_JUDGED = 2
"""Of these, stories that are judged by facts too."""
MOST_FEATURES = 24
MOST_POSTED = 400
"""A feature of more stories than these finds none: it is a common word."""


_TEACHES = (Reason.WORDS, Reason.FACTS, Reason.NAMES_ACROSS_LANGUAGES)
"""Reasons for which an item adds something to the core; a copy adds nothing, a round-up something else."""
SECOND_FROM = 0.18
"""The mean of the two best likenesses to a story that has several core items."""


_NOTHING = Decision(same=False, reason=Reason.TOO_LITTLE_IN_COMMON, score=0.0)


@dataclass(frozen=True, slots=True)
class _Core:
    print: Fingerprint
    words: dict[str, float]
    neutral: dict[str, float]


@dataclass(slots=True)
class _Story:
    core: list[_Core] = field(default_factory=list)
    features: set[str] = field(default_factory=set)


class StoryIndex:
    """All open stories. `add` finds or opens the story of an item; `close` forgets one. Not for several threads."""

    def __init__(self) -> None:
        self.weights = Weights()
        self._stories: dict[str, _Story] = {}
        self._by_feature: dict[str, dict[str, None]] = {}
        self._by_copy: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._stories)

    def add(self, one: Fingerprint) -> tuple[str, Decision]:
        """The story's id, which is the id of its first item, and why the item is in it."""
        core = _Core(one, self.weights.vector(one.words), self.weights.vector(one.neutral))
        story, decision = self.find(one, core)
        if story is None:
            story = one.telling.id
            self._stories[story] = _Story()
        self.weights.add({*one.words, *one.neutral})
        for key in _copy_keys(one):
            self._by_copy.setdefault(key, story)
        kept = self._stories[story]
        if not kept.core or (len(kept.core) < CORE and decision.reason in _TEACHES):
            kept.core.append(core)
            if not one.roundup:
                self._post(story, kept, core)
        return story, decision

    def find(self, one: Fingerprint, core: _Core | None = None) -> tuple[str | None, Decision]:
        """The story that an item tells, or None, and the decision about the likeliest one."""
        for key in _copy_keys(one):
            known = self._stories.get(self._by_copy.get(key, ""))
            for other in known.core if known else ():
                if reason := copies(one, other.print):
                    return self._by_copy[key], Decision(same=True, reason=reason, score=1.0)
        core = core or _Core(one, self.weights.vector(one.words), self.weights.vector(one.neutral))
        found = _NOTHING
        for story in self._likest(core):
            decision = _joins(core, self._stories[story].core)
            if decision.same:
                return story, decision
            found = max(found, decision, key=lambda one: one.score)
        return None, found

    def _likest(self, core: _Core) -> list[str]:
        """The candidates that come nearest by words: only they are worth reading facts for."""
        near = {
            story: max(_likeness(core, other) for other in self._stories[story].core)
            for story in self._candidates(core)
        }
        return heapq.nlargest(MOST_JUDGED, near, key=lambda story: near[story])

    def close(self, story: str) -> None:
        """Forget a story; what it taught about the rarity of words stays."""
        kept = self._stories.pop(story, None)
        for feature in kept.features if kept else ():
            self._by_feature[feature].pop(story, None)

    def _candidates(self, core: _Core) -> list[str]:
        sums: dict[str, float] = {}
        for vector in (core.words, {name: v for name, v in core.neutral.items() if name not in core.words}):
            for feature, value in heapq.nlargest(MOST_FEATURES, vector.items(), key=lambda pair: pair[1]):
                posted = self._by_feature.get(feature, {})
                if len(posted) <= MOST_POSTED:
                    for story in posted:
                        sums[story] = sums.get(story, 0.0) + value * value
        return heapq.nlargest(MOST_COMPARED, sums, key=lambda story: sums[story])

    def _post(self, story: str, kept: _Story, core: _Core) -> None:
        for vector in (core.words, core.neutral):
            for feature, _ in heapq.nlargest(MOST_FEATURES, vector.items(), key=lambda pair: pair[1]):
                kept.features.add(feature)
                self._by_feature.setdefault(feature, {})[story] = None


def _copy_keys(one: Fingerprint) -> list[str]:
    keys = [f"l:{one.page}"] if one.page else []
    keys += [f"b:{one.body}"] if one.body else []
    return [*keys, f"t:{one.title}"] if len(one.title) > 24 else keys


def joins(one: Fingerprint, core: Sequence[Fingerprint], weights: Weights | None = None) -> Decision:
    """Does an item tell the story of these core items? The decision about the two likest of them."""
    weights = weights or Weights()
    cores = [_Core(other, weights.vector(other.words), weights.vector(other.neutral)) for other in core]
    return _joins(_Core(one, weights.vector(one.words), weights.vector(one.neutral)), cores)


def _joins(one: _Core, core: Sequence[_Core]) -> Decision:
    if not core:
        return _NOTHING
    ranked = sorted(((_likeness(one, other), n) for n, other in enumerate(core)), reverse=True)
    for _, n in ranked:
        if reason := copies(one.print, core[n].print):
            return Decision(same=True, reason=reason, score=1.0)
    first = judged(one.print, core[ranked[0][1]].print, ranked[0][0])
    if not first.same or len(ranked) == 1:
        return first
    # one chance likeness must not do where the story has more items to compare with
    second = ranked[1][0]
    if (first.score + second) / 2 >= SECOND_FROM or first.reason is Reason.FACTS:
        return first
    return Decision(same=False, reason=Reason.TOO_LITTLE_IN_COMMON, score=(first.score + second) / 2)


def _likeness(a: _Core, b: _Core) -> float:
    if across(a.print, b.print):
        return ACROSS_WORTH * dot(a.neutral, b.neutral)
    return dot(a.words, b.words)
