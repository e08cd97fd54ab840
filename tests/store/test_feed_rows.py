"""Feeds as rows."""

from __future__ import annotations

from datetime import timedelta

from row_factories import WHO, add_feed, now

from watcher.model import (
    Coverage,
    FeedConfig,
    FetchOutcome,
    FetchResult,
    Health,
    Move,
    NextPoll,
    Origin,
    ParsedFeed,
    Secret,
    Validators,
)
from watcher.store import feeds
from watcher.store.database import Database

PARSED = ParsedFeed(title="Their title", link=None, language="zh", items=(), well_formed=True)


def _claim(database: Database, ids: list[int]) -> list[object]:
    with database.write() as conn:
        return list(feeds.claim(conn, ids, owner=WHO, lease_s=60, now=now()))


def test_a_new_feed_is_due_at_once_and_claimed_by_one(database: Database) -> None:
    one = add_feed(database, tags=("biotech",), headers={"Authorization": Secret(env="TOKEN")})
    with database.read() as conn:
        assert feeds.due(conn, now=now(), limit=10) == [one]
    first = _claim(database, [one])
    assert [(feed.id, feed.tags, feed.headers) for feed in first] == [
        (one, ("biotech",), {"Authorization": Secret(env="TOKEN")})
    ]
    assert _claim(database, [one]) == []
    with database.read() as conn:
        assert feeds.due(conn, now=now(), limit=10) == []


def test_a_finished_poll_keeps_the_validators_and_the_hour_of_the_next(database: Database) -> None:
    one = add_feed(database)
    (feed,) = _claim(database, [one])
    later = now() + timedelta(hours=1)
    kept = Validators(etag='W/"x-gzip"', last_modified="Mon, 02 Nov 2026 08:00:00 GMT")
    result = FetchResult(outcome=FetchOutcome.CHANGED, status=200, validators=kept)
    following = NextPoll(next_poll_at=later, reason="every hour", error_count=0)
    with database.write() as conn:
        assert feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=following, parsed=PARSED, validators=kept),
            owner=WHO,
            now=now(),
        )
    with database.read() as conn:
        (row,) = feeds.listing(conn)
    assert (row["title"], row["language"], row["last_outcome"], row["next_poll_at"]) == (
        "Their title",
        "zh",
        "changed",
        later,
    )
    with database.write() as conn:
        feeds.poll_now(conn, now=now())
    (again,) = _claim(database, [one])
    assert again.validators == kept
    assert again.first_fetched_at is not None


def test_a_poll_that_lost_its_lease_writes_nothing(database: Database) -> None:
    one = add_feed(database)
    with database.write() as conn:
        (feed,) = feeds.claim(conn, [one], owner=WHO, lease_s=-1, now=now())
    with database.write() as conn:
        (other,) = feeds.claim(conn, [one], owner="worker:2", lease_s=60, now=now(), before=True)
    assert other.attempt == feed.attempt + 1
    result = FetchResult(outcome=FetchOutcome.TIMEOUT)
    following = NextPoll(next_poll_at=now(), reason="late", error_count=1)
    with database.write() as conn:
        assert not feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=following, parsed=None, validators=Validators()),
            owner=WHO,
            now=now(),
        )
    with database.read() as conn:
        assert feeds.listing(conn)[0]["last_outcome"] is None


def test_a_reload_touches_only_the_rows_of_the_file(database: Database) -> None:
    add_feed(database, "https://a.example/cli")
    both = [FeedConfig(url="https://a.example/1"), FeedConfig(url="https://a.example/2", tags=("x",))]
    with database.write() as conn:
        assert feeds.sync_file(conn, both, now=now()).added == ("https://a.example/1", "https://a.example/2")
    with database.write() as conn:
        report = feeds.sync_file(conn, [FeedConfig(url="https://a.example/2", tags=("y",))], now=now())
    assert (report.added, report.changed, report.retired) == ((), ("https://a.example/2",), ("https://a.example/1",))
    with database.read() as conn:
        assert [row["url"] for row in feeds.listing(conn)] == ["https://a.example/2", "https://a.example/cli"]
    with database.write() as conn:
        assert feeds.sync_file(conn, both, now=now()).added == ("https://a.example/1",)


