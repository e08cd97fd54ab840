"""HTML to plain text, and strings that every store and channel can carry."""

from __future__ import annotations

import time

import pytest

from watcher.parse.plain import FIELD_BYTES, clean, cut, from_html, one_line, paragraphs, shorten


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("One.<br>Two.<br/><br/>Three.", "One.\nTwo.\n\nThree."),
        ("<ul><li>a</li><li>b</li></ul>after", "a\nb\n\nafter"),
        ("<ul>\n <li>a\n <li>b\n</ul>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<div>a<div>b</div></div>", "a\n\nb"),
        ("a\n   b\tc&nbsp;d", "a b c d"),
        ("<b>a</b><i>b</i> <a href=x>c</a>", "ab c"),
        ("&lt;b&gt; &amp;amp; &copy; &#8364;", "<b> &amp; © €"),
        ("<script>x()</script><style>p{}</style><p>kept", "kept"),
        ("<!-- c --><![CDATA[x]]>kept", "kept"),
        ("p < 0.05 and q > 3", "p < 0.05 and q > 3"),
        ("bio&shy;tech &#8203;zero", "biotech zero"),
        ("<h1>Head</h1>Body", "Head\n\nBody"),
        ("<td>loose</td> cell", "loose cell"),
        ("", ""),
    ],
)
def test_html_becomes_paragraphs(markup: str, text: str) -> None:
    assert from_html(markup) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hi\r\nBcc: v@x", "Hi Bcc: v@x"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "a b c d e f"),
        ("nul\x00 bell\x07 esc\x1b[2J", "nul bell esc[2J"),
        ("safe\u202edesrever\u2066x", "safedesreverx"),
        ("lone \ud800 surrogate \ufffe", "lone surrogate"),
        ("  many   spaces\u3000here\xa0", "many spaces here"),
        ("emoji 👩\u200d🔬 stays", "emoji 👩\u200d🔬 stays"),
    ],
)
def test_one_line_fields_hold_no_line_break_and_no_odd_character(text: str, line: str) -> None:
    assert one_line(text) == line
    one_line(text).encode()


def test_paragraphs_are_kept_and_tidied() -> None:
    assert paragraphs(" a \r\n b\n\n\n\n\nc\t d \u2029e") == "a\nb\n\nc d\n\ne"


@pytest.mark.parametrize("text", ["a" * 200_000, "重" * 200_000, "👩" * 200_000, "é"])
def test_a_cut_never_splits_a_character(text: str) -> None:
    kept = cut(text)
    assert text.startswith(kept)
    assert FIELD_BYTES - 4 < len(kept.encode()) <= FIELD_BYTES or kept == text


def test_shortening_keeps_whole_words() -> None:
    assert shorten("one two three four", 14) == "one two…"
    assert shorten("x" * 50, 10) == "x" * 9 + "…"
    assert shorten("short", 10) == "short"


@pytest.mark.parametrize(
    "markup",
    [
        "<b>" * 300_000, "<div>" * 300_000, "<b><p>" * 150_000, "<a " + "x=1 " * 250_000 + ">", "<!" * 500_000,
        "<" * 1_000_000, "<!--" * 250_000, "&" * 1_000_000, "</p>" * 250_000, "<table>" * 150_000,
        "<svg><p>" * 100_000, "<li>" * 250_000,
    ],
    ids=lambda markup: markup[:6],
)  # fmt: skip
def test_a_hostile_megabyte_costs_bounded_time(markup: str) -> None:
    started = time.process_time()
    from_html(markup)
    assert time.process_time() - started < 3


def test_cleaning_leaves_ordinary_text_alone() -> None:
    text = "Ünïcödé 重庆 서울 עברית العربية ไทย — “quotes” …"
    assert clean(text) == text
