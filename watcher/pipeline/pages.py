"""Items to their whole text: fetch the article's page, extract it in the sandbox, let the rules read the item again.

A new item never waits for its page: it is classified, and told, from what its feed brought, and once more when the page
says more. What goes wrong here costs the page alone: the item stays as it is, and the page's row says why.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from watcher import log, wire
from watcher.errors import SandboxFailed, TryAgain
from watcher.fetch import spacing
from watcher.fetch.article import ACCEPT, PAGES_OF_ONE_DOCUMENT, Choice, choose, next_try
from watcher.fetch.get import conditional_get
from watcher.model import Feed, FetchOutcome, FetchResult, Item, Notice, Validators
from watcher.parse.page import INSTALL, MAX_BYTES, OUT_OF_TIME, Page, Refusal, available, joined, refusal
from watcher.pipeline import politeness
from watcher.pipeline.politeness import Visit
from watcher.pipeline.steps import REDO, Failure, Nudges, Step, Turn, at_once, attempt, notify, nudges
from watcher.runtime import Runtime
from watcher.store import Connection, pages
from watcher.store.pages import NewPage, PageState, ReadText, WaitingPage

_log = log.get("pipeline")
CACHE_DAYS = 7
"""How long a page that was read serves other items with the same link."""
KEEP_DAYS = 30
"""How long a settled page's row says what came of it."""
_FORGET_BATCH = 2000
READ_AGAIN_AFTER = timedelta(minutes=10)
"""After an edit, since edits come in runs."""
_NO_TIME = "worker_had_no_time"
_WORKER_DIED = "worker_died"
_NOT_ITS_TURN = "waits_for_its_host"
_FROM_CACHE = "read_for_another_item"
_READ = "read"


# ── which pages are wanted ───────────────────────────────────────────────────────────────────────────────────────────


def want_pages(conn: Connection, feed: Feed, new: Sequence[int], edited: Sequence[int], *, now: datetime) -> None:
    """For new and edited items of a feed with `full_text`: store which pages are wanted, a hundred at most, the newest.

    The sweep finds them within seconds; by then the items are classified as their feed brought them.
    """
    if not feed.full_text or not (new or edited):
        return
    known = set(edited)
    left = PAGES_OF_ONE_DOCUMENT
    wanted: list[NewPage] = []
    items = pages.brought(conn, [*new, *edited])
    for item in sorted(items, key=lambda item: (item.told_at, item.id), reverse=True):
        choice = choose(item, now=now)
        if choice is Choice.WANTED and left == 0:
            choice = Choice.TOO_MANY
        left -= choice is Choice.WANTED
        wanted.append(_new_page(item, choice, now + READ_AGAIN_AFTER if item.id in known else now))
    pages.want(conn, wanted, now=now)


def _new_page(item: Item, choice: Choice, at: datetime) -> NewPage:
    state = PageState.WAITING if choice is Choice.WANTED else PageState.SKIPPED
    return NewPage(item_id=item.id, url=item.link or "", state=state, reason=choice.value, next_fetch_at=at)


# ── fetching them ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """A request that was made: what came, and when."""

    visit: Visit
    result: FetchResult


def fetch_pages(rt: Runtime, ids: Sequence[int]) -> Nudges:
    """Fetch those of the pages that are due and whose hosts may be asked; items with new text are to be classified."""
    turn = Turn(rt, Step.PAGES)
    told: list[int] = []
    for claimed in turn.batches(pages.claim, ids):
        told += [item_id for item_id in at_once(partial(_page, turn), claimed) if item_id is not None]
    turn.reach("committed")
    return nudges({Step.ITEMS: told})


def _page(turn: Turn, page: WaitingPage) -> int | None:
    """One page, whatever happens: its row always says what came of it; its item, if that has new text."""
    rt = turn.rt
    if turn.over:
        _put_off(turn, page, until=rt.clock() + REDO, reason=_NO_TIME)
    elif page.attempt > rt.settings.park_after:
        _fail(turn, page, _WORKER_DIED, tries=page.tries)
    elif not available():
        _tell_missing(rt)
        _fail(turn, page, Refusal.NO_EXTRACTOR.value, tries=page.tries)
    else:
        done = attempt(rt, partial(_read, turn, page))
        if not isinstance(done, Failure):
            return done
        if isinstance(done.error, TryAgain):
            raise done.error
        _log.error("our own program failed on a page", page=page.id, item=page.item_id, why=done.why)
        broken = FetchResult(outcome=FetchOutcome.INTERNAL_ERROR, detail=done.why)
        _no_page(turn, page, _Answered(visit=Visit(host=None), result=broken))
    return None


def _read(turn: Turn, page: WaitingPage) -> int | None:
    known = _cached(turn.rt, page)
    if known is not None:
        return _give(turn, page, known, _FROM_CACHE, None)
    answered = _ask(turn, page)
    if answered is None:
        return None
    if answered.result.outcome is not FetchOutcome.CHANGED:
        _no_page(turn, page, answered)
        return None
    try:
        article = _extract(turn.rt, page, answered.result)
    except SandboxFailed as failed:
        broken = replace(answered.result, outcome=FetchOutcome.PARSER_FAILED, detail=str(failed))
        _no_page(turn, page, replace(answered, result=broken))
        return None
    if isinstance(article, Refusal):
        _fail(turn, page, article.value, tries=page.tries + 1, answered=answered)
        return None
    return _give(turn, page, ReadText(text=article.text, language=article.language), _READ, answered)