def test_a_title_read_from_the_feed_is_no_change_of_the_file(database: Database) -> None:
    config = FeedConfig(url="https://a.example/1")
    with database.write() as conn:
        feeds.sync_file(conn, [config], now=now())
        (feed,) = feeds.claim(conn, [1], owner=WHO, lease_s=60, now=now())
        result = FetchResult(outcome=FetchOutcome.CHANGED, status=200)
        following = NextPoll(next_poll_at=now(), reason="x", error_count=0)
        feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=following, parsed=PARSED, validators=Validators()),
            owner=WHO,
            now=now(),
        )
    with database.write() as conn:
        assert feeds.sync_file(conn, [config], now=now()).changed == ()
    with database.read() as conn:
        assert feeds.listing(conn)[0]["title"] == "Their title"


def test_a_disabled_feed_is_never_due(database: Database) -> None:
    one = add_feed(database)
    (feed,) = _claim(database, [one])
    result = FetchResult(outcome=FetchOutcome.GONE, status=410, detail="410 Gone")
    following = NextPoll(next_poll_at=now(), reason="gone", error_count=1, disabled=True)
    with database.write() as conn:
        feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=following, parsed=None, validators=Validators()),
            owner=WHO,
            now=now(),
        )
        assert feeds.poll_now(conn, now=now()) == 0
    with database.read() as conn:
        assert feeds.due(conn, now=now(), limit=10) == []
        assert feeds.coverage(conn) == Coverage(feeds_total=1, feeds_checked=0, failing=("https://news.example/feed",))


def test_a_feed_that_was_gone_is_polled_again_when_it_is_added_again(database: Database) -> None:
    one = add_feed(database)
    (feed,) = _claim(database, [one])
    gone = NextPoll(next_poll_at=now(), reason="gone", error_count=1, disabled=True)
    result = FetchResult(outcome=FetchOutcome.GONE, status=410, detail="410 Gone")
    with database.write() as conn:
        feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=gone, parsed=None, validators=Validators()),
            owner=WHO,
            now=now(),
        )
        assert feeds.due(conn, now=now(), limit=5) == []
        assert feeds.add(conn, FeedConfig(url="https://news.example/feed"), origin=Origin.CLI, now=now())
        assert feeds.due(conn, now=now(), limit=5) == [one]
        assert feeds.listing(conn)[0]["error_count"] == 0


def test_a_title_that_a_reload_set_during_the_fetch_stays(database: Database) -> None:
    one = add_feed(database)
    (feed,) = _claim(database, [one])
    result = FetchResult(outcome=FetchOutcome.CHANGED, status=200)
    following = NextPoll(next_poll_at=now(), reason="x", error_count=0)
    with database.write() as conn:
        conn.exec_driver_sql("UPDATE feeds SET title = 'Ours'")
        feeds.finish(
            conn,
            feed,
            feeds.Polled(result=result, following=following, parsed=PARSED, validators=Validators()),
            owner=WHO,
            now=now(),
        )
        assert feeds.listing(conn)[0]["title"] == "Ours"


def test_a_removed_feed_comes_back_when_it_is_added_again(database: Database) -> None:
    add_feed(database)
    config = FeedConfig(url="https://news.example/feed")
    with database.write() as conn:
        assert not feeds.add(conn, config, origin=Origin.CLI, now=now())
        assert feeds.retire(conn, config.url, now=now())
        assert not feeds.retire(conn, config.url, now=now())
        assert feeds.add(conn, config, origin=Origin.CLI, now=now())
        assert len(feeds.listing(conn)) == 1


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _moved(database: Database, url: str, *, to: str) -> feeds.Rename:
    one = add_feed(database, url)
    (feed,) = _claim(database, [one])
    with database.write() as conn:
        return feeds.rename(conn, feed, to, now=now())


def test_a_feed_that_moves_keeps_what_was_asked_for(database: Database) -> None:
    assert _moved(database, "https://a.example/old", to="https://a.example/new") is feeds.Rename.MOVED
    with database.write() as conn:
        (row,) = feeds.listing(conn)
        assert (row["asked_url"], row["url"]) == ("https://a.example/old", "https://a.example/new")
        assert feeds.retire(conn, "https://a.example/old", now=now())
        assert feeds.add(conn, FeedConfig(url="https://a.example/old"), origin=Origin.CLI, now=now())
        (row,) = feeds.listing(conn)
        assert (row["asked_url"], row["url"]) == ("https://a.example/old", "https://a.example/new")


