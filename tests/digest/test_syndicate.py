"""Our own feeds as others read them: by feedparser, by a JSON reader, and by the parser of this program."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import feedparser
import pytest
from event_factories import NOON, event, snippet, source

from watcher.digest.syndicate import Channel, atom, json_feed
from watcher.model import Language
from watcher.parse.feed import parse

HOME = "https://watch.example"
CHANNEL = Channel(key="events", title="Big money", home=HOME, address=f"{HOME}/events.atom", made_at=NOON)
HOSTILE = event(
    id=7,
    title="<script>alert(1)</script> & \u202eevil\x00 ]]> \ud800",
    sources=(source("A <b>bold</b> title", "Feed & Co", NOON, link="javascript:alert(1)"),),
    snippets=(snippet('They "raised" <5 & more', "<5"),),
)


def page(event_id: int) -> str | None:
    return f"https://watch.example/e/{event_id}"


@pytest.mark.parametrize("make", [atom, json_feed])
def test_our_own_parser_reads_what_we_publish(make) -> None:
    made = parse(make(CHANNEL, [event(), HOSTILE], page), None, "https://watch.example/events.atom", now=NOON)
    assert made.title == "Big money"
    assert made.well_formed
    assert [item.identity for item in made.items] == [f"tag:watch.example,2026:event:{n}" for n in (1, 7)]
    assert made.items[0].link == "https://watch.example/e/1"
    assert made.items[0].title.startswith("Licensing deals: Konoya licenses CMG901")


def test_feedparser_finds_nothing_to_complain_of() -> None:
    found = feedparser.parse(io.BytesIO(atom(CHANNEL, [event(), HOSTILE], page)))
    assert (found.bozo, found.version, len(found.entries)) == (False, "atom10", 2)
    assert "AstraZeneca" in found.entries[0].content[0].value


def test_words_of_others_stay_words() -> None:
    content = json.loads(json_feed(CHANNEL, [HOSTILE], page))["items"][0]["content_html"]
    assert "<script" not in content
    assert "javascript:" not in content
    assert "<b>&lt;5</b>" in content


def test_a_revised_event_says_so_and_keeps_its_id() -> None:
    first, second = (json.loads(json_feed(CHANNEL, [event(revision=n)], page))["items"][0] for n in (1, 2))
    assert first["id"] == second["id"]
    assert second["title"] == f"Update: {first['title']}"


def test_the_same_rows_give_the_same_bytes() -> None:
    assert atom(CHANNEL, [event()], page) == atom(CHANNEL, [event()], page)


def test_a_feed_without_events_is_a_feed() -> None:
    assert feedparser.parse(io.BytesIO(atom(CHANNEL, [], page))).version == "atom10"
    assert json.loads(json_feed(CHANNEL, [], page))["items"] == []


def test_a_chinese_feed_says_its_language_and_labels() -> None:
    made = json.loads(json_feed(replace(CHANNEL, language=Language.CHINESE), [event()], page))
    assert made["language"] == "zh-CN"
    assert "许可方" in made["items"][0]["content_html"]
