from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_factories import engine_of

from watcher.errors import Mistakes
from watcher.match.compile import compile_rules
from watcher.match.language import load_rules
from watcher.model import NewsText, TextField

RULES = Path(__file__).resolve().parents[2] / "rules"
SHIPPED = compile_rules(load_rules(RULES))


def says(folder: Path, clause: str, text: str, *, title: str = "", more: str = "") -> bool:
    """Whether a rule of one clause matches."""
    body = f"selections:\n  a:\n{more}    all:\n      - {clause}\ncondition: a\n"
    return bool(engine_of(folder, body).matches(NewsText(title=title, text=text, dated=date(2025, 3, 1))))


@pytest.mark.parametrize(
    ("clause", "text", "expected"),
    [
        ("license agreement", "They signed a licence agreement.", True),
        ("license agreement", "They signed a license. An agreement followed.", False),
        ("sign ... agreement", "They signed, at last, the agreement", True),
        ("{near: {words: 3, of: [license, antibody]}}", "a license to the new antibody", True),
        ("{near: {words: 3, of: [license, antibody]}}", "a license, after many years of talks, to an antibody", False),
        ("{near: {words: 3, ordered: true, of: [antibody, license]}}", "a license to the antibody", False),
        ("{near: {words: 4, of: [授权, 抗体]}}", "授权其新的抗体", True),
        ("{near: {words: 2, of: [授权, 抗体]}}", "授权了一种由他们自己做出来的抗体", False),
        (r"{regex: '\bGR\d+\b'}", "asset GR1803 was sold", True),
        (r"{regex: '\bGR\d+\b'}", "asset AGR1803 was sold", False),
        (r"{regex: '\w+ wurde'}", "Das Geschäft wurde", True),
        ("{money: {role: raised}}", "Exampla Therapeutics raised $30 million in a series B.", True),
        ("{money: {at_least: 20M USD}}", "Exampla Therapeutics raised $30 million.", True),
        ("{money: {at_least: 40M USD}}", "Exampla Therapeutics raised $30 million.", False),
        ("{money: {currency: EUR}}", "Exampla Therapeutics raised $30 million.", False),
        ("{places: 2}", "Porto and Busan signed a pact.", True),
        ("{places: 2}", "Porto, Portugal, signed a pact.", False),
        ("{places: {count: 2, apart: false}}", "Porto, Portugal, signed a pact.", True),
        ("{places: {name: busan}}", "釜山与波尔图签署协议。", True),
        ("{parties: {kind: university}}", "The University of Leuven won a grant.", True),
        ("{assets: {kind: code}}", "The antibody CMG901 was licensed.", True),
        ("{dates: {older_than_days: 300}}", "It signed on 3 May 2019.", True),
        ("{dates: {older_than_days: 300}}", "It signed on 20 February 2025.", False),
        ("{none: [terminate]}", "They terminated the pact.", False),
        ("{any: [terminate, sign]}", "They signed the pact.", True),
        ("{all: [terminate, sign]}", "They signed the pact.", False),
        ("'<party> ... license ... to <party>'", "Exampla Therapeutics licensed it to Northwind Pharma.", True),
        ("'<place> ... and <place>'", "Porto, Portugal and Porto signed.", False),
    ],
)
def test_a_clause_holds_in_one_sentence(tmp_path: Path, clause: str, text: str, expected: bool) -> None:
    assert says(tmp_path, clause, text) is expected


@pytest.mark.parametrize(
    ("where", "title", "text", "expected"),
    [
        ("title", "A pact", "nothing", True),
        ("title", "nothing", "A pact", False),
        ("text", "A pact", "nothing", False),
        ("lead", "nothing", "One. A pact. Three.", True),
        ("lead", "nothing", "One thing. Two things. A pact at last.", False),
        ("anywhere", "nothing", "One thing. Two things. A pact at last.", True),
    ],
)
def test_a_selection_looks_where_it_is_told(tmp_path: Path, where: str, title: str, text: str, expected: bool) -> None:
    assert says(tmp_path, "pact", text, title=title, more=f"    in: {where}\n") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The two cities signed a pact.", True),
        ("The two cities denied that they signed a pact.", False),
        ("The two cities hope to sign a pact.", False),
        ("The first pair ended its pact; the second pair signed a pact.", True),
    ],
)
def test_a_stance_is_asked_of_the_clause_that_decides(tmp_path: Path, text: str, expected: bool) -> None:
    assert says(tmp_path, "sign a? pact", text, more="    stance: asserted\n") is expected


def test_conditions_on_the_item_itself(tmp_path: Path) -> None:
    body = """\
    selections:
      words: {any: [pact]}
      from: {within: item, all: [{language: zh}, {feed: Xinhua}, {tag: cities}]}
    condition: words and from
    """
    engine = engine_of(tmp_path, body)
    assert engine.matches(NewsText(text="a pact", language="zh-Hans", feed="Xinhua", tags=("Cities",)))
    assert not engine.matches(NewsText(text="a pact", language="en", feed="Xinhua", tags=("Cities",)))


def test_an_exception_keeps_a_shipped_rule_silent_and_says_why(tmp_path: Path) -> None:
    exception = (
        "exceptions:\n  - rule: example\n    reason: our own wire\n    when: {within: item, any: [internal drill]}\n"
    )
    engine = engine_of(tmp_path, "selections: {a: {any: [pact]}}\ncondition: a\n", exceptions__local=exception)
    assert engine.matches(NewsText(text="A pact was signed."))
    (verdict,) = engine.explain(NewsText(text="A pact was signed. This is an internal drill."))
    assert verdict.match is None
    assert verdict.decided.endswith("exceptions/local.yml:2: our own wire")


