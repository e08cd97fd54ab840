"""What an item says about earlier reports."""

from __future__ import annotations

import pytest

from watcher.story.amends import corrects, ending


@pytest.mark.parametrize(
    ("title", "stage", "words"),
    [
        ("Exampla and Northwind terminate licensing agreement for EXA101", "ended", "terminate"),
        ("Chongqing calls off agreement with Seoul", "ended", "calls off"),
        ("康诺亚与阿斯利康终止CMG901许可协议", "ended", "终止"),
        ("Onoda Pharma returns rights to KB-210 to Kestrel Bio", "ended", "returns rights"),
        ("Acme denies reports of a $30 million round", "denied", "denies"),
    ],
)
def test_a_headline_can_end_an_event(title: str, stage: str, words: str) -> None:
    found = ending(title, None)
    assert found is not None
    assert (found.stage.name, found.stage.value, found.stage.text) == ("stage", stage, words)
    ((start, end),) = found.snippet.marks
    assert title[start:end] == words


@pytest.mark.parametrize("title", ["Acme raises $30 million", "Regulator rejects KB-210", "", "重庆与首尔签署合作协议"])
def test_other_headlines_end_nothing(title: str) -> None:
    assert ending(title, None) is None


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        ("CORRECTED: Acme raises $12 million", "", True),
        ("Acme raises $12 million", "Correction: an earlier version gave the sum as $10 million.", True),
        ("Acme raises $12 million", "(Corrects amount in second paragraph)", True),
        ("更正：康诺亚交易总额为12亿美元", "", True),
        ("Acme raises $12 million", "The drug corrects a gene. " * 40 + "It corrected vision.", False),
        ("Acme raises $12 million", "It will pay on Monday.", False),
    ],
)
def test_an_item_can_say_that_it_corrects(title: str, text: str, said: bool) -> None:
    assert corrects(title, text) is said
