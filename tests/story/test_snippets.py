"""The sentences of evidence, cut out with their words marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watcher.model import Evidence, Span, TextField
from watcher.story.snippets import snippets


def _at(text: str, words: str, field: TextField = TextField.TEXT) -> Evidence:
    start = text.index(words)
    return Evidence(clause="c", span=Span(field=field, start=start, end=start + len(words)), text=words)


def test_the_sentence_around_the_words_is_cut_out_and_they_are_marked() -> None:
    text = "Before it. Acme raised $1.5 million from Orbit. After it."
    (cut,) = snippets([_at(text, "raised"), _at(text, "$1.5 million")], title="", text=text)
    assert cut.text == "Acme raised $1.5 million from Orbit."
    assert [cut.text[start:end] for start, end in cut.marks] == ["raised", "$1.5 million"]


def test_chinese_sentences_end_without_a_space() -> None:
    text = "前一句。甲公司完成B轮融资。后一句。"
    (cut,) = snippets([_at(text, "B轮融资")], title="", text=text)
    assert cut.text == "甲公司完成B轮融资。"


def test_the_headline_comes_first_and_marks_that_touch_are_one() -> None:
    text, title = "Acme signed a pact.", "Pact signed"
    found = snippets(
        [_at(text, "signed"), _at(text, "signed a"), _at(title, "Pact", TextField.TITLE)], title=title, text=text
    )
    assert [cut.text for cut in found] == ["Pact signed", "Acme signed a pact."]
    assert found[1].marks == ((5, 13),)


def test_two_sentences_are_two_snippets_and_no_more_than_five_are_kept() -> None:
    text = " ".join(f"Sentence {number} here." for number in range(9))
    found = snippets([_at(text, f"Sentence {number}") for number in range(9)], title="", text=text)
    assert [cut.text for cut in found] == [f"Sentence {number} here." for number in range(5)]


def test_without_any_full_stop_the_cut_is_bounded() -> None:
    text = "a" * 5000 + " here " + "b" * 5000
    (cut,) = snippets([_at(text, "here")], title="", text=text)
    assert len(cut.text) < 600
    assert [cut.text[start:end] for start, end in cut.marks] == ["here"]


@given(st.text(min_size=1, max_size=300), st.data())
def test_marks_always_cut_the_given_words(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = Span(field=TextField.TEXT, start=start, end=end)
    (cut,) = snippets([Evidence(clause="c", span=span, text=text[start:end])], title="", text=text)
    ((first, last),) = cut.marks
    assert text[start:end].startswith(cut.text[first:last])
    assert text[start:end][: last - first].strip() == cut.text[first:last].strip()
