"""The whole reader: what is no feed, what is bounded, what identity holds, and the sandbox's payload."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import pytest

from watcher import wire
from watcher.model import ParsedFeed, Wishes
from watcher.parse.feed import NotAFeed, parse, read
from watcher.sandbox import Sandbox

NOW = datetime(2026, 3, 10, tzinfo=UTC)
URL = "https://feeds.example/feed"


def rss(*items: str, head: str = "") -> bytes:
    return f'<rss version="2.0"><channel><title>F</title>{head}{"".join(items)}</channel></rss>'.encode()


def item(title: str = "T", **more: str) -> str:
    fields = {"title": title, **more}
    return "<item>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items()) + "</item>"


def items_of(body: bytes, url: str = URL) -> list[Any]:
    return list(parse(body, None, url, now=NOW).items)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty document"),
        (b" \r\n ", "an empty document"),
        (b"\xef\xbb\xbf", "not XML, HTML or JSON"),
        (b"<!doctype html><html><head><title>Log in</title></head><body><form></form></body></html>", "an HTML page"),
        (b"<html><body>captcha</body></html>", "an HTML page"),
        (b"Service unavailable", "not XML, HTML or JSON"),
        (b'{"error": "no such feed"}', "JSON, but not a JSON Feed"),
        (b"[1, 2]", "JSON, but not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 5}', "JSON, but not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [', "neither XML nor well-formed JSON"),
        (b"{" * 100_000, "neither XML nor well-formed JSON"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "XML, but not a feed"),
        (b"/etc/passwd", "not XML, HTML or JSON"),
        (b"http://169.254.169.254/", "not XML, HTML or JSON"),
        (b"<rss " + b"a='1' " * 20_000 + b">", "XML with a tag of more than 64 KB"),
        (b"<rss><channel>" + b"<a>" * 60_000, "XML nested more than 25000 deep"),
    ],
)
def test_what_is_no_feed_says_what_it_is(body: bytes, why: str) -> None:
    with pytest.raises(NotAFeed, match=why):
        parse(body, "text/xml", URL, now=NOW)


def test_an_empty_feed_is_a_feed() -> None:
    assert items_of(rss()) == []


def test_more_than_two_thousand_entries_are_cut_and_told() -> None:
    body = rss(*(item(f"n{n}", guid=str(n)) for n in range(2005)))
    parsed = parse(body, None, URL, now=NOW)
    assert len(parsed.items) == 2000
    assert parsed.items[-1].title == "n1999"
    assert parsed.well_formed
    assert parsed.dropped == ("5 entries over 2000",)


def test_long_fields_are_cut_and_told() -> None:
    parsed = parse(rss(item("t " * 2000, description="d " * 50_000, guid="g" * 9000)), None, URL, now=NOW)
    (only,) = parsed.items
    assert len(only.title) == 998
    assert only.title.endswith("…")
    assert 65_000 < len(only.text) <= 65_536
    assert len(only.identity) < 100
    assert [entry.rpartition(" cut to ")[2] for entry in parsed.dropped] == ["1000 characters", "64 KB"]


def test_a_long_list_of_losses_is_itself_cut() -> None:
    parsed = parse(rss(*(item("t " * 2000 + str(n), guid=str(n)) for n in range(30))), None, URL, now=NOW)
    assert len(parsed.dropped) == 21
    assert parsed.dropped[-1] == "and 10 more"


@pytest.mark.parametrize(
    ("entry", "identity", "alias"),
    [
        (item(guid=" abc ", link="http://a.example/1"), "abc", "abc"),
        (item(guid="", link="http://a.example/1?utm_source=x"), "http://a.example/1", "/1"),
        (item(guid="  ", link="http://a.example/1"), "http://a.example/1", "/1"),
        (item(guid="http://a.example/?p=3"), "http://a.example/?p=3", "?p=3"),
    ],
)
def test_identity_is_guid_then_link(entry: str, identity: str, alias: str) -> None:
    (only,) = items_of(rss(entry))
    assert (only.identity, only.alias) == (identity, alias)


def test_identity_without_guid_and_link_is_a_hash_of_title_and_date() -> None:
    date = "Sun, 01 Mar 2026 10:00:00 GMT"
    first, other = items_of(rss(item("A", pubDate=date, description="x"), item("B", pubDate=date)))
    (again,) = items_of(rss(item("A", pubDate=date, description="changed words")))
    assert first.identity.startswith("hash:")
    assert first.identity == again.identity
    assert first.identity != other.identity


def test_identity_does_not_depend_on_the_feeds_address() -> None:
    body = rss(item(guid="12", link="/x"))
    assert items_of(body, "http://a.example/f")[0].identity == items_of(body, "https://b.example/g")[0].identity == "12"


def test_content_is_preferred_to_the_summary_and_the_summary_to_nothing() -> None:
    both = (
        "<item><title>T</title><description>short</description><content:encoded xmlns:content="
        '"http://purl.org/rss/1.0/modules/content/">&lt;p&gt;long&lt;/p&gt;</content:encoded></item>'
    )
    (first,) = items_of(rss(both))
    (second,) = items_of(rss(item(description="only this")))
    assert (first.text, first.summary) == ("long", "short")
    assert (second.text, second.summary) == ("only this", "only this")


@pytest.mark.parametrize("dates", [("Sun, 01 Mar 2026 10:00:00 GMT", "Mon, 02 Mar 2026 10:00:00 GMT"), ("", "")])
def test_identities_do_not_jump_when_a_publisher_turns_its_list_around(dates: tuple[str, str]) -> None:
    both = [item("B", guid="same", link="http://a.example/2", pubDate=dates[0])]
    both += [item("A", guid="same", link="http://a.example/1", pubDate=dates[1])]
    first = {one.link: one.identity for one in items_of(rss(*both))}
    assert first == {one.link: one.identity for one in items_of(rss(*reversed(both)))}
    kept = "http://a.example/2" if dates[0] else "http://a.example/1"
    assert first[kept] == "same"
    assert len(set(first.values())) == 2


def test_of_repeated_entries_the_newest_stands_and_of_equals_the_last() -> None:
    old = item("Old", guid="1", link="http://a.example/1", pubDate="Sun, 01 Mar 2026 10:00:00 GMT")
    new = item("New", guid="1", link="http://a.example/1", pubDate="Mon, 02 Mar 2026 10:00:00 GMT")
    for order in ((old, new), (new, old)):
        parsed = parse(rss(*order), None, URL, now=NOW)
        assert [one.title for one in parsed.items] == ["New"]
        assert parsed.dropped == ("1 repeated entries; the newest of each is kept",)
    equal = [item(title, guid="1", link="http://a.example/1") for title in ("First", "Last")]
    assert [one.title for one in items_of(rss(*equal))] == ["Last"]


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("&lt;!here&gt;", "<!here>"),
        ("&amp;lt;!here&amp;gt;", "<!here>"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("a &amp;lt; b &amp;amp;amp; c", "a < b &amp; c"),
        ("x &lt;b&gt;bold&lt;/b&gt; y", "x bold y"),
        ("<![CDATA[R&D &eacute;]]>", "R&D é"),
        ("a&#13;&#10;Bcc: v@x", "a Bcc: v@x"),
        ("a&#x2028;b&#x2029;c&#x85;d", "a b c…d"),
        ("safe&#x202e;desrever", "safedesrever"),
    ],
)
def test_a_title_becomes_plain_text_once(title: str, plain: str) -> None:
    assert items_of(rss(f"<item><title>{title}</title></item>"))[0].title == plain


def test_an_entry_may_say_its_own_language() -> None:
    said = '<dc:language xmlns:dc="http://purl.org/dc/elements/1.1/">fr-CA</dc:language>'
    body = rss(f"<item><title>Contrat</title>{said}</item>", item("Deal"), head="<language>en</language>")
    assert [one.language for one in items_of(body)] == ["fr", "en"]


SYNDICATION = "http://purl.org/rss/1.0/modules/syndication/"


@pytest.mark.parametrize(
    ("head", "wishes"),
    [
        ("<ttl>60</ttl>", {"ttl_s": 3600}),
        ("<ttl>-5</ttl>", {}),
        ("<ttl>99999999</ttl>", {}),
        ("<ttl>soon</ttl>", {}),
        ("<ttl>9999999</ttl>", {"ttl_s": 7 * 86400}),
        ("", {}),
        (
            '<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>',
            {"period_s": 86400},
        ),
    ],
)
def test_the_publishers_wish_for_time(head: str, wishes: dict[str, int]) -> None:
    assert parse(rss(item(), head=head), None, URL, now=NOW).wishes == Wishes(**wishes)


def test_control_characters_do_not_spoil_the_rest() -> None:
    (only,) = items_of(rss(item("a\x00b\x0bc"), head="<x>\x1b</x>"))
    assert only.title == "abc"


def test_files_of_this_machine_are_never_read() -> None:
    body = b'<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/hosts">%p;<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss(
        item("before")
    ).replace(b"before", b"[&x;]")
    assert "root" not in json.dumps(wire.dump(parse(body, None, URL, now=NOW)))


def test_billion_laughs_cost_nothing() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]>'.encode() + rss(item("x")).replace(b">x<", b">&l9;<")
    (only,) = items_of(body)
    assert len(only.title) < 20


def test_the_payload_comes_back_in_wire_form_through_the_sandbox() -> None:
    body = rss(item("Hello \u202e重庆", link="/1"))
    payload = {"body_b64": base64.b64encode(body).decode(), "content_type": None, "url": URL, "now": NOW.isoformat()}
    with Sandbox() as sandbox:
        answer = sandbox.call("watcher.parse.feed:read", payload, 20)
        refused = sandbox.call("watcher.parse.feed:read", {**payload, "body_b64": ""}, 20)
    assert wire.load(ParsedFeed, answer) == parse(body, None, URL, now=NOW)
    assert answer == read(payload)
    assert refused == {"not_a_feed": "an empty document"}
