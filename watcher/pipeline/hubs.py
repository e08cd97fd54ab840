"""WebSub: ask hubs to push, and read what they pushed like a poll's document.

What feeds announce and what hubs answer is weighed by `watcher.fetch.hub`; hubs talk back to `watcher.web.push`.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from watcher import log
from watcher.errors import LeaseLost, RefusedAddress, SandboxFailed, TryAgain
from watcher.fetch import hub as webs
from watcher.fetch import spacing
from watcher.fetch.headers import retry_after_s
from watcher.fetch.hub import HubAnswer, HubReason
from watcher.model import Feed, FetchOutcome, FetchResult, Hub, HubMode, HubStep, ParsedFeed, Push
from watcher.net.client import Response
from watcher.net.faults import BadAnswer, BadRequest, Unreachable
from watcher.pipeline import politeness
from watcher.pipeline.intake import take_in
from watcher.pipeline.reading import Unreadable, read_document
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, at_once, attempt, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, holds, hubs, overview

_log = log.get("pipeline")
_ASK_S = 20.0
_ANSWER_BYTES = 4096
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_ELSEWHERE = frozenset({307, 308})
_DETAIL_CHARACTERS = 150


# ── what feeds announce ──────────────────────────────────────────────────────────────────────────────────────────────


def announced(
    conn: Connection, feed: Feed, result: FetchResult, parsed: ParsedFeed, *, found: int, now: datetime
) -> None:
    """After a poll that brought a whole document with `found` new items: follow the hub that it names.

    A hub that is named no more, or for another topic, is left. One that should have pushed what the poll has found is
    trusted no more until it pushes again.
    """
    base = result.final_url or feed.url
    hub_url = webs.absolute(result.hub_url, base) or webs.absolute(parsed.hub_url, base)
    topic_url = webs.absolute(result.self_url, base) or webs.absolute(parsed.self_url, base) or feed.url
    known = hubs.followed(conn, feed.id)
    if known is not None and (known.hub_url, known.topic_url) != (hub_url, topic_url):
        if hub_url is None and not parsed.complete:
            return
        reason = HubReason.REPLACED if hub_url else HubReason.NOT_ANNOUNCED
        hubs.leave(conn, feed.id, reason=reason.value, now=now)
        known = None
    if hub_url is not None and known is None:
        _want(conn, feed.id, hub_url, topic_url, now)
    elif known is not None and found and hubs.missed(conn, feed.id, now=now):
        _log.warning("a hub did not push what a poll has found", feed=feed.id, hub=known.hub_url)


def _want(conn: Connection, feed_id: int, hub_url: str, topic_url: str, now: datetime) -> None:
    hubs.want(
        conn,
        feed_id,
        hub_url=hub_url,
        topic_url=topic_url,
        token=secrets.token_urlsafe(32),
        secret=secrets.token_urlsafe(32),
        reason=HubReason.ANNOUNCED.value,
        now=now,
    )


def keep_in_step(conn: Connection, *, now: datetime) -> None:
    """At each sweep: leave the hubs of feeds that nobody follows, and ask anew when our own address has changed."""
    hubs.keep_in_step(
        conn,
        public_url=overview.remembered(conn, "public_url"),
        unfollowed=HubReason.NOT_FOLLOWED.value,
        addressless=HubReason.NO_ADDRESS.value,
        now=now,
    )


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask_hubs(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Ask those of the hubs that are due to push, to go on pushing, or to push no more."""
    turn = Turn(rt, Step.HUBS)
    with rt.database.read() as conn:
        public_url = overview.remembered(conn, "public_url")
    for claimed in turn.batches(hubs.claim, ids):
        at_once(partial(_ask, turn, public_url), claimed)
    turn.reach("committed")
    return {}


