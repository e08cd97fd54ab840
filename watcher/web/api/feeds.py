"""Feeds: what is polled and how it goes, added, changed, paused, polled now, removed; lists of them as OPML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher.errors import RefusedAddress
from watcher.model import AlertHistory, FeedConfig, FetchOutcome, Health, Origin
from watcher.net.address import check_url
from watcher.parse.opml import NotOpml, read_opml
from watcher.pipeline import feed_lists
from watcher.runtime import Runtime
from watcher.store import Connection, feed_details, listings
from watcher.store import feeds as feed_rows
from watcher.web.api.frame import Call, Made, found
from watcher.web.api.operation import Document, Nothing, Operation
from watcher.web.api.problem import Kind, Problem, invalid
from watcher.web.api.values import Answer, Asked, Count, Id, Instant, Name, NumberedList, Page, line
from watcher.web.operator import Scope

_OPML = "text/x-opml"
_OPML_BYTES = 4 * 1024 * 1024
Url = Annotated[str, Field(min_length=8, max_length=2000, pattern="^https?://[^\\s\\u0000]+$")]
Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=100, pattern="^[^\\u0000]*$")]], Field(max_length=50)
]
LanguageTag = Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)]
EveryS = Annotated[int, Field(ge=1, le=30 * 86400)]


class Feed(Answer):
    """A feed with its polling state."""

    id: int
    url: str = Field(description="What is polled.")
    asked_url: str = Field(description="What somebody wrote; another once the feed has moved for good.")
    title: str | None
    language: str | None
    tags: list[str]
    origin: Origin
    alert_history: AlertHistory
    every_s: int | None = Field(description="The shortest time between two polls; null takes the setting.")
    full_text: bool
    headers: list[str] = Field(description="Names of the headers that are sent; their values are secrets.")
    health: Health
    health_reason: str | None
    health_since: Instant | None
    failing_since: Instant | None
    flagged: str | None = Field(description="Something odd that it brought.")
    disabled_reason: str | None = Field(description="Why it is not polled; `paused` by a person.")
    last_status: int | None
    last_outcome: FetchOutcome | None
    last_error: str | None
    error_count: int
    last_polled_at: Instant | None
    last_changed_at: Instant | None
    newest_item_at: Instant | None
    habit_s: float | None = Field(description="How far apart its items usually come.")
    next_poll_at: Instant
    next_poll_reason: str | None
    created_at: Instant
    retired_at: Instant | None = Field(description="Since when it is removed; its items stay.")


class FeedsAsked(NumberedList):
    health: Health | None = None
    retired: bool = Field(False, description="Removed feeds instead of those that are there.")
    text: Name | None = Field(None, description="Part of its title or address.")


class FeedAsked(Asked):
    feed_id: Id


class NewFeed(Asked):
    """A feed to poll. It is polled as it is: nothing is contacted before this is answered."""

    url: Url
    title: Annotated[str, Field(min_length=1, max_length=300, pattern="^[^\\u0000]*$")] | None = None
    language: LanguageTag | None = None
    tags: Tags = Field(default_factory=list)
    alert_history: AlertHistory = AlertHistory.NONE
    every_s: EveryS | None = None
    full_text: bool = False


class FeedChoices(Asked):
    """What may be chosen of a feed that watcher.yml does not name."""

    tags: Tags
    every_s: EveryS | None
    full_text: bool


class NotTaken(Answer):
    """A feed of the list that was not taken."""

    line: int
    url: str
    reason: str


class Imported(Answer):
    """What became of a list."""

    added: list[str]
    known: list[str]
    repeated: list[NotTaken]
    refused: list[NotTaken]
    over: int = Field(description="Feeds beyond the limit, left out.")


class ImportAsked(Asked):
    alert_history: AlertHistory = AlertHistory.NONE
    tag: Tags = Field(default_factory=list, description="Given to every feed of the list.")
    dry_run: bool = Field(False, description="Say what would be done and do nothing.")


def listing(call: Call, asked: FeedsAsked) -> Page[Feed]:
    """Feeds, the newest first."""
    with call.rt.database.read() as conn:
        rows = listings.of_feeds(
            conn,
            limit=asked.limit + 1,
            after=asked.cursor,
            health=asked.health,
            retired=asked.retired,
            text=asked.text,
        )
    return call.page(rows, limit=asked.limit, show=_feed)


def one_feed(call: Call, asked: FeedAsked) -> Feed:
    """The feed, removed or not."""
    with call.rt.database.read() as conn:
        return _one(conn, asked.feed_id)


def add(call: Call, _asked: Nothing, body: NewFeed) -> Made:
    """Add it, due at once; one that is known already stays as it is."""
    url = _checked(call.rt, body.url)
    config = FeedConfig(
        url=url,
        title=body.title,
        language=body.language,
        tags=tuple(dict.fromkeys(body.tags)),
        alert_history=body.alert_history,
        every_s=body.every_s,
        full_text=body.full_text,
    )
    with call.rt.database.write() as conn:
        new = feed_rows.add(conn, config, origin=Origin.API, now=call.now)
        feed_id = found(feed_details.find(conn, url), "feed of that address")
        if new:
            call.note(conn, "feeds.add", f"feed {feed_id}", url=url)
        return Made(value=_one(conn, feed_id), path=f"/feeds/{feed_id}", new=new)


def _checked(rt: Runtime, url: str) -> str:
    try:
        return check_url(url, allow_private=rt.settings.allow_private).url
    except RefusedAddress as refused:
        raise invalid("/url", str(refused)) from None


def change(call: Call, asked: FeedAsked, body: FeedChoices) -> Feed:
    """Keep what was chosen; of a feed that watcher.yml names, that file says it."""
    with call.rt.database.write() as conn:
        before = _one(conn, asked.feed_id)
        tags = tuple(dict.fromkeys(body.tags))
        if not feed_rows.settle(conn, before.id, every_s=body.every_s, full_text=body.full_text, tags=tags):
            why = "It is removed." if before.retired_at else "watcher.yml names it: change it there."
            raise Problem(Kind.CONFLICT, why)
        call.note(conn, "feeds.settle", f"feed {before.id}", **body.model_dump(mode="json"))
        return _one(conn, before.id)


def pause(call: Call, asked: FeedAsked) -> Feed:
    """Poll it no more until it is resumed; its items stay."""
    with call.rt.database.write() as conn:
        _live(conn, asked.feed_id)
        if feed_rows.pause(conn, asked.feed_id):
            call.note(conn, "feeds.pause", f"feed {asked.feed_id}")
        return _one(conn, asked.feed_id)


def resume(call: Call, asked: FeedAsked) -> Feed:
    """Poll it again, at once."""
    with call.rt.database.write() as conn:
        _live(conn, asked.feed_id)
        if feed_rows.resume(conn, asked.feed_id, now=call.now):
            call.note(conn, "feeds.resume", f"feed {asked.feed_id}")
        return _one(conn, asked.feed_id)


def poll(call: Call, asked: FeedAsked) -> Feed:
    """Make it due now; the running service polls it within seconds."""
    with call.rt.database.write() as conn:
        _live(conn, asked.feed_id)
        if not feed_rows.poll_now(conn, now=call.now, ids=[asked.feed_id]):
            raise Problem(Kind.CONFLICT, "It is not polled: resume it first.")
        call.note(conn, "feeds.poll", f"feed {asked.feed_id}")
        return _one(conn, asked.feed_id)


def poll_all(call: Call, _asked: Nothing) -> Count:
    """Make every feed due now."""
    with call.rt.database.write() as conn:
        changed = feed_rows.poll_now(conn, now=call.now)
        call.note(conn, "feeds.poll", "every feed", feeds=changed)
    return Count(changed=changed)


def retire(call: Call, asked: FeedAsked) -> None:
    """Poll it no more, for good; its items and events stay. One that watcher.yml names comes back with its reload."""
    with call.rt.database.write() as conn:
        row = _one(conn, asked.feed_id)
        if row.retired_at is None and feed_rows.retire(conn, row.url, now=call.now):
            call.note(conn, "feeds.retire", f"feed {row.id}", url=row.url)


def export(call: Call, _asked: Nothing) -> bytes:
    """The document."""
    return feed_lists.give(call.rt).document


def take(call: Call, asked: ImportAsked, body: bytes) -> Imported:
    """Add the feeds of a list; what is refused does not stop the others."""
    try:
        lists = read_opml(body)
    except NotOpml as reason:
        raise Problem(Kind.UNREADABLE, str(reason)) from None
    taken = feed_lists.take(
        call.rt,
        lists,
        origin=Origin.API,
        alert_history=asked.alert_history,
        tags=asked.tag,
        dry_run=asked.dry_run,
    )
    if not asked.dry_run:
        with call.rt.database.write() as conn:
            call.note(conn, "feeds.import", "OPML", added=len(taken.added), refused=len(taken.refused))
    return Imported(
        added=list(taken.added),
        known=list(taken.known),
        repeated=[NotTaken(line=one.line, url=one.url, reason=one.reason) for one in taken.repeated],
        refused=[NotTaken(line=one.line, url=one.url, reason=one.reason) for one in taken.refused],
        over=lists.over,
    )


def _live(conn: Connection, feed_id: int) -> None:
    if _one(conn, feed_id).retired_at is not None:
        raise Problem(Kind.CONFLICT, "It is removed: add it again.")


def _one(conn: Connection, feed_id: int) -> Feed:
    return _feed(found(listings.feed(conn, feed_id), f"feed {feed_id}"))


def _feed(row: Mapping[str, Any]) -> Feed:
    title = line(row["title"]) or None
    return Feed(**(dict(row) | {"title": title, "headers": sorted(row["headers"])}))


_ACTS: dict[str, Any] = {"scope": Scope.OPERATE, "asked": FeedAsked, "answer": Feed}
OPERATIONS = (
    Operation(
        name="list_feeds",
        method="GET",
        path="/feeds",
        summary="List feeds.",
        act=listing,
        asked=FeedsAsked,
        answer=Page[Feed],
    ),
    Operation(
        name="add_feed",
        method="POST",
        path="/feeds",
        summary="Add a feed by its address.",
        about="An address that the guard refuses (a private network, a port that is no web server's) is answered 422.",
        act=add,
        scope=Scope.OPERATE,
        body=NewFeed,
        answer=Feed,
        creates=True,
    ),
    Operation(
        name="poll_feeds",
        method="POST",
        path="/feeds/poll",
        summary="Poll every feed now.",
        act=poll_all,
        scope=Scope.OPERATE,
        answer=Count,
    ),
    Operation(
        name="export_feeds",
        method="GET",
        path="/feeds/opml",
        summary="Every feed as OPML 2.0; secrets are never written.",
        act=export,
        answer=Document(media_type=_OPML, about="OPML 2.0."),
    ),
    Operation(
        name="import_feeds",
        method="POST",
        path="/feeds/opml",
        summary="Add the feeds of an OPML document.",
        act=take,
        scope=Scope.OPERATE,
        asked=ImportAsked,
        body=Document(media_type=_OPML, about="OPML.", also=("application/xml", "text/xml"), most_bytes=_OPML_BYTES),
        answer=Imported,
    ),
    Operation(
        name="get_feed",
        method="GET",
        path="/feeds/{feed_id}",
        summary="One feed: health, last poll, next poll and why.",
        act=one_feed,
        asked=FeedAsked,
        answer=Feed,
    ),
    Operation(
        name="change_feed",
        method="PUT",
        path="/feeds/{feed_id}",
        summary="Choose how a feed is polled that watcher.yml does not name.",
        act=change,
        scope=Scope.OPERATE,
        asked=FeedAsked,
        body=FeedChoices,
        answer=Feed,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="remove_feed",
        method="DELETE",
        path="/feeds/{feed_id}",
        summary="Poll it no more; its items and events stay.",
        act=retire,
        scope=Scope.OPERATE,
        asked=FeedAsked,
    ),
    Operation(
        name="pause_feed",
        method="POST",
        path="/feeds/{feed_id}/pause",
        summary="Poll it no more until it is resumed.",
        act=pause,
        problems=(Kind.CONFLICT,),
        **_ACTS,
    ),
    Operation(
        name="resume_feed",
        method="POST",
        path="/feeds/{feed_id}/resume",
        summary="Poll a paused feed again.",
        act=resume,
        problems=(Kind.CONFLICT,),
        **_ACTS,
    ),
    Operation(
        name="poll_feed",
        method="POST",
        path="/feeds/{feed_id}/poll",
        summary="Poll it now.",
        act=poll,
        problems=(Kind.CONFLICT,),
        **_ACTS,
    ),
)
