"""Which changes of an entry are edits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.fetch.edits import MOST_EDITS, Edit, Version, judge, words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TEXT = "Kestrel Bio of Basel raised $30 million from Northwind Capital. The money pays for a trial of KB-210."


def version(text: str = TEXT, **changes: Any) -> Version:
    return Version(**({"title": "Kestrel Bio raises money", "summary": "", "text": text} | changes))


def judged(before: Version, after: Version, **changes: Any) -> Edit:
    values: dict[str, Any] = {"edits": 0, "first_seen_at": NOW - timedelta(hours=1), "now": NOW}
    return judge(before, after, **(values | changes))


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(version(TEXT.replace("30", "36")), id="an amount"),
        pytest.param(version(TEXT + " Northwind led the round."), id="a sentence more"),
        pytest.param(version(title="Kestrel Bio raises $30 million"), id="the title"),
        pytest.param(version(TEXT.replace("raised", "did not raise")), id="a correction"),
        pytest.param(version(TEXT + " It sold 5,000,000 shares."), id="a number of shares"),
        pytest.param(version("Kestrel Bio closed no round."), id="another text, shorter"),
    ],
)
def test_other_words_are_an_edit(after: Version) -> None:
    assert judged(version(), after) is Edit.WORDS


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(TEXT, TEXT.replace(" ", "\n\n"), id="white space"),
        pytest.param(TEXT, TEXT.upper().replace(".", "!"), id="case and punctuation"),
        pytest.param(TEXT, TEXT + " https://t.example/?utm_source=feed&s=123", id="a tracking link"),
        pytest.param(TEXT + " 1,024 views", TEXT + " 1,025 views", id="a view counter"),
        pytest.param(TEXT + " Comments (3)", TEXT + " Comments (14)", id="a comment counter"),
        pytest.param(TEXT + " No comments", TEXT + " 2 comments", id="the first comments"),
        pytest.param(TEXT + " 阅读量：1024", TEXT + " 阅读量：2048", id="a Chinese view counter"),
        pytest.param(TEXT + " 3 hours ago", TEXT + " 4 hours ago", id="an age"),
        pytest.param(TEXT + " 3小时前", TEXT + " 4小时前", id="a Chinese age"),
        pytest.param(TEXT + " Tags: a b c", TEXT + " Tags: c a b", id="tags in another order"),
    ],
)
def test_what_changes_without_its_words_is_no_edit(before: str, after: str) -> None:
    assert judged(version(before), version(after)) is Edit.SAME_WORDS


@pytest.mark.parametrize("teaser", ["Kestrel Bio of Basel raised $30 million", "Kestrel Bio of Basel raised… Read on"])
def test_a_text_that_became_a_teaser_of_itself_is_kept(teaser: str) -> None:
    assert judged(version(), version(teaser)) is Edit.TEASER
    assert judged(version(teaser), version()) is Edit.WORDS


def test_a_text_that_the_feed_no_longer_has_is_kept() -> None:
    assert judged(version(), version("")) is Edit.TEASER


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"edits": MOST_EDITS - 1}, Edit.WORDS),
        ({"edits": MOST_EDITS}, Edit.OFTEN),
        ({"first_seen_at": NOW - timedelta(days=14)}, Edit.WORDS),
        ({"first_seen_at": NOW - timedelta(days=15)}, Edit.LATE),
        ({"first_seen_at": NOW - timedelta(days=3), "window": timedelta(days=2)}, Edit.LATE),
    ],
)
def test_edits_are_bounded_in_number_and_time(changes: dict[str, Any], expected: Edit) -> None:
    assert judged(version(), version("Kestrel Bio raised $36 million."), **changes) is expected


def test_an_older_version_does_not_undo_a_newer_one() -> None:
    old, new = version("The first.", updated_at=NOW - timedelta(hours=2)), version("The second.", updated_at=NOW)
    assert judged(old, new) is Edit.WORDS
    assert judged(new, old) is Edit.OLDER
    assert judged(new, version("The third.")) is Edit.WORDS


def test_of_a_text_that_came_from_the_page_only_title_and_summary_are_compared() -> None:
    stored = version("The whole article.", summary="A summary.")
    assert judged(stored, version("A summary.", summary="A summary."), from_page=True) is Edit.SAME_WORDS
    assert judged(stored, version("A new one.", summary="A new one."), from_page=True) is Edit.WORDS
    assert judged(stored, version("", summary="A summary.", title="Another"), from_page=True) is Edit.WORDS


def test_words_are_folded_and_counters_are_none_of_them() -> None:
    assert words("Ｋestrel-Bio’s $30M　round — 12 comments · 5 min ago") == ["kestrel", "bio", "s", "30m", "round"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["1", "9 ", "views:", "www.", "1.1,", "阅读", "1 \u00a0"])
def test_no_text_of_64_kilobytes_takes_long(piece: str) -> None:
    assert judged(version(), version("no " + piece * (65536 // len(piece)))) in (Edit.WORDS, Edit.TEASER)
