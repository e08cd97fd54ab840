from datetime import date

import pytest
from event_factories import event, exploring, fact, funding, money, out_licence, partnership

from watcher import wording
from watcher.model import Bound, FactKind, Snippet


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event(), "Konoya → AstraZeneca · CMG901 · 1.2bn USD · exclusive, global"),
        (partnership(), "Chongqing ↔ Seoul · signed · 29 Jul 2024"),
        (exploring(), "Santiago de Compostela ↔ Chongqing · exploring · 21 Jun 2023"),
        (out_licence(), "Chongqing International Biopharmaceutical City · GR1803 · up to 712M USD"),
        (
            funding(),
            "Chongqing International Biopharmaceutical City · "
            "10.2bn CNY (≈ 1.43bn USD, rate of 15 Dec 2025) · 21 projects",
        ),
        (event(facts={}), ""),
        (event(facts={"licensee": fact("licensee", FactKind.PARTY, "Roche")}), "→ Roche"),
        (event(facts={"exclusive": fact("exclusive", FactKind.FLAG, False)}), "non-exclusive"),
        (
            event(
                facts={
                    "recipient": fact("recipient", FactKind.PARTY, "Aurora"),
                    "investors": fact("investors", FactKind.PARTY, ("A", "B", "C", "D", "E")),
                    "round": fact("round", FactKind.TEXT, "Series B"),
                    "amount": money("amount", 80e6, "EUR", 92.4e6),
                }
            ),
            "Aurora ← A, B, C and 2 more · Series B · 80M EUR (≈ 92.4M USD)",
        ),
        (
            event(facts={"total": money("total", 1e9, "USD", 1e9), "upfront": money("upfront", 60e6, "USD", 60e6)}),
            "1bn USD · 60M USD upfront",
        ),
        (
            event(
                facts={"trial_phase": fact("trial_phase", FactKind.TEXT, "phase 2"), "n": fact("n", FactKind.TEXT, 40)}
            ),
            "phase 2 · 40",
        ),
    ],
)
def test_facts_read_as_one_line(told, line):
    assert wording.facts_line(told) == line


def test_every_fact_has_a_row_with_its_label():
    assert wording.fact_rows(event()) == (
        ("Licensor", "Konoya"),
        ("Licensee", "AstraZeneca"),
        ("Asset", "CMG901"),
        ("Exclusive", "yes"),
        ("Territory", "global"),
        ("Total", "1.2bn USD"),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (12.5, "12.5"),
        (999, "999"),
        (1000, "1k"),
        (999_960, "1M"),
        (999_499, "999.5k"),
        (712e6, "712M"),
        (3.833e9, "3.833bn"),
        (10.2e9, "10.2bn"),
        (999_999_999, "1bn"),
        (1.5e12, "1.5tn"),
        (1e30, "1000000000000000000tn"),
    ],
)
def test_numbers_are_compact_and_carry_into_the_next_scale(value, words):
    assert wording.compact(value) == words


@pytest.mark.parametrize(
    ("bound", "high", "words"),
    [
        (None, None, "10M EUR"),
        (Bound.EXACT, None, "10M EUR"),
        (Bound.ABOUT, None, "about 10M EUR"),
        (Bound.AT_LEAST, None, "more than 10M EUR"),
        (Bound.AT_MOST, None, "up to 10M EUR"),
        (Bound.RANGE, 15e6, "10M–15M EUR"),
        (Bound.VAGUE, None, "10M EUR or more"),
    ],
)
def test_an_amount_says_its_bound(bound, high, words):
    assert wording.amount(money("amount", 10e6, "EUR", bound=bound, high=high)) == words


def test_an_amount_without_a_currency_says_so_and_has_no_dollars():
    untold = money("amount", 5e6, None)
    assert wording.full_amount(untold) == "5M (currency not told)"
    assert wording.amount_usd(untold) is None


