"""Events, alerts and digests for tests: the five seed stories as the rules tell them, and any variation of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from watcher.model import (
    AlertView,
    Bound,
    Coverage,
    DigestView,
    EventView,
    Fact,
    FactKind,
    Level,
    RuleStatus,
    Snippet,
    Source,
    Window,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def fact(name: str, kind: FactKind, value: Any, **rest: Any) -> Fact:
    return Fact(name=name, kind=kind, value=value, **rest)


def money(name: str, value: float, currency: str | None, usd: float | None = None, **rest: Any) -> Fact:
    return Fact(name=name, kind=FactKind.MONEY, value=value, currency=currency, usd=usd, **rest)


def source(title: str, feed: str, day: datetime | None = None, language: str = "en", **rest: Any) -> Source:
    link = rest.pop("link", f"https://news.example/{len(feed)}/story")
    return Source(
        item_id=rest.pop("item_id", 1), title=title, link=link, feed=feed, published_at=day, language=language
    )


def snippet(text: str, *marked: str) -> Snippet:
    return Snippet(text=text, marks=tuple((text.index(words), text.index(words) + len(words)) for words in marked))


def event(**changes: Any) -> EventView:
    """The licensing deal of the third seed; any field may be given otherwise."""
    title = changes.pop("title", "Konoya licenses CMG901 to AstraZeneca in a deal of up to 1.2 billion dollars")
    fields: dict[str, Any] = {
        "id": 1,
        "rule_id": "licensing-deal",
        "rule_title": "Licensing deals",
        "level": Level.HIGH,
        "status": RuleStatus.STABLE,
        "revision": 1,
        "title": title,
        "facts": {
            "licensor": fact("licensor", FactKind.PARTY, "Konoya", text="Konoya"),
            "licensee": fact("licensee", FactKind.PARTY, "AstraZeneca", text="AstraZeneca"),
            "asset": fact("asset", FactKind.ASSET, "CMG901"),
            "exclusive": fact("exclusive", FactKind.FLAG, True),
            "territory": fact("territory", FactKind.TEXT, "global"),
            "total": money("total", 1.2e9, "USD", 1.2e9, rate_date=date(2023, 10, 19)),
        },
        "sources": (source(title, "Chengdu High-tech Zone", datetime(2023, 10, 23, tzinfo=UTC)),),
        "snippets": (
            snippet(
                "In February, Konoya granted AstraZeneca the exclusive global right to develop and sell CMG901, "
                "a first-in-class antibody-drug conjugate, for 1.2 billion US dollars in all.",
                "granted",
                "exclusive global right",
                "1.2 billion US dollars",
            ),
        ),
        "tags": ("biotech", "china"),
        "created_at": NOON,
        "updated_at": NOON,
    }
    return EventView(**{**fields, **changes})


def partnership(**changes: Any) -> EventView:
    title = "Liangjiang and Seoul sign a strategic agreement on life sciences"
    return event(
        **{
            "id": 2,
            "rule_id": "city-partnership",
            "rule_title": "City partnerships",
            "level": Level.MEDIUM,
            "title": title,
            "facts": {
                "places": fact("places", FactKind.PLACE, ("Chongqing", "Seoul")),
                "stage": fact("stage", FactKind.TEXT, "signed"),
                "date": fact("date", FactKind.DATE, "2024-07-29"),
                "parties": fact("parties", FactKind.PARTY, ("Liangjiang Life Science Town", "Seoul Bio Hub")),
            },
            "sources": (
                source(title, "Liangjiang New Area", datetime(2024, 7, 30, tzinfo=UTC)),
                source("重庆两江新区与首尔签署战略合作协议", "新华网重庆", datetime(2024, 7, 31, tzinfo=UTC), "zh"),
                source("Seoul Bio Hub in pact with Chongqing", "Korea Biomed", datetime(2024, 7, 31, tzinfo=UTC)),
            ),
            "snippets": (
                snippet(
                    "Liangjiang Life Science Town and Seoul Bio Hub signed a strategic cooperation agreement.",
                    "signed a strategic cooperation agreement",
                ),
            ),
            **changes,
        }
    )


def exploring(**changes: Any) -> EventView:
    title = "Santiago de Compostela and Chongqing open talks on biotechnology"
    return partnership(
        **{
            "id": 3,
            "title": title,
            "level": Level.LOW,
            "facts": {
                "places": fact("places", FactKind.PLACE, ("Santiago de Compostela", "Chongqing")),
                "stage": fact("stage", FactKind.TEXT, "exploring"),
                "date": fact("date", FactKind.DATE, "2023-06-21"),
            },
            "sources": (source(title, "IURC China", datetime(2023, 7, 3, tzinfo=UTC)),),
            "snippets": (snippet("The two cities opened a working session to explore cooperation.", "explore"),),
            **changes,
        }
    )


def funding(**changes: Any) -> EventView:
    title = "重庆国际生物城签约21个项目，总投资102亿元"
    return event(
        **{
            "id": 4,
            "rule_id": "funding",
            "rule_title": "Funding",
            "level": Level.HIGH,
            "title": title,
            "facts": {
                "recipient": fact("recipient", FactKind.PARTY, "Chongqing International Biopharmaceutical City"),
                "amount": money("amount", 10.2e9, "CNY", 1.4307e9, rate_date=date(2025, 12, 15)),
                "projects": fact("projects", FactKind.TEXT, "21"),
            },
            "sources": (source(title, "新华财经", datetime(2025, 12, 16, 8, 35, tzinfo=UTC), "zh"),),
            "snippets": (
                snippet(
                    "今年1至11月，重庆国际生物城签约21个项目，总投资102亿元，到位资金38.33亿元。",
                    "签约21个项目",
                    "102亿元",
                ),
            ),
            **changes,
        }
    )


def out_licence(**changes: Any) -> EventView:
    title = "Chongqing biotech park closes its first overseas licence, GR1803 at 712 million dollars"
    return event(
        **{
            "id": 5,
            "title": title,
            "facts": {
                "licensor": fact("licensor", FactKind.PARTY, "Chongqing International Biopharmaceutical City"),
                "asset": fact("asset", FactKind.ASSET, "GR1803"),
                "total": money("total", 712e6, "USD", 712e6, bound=Bound.AT_MOST),
            },
            "sources": (source(title, "Xinhua Finance", datetime(2025, 12, 16, tzinfo=UTC)),),
            "snippets": (snippet("GR1803 brought the first overseas licence, 712 million dollars in all.", "licence"),),
            **changes,
        }
    )


def alert(of: EventView | None = None, **changes: Any) -> AlertView:
    of = of or event()
    fields: dict[str, Any] = {"alert_id": of.id, "reason": f"rule {of.rule_id}", "event": of, "update": False}
    return AlertView(**{**fields, **changes})


def digest(*alerts: AlertView, **changes: Any) -> DigestView:
    """A daily digest at 08:00 in Shanghai on Sunday 22 November 2026."""
    fields: dict[str, Any] = {
        "key": "dg_5f2c9a",
        "subscription_id": "china-biotech",
        "subscription_title": "China biotech",
        "zone": "Asia/Shanghai",
        "window": Window(key="2026-11-22", closes_at=datetime(2026, 11, 22, 0, 0, tzinfo=UTC)),
        "immediate": False,
        "alerts": alerts,
        "coverage": Coverage(feeds_total=41, feeds_checked=41),
    }
    return DigestView(**{**fields, **changes})


def five_seeds() -> DigestView:
    """The seed stories as one digest, in the order to show."""
    told = "rule licensing-deal; 1.2bn USD is at least 10M USD"
    return digest(
        alert(event(), reason=told),
        alert(out_licence(), reason="rule licensing-deal; up to 712M USD is at least 10M USD"),
        alert(funding(), reason="rule funding; 10.2bn CNY = 1.43bn USD is at least 10M USD"),
        alert(partnership(revision=2), reason="rule city-partnership; place Chongqing", update=True),
        alert(exploring(), reason="rule city-partnership; place Chongqing"),
        coverage=Coverage(feeds_total=41, feeds_checked=39, failing=("Korea Biomed", "BioCentury China")),
        public_url="https://watch.example/",
    )


def immediate(of: AlertView | None = None, **changes: Any) -> DigestView:
    of = of or alert()
    window = Window(key=f"alert:{of.alert_id}", closes_at=NOON)
    return replace(digest(of), **{"immediate": True, "window": window, "coverage": None, **changes})
