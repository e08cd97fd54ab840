"""What people ask about feeds, and many feeds added at once."""

from __future__ import annotations

from row_factories import add_feed, add_items, now
from sqlalchemy import update

from watcher.model import FeedConfig, Origin, Secret
from watcher.store import feed_details, feeds
from watcher.store.database import Database
from watcher.store.schema import feeds as rows


def test_a_feed_is_found_by_its_id_and_by_both_its_urls_a_live_one_first(database: Database) -> None:
    old, moved = add_feed(database, url="https://old.example/"), add_feed(database, url="https://moved.example/")
    with database.write() as conn:
        conn.execute(update(rows).where(rows.c.id == moved).values(url="https://here.example/"))
        feeds.retire(conn, "https://old.example/", now=now())
    with database.read() as conn:
        assert feed_details.find(conn, str(moved)) == moved
        assert feed_details.find(conn, "https://moved.example/") == moved
        assert feed_details.find(conn, "nothing", "https://here.example/") == moved
        assert feed_details.find(conn, "https://old.example/") == old
        assert feed_details.find(conn, "https://old.example/", "https://here.example/") == moved
        assert feed_details.find(conn, "9" * 40) is None
        assert feed_details.live_urls(conn) == {"https://moved.example/", "https://here.example/"}


def test_a_feed_is_described_without_its_secrets_and_its_lease(database: Database) -> None:
    one = add_feed(database, headers={"Authorization": Secret(env="TOKEN"), "Accept": Secret(env="ACCEPT")})
    add_items(database, one, "a", "b", "c", "d")
    with database.read() as conn:
        told = feed_details.described(conn, one)
        exported = feed_details.exported(conn)
    assert (told["headers"], told["items"]) == (["Accept", "Authorization"], 4)
    assert [item["title"] for item in told["newest"]] == ["Title of d", "Title of c", "Title of b"]
    assert not {"lease_owner", "lease_until", "attempt"} & told.keys()
    assert [(row["url"], row["headers"]) for row in exported] == [(told["url"], ["Accept", "Authorization"])]


def test_many_feeds_are_added_at_once_and_known_ones_stay_or_come_back(database: Database) -> None:
    for name in ("known", "retired"):
        add_feed(database, url=f"https://{name}.example/")
    with database.write() as conn:
        feeds.retire(conn, "https://retired.example/", now=now())
        configs = [FeedConfig(url=f"https://{name}.example/", tags=("x",)) for name in ("known", "a", "retired", "b")]
        added = feeds.add_all(conn, configs, origin=Origin.CLI, now=now())
        assert added == ["https://a.example/", "https://b.example/", "https://retired.example/"]
        assert feeds.add_all(conn, configs, origin=Origin.CLI, now=now()) == []
        assert feeds.add_all(conn, [], origin=Origin.CLI, now=now()) == []
    with database.read() as conn:
        assert {row["url"]: row["tags"] for row in feeds.listing(conn)} == {
            "https://a.example/": ["x"],
            "https://b.example/": ["x"],
            "https://known.example/": [],
            "https://retired.example/": ["x"],
        }
