"""Amounts: value, currency, bound and span."""

from __future__ import annotations

import time
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotate.money import money, parse_threshold
from watcher.annotate.sentences import sentences
from watcher.model import Bound, Money, MoneyRole, TextField

TEXT = TextField.TEXT
DAY = date(2025, 6, 20)


def found(text: str, language: str | None = None, dated: date | None = DAY) -> tuple[Money, ...]:
    return money(text, TEXT, sentences(text, TEXT, dated=dated), language=language, dated=dated)


@pytest.mark.parametrize(
    ("text", "words", "value", "currency"),
    [
        ("raised $12.5 million in", "$12.5 million", 12.5e6, "USD"),
        ("with 1.2 billion US dollars in", "1.2 billion US dollars", 1.2e9, "USD"),
        ("totaling 712 million USD.", "712 million USD", 712e6, "USD"),
        ("about RMB315 million.", "RMB315 million", 315e6, "CNY"),
        ("took 315 million yuan.", "315 million yuan", 315e6, "CNY"),
        ("a £3.3m round", "£3.3m", 3.3e6, "GBP"),
        ("for €1.5B in", "€1.5B", 1.5e9, "EUR"),
        ("paid EUR 2 billion.", "EUR 2 billion", 2e9, "EUR"),
        ("HK$3.36 billion in", "HK$3.36 billion", 3.36e9, "HKD"),
        ("A$20 million in", "A$20 million", 20e6, "AUD"),
        ("NT$900 million in", "NT$900 million", 900e6, "TWD"),
        ("S$14m from", "S$14m", 14e6, "SGD"),
        ("CHF 12 million.", "CHF 12 million", 12e6, "CHF"),
        ("SEK 85 million.", "SEK 85 million", 85e6, "SEK"),
        ("₹120 crore from", "₹120 crore", 1.2e9, "INR"),
        ("Rs 50 lakh from", "Rs 50 lakh", 5e6, "INR"),
        ("₩30bn from", "₩30bn", 30e9, "KRW"),
        ("30 billion won in", "30 billion won", 30e9, "KRW"),
        ("$57,073,482 in", "$57,073,482", 57073482, "USD"),
        ("a fee of $50.0 thousand and", "$50.0 thousand", 50_000, "USD"),
        ("one hundred million dollars of", "one hundred million dollars", 1e8, "USD"),
        ("half a billion euros for", "half a billion euros", 5e8, "EUR"),
        ("250 Mio. £ investiert", "250 Mio. £", 250e6, "GBP"),
        ("4,5 millones de euros", "4,5 millones de euros", 4.5e6, "EUR"),
        ("3,2 milioni di euro", "3,2 milioni di euro", 3.2e6, "EUR"),
        ("R$ 15 milhões em", "R$ 15 milhões", 15e6, "BRL"),
        ("完成三百亿元投资", "三百亿元", 3e10, "CNY"),
        ("支付1.2亿美元首付", "1.2亿美元", 1.2e8, "USD"),
        ("總額7.12億美元。", "7.12億美元", 7.12e8, "USD"),
        ("罚款320万元。", "320万元", 3.2e6, "CNY"),
        ("融资1亿5000万元。", "1亿5000万元", 1.5e8, "CNY"),
        ("認購8.5億港元。", "8.5億港元", 8.5e8, "HKD"),
        ("获2000万欧元。", "2000万欧元", 2e7, "EUR"),
        ("投资1000亿元人民币。", "1000亿元人民币", 1e11, "CNY"),
        ("约12億円を調達", "12億円", 1.2e9, "JPY"),
        ("502억원이었다", "502억원", 5.02e10, "KRW"),
        ("融资总额超过50亿。", "50亿", 5e9, "CNY"),
    ],
)
def test_one_amount_is_read_with_its_value_and_currency(text: str, words: str, value: float, currency: str) -> None:
    (one,) = found(text)
    assert (one.text, one.currency) == (words, currency)
    assert one.value == pytest.approx(value)
    assert text[one.start : one.end] == one.text


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("up to $300m", Bound.AT_MOST),
        ("as much as $300m", Bound.AT_MOST),
        ("nearly $300m", Bound.AT_MOST),
        ("more than $300m", Bound.AT_LEAST),
        ("no less than $300m", Bound.AT_LEAST),
        ("an estimated $300m", Bound.ABOUT),
        ("paid $300m", Bound.EXACT),
        ("超过3亿元", Bound.AT_LEAST),
        ("近3亿元", Bound.AT_MOST),
        ("约3亿元", Bound.ABOUT),
        ("最高3億元", Bound.AT_MOST),
        ("3亿元以上", Bound.AT_LEAST),
        ("3亿元左右", Bound.ABOUT),
        ("3亿多元", Bound.AT_LEAST),
    ],
)
def test_words_beside_an_amount_make_it_a_bound(text: str, bound: Bound) -> None:
    (one,) = found(text)
    assert (one.value, one.bound) == (3e8, bound)


@pytest.mark.parametrize(
    ("text", "value"),
    [("完成数亿元融资", 1e8), ("获数千万美元投资", 1e7), ("亿元级A轮", 1e8), ("several hundred million dollars", 1e8),
     ("tens of millions of euros", 1e7), ("수백억원", 1e10)],
)  # fmt: skip
def test_vague_amounts_give_the_lower_end_of_their_order(text: str, value: float) -> None:
    (one,) = found(text)
    assert (one.value, one.bound) == (value, Bound.VAGUE)


