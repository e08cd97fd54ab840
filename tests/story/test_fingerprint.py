"""Which items share a story's key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from watcher.model import Item
from watcher.story.fingerprint import normal, story_key


def _item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "id": 1,
        "feed_id": 1,
        "feed_title": "Park news",
        "feed_tags": (),
        "link": "https://news.example/2026/11/a-deal",
        "title": "Acme licenses AB-1 to Orbit",
        "text": "Acme has licensed AB-1 to Orbit.",
        "language": "en",
        "published_at": None,
        "first_seen_at": datetime(2026, 11, 22, tzinfo=UTC),
        "history": False,
    }
    return Item(**(values | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 2, "feed_id": 2, "feed_title": "Another feed"},
        {"link": "http://www.news.example/2026/11/a-deal/"},
        {"title": "ACME Licenses AB-1 to Orbit!"},
        {"text": "The summary only."},
    ],
    ids=["another feed", "another form of the link", "another form of the title", "another part of the text"],
)
def test_a_copy_has_the_same_key(changes: dict[str, Any]) -> None:
    assert story_key(_item(**changes)) == story_key(_item())


@pytest.mark.parametrize(
    "changes",
    [
        {"link": "https://news.example/2026/11/another-deal"},
        {"title": "Acme licenses AB-2 to Orbit"},
        {"link": "https://news.example/show?id=2"},
    ],
    ids=["another page", "another headline", "another query"],
)
def test_another_story_has_another_key(changes: dict[str, Any]) -> None:
    assert story_key(_item(**changes)) != story_key(_item())


@pytest.mark.parametrize("link", [None, "https://news.example/", "https://news.example"])
def test_where_the_link_names_no_page_the_words_decide(link: str | None) -> None:
    one = story_key(_item(link=link, title="Week in review"))
    assert story_key(_item(link=link, title="Week in review")) == one
    assert story_key(_item(link=link, title="Week in review", text="Other news.")) != one


def test_width_case_and_punctuation_do_not_count() -> None:
    assert normal("ＡＢ－１：Deal!  授权") == "ab 1 deal 授权"


def test_a_lone_surrogate_has_a_key() -> None:
    assert len(story_key(_item(title="\ud800"))) == 64
