"""A document's entries to items: which are new, which are known, which say something else now, which stay silent.

Both a poll and a hub's push come through here; what surrounds it (validators, leases) is theirs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from watcher import log
from watcher.fetch import edits, republish
from watcher.fetch.history import is_history
from watcher.model import Feed, ItemDraft, Notice, ParsedFeed
from watcher.pipeline import restore_guard
from watcher.pipeline.pages import want_pages
from watcher.store import Connection, digests, feeds, holds, items, known
from watcher.store.known import By, Known

_log = log.get("pipeline")
_Judge = Callable[[datetime | None], restore_guard.Standing]
_UNDER_NEW_IDS = frozenset({By.LINK, By.DATE, By.PAGE, By.DAY})
"""How entries are known whose ids their publisher has changed; not by another scheme or host of the same id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Ids of items by what is to be done with them."""

    new: tuple[int, ...] = ()
    edited: tuple[int, ...] = ()
    """Known items whose words have changed: the rules read them again."""
    held: int = 0
    """How many of the new ones alert nobody, because the document was doubted or came after a silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """The entries of a document, each with the item that it is, and what the new ones among them are."""

    drafts: Sequence[ItemDraft]
    found: Sequence[Known | None]
    verdicts: Sequence[republish.Verdict] = ()
    """Of the new ones, in their order; none when all of them are news."""
    doubted: bool = False
    """The document looks like an old one under new ids, and its dates do not speak for it."""

    @property
    def fresh(self) -> list[ItemDraft]:
        return [draft for draft, one in zip(self.drafts, self.found, strict=True) if one is None]

    @property
    def under_new_ids(self) -> int:
        """Known items that come under other ids than before."""
        return sum(one is not None and one.by in _UNDER_NEW_IDS for one in self.found)


def take_in(
    conn: Connection, feed: Feed, parsed: ParsedFeed, *, now: datetime, edits_for: timedelta = edits.READ_AGAIN_FOR
) -> Intake:
    """Store what the document brings, in the caller's transaction.

    `edits_for`: how long after an item was first seen a change of its words is taken.
    """
    entries = _sort(conn, feed, _found(conn, feed, parsed.items), now)
    known.take_ids(conn, entries.drafts, entries.found)
    judge = partial(restore_guard.judge, holds.guard(conn) if feed.caught_up_at is None else None, feed, now=now)
    edited = _take_edits(conn, entries, now, edits_for, judge) if parsed.complete else []
    new = _add(conn, feed, entries, now, judge)
    want_pages(conn, feed, new, edited, now=now)
    held = sum(verdict.silent for verdict in entries.verdicts)
    if entries.doubted and (held or entries.under_new_ids > republish.MANY):
        _flag(conn, feed, entries, held, now)
    if new or edited:
        _log.debug("taken in", feed=feed.id, new=len(new), edited=len(edited), held=held)
    return Intake(new=tuple(new), edited=tuple(edited), held=held)


def _found(conn: Connection, feed: Feed, drafts: Sequence[ItemDraft]) -> _Sorted:
    if feed.first_fetched_at is None:  # until then a feed has no items
        return _Sorted(drafts=drafts, found=[None] * len(drafts))
    entries = _Sorted(drafts=drafts, found=known.find(conn, feed.id, drafts))
    others = [
        draft.identity
        for before, draft in _changed(conn, entries)
        if before.identity == draft.identity and edits.is_another(_version(before), _version(draft))
    ]
    if not others:
        return entries
    apart = [_apart(draft) if draft.identity in others else draft for draft in drafts]
    return _Sorted(drafts=apart, found=known.find(conn, feed.id, apart))


def _apart(draft: ItemDraft) -> ItemDraft:
    """The entry under an id that tells it from another one to which its publisher has given the same."""
    mark = hashlib.sha256((draft.link or "").encode()).hexdigest()[:12]
    return replace(draft, identity=f"{draft.identity}#{mark}", alias=f"{draft.alias}#{mark}")


