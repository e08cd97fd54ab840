"""Open stories in memory and which of them a new item joins: a few candidates by shared rare words, then the decision.

An item is compared to a story's core, its first items, never to whatever came to it later: a story cannot drift.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from watcher.story.fingerprint import Fingerprint
from watcher.story.same import Compared, Decision, Reason, Weights, compared, copies, judged, likeness

Name = TypeVar("Name", bound=Hashable)

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


@dataclass(slots=True)
class _Story:
    core: list[Compared] = field(default_factory=list)
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
        new = compared(one, self.weights)
        story, decision = self._find(new)
        if story is None:
            story = one.telling.id
            self._stories[story] = _Story()
        self.weights.add({*one.words, *one.neutral})
        for key in _copy_keys(one):
            self._by_copy.setdefault(key, story)
        kept = self._stories[story]
        if not kept.core or (len(kept.core) < CORE and teaches(decision)):
            kept.core.append(new)
            if not one.roundup:
                self._post(story, kept, new)
        return story, decision

    def find(self, one: Fingerprint) -> tuple[str | None, Decision]:
        """The story that an item tells, or None, and the decision about the likeliest one."""
        return self._find(compared(one, self.weights))

    def _find(self, one: Compared) -> tuple[str | None, Decision]:
        known = {self._by_copy[key] for key in _copy_keys(one.print) if key in self._by_copy}
        named = sorted(story for story in known if story in self._stories)
        return choose(one, {story: self._stories[story].core for story in [*named, *self._candidates(one)]})

    def close(self, story: str) -> None:
        """Forget a story; what it taught about the rarity of words stays."""
        kept = self._stories.pop(story, None)
        for feature in kept.features if kept else ():
            self._by_feature[feature].pop(story, None)

    def _candidates(self, core: Compared) -> list[str]:
        sums: dict[str, float] = {}
        for vector in (core.words, {name: v for name, v in core.neutral.items() if name not in core.words}):
            for feature, value in heapq.nlargest(MOST_FEATURES, vector.items(), key=lambda pair: pair[1]):
                posted = self._by_feature.get(feature, {})
                if len(posted) <= MOST_POSTED:
                    for story in posted:
                        sums[story] = sums.get(story, 0.0) + value * value
        return heapq.nlargest(MOST_COMPARED, sums, key=lambda story: sums[story])

    def _post(self, story: str, kept: _Story, core: Compared) -> None:
        for vector in (core.words, core.neutral):
            for feature, _ in heapq.nlargest(MOST_FEATURES, vector.items(), key=lambda pair: pair[1]):
                kept.features.add(feature)
                self._by_feature.setdefault(feature, {})[story] = None


def _copy_keys(one: Fingerprint) -> list[str]:
    keys = [f"l:{one.page}"] if one.page else []
    keys += [f"b:{one.body}"] if one.body else []
    return [*keys, f"t:{one.title}"] if len(one.title) > 24 else keys


def teaches(decision: Decision) -> bool:
    """Whether an item that joins a story for this reason may stand for it too: a copy adds nothing to compare with."""
    return decision.reason in _TEACHES


def choose(one: Compared, stories: Mapping[Name, Sequence[Compared]]) -> tuple[Name | None, Decision]:
    """The story whose core items the item tells, or None, and the decision about it or about the likeliest one.

    Only the stories that come nearest by words are judged by facts.
    """
    for name, core in stories.items():
        for other in core:
            if reason := copies(one.print, other.print):
                return name, Decision(same=True, reason=reason, score=1.0)
    near = {name: max(likeness(one, other) for other in core) for name, core in stories.items() if core}
    found = _NOTHING
    for name in heapq.nlargest(MOST_JUDGED, near, key=lambda name: near[name]):
        decision = joins(one, stories[name])
        if decision.same:
            return name, decision
        found = max(found, decision, key=lambda one: one.score)
    return None, found


def joins(one: Compared, core: Sequence[Compared]) -> Decision:
    """Does an item tell the story of these core items, none of which it copies? Decided by the two likest of them."""
    if not core:
        return _NOTHING
    ranked = sorted(((likeness(one, other), n) for n, other in enumerate(core)), reverse=True)
    first = judged(one, core[ranked[0][1]], ranked[0][0])
    if not first.same or len(ranked) == 1:
        return first
    # one chance likeness must not do where the story has more items to compare with
    second = ranked[1][0]
    if (first.score + second) / 2 >= SECOND_FROM or first.reason is Reason.FACTS:
        return first
    return Decision(same=False, reason=Reason.TOO_LITTLE_IN_COMMON, score=(first.score + second) / 2)
