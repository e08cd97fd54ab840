"""A megabyte of anything costs at most half a second of processor time, or is refused in words."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from watcher.parse.feed import NotAFeed, parse

NOW = datetime(2026, 3, 10, tzinfo=UTC)
MEGABYTE = 1_000_000
# Half a second is asked of a quiet machine; a busy one counts waiting for its memory as well.
CPU_S = 0.5 * float(os.environ.get("PARSE_TEST_SLOWNESS", "4"))
HEAD, TAIL = '<rss version="2.0"><channel><title>F</title>', "</channel></rss>"
MORE = '<item><title>U</title><guid isPermaLink="false">u</guid></item>'
PLACES = {
    "text": f"{HEAD}<item><title>T</title><description>{{}}</description></item>{TAIL}",
    "entry": f"{HEAD}<item><title>T</title>{{}}</item>{TAIL}",
    "broken": f"{HEAD}<item><title>T & <x></title>{{}}</item>{TAIL}",
    "cut": f"{HEAD}<item><title>T</title><description>{{}}",
    "peculiar": f"{HEAD}<item><title>T</title><image/>{{}}</item>{TAIL}",
    "document": "{}",
    "attribute": f'{HEAD}<item><title>T</title><link href="{{}}"/></item>{TAIL}',
    "prolog": f"<!DOCTYPE r [{{}}]>{HEAD}<item><title>T</title></item>{TAIL}",
}
SHAPES = [
    ("&", "text cut broken document"),
    ("&abc", "cut broken"),
    ("&abcdefg;", "broken"),
    ("&#65;", "cut"),
    ("<", "text cut broken document"),
    ("</", "entry document"),
    ("<!", "text cut"),
    ("<!---->", "broken entry"),
    ("<![CDATA[", "cut broken"),
    ("<![CDATA[x]]>", "broken"),
    ("<?a?>", "broken"),
    ("<b>", "text entry cut"),
    ("</b>", "text broken document"),
    ("<b/>", "text entry cut peculiar"),
    ('<a x="', "broken cut"),
    ("<item>", "entry"),
    ("</item>", "entry"),
    ("<title>t</title>", "entry peculiar broken"),
    ("<category>c</category>", "entry peculiar broken"),
    ('<category term="c"/>', "peculiar broken"),
    ('<enclosure url="http://a.example/x.mp3" type="audio/mpeg"/>', "entry broken cut"),
    ("<x a='1' b='2' c='3' d='4' e='5'/>", "entry peculiar broken"),
    ("<author>a@b.example (N)</author>", "entry peculiar broken"),
    ("<pubDate>Sun, 01 Mar 2026 10:00:00 GMT</pubDate>", "peculiar broken"),
    ("<media:group><media:title>x</media:title></media:group>", "entry broken"),
    ("\n", "prolog text"),
    ("<!ENTITY a 'b'>", "prolog"),
    ("'", "attribute prolog broken"),
]
MANY = {
    "categories": "".join(f"<category>c{n}</category>" for n in range(36_000)),
    "keywords": f"<keywords>{','.join(map(str, range(150_000)))}</keywords>",
    "tags": f"<tags>{','.join(map(str, range(150_000)))}</tags>",
    "namespaces": "".join(f'<n{n}:x xmlns:n{n}="http://n{n}.example/">y</n{n}:x>' for n in range(18_000)),
    "attributes": "<x " + " ".join(f'a{n}="1"' for n in range(80_000)) + "/>",
    "author": f"<author>{'a' * MEGABYTE}</author>",
    "date": f"<pubDate>{'1 ' * (MEGABYTE // 2)}</pubDate>",
    "link": f"<link>http://a.example/{'a' * MEGABYTE}</link>",
    "nesting": "<x>" * 120_000 + "</x>" * 120_000,
}
JSON = '{{"version": "https://jsonfeed.org/version/1.1", "items": [{}]}}'
JSONS = {
    "items": "{}," * 330_000 + "{}",
    "tags": '{"id": "1", "title": "t", "tags": [' + '"a",' * 250_000 + '"b"]}',
    "number": '{"id": ' + "9" * MEGABYTE + "}",
    "nesting": "[" * MEGABYTE,
    "markup": '{"id": "1", "content_html": "' + "<b>" * 330_000 + '"}',
}


def cost_s(text: str) -> float:
    started = time.process_time()
    try:
        parse(text.encode(), "text/xml", "https://feeds.example/feed", now=NOW)
    except NotAFeed as reason:
        assert str(reason)
    return time.process_time() - started


def shapes() -> list[Any]:
    found = []
    for shape, places in SHAPES:
        for place in places.split():
            text = PLACES[place].format(shape * (MEGABYTE // len(shape)))
            found.append(pytest.param(text, id=f"{shape.strip() or 'white space'}-in-{place}"))
    for name, text in MANY.items():
        for place in ("entry", "peculiar", "broken"):
            found.append(pytest.param(PLACES[place].format(text), id=f"many-{name}-in-{place}"))
    return found + [pytest.param(JSON.format(text), id=f"json-{name}") for name, text in JSONS.items()]


@pytest.mark.parametrize("text", shapes())
def test_a_hostile_megabyte_is_cheap_or_refused(text: str) -> None:
    assert cost_s(text) < CPU_S


def entries(item: str) -> str:
    return HEAD + "".join(item.format(n) for n in range(2000)) + TAIL


@pytest.mark.parametrize(
    "flaw",
    ["R & D &nbsp; a < b", "<q>"],
    ids=["naked-characters", "unclosed-tag"],
)
def test_a_big_honest_feed_keeps_all_its_entries(flaw: str) -> None:
    item = "<item><title>Item {0}</title><link>http://a.example/{0}</link><guid>http://a.example/{0}</guid>"
    item += "<pubDate>Sun, 01 Mar 2026 10:00:00 GMT</pubDate><category>News</category><description>&lt;p&gt;"
    item += "The company said that it had signed a licence." * 5 + "&lt;/p&gt;</description></item>"
    body = entries(item).replace("<title>F", f"<title>F {flaw}")
    assert len(parse(body.encode(), None, "https://feeds.example/feed", now=NOW).items) == 2000


def test_an_entry_after_a_hostile_one_is_still_read_where_the_document_allows_it() -> None:
    body = PLACES["text"].format("&" * MEGABYTE).replace(TAIL, MORE + TAIL)
    assert [item.title for item in parse(body.encode(), None, "https://a.example/", now=NOW).items] == ["T", "U"]
