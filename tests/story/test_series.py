"""Headlines that differ in their numbers only."""

from __future__ import annotations

import pytest

from watcher.story.series import apart


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
