"""An item's place among the stories: found by shared keys, decided by likeness to the items that stand for a story."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta

from watcher import wire
from watcher.model import Item
from watcher.runtime import Runtime
from watcher.store import Connection, items, stories
from watcher.story.facts import MOST_READ
from watcher.story.fingerprint import Fingerprint, Telling, fingerprint
from watcher.story.same import Decision, Reason, Weights, same
from watcher.story.series import apart

MOST_CANDIDATES = 12
_CONTRADICTS = frozenset({Reason.OTHER_ASSET, Reason.OTHER_PARTIES, Reason.OTHER_AMOUNT})
_SAMPLE = 500
"""Newest items by which the rarity of words is reckoned."""
_SAMPLE_EVERY = timedelta(hours=1)


def rarity(rt: Runtime) -> Weights:
    """How rare words are among the newest items; reckoned once an hour in every process."""
    now = rt.clock()
    if rt.weighed_at is None or now - rt.weighed_at > _SAMPLE_EVERY:
        with rt.database.read() as conn:
            sample = items.newest_words(conn, limit=_SAMPLE)
        weights = Weights()
        for title, text in sample:
            told = fingerprint(Telling(id="", title=title, text=text))
            weights.add({*told.words, *told.neutral})
        rt.weights, rt.weighed_at = weights, now
    return rt.weights


def place(
    conn: Connection, item: Item, told: Fingerprint, *, key: str, weights: Weights, opens: bool, now: datetime
) -> int | None:
    """The story of the item, which from now on has it among its items; None when it tells no known one.

    `key` is its `story_key`. A new story is made only when it `opens` one. Call `stories.lock`
    first in the transaction.
    """
    if item.story_id is not None:
        return item.story_id
    story_id, reason = stories.known(conn, key), str(Reason.SAME_PAGE)
    if story_id is None:
        story_id, reason = _likest(conn, told, weights)
    if story_id is None:
        if not opens:
            return None
        story_id, reason = stories.ensure(conn, key=key, title=item.title, now=now), "first"
    stories.join(
        conn,
        story_id,
        item.id,
        reason=reason,
        copy_of=stories.original(conn, story_id, item.id, page=item.link if told.page else None),
        fingerprint=_kept(told),
        keys=told.keys,
        now=now,
    )
    return story_id


def _kept(told: Fingerprint) -> object:
    """What is stored of a fingerprint: of the text only as much as a decision may read."""
    lead = told.telling.text[:MOST_READ]
    return wire.dump(dataclasses.replace(told, telling=dataclasses.replace(told.telling, text=lead)))


def _likest(conn: Connection, told: Fingerprint, weights: Weights) -> tuple[int | None, str]:
    """The open story with the likest core, and why; none when every candidate tells something else."""
    core: dict[int, list[Decision]] = {}
    for one in stories.core(conn, stories.candidates(conn, told.keys, limit=MOST_CANDIDATES)):
        core.setdefault(one.story_id, []).append(_decide(told, wire.load(Fingerprint, one.fingerprint), weights))
    best = [(decision.score, -story_id, decision) for story_id in core if (decision := _of_core(core[story_id]))]
    if not best:
        return None, ""
    score, negative, decision = max(best, key=lambda one: one[:2])
    return -negative, f"{decision.reason} {score:.2f}"


def _decide(told: Fingerprint, known: Fingerprint, weights: Weights) -> Decision:
    if told.page != known.page and apart(told.telling.title, known.telling.title):
        return Decision(same=False, reason=Reason.OTHER_PARTIES, score=0.0)
    return same(told, known, weights)


def _of_core(decisions: Sequence[Decision]) -> Decision | None:
    """What a story's core says as one: the likest item speaks, unless half of them or more contradict."""
    against = sum(decision.reason in _CONTRADICTS for decision in decisions)
    likest = max(decisions, key=lambda decision: decision.score)
    return likest if likest.same and 2 * against < len(decisions) else None
