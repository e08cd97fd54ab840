"""Feeds to items: claim what is due and may ask its host, fetch, parse in the sandbox, store all that came of it.

The order is here; what follows from an answer is decided in `watcher.fetch`: schedule, habit, health, moves, spacing.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from watcher import log
from watcher.errors import CannotHelp, LeaseLost, SandboxFailed, TryAgain
from watcher.fetch import health, moves, spacing
from watcher.fetch.get import conditional_get
from watcher.fetch.habit import ITEMS, habit_s
from watcher.fetch.schedule import full_fetch_due, next_poll
from watcher.model import Feed, FetchOutcome, FetchResult, Notice, ParsedFeed, Validators
from watcher.pipeline import politeness
from watcher.pipeline.hubs import announced
from watcher.pipeline.intake import Intake, take_in
from watcher.pipeline.reading import Unreadable, read_document
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, as_done, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, digests, feeds, items, tallies

_log = log.get("pipeline")
_NO_TIME = "put off: the worker had no time left"
_NOT_ITS_TURN = "waits for its host"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A claimed feed and its turn at its host; None where nobody counts."""

    feed: Feed
    visit: politeness.Visit
    admission: spacing.Admission | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """A feed with what it answered, before anything of it is written."""

    asked: _Asked
    result: FetchResult
    parsed: ParsedFeed | None = None

    @property
    def feed(self) -> Feed:
        return self.asked.feed


