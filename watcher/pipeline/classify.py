"""Items to events: run the rules, find the story, keep matches, make, join, revise or end events."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import Mistakes, TryAgain
from watcher.match.evaluate import Engine
from watcher.model import (
    Again,
    Item,
    Match,
    NewsText,
    Notice,
)
from watcher.pipeline import place
from watcher.pipeline.place import Told
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, holds, items, stories, tallies
from watcher.story.amends import Ending, corrects, ending
from watcher.story.fingerprint import story_key
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
    told: Told | None
    """Only of items that may belong to a story: those with a match or an ending."""
    ending: Ending | None

    @property
    def teller(self) -> ToldBy:
        item = self.item
        quiet = item.history or item.again is Again.RULES
        return ToldBy(item_id=item.id, told_at=item.told_at, corrects=corrects(item.title, item.text), quiet=quiet)


def classify_items(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Run the rules on those items that wait; matches, events and the items' marks are one transaction a batch."""
    try:
        engine = rt.rules.engine()
    except Mistakes:
        return {}  # `check_rules` has told `ops:`; the items wait for good rules
    turn = Turn(rt, Step.ITEMS)
    weights = place.rarity(rt)
    told: list[int] = []
    for claimed in turn.batches(items.claim, ids, items.due):
        found, left = _classify(turn, engine, weights, claimed)
        told += _record(turn, found, engine.version)
        if left:
            with rt.database.write() as conn:
                for item in left:
                    items.release(conn, item, owner=turn.owner)
    turn.reach("committed")
    return nudges({Step.EVENTS: sorted(set(told))})


def _classify(
    turn: Turn, engine: Engine, weights: Weights, claimed: Sequence[Item]
) -> tuple[list[_Reading], list[Item]]:
    """What the rules found, and the items that the turn had no time for."""
    found: list[_Reading] = []
    for number, item in enumerate(claimed):
        if turn.over:
            return found, list(claimed[number:])
        if item.attempt > turn.rt.settings.park_after:
            _set_aside(turn, item, f"a worker died {item.attempt - 1} times on this item")
            continue
        reading = attempt(turn.rt, partial(_read, engine, weights, item))
        if isinstance(reading, Failure):
            _set_aside(turn, item, reading.why)
        else:
            found.append(reading)
    return found, []


def _read(engine: Engine, weights: Weights, item: Item) -> _Reading:
    matches = engine.matches(news_text(item))
    over = ending(item.title, item.dated)
    told = place.read(item, weights) if matches or over else None
    return _Reading(item=item, key=story_key(item), matches=matches, told=told, ending=over)


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


def _set_aside(turn: Turn, item: Item, why: str) -> None:
    rt, now = turn.rt, turn.rt.clock()
    last = item.attempt >= rt.settings.park_after
    _log.error("an item was set aside", item=item.id, attempt=item.attempt, parked=last, why=why)
    with rt.database.write() as conn:
        if not last:
            items.put_off(conn, item, owner=turn.owner, until=now + REDO * item.attempt)
        elif items.park(conn, item, owner=turn.owner, reason=why):
            lines = (item.title, item.link or "", why, "`watcher items retry` classifies it again.")
            digests.add_notice(conn, f"item:{item.id}", Notice(subject="An item was parked", lines=lines), now=now)


def _record(turn: Turn, found: Sequence[_Reading], version: str) -> list[int]:
    """Store what was found in one transaction; when that fails, item by item, so that one cannot stop the others."""
    if not found:
        return []
    told = attempt(turn.rt, partial(_store, turn, found, version))
    if not isinstance(told, Failure):
        return told
    if isinstance(told.error, TryAgain):
        raise told.error
    events_told: list[int] = []
    for reading in found:
        alone = attempt(turn.rt, partial(_store, turn, [reading], version))
        if isinstance(alone, Failure):
            _set_aside(turn, reading.item, alone.why)
        else:
            events_told += alone
    return events_told


def _store(turn: Turn, found: Sequence[_Reading], version: str) -> list[int]:
    rt, now = turn.rt, turn.rt.clock()
    told: list[int] = []
    # one order for all, so that two workers with the same rows never wait for each other in a circle
    ordered = sorted(found, key=lambda one: one.key)
    in_stories = any(one.told for one in ordered)
    with rt.database.write() as conn:
        if in_stories:
            stories.lock(conn)
        events.keep_rule_set(conn, version=version, files=rt.rules.files, own=rt.rules.own, now=now)
        results: Counter[str] = Counter()
        for one in ordered:
            if items.finish(conn, one.item, owner=turn.owner, rules_version=version, now=now):
                told += _keep(conn, one, now)
                results["matched" if one.matches else "nothing"] += 1
        tallies.add(conn, "classified", results)
        turn.reach("committing")
    return told


def _keep(conn: Connection, reading: _Reading, now: datetime) -> list[int]:
    """Write what one item tells; the events that have something to tell by it."""
    if reading.item.again is Again.TEXT:
        events.forget_matches(conn, reading.item.id)  # their evidence is places in words that are gone
    for match in reading.matches:
        events.add_match(conn, reading.item.id, match, now=now)
    if reading.told is None:
        return []
    story_id = place.place(conn, reading.told, opens=bool(reading.matches), now=now)
    if story_id is None:
        return []
    held = reading.item.held and not reading.item.history
    going = holds.going_out(conn, story_id) if held else set()
    before = events.ids_of_story(conn, story_id) if reading.ending else []
    told = [_tell(conn, story_id, reading, match, now) for match in reading.matches]
    told += _end(conn, before, reading, now)
    if held:
        holds.keep_back(conn, set(told) - going)
    return told


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


def reclassify(rt: Runtime, item_ids: Sequence[int], why: Again) -> Nudges:
    """Let classified items be read once more: with `TEXT` their events are revised and readers told, with `RULES`
    only what becomes a new event is told. The items wait for the next step or sweep.
    """
    with rt.database.write() as conn:
        return nudges({Step.ITEMS: items.reclassify(conn, item_ids, why, now=rt.clock())})
