"""Feeds to items: claim what is due, fetch, parse in the sandbox, store items and validators together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import CannotHelp, LeaseLost, SandboxFailed
from watcher.fetch.get import conditional_get
from watcher.fetch.schedule import full_fetch_due, next_poll
from watcher.model import (
    Feed,
    FetchOutcome,
    FetchResult,
    NextPoll,
    Notice,
    ParsedFeed,
    Validators,
)
from watcher.pipeline.hubs import announced
from watcher.pipeline.intake import Intake, take_in
from watcher.pipeline.reading import Unreadable, read_document
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, at_once, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, feeds

_log = log.get("pipeline")
_TELL_AFTER = 5
"""Failed polls in a row after which `ops:` hears of a feed, once."""


def refresh_feeds(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Poll those of the feeds that are due: new items and the feed's new validators are one transaction."""
    turn = Turn(rt, Step.FEEDS)
    new: list[int] = []
    for claimed in turn.batches(feeds.claim, ids):
        for found in at_once(partial(_poll, turn), claimed):
            new += found
    turn.reach("committed")
    return nudges({Step.ITEMS: new})


def _poll(turn: Turn, feed: Feed) -> list[int]:
    """One feed, whatever happens: its row always says what came of it and when it is polled next."""
    rt = turn.rt
    if turn.over:
        with rt.database.write() as conn:
            feeds.put_off(conn, feed, owner=turn.owner, until=rt.clock() + REDO)
        return []
    if feed.attempt > rt.settings.park_after:
        return _record(turn, feed, _broken(f"a worker died {feed.attempt - 1} times on this feed"), None)
    fetched = attempt(rt, partial(_fetch, rt, feed))
    recorded = fetched if isinstance(fetched, Failure) else attempt(rt, partial(_record, turn, feed, *fetched))
    if isinstance(recorded, Failure):
        _log.error("our own program failed on a feed", feed=feed.id, why=recorded.why)
        return _record(turn, feed, _broken(recorded.why), None)
    return recorded


def _broken(why: str) -> FetchResult:
    return FetchResult(outcome=FetchOutcome.INTERNAL_ERROR, detail=why[:500])


def _record(turn: Turn, feed: Feed, result: FetchResult, parsed: ParsedFeed | None) -> list[int]:
    rt, now = turn.rt, turn.rt.clock()
    following = next_poll(
        feed=feed,
        result=result,
        wishes=parsed.wishes if parsed else feed.wishes,
        every_s=feed.every_s or rt.settings.poll_every_s,
        max_s=rt.settings.poll_max_s,
        now=now,
    )
    kept = _validators(feed.validators, result)
    write = partial(feeds.finish, result=result, following=following, parsed=parsed, validators=kept, now=now)
    try:
        with rt.database.write() as conn:
            taken = take_in(conn, feed, parsed, now=now) if parsed else Intake()
            if not write(conn, feed, owner=turn.owner):
                raise LeaseLost(f"feed {feed.id}: polled by another worker meanwhile")
            if parsed:
                announced(conn, feed, result, parsed, found=len(taken.new), now=now)
            _tell_trouble(conn, feed, result, following, now)
            turn.reach("committing")
    except LeaseLost as lost:
        _log.warning("poll dropped", feed=feed.id, why=str(lost))
        return []
    level = _log.info if following.error_count == 0 else _log.warning
    level("polled", feed=feed.id, outcome=result.outcome.value, new=len(taken.new), detail=result.detail)
    return [*taken.new, *taken.edited]


def _tell_trouble(conn: Connection, feed: Feed, result: FetchResult, following: NextPoll, now: datetime) -> None:
    name = feed.title or feed.url
    if following.disabled:
        told = Notice(subject=f"{name} is gone", lines=(feed.url, result.detail, "It is polled no more."))
        digests.add_notice(conn, f"gone:{feed.id}:{now:%Y-%m-%d}", told, now=now)
    elif following.error_count == _TELL_AFTER:
        lines = (feed.url, f"{following.error_count} polls in a row failed: {result.outcome}. {result.detail}")
        told = Notice(subject=f"{name} cannot be read", lines=lines)
        digests.add_notice(conn, f"failing:{feed.id}:{now:%Y-%m-%d}", told, now=now)


def _fetch(rt: Runtime, feed: Feed) -> tuple[FetchResult, ParsedFeed | None]:
    try:
        headers = {name: rt.resolve(secret) for name, secret in feed.headers.items()}
    except CannotHelp as missing:
        return FetchResult(outcome=FetchOutcome.FORBIDDEN, detail=str(missing)), None
    now = rt.clock()
    full, most = full_fetch_due(feed, now), rt.settings.fetch_max_bytes
    result = conditional_get(rt.client, feed.url, feed.validators, headers, most, force_full=full, now=now)
    if result.outcome is not FetchOutcome.CHANGED:
        return result, None
    url = result.final_url or feed.url
    try:
        parsed = read_document(rt, result.body or b"", content_type=result.content_type, url=url)
    except SandboxFailed as failed:
        return dataclasses.replace(result, outcome=FetchOutcome.PARSER_FAILED, detail=str(failed)), None
    except Unreadable as no_feed:
        return dataclasses.replace(result, outcome=FetchOutcome.NOT_A_FEED, detail=str(no_feed)), None
    if not parsed.complete:
        # what it held is taken, but with its validators the rest would become a 304
        detail = "the document breaks off before its end"
        result = dataclasses.replace(result, outcome=FetchOutcome.TRUNCATED, detail=detail)
    return result, parsed


def _validators(known: Validators, result: FetchResult) -> Validators:
    """A 200 replaces the pair, a 304 refreshes what it brings, anything else leaves both alone."""
    if result.outcome is FetchOutcome.CHANGED:
        return result.validators
    if result.outcome is FetchOutcome.NOT_MODIFIED:
        fresh = result.validators
        return Validators(etag=fresh.etag or known.etag, last_modified=fresh.last_modified or known.last_modified)
    return known
