"""Which news may have been told before a restore: the decision alone, case by case."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher.model import AlertHistory, Feed, Validators
from watcher.pipeline.restore_guard import Standing, banner, catching_up, judge
from watcher.store.holds import Guard

TAKEN = datetime(2026, 11, 23, 6, tzinfo=UTC)
RESTORED = TAKEN + timedelta(hours=3)
NOW = RESTORED + timedelta(minutes=10)
HELD = Guard(taken_at=TAKEN, restored_at=RESTORED)
DROPPED = dataclasses.replace(HELD, settled_at=NOW - timedelta(minutes=5))


def _feed(**changes: Any) -> Feed:
    values: dict[str, Any] = {
        "id": 1,
        "url": "https://news.example/feed",
        "asked_url": "https://news.example/feed",
        "title": None,
        "language": None,
        "tags": (),
        "alert_history": AlertHistory.NONE,
        "every_s": None,
        "headers": {},
        "validators": Validators(),
        "first_fetched_at": TAKEN - timedelta(days=30),
        "last_full_at": None,
        "error_count": 0,
        "attempt": 1,
        "created_at": TAKEN - timedelta(days=30),
    }
    return Feed(**(values | changes))


@pytest.mark.parametrize(
    "guard, feed, dated, standing",
    [
        pytest.param(None, {}, None, Standing.NEWS, id="never restored"),
        pytest.param(HELD, {}, None, Standing.HELD, id="no date says nothing"),
        pytest.param(HELD, {}, TAKEN - timedelta(days=1), Standing.HELD, id="older than the backup"),
        pytest.param(HELD, {}, TAKEN + timedelta(hours=1), Standing.HELD, id="between backup and restore"),
        pytest.param(HELD, {}, RESTORED, Standing.HELD, id="at the very restore"),
        pytest.param(HELD, {}, RESTORED + timedelta(seconds=1), Standing.NEWS, id="after the restore"),
        pytest.param(HELD, {}, NOW + timedelta(seconds=1), Standing.HELD, id="a date in the future says nothing"),
        pytest.param(HELD, {"caught_up_at": RESTORED + timedelta(minutes=1)}, None, Standing.NEWS, id="caught up"),
        pytest.param(HELD, {"created_at": NOW}, None, Standing.HELD, id="added since, and maybe before the loss too"),
        pytest.param(DROPPED, {}, TAKEN + timedelta(hours=1), Standing.SILENT, id="dropped, and read only now"),
        pytest.param(DROPPED, {}, RESTORED + timedelta(minutes=1), Standing.NEWS, id="dropped, but newer"),
        pytest.param(DROPPED, {"created_at": NOW}, None, Standing.NEWS, id="added after it was dropped"),
    ],
)
def test_what_a_feed_brings_after_a_restore(
    guard: Guard | None, feed: dict[str, Any], dated: datetime | None, standing: Standing
) -> None:
    assert judge(guard, _feed(**feed), dated, now=NOW) is standing


def test_a_feed_catches_up_once() -> None:
    assert catching_up(HELD, _feed())
    assert not catching_up(HELD, _feed(caught_up_at=NOW))
    assert not catching_up(None, _feed())


def test_the_banner_says_what_is_held_and_what_to_do() -> None:
    counts = {"events": 2, "digests": 0, "deliveries": 1, "items": 0, "feeds": 1}
    assert banner(HELD, counts) == (
        "The database was restored at 2026-11-23 09:00 UTC from a backup of 2026-11-23 06:00 UTC. "
        "What may have been told in between is held: 2 events, 1 message. 1 feed was not read again yet. "
        "`watcher resume --list` shows it, `watcher resume` lets it go, `watcher resume --drop` drops it."
    )
    assert banner(DROPPED, counts) == ""
    assert banner(None, counts) == ""
