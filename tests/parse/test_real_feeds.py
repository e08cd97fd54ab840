"""Fifty captured feeds: every entry becomes an item, in bounded time, whatever the feed is like."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from watcher.parse.feed import parse, read

FEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "feeds"
CAPTURED: list[dict[str, Any]] = (
    [json.loads(line) for line in (FEEDS / "manifest.jsonl").read_text().splitlines()] if FEEDS.exists() else []
)
# One entry of this feed holds a date and nothing else: no title, no text, no link.
EMPTY = {"155_v2_no_encoding_ISO-8859-1.xml": 1}

pytestmark = pytest.mark.skipif(not CAPTURED, reason="the captured feeds are not here")


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured["file"])
def test_every_entry_of_a_real_feed_becomes_an_item(captured: dict[str, Any]) -> None:
    body = (FEEDS / captured["file"]).read_bytes()
    started = time.process_time()
    parsed = parse(body, None, f"https://{captured['host'] or 'feeds.example'}/feed")
    assert time.process_time() - started < 5
    assert len(parsed.items) == captured["entries"] - EMPTY.get(captured["file"], 0)
    assert len({item.identity for item in parsed.items}) == len(parsed.items)
    dated = sum(1 for item in parsed.items if item.published_at)
    assert dated >= captured["dated"] - EMPTY.get(captured["file"], 0)
    for item in parsed.items:
        assert item.title or item.text
        assert not any(ord(character) < 32 or character in "\u2028\u2029\x85" for character in item.title)
        assert item.link is None or item.link.startswith(("http://", "https://"))


@pytest.mark.parametrize("captured", CAPTURED[::7], ids=lambda captured: captured["file"])
def test_a_feed_cut_anywhere_still_parses(captured: dict[str, Any]) -> None:
    body = (FEEDS / captured["file"]).read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        answer = read(
            {
                "body_b64": base64.b64encode(body[: int(len(body) * share)]).decode(),
                "content_type": None,
                "url": "http://a.example/",
            }
        )
        assert "not_a_feed" in answer or len(answer["items"]) <= captured["entries"]
        json.dumps(answer)
