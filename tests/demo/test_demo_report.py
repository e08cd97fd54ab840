"""The demo's report, printed to recorded consoles of three widths."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from watcher.demo.feeds import Poll
from watcher.demo.hook_text import told
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


@pytest.mark.parametrize("width", [80, 100, 140])
def test_every_fact_is_shown_at_every_width(width: int) -> None:
    words = " ".join(printed(account(), width).replace("│", " ").split())
    for fact in (
        "4 events found", "licensing-deal", "Konoya → AstraZeneca", "CMG901", "1.2bn USD", "exclusive", "global",
        "10.2bn CNY", "≈ 1.43bn USD", "rate of 15 Dec 2025", "signed", "exploring", "重庆国际生物城",
        "Biotech deals: 3 events", "Slack's answer: ok", "Konoya has granted a licence", "event.created", "✓ verified",
        "200 the feed", "304 nothing new", "/tmp/digest.html", "nothing was sent twice", "Everything held after 9.9 s",
    ):  # fmt: skip
        assert fact in words


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(cell_len(line) for line in printed(account(), width).splitlines()) <= width


def test_what_publishers_write_is_never_markup_nor_control() -> None:
    words = printed(account(), 140)
    assert "[bold]open[/bold]" in words
    assert "\x1b" not in words


def test_a_broken_promise_is_told_last() -> None:
    words = printed(account(held=False), 100)
    assert "✗ nothing was sent twice: 7 messages" in words
    assert words.rstrip().endswith("1 of 2 promises did not hold after 9.9 s")


def test_an_empty_account_says_what_is_missing() -> None:
    empty = Account(events=(), mails=(), slack=(), hooks=(), polls=(), checks=(), html_path=None, elapsed_s=1.0)
    words = printed(empty, 80)
    assert "The rules found nothing in these items." in words
    assert "No mail arrived." in words


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"type": "event.created", "data": {"title": "One"}}, ("event.created", "One")),
        ({"type": "event.created", "data": {"event": {"title": "One"}}}, ("event.created", "One")),
        (
            {"type": "digest.closed", "data": {"events": [{"title": "One"}, {"event": {"title": "Two"}}]}},
            ("digest.closed", "One and Two"),
        ),
        ({"type": "digest.closed", "data": {"alerts": []}}, ("digest.closed", "no event")),
        ([], ("?", "not a JSON object")),
    ],
)  # fmt: skip
def test_a_webhook_is_told_by_its_type_and_titles(payload: object, expected: tuple[str, str]) -> None:
    assert told(payload) == expected
