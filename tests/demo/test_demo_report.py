"""The demo's report, printed to recorded consoles of three widths."""

import pytest
from demo_values import account, printed
from rich.cells import cell_len

from watcher.demo.hook_text import told
from watcher.demo.report import Account


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
