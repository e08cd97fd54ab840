"""Stories, their keys and core, and what revisions changed, as rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from alembic import command
from row_factories import SNIPPET, WHO, add_event, add_feed, add_items, draft, match, now
from sqlalchemy import select

from watcher.model import Again, Change, ChangeWhy
from watcher.store import events, items, stories
from watcher.store.database import Database
from watcher.store.schema import items as item_rows
from watcher.store.schema import stories as story_rows
from watcher.store.schema_version import alembic_config, upgrade

CHANGE = Change(fact="amount", before="5M USD", after="6M USD", why=ChangeWhy.NEWER)


def _join(database: Database, story_id: int, item_id: int, *keys: str, copy_of: int | None = None) -> None:
    with database.write() as conn:
        told = {"item": item_id} if copy_of is None else None
        known = stories.hashed(keys)
        stories.join(conn, story_id, item_id, reason="words", copy_of=copy_of, stands=told, keys=known, now=now())


def _found(database: Database, *keys: str, limit: int = 5) -> list[int]:
    with database.read() as conn:
        return [one.item_id for one in stories.candidates(conn, stories.hashed(keys), limit=limit)]


def _story(database: Database, key: str) -> int:
    with database.write() as conn:
        return stories.ensure(conn, key=key, title=key, now=now())


def test_candidates_are_the_open_stories_with_most_keys_in_common(database: Database) -> None:
    add_items(database, add_feed(database), "a", "b", "c")
    for item_id, keys in ((1, ("x", "y")), (2, ("x",)), (3, ("z",))):
        _join(database, _story(database, str(item_id)), item_id, *keys)
    assert _found(database, "x", "y", "none") == [1, 2]
    assert _found(database, "x", "y", limit=1) == [1]
    assert _found(database) == []
    assert _found(database, *(str(number) for number in range(300)), "z") == [3]


def test_a_key_of_any_length_is_kept_and_found(database: Database) -> None:
    add_items(database, add_feed(database), "a")
    _join(database, _story(database, "k"), 1, "长" * 500)
    assert _found(database, "长" * 500) == [1]


def test_the_first_five_items_that_are_no_copies_stand_for_the_story(database: Database) -> None:
    ids = add_items(database, add_feed(database), *"abcdefgh")
    story_id = _story(database, "k")
    _join(database, story_id, ids[0], "x")
    _join(database, story_id, ids[1], "y", copy_of=ids[0])
    for item_id in ids[2:]:
        _join(database, story_id, item_id, f"k{item_id}")
    assert _found(database, "x") == [1, 3, 4, 5, 6]
    assert _found(database, "y") == []
    assert _found(database, "k8") == []


def test_the_original_of_a_page_is_found_by_its_link_or_its_words(database: Database) -> None:
    feed_id = add_feed(database)
    drafts = [
        draft("a", link="https://news.example/p"),
        draft("b", link="https://news.example/p", title="Shorter"),
        draft("c", link="https://else.example/q", title="Title of a", text="Text of a."),
        draft("d", link="https://else.example/r", title="Title of a", text="Other text."),
    ]
    with database.write() as conn:
        items.insert_new(conn, feed_id, drafts, history=lambda _: False, now=now())
    story_id = _story(database, "k")
    with database.write() as conn:
        told = items.claim(conn, [1, 2, 3, 4], owner=WHO, lease_s=60, now=now())
    found = {}
    for one in (told[1], told[0], told[2], told[3]):  # a later item may be placed first
        with database.read() as conn:
            found[one.id] = stories.original(conn, story_id, one, page=one.link)
        _join(database, story_id, one.id, copy_of=found[one.id])
    assert found == {2: None, 1: 2, 3: None, 4: None}
    with database.read() as conn:
        assert stories.original(conn, story_id, told[0], page=None) == 3


def test_an_event_tells_its_revisions_and_no_line_for_a_copy(database: Database) -> None:
    made = add_event(database)
    add_items(database, add_feed(database, "https://other.example/feed"), "copy")
    _join(database, 1, 2, copy_of=1)
    with database.write() as conn:
        assert events.add_source(conn, made, 2, now=now())
        assert not events.add_source(conn, made, 2, now=now())
        for _ in range(2):
            events.revise(
                conn, made, revision=2, facts=match().facts, snippets=[SNIPPET], changes=[CHANGE], item_id=2, now=now()
            )
    with database.read() as conn:
        view = events.views(conn, [made])[made]
    assert [source.item_id for source in view.sources] == [1]
    assert [(one.number, one.changes, one.item_id) for one in view.revisions] == [(2, (CHANGE,), 2)]


def test_an_event_offered_again_waits_and_ends_the_claim_of_who_offers_it(database: Database) -> None:
    made = add_event(database)
    with database.write() as conn:
        (claimed,) = events.claim(conn, [made], owner=WHO, lease_s=60, now=now())
        events.offer_again(conn, made)
        assert not events.finish(conn, claimed, owner=WHO)
        (again,) = events.claim(conn, [made], owner=WHO, lease_s=60, now=now())
        assert events.finish(conn, again, owner=WHO)
        events.offer_again(conn, made)
        assert events.due(conn, now=now(), limit=5) == [made]


def test_only_classified_items_are_read_again_and_know_why(database: Database) -> None:
    add_items(database, add_feed(database), "a", "b")
    with database.write() as conn:
        (first,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=now())
        items.finish(conn, first, owner=WHO, rules_version="v1", now=now())
        assert items.reclassify(conn, [1, 2, 9], Again.TEXT, now=now()) == [1]
        (again,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=now())
        assert (again.again, again.attempt) == (Again.TEXT, 1)
        items.finish(conn, again, owner=WHO, rules_version="v1", now=now())
        assert conn.execute(select(item_rows.c.reclassify).where(item_rows.c.id == 1)).scalar_one() is None


def test_rows_of_the_first_tables_are_kept_and_their_stories_closed(database: Database) -> None:
    made = add_event(database)
    config = alembic_config()
    with database.write() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "0001")
    with database.write() as conn:
        upgrade(conn, where="here")
    with database.write() as conn:
        view = events.views(conn, [made])[made]
        assert (view.revision, view.revisions, len(view.sources)) == (1, (), 1)
        assert conn.execute(select(story_rows.c.closed_at)).scalar_one() is not None
        assert stories.close_old(conn, older_than=timedelta(days=1), now=now()) == 0


@pytest.mark.parametrize("rules_version", ["v1", "v2"])
def test_an_event_remembers_the_rules_that_told_it_last(database: Database, rules_version: str) -> None:
    made = add_event(database)
    with database.write() as conn:
        told = replace(match(), rules_version=rules_version)
        events.revise(
            conn, made, revision=1, facts=told.facts, snippets=[], rules_version=told.rules_version, now=now()
        )
        assert conn.exec_driver_sql("SELECT rules_version FROM events").scalar_one() == rules_version


def test_an_item_of_the_core_that_is_read_anew_is_found_by_its_new_keys(database: Database) -> None:
    add_items(database, add_feed(database), "a", "b")
    story_id = _story(database, "k")
    _join(database, story_id, 1, "x")
    _join(database, story_id, 2, copy_of=1)
    with database.write() as conn:
        stories.stand_anew(conn, story_id, 1, {"item": "more"}, stories.hashed(["y"]))
        stories.stand_anew(conn, story_id, 2, {"item": "copy"}, stories.hashed(["z"]))
    with database.read() as conn:
        found = stories.candidates(conn, stories.hashed(["y", "z"]), limit=5)
    assert [(one.item_id, one.fingerprint) for one in found] == [(1, {"item": "more"})]
    assert _found(database, "z") == []


def test_a_closed_story_that_a_copy_joins_stays_hidden(database: Database) -> None:
    add_items(database, add_feed(database), "a", "b")
    story_id = _story(database, "k")
    _join(database, story_id, 1, "x")
    with database.write() as conn:
        assert stories.close_old(conn, older_than=timedelta(days=1), now=now() + timedelta(days=2)) == 1
    _join(database, story_id, 2, "x")
    assert _found(database, "x") == []