def _cached(rt: Runtime, page: WaitingPage) -> ReadText | None:
    """What another item's look at the same page has found, unless this item has changed since."""
    since = page.created_at if page.read_before else rt.clock() - timedelta(days=CACHE_DAYS)
    with rt.database.read() as conn:
        known = pages.cached(conn, page.url, since=since)
    if known is None:
        return None
    found = Page(title="", text=known.text, language=known.language)
    refused = refusal(found, title=page.title, brought=page.brought, url=page.url, final_url=page.url)
    return known if refused is None else None


def _ask(turn: Turn, page: WaitingPage) -> _Answered | None:
    """The request, when it is the page's turn at its host; None when it is not, and the page waits for it.

    A worker never sleeps for a page, as it does for a feed: alerts wait behind it, and the page can come later.
    """
    rt = turn.rt
    visit = politeness.visit(rt, page.url, slot_at=page.slot_at)
    with rt.database.write() as conn:
        now = rt.clock()
        (admission,) = politeness.ask(rt, conn, [visit], owner=turn.owner, now=now)
        if admission is not None and admission.turn is not spacing.Turn.NOW:
            put_off = partial(pages.put_off, conn, page, owner=turn.owner, tries=page.tries, reason=_NOT_ITS_TURN)
            put_off(until=admission.starts_at, slot_at=admission.slot_at)
            return None
    # the feed's own headers stay with the feed: an article may live anywhere
    largest = min(MAX_BYTES, rt.settings.fetch_max_bytes)
    return _Answered(
        visit=visit, result=conditional_get(rt.client, page.url, Validators(), {"accept": ACCEPT}, largest)
    )


def _extract(rt: Runtime, page: WaitingPage, result: FetchResult) -> Page | Refusal:
    """The article, if the item gains by it. Raises SandboxFailed when the child failed by no fault of the page."""
    payload = {"body_b64": base64.b64encode(result.body or b"").decode(), "content_type": result.content_type}
    try:
        answer = rt.sandbox.call("watcher.parse.page:read", payload, timeout_s=rt.settings.sandbox_cpu_s + 5)
    except SandboxFailed as failed:
        if OUT_OF_TIME in str(failed):
            return Refusal.TOO_COSTLY
        raise
    if "refused" in answer:
        return Refusal(answer["refused"])
    found = wire.load(Page, answer)
    final_url = result.final_url or page.url
    return refusal(found, title=page.title, brought=page.brought, url=page.url, final_url=final_url) or found


# ── what came of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def _let_go(turn: Turn, conn: Connection, page: WaitingPage, answered: _Answered | None) -> None:
    """Leave the host to the next one, or alone for as long as it asks. Last in its transaction."""
    if answered is None:
        return
    politeness.heed(turn.rt, conn, page.url, answered.result, now=turn.rt.clock())
    politeness.free(conn, answered.visit, owner=turn.owner)


def _give(turn: Turn, page: WaitingPage, read: ReadText, reason: str, answered: _Answered | None) -> int | None:
    rt = turn.rt
    finish = partial(pages.finish_read, whole=joined(page.brought, read.text), tries=page.tries + bool(answered))
    with rt.database.write() as conn:
        kept = finish(conn, page, read, owner=turn.owner, reason=reason, now=rt.clock())
        turn.reach("committing")
        _let_go(turn, conn, page, answered)
    _log.info("page read", page=page.id, item=page.item_id, reason=reason, characters=len(read.text), kept=kept)
    return page.item_id if kept else None


def _no_page(turn: Turn, page: WaitingPage, answered: _Answered) -> None:
    now, result, tries = turn.rt.clock(), answered.result, page.tries + 1
    following = next_try(
        result.outcome,
        tries=tries,
        retry_after_s=result.retry_after_s,
        wanted_at=page.created_at,
        key=f"page:{page.id}",
        now=now,
    )
    if following.at is None:
        _fail(turn, page, following.reason, tries=tries, answered=answered)
    else:
        _put_off(turn, page, until=following.at, reason=following.reason, tries=tries, answered=answered)


def _put_off(
    turn: Turn,
    page: WaitingPage,
    *,
    until: datetime,
    reason: str,
    tries: int | None = None,
    answered: _Answered | None = None,
) -> None:
    with turn.rt.database.write() as conn:
        kept_tries = page.tries if tries is None else tries
        pages.put_off(conn, page, owner=turn.owner, until=until, reason=reason, tries=kept_tries)
        _let_go(turn, conn, page, answered)
    detail = answered.result.detail if answered else ""
    _log.info("page put off", page=page.id, item=page.item_id, reason=reason, until=until.isoformat(), detail=detail)


def _fail(turn: Turn, page: WaitingPage, reason: str, *, tries: int, answered: _Answered | None = None) -> None:
    with turn.rt.database.write() as conn:
        pages.fail(conn, page, owner=turn.owner, reason=reason, tries=tries)
        _let_go(turn, conn, page, answered)
    detail = answered.result.detail if answered else ""
    _log.warning("page given up", page=page.id, item=page.item_id, url=page.url, reason=reason, detail=detail)


def _tell_missing(rt: Runtime) -> None:
    """Once for a service, and once more in the log of each page."""
    lines = (
        "A feed of watcher.yml says `full_text: true`, and the part that finds articles in pages is not installed.",
        f"Items keep their summaries until it is: {INSTALL}",
    )
    notify(rt, "fulltext", Notice(subject="Full text needs an extra package", lines=lines))


def forget_pages(conn: Connection, *, now: datetime) -> None:
    """Drop copies of texts that no longer serve other items, and rows that nobody asks about any more."""
    texts, rows = now - timedelta(days=CACHE_DAYS), now - timedelta(days=KEEP_DAYS)
    pages.forget(conn, texts_before=texts, rows_before=rows, limit=_FORGET_BATCH)
