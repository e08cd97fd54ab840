"""Which pages are worth a request, and when another try is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.fetch.article import LONG_ENOUGH_BYTES, Choice, choose, next_try
from watcher.model import FetchOutcome, Item

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
LONG = "Kestrel Bio raised $36 million. " * (LONG_ENOUGH_BYTES // 30)


def item(**changes: Any) -> Item:
    values: dict[str, Any] = {
        "id": 1,
        "feed_id": 1,
        "feed_title": "News",
        "feed_tags": (),
        "link": "https://news.example/kestrel",
        "title": "Kestrel Bio",
        "text": "A summary.",
        "language": "en",
        "published_at": NOW - timedelta(hours=1),
        "first_seen_at": NOW,
        "history": False,
    }
    return Item(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "choice"),
    [
        ({}, Choice.WANTED),
        ({"published_at": None}, Choice.WANTED),
        ({"text": ""}, Choice.WANTED),
        ({"link": None}, Choice.NO_LINK),
        ({"link": "https://news.example/paper.PDF?x=1"}, Choice.NO_PAGE),
        ({"link": "https://news.example/talk.mp3"}, Choice.NO_PAGE),
        ({"link": "https://news.example/pdf"}, Choice.WANTED),
        ({"history": True}, Choice.WANTED),
        ({"history": True, "published_at": NOW - timedelta(hours=25)}, Choice.HISTORY),
        ({"history": True, "published_at": None}, Choice.HISTORY),
        ({"published_at": NOW - timedelta(days=13)}, Choice.WANTED),
        ({"published_at": NOW - timedelta(days=15)}, Choice.OLD),
        ({"text": LONG}, Choice.LONG_ENOUGH),
        ({"text": "药" * 1000}, Choice.LONG_ENOUGH),
        ({"text": "药" * 999}, Choice.WANTED),
        ({"text": LONG + "The firm said it would ..."}, Choice.WANTED),
        ({"text": LONG + "[…]"}, Choice.WANTED),
        ({"text": LONG + "Continue reading"}, Choice.WANTED),
        ({"text": LONG + "阅读全文 >>"}, Choice.WANTED),
        ({"text": "Read more " + LONG}, Choice.LONG_ENOUGH),
    ],
)
def test_which_pages_are_asked_for(changes: dict[str, Any], choice: Choice) -> None:
    assert choose(item(**changes), now=NOW) is choice


def after(outcome: FetchOutcome, tries: int, **changes: Any) -> timedelta | None:
    values: dict[str, Any] = {"retry_after_s": None, "wanted_at": NOW, "key": "page:1", "now": NOW}
    at = next_try(outcome, tries=tries, **(values | changes)).at
    return None if at is None else at - NOW


PASSING = ["rate_limited", "server_error", "timeout", "dns", "tls", "connection", "truncated", "empty_body"]
PASSING += ["parser_failed", "internal_error"]


@pytest.mark.parametrize("outcome", FetchOutcome)
def test_only_what_may_pass_is_tried_again(outcome: FetchOutcome) -> None:
    assert (after(outcome, 1) is not None) == (outcome.value in PASSING)


def test_there_are_three_further_tries_over_the_best_part_of_a_day() -> None:
    waits = [after(FetchOutcome.SERVER_ERROR, tries) for tries in (1, 2, 3, 4)]
    for wait, minutes in zip(waits, (15, 120, 720), strict=False):
        assert wait is not None
        assert 0.8 * minutes <= wait.total_seconds() / 60 <= 1.2 * minutes
    assert waits[3] is None


def test_two_pages_do_not_come_back_at_the_same_moment() -> None:
    assert after(FetchOutcome.TIMEOUT, 1) == after(FetchOutcome.TIMEOUT, 1)
    assert after(FetchOutcome.TIMEOUT, 1) != after(FetchOutcome.TIMEOUT, 1, key="page:2")


@pytest.mark.parametrize(
    ("retry_after_s", "wait"),
    [(7200.0, timedelta(hours=2)), (36 * 3600.0, timedelta(hours=36)), (36 * 3600.0 + 1, None), (1e12, None)],
)
def test_retry_after_is_kept_or_the_page_given_up(retry_after_s: float, wait: timedelta | None) -> None:
    assert after(FetchOutcome.RATE_LIMITED, 1, retry_after_s=retry_after_s) == wait


def test_a_short_retry_after_does_not_hurry_us() -> None:
    wait = after(FetchOutcome.RATE_LIMITED, 1, retry_after_s=1.0)
    assert wait is not None
    assert wait >= timedelta(minutes=12)
