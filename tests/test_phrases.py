"""What our messages say of themselves, in English and Chinese."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from event_factories import alert, event, exploring, fact, funding, money, out_licence, partnership

from watcher import wording
from watcher.digest.choose import choose
from watcher.model import (
    Bound,
    Change,
    ChangeWhy,
    Coverage,
    FactKind,
    Language,
    Level,
    OtherValue,
    RuleParams,
    Shown,
    SubscriptionConfig,
    UnknownAmount,
)

ZH = Language.CHINESE


def filled(form: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(form) if name}


@pytest.mark.parametrize("language", Language)
def test_every_language_has_every_phrase_with_the_same_places_to_fill(language: Language) -> None:
    english, own = wording.PHRASES[Language.ENGLISH], wording.PHRASES[language]
    assert own.keys() == english.keys()
    assert {name: filled(own[name]) for name in own} == {name: filled(english[name]) for name in english}
    assert all(form.strip() for form in own.values())


def test_no_chinese_phrase_was_left_in_english() -> None:
    same = {name for name, form in wording.PHRASES[ZH].items() if form == wording.PHRASES[Language.ENGLISH][name]}
    assert same == {"exact", "range", "letter"}


@pytest.mark.parametrize("kind", [Level, ChangeWhy, Bound])
def test_every_level_change_and_bound_has_its_phrase(kind: type[Level]) -> None:
    assert {str(one) for one in kind} <= wording.PHRASES[ZH].keys()


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (event(), "Konoya → AstraZeneca · CMG901 · 12亿美元 · 独家、全球"),
        (partnership(), "Chongqing ↔ Seoul · 已签署 · 2024年7月29日"),
        (exploring(), "Santiago de Compostela ↔ Chongqing · 接洽中 · 2023年6月21日"),
        (out_licence(), "Chongqing International Biopharmaceutical City · GR1803 · 最高7.12亿美元"),
        (
            funding(),
            "Chongqing International Biopharmaceutical City · "
            "102亿元人民币（约合14.3亿美元，2025年12月15日汇率） · 21个项目",
        ),
        (
            event(
                facts={
                    "recipient": fact("recipient", FactKind.PARTY, "Aurora"),
                    "investors": fact("investors", FactKind.PARTY, ("A", "B", "C", "D", "E")),
                    "round": fact("round", FactKind.TEXT, "Series B"),
                    "amount": money("amount", 80e6, "EUR", 92.4e6),
                    "upfront": money("upfront", 5e6, "EUR"),
                    "exclusive": fact("exclusive", FactKind.FLAG, False),
                }
            ),
            "Aurora ← A、B、C等，另有2个 · B轮 · 8000万欧元（约合9240万美元） · 首付款500万欧元 · 非独家",
        ),
    ],
)
def test_facts_read_as_one_line_in_chinese(told, line) -> None:
    assert wording.facts_line(told, ZH) == line


def test_fact_rows_have_chinese_labels() -> None:
    assert wording.fact_rows(event(), ZH) == (
        ("许可方", "Konoya"),
        ("引进方", "AstraZeneca"),
        ("产品", "CMG901"),
        ("独家", "是"),
        ("地区", "全球"),
        ("总金额", "12亿美元"),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (999, "999"),
        (12.5, "12.5"),
        (9_999, "9999"),
        (10_000, "1万"),
        (850_000, "85万"),
        (99_999_999, "1亿"),
        (712e6, "7.12亿"),
        (1.2e9, "12亿"),
        (1.5e12, "1.5万亿"),
    ],
)
def test_chinese_numbers_go_by_ten_thousands(value, words) -> None:
    assert wording.compact(value, language=ZH) == words


@pytest.mark.parametrize(
    ("bound", "high", "words"),
    [
        (None, None, "1000万欧元"),
        (Bound.ABOUT, None, "约1000万欧元"),
        (Bound.AT_LEAST, None, "超过1000万欧元"),
        (Bound.AT_MOST, None, "最高1000万欧元"),
        (Bound.RANGE, 15e6, "1000万–1500万欧元"),
        (Bound.VAGUE, None, "1000万欧元以上"),
    ],
)
def test_a_chinese_amount_says_its_bound(bound, high, words) -> None:
    fact = money("amount", 10e6, "EUR", bound=bound, high=high)
    assert wording.amount(fact, ZH) == words
    # what is kept in English words comes out the same
    assert wording.translated(wording.amount(fact), ZH) == words


@pytest.mark.parametrize("words", ["Acme 3 USD Inc", "COVID 19 ABC", "series A2", "v1.2bn", "1.2bn", ""])
def test_words_that_are_no_amount_of_ours_keep_what_they_say(words) -> None:
    assert wording.translated(words, Language.ENGLISH) == words
    assert wording.translated(words, ZH).replace("美元", " USD").replace("19 ABC", "19 ABC").split() == words.split()


def test_a_currency_without_a_chinese_name_stands_by_its_code_and_an_untold_one_is_said() -> None:
    assert wording.amount(money("a", 5e6, "XAF"), ZH) == "500万 XAF"
    assert wording.amount(money("a", 5e6, None), ZH) == "500万（币种未说明）"


SHOWN = Shown(value=1.1e9, currency="EUR", rate_date=date(2023, 10, 19))


@pytest.mark.parametrize(
    ("shown", "english", "chinese"),
    [
        (SHOWN, "1.2bn USD (≈ 1.1bn EUR, rate of 19 Oct 2023)", "12亿美元（约合11亿欧元，2023年10月19日汇率）"),
        (
            replace(SHOWN, stale_days=30),
            "1.2bn USD (≈ 1.1bn EUR, stale rate of 19 Oct 2023, 30 days off)",
            "12亿美元（约合11亿欧元，2023年10月19日旧汇率，相差30天）",
        ),
        (
            replace(SHOWN, high=1.3e9),
            "1.2bn USD (≈ 1.1bn–1.3bn EUR, rate of 19 Oct 2023)",
            "12亿美元（约合11亿–13亿欧元，2023年10月19日汇率）",
        ),
    ],
)
def test_an_amount_stands_beside_its_worth_in_the_readers_currency(shown, english, chinese) -> None:
    amount = money("total", 1.2e9, "USD", 1.2e9, shown=shown)
    assert (wording.full_amount(amount), wording.full_amount(amount, ZH)) == (english, chinese)


def test_a_dollar_worth_at_a_rate_far_from_the_news_is_said_to_be_stale() -> None:
    told = datetime(2026, 1, 20, tzinfo=UTC)
    amount = money("total", 10e6, "CNY", 1.4e6, rate_date=date(2026, 1, 2), told_at=told)
    assert wording.full_amount(amount) == "10M CNY (≈ 1.4M USD, stale rate of 2 Jan 2026, 18 days off)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(fact="total", before="1bn USD", after="up to 1.2bn USD", why=ChangeWhy.CORRECTED),
         "总金额由10亿美元更正为最高12亿美元"),
        (Change(fact="stage", before="exploring", after="signed", why=ChangeWhy.MOVED_ON), "阶段由接洽中变为已签署"),
        (Change(fact="amount", before="", after="5M EUR", why=ChangeWhy.NOW_KNOWN), "金额现已获知：500万欧元"),
        (Change(fact="stage", before="", after="ended", why=ChangeWhy.ENDED), "据报道已终止"),
        (Change(fact="date", before="2026-01-02", after="2026-01-05", why=ChangeWhy.NEWER),
         "日期由2026年1月2日更正为2026年1月5日（据较新来源）"),
    ],
)  # fmt: skip
def test_a_change_is_told_in_chinese(change, words) -> None:
    assert wording.change(change, ZH) == words
    assert wording.update_line(alert(update=True, changes=(change, change)), ZH) == f"{words}；{words}"


def test_what_other_sources_tell_is_told_in_chinese() -> None:
    other = OtherValue(value=1.4e9, currency="USD")
    told = event(facts={"total": money("total", 1.2e9, "USD", 1.2e9, others=(other,))})
    assert wording.facts_line(told, ZH) == "12亿美元（其他来源：14亿美元）"


def reader(**asked) -> SubscriptionConfig:
    return SubscriptionConfig(id="r", title="r", channels=("mail",), **asked)


@pytest.mark.parametrize(
    ("asked", "chinese"),
    [
        (reader(), "规则：funding"),
        (reader(places=("Chongqing",)), "规则：funding；地点：Chongqing"),
        (reader(parties=("重庆国际生物城",)), "规则：funding；标题中的机构：重庆国际生物城"),
        (reader(languages=("zh",)), "规则：funding；语言：zh"),
        (reader(tags=("biotech",)), "规则：funding；标签：biotech"),
        (reader(at_least="10M USD", at_least_usd=10e6), "规则：funding；102亿元人民币 ≈ 14.3亿美元，不低于1000万美元"),
        (reader(at_least="10M XXX"), "规则：funding；要求至少1000万 XXX，但无法折合美元，未予适用"),
        (reader(at_least="2bn USD", at_least_usd=2e9), "102亿元人民币 ≈ 14.3亿美元，低于20亿美元"),
        (reader(places=("Porto", "Busan")), "没有地点属于Porto and Busan"),
        (reader(languages=("fr",)), "报道语言为zh，不是fr"),
    ],
)
def test_every_reason_of_choice_is_told_in_chinese(asked, chinese) -> None:
    assert wording.reason(choose(funding(), asked).reason, ZH) == chinese


def test_the_reasons_for_an_unknown_amount_are_told_in_chinese() -> None:
    untold = funding(facts={})
    kept = reader(params={"funding": RuleParams(unknown_amount=UnknownAmount.MATCH)})
    assert wording.reason(choose(untold, kept).reason, ZH) == "规则：funding；金额未知，仍予告知"
    asked = choose(untold, reader(at_least="10M USD", at_least_usd=10e6)).reason
    assert wording.reason(f"told before; now {asked}", ZH) == "此前已告知；现在：金额未知，要求至少1000万美元"


def test_a_reason_that_nobody_translated_stays_as_it_is() -> None:
    assert wording.reason("sent by hand; rule x", ZH) == "sent by hand；规则：x"


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (None, ""),
        (Coverage(feeds_total=1, feeds_checked=1), "已检查1个来源。"),
        (Coverage(feeds_total=41, feeds_checked=41), "全部41个来源均已检查。"),
        (
            Coverage(feeds_total=41, feeds_checked=38, failing=("甲", "乙", "丙"), silent=("丁",)),
            "共41个来源，已检查38个。未能连接：甲、乙和丙。长期没有更新：丁。",
        ),
    ],
)
def test_the_coverage_line_is_told_in_chinese(coverage, words) -> None:
    assert wording.coverage(coverage, ZH) == words