AMOUNT = """\
params: {at_least: 10M USD, unknown_amount: skip}
selections: {a: {any: [raise]}}
condition: a
facts:
  amount: {kind: money}
"""


@pytest.mark.parametrize(
    ("params", "text", "expected"),
    [
        ({}, "It raised $12 million.", True),
        ({}, "It raised $9 million.", False),
        ({}, "It raised money.", False),
        ({"example.unknown_amount": "match"}, "It raised money.", True),
        ({"example.at_least": "0USD"}, "It raised money.", True),
        ({"example.at_least": "0USD"}, "It raised $9 million.", True),
        ({"example.at_least": "20M EUR"}, "It raised $12 million.", False),
    ],
)
def test_the_threshold_is_a_parameter(tmp_path: Path, params: dict[str, str], text: str, expected: bool) -> None:
    assert bool(engine_of(tmp_path, AMOUNT, params).matches(NewsText(text=text))) is expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("nope.at_least", "1USD", "no rule 'nope'"),
        ("example.at_most", "1USD", "no parameter 'at_most'"),
        ("example.at_least", "much", "'much' is no amount"),
        ("example.unknown_amount", "maybe", "unknown_amount is 'match' or 'skip'"),
    ],
)
def test_a_wrong_parameter_is_told(tmp_path: Path, name: str, value: str, message: str) -> None:
    with pytest.raises(Mistakes) as caught:
        engine_of(tmp_path, AMOUNT, {name: value})
    assert message in str(caught.value)


def test_an_item_without_any_word_of_a_rule_is_never_annotated(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "selections: {a: {any: [license agreement]}}\ncondition: a\n")
    asked: list[NewsText] = []
    engine._annotate = asked.append  # type: ignore[assignment]
    assert engine.matches(NewsText(title="Weather", text="It rains.")) == ()
    assert asked == []


def test_evidence_and_facts_point_at_the_words(tmp_path: Path) -> None:
    body = """\
    selections:
      deal:
        any: ["<giver=party> ... license ... to <taker=party>"]
    condition: deal
    facts:
      giver: {kind: party}
      taker: {kind: party}
      asset: {kind: asset}
      exclusive: {kind: flag, phrases: [exclusive*]}
      amount: {kind: money, look: near}
      stage: {kind: text, values: {signed: [sign], told: [license]}}
    """
    text = "Exampla Therapeutics has exclusively licensed CMG901 to Northwind Pharma. It gets $5 million."
    (match,) = engine_of(tmp_path, body).matches(NewsText(text=text))
    shown = {
        name: (fact.value, text[fact.span.start : fact.span.end]) for name, fact in match.facts.items() if fact.span
    }
    assert shown == {
        "giver": ("Exampla Therapeutics", "Exampla Therapeutics"),
        "taker": ("Northwind Pharma", "Northwind Pharma"),
        "asset": ("CMG901", "CMG901"),
        "exclusive": (True, "exclusively"),
        "amount": (5_000_000.0, "$5 million"),
        "stage": ("told", "licensed"),
    }
    assert match.facts["amount"].usd == 5_000_000.0
    (evidence,) = match.evidence
    assert evidence.span.field is TextField.TEXT
    assert evidence.text == text[evidence.span.start : evidence.span.end]
    assert evidence.text.startswith("Exampla Therapeutics has exclusively licensed")


PIECES = (
    "Exampla Therapeutics", "Northwind Pharma", "has licensed", "granted", "an exclusive licence", "to", "from",
    "CMG901", "Porto", "Busan", "Seoul Bio Hub", "signed", "a memorandum of understanding", "with", "and", "raised",
    "$30 million", "€5m", "in a series B round", "led by", "denied that it", "plans to", "terminated", ". ", "; ", "\n",
    "重庆", "首尔", "签署战略合作协议", "完成", "3亿元", "B轮融资", "。", "，", "将", "授权给", "阿斯利康",
    "独家许可", "友好城市", "访问", "合作", "\ue000", "İ",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=14).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(texts, texts)
def test_the_scan_changes_nothing_but_the_time(title: str, text: str) -> None:
    news = NewsText(title=title, text=text, dated=date(2025, 3, 1))
    assert SHIPPED.matches(news) == SHIPPED.naive(news)


@settings(max_examples=60, deadline=None)
@given(texts)
def test_all_spans_slice_back_to_their_words(text: str) -> None:
    news = NewsText(text=text)
    for match in SHIPPED.matches(news):
        for evidence in match.evidence:
            assert evidence.text == text[evidence.span.start : evidence.span.end]
        for fact in match.facts.values():
            assert fact.span is None or fact.text == text[fact.span.start : fact.span.end]


@pytest.mark.parametrize(
    "piece", ["signed a licence agreement with Porto ", "签署协议，", "$5 million ", "a", "\x00", "\n"]
)
def test_a_long_text_takes_bounded_time(piece: str) -> None:
    SHIPPED.matches(NewsText(text=piece * (1_000_000 // len(piece))))


@pytest.mark.parametrize(("text", "matched"), [("A deal.", False), ("A deal and another deal.", True)])
def test_a_count_beside_phrases_asks_for_so_many_places(tmp_path: Path, text: str, matched: bool) -> None:
    engine = engine_of(tmp_path, "selections: {a: {all: [{phrases: [deal], count: 2}]}}\ncondition: a\n")
    assert bool(engine.matches(NewsText(text=text))) is matched
