"""Events, far ends and an account by hand, for the tests of the demo."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from watcher.demo.feeds import Poll
from watcher.demo.inbox import Mail
from watcher.demo.receivers import HookPost, SlackPost
from watcher.demo.report import Account, Check, show
from watcher.model import Bound, EventView, Fact, FactKind, Level, RuleStatus, Source

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
MAIL = b"""From: Watcher <watcher@demo.example>
To: reader@demo.example
Subject: Biotech deals: 3 events
Message-ID: <d1@demo.example>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

3 events on 4 March

Licensing deal
  Konoya \xe2\x86\x92 AstraZeneca \xc2\xb7 CMG901 \xc2\xb7 1.2bn USD
  \xe9\x87\x8d\xe5\xba\x86\xe5\x9b\xbd\xe9\x99\x85\xe7\x94\x9f\xe7\x89\xa9\xe5\x9f\x8e
"""


def event(number: int, rule: str, title: str, dated: datetime, *facts: Fact) -> EventView:
    sources = tuple(
        Source(
            item_id=number * 10 + copy,
            title=title,
            link="https://news.example/x",
            feed=feed,
            published_at=dated,
            language="en",
        )
        for copy, feed in enumerate(("Seeds as RSS", "Seeds as Atom", "Seeds as JSON"))
    )
    return EventView(
        id=number, rule_id=rule, rule_title=rule, level=Level.HIGH, status=RuleStatus.STABLE, revision=1, title=title,
        facts={fact.name: fact for fact in facts}, sources=sources, snippets=(), tags=(),
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def party(name: str, value: str) -> Fact:
    return Fact(name=name, kind=FactKind.PARTY, value=value)


def money(value: float, currency: str, usd: float | None = None) -> Fact:
    return Fact(
        name="total", kind=FactKind.MONEY, value=value, currency=currency, bound=Bound.EXACT, usd=usd,
        rate_date=date(2025, 12, 15) if usd else None,
    )  # fmt: skip


def places(*names: str) -> Fact:
    return Fact(name="places", kind=FactKind.PLACE, value=names)


EVENTS = (
    event(
        1, "licensing-deal", "Chengdu hosts the 2023 China Biotechnology Innovation Conference",
        datetime(2023, 10, 19, 12, tzinfo=UTC), party("licensor", "Konoya"), party("licensee", "AstraZeneca"),
        Fact(name="asset", kind=FactKind.ASSET, value="CMG901"), money(1.2e9, "USD", 1.2e9),
        Fact(name="exclusive", kind=FactKind.FLAG, value=True),
        Fact(name="territory", kind=FactKind.TEXT, value="global"),
    ),
    event(
        2, "funding", "Chongqing International Biopharmaceutical City speeds up its innovative drug ecosystem",
        datetime(2025, 12, 16, tzinfo=UTC), party("recipient", "Chongqing International Biopharmaceutical City"),
        money(1.02e10, "CNY", 1.43e9),
    ),
    event(
        3, "city-partnership", "Liangjiang and Seoul sign up to work together in life sciences",
        datetime(2024, 7, 30, 12, tzinfo=UTC), places("Chongqing", "Seoul"),
        Fact(name="stage", kind=FactKind.TEXT, value="signed"),
    ),
    event(
        4, "city-partnership", "圣地亚哥与重庆 [bold]open[/bold] talks on biotechnology\x1b[31m",
        datetime(2023, 6, 21, 12, tzinfo=UTC), places("Santiago de Compostela", "Chongqing"),
        Fact(name="stage", kind=FactKind.TEXT, value="exploring"),
    ),
)  # fmt: skip
SLACK = SlackPost(
    payload={
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Licensing deal"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "*<https://news.example/x|Chengdu hosts>*"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "&gt; Konoya has *granted* a licence"}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "rule licensing-deal"}]},
        ]
    },
    refused=None,
    at=NOW,
)  # fmt: skip
HOOK = HookPost(
    id="msg-1", payload={"type": "event.created", "data": {"title": "Chengdu hosts"}}, verified=True, trouble="", at=NOW
)


def account(*, held: bool = True) -> Account:
    return Account(
        events=EVENTS,
        mails=(Mail(number=1, sender="watcher@demo.example", recipients=("reader@demo.example",), raw=MAIL, at=NOW),),
        slack=(SLACK,),
        hooks=(HOOK,),
        polls=[Poll(path=path, status=status, at=NOW) for status in (200, 304) for path in ("/feed.rss.xml", "/a")],
        checks=(
            Check(promise="every feed was polled", held=True),
            Check(promise="nothing was sent twice", held=held, detail="7 messages"),
        ),
        html_path=Path("/tmp/digest.html"),
        elapsed_s=9.87,
    )  # fmt: skip


def printed(shown: Account, width: int) -> str:
    console = Console(record=True, width=width, file=io.StringIO(), color_system="truecolor")
    show(shown, console)
    return console.export_text()
