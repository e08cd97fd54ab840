"""The fast reader gives what the parser of record gives, field by field, on every well-formed document."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from watcher.model import ParsedFeed
from watcher.parse import xml_feed
from watcher.parse.bounds import harmless
from watcher.parse.charset import decode
from watcher.parse.entry import NotAFeed, Unusual
from watcher.parse.feed import parse
from watcher.parse.well_formed import read_well_formed

NOW = datetime(2026, 3, 10, tzinfo=UTC)
URL = "https://feeds.example/dir/feed.xml"
FEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "feeds"
CASES = list((Path(__file__).parent / "cases").glob("*.xml"))
REAL = [path for path in FEEDS.glob("*") if path.suffix not in (".json", ".jsonl")] if FEEDS.exists() else []
ROUNDS = int(os.environ.get("PARSE_TEST_ROUNDS", "150"))


def by_feedparser(body: bytes, monkeypatch: pytest.MonkeyPatch) -> ParsedFeed | str:
    def refuse(_text: str) -> None:
        raise Unusual("not this time")

    with monkeypatch.context() as patch:
        patch.setattr(xml_feed, "read_well_formed", refuse)
        return outcome(body)


def outcome(body: bytes) -> ParsedFeed | str:
    try:
        return parse(body, None, URL, now=NOW)
    except NotAFeed as reason:
        return str(reason)


def fast(body: bytes) -> bool:
    try:
        read_well_formed(harmless(decode(body, None)[0].lstrip("\ufeff \t\r\n")))
    except Unusual:
        return False
    return True


@pytest.mark.parametrize("path", sorted(REAL + CASES), ids=lambda path: path.name)
def test_a_feed_gives_the_same_items_by_either_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = path.read_bytes()
    if fast(body):
        assert outcome(body) == by_feedparser(body, monkeypatch)


@pytest.mark.skipif(not REAL, reason="the captured feeds are not here")
def test_most_real_feeds_take_the_fast_way() -> None:
    assert sum(fast(path.read_bytes()) for path in REAL) >= 40


# ── documents by chance ──────────────────────────────────────────────────────────────────────────────────────────────

SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "atom": "http://www.w3.org/2005/Atom",
    "fb": "http://rssnamespace.org/feedburner/ext/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "odd": "http://odd.example/ns",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
WORDS = [
    *(
        "licence",
        "5 < 6",
        "AT&T",
        "A &amp; B",
        "<b>bold</b>",
        "<p>one</p><p>two</p>",
        "&lt;!here&gt;",
        "重庆生物",
    ),
    *(
        "\u00c3\u00a9tude",
        "caf\u00e9",
        "\u0093quoted\u0094",
        "a@b.example (Ann)",
        "",
        "  ",
        "x,y, z",
        "&nbsp;x",
        "</br>",
    ),
    *("<unknown>x</unknown>", "\u2028"),
]
ADDRESSES = ["http://a.example/1", "/rel?a=1&b=2", "https:///slashes.example/", "tag:a.example,2026:1", "12", ""]
ADDRESSES += ["http://[::1"]
DATES = ["Sun, 01 Mar 2026 10:00:00 GMT", "2026-03-01T10:00:00Z", "2026-02-28", "yesterday", ""]
TEXTS = (
    "title dc:title media:title description dc:description media:description summary itunes:summary odd:title".split()
)
TEXTS += "dc:title itunes:subtitle content content:encoded subtitle rights atom:title atom:summary".split()
NAMES = (
    "author dc:creator itunes:author category dc:subject media:category itunes:keywords keywords media:keywords".split()
)
NAMES += "dc:creator dc:language language contributor dc:publisher odd:thing slash:comments name".split()
PLACES = "link guid id comments fb:origLink atom:id atom:link source".split()
MOMENTS = "pubDate published updated dc:date dcterms:issued dcterms:modified created lastBuildDate".split()
EXTRAS = (("xml:lang", "pt_BR"), ("xml:lang", ""), ("xml:base", "http://base.example/d/"), ("odd:x", "1"))


def text_of(chance: random.Random, words: list[str]) -> str:
    text = "".join(chance.choice(words) for _ in range(chance.choice([1, 1, 1, 2])))
    return f"<![CDATA[{text}]]>" if chance.random() < 0.3 else escape(text)


def element(chance: random.Random, name: str, text: str, attributes: dict[str, str] | None = None) -> str:
    attributes = dict(attributes or {})
    for extra, value in (
        ("xml:lang", "pt_BR"),
        ("xml:lang", ""),
        ("xml:base", "http://base.example/d/"),
        ("odd:x", "1"),
    ):
        if chance.random() < 0.03:
            attributes[extra] = value
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{shown}>{text}</{name}>"


def piece(chance: random.Random, depth: int = 0) -> str:
    kind = chance.randrange(12)
    if kind <= 3:
        typed = {"type": chance.choice(["text", "html", "TEXT/HTML"])} if chance.random() < 0.3 else {}
        return element(chance, chance.choice(TEXTS), text_of(chance, WORDS), typed)
    if kind == 4:
        return element(chance, chance.choice(NAMES), text_of(chance, WORDS))
    if kind <= 6:
        return element(chance, chance.choice(PLACES), text_of(chance, ADDRESSES))
    if kind == 7:
        return element(chance, chance.choice(MOMENTS), text_of(chance, DATES))
    if kind == 8:
        more = {"rel": chance.choice(["alternate", "self", "enclosure", "Alternate"])} if chance.random() < 0.6 else {}
        more |= {"type": chance.choice(["text/html", "image/png"])} if chance.random() < 0.3 else {}
        return element(chance, chance.choice(["link", "atom:link"]), "", more | {"href": chance.choice(ADDRESSES)})
    if kind == 9:
        parts = chance.sample(["name", "email", "uri", "odd:p"], 2)
        people = "".join(element(chance, name, text_of(chance, WORDS)) for name in parts)
        return element(chance, chance.choice(["author", "atom:author", "contributor"]), people)
    if kind == 10:
        labels = {"term": "T", "label": "L", "domain": "d", "scheme": "s", "text": "X"}
        chosen = dict(chance.sample(sorted(labels.items()), chance.randrange(3)))
        text = text_of(chance, ["", "C", "D"])
        return element(chance, chance.choice(["category", "itunes:category"]), text, chosen)
    if depth < 2 and chance.random() < 0.7:
        inner = "".join(piece(chance, depth + 1) for _ in range(2))
        return element(chance, chance.choice(["media:group", "odd:group", "source", "media:content"]), inner)
    if chance.random() < 0.5:
        bare = f'{chance.choice(["x &lt; ", ""])}<b class="q">y &amp; z</b> {text_of(chance, WORDS)}<br/><p>w</p>'
        return element(chance, chance.choice(["description", "title", "content:encoded", "content"]), bare)
    xhtml = '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">x &amp; y</p><br/>z</div>'
    return element(chance, chance.choice(["content", "title", "summary", "atom:content"]), xhtml, {"type": "xhtml"})


def many(chance: random.Random, make: Callable[[random.Random], str], most: int) -> str:
    return "".join(make(chance) for _ in range(chance.randrange(most + 1)))


def a_document(chance: random.Random) -> bytes:
    spaces = "".join(f' xmlns:{name}="{uri}"' for name, uri in SPACES.items())
    form = chance.randrange(3)
    entry = "entry" if form == 2 else "item"
    about = ' rdf:about="http://a.example/about"' if form == 1 else ""
    items = "".join(f"<{entry}{about}>{many(chance, piece, 9)}</{entry}>" for _ in range(chance.randrange(5)))
    image = "<image><title>Picture</title><url>http://a.example/p.png</url><link>http://a.example/pic</link></image>"
    head = many(chance, piece, 5) + image * chance.randrange(2) + many(chance, piece, 2)
    if form == 0:
        return f'<rss version="2.0"{spaces}><channel>{head}{items}</channel></rss>'.encode()
    if form == 1:
        rss10 = ' xmlns="http://purl.org/rss/1.0/"'
        return f"<rdf:RDF{rss10}{spaces}><channel>{head}</channel>{image}{items}</rdf:RDF>".encode()
    return f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB"{spaces}>{head}{items}</feed>'.encode()


@pytest.mark.parametrize("part", range(4))
def test_documents_made_by_chance_give_the_same_items(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    for seed in range(ROUNDS):
        body = a_document(random.Random(part * 1_000_000 + seed))
        if fast(body):
            read += 1
            assert outcome(body) == by_feedparser(body, monkeypatch), body.decode()
    assert read > ROUNDS // 4


@pytest.mark.parametrize(
    "body",
    [
        b"<rss><channel><item><title>a <div>b</div></title></item></channel></rss>",
        b"<rss><channel><item><title>T</title><image><title>I</title></image></item></channel></rss>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='image/svg+xml'><a/></content></entry></feed>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><content mode='base64'>eA==</content></entry></feed>",
        b"<channel href='http://a.example/'><item href='http://a.example/1'/></channel>",
        b"<rss><channel><item><author>a@b.example</author><author><name>C</name></author></item></channel></rss>",
        b"<rss><channel><item><title>T</title></channel></rss>",
        b"<html><body/></html>",
    ],
)  # fmt: skip
def test_peculiar_shapes_are_left_to_the_parser_of_record(body: bytes) -> None:
    assert not fast(body)