def _ask(turn: Turn, public_url: str | None, hub: Hub) -> None:
    """One hub, whatever happens: its row always says what came of it and when it is asked next."""
    rt = turn.rt
    if hub.attempt > rt.settings.park_after:
        _record(turn, hub, webs.put_off(hub, HubReason.INTERNAL_ERROR, now=rt.clock()))
        return
    why = webs.unfit(hub, public_url, plain=bool(rt.settings.allow_private))
    if public_url is None or why is not None:
        _record(turn, hub, webs.put_off(hub, why or HubReason.NO_ADDRESS, now=rt.clock()))
        return
    asked = attempt(rt, partial(_request, turn, public_url, hub))
    if isinstance(asked, Failure):
        _log.error("our own program failed on a hub", hub=hub.id, why=asked.why)
        _record(turn, hub, webs.put_off(hub, HubReason.INTERNAL_ERROR, now=rt.clock()))


def _request(turn: Turn, public_url: str, hub: Hub) -> None:
    rt, mode = turn.rt, webs.mode_of(hub)
    visit = _admitted(turn, hub)
    if visit is None:
        return
    ours = webs.callback(public_url, hub.token)
    if hub.callback_url and mode is HubMode.UNSUBSCRIBE:
        ours = hub.callback_url
    with rt.database.write() as conn:
        opened = hubs.open_request(conn, hub, owner=turn.owner, mode=mode, callback_url=ours, now=rt.clock())
    if opened is None:
        return
    answer = _post(rt, opened, webs.request_form(opened, mode, ours))
    _record(turn, opened, webs.after_ask(opened, mode, answer, now=rt.clock()), visit=visit, answer=answer)


def _admitted(turn: Turn, hub: Hub) -> politeness.Visit | None:
    """The visit, when it is the hub's turn at its host; None when it is not, and its row waits for it.

    Many feeds share one hub, and nothing is lost by asking later: a worker never sleeps for it.
    """
    rt = turn.rt
    visit = politeness.visit(rt, hub.hub_url, slot_at=hub.slot_at)
    with rt.database.write() as conn:
        (admission,) = politeness.ask(rt, conn, [visit], owner=turn.owner, now=rt.clock())
        if admission is None or admission.turn is spacing.Turn.NOW:
            return visit
        until = admission.starts_at
        if admission.turn is spacing.Turn.LATER:
            until = politeness.back_at(rt, admission)
        hubs.wait_turn(conn, hub, owner=turn.owner, until=until, slot_at=admission.slot_at)
    return None


def _post(rt: Runtime, hub: Hub, form: bytes) -> HubAnswer:
    """One request, and one more where the hub says that it lives elsewhere; the guard checks both addresses."""
    url = webs.request_url(hub) or hub.hub_url
    try:
        response = rt.client.post(url, _FORM, form, max_bytes=_ANSWER_BYTES, total_s=_ASK_S)
        if response.status in _ELSEWHERE and response.headers.get("location"):
            target = webs.absolute(response.headers["location"], url)
            if target is None or (url.startswith("https://") and not target.startswith("https://")):
                return HubAnswer(status=None, detail="the hub redirects to an address that is not taken")
            response = rt.client.post(target, _FORM, form, max_bytes=_ANSWER_BYTES, total_s=_ASK_S)
    except (RefusedAddress, Unreachable, BadAnswer, BadRequest) as fault:
        return HubAnswer(status=None, detail=str(fault))
    return HubAnswer(
        status=response.status, detail=_said(response), retry_after_s=retry_after_s(response.headers, rt.clock())
    )


def _said(response: Response) -> str:
    """The status and the beginning of what the hub wrote, in one line."""
    words = response.body.decode("utf-8", "replace") if 400 <= response.status < 600 else ""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return f"{response.status} {line}"[:_DETAIL_CHARACTERS].strip()


def _record(
    turn: Turn, hub: Hub, step: HubStep, *, visit: politeness.Visit | None = None, answer: HubAnswer | None = None
) -> None:
    """Write what became of the row, and leave the host to the next one or alone for as long as it asks."""
    rt = turn.rt
    with rt.database.write() as conn:
        written = hubs.finish(conn, hub, owner=turn.owner, step=step)
        turn.reach("committing")
        if visit is not None and answer is not None:
            wait_s = answer.retry_after_s
            said = FetchResult(outcome=FetchOutcome.UNEXPECTED_STATUS, status=answer.status, retry_after_s=wait_s)
            politeness.heed(rt, conn, hub.hub_url, said, now=rt.clock())
            politeness.free(conn, visit, owner=turn.owner)
    _log.info("asked a hub", hub=hub.id, feed=hub.feed_id, state=step.state.value, why=step.reason, written=written)