def refresh_feeds(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Poll those of the feeds that are due: new items and the feed's new validators are one transaction."""
    turn = Turn(rt, Step.FEEDS)
    new: list[int] = []

    def claim(
        conn: Connection, ids: Sequence[int], *, owner: str, lease_s: float, now: datetime, before: bool = False
    ) -> list[_Asked]:
        claimed = feeds.claim(conn, ids, owner=owner, lease_s=lease_s, now=now, before=before)
        return _admit(turn, conn, claimed, now)

    for asked in turn.batches(claim, ids):
        for answered in as_done(partial(_poll, turn), asked):
            new += _record(turn, [one for one in answered if one is not None])
    turn.reach("committed")
    return nudges({Step.ITEMS: new})


def _admit(turn: Turn, conn: Connection, claimed: Sequence[Feed], now: datetime) -> list[_Asked]:
    """Those of the feeds whose turn at their host is now or soon; the others are put off to theirs."""
    visits = [politeness.visit(turn.rt, feed.url, slot_at=feed.slot_at) for feed in claimed]
    admissions = politeness.ask(turn.rt, conn, visits, owner=turn.owner, now=now)
    asked = []
    for feed, visit, admission in zip(claimed, visits, admissions, strict=True):
        if admission is not None and admission.turn is spacing.Turn.LATER:
            _put_off(turn, conn, feed, admission)
        else:
            asked.append(_Asked(feed=feed, visit=visit, admission=admission))
    return asked


def _put_off(turn: Turn, conn: Connection, feed: Feed, admission: spacing.Admission) -> None:
    back_at = politeness.back_at(turn.rt, admission)
    feeds.put_off(conn, feed, owner=turn.owner, until=back_at, reason=_NOT_ITS_TURN, slot_at=admission.slot_at)


def _poll(turn: Turn, asked: _Asked) -> _Answered | None:
    """What came of asking one feed, whatever happened; None when it was put off."""
    rt, feed = turn.rt, asked.feed
    if turn.over:
        _give_back(turn, asked)
        return None
    if feed.attempt > rt.settings.park_after:
        return _Answered(asked=asked, result=_broken(f"a worker died {feed.attempt - 1} times on this feed"))
    fetched = attempt(rt, partial(_answer, turn, asked))
    if fetched is None:
        return None
    if isinstance(fetched, Failure):
        _log.error("our own program failed on a feed", feed=feed.id, why=fetched.why)
        return _Answered(asked=asked, result=_broken(fetched.why))
    result, parsed = fetched
    return _Answered(asked=asked, result=result, parsed=parsed)


def _answer(turn: Turn, asked: _Asked) -> tuple[FetchResult, ParsedFeed | None] | None:
    """What the feed's host answers once it may be asked; None when its turn is later after all."""
    return _fetch(turn.rt, asked.feed) if _started(turn, asked) else None


def _give_back(turn: Turn, asked: _Asked) -> None:
    rt = turn.rt
    with rt.database.write() as conn:
        feeds.put_off(conn, asked.feed, owner=turn.owner, until=rt.clock() + REDO, reason=_NO_TIME)
        politeness.free(conn, asked.visit, owner=turn.owner)


def _started(turn: Turn, asked: _Asked) -> bool:
    """Wait until the host lets the feed start; False when its turn is later after all and it was put off."""
    rt, admission = turn.rt, asked.admission
    while admission is not None and admission.turn is spacing.Turn.SOON:
        rt.sleep(max(0.0, (admission.starts_at - rt.clock()).total_seconds()))
        if turn.over:
            _give_back(turn, asked)
            return False
        visit = dataclasses.replace(asked.visit, slot_at=admission.slot_at)
        with rt.database.write() as conn:
            (admission,) = politeness.ask(rt, conn, [visit], owner=turn.owner, now=rt.clock())
            if admission is not None and admission.turn is spacing.Turn.LATER:
                _put_off(turn, conn, asked.feed, admission)
    return admission is None or admission.turn is spacing.Turn.NOW


def _broken(why: str) -> FetchResult:
    return FetchResult(outcome=FetchOutcome.INTERNAL_ERROR, detail=why[:500])


def _record(turn: Turn, answered: Sequence[_Answered]) -> list[int]:
    """Write what the polls came to in one transaction; when that fails, feed by feed, so that none harms another.

    The ids of the items that are new or edited. A feed that breaks us is written as broken.
    """
    if len(answered) > 1:
        together = attempt(turn.rt, partial(_store, turn, answered))
        if not isinstance(together, Failure):
            return together
        if isinstance(together.error, TryAgain):
            raise together.error
    told: list[int] = []
    for one in answered:
        alone = attempt(turn.rt, partial(_store, turn, [one]))
        if isinstance(alone, Failure) and not isinstance(alone.error, LeaseLost | TryAgain):
            _log.error("our own program failed on a feed", feed=one.feed.id, why=alone.why)
            broken = _Answered(asked=one.asked, result=_broken(alone.why))
            alone = attempt(turn.rt, partial(_store, turn, [broken]))
        if not isinstance(alone, Failure):
            told += alone
        elif isinstance(alone.error, LeaseLost):
            _drop(turn, one, alone.error)
        else:
            raise alone.error
    return told


def _drop(turn: Turn, one: _Answered, lost: LeaseLost) -> None:
    _log.warning("poll dropped", feed=one.feed.id, why=str(lost))
    with turn.rt.database.write() as conn:
        politeness.free(conn, one.asked.visit, owner=turn.owner)


def _store(turn: Turn, answered: Sequence[_Answered]) -> list[int]:
    """Everything that the polls came to, in one transaction: nothing of it stays when a claim was lost meanwhile.

    Raises LeaseLost.
    """
    rt, now = turn.rt, turn.rt.clock()
    kept: list[tuple[_Answered, Intake, feeds.Polled]] = []
    with rt.database.write() as conn:
        # one order for all: two workers never wait for each other in a circle
        for one in sorted(answered, key=lambda one: one.feed.id):
            kept.append((one, *_keep(turn, conn, one, now)))
        for one in sorted(answered, key=lambda one: one.asked.visit.host or ""):
            politeness.heed(rt, conn, one.feed.url, one.result, now=now)
            politeness.free(conn, one.asked.visit, owner=turn.owner)
        tallies.add(conn, "polls", Counter(one.result.outcome.value for one in answered))
        turn.reach("committing")
    for one, taken, polled in kept:
        level = _log.info if polled.following.error_count == 0 else _log.warning
        result = one.result
        found = {"new": len(taken.new), "edited": len(taken.edited), "held": taken.held}
        about = {"detail": result.detail, **found}
        level(
            "polled",
            feed=one.feed.id,
            outcome=result.outcome.value,
            **{key: said for key, said in about.items() if said},
        )
    return [item for _one, taken, _polled in kept for item in (*taken.new, *taken.edited)]


def _keep(turn: Turn, conn: Connection, one: _Answered, now: datetime) -> tuple[Intake, feeds.Polled]:
    rt, feed, result, parsed = turn.rt, one.feed, one.result, one.parsed
    taken = take_in(conn, feed, parsed, now=now) if parsed else Intake()
    polled = _conclude(rt, conn, _after(conn, feed, parsed, taken, now), result, parsed, now)
    if not feeds.finish(conn, feed, polled, owner=turn.owner, now=now):
        raise LeaseLost(f"feed {feed.id}: polled by another worker meanwhile")
    if parsed:
        announced(conn, feed, result, parsed, found=len(taken.new), now=now)
    _follow(rt, conn, feed, result, now)
    return taken, polled


def _after(conn: Connection, feed: Feed, parsed: ParsedFeed | None, taken: Intake, now: datetime) -> Feed:
    """The feed with what this document, and pushes since the last poll, have taught of its title and its habit."""
    title = feed.title or (parsed.title if parsed else None)
    changed_at = now if taken.new else feed.last_changed_at
    if changed_at is None or (feed.last_polled_at is not None and changed_at <= feed.last_polled_at):
        return dataclasses.replace(feed, title=title)
    times = items.recent_times(conn, feed.id, limit=ITEMS)
    newest = max((when for when in times if when <= now), default=None)
    return dataclasses.replace(
        feed, title=title, last_changed_at=changed_at, newest_item_at=newest, habit_s=habit_s(times, now=now)
    )


def _conclude(
    rt: Runtime, conn: Connection, feed: Feed, result: FetchResult, parsed: ParsedFeed | None, now: datetime
) -> feeds.Polled:
    """When to look again, how the feed fares, where it lives; `ops:` hears of it in the same transaction."""
    following = next_poll(
        feed=feed,
        result=result,
        wishes=parsed.wishes if parsed else feed.wishes,
        every_s=feed.every_s or rt.settings.poll_every_s,
        max_s=rt.settings.poll_max_s,
        now=now,
    )
    verdict = health.judge(feed, result, following, now)
    news = health.news(feed, verdict, following, now)
    if news is not None:
        digests.add_notice(conn, news.key, news.notice, now=now)
    return feeds.Polled(
        result=result,
        following=following,
        validators=_validators(feed.validators, result),
        parsed=parsed,
        habit_s=feed.habit_s,
        newest_item_at=feed.newest_item_at,
        health=verdict.health,
        health_reason=verdict.reason,
        failing_since=verdict.failing_since,
        move=moves.follow(feed, result, allow_private=rt.settings.allow_private, now=now).move,
    )


def _follow(rt: Runtime, conn: Connection, feed: Feed, result: FetchResult, now: datetime) -> None:
    """Poll the feed where it lives now, once that is settled."""
    told = moves.follow(feed, result, allow_private=rt.settings.allow_private, now=now)
    if told.to is None:
        return
    became = feeds.rename(conn, feed, told.to, now=now)
    _log.info("a feed has moved for good", feed=feed.id, became=became.value, url=told.to)
    if became is feeds.Rename.MERGED:
        lines = (
            f"{feed.url} has moved to {told.to} for good, which is read already.",
            "It is polled once from now on.",
        )
        notice = Notice(subject=f"{feed.title or feed.url} is the same as another feed", lines=lines)
        digests.add_notice(conn, f"merged:{feed.id}:{told.to}", notice, now=now)


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
