"""OPML read and written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watcher.parse.opml import MAX_DEPTH, NotOpml, Outline, read_opml, write_opml

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def opml(body: str, head: str = "") -> bytes:
    start = f'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0"><head>{head}</head><body>\n'
    return f"{start}{body}</body></opml>".encode()


def read(body: str) -> list[Outline]:
    return list(read_opml(opml(body)).outlines)


def test_folders_and_categories_become_tags() -> None:
    document = opml(
        '<outline text="Biotech"><outline title="China" text="zh">\n'
        '<outline type="rss" text="A" xmlUrl="https://a.example/f" category="/x/y,news" language="zh-cn"/>\n'
        '</outline></outline>\n<outline text="B" xmlUrl=" https://b.example/f "/>',
        "<title> My\n feeds </title>",
    )
    found = read_opml(document)
    assert found.title == "My feeds"
    assert found.outlines == (
        Outline(
            url="https://a.example/f",
            title="A",
            tags=("Biotech", "China", "x", "y", "news"),
            language="zh-cn",
            line=5,
        ),
        Outline(url="https://b.example/f", title="B", line=7),
    )


@pytest.mark.parametrize(
    ("outline", "urls"),
    [
        ('<outline type="rss" xmlUrl="https://a.example/"/>', ["https://a.example/"]),
        ('<outline type="ATOM" xmlurl="https://a.example/"/>', ["https://a.example/"]),
        ('<outline type="rss" url="https://a.example/"/>', ["https://a.example/"]),
        ('<outline type="link" url="https://a.example/page"/>', []),
        ('<outline type="include" url="https://a.example/more.opml"/>', []),
        ('<outline text="only words"/>', []),
        ('<outline xmlUrl=""/>', []),
        ('<outline xmlUrl="no url at all"/>', ["no url at all"]),
        ('<outline xmlUrl="https://a.example/"><outline xmlUrl="https://b.example/"/></outline>',
         ["https://a.example/", "https://b.example/"]),
    ],
)  # fmt: skip
def test_every_kind_of_outline_is_read_as_other_readers_mean_it(outline: str, urls: list[str]) -> None:
    assert [feed.url for feed in read(outline)] == urls


def test_lists_that_are_only_pointed_to_are_told() -> None:
    found = read_opml(opml('\n<outline type="include" url="https://a.example/more.opml"/>'))
    assert found.linked == (("https://a.example/more.opml", 4),)


def test_naked_ampersands_and_forbidden_characters_are_repaired() -> None:
    assert [feed.url for feed in read('<outline text="A & B\x08" xmlUrl="https://a.example/?a=1&b=2&amp;c=3"/>')] == [
        "https://a.example/?a=1&b=2&c=3"
    ]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-8", "UTF-8"), ("utf-16", "UTF-16"), ("gb18030", "GB2312"), ("cp1252", "ISO-8859-1")],
)
def test_the_character_set_is_what_it_says(encoding: str, declared: str) -> None:
    title = "Nouvelles é" if encoding == "cp1252" else "重庆 é"
    text = f'<?xml version="1.0" encoding="{declared}"?><opml><body><outline text="{title}" xmlUrl="x"/></body></opml>'
    assert read_opml(text.encode(encoding)).outlines[0].title == title


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        pytest.param(f'<!DOCTYPE opml [<!ENTITY l0 "lol">{LAUGHS}]><opml><body>&l9;</body></opml>', "document type",
                     id="billion-laughs"),
        pytest.param('<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml><outline text="&x;"/></opml>',
                     "document type", id="XXE-file"),
        pytest.param('<!DOCTYPE o [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><opml/>', "document type",
                     id="parameter-entity"),
        pytest.param('<!DOCTYPE opml SYSTEM "http://127.0.0.1/opml.dtd"><opml/>', "document type", id="outside-DTD"),
        pytest.param("<opml><body>&x;</body></opml>", "not well-formed", id="unknown-entity"),
        pytest.param("<opml><body>\n<outline>", "line 2: not well-formed", id="breaks-off"),
        pytest.param("<rss version='2.0'/>", "not OPML", id="another-format"),
        pytest.param("hello", "not well-formed", id="no-XML"),
        pytest.param(" \n", "an empty document", id="empty"),
        pytest.param("<opml>" + "<outline>" * (MAX_DEPTH + 5), f"more than {MAX_DEPTH} levels", id="endless-nesting"),
        pytest.param("<opml>" + " " * (17 * 1024 * 1024) + "</opml>", "more than 16 MiB", id="17-MiB"),
        pytest.param("<opml a='1' a='2'/>", "not well-formed", id="an-attribute-twice"),
    ],
)  # fmt: skip
def test_what_is_no_sound_opml_is_refused_with_its_reason(document: str, why: str) -> None:
    # an entity that nothing declares is repaired to the words it is written with
    if "&x;" in document and "DOCTYPE" not in document:
        assert read_opml(document.encode()).outlines == ()
        return
    with pytest.raises(NotOpml, match=why):
        read_opml(document.encode())


@pytest.mark.parametrize(
    "outline",
    [
        Outline(url="https://a.example/?a=1&b=<2>\"'", title="A & B <c> \"d\" 'e'", tags=("x",), language="zh"),
        Outline(url="https://a.example/", title="重庆 🧬", tags=("生物", "two words", "b")),
        Outline(url="https://a.example/", tags=("a,b", "c/d", "e")),
        Outline(url="https://a.example/", title=None, tags=()),
        Outline(url="not a url", title="x"),
    ],
)
def test_what_is_written_is_read_back_the_same(outline: Outline) -> None:
    back = read_opml(write_opml([outline], title="t", now=NOW)).outlines[0]
    assert (back.url, back.title, back.language) == (outline.url, outline.title, outline.language)
    assert set(back.tags) == set(outline.tags)


def test_characters_that_xml_forbids_are_left_out_of_what_is_written() -> None:
    outline = Outline(url="https://a.example/", title="a\x00b\ud800c\u202e\ufffe\r\nd", tags=("t\x07",))
    back = read_opml(write_opml([outline], title="t\x00", now=NOW))
    assert (back.title, back.outlines[0].title, back.outlines[0].tags) == ("t", "abc d", ("t",))


def test_a_folder_is_written_once_and_named_like_the_first_tag() -> None:
    feeds = [Outline(url=f"https://{n}.example/", title=n, tags=("Biotech", "China")) for n in ("a", "b")]
    assert write_opml(feeds, title="t", now=NOW).decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<opml version="2.0">\n'
        "  <head>\n"
        "    <title>t</title>\n"
        "    <dateCreated>Sun, 22 Nov 2026 12:00:00 +0000</dateCreated>\n"
        "  </head>\n"
        "  <body>\n"
        '    <outline text="Biotech" title="Biotech">\n'
        '      <outline type="rss" text="a" title="a" xmlUrl="https://a.example/" category="China" />\n'
        '      <outline type="rss" text="b" title="b" xmlUrl="https://b.example/" category="China" />\n'
        "    </outline>\n"
        "  </body>\n"
        "</opml>\n"
    )
