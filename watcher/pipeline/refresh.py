"""Feeds to items: claim what is due, fetch, parse in the sandbox, store items and validators together."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from datetime import datetime

from watcher import log, wire
from watcher.errors import CannotHelp, LeaseLost, SandboxFailed
from watcher.fetch.get import conditional_get
from watcher.fetch.history import is_history
from watcher.fetch.schedule import next_poll
from watcher.model import (
    Feed,
    FetchOutcome,
    FetchResult,
    ItemDraft,
    Notice,
    ParsedFeed,
    Validators,
)
from watcher.pipeline.steps import Nudges, Step, at_once, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, feeds, items

_log = log.get("pipeline")


def refresh_feeds(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Poll those of the feeds that are due: new items and the feed's new validators are one transaction."""
    with rt.database.write() as conn:
        claimed = feeds.claim(conn, ids, owner=rt.owner, lease_s=rt.settings.lease_s, now=rt.clock())
    rt.checkpoint("claimed")
    new = at_once(lambda feed: _refresh(rt, feed), claimed)
    rt.checkpoint("committed")
    return nudges({Step.ITEMS: [one for ids in new for one in ids]})


def _refresh(rt: Runtime, feed: Feed) -> list[int]:
    result, parsed = _fetch(rt, feed)
    now = rt.clock()
    following = next_poll(
        feed_id=feed.id,
        result=result,
        error_count=feed.error_count,
        every_s=feed.every_s or rt.settings.poll_every_s,
        max_s=rt.settings.poll_max_s,
        ttl_s=parsed.ttl_s if parsed else None,
        now=now,
    )
    try:
        with rt.database.write() as conn:
            new = _store_items(conn, feed, parsed, now) if parsed else []
            # a document that broke off must be fetched whole again: its validators would turn the rest into a 304
            whole = parsed if parsed and parsed.complete else None
            kept = _validators(feed.validators, result) if whole or not parsed else feed.validators
            if not feeds.finish(
                conn, feed, owner=rt.owner, result=result, following=following, parsed=whole, validators=kept, now=now
            ):
                raise LeaseLost(f"feed {feed.id}: polled by another worker meanwhile")
            if following.disabled:
                told = Notice(subject=f"{feed.title or feed.url} is gone", lines=(feed.url, result.detail))
                digests.add_notice(conn, f"gone:{feed.id}", told, now=now)
            rt.checkpoint("committing")
    except LeaseLost as lost:
        _log.warning("poll dropped", feed=feed.id, why=str(lost))
        return []
    level = _log.info if following.error_count == 0 else _log.warning
    level("polled", feed=feed.id, outcome=result.outcome.value, new=len(new), detail=result.detail)
    return new


def _fetch(rt: Runtime, feed: Feed) -> tuple[FetchResult, ParsedFeed | None]:
    try:
        headers = {name: rt.resolve(secret) for name, secret in feed.headers.items()}
    except CannotHelp as missing:
        return FetchResult(outcome=FetchOutcome.FORBIDDEN, detail=str(missing)), None
    result = conditional_get(rt.client, feed.url, feed.validators, headers, rt.settings.fetch_max_bytes)
    if result.outcome is not FetchOutcome.CHANGED:
        return result, None
    payload = {
        "body_b64": base64.b64encode(result.body or b"").decode(),
        "content_type": result.content_type,
        "url": result.final_url or feed.url,
    }
    try:
        answer = rt.sandbox.call("watcher.parse.feed:read", payload, timeout_s=rt.settings.sandbox_cpu_s + 5)
    except SandboxFailed as failed:
        return dataclasses.replace(result, outcome=FetchOutcome.PARSER_FAILED, detail=str(failed)), None
    if "not_a_feed" in answer:
        return dataclasses.replace(result, outcome=FetchOutcome.NOT_A_FEED, detail=answer["not_a_feed"]), None
    return result, wire.load(ParsedFeed, answer)


def _store_items(conn: Connection, feed: Feed, parsed: ParsedFeed, now: datetime) -> list[int]:
    def history(draft: ItemDraft) -> bool:
        return is_history(
            feed.alert_history, first_fetched_at=feed.first_fetched_at, published_at=draft.published_at, now=now
        )

    new = items.insert_new(conn, feed.id, parsed.items, history=history, now=now)
    if new:
        feeds.changed_at(conn, feed.id, now=now)
    return new


def _validators(known: Validators, result: FetchResult) -> Validators:
    """A 200 replaces the pair, a 304 refreshes what it brings, anything else leaves both alone."""
    if result.outcome is FetchOutcome.CHANGED:
        return result.validators
    if result.outcome is FetchOutcome.NOT_MODIFIED:
        fresh = result.validators
        return Validators(etag=fresh.etag or known.etag, last_modified=fresh.last_modified or known.last_modified)
    return known
