"""Items to events: run the rules, keep matches, make or join events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import Mistakes
from watcher.model import (
    Item,
    Match,
    NewsText,
    Notice,
)
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, events, items
from watcher.story.fingerprint import story_key
from watcher.story.merge import merge
from watcher.story.snippets import snippets

_log = log.get("pipeline")


def classify_items(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Run the rules on those items that wait; matches, events and the items' marks are one transaction."""
    try:
        engine = rt.rules.engine()
    except Mistakes:
        return {}  # `check_rules` has told `ops:`; the items wait for good rules
    with rt.database.write() as conn:
        claimed = items.claim(conn, ids, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    rt.checkpoint("claimed")
    found: list[tuple[Item, tuple[Match, ...]]] = []
    for item in claimed:
        result = attempt(partial(engine.matches, news_text(item)))
        if isinstance(result, Failure):
            _set_aside(rt, item, result.error)
        else:
            found.append((item, result))
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


def _record(rt: Runtime, found: Sequence[tuple[Item, tuple[Match, ...]]], version: str) -> list[int]:
    now = rt.clock()
    told: list[int] = []
    # one order for all, so that two workers with the same stories never wait for each other in a circle
    ordered = sorted(((story_key(item), item, matches) for item, matches in found), key=lambda one: one[0])
    with rt.database.write() as conn:
        if any(matches for _, _, matches in ordered):
            events.keep_rule_set(conn, version=version, files=rt.rules.files, now=now)
        for key, item, matches in ordered:
            story_id = events.story(conn, key=key, title=item.title, now=now) if matches else None
            if not items.finish(conn, item, owner=rt.owner, story_id=story_id, rules_version=version, now=now):
                continue
            for match in matches:
                events.add_match(conn, item.id, match, now=now)
                told.append(_record_event(conn, story_id or 0, item, match, now))
        rt.checkpoint("committing")
    return sorted(set(told))


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
