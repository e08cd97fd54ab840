from pathlib import Path

import pytest
from rule_factories import engine_of

from watcher.match.compile import compile_rules
from watcher.match.fold import fold
from watcher.match.language import load_rules
from watcher.match.lexicon import PhraseIndex
from watcher.match.phrase import read_phrase
from watcher.model import NewsText

RULES = Path(__file__).resolve().parents[2] / "rules"
SHIPPED = compile_rules(load_rules(RULES))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("license agreement", "a licence agreement and a licensing agreement"),
        ("new? license", "new licences, and licenses"),
        ("in-license|out-license", "in-licensed, inlicensed, out-licensing and out licences"),
        ("buy-out ... firm", "a buyout of the firm, a buy out by firms"),
        ("授权|许可 ... 权利", "授权公司的权利"),
        ("licens*", "licensable"),
    ],
)
def test_every_match_begins_with_one_of_the_starts(phrase: str, text: str) -> None:
    read = read_phrase(phrase)
    found = [hit[0] for hit in read.regex.finditer(fold(text))]
    assert found
    assert all(one.startswith(tuple(read.starts)) for one in found)


@pytest.mark.parametrize("phrase", ["up front", "a|an license", "...3".join(("to", "license"))])
def test_a_phrase_that_begins_with_a_short_word_is_searched_for(phrase: str) -> None:
    assert read_phrase(phrase).starts == frozenset()


def test_of_many_phrases_those_are_possible_whose_literals_are_all_there() -> None:
    first, second, third = (read_phrase(source) for source in ("grant ... rights", "rights", "sale"))
    index = PhraseIndex((first, second, third))
    assert index.possible(frozenset({"rights", "grant", "sale"})) == (first, second, third)
    assert index.possible(frozenset({"rights"})) == (second,)
    assert index.possible(frozenset({"grant"})) == ()


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("sign sign", "They sign, sign sign and sign.", ["sign sign"]),
        (
            "sign ...2 pact",
            "They sign pact, sign a pact; sign for seven long days the pact.",
            ["sign pact", "sign a pact"],
        ),
        ("<place> ... and <place>", "Porto and Porto and Busan signed.", ["Porto and Busan"]),
        ("sign <party>", "Northwind Pharma Inc. will sign Exampla Pharma Inc.", ["sign Exampla Pharma Inc"]),
    ],
)
def test_matches_follow_one_another_without_overlap(
    tmp_path: Path, phrase: str, text: str, expected: list[str]
) -> None:
    body = f"selections:\n  a:\n    any:\n      - '{phrase}'\ncondition: a\n"
    engine = engine_of(tmp_path, body)
    (match,) = engine.matches(NewsText(text=text))
    assert [one.text.rstrip(".") for one in match.evidence] == expected
    assert engine.naive(NewsText(text=text)) == (match,)


def test_a_phrase_with_words_alone_is_found_across_the_sentences_of_an_item(tmp_path: Path) -> None:
    body = "selections:\n  a:\n    within: item\n    any:\n      - signed pact\ncondition: a\n"
    engine = engine_of(tmp_path, body)
    news = NewsText(title="Signed", text='It was "signed" pact of old. They signed.\nPact.')
    assert [one.text for one in engine.matches(news)[0].evidence] == ['signed" pact']
    assert engine.naive(news) == engine.matches(news)


@pytest.mark.parametrize("text", ["\ud800", "They signed a licence \udfff agreement with Exampla.", "\udc00授权"])
def test_a_lone_surrogate_is_read(text: str) -> None:
    news = NewsText(title=text, text=text)
    assert SHIPPED.matches(news) == SHIPPED.naive(news)