def test_a_feed_that_moves_onto_a_live_one_is_joined_with_it(database: Database) -> None:
    other = add_feed(database, "https://a.example/new")
    assert _moved(database, "https://a.example/old", to="https://a.example/new") is feeds.Rename.MERGED
    with database.write() as conn:
        assert [row["id"] for row in feeds.listing(conn)] == [other]
        assert not feeds.add(conn, FeedConfig(url="https://a.example/old"), origin=Origin.CLI, now=now())
        assert feeds.retire(conn, "https://a.example/new", now=now())
        assert feeds.add(conn, FeedConfig(url="https://a.example/old"), origin=Origin.CLI, now=now())
        assert [row["url"] for row in feeds.listing(conn)] == ["https://a.example/old"]


def test_a_feed_that_moves_onto_one_that_was_gone_wakes_it(database: Database) -> None:
    other = add_feed(database, "https://a.example/new")
    (feed,) = _claim(database, [other])
    gone = NextPoll(next_poll_at=now(), reason="gone", error_count=1, disabled=True)
    polled = feeds.Polled(
        result=FetchResult(outcome=FetchOutcome.GONE, status=410), following=gone, validators=Validators()
    )
    with database.write() as conn:
        assert feeds.finish(conn, feed, polled, owner=WHO, now=now())
    assert _moved(database, "https://a.example/old", to="https://a.example/new") is feeds.Rename.MERGED
    with database.read() as conn:
        (row,) = feeds.listing(conn)
        assert (row["id"], row["disabled_reason"], row["health"]) == (other, None, "new")
        assert feeds.due(conn, now=now(), limit=5) == [other]


def test_a_feed_does_not_take_the_url_of_one_that_somebody_removed(database: Database) -> None:
    add_feed(database, "https://a.example/new")
    with database.write() as conn:
        feeds.retire(conn, "https://a.example/new", now=now())
    assert _moved(database, "https://a.example/old", to="https://a.example/new") is feeds.Rename.REFUSED
    with database.read() as conn:
        assert [row["url"] for row in feeds.listing(conn)] == ["https://a.example/old"]


# ── how feeds fare ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_poll_teaches_is_kept_and_counted(database: Database) -> None:
    at = now()
    failing, silent, _ = (add_feed(database, f"https://a.example/{name}") for name in ("failing", "silent", "new"))
    learned = {
        failing: feeds.Polled(
            result=FetchResult(outcome=FetchOutcome.TIMEOUT, detail="too slow"),
            following=NextPoll(next_poll_at=at, reason="back_off", error_count=3),
            validators=Validators(),
            health=Health.FAILING,
            health_reason="3 polls in a row failed: too slow",
            failing_since=at - timedelta(hours=3),
            move=Move(url="https://b.example/", count=2, since=at),
        ),
        silent: feeds.Polled(
            result=FetchResult(outcome=FetchOutcome.NOT_MODIFIED, status=304),
            following=NextPoll(next_poll_at=at, reason="habit", error_count=0),
            validators=Validators(),
            habit_s=86400.0,
            newest_item_at=at - timedelta(days=40),
            health=Health.STALE,
            health_reason="nothing new for 40 days",
        ),
    }
    for one, polled in learned.items():
        (feed,) = _claim(database, [one])
        with database.write() as conn:
            assert feeds.finish(conn, feed, polled, owner=WHO, now=at)
    (first, second) = _claim(database, [failing, silent])
    assert (first.health, first.failing_since, first.move) == (
        Health.FAILING,
        at - timedelta(hours=3),
        Move(url="https://b.example/", count=2, since=at),
    )
    assert (second.health, second.habit_s, second.newest_item_at) == (Health.STALE, 86400.0, at - timedelta(days=40))
    with database.read() as conn:
        assert feeds.coverage(conn) == Coverage(
            feeds_total=3,
            feeds_checked=1,
            failing=("https://a.example/failing",),
            silent=("https://a.example/silent",),
        )
        counted = feeds.healths(conn)
    assert counted == {"new": 1, "healthy": 0, "failing": 1, "stale": 1, "attention": 0, "gone": 0}


def test_a_feed_that_is_put_off_counts_no_attempt_and_keeps_its_slot(database: Database) -> None:
    one = add_feed(database)
    (feed,) = _claim(database, [one])
    slot = now() + timedelta(seconds=1)
    with database.write() as conn:
        assert feeds.put_off(conn, feed, owner=WHO, until=now(), reason="waits for its host", slot_at=slot)
        assert not feeds.put_off(conn, feed, owner=WHO, until=now(), reason="waits for its host")
    (again,) = _claim(database, [one])
    assert (again.attempt, again.slot_at) == (1, slot)
