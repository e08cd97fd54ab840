import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from seed_articles import EDITIONS, ROOT, seed

from watcher.match.compile import compile_rules
from watcher.match.language import load_rules
from watcher.match.tests import run_tests, same_value
from watcher.model import Fact, Match, NewsText

RULE_SET = load_rules(ROOT / "rules")
ENGINE = compile_rules(RULE_SET)


def matches(news: NewsText) -> dict[str, Match]:
    return {match.rule_id: match for match in ENGINE.matches(news)}


def holds(fact: Fact | None, expected: Any) -> bool:
    if isinstance(expected, set):
        return fact is not None and isinstance(fact.value, tuple) and expected <= set(fact.value)
    return fact is not None and same_value(fact, expected)


TABLE: dict[str, Mapping[str, Mapping[str, Any]]] = {
    "000": {
        "city-partnership": {
            "places": {"Santiago de Compostela", "Chongqing"},
            "stage": "exploring",
            "date": "2023-06-21",
        }
    },
    "001": {
        "city-partnership": {
            "places": {"Liangjiang New Area", "Chongqing", "Seoul", "Liangjiang Life Science Town", "Seoul Bio Hub"},
            "stage": "signed",
            "date": "2024-07-29",
        }
    },
    "002": {
        "licensing-deal": {
            "licensor": "Keymed Biosciences",
            "licensee": "AstraZeneca",
            "asset": "CMG901",
            "total": "1.2 billion USD",
            "exclusive": True,
            "territory": "global",
        }
    },
    "003": {"city-partnership": {"places": {"Shenzhen", "Italy"}, "stage": "exploring"}},
    "004": {
        "licensing-deal": {"asset": "GR1803", "total": "712 million USD"},
        "funding": {"amount": "10.2 billion CNY"},
    },
}
NOT_SCORED = {"002": {"city-partnership"}}


@pytest.mark.parametrize("number", TABLE)
@pytest.mark.parametrize("edition", EDITIONS)
def test_the_seed_articles_give_their_events_with_their_facts(edition: str, number: str) -> None:
    found = matches(seed(edition, number))
    assert found.keys() - NOT_SCORED.get(number, set()) == TABLE[number].keys()
    for rule_id, facts in TABLE[number].items():
        wrong = {
            name: found[rule_id].facts.get(name)
            for name, value in facts.items()
            if not holds(found[rule_id].facts.get(name), value)
        }
        assert wrong == {}


SWAPS: dict[str, tuple[tuple[str, str], ...]] = {
    "000": (
        (r"Santiago de Compostela", "Porto"),
        (r"Chongqing", "Busan"),
        (r"Santiago", "Porto"),
        (r"Galicia\b", "Norte"),
        (r"Liangjiang New Area", "Haeundae District"),
        (r"June 21st, 2023|June 21, 2023", "May 9, 2023"),
    ),
    "001": (
        (r"Liangjiang", "Binhai"),
        (r"Chongqing", "Tianjin"),
        (r"Seoul", "Osaka"),
        (r"Oh Se-hoon", "Ito Kenji"),
        (r"July 29", "July 11"),
    ),
    "002": (
        (r"Konoya", "Meridia Biosciences"),
        (r"AstraZeneca", "Novartis"),
        (r"CMG901", "ZX5511"),
        (r"1\.2 billion", "870 million"),
        (r"Chengdu", "Wuhan"),
    ),
    "003": ((r"Shenzhen", "Qingdao"), (r"SHENZHEN", "QINGDAO"), (r"Italy", "Portugal"), (r"Italian", "Portuguese")),
    "004": (
        (r"Chongqing", "Wuhan"),
        (r"重庆", "武汉"),
        (r"GR1803", "QT2207"),
        (r"712 million", "455 million"),
        (r"7\.12亿", "4.55亿"),
        (r"10\.2 billion", "7.4 billion"),
        (r"102亿", "74亿"),
    ),
}
SWAPPED: dict[str, Mapping[str, Mapping[str, Any]]] = {
    "000": {"city-partnership": {"places": {"Porto", "Busan"}, "stage": "exploring", "date": "2023-05-09"}},
    "001": {"city-partnership": {"places": {"Tianjin", "Osaka"}, "stage": "signed", "date": "2024-07-11"}},
    "002": {
        "licensing-deal": {
            "licensor": "Meridia Biosciences",
            "licensee": "Novartis",
            "asset": "ZX5511",
            "total": "870 million USD",
        }
    },
    "003": {"city-partnership": {"places": {"Qingdao", "Portugal"}, "stage": "exploring"}},
    "004": {
        "licensing-deal": {"asset": "QT2207", "total": "455 million USD"},
        "funding": {"amount": "7.4 billion CNY"},
    },
}


