"""Items to events: run the rules, find the story, keep matches, make, join, revise or end events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import Mistakes
from watcher.match.evaluate import Engine
from watcher.model import (
    Again,
    Item,
    Match,
    NewsText,
    Notice,
)
from watcher.pipeline.place import place, rarity
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, items, stories
from watcher.story.amends import Ending, corrects, ending
from watcher.story.fingerprint import Fingerprint, fingerprint, story_key
from watcher.story.merge import Merged, ToldBy, end, merge, told_by
from watcher.story.same import Weights
from watcher.story.snippets import snippets

_log = log.get("pipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """An item with what was read from it, before anything is written."""

    item: Item
    key: str
    matches: tuple[Match, ...]
    told: Fingerprint | None
    """Only of items that may belong to a story: those with a match or an ending."""
    ending: Ending | None

    @property
    def teller(self) -> ToldBy:
        item = self.item
        quiet = item.history or item.again is Again.RULES
        return ToldBy(item_id=item.id, told_at=item.told_at, corrects=corrects(item.title, item.text), quiet=quiet)


def classify_items(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Run the rules on those items that wait; matches, events and the items' marks are one transaction."""
    try:
        engine = rt.rules.engine()
    except Mistakes:
        return {}  # `check_rules` has told `ops:`; the items wait for good rules
    with rt.database.write() as conn:
        claimed = items.claim(conn, ids, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    rt.checkpoint("claimed")
    found: list[_Reading] = []
    for item in claimed:
        result = attempt(partial(_read, engine, item))
        if isinstance(result, Failure):
            _set_aside(rt, item, result.error)
        else:
            found.append(result)
    told = _record(rt, found, engine.version)
    rt.checkpoint("committed")
    return nudges({Step.EVENTS: told})


def news_text(item: Item) -> NewsText:
    """The part of an item that rules may know."""
    return NewsText(
        title=item.title,
        text=item.text,
        language=item.language,
        dated=item.dated,
        feed=item.feed_title,
        tags=item.feed_tags,
    )


def _set_aside(rt: Runtime, item: Item, error: Exception) -> None:
    why = f"{type(error).__name__}: {error}"
    now = rt.clock()
    last = item.attempt >= rt.settings.park_after
    _log.error("the rules failed on an item", item=item.id, attempt=item.attempt, parked=last, why=why)
    with rt.database.write() as conn:
        if not last:
            items.put_off(conn, item, owner=rt.owner, until=now + REDO * item.attempt)
        elif items.park(conn, item, owner=rt.owner, reason=why):
            lines = (item.title, item.link or "", why)
            digests.add_notice(conn, f"item:{item.id}", Notice(subject="An item was parked", lines=lines), now=now)


def reclassify(rt: Runtime, item_ids: Sequence[int], why: Again) -> Nudges:
    """Let classified items be read once more: with `TEXT` their events are revised and readers told, with `RULES`
    only what becomes a new event is told. The items wait for the next step or sweep.
    """
    with rt.database.write() as conn:
        return nudges({Step.ITEMS: items.reclassify(conn, item_ids, why, now=rt.clock())})


def _read(engine: Engine, item: Item) -> _Reading:
    matches = engine.matches(news_text(item))
    over = ending(item.title, item.dated)
    told = fingerprint(item) if matches or over else None
    return _Reading(item=item, key=story_key(item), matches=matches, told=told, ending=over)


def _record(rt: Runtime, found: Sequence[_Reading], version: str) -> list[int]:
    now = rt.clock()
    told: list[int] = []
    # one order for all, so that two workers with the same rows never wait for each other in a circle
    ordered = sorted(found, key=lambda one: one.key)
    in_stories = any(one.told for one in ordered)
    weights = rarity(rt) if in_stories else rt.weights
    with rt.database.write() as conn:
        if in_stories:
            stories.lock(conn)
        if any(one.matches for one in ordered):
            events.keep_rule_set(conn, version=version, files=rt.rules.files, now=now)
        for one in ordered:
            told += _keep(rt, conn, one, version, weights, now)
        rt.checkpoint("committing")
    return sorted(set(told))


def _keep(rt: Runtime, conn: Connection, reading: _Reading, version: str, weights: Weights, now: datetime) -> list[int]:
    """Write one item with its matches; the events that have something to tell by it."""
    item = reading.item
    if not items.finish(conn, item, owner=rt.owner, story_id=item.story_id, rules_version=version, now=now):
        return []
    for match in reading.matches:
        events.add_match(conn, item.id, match, now=now)
    if reading.told is None:
        return []
    story_id = place(conn, item, reading.told, weights=weights, opens=bool(reading.matches), now=now)
    if story_id is None:
        return []
    before = events.ids_of_story(conn, story_id) if reading.ending else []
    told = [_tell(conn, story_id, reading, match, now) for match in reading.matches]
    return [*told, *_end(conn, before, reading, now)]


def _tell(conn: Connection, story_id: int, reading: _Reading, match: Match, now: datetime) -> int:
    """Make the event of this story and rule, or let the item join it; the event's id."""
    item, teller = reading.item, reading.teller
    cut = snippets(match.evidence, title=item.title, text=item.text)
    first = dataclasses.replace(match, facts=told_by(match.facts, teller))
    made = events.create(conn, story_id=story_id, match=first, item=item, snippets=cut, now=now)
    if made is not None:
        events.add_source(conn, made, item.id, now=now)
        return made
    known = events.state(conn, story_id=story_id, rule_id=match.rule_id)
    assert known is not None  # create() found its key taken
    merged = merge(known.facts, known.snippets, match.facts, cut, teller)
    _join(conn, known, merged, teller, match.rules_version, now)
    return known.id


def _end(conn: Connection, event_ids: Sequence[int], reading: _Reading, now: datetime) -> list[int]:
    """Let the item end these events of its story, which were there before it; the ids of those it ended."""
    if reading.ending is None:
        return []
    stage, words = reading.ending.stage, [reading.ending.snippet]
    ended = []
    for known in events.states(conn, event_ids):
        merged = end(known.facts, known.snippets, stage, words, reading.teller)
        if merged.changed:
            _join(conn, known, merged, reading.teller, None, now)
            ended.append(known.id)
    return ended


def _join(
    conn: Connection, known: events.EventState, merged: Merged, teller: ToldBy, version: str | None, now: datetime
) -> None:
    if merged.changed:
        events.revise(
            conn,
            known.id,
            revision=known.revision + merged.revised,
            facts=merged.facts,
            snippets=merged.snippets,
            changes=merged.changes,
            item_id=teller.item_id,
            rules_version=version,
            now=now,
        )
    if merged.revised and known.history:
        events.become_news(conn, known.id)
    joined = events.add_source(conn, known.id, teller.item_id, now=now)
    if not merged.revised and not teller.quiet and (joined or merged.changed):
        events.offer_again(conn, known.id)  # a place, an amount or a language may concern somebody whom it did not
