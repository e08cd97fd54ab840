"""Items to events: run the rules, keep matches, make or join events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import Mistakes, TryAgain
from watcher.match.evaluate import Engine
from watcher.model import (
    Item,
    Match,
    NewsText,
    Notice,
)
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, items
from watcher.story.fingerprint import story_key
from watcher.story.merge import merge
from watcher.story.snippets import snippets

_log = log.get("pipeline")
Found = tuple[Item, tuple[Match, ...]]
"""An item and what the rules found on it."""


def classify_items(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Run the rules on those items that wait; matches, events and the items' marks are one transaction a batch."""
    try:
        engine = rt.rules.engine()
    except Mistakes:
        return {}  # `check_rules` has told `ops:`; the items wait for good rules
    turn = Turn(rt, Step.ITEMS)
    told: list[int] = []
    for claimed in turn.batches(items.claim, ids):
        found, left = _classify(turn, engine, claimed)
        told += _record(turn, found, engine.version)
        if left:
            with rt.database.write() as conn:
                for item in left:
                    items.release(conn, item, owner=turn.owner)
    turn.reach("committed")
    return nudges({Step.EVENTS: sorted(set(told))})


def _classify(turn: Turn, engine: Engine, claimed: Sequence[Item]) -> tuple[list[Found], list[Item]]:
    """What the rules found, and the items that the turn had no time for."""
    found: list[Found] = []
    for number, item in enumerate(claimed):
        if turn.over:
            return found, list(claimed[number:])
        if item.attempt > turn.rt.settings.park_after:
            _set_aside(turn, item, f"a worker died {item.attempt - 1} times on this item")
            continue
        matches = attempt(turn.rt, partial(engine.matches, news_text(item)))
        if isinstance(matches, Failure):
            _set_aside(turn, item, matches.why)
        else:
            found.append((item, matches))
    return found, []


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


def _record(turn: Turn, found: Sequence[Found], version: str) -> list[int]:
    """Store what was found in one transaction; when that fails, item by item, so that one cannot stop the others."""
    if not found:
        return []
    told = attempt(turn.rt, partial(_store, turn, found, version))
    if not isinstance(told, Failure):
        return told
    if isinstance(told.error, TryAgain):
        raise told.error
    events_told: list[int] = []
    for item, matches in found:
        alone = attempt(turn.rt, partial(_store, turn, [(item, matches)], version))
        if isinstance(alone, Failure):
            _set_aside(turn, item, alone.why)
        else:
            events_told += alone
    return events_told


def _store(turn: Turn, found: Sequence[Found], version: str) -> list[int]:
    rt, now = turn.rt, turn.rt.clock()
    told: list[int] = []
    # one order for all, so that two workers with the same stories never wait for each other in a circle
    ordered = sorted(((story_key(item), item, matches) for item, matches in found), key=lambda one: one[0])
    with rt.database.write() as conn:
        if any(matches for _, _, matches in ordered):
            events.keep_rule_set(conn, version=version, files=rt.rules.files, now=now)
        for key, item, matches in ordered:
            story_id = events.story(conn, key=key, title=item.title, now=now) if matches else None
            if not items.finish(conn, item, owner=turn.owner, story_id=story_id, rules_version=version, now=now):
                continue
            for match in matches:
                events.add_match(conn, item.id, match, now=now)
                told.append(_record_event(conn, story_id or 0, item, match, now))
        turn.reach("committing")
    return told


def _record_event(conn: Connection, story_id: int, item: Item, match: Match, now: datetime) -> int:
    cut = snippets(match.evidence, title=item.title, text=item.text)
    made = events.create(conn, story_id=story_id, match=match, item=item, snippets=cut, now=now)
    if made is not None:
        events.add_source(conn, made, item.id, now=now)
        return made
    known = events.state(conn, story_id=story_id, rule_id=match.rule_id)
    assert known is not None  # create() found its key taken
    merged = merge(known.facts, known.snippets, match.facts, cut)
    if merged.changed:
        revision = known.revision + merged.revised
        events.revise(conn, known.id, revision=revision, facts=merged.facts, snippets=merged.snippets, now=now)
    events.add_source(conn, known.id, item.id, now=now)
    return known.id