# ── new entries ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _sort(conn: Connection, feed: Feed, entries: _Sorted, now: datetime) -> _Sorted:
    """What of the document is news, if there is any doubt about it."""
    new = len(entries.fresh)
    suspect = republish.is_republished(
        new=new + entries.under_new_ids, of=len(entries.drafts), first_fetched_at=feed.first_fetched_at, now=now
    )
    since = feed.last_changed_at or feed.first_fetched_at
    if since is None or not (suspect or (new and republish.is_return(last_news_at=since, now=now))):
        return entries
    newest_at, per_day = known.past(conn, feed.id, first_fetched_at=feed.first_fetched_at, now=now)
    past = republish.Past(newest_at=newest_at, per_day=per_day, last_news_at=since)
    doubted = suspect and (
        entries.under_new_ids > republish.MANY or not republish.is_plausible(_dates(entries.fresh), past, now=now)
    )
    found = known.find_loosely(conn, feed.id, entries.drafts, entries.found) if doubted else entries.found
    entries = _Sorted(drafts=entries.drafts, found=found, doubted=doubted)
    verdicts = republish.verdicts(_dates(entries.fresh), past, doubted=doubted, now=now)
    return _Sorted(drafts=entries.drafts, found=found, verdicts=verdicts, doubted=doubted)


def _dates(drafts: Sequence[ItemDraft]) -> list[datetime | None]:
    return [draft.published_at for draft in drafts]


def _add(conn: Connection, feed: Feed, entries: _Sorted, now: datetime, judge: _Judge) -> list[int]:
    verdicts = entries.verdicts or [republish.Verdict.NEWS] * len(entries.fresh)
    standings = [judge(draft.published_at) for draft in entries.fresh]
    silent = [
        verdict.silent
        or standing is restore_guard.Standing.SILENT
        or is_history(
            feed.alert_history, first_fetched_at=feed.first_fetched_at, published_at=draft.published_at, now=now
        )
        for draft, verdict, standing in zip(entries.fresh, verdicts, standings, strict=True)
    ]
    held = {
        draft.identity
        for draft, standing in zip(entries.fresh, standings, strict=True)
        if standing is restore_guard.Standing.HELD
    }
    new = items.add(conn, feed.id, list(zip(entries.fresh, silent, strict=True)), now=now, held=held)
    if new:
        feeds.changed_at(conn, feed.id, now=now)
    return new


def _flag(conn: Connection, feed: Feed, entries: _Sorted, held: int, now: datetime) -> None:
    """Show and tell once what came under new ids; again only when something more is held back."""
    total, again, new = len(entries.drafts), entries.under_new_ids, len(entries.fresh)
    why = f"{again + new} of {total} entries came under new ids; {held} of them are stored and alert nobody"
    flagged_now = feeds.flag(conn, feed.id, why, now=now)
    _log.warning("a feed looks republished", feed=feed.id, why=why)
    if not (flagged_now or held):
        return
    reasons = Counter(verdict.value for verdict in entries.verdicts if verdict.silent)
    lines = [feed.url, f"{again} are items that were known under other ids."] if again else [feed.url]
    lines += [f"{count} are stored and alert nobody: {reason}." for reason, count in reasons.items()]
    lines += [f"{new - held} are newer than all that was known and alert as ever."] if new > held else []
    notice = Notice(
        subject=f"{feed.title or feed.url} suddenly brought {again + new} of {total} entries as new",
        lines=(*lines, "The publisher has most likely moved its site to another system."),
    )
    digests.add_notice(conn, f"republished:{feed.id}:{now:%Y-%m-%d}", notice, now=now)


# ── edits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _take_edits(conn: Connection, entries: _Sorted, now: datetime, window: timedelta, judge: _Judge) -> list[int]:
    """Write the entries whose words have changed; the ids of their items."""
    edited = []
    for before, draft in _changed(conn, entries):
        verdict = edits.judge(
            _version(before),
            _version(draft),
            edits=before.edits,
            first_seen_at=before.first_seen_at,
            now=now,
            window=window,
            from_page=before.from_page,
        )
        _log.debug("an entry changed", item=before.id, what=verdict.value)
        if verdict is edits.Edit.WORDS:
            standing = judge(draft.updated_at)
            held, silent = standing is restore_guard.Standing.HELD, standing is restore_guard.Standing.SILENT
            items.edit(conn, before, draft, now=now, held=held, silent=silent)
            edited.append(before.id)
    return edited


def _changed(conn: Connection, entries: _Sorted) -> list[tuple[items.Stored, ItemDraft]]:
    """The items whose entries have other contents now, locked, with those entries."""
    changed = {
        one.item_id: draft
        for draft, one in zip(entries.drafts, entries.found, strict=True)
        if one is not None and one.content_hash != draft.content_hash
    }
    return [(before, changed[before.id]) for before in items.stored(conn, list(changed))] if changed else []


def _version(told: items.Stored | ItemDraft) -> edits.Version:
    return edits.Version(
        title=told.title,
        summary=told.summary,
        text=told.text,
        link=told.link,
        published_at=told.published_at,
        updated_at=told.updated_at,
    )
