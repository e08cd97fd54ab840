"""Items as rows."""

from __future__ import annotations

from datetime import timedelta

from row_factories import WHO, add_feed, add_items, draft, now

from watcher.store import items
from watcher.store.database import Database


def _waiting(database: Database) -> list[int]:
    with database.read() as conn:
        return items.due(conn, now=now(), limit=100)


def test_an_item_is_stored_once_whatever_is_sent_again(database: Database) -> None:
    feed_id = add_feed(database)
    assert add_items(database, feed_id, "a", "b") == [1, 2]
    assert add_items(database, feed_id, "b", "c") == [3]
    assert _waiting(database) == [1, 2, 3]


def test_the_same_identity_in_another_feed_is_another_item(database: Database) -> None:
    one, two = add_feed(database, "https://a.example/"), add_feed(database, "https://b.example/")
    assert add_items(database, one, "a") + add_items(database, two, "a") == [1, 2]


def test_a_guid_that_only_changed_its_host_is_the_same_item(database: Database) -> None:
    feed_id = add_feed(database)
    with database.write() as conn:
        first = draft("http://a.example/1", alias="a.example/1")
        assert items.insert_new(conn, feed_id, [first], history=lambda _: False, now=now()) == [1]
        moved = draft("https://a.example/1", alias="a.example/1", title=first.title)
        assert items.insert_new(conn, feed_id, [moved], history=lambda _: False, now=now()) == []


def test_what_an_aggregator_joins_from_two_hosts_stays_two_items(database: Database) -> None:
    feed_id = add_feed(database)
    with database.write() as conn:
        both = [draft("https://a.example/?p=1", alias="?p=1"), draft("https://b.example/?p=1", alias="?p=1")]
        assert items.insert_new(conn, feed_id, both[:1], history=lambda _: False, now=now()) == [1]
        assert items.insert_new(conn, feed_id, both, history=lambda _: False, now=now()) == [2]


def test_two_thousand_entries_are_looked_up_in_pieces(database: Database) -> None:
    feed_id = add_feed(database)
    names = [str(number) for number in range(2000)]
    assert len(add_items(database, feed_id, *names)) == 2000
    assert add_items(database, feed_id, *names, "new") == [2001]


def test_a_claimed_item_knows_its_feed_and_is_finished_once(database: Database) -> None:
    feed_id = add_feed(database, title="Park news", tags=("parks",))
    add_items(database, feed_id, "a")
    with database.write() as conn:
        (item,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=now())
        assert items.claim(conn, [1], owner="other", lease_s=60, now=now()) == []
    assert (item.feed_title, item.feed_tags, item.title, item.attempt) == ("Park news", ("parks",), "Title of a", 1)
    with database.write() as conn:
        assert items.finish(conn, item, owner=WHO, rules_version="v1", now=now())
        assert not items.finish(conn, item, owner=WHO, rules_version="v2", now=now())
    assert _waiting(database) == []


def test_a_put_off_item_waits_and_a_parked_one_only_for_people(database: Database) -> None:
    feed_id = add_feed(database)
    add_items(database, feed_id, "a", "b")
    with database.write() as conn:
        one, two = items.claim(conn, [1, 2], owner=WHO, lease_s=60, now=now())
        assert items.put_off(conn, one, owner=WHO, until=now() + timedelta(hours=1))
        assert items.park(conn, two, owner=WHO, reason="ValueError: no")
    assert _waiting(database) == []
    with database.write() as conn:
        assert items.wake_parked(conn, now=now()) == 1
    assert _waiting(database) == [2]
