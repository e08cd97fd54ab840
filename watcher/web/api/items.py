"""Items: what came in, searched, shown whole, explained, tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher.pipeline.preview import offers
from watcher.store import events, history, listings
from watcher.store import items as item_rows
from watcher.web.api.explanation import Explained, explanation
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Nothing, Operation
from watcher.web.api.values import Answer, Asked, Id, Instant, Name, NumberedList, Page, Word, line
from watcher.web.operator import Scope

_TEXT = 100_000
"""Code points of an item's text that are shown: more is never read by a rule."""


class Telling(Answer):
    """An event that the item tells."""

    event_id: int
    rule_id: str


class ItemRow(Answer):
    """An item in a list."""

    id: int
    title: str
    link: str | None
    feed_id: int
    feed: str
    language: str | None
    published_at: Instant | None
    first_seen_at: Instant
    history: bool = Field(description="Of a feed's first fetch, which alerts nobody.")
    story_id: int | None
    copy_of: int | None = Field(description="The item of its story that is the same page.")
    classified_at: Instant | None
    parked_reason: str | None
    tells: list[Telling]


class Item(ItemRow):
    """An item with all its words."""

    summary: str
    text: str
    author: str | None
    categories: list[str]
    identity: str = Field(description="By what its feed knows it.")
    updated_at: Instant | None
    edits: int
    edited_at: Instant | None
    from_page: bool = Field(description="Its text was read from its page.")
    classified_with: str | None = Field(description="The version of the rules that looked at it.")
    story_reason: str | None


class ItemsAsked(NumberedList):
    feed: Id | None = Field(None, description="A feed's id.")
    story: Id | None = Field(None, description="A story's id.")
    rule: Word | None = Field(None, description="Only items that tell an event of this rule.")
    language: Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=16)] | None = None
    since: Instant | None = Field(None, description="First seen at this instant or later.")
    until: Instant | None = Field(None, description="First seen before this instant.")
    text: Name | None = Field(None, description="Part of the headline.")
    parked: bool | None = Field(None, description="Only those that were put aside, or only the others.")


class ItemAsked(Asked):
    item_id: Id


class ExplainAsked(ItemAsked):
    rule: Word | None = Field(None, description="Only this rule, with all its selections.")


class Woken(Answer):
    """How many wait to be looked at again."""

    items: int
    events: int


def search(call: Call, asked: ItemsAsked) -> Page[ItemRow]:
    """Items, newest first."""
    with call.rt.database.read() as conn:
        rows = listings.of_items(
            conn,
            limit=asked.limit + 1,
            after=asked.cursor,
            feed_id=asked.feed,
            story_id=asked.story,
            rule=asked.rule,
            language=asked.language,
            since=asked.since,
            until=asked.until,
            text=asked.text,
            parked=asked.parked,
        )
    return call.page(rows, limit=asked.limit, show=lambda row: ItemRow(**_row(row)))


def one_item(call: Call, asked: ItemAsked) -> Item:
    """The item with its words, as they were cleaned when it came."""
    with call.rt.database.read() as conn:
        row = found(listings.item(conn, asked.item_id), f"item {asked.item_id}")
    return Item(**_row(row) | {"text": row["text"][:_TEXT], "summary": row["summary"][:_TEXT]})


def explain(call: Call, asked: ExplainAsked) -> Explained:
    """Every rule on the item."""
    with call.rt.database.read() as conn:
        item = found(history.item(conn, asked.item_id), f"item {asked.item_id}")
        told = offers(call.rt, conn, item.id)
    return explanation(call.rt, [item], told, rule_id=asked.rule)


def retry(call: Call, _asked: Nothing) -> Woken:
    """Let all that was put aside be tried again; the running service does it within seconds."""
    with call.rt.database.write() as conn:
        woken = item_rows.wake_parked(conn, now=call.now)
        offered = events.wake_parked(conn)
        call.note(conn, "items.retry", "parked", items=woken, events=offered)
    return Woken(items=woken, events=offered)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "url"}
    return told | {"title": line(row["title"]), "feed": line(row["feed"] or row["url"]), "tells": _tells(row)}


def _tells(row: Mapping[str, Any]) -> list[Telling]:
    return [Telling(event_id=one["event_id"], rule_id=one["rule_id"]) for one in row["tells"]]


OPERATIONS = (
    Operation(
        name="search_items",
        method="GET",
        path="/items",
        summary="Search items, newest first.",
        act=search,
        asked=ItemsAsked,
        answer=Page[ItemRow],
    ),
    Operation(
        name="retry_items",
        method="POST",
        path="/items/retry",
        summary="Try again all items and events that were put aside.",
        act=retry,
        scope=Scope.OPERATE,
        answer=Woken,
    ),
    Operation(
        name="get_item",
        method="GET",
        path="/items/{item_id}",
        summary="One item with its words.",
        act=one_item,
        asked=ItemAsked,
        answer=Item,
    ),
    Operation(
        name="explain_item",
        method="GET",
        path="/items/{item_id}/explanation",
        summary="Why each rule says yes or no of it, clause by clause.",
        act=explain,
        asked=ExplainAsked,
        answer=Explained,
    ),
)
