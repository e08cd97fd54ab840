"""An item's place among the stories: found by shared keys, decided by likeness to the items that stand for a story."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.model import Again, Item
from watcher.runtime import Runtime
from watcher.store import Connection, items, stories
from watcher.story.candidates import choose, teaches
from watcher.story.fingerprint import Telling, fingerprint, story_key
from watcher.story.kept import keep, recall
from watcher.story.same import Compared, Decision, Reason, Weights, compared

MOST_CANDIDATES = 6
"""Stories with keys in common that an item is compared to."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An item read for its place among the stories; nothing of it needs the database."""

    item: Item
    story_key: str
    compared: Compared
    keys: Sequence[int]


def read(item: Item, weights: Weights) -> Told:
    """Pure; takes some milliseconds, for the item's facts are read too."""
    told = compared(fingerprint(item), weights)
    told.facts  # noqa: B018 — read now, outside any transaction
    keys = stories.hashed({*told.print.keys, *_rare_names(told, weights)})
    return Told(item=item, story_key=story_key(item), compared=told, keys=keys)


def _rare_names(told: Compared, weights: Weights) -> list[str]:
    """Keys for names that few items have: short headlines share no pair of names, and a common one finds too much."""
    if told.print.roundup:
        return []
    most = max(2.0, weights.items / 100)
    rare = [name for name in told.neutral if name[0] in "@+" and weights.counts.get(name, 0) <= most]
    return [f"n:{name}" for name in heapq.nlargest(6, rare, key=lambda name: told.neutral[name])]


def place(conn: Connection, told: Told, *, opens: bool, now: datetime) -> int | None:
    """The story of the item, which from now on has it among its items; None when it tells no known one.

    A new story is made only when it `opens` one. Call `stories.lock` first in the transaction.
    """
    item = told.item
    if item.story_id is not None:
        if item.again is Again.TEXT:
            stories.stand_anew(conn, item.story_id, item.id, keep(told.compared), told.keys)
        return item.story_id
    story_id, decision = stories.known(conn, told.story_key), _SAME_PAGE
    if story_id is None:
        story_id, decision = find(conn, told)
    if story_id is None:
        return open_story(conn, told, now=now) if opens else None
    copy_of = stories.original(conn, story_id, item, page=item.link if told.compared.print.page else None)
    stories.join(
        conn,
        story_id,
        item.id,
        reason=f"{decision.reason} {decision.score:.2f}",
        copy_of=copy_of,
        stands=keep(told.compared) if copy_of is None and teaches(decision) else None,
        keys=told.keys,
        now=now,
    )
    return story_id


def open_story(conn: Connection, told: Told, *, now: datetime) -> int:
    """A new story, for which the item stands."""
    story_id = stories.ensure(conn, key=told.story_key, title=told.item.title, now=now)
    stories.join(conn, story_id, told.item.id, reason="first", stands=keep(told.compared), keys=told.keys, now=now)
    return story_id


_SAME_PAGE = Decision(same=True, reason=Reason.SAME_PAGE, score=1.0)


def find(conn: Connection, told: Told) -> tuple[int | None, Decision]:
    """The open story that the item tells, or None, and why."""
    core: dict[int, list[Compared]] = {}
    for one in stories.candidates(conn, told.keys, limit=MOST_CANDIDATES):
        core.setdefault(one.story_id, []).append(recall(one.fingerprint))
    return choose(told.compared, core)
