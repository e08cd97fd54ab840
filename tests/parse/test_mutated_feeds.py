"""Real feeds, damaged by chance: no crash, no hang, and never fewer entries than feedparser alone gives.

`PARSE_TEST_MUTATIONS` sets how many of the 30 mutations of each feed are read; `make drills` reads all 1,500.
"""

from __future__ import annotations

import io
import os
import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest

from watcher.parse.feed import NotAFeed, parse

NOW = datetime(2026, 3, 10, tzinfo=UTC)
FEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "feeds"
REAL = sorted(path for path in FEEDS.glob("*") if path.suffix != ".jsonl") if FEEDS.exists() else []
MUTATIONS = int(os.environ.get("PARSE_TEST_MUTATIONS", "2"))
PARTS = 8
ENTITIES = [b"&", b"&nbsp;", b"&bogus;", b"&#0;", b"&#xD800;", b"&amp", b"&#99999999;", b"<", b"]]>"]


def flip_bytes(body: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice([1, 3, 30])):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return body


def cut(body: bytearray, chance: random.Random) -> bytearray:
    return body[: chance.randrange(1, len(body))]


def delete_tags(body: bytearray, chance: random.Random) -> bytearray:
    tags = list(re.finditer(rb"<[^<>]*>", body))
    for tag in sorted(chance.sample(tags, min(len(tags), chance.choice([1, 3]))), key=lambda tag: -tag.start()):
        del body[tag.start() : tag.end()]
    return body


def double_a_block(body: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(body))
    end = min(start + chance.choice([20, 400, 4000]), len(body))
    return body[:end] + body[start:end] + body[end:]


def damage_entities(body: bytearray, chance: random.Random) -> bytearray:
    for _ in range(5):
        at = chance.randrange(len(body))
        body[at:at] = chance.choice(ENTITIES)
    return body


def lie_about_encoding(body: bytearray, chance: random.Random) -> bytearray:
    label = chance.choice([b"iso-8859-1", b"utf-16", b"gb2312", b"utf-7", b"koi8-r", b"big5", b"none"])
    body = bytearray(re.sub(rb"^\s*<\?xml[^>]*\?>", b"", bytes(body)))
    return bytearray(b'<?xml version="1.0" encoding="' + label + b'"?>') + body


DAMAGES = [flip_bytes, cut, delete_tags, double_a_block, damage_entities, lie_about_encoding]


def damaged(path: Path, number: int) -> bytes:
    chance = random.Random(f"{path.name} {number}")
    return bytes(DAMAGES[number % len(DAMAGES)](bytearray(path.read_bytes()), chance))


def says_something(entry: Any) -> bool:
    link = str(dict.get(entry, "link") or "")
    # A link that is none is feedparser's guid in the link's place.
    return any(dict.get(entry, name) for name in ("title", "summary", "content")) or "tag:" not in link != ""


def alone(body: bytes) -> int:
    """Entries that feedparser alone gives, but for those that say nothing and those that repeat another one."""
    try:
        entries = dict.get(feedparser.parse(io.BytesIO(body)), "entries") or []
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return 0
    names = [
        next((dict.get(entry, name) for name in ("id", "link", "title") if dict.get(entry, name)), "")
        for entry in entries
    ]
    return len({name.strip() for name, entry in zip(names, entries, strict=True) if says_something(entry)})


def ours(body: bytes) -> int:
    try:
        return len(parse(body, None, "https://feeds.example/feed", now=NOW).items)
    except NotAFeed:
        return 0


@pytest.mark.skipif(not REAL, reason="the captured feeds are not here")
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_feed_never_gives_fewer_entries_than_feedparser_alone(part: int) -> None:
    fewer = []
    for path in REAL[part::PARTS]:
        for number in range(MUTATIONS):
            # Over the days every kind of damage meets every feed; a small sample still takes each kind in turn.
            number = number if MUTATIONS >= 30 else (number * 7 + REAL.index(path)) % 30
            body = damaged(path, number)
            started = time.process_time()
            count = ours(body)
            assert time.process_time() - started < 5, (path.name, number)
            if count < alone(body):
                fewer.append((path.name, DAMAGES[number % len(DAMAGES)].__name__, number, count, alone(body)))
    assert not fewer
