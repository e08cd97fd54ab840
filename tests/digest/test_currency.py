"""Amounts in the reader's currency."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from event_factories import alert, event, funding, money, partnership

from watcher.annotate import rates
from watcher.digest.build import build
from watcher.digest.currency import in_currency
from watcher.digest.render import render
from watcher.model import Language, SubscriptionConfig, Window

TOLD = datetime(2024, 7, 30, 9, 0, tzinfo=UTC)


def deal(value: float, currency: str | None, **more):
    return event(facts={"total": money("total", value, currency, told_at=TOLD, **more)})


def test_dollars_are_shown_in_euros_at_the_rate_of_the_news() -> None:
    shown = in_currency(deal(100e6, "USD"), "EUR").facts["total"].shown
    assert shown is not None
    rate = rates.rate("EUR", date(2024, 7, 30))
    assert rate is not None
    assert shown.value == pytest.approx(100e6 / rate.rate)
    assert (shown.currency, shown.rate_date, shown.stale_days) == ("EUR", date(2024, 7, 30), 0)


def test_one_foreign_currency_becomes_another_by_way_of_the_dollar() -> None:
    shown = in_currency(deal(100e6, "CNY", high=200e6), "JPY").facts["total"].shown
    yuan, yen = rates.rate("CNY", TOLD.date()), rates.rate("JPY", TOLD.date())
    assert shown and yuan and yen
    assert shown.value == pytest.approx(100e6 * yuan.rate / yen.rate)
    assert shown.high == pytest.approx(2 * shown.value)


@pytest.mark.parametrize(
    ("told", "currency"),
    [
        (deal(1e6, "EUR"), "EUR"),
        (deal(1e6, None), "EUR"),
        (deal(1e6, "XXX"), "EUR"),
        (deal(1e6, "USD"), "XXX"),
        (deal(1e6, "CNY"), None),
        (partnership(), "EUR"),
    ],
    ids=["its own", "untold", "without a rate", "no such currency", "none asked", "no amount"],
)
def test_an_amount_stays_as_it_is_where_there_is_nothing_to_convert(told, currency) -> None:
    assert in_currency(told, currency) == told


def test_an_old_rate_says_how_old_it_is() -> None:
    late = event(facts={"total": money("total", 1e6, "USD", told_at=datetime(2035, 1, 1, tzinfo=UTC))})
    shown = in_currency(late, "EUR").facts["total"].shown
    assert shown and shown.stale_days == (date(2035, 1, 1) - rates.newest()).days
    assert "stale rate of" in render(built(late)).text.replace("\n ", "")


def built(*events, **asked):
    reader = SubscriptionConfig(id="r", title="Reader", channels=("mail",), currency="EUR", **asked)
    window = Window(key="2026-11-22", closes_at=datetime(2026, 11, 22, tzinfo=UTC))
    return build(key="k", subscription=reader, window=window, immediate=False, alerts=[alert(one) for one in events])


def test_a_digest_is_built_in_the_currency_and_language_of_its_reader() -> None:
    view = built(funding(), language=Language.CHINESE)
    assert (view.currency, view.language) == ("EUR", Language.CHINESE)
    assert "102亿元人民币（约合12.3亿欧元，2025年12月15日汇率）" in render(view).html.replace("</b>", "")
