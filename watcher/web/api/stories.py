"""Stories: which items tell the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from watcher.store import listings
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Operation
from watcher.web.api.values import Answer, Asked, Id, Instant, NumberedList, Page, line


class StoryEvent(Answer):
    """An event of the story."""

    id: int
    rule_id: str


class Story(Answer):
    """Items of any feed and language that tell the same; `GET /items?story=` gives them."""

    id: int
    title: str
    created_at: Instant
    last_item_at: Instant | None
    closed_at: Instant | None = Field(description="Since when it takes in no further items.")
    items: int
    events: list[StoryEvent]


class StoriesAsked(NumberedList):
    open: bool | None = Field(None, description="Only those that still take in items, or only the others.")


class StoryAsked(Asked):
    story_id: Id


def listing(call: Call, asked: StoriesAsked) -> Page[Story]:
    """Stories, newest first."""
    with call.rt.database.read() as conn:
        rows = listings.of_stories(conn, limit=asked.limit + 1, after=asked.cursor, still_open=asked.open)
    return call.page(rows, limit=asked.limit, show=_story)


def one_story(call: Call, asked: StoryAsked) -> Story:
    """The story."""
    with call.rt.database.read() as conn:
        return _story(found(listings.story(conn, asked.story_id), f"story {asked.story_id}"))


def _story(row: Mapping[str, Any]) -> Story:
    told = [StoryEvent(**one) for one in row["events"]]
    return Story(**(dict(row) | {"title": line(row["title"]), "events": told}))


OPERATIONS = (
    Operation(
        name="list_stories",
        method="GET",
        path="/stories",
        summary="List stories, newest first.",
        act=listing,
        asked=StoriesAsked,
        answer=Page[Story],
    ),
    Operation(
        name="get_story",
        method="GET",
        path="/stories/{story_id}",
        summary="One story.",
        act=one_story,
        asked=StoryAsked,
        answer=Story,
    ),
)