@pytest.mark.parametrize(
    ("text", "low", "high", "currency"),
    [
        ("at HK$347.50 to HK$389.", 347.5, 389, "HKD"),
        ("for $10-15 million.", 10e6, 15e6, "USD"),
        ("between $10 million and $15 million.", 10e6, 15e6, "USD"),
        ("5亿至8亿元。", 5e8, 8e8, "CNY"),
        ("3-5亿元。", 3e8, 5e8, "CNY"),
    ],
)
def test_ranges_keep_both_ends(text: str, low: float, high: float, currency: str) -> None:
    (one,) = found(text)
    assert (one.value, one.high, one.currency, one.bound) == (low, high, currency, Bound.RANGE)


@pytest.mark.parametrize(
    "text",
    ["全球发售约1.2亿股",
     "8.63 million shares", "COP 26 in Glasgow", "an INR of 2.5", "In 2021 won the prize", "lost 20 pounds",
     "占地1331亩", "增长12%", "1000多名专家", "120 companies, 42 in trials", "phase 2 of CMG901", "R129 compound", ""],
)  # fmt: skip
def test_counts_weights_codes_and_shares_are_not_money(text: str) -> None:
    assert found(text) == ()


def test_the_same_money_in_brackets_has_the_same_role_and_settles_the_yen_sign() -> None:
    yuan, dollars = found("Huisheng raised ¥500 million (US$70 million).")
    assert [(one.currency, one.role) for one in (yuan, dollars)] == [
        ("CNY", MoneyRole.RAISED),
        ("USD", MoneyRole.RAISED),
    ]
    yen, dollars = found("Ono paid ¥7 billion ($48 million) upfront.")
    assert [(one.currency, one.role) for one in (yen, dollars)] == [
        ("JPY", MoneyRole.UPFRONT),
        ("USD", MoneyRole.UPFRONT),
    ]


def test_a_bare_dollar_is_local_only_where_two_cues_and_no_american_one_say_so() -> None:
    assert found("The NSW health minister in Sydney opened the $99 million building.")[0].currency == "AUD"
    assert found("Sydney's Kora raised $99 million.")[0].currency == "USD"
    assert found("ASX-listed Kora of Sydney won FDA approval and raised $99 million.")[0].currency == "USD"


def test_amounts_are_converted_at_the_rate_of_the_items_date() -> None:
    (one,) = found("raised €10 million", dated=date(2023, 6, 16))
    assert one.converted is not None
    assert one.converted.usd == pytest.approx(10_966_000)
    assert one.converted.rate_date == date(2023, 6, 16)


@pytest.mark.parametrize(
    ("written", "value", "currency"),
    [("10M USD", 10e6, "USD"), ("0USD", 0, "USD"), ("5,000,000 EUR", 5e6, "EUR"), ("US$ 2.5bn", 2.5e9, "USD"),
     ("1亿元", 1e8, "CNY"), ("250000", 250_000, "USD"), ("3k GBP", 3000, "GBP"), ("0USD", 0, "USD"),
     ("50MUSD", 50e6, "USD"), ("2.5bnEUR", 2.5e9, "EUR"), ("10 million", 10e6, "USD")],
)  # fmt: skip
def test_thresholds_are_read_as_people_write_them(written: str, value: float, currency: str) -> None:
    assert parse_threshold(written) == (value, currency)


@pytest.mark.parametrize("written", ["", "much", "10 XQZ", "10M", "USD", "1-2M USD", "-5 USD"])
def test_a_threshold_that_is_none_says_what_to_write(written: str) -> None:
    if written == "10M":
        assert parse_threshold(written) == (10e6, "USD")
        return
    with pytest.raises(ValueError, match="such as 10M USD"):
        parse_threshold(written)


ANY_TEXT = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "$",
            "1",
            "2.5",
            ",",
            " million",
            "亿",
            "元",
            "数",
            "三百",
            "US",
            "¥",
            " to ",
            "-",
            "(",
            " 或",
            "bn",
            "€",
            "억원",
            "级",
            " ",
        ]
    ),
    max_size=50,
).map("".join)


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_spans_slice_back_and_nothing_raises(text: str) -> None:
    amounts = found(text)
    assert all(text[one.start : one.end] == one.text and one.value > 0 for one in amounts)
    assert all(left.end <= right.start for left, right in pairwise(amounts))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9999), st.sampled_from([" million", "亿元", "万美元", "m", "bn"]), st.sampled_from(["$", "€", "£"])
)
def test_full_width_writing_has_the_value_of_half_width_writing(number: int, scale: str, sign: str) -> None:
    plain = f"{'' if scale[-1] == '元' else sign}{number}{scale}"
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in plain)
    assert [(one.value, one.currency) for one in found(wide)] == [(one.value, one.currency) for one in found(plain)]


@pytest.mark.parametrize("unit", ["7", "亿", "$", "$1 ", "1亿", "三百", "数亿元，", "million ", "1-", "¥5 ($5) "])
def test_a_megabyte_of_anything_takes_bounded_time(unit: str) -> None:
    text = (unit * (1_000_000 // len(unit) + 1))[:1_000_000]
    started = time.process_time()
    money(text, TEXT, (), dated=DAY)
    assert time.process_time() - started < 6
