"""When a feed has moved for good: three equal permanent answers over a day, and nothing less."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.fetch.moves import Following, MoveReason, follow
from watcher.model import AlertHistory, Feed, FetchOutcome, FetchResult, Move, Secret, Validators

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD, NEW = "https://old.example.org/feed", "https://new.example.org/feed"


def a_feed(**changes: Any) -> Feed:
    values: dict[str, Any] = {
        "id": 1,
        "url": OLD,
        "asked_url": OLD,
        "title": None,
        "language": None,
        "tags": (),
        "alert_history": AlertHistory.NONE,
        "every_s": None,
        "headers": {},
        "validators": Validators(),
        "first_fetched_at": NOW,
        "last_full_at": NOW,
        "error_count": 0,
        "attempt": 1,
        "created_at": NOW,
    }
    return Feed(**(values | changes))


def answer(to: str | None = NEW, **changes: Any) -> FetchResult:
    values: dict[str, Any] = {"outcome": FetchOutcome.CHANGED, "status": 200, "permanent_url": to, "final_url": to}
    return FetchResult(**(values | changes))


def told(feed: Feed, result: FetchResult, *, after_h: float = 0, private: tuple[str, ...] = ()) -> Following:
    return follow(feed, result, allow_private=private, now=NOW + timedelta(hours=after_h))


def after(answers: list[tuple[FetchResult, float]], feed: Feed | None = None) -> Following:
    """What the last of the answers comes to, each with its hours after NOW."""
    feed, last = feed or a_feed(), Following(reason=MoveReason.STAYS)
    for result, after_h in answers:
        last = told(feed, result, after_h=after_h)
        feed = dataclasses.replace(feed, move=last.move)
    return last


TIMEOUT = FetchResult(outcome=FetchOutcome.TIMEOUT)
SAME = answer(outcome=FetchOutcome.NOT_MODIFIED, status=304)


@pytest.mark.parametrize(
    ("answers", "to"),
    [
        pytest.param([(answer(), 0), (answer(), 12), (answer(), 24)], NEW, id="three over a day"),
        pytest.param([(SAME, 0), (SAME, 12), (SAME, 24)], NEW, id="304s of the target count"),
        pytest.param([(answer(), 0), (answer(), 12), (answer(), 23.9)], None, id="three within a day"),
        pytest.param([(answer(), 0), (answer(), 48)], None, id="only two"),
        pytest.param([(answer(), h) for h in (0, 1, 2, 3, 24)], NEW, id="many, the last after a day"),
        pytest.param(
            [(answer(), 0), (answer(None), 8), (answer(), 16), (answer(), 24)], None, id="a temporary between"
        ),
        pytest.param([(answer(), 0), (TIMEOUT, 8), (answer(), 16), (answer(), 24)], NEW, id="no answer between"),
        pytest.param(
            [(answer(), 0), (answer(), 12), (answer("https://third.example.org/"), 24)], None, id="another target"
        ),
        pytest.param(
            [(answer(), 0), (answer(), 12), (answer(outcome=FetchOutcome.NOT_A_FEED), 13), (answer(), 24)],
            None,
            id="a page between",
        ),
        pytest.param([(answer(OLD), h) for h in (0, 12, 24)], None, id="back to itself"),
    ],
)
def test_a_url_is_rewritten_after_three_equal_permanent_answers_over_a_day(
    answers: list[tuple[FetchResult, float]], to: str | None
) -> None:
    assert after(answers).to == to


def test_a_temporary_redirect_is_never_stored() -> None:
    assert after([(answer(None, final_url=NEW), hours) for hours in range(0, 100, 10)]).reason is MoveReason.STAYS


def test_the_count_starts_anew_at_another_target() -> None:
    feed = a_feed(move=Move(url=OLD + "2", count=2, since=NOW - timedelta(days=9)))
    assert told(feed, answer()).move == Move(url=NEW, count=1, since=NOW)


SETTLED = [(answer(), 0.0), (answer(), 12.0), (answer(), 24.0)]


@pytest.mark.parametrize(
    ("feed", "target", "private", "reason"),
    [
        (a_feed(), "http://10.0.0.1/feed", (), MoveReason.NOT_PUBLIC),
        (a_feed(), "http://10.0.0.1/feed", ("10.0.0.0/8",), MoveReason.NOT_PUBLIC),
        (a_feed(url="http://10.0.0.2/feed"), "http://10.0.0.1/feed", ("10.0.0.0/8",), MoveReason.TOO_EARLY),
        (a_feed(), "https://intranet/feed", ("10.0.0.0/8",), MoveReason.NOT_PUBLIC),
        (a_feed(), "ftp://new.example.org/feed", (), MoveReason.NOT_PUBLIC),
        (a_feed(), "http://old.example.org/feed", (), MoveReason.NO_LONGER_ENCRYPTED),
        (a_feed(url="http://old.example.org/feed"), OLD, (), MoveReason.TOO_EARLY),
        (a_feed(headers={"Authorization": Secret(env="X")}), NEW, (), MoveReason.SECRETS_STAY),
        (a_feed(headers={"Authorization": Secret(env="X")}), OLD + "/new", (), MoveReason.TOO_EARLY),
    ],
)
def test_some_targets_are_followed_and_never_taken_over(
    feed: Feed, target: str, private: tuple[str, ...], reason: MoveReason
) -> None:
    assert told(feed, answer(target), private=private).reason is reason


@pytest.mark.parametrize("outcome", [FetchOutcome.NOT_A_FEED, FetchOutcome.NOT_FOUND, FetchOutcome.TRUNCATED])
def test_a_target_that_is_no_whole_feed_is_no_move(outcome: FetchOutcome) -> None:
    assert told(a_feed(), answer(outcome=outcome)).reason is MoveReason.NOT_A_FEED
