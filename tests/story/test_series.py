"""Headlines that differ in their numbers only."""

from __future__ import annotations

import pytest

from watcher.story.series import apart, renamed


@pytest.mark.parametrize(
    ("one", "two", "told_apart"),
    [
        ("Acme 1 funded", "Acme 2 funded", True),
        ("Week 3 in figures", "Week 4 in figures", True),
        ("重庆发布第3期公告", "重庆发布第4期公告", True),
        ("Acme raises $10 million", "Acme raises $12 million", False),
        ("Acme erhält 10 Mio Euro", "Acme erhält 12 Mio Euro", False),
        ("康诺亚交易10亿美元", "康诺亚交易12亿美元", False),
        ("Acme 1 funded", "Acme 1 funded", False),
        ("Acme 1 funded", "Round for Acme 2", False),
        ("", "", False),
    ],
)
def test_numbers_that_are_no_amounts_tell_headlines_apart(one: str, two: str, told_apart: bool) -> None:
    assert apart(one, two) is told_apart


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        ("Broker keeps Alta on 'Outperform' rating", "Broker keeps Borea on 'Outperform' rating", True),
        ("RBC belässt Alta auf 'Outperform'", "RBC belässt Borea auf 'Outperform'", True),
        ("Quake hits northern Japan on Monday", "Earthquake hits northern Japan on Monday", False),
        ("Strong quake hits northern Japan on Monday", "Strong earthquake hits northern Japan on Monday", False),
        ("Novartis Buys Alta For Nine Billion", "Novartis Acquires Alta For Nine Billion", False),
        ("Novartis buys Alta Pharma for nine billion", "Novartis buys Alta Pharmaceuticals for nine billion", False),
        ("Alta raises money", "Borea raises money", False),
        ("", "", False),
    ],
)
def test_headlines_that_differ_in_one_name_alone_are_of_a_series(one: str, other: str, differ: bool) -> None:
    assert renamed(one, other) is renamed(other, one) is differ
