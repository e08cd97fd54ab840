"""Finding events by what a filter asks, in English and Chinese, a page at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from row_factories import add_feed, draft, match, now

from watcher.model import Fact, FactKind, Snippet
from watcher.store import event_search, events, items, stories
from watcher.store.database import Database
from watcher.store.event_search import EventFilter
from watcher.store.schema import event_index
from watcher.store.schema import events as event_rows

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


def fact(name: str, kind: FactKind, value: Any, **rest: Any) -> Fact:
    return Fact(name=name, kind=kind, value=value, **rest)


TOLD: tuple[dict[str, Any], ...] = (
    {
        "title": "Konoya licenses CMG901 to AstraZeneca",
        "rule_id": "licensing-deal",
        "facts": [
            fact("licensor", FactKind.PARTY, "Konoya"),
            fact("licensee", FactKind.PARTY, "AstraZeneca"),
            fact("total", FactKind.MONEY, 1.2e9, currency="USD", usd=1.2e9),
            fact("stage", FactKind.TEXT, "signed"),
        ],
    },
    {
        "title": "重庆国际生物城签约21个项目，总投资102亿元",
        "language": "zh-CN",
        "facts": [
            fact("recipient", FactKind.PARTY, "Chongqing Bio City", text="重庆国际生物城"),
            fact("place", FactKind.PLACE, "Chongqing", text="重庆"),
            fact("amount", FactKind.MONEY, 10.2e9, currency="CNY", usd=1.43e9),
        ],
        "snippet": "到位資金38.33億元",
    },
    {
        "title": "Santé Bio opens talks with Séoul Bio Hub",
        "rule_id": "city-partnership",
        "facts": [
            fact("places", FactKind.PLACE, ("Lyon", "Seoul")),
            fact("stage", FactKind.TEXT, "exploring"),
        ],
    },
    {
        "title": "Acme raises $5 million",
        "facts": [
            fact("recipient", FactKind.PARTY, "Acme Bio"),
            fact("amount", FactKind.MONEY, 5e6, currency="USD", usd=5e6),
        ],
    },
)


@pytest.fixture
def told(database: Database) -> Database:
    """Four events, found a day after another."""
    feed_id = add_feed(database)
    for number, one in enumerate(TOLD, 1):
        with database.write() as conn:
            news = draft(str(number), title=one["title"], language=one.get("language", "en"))
            (item_id,) = items.insert_new(conn, feed_id, [news], history=lambda _: False, now=now())
            (item,) = items.claim(conn, [item_id], owner="w", lease_s=60, now=now())
            story = stories.ensure(conn, key=str(number), title=item.title, now=now())
            found = match(one.get("rule_id", "funding"), facts={fact.name: fact for fact in one["facts"]})
            cut = [Snippet(text=one.get("snippet", ""), marks=())]
            at = MONDAY + timedelta(days=number - 1)
            made = events.create(conn, story_id=story, match=found, item=item, snippets=cut, now=at)
            assert made == number
            events.add_source(conn, made, item.id, now=at)
    return database


def search(database: Database, limit: int = 10, **asked: Any) -> list[int]:
    page = {name: asked.pop(name) for name in ("before", "after") if name in asked}
    with database.read() as conn:
        return event_search.search(conn, EventFilter(**asked), limit=limit, **page)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"rule": "funding"}, [4, 2]),
        ({"rule": "fund"}, []),
        ({"party": "astra"}, [1]),
        ({"party": "zeneca"}, []),
        ({"party": "ACME bio"}, [4]),
        ({"party": "生物城"}, [2]),
        ({"place": "China"}, [2]),
        ({"place": "중국"}, [2]),
        ({"place": "重慶"}, [2]),
        ({"place": "chongqing"}, [2]),
        ({"place": "서울"}, [3]),
        ({"place": "France"}, [3]),
        ({"place": "Lyo"}, [3]),
        ({"place": "Atlantis"}, []),
        ({"at_least_usd": 1e8}, [2, 1]),
        ({"at_least_usd": 1.2e9}, [2, 1]),
        ({"at_least_usd": 1.3e9}, [2]),
        ({"at_least_usd": 0.0}, [4, 2, 1]),
        ({"stance": "signed"}, [1]),
        ({"language": "zh"}, [2]),
        ({"language": "en", "rule": "funding"}, [4]),
        ({"since": MONDAY + timedelta(days=1)}, [4, 3, 2]),
        ({"until": MONDAY + timedelta(days=1)}, [1]),
        ({"since": MONDAY + timedelta(days=1), "until": MONDAY + timedelta(days=2)}, [2]),
        ({"text": "签约"}, [2]),
        ({"text": "簽約 项目"}, [2]),
        ({"text": "到位资金"}, [2]),
        ({"text": "sante seoul"}, [3]),
        ({"text": "SANTÉ"}, [3]),
        ({"text": "cmg901 konoya"}, [1]),
        ({"text": "icenses"}, []),
        ({"text": "ＣＭＧ９０１"}, [1]),
        ({"text": "%"}, [4, 3, 2, 1]),
        ({"text": "5_million"}, [4]),
        ({"text": "$5 million"}, [4]),
        ({"text": "licenses", "party": "konoya", "at_least_usd": 1e9, "stance": "signed"}, [1]),
        ({"text": "' OR 1=1 --"}, []),
    ],
)
def test_a_filter_finds_what_it_asks_for(told: Database, asked: dict[str, Any], found: list[int]) -> None:
    assert search(told, **asked) == found


def test_pages_follow_one_another_by_the_last_id(told: Database) -> None:
    assert search(told, limit=3) == [4, 3, 2]
    assert search(told, limit=3, before=2) == [1]
    assert search(told, limit=3, before=1) == []
    assert search(told, limit=2, after=1) == [3, 2]
    assert search(told, limit=2, after=1, rule="funding") == [4, 2]
    with told.read() as conn:
        assert event_search.newest(conn, limit=2) == [4, 3]
        assert event_search.newest_id(conn) == 4
        assert event_search.among(conn, EventFilter(rule="funding"), [4, 3, 1]) == [4]


def test_a_revision_is_found_by_what_it_tells_and_no_more_by_what_it_told(told: Database) -> None:
    facts = {
        "recipient": fact("recipient", FactKind.PARTY, "Zenith Bio"),
        "stage": fact("stage", FactKind.TEXT, "ended"),
    }
    with told.write() as conn:
        events.revise(conn, 4, revision=2, facts=facts, snippets=[], now=now())
    assert search(told, party="zenith") == [4]
    assert search(told, party="acme") == []
    assert search(told, at_least_usd=1.0) == [2, 1]
    with told.read() as conn:
        assert event_search.stances(conn) == ["ended", "exploring", "signed"]


def test_a_second_source_brings_its_language_and_words(told: Database) -> None:
    with told.write() as conn:
        news = draft("zh", title="艾克美完成融资", language="zh")
        (item_id,) = items.insert_new(conn, 1, [news], history=lambda _: False, now=now())
        events.add_source(conn, 4, item_id, now=now())
    assert search(told, language="zh") == [4, 2]
    assert search(told, text="融资") == [4]


def test_events_of_before_the_table_are_found_after_the_migration(told: Database) -> None:
    with told.write() as conn:
        before = conn.execute(event_index.select().order_by(event_index.c.event_id)).all()
        conn.execute(event_index.delete())
    assert search(told) == []
    with told.write() as conn:
        event_search.index_all(conn)
        assert conn.execute(event_index.select().order_by(event_index.c.event_id)).all() == before
    assert search(told, text="签约") == [2]


def test_an_event_of_endless_and_hostile_words_is_kept_within_bounds(told: Database) -> None:
    title = "nul \x00 \ud800 ".encode("utf-8", "replace").decode().replace("\x00", "") + "zebra " * 4000
    with told.write() as conn:
        conn.execute(event_rows.update().where(event_rows.c.id == 1).values(title=title))
        event_search.index(conn, [1])
        words = conn.execute(event_index.select().where(event_index.c.event_id == 1)).one().words
    assert len(words) <= 6000
    assert search(told, text="zebra\x00") == [1]
    assert search(told, text="\ud800") == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi\r\nBcc: v@x", "hi bcc v x"),
        ("a\u2028b\u0085c\x0bd", "a b c d"),
        ("\u202eabc", "abc"),
        ("臺灣 ＡＢＣ", "台湾 abc"),
        ("Größe Ørsted İstanbul", "grosse ørsted istanbul"),
        ("\ud800\x00", ""),
        ("서울", "서울"),
    ],
)
def test_words_are_folded_alike_wherever_they_come_from(text: str, words: str) -> None:
    assert event_search.folded(text) == words
