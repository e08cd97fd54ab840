import json
from pathlib import Path

import pytest
from rule_factories import engine_of

from watcher.cli.newslines import news_of
from watcher.match.compile import compile_rules
from watcher.match.explain import Explanation, explain
from watcher.match.language import load_rules
from watcher.model import NewsText

ROOT = Path(__file__).resolve().parents[2]
NEWS = ROOT.parent / "shared" / "news" / "dev.jsonl"
PARAMS = {"funding.at_least": "10M USD"}


def shipped(text: str, rule_id: str) -> Explanation:
    engine = compile_rules(load_rules(ROOT / "rules"), PARAMS)
    (found,) = explain(engine, NewsText(text=text), rule_id)
    return found


@pytest.mark.parametrize(
    ("rule_id", "text", "nearest"),
    [
        ("funding", "Exampla Therapeutics raised $8 million in a seed round.", "amount 8M USD is below 10M USD"),
        (
            "city-partnership",
            "Chongqing signed a memorandum of understanding on biotech cooperation with a delegation on Monday.",
            "only one place found: Chongqing",
        ),
        (
            "licensing-deal",
            "Exampla Therapeutics plans to grant Northwind Pharma an exclusive license to EXA101.",
            "the words are there, but the clause is planned ('plans to')",
        ),
        ("licensing-deal", "It rained in the north.", "nothing in it comes near"),
    ],
)
def test_the_nearest_miss_of_a_shipped_rule_is_told_in_words(rule_id: str, text: str, nearest: str) -> None:
    found = shipped(text, rule_id)
    assert (found.match, found.nearest) == (None, nearest)


@pytest.mark.parametrize(
    ("clause", "text", "why"),
    [
        ("{money: {role: raised}}", "A word of a fine of $4 million.", "no amount is told as raised, "),
        ("{money: {at_least: 5M USD}}", "A word for $2 million.", "amount 2M USD is below 5M USD"),
        ("{places: 2}", "A word in Porto. Rain in Busan.", "only one place found: Porto; in other sentences Busan"),
        ("{places: {kind: region}}", "A word in Porto.", "no region found, only Porto"),
        ("{places: 3}", "A word in Porto and in Busan.", "only 2 places found: Porto and Busan, 3 are asked for"),
        ("{parties: {kind: university}}", "A word of Exampla Therapeutics.", "no university found, only Exampla"),
        ("{assets: 1}", "A word. EXA101 is new.", "no asset here, only in other sentences: EXA101"),
        ("{language: zh}", "A word.", "the language is en, not zh"),
        (
            "{dates: {newer_than_days: 3}}",
            "A word of 3 March 2025.",
            "no date is at most 3 days old, only 3 March 2025",
        ),
        ("{phrases: [rain, storm]}", "A word. It may rain.", "'rain' or 'storm' only in another sentence"),
        ("{near: {words: 1, of: [word, storm]}}", "A word of warning of a storm.", "all is there, but not within 1 "),
    ],
)
def test_a_clause_that_does_not_hold_says_what_it_misses(tmp_path: Path, clause: str, text: str, why: str) -> None:
    body = f"selections:\n  a:\n    all:\n      - word\n      - {clause}\ncondition: a\n"
    news = news_of({"text": text, "language": "en", "published": "2025-06-01"})
    (found,) = explain(engine_of(tmp_path, body), news)
    assert why in found.nearest
    assert found.nearest_in == ("a",)


def test_a_phrase_too_long_to_be_repeated_is_missed_in_whole_words(tmp_path: Path) -> None:
    body = f"selections: {{a: {{all: ['{' ... '.join(['storm|hail'] * 8)}']}}}}\ncondition: a\n"
    (found,) = explain(engine_of(tmp_path, body), NewsText(text="A word."))
    assert found.selections[0].why == "nothing of its phrase"


def test_what_speaks_against_a_selection_or_the_rule_is_named_with_its_words(tmp_path: Path) -> None:
    body = """\
    selections:
      a:
        all: [deal]
        none: [rumour]
      b: {in: title, within: item, any: [review]}
    condition: a and not b
    """
    engine = engine_of(tmp_path, body)
    (inner,) = explain(engine, NewsText(text="A deal, says a rumour."))
    (outer,) = explain(engine, NewsText(title="Review of the week", text="A deal is made."))
    assert inner.nearest == "phrases: rumour speaks against it ('rumour')"
    assert outer.nearest == "b speaks against it ('Review')"
    assert outer.against == ("b",)


def test_of_alternatives_the_one_that_came_nearest_is_told(tmp_path: Path) -> None:
    body = """\
    selections:
      far: {all: [alpha, beta, gamma]}
      near: {all: [deal, {places: 1}]}
    condition: far or near
    """
    (found,) = explain(engine_of(tmp_path, body), NewsText(text="A deal was made."))
    assert (found.nearest, found.nearest_in) == ("no place found", ("near",))


def test_an_exception_is_named_with_its_reason(tmp_path: Path) -> None:
    text = "exceptions: [{rule: example, reason: our own news, when: {any: [newsroom]}}]\n"
    engine = engine_of(tmp_path, "selections: {a: {any: [deal]}}\ncondition: a\n", exceptions__own=text)
    (found,) = explain(engine, NewsText(text="A deal, the newsroom says."))
    assert found.nearest.endswith("own.yml:1: our own news")


def test_a_selection_that_holds_is_shown_where_it_holds_and_counted(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "selections: {a: {all: [deal, {assets: 1}]}}\ncondition: a\n")
    (found,) = explain(engine, NewsText(text="Rain. A deal for EXA101. Another deal for EXA202."))
    (trace,) = found.selections
    (group,) = trace.groups
    assert found.match is not None
    assert (trace.holds, trace.more, trace.unit[0].start) == (True, 1, 6)
    assert [(one.label, one.holds, one.words) for one in group.inner] == [
        ("phrases: deal", True, "deal"),
        ("assets: 1", True, "EXA101"),
    ]


@pytest.mark.skipif(not NEWS.exists(), reason="the labelled news is not beside this checkout")
def test_explaining_decides_as_production_does_on_real_news() -> None:
    engine = compile_rules(load_rules(ROOT / "rules"))
    for line in NEWS.read_text("utf-8").splitlines()[:12]:
        news = news_of(json.loads(line))
        found = explain(engine, news)
        assert tuple(one.match for one in found if one.match) == engine.matches(news)
        assert all(one.nearest for one in found if not one.match)
