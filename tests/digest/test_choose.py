import pytest
from event_factories import event, exploring, fact, funding, money, partnership, source

from watcher.digest.choose import choose
from watcher.model import Choice, FactKind, RuleParams, RuleStatus, SubscriptionConfig, UnknownAmount


def subscribed(**filters) -> SubscriptionConfig:
    return SubscriptionConfig(id="s", title="S", channels=("mail",), **filters)


TEN = {"at_least": "10M USD", "at_least_usd": 10e6}


@pytest.mark.parametrize(
    ("told", "filters", "chosen", "reason"),
    [
        (event(), {}, True, "rule licensing-deal"),
        (event(status=RuleStatus.TEST), {}, True, "rule licensing-deal"),
        (
            event(status=RuleStatus.EXPERIMENTAL),
            {},
            False,
            "experimental rule licensing-deal: recorded, never sent",
        ),
        (event(), {"rules": ("funding",)}, False, "rule licensing-deal is not subscribed"),
        (funding(), {"rules": ("funding",)}, True, "rule funding"),
        (funding(), TEN, True, "rule funding; 10.2bn CNY = 1.43bn USD is at least 10M USD"),
        (
            event(facts={"total": money("total", 8e6, "USD", 8e6)}),
            TEN,
            False,
            "8M USD is below 10M USD",
        ),
        (
            event(facts={"total": money("total", 10e6, "USD")}),
            TEN,
            True,
            "rule licensing-deal; 10M USD is at least 10M USD",
        ),
        (partnership(), TEN, False, "amount unknown, at least 10M USD is asked"),
        (
            event(facts={"total": money("total", 8e9, None)}),
            TEN,
            False,
            "8bn (currency not told) has no dollar value, at least 10M USD is asked",
        ),
        (
            funding(),
            {"at_least": "100M CNY", "at_least_usd": 14.1e6},
            True,
            "rule funding; 10.2bn CNY = 1.43bn USD is at least 100M CNY (14.1M USD)",
        ),
        (funding(), {"at_least_usd": 2e9}, False, "10.2bn CNY = 1.43bn USD is below 2bn USD"),
        (
            funding(),
            {"at_least": "5M XAU"},
            True,
            "rule funding; at least 5M XAU is asked, but has no dollar value: not applied",
        ),
        (partnership(), {"places": ("Milan", "seoul")}, True, "rule city-partnership; place seoul"),
        (exploring(), {"places": ("Compostela",)}, True, "rule city-partnership; place Compostela"),
        (partnership(), {"places": ("Milan", "Lyon")}, False, "no place of Milan and Lyon"),
        (funding(), {"places": ("重庆",)}, True, "rule funding; place 重庆 in the title"),
        (funding(), {"places": ("Chongqing",)}, True, "rule funding; place Chongqing"),
        (
            event(title="Nigeria builds a plant", facts={}),
            {"places": ("Niger",)},
            False,
            "no place of Niger",
        ),
        (
            event(facts={"places": fact("places", FactKind.PLACE, "Chongqing", text="重庆市")}, title="x"),
            {"places": ("重庆",)},
            True,
            "rule licensing-deal; place 重庆",
        ),
        (event(), {"parties": ("Astrazeneca",)}, True, "rule licensing-deal; party Astrazeneca"),
        (event(), {"parties": ("Zeneca",)}, False, "no party of Zeneca"),
        (event(), {"parties": ("...",)}, False, "no party of ..."),
        (partnership(), {"languages": ("zh-CN",)}, True, "rule city-partnership; language zh"),
        (event(), {"languages": ("zh", "de")}, False, "told in en, not in de and zh"),
        (
            event(sources=(source("t", "f", language=""),)),
            {"languages": ("en",)},
            False,
            "language unknown, not in en",
        ),
        (event(), {"tags": ("Biotech",)}, True, "rule licensing-deal; tag biotech"),
        (event(), {"tags": ("devices",)}, False, "no tag of devices"),
        (
            funding(),
            {"rules": ("funding",), "places": ("重庆",), "tags": ("china",), "languages": ("zh",), **TEN},
            True,
            "rule funding; place 重庆 in the title; language zh; tag china; "
            "10.2bn CNY = 1.43bn USD is at least 10M USD",
        ),
    ],
)
def test_an_event_is_chosen_or_not_for_a_reason_in_words(told, filters, chosen, reason):
    assert choose(told, subscribed(**filters)) == Choice(chosen=chosen, reason=reason)


def small(**params) -> dict[str, object]:
    return {**TEN, "params": {"funding": RuleParams(**params)}}


@pytest.mark.parametrize(
    ("told", "filters", "chosen", "reason"),
    [
        (
            funding(),
            small(at_least="2bn USD", at_least_usd=2e9),
            False,
            "10.2bn CNY = 1.43bn USD is below 2bn USD",
        ),
        (
            event(facts={"total": money("total", 8e6, "USD", 8e6)}),
            small(at_least="0 USD", at_least_usd=0.0),
            False,
            "8M USD is below 10M USD",
        ),
        (funding(facts={}), small(), False, "amount unknown, at least 10M USD is asked"),
        (
            funding(facts={}),
            small(unknown_amount=UnknownAmount.MATCH),
            True,
            "rule funding; amount unknown, told all the same",
        ),
        (funding(facts={}), small(at_least="0 USD", at_least_usd=0.0), True, "rule funding"),
        (
            funding(facts={}),
            {"params": {"funding": RuleParams(unknown_amount=UnknownAmount.SKIP)}},
            False,
            "amount unknown, events without one are skipped",
        ),
    ],
)
def test_what_is_asked_of_one_rule_goes_before_what_is_asked_of_all(told, filters, chosen, reason) -> None:
    assert choose(told, subscribed(**filters)) == Choice(chosen=chosen, reason=reason)
