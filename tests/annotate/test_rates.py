"""Amounts in US dollars."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.annotate.rates import newest, to_usd


def test_the_rate_of_the_day_is_taken_and_the_friday_before_a_weekend() -> None:
    friday, sunday = to_usd(100, "EUR", date(2023, 6, 16)), to_usd(100, "EUR", date(2023, 6, 18))
    assert friday is not None and sunday is not None
    assert friday.usd == pytest.approx(109.66)
    assert (friday.rate_date, friday.stale_days) == (date(2023, 6, 16), 0)
    assert (sunday.usd, sunday.rate_date, sunday.stale_days) == (friday.usd, date(2023, 6, 16), 2)


def test_cross_rates_go_through_the_euro_of_the_same_day() -> None:
    yuan = to_usd(10.2e9, "CNY", date(2025, 12, 16))
    assert yuan is not None
    assert yuan.usd == pytest.approx(1.448e9, rel=1e-3)


def test_dollars_stay_dollars_and_no_date_means_the_newest_rate() -> None:
    dollars, yen = to_usd(5, "USD", None), to_usd(1000, "JPY", None)
    assert dollars is not None and yen is not None
    assert (dollars.usd, dollars.rate) == (5, 1.0)
    assert (yen.rate_date, yen.stale_days) == (newest(), 0)


def test_currencies_without_a_central_bank_rate_come_from_the_dated_table_with_their_age() -> None:
    taiwan = to_usd(292, "TWD", date(2025, 7, 10))
    assert taiwan is not None
    assert taiwan.usd == pytest.approx(10.0)
    assert (taiwan.rate_date, taiwan.stale_days) == (date(2025, 6, 30), 10)


def test_a_rate_that_stopped_is_used_with_its_age_or_the_nearer_table() -> None:
    early, late = to_usd(100, "RUB", date(2022, 5, 1)), to_usd(100, "RUB", date(2025, 6, 1))
    assert early is not None and late is not None
    assert early.rate_date == date(2022, 3, 1)
    assert late.rate_date == date(2025, 6, 30)


def test_what_the_euro_replaced_keeps_its_fixed_rate() -> None:
    kuna, euro = to_usd(7.5345, "HRK", date(2024, 3, 1)), to_usd(1, "EUR", date(2024, 3, 1))
    assert kuna is not None and euro is not None
    assert kuna.usd == pytest.approx(euro.usd)


def test_unknown_currencies_and_days_before_all_rates_stay_unconverted() -> None:
    assert to_usd(1, "XXX", None) is None
    assert to_usd(1, None, None) is None
    assert to_usd(1, "EUR", date(1998, 1, 1)) is None