def test_dollars_need_no_conversion():
    assert wording.amount_usd(money("amount", 5e6, "USD")) == 5e6
    assert wording.full_amount(money("amount", 5e6, "USD", 5e6, rate_date=date(2026, 1, 2))) == "5M USD"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("2024-07-29", "29 Jul 2024"),
        ("2024-07", "Jul 2024"),
        ("2024", "2024"),
        ("2024-Q3", "2024-Q3"),
        ("soon", "soon"),
    ],
)
def test_a_day_is_shown_as_exactly_as_it_is_known(written, words):
    assert wording.values(fact("date", FactKind.DATE, written)) == (words,)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Hi\r\nBcc: v@x", "Hi Bcc: v@x"),
        ("a\u2028b\u0085c\x0bd", "a b c d"),
        ("a\ud800b", "ab"),
        ("a\x00b", "ab"),
        ("pay\u202egnp.exe", "paygnp.exe"),
        ("\ufeffhead", "head"),
        ("esc\x1b[2J", "esc[2J"),
        ("  many \t\n spaces  ", "many spaces"),
        ("一 二", "一 二"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
    ],
)
def test_foreign_text_is_made_into_one_clean_line(raw, clean):
    assert wording.one_line(raw) == clean


def test_paragraphs_keep_their_lines_and_lose_the_rest():
    assert wording.paragraphs("a \r\nb\r\n\r\n\r\n\r\nc\x00\u202e") == "a\nb\n\nc"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 5, "short"),
        ("abcdef", 4, "abc…"),
        ("several words in a row", 15, "several words…"),
        ("重庆国际生物城签约", 5, "重庆国际…"),
        ("ab👨‍👩‍👧cd", 5, "ab…"),
        ("abcde\u0301f", 6, "abcd…"),
        ("ab🇨🇳cd", 4, "ab…"),
        ("abc", 0, ""),
    ],
)
def test_a_cut_never_tears_a_visible_character(text, limit, cut):
    assert wording.shorten(text, limit) == cut


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        ("HTTP://a.example/", "http://a.example/"),
        ("https://a.example/%20x", "https://a.example/%20x"),
        ('https://a.example/a|b>"c', "https://a.example/a%7Cb%3E%22c"),
        ("https://a.example/路", "https://a.example/%E8%B7%AF"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("javascript:alert(1)", None),
        ("JaVa\tscript:alert(1)", None),
        ("data:text/html,x", None),
        ("//a.example/x", None),
        ("https:///x", None),
        ("https://a.example\\@b.example/", None),
        ("https://a.example/a b", None),
        ("https://[::1", None),
        ("https://a.example/" + "x" * 2000, None),
        ("", None),
        (None, None),
    ],
)
def test_only_sound_web_addresses_become_links(url, link):
    assert wording.web_link(url) == link


def test_segments_mark_the_deciding_words():
    told = Snippet(text="A granted B the right.", marks=((2, 9), (16, 21)))
    assert wording.segments(told) == (
        ("A ", False),
        ("granted", True),
        (" B the ", False),
        ("right", True),
        (".", False),
    )


def test_segments_stay_sound_with_marks_that_overlap_or_point_nowhere():
    told = Snippet(text="one two three", marks=((8, 99), (4, 7), (5, 9), (-1, 2)))
    assert wording.segments(told) == (("one ", False), ("two t", True), ("hree", False))


def test_a_long_snippet_is_cut_around_its_first_mark():
    told = Snippet(text="before " * 200 + "DECIDED" + " after" * 200, marks=((1400, 1407),))
    pieces = wording.segments(told, 200)
    assert ("DECIDED", True) in pieces
    assert pieces[0] == ("…", False)
    assert pieces[-1] == ("…", False)
    assert sum(len(words) for words, _ in pieces) <= 202


def test_lists_of_words_are_joined_and_counted():
    assert wording.joined([]) == ""
    assert wording.joined(["a"]) == "a"
    assert wording.joined(["a", "b"]) == "a and b"
    assert wording.joined(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert [wording.counted(n, "event") for n in (0, 1, 2)] == ["no events", "1 event", "2 events"]
