"""P20 on the real line: back up, go on, lose the database, restore: nobody is told twice, and nothing new is lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from services.web import HttpSink
from sqlalchemy import text
from stage import Stage

from watcher import pipeline
from watcher.pipeline import backup
from watcher.store import holds

BEFORE, GAP, LATER, UNDATED = range(4), range(4, 8), range(8, 12), range(12, 14)


def _titles(*numbers: range) -> set[str]:
    return {f"Acme {number} funded" for some in numbers for number in some}


def _entry(number: int, dated: datetime | None) -> str:
    day = f"<pubDate>{format_datetime(dated)}</pubDate>" if dated else ""
    return (
        f"<item><guid isPermaLink='false'>round-{number}</guid><title>Acme {number} funded</title>{day}"
        f"<link>https://news.example/rounds/{number}</link>"
        f"<description>Acme {number} closed a round of ${number} million.</description></item>"
    )


def _publish(web: HttpSink, *entries: tuple[range, datetime | None]) -> None:
    """Every entry is in the first feed, as a publisher's list grows."""
    listed = "".join(_entry(number, dated) for numbers, dated in entries for number in numbers)
    web.serve("/feed/0", f"<rss version='2.0'><channel><title>Rounds</title>{listed}</channel></rss>".encode())


def _end(stage: Stage) -> None:
    """Every process ends, and a minute passes as far as the rows say."""
    for process in stage.processes:
        process.terminate()
    for process in stage.processes:
        process.wait(30)
    stage.processes.clear()
    with stage.runtime.database.write() as conn:
        conn.execute(text("DELETE FROM beats"))


def _run(stage: Stage) -> None:
    stage.worker()
    stage.beat()


def _restored(stage: Stage, folder: Path) -> datetime:
    """The story up to a restored service that runs; when the restore was."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    _publish(stage.web, (BEFORE, hour_ago))
    _run(stage)
    stage.wait(lambda: len(stage.web.got("/slack")) == len(BEFORE), what="the first events at Slack")
    stage.wait(lambda: len(stage.hooked()) == len(BEFORE), what="the first events at the webhook")
    backup.back_up(stage.runtime, folder / "b.gz")
    _publish(stage.web, (BEFORE, hour_ago), (GAP, datetime.now(UTC)))
    stage.poll()
    both = len(BEFORE) + len(GAP)
    stage.wait(lambda: len(stage.hooked()) == both and stage.quiet(), what="the events between backup and loss")
    stage.wait(lambda: len(stage.web.got("/slack")) == both, what="the same at Slack")
    _end(stage)
    with stage.valkey.client() as client:
        client.flushall()
    backup.restore(stage.runtime, folder / "b.gz", replace=True)
    restored_at = datetime.now(UTC)
    time.sleep(1.1)  # dates in feeds are whole seconds
    _publish(stage.web, (BEFORE, hour_ago), (GAP, restored_at - timedelta(minutes=1)), (LATER, datetime.now(UTC)))
    _run(stage)
    stage.wait(lambda: _titles(LATER) <= set(stage.hooked()), what="what came after the restore")
    _publish(
        stage.web,
        (BEFORE, hour_ago),
        (GAP, restored_at - timedelta(minutes=1)),
        (LATER, datetime.now(UTC)),
        (UNDATED, None),
    )
    stage.poll()
    stage.wait(lambda: _titles(UNDATED) <= set(stage.hooked()), what="what a feed brings once it was read again")
    stage.wait(stage.quiet, what="an empty outbox")
    return restored_at


def _held(stage: Stage) -> list[str]:
    with stage.runtime.database.read() as conn:
        return sorted(str(row["what"]) for row in holds.listing(conn, limit=100) if row["kind"] == "event")


@pytest.mark.timeout(400)
def test_p20_a_restore_repeats_nothing_until_somebody_says_so(stage: Stage, tmp_path: Path) -> None:
    drop = "sqlite" not in stage.database_url  # each database takes one of the two ways out
    _restored(stage, tmp_path)
    told = stage.hooked()
    assert told == dict.fromkeys(_titles(BEFORE, GAP, LATER, UNDATED), 1), "something was repeated, or lost"
    assert _held(stage) == sorted(_titles(GAP))
    done = backup.resume(stage.runtime, drop=drop)
    assert (done["events"], done["items"]) == (len(GAP), 0)
    if not drop:
        stage.wait(lambda: sum(stage.hooked().values()) == 18, what="what was let go")
    time.sleep(2)
    stage.wait(stage.quiet, what="an empty outbox")
    repeated = {title: times for title, times in stage.hooked().items() if times > 1}
    assert repeated == ({} if drop else dict.fromkeys(_titles(GAP), 2))
    assert _held(stage) == []
    print(f"P20 ({'dropped' if drop else 'let go'}): 0 repeated before, {len(repeated)} after, 0 of 14 lost")
    assert pipeline.due(stage.runtime) == {}
