"""Where sentences and clauses begin and end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotate import annotate
from watcher.annotate.sentences import clauses, sentences, stance_at
from watcher.model import NewsText, Stance, TextField

TEXT = TextField.TEXT


def cut(text: str) -> list[str]:
    return [text[one.start : one.end] for one in sentences(text, TEXT)]


def clause_texts(text: str) -> list[str]:
    return [text[one.start : one.end] for one in clauses(text, TEXT, sentences(text, TEXT))]


@pytest.mark.parametrize(
    "parts",
    [
        ["Orbit Inc. raised $5.5 million.", "The round was led by Faber."],
        ["The U.S. Food and Drug Administration agreed on Nov. 12 with Dr. J. Smith.", "It took effect."],
        ["Acme sold rights to Beta Therapeutics LLC.", "Gamma Inc. gave Delta a licence."],
        ["MiroBio closed a Series B.", "Eleven Therapeutics raised more."],
        ['He said: "We signed."', "Nobody objected."],
        ["Was it signed?", "Yes!", "On Friday."],
        ["双方签署协议。", "“我们很高兴。”", "市长说；", "会议结束！"],
        ["同社は調達した。", "次は上場だ。"],
        ["협약을 맺었다.", "다음은 투자다."],
        ["Das Treffen fand am 30. Oktober statt.", "Es war gut."],
        ["argenx grew 3.5 percent in September.", "argenx said so."],
    ],
)
def test_sentences_end_where_readers_end_them(parts: list[str]) -> None:
    joint = "" if ord(parts[0][0]) > 0x2E80 and parts[0][-1] in "。！？；" else " "
    assert cut(joint.join(parts)) == parts


def test_a_headline_without_a_full_stop_is_a_sentence_of_its_own() -> None:
    assert cut("Busan and Lyon sign pact\n\nThe two cities met.") == ["Busan and Lyon sign pact", "The two cities met."]


def test_bullets_and_lines_part_sentences_but_wrapped_lines_do_not() -> None:
    assert cut("Deals:\n- Acme sold X\n- Beta bought Y") == ["Deals:", "- Acme sold X", "- Beta bought Y"]
    assert cut("The agreement covers research on vaccines,\nantibodies and devices.") == [
        "The agreement covers research on vaccines,\nantibodies and devices."
    ]


def test_html_left_overs_without_a_space_are_parted() -> None:
    assert cut("They foster cooperation.Officials met.") == ["They foster cooperation.", "Officials met."]


def test_clauses_part_statements_of_different_firms() -> None:
    assert clause_texts("Capricor is ending its licence; Exelixis gave Takeda a licence, Orbit sold rights.") == [
        "Capricor is ending its licence;",
        "Exelixis gave Takeda a licence,",
        "Orbit sold rights.",
    ]


def test_a_chinese_comma_parts_clauses_once_something_was_told() -> None:
    assert clause_texts("甲公司否认收购，乙公司完成融资。") == ["甲公司否认收购，", "乙公司完成融资。"]


def test_stance_at_reads_the_clause_that_holds_the_span() -> None:
    text = "Capricor is ending its licence; Exelixis gave Takeda a licence."
    found = clauses(text, TEXT, sentences(text, TEXT))
    assert stance_at(found, TEXT, text.index("ending")) is Stance.ENDED
    assert stance_at(found, TEXT, text.index("gave")) is Stance.ASSERTED
    assert stance_at(found, TextField.TITLE, 0) is Stance.ASSERTED


ANY_TEXT = st.text(max_size=400) | st.lists(
    st.sampled_from(
        [
            ". ",
            "Inc. ",
            "。",
            "，",
            "\n",
            "\n- ",
            '"',
            "U.S. ",
            "plans to ",
            "2019 ",
            "signed ",
            "否认",
            "此前",
            ", which ",
        ]
    ),
    max_size=60,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
def test_sentences_and_clauses_cover_every_word_in_order(text: str) -> None:
    found = sentences(text, TEXT)
    cover = "".join(text[one.start : one.end] for one in found)
    assert "".join(cover.split()) == "".join(text.split())
    parts = clauses(text, TEXT, found)
    assert "".join("".join(text[one.start : one.end] for one in parts).split()) == "".join(text.split())
    assert all(one.start < one.end <= len(text) for one in (*found, *parts))
    assert all(left.end <= right.start for left, right in pairwise(found))


def test_a_lone_surrogate_breaks_nothing() -> None:
    text = "Exampla raised $5 million. \ud800 Northwind paid 3亿元。\udfff"
    assert cut(text)[0] == "Exampla raised $5 million."
    assert [one.value for one in annotate(NewsText(title="\udc00", text=text)).money] == [5e6, 3e8]
