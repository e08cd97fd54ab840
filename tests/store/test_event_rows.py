"""Stories, matches and events as rows."""

from __future__ import annotations

from dataclasses import replace

from row_factories import SNIPPET, WHO, add_event, match, now

from watcher.model import Fact, FactKind
from watcher.store import events, stories
from watcher.store.database import Database


def test_a_story_is_made_once_for_its_key(database: Database) -> None:
    with database.write() as conn:
        first = stories.ensure(conn, key="k", title="one", now=now())
        assert stories.ensure(conn, key="k", title="two", now=now()) == first
        assert stories.ensure(conn, key="l", title="two", now=now()) != first


def test_an_event_comes_back_as_it_was_written_facts_in_order(database: Database) -> None:
    made = add_event(database)
    with database.read() as conn:
        view = events.views(conn, [made])[made]
    assert list(view.facts) == ["recipient", "amount"]
    assert view.amount is not None and view.amount.usd == 5e6
    assert view.snippets == (SNIPPET,)
    assert [(source.title, source.feed, source.link) for source in view.sources] == [
        ("Title of a", "Park news", "https://news.example/a")
    ]


def test_the_second_event_of_a_story_and_rule_is_the_first(database: Database) -> None:
    made = add_event(database)
    with database.write() as conn:
        known = events.state(conn, story_id=1, rule_id="funding")
    assert known is not None and (known.id, known.revision) == (made, 1)


def test_an_event_waits_until_its_revision_was_offered(database: Database) -> None:
    made = add_event(database)
    with database.write() as conn:
        assert events.due(conn, now=now(), limit=5) == [made]
        (claimed,) = events.claim(conn, [made], owner=WHO, lease_s=60, now=now())
        assert events.finish(conn, claimed, owner=WHO)
        assert events.due(conn, now=now(), limit=5) == []
        more = {"round": Fact(name="round", kind=FactKind.TEXT, value="A"), **match().facts}
        events.revise(conn, made, revision=2, facts=more, snippets=[SNIPPET], now=now())
        assert events.due(conn, now=now(), limit=5) == [made]
        assert list(events.views(conn, [made])[made].facts) == ["round", "recipient", "amount"]


def test_a_match_and_a_source_are_kept_once(database: Database) -> None:
    made = add_event(database)
    with database.write() as conn:
        for _ in range(2):
            events.add_match(conn, 1, match(), now=now())
            events.add_source(conn, made, 1, now=now())
        events.add_match(conn, 1, replace(match(), rules_version="v2"), now=now())
    with database.read() as conn:
        assert len(events.views(conn, [made])[made].sources) == 1
        assert conn.exec_driver_sql("SELECT count(*) FROM matches").scalar_one() == 2
