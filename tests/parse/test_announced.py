"""Hub and self links of documents: what counts, what does not, and that looking costs little."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from watcher.parse.announced import announced_json, announced_xml
from watcher.parse.feed import parse

RSS = '<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
ITEM = '<item><guid>1</guid><title>t</title><atom:link rel="hub" href="https://wrong/"/></item>'
HUB = '<atom:link rel="hub" href="https://hub.example/"/>'
SELF = '<atom:link rel="self" href="https://news.example/feed"/>'
BOTH = ("https://hub.example/", "https://news.example/feed")


@pytest.mark.parametrize(
    "text, found",
    [
        (f"{RSS}{HUB}{SELF}{ITEM}", BOTH),
        (f"{RSS}{ITEM}{ITEM}{HUB}{SELF}</channel></rss>", BOTH),
        (RSS + HUB.replace("atom:", "atom10:") + SELF.replace("atom:", "a:"), BOTH),
        (
            '<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://hub.example/" rel="hub"/>'
            "<link\n  rel = 'self'\n  href='https://news.example/feed' /><entry><link rel='hub' href='https://w/'/>",
            BOTH,
        ),
        (RSS + HUB.replace("/>", "></atom:link>") + SELF, BOTH),
        (RSS + HUB.replace('"hub"', '"HUB other"') + SELF, BOTH),
        (RSS + HUB.replace("hub.example/", "hub.example/?a=1&amp;b=2"), ("https://hub.example/?a=1&b=2", "")),
        (RSS + HUB.replace("https", "http") + HUB, (BOTH[0], "")),
        (RSS + HUB.replace("https", "http"), ("http://hub.example/", "")),
        (f"{RSS}<link>https://news.example/</link>{ITEM}", ("", "")),
        (f"{RSS}<!-- {HUB} -->{ITEM}", ("", "")),
        (f"{RSS}<description><![CDATA[{HUB}]]></description>{ITEM}", ("", "")),
        (f"{RSS}<!-- {HUB}{SELF}", ("", "")),
        (f"{RSS}<description>&lt;atom:link rel='hub' href='https://wrong/'/&gt;</description>", ("", "")),
        (f"{RSS}{ITEM}{HUB.replace('atom:link', 'x')}</channel>", ("", "")),
        (RSS + '<atom:link data-rel="hub" data-href="https://wrong/"/>', ("", "")),
        (RSS + '<atom:link rel="hub"/><atom:link rel="hub" href=""/>', ("", "")),
        (RSS + f'<atom:link rel="hub" href="https://hub.example/{"a" * 2100}"/>', ("", "")),
        ("", ("", "")),
    ],
)
def test_links_outside_of_entries_are_found_as_written(text: str, found: tuple[str, str]) -> None:
    assert announced_xml(text) == found


@pytest.mark.parametrize(
    "whole, found",
    [
        ({"hubs": [{"type": "WebSub", "url": BOTH[0]}], "feed_url": BOTH[1]}, BOTH),
        ({"hubs": [{"type": "rssCloud", "url": "https://c/"}, {"type": "websub", "url": BOTH[0]}]}, (BOTH[0], "")),
        ({"hubs": {"type": "WebSub", "url": BOTH[0]}, "feed_url": 7}, ("", "")),
        ({"hubs": ["x", None, {"type": "WebSub"}, {"type": "WebSub", "url": 1}]}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_a_json_feed_names_its_hubs_in_a_list(whole: dict[str, Any], found: tuple[str, str]) -> None:
    assert announced_json(whole) == found


@pytest.mark.parametrize("kind", ["rss", "json"])
def test_the_parsed_feed_carries_them(kind: str) -> None:
    body = f"{RSS}{HUB}{SELF}<item><guid>1</guid><title>t</title></item></channel></rss>"
    if kind == "json":
        items = [{"id": "1", "content_text": "t"}]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items, "feed_url": BOTH[1]}
        body = json.dumps(feed | {"hubs": [{"type": "WebSub", "url": BOTH[0]}]})
    parsed = parse(body.encode(), None, "https://news.example/feed")
    assert (parsed.hub_url, parsed.self_url) == BOTH


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<![CDATA[", "<link ", "<link rel='hub' href='", "<link rel='", '<a:link rel="hub" href="x">', "<"],
)
def test_ten_megabytes_of_the_worst_cost_no_time(piece: str) -> None:
    text = RSS + piece * (10_000_000 // len(piece))
    begun = time.process_time()
    announced_xml(text)
    assert time.process_time() - begun < 0.5
