"""Dates in several languages."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.annotate.dates import dates
from watcher.model import TextField

DAY = date(2024, 7, 30)


@pytest.mark.parametrize(
    ("text", "words", "day", "precision"),
    [
        ("On June 21st, 2023, they met.", "June 21st, 2023", date(2023, 6, 21), "day"),
        ("It began on 21 June.", "21 June", date(2024, 6, 21), "day"),
        ("Updated 2024-07-30.", "2024-07-30", date(2024, 7, 30), "day"),
        ("signed on July 29, marking", "July 29", date(2024, 7, 29), "day"),
        ("in December 2020 the", "December 2020", date(2020, 12, 1), "month"),
        ("paid $100 million last July.", "last July", date(2023, 7, 1), "month"),
        ("the first quarter of 2025", "first quarter of 2025", date(2025, 1, 1), "quarter"),
        ("in Q3 2024 sales", "Q3 2024", date(2024, 7, 1), "quarter"),
        ("founded in 2016 by", "2016", date(2016, 1, 1), "year"),
        ("they met on Monday in", "on Monday", date(2024, 7, 29), "day"),
        ("双方于2024年7月29日签约", "2024年7月29日", date(2024, 7, 29), "day"),
        ("双方7月29日签约", "7月29日", date(2024, 7, 29), "day"),
        ("去年双方互访", "去年", date(2023, 1, 1), "year"),
        ("2024年第一季度", "2024年第一季度", date(2024, 1, 1), "quarter"),
        ("２０２４年７月", "２０２４年７月", date(2024, 7, 1), "month"),
        ("2024년 7월 29일 체결", "2024년 7월 29일", date(2024, 7, 29), "day"),
        ("el 21 de junio de 2023 en", "21 de junio de 2023", date(2023, 6, 21), "day"),
        ("am 11. Oktober 2023 in", "11. Oktober 2023", date(2023, 10, 11), "day"),
        ("il 3 maggio 2024 a", "3 maggio 2024", date(2024, 5, 3), "day"),
    ],
)
def test_dates_are_read_with_their_precision(text: str, words: str, day: date, precision: str) -> None:
    found = dates(text, TextField.TEXT, DAY)
    assert [(one.text, one.day, one.precision) for one in found] == [(words, day, precision)]


@pytest.mark.parametrize(
    "text", ["It may help 2,024 people.", "code AB-2019 and 3.2019", "$2020 a piece", "version 1.12.3", "2024-13-45"]
)
def test_numbers_and_modal_verbs_are_no_dates(text: str) -> None:
    assert dates(text, TextField.TEXT, DAY) == ()


def test_without_an_item_date_a_day_without_a_year_is_left_out() -> None:
    assert dates("signed on July 29", TextField.TEXT, None) == ()