# ── reading what was pushed ──────────────────────────────────────────────────────────────────────────────────────────


def read_pushes(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Take in the documents that hubs have sent; each is claimed alone, as it may be large."""
    turn = Turn(rt, Step.PUSHES)
    new: list[int] = []
    for one in ids:
        if turn.over:
            break
        for claimed in turn.batches(hubs.claim_pushes, [one]):
            for push in claimed:
                new += _take(turn, push)
    turn.reach("committed")
    return nudges({Step.ITEMS: new})


def _take(turn: Turn, push: Push) -> list[int]:
    """One document, whatever happens: it is read once, or says why not."""
    rt = turn.rt
    if push.attempt > rt.settings.park_after:
        return _drop(turn, push, f"a worker died {push.attempt - 1} times on this document")
    if not push.live:
        return _drop(turn, push, HubReason.NOT_FOLLOWED.value)
    read = attempt(rt, partial(_read, rt, push))
    if isinstance(read, ParsedFeed):
        taken = attempt(rt, partial(_store, turn, push, read))
        if isinstance(taken, Failure) and isinstance(taken.error, TryAgain):
            # a poll of the same feed at the same time: the database let one of the two win
            taken = attempt(rt, partial(_store, turn, push, read))
        if not isinstance(taken, Failure):
            return taken
        read = taken
    return _not_read(turn, push, read)


def _not_read(turn: Turn, push: Push, failure: Failure) -> list[int]:
    """What is no feed is put aside; what broke the parser is read once more, what broke us a few times more."""
    error = failure.error
    if isinstance(error, TryAgain):
        raise error
    if isinstance(error, Unreadable) or (isinstance(error, SandboxFailed) and push.attempt > 1):
        return _drop(turn, push, str(error))
    if not isinstance(error, SandboxFailed):
        _log.error("our own program failed on a pushed document", push=push.id, why=failure.why)
    with turn.rt.database.write() as conn:
        hubs.put_off_push(conn, push, owner=turn.owner, until=turn.rt.clock() + REDO, reason=failure.why[:500])
    return []


def _read(rt: Runtime, push: Push) -> ParsedFeed:
    return read_document(rt, push.body, content_type=push.content_type, url=push.feed.url)


def _store(turn: Turn, push: Push, parsed: ParsedFeed) -> list[int]:
    """Items alone: a push has no validators, and what it does not hold may be all the rest of the feed.

    A document that was overtaken by a newer one takes no words of an item back to what they were.
    """
    rt, now = turn.rt, turn.rt.clock()
    try:
        with rt.database.write() as conn:
            edits = {"edits_for": timedelta(0)} if hubs.overtaken(conn, push) else {}
            taken = take_in(conn, _as_then(conn, push), parsed, now=now, **edits)
            hubs.trust(conn, push, now=now)
            reason = f"{len(taken.new)} new, {len(taken.edited)} edited"
            if not hubs.finish_push(conn, push, owner=turn.owner, reason=reason, now=now):
                raise LeaseLost(f"push {push.id}: read by another worker meanwhile")
            turn.reach("committing")
    except LeaseLost as lost:
        _log.warning("pushed document dropped", push=push.id, why=str(lost))
        return []
    waited_s = round((now - push.received_at).total_seconds(), 3)
    _log.info("pushed", feed=push.feed.id, new=len(taken.new), edited=len(taken.edited), waited_s=waited_s)
    return [*taken.new, *taken.edited]


def _as_then(conn: Connection, push: Push) -> Feed:
    """The push's feed; what was pushed before the database was restored is doubted however long that is ago."""
    guard = holds.guard(conn)
    old = guard is not None and push.received_at <= guard.restored_at
    return dataclasses.replace(push.feed, caught_up_at=None) if old else push.feed


def _drop(turn: Turn, push: Push, why: str) -> list[int]:
    with turn.rt.database.write() as conn:
        hubs.finish_push(conn, push, owner=turn.owner, reason=why[:500], now=turn.rt.clock())
        turn.reach("committing")
    _log.warning("pushed document not read", push=push.id, feed=push.feed.id, why=why[:500])
    return []