@pytest.mark.parametrize("number", SWAPS)
@pytest.mark.parametrize("edition", EDITIONS)
def test_other_names_and_amounts_give_the_same_events_with_the_new_facts(edition: str, number: str) -> None:
    news = seed(edition, number)
    title, text = news.title, news.text
    for pattern, other in SWAPS[number]:
        title, text = re.sub(pattern, other, title), re.sub(pattern, other, text)
    found = matches(replace(news, title=title, text=text))
    assert found.keys() - NOT_SCORED.get(number, set()) == SWAPPED[number].keys()
    for rule_id, facts in SWAPPED[number].items():
        wrong = {
            name: found[rule_id].facts.get(name)
            for name, value in facts.items()
            if not holds(found[rule_id].facts.get(name), value)
        }
        assert wrong == {}


@pytest.mark.parametrize(
    ("title", "text"),
    [
        (
            "",
            "Santiago de Compostela and Chongqing denied that they had kicked off a working session on biotechnology.",
        ),
        ("", "Santiago de Compostela and Chongqing have ended their cooperation in biotechnology."),
        (
            "Liangjiang calls off its cooperation with Seoul",
            "The Liangjiang Life Science Town and Seoul Bio Hub have cancelled the strategic cooperation agreement of "
            "July 29. They would have supported bio-innovation enterprises in Seoul and Chongqing.",
        ),
        ("", "The Liangjiang New Area denied that it had signed a strategic cooperation agreement with Seoul Bio Hub."),
        ("", "Konoya and AstraZeneca have not reached an exclusive global licensing agreement for CMG901."),
        ("", "Konoya and AstraZeneca have terminated the exclusive global licensing agreement for CMG901."),
        ("", "Konoya denied that it has granted AstraZeneca an exclusive global licence for CMG901."),
        ("", "AstraZeneca returned the exclusive global rights to CMG901, ending its licence from Konoya."),
        ("", "Shenzhen and Italy have broken off their cooperation in biotechnology and healthcare."),
        ("", "The overseas licensing deal for the dual antibody GR1803, totaling $712 million, was terminated."),
        ("", "双抗药物GR1803的海外授权协议已终止,交易总金额曾达7.12亿美元。"),
        ("", "两江新区否认与首尔生物中心签署战略合作协议。"),
        ("", "重庆市与圣地亚哥市终止友好城市关系。"),
    ],
)
def test_denied_and_ended_deals_and_pacts_are_no_events(title: str, text: str) -> None:
    assert matches(NewsText(title=title, text=text, dated=date(2024, 8, 1))).keys() == set()


def test_the_examples_inside_the_rules_come_out_as_written() -> None:
    assert [str(failure) for failure in run_tests(RULE_SET)] == []


@pytest.mark.parametrize("rule", RULE_SET.rules, ids=lambda rule: rule.id)
def test_a_starter_rule_has_fifteen_examples_in_english_and_chinese(rule: Any) -> None:
    assert len(rule.tests) >= 15
    chinese = [test for test in rule.tests if re.search("[\u4e00-\u9fff]", test.news.title + test.news.text)]
    assert {test.expect for test in chinese} == {True, False}
