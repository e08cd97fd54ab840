import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from event_factories import alert, digest, event, five_seeds, funding, immediate, partnership, snippet, source

from watcher.deliver.slack import BLOCKS, SECTION, TOTAL, fitted, link, mrkdwn, outcome, payload, weight
from watcher.model import Notice, OutcomeKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def texts(blocks) -> str:
    return json.dumps(blocks, ensure_ascii=False)


def check(message) -> None:
    """Slack's own limits, written down a second time."""
    blocks = message["blocks"]
    assert 1 <= len(blocks) <= 50
    assert 0 < len(message["text"]) <= 1000
    for block in blocks:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 1 <= len(block["text"]["text"]) <= 150
            case "section":
                assert 1 <= len(block.get("text", {"text": "x"})["text"]) <= 3000
                assert len(block.get("fields", [])) <= 10
                assert all(1 <= len(one["text"]) <= 2000 for one in block.get("fields", []))
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                assert all(1 <= len(one["text"]) <= 2000 for one in block["elements"])
            case other:
                assert other == "divider"
    assert weight(blocks) <= 13_000


def test_an_immediate_alert_shows_its_facts_side_by_side():
    message = payload(immediate(alert(event(), reason="rule licensing-deal; 1.2bn USD is at least 10M USD")))
    check(message)
    header, headline, facts, quote, origin = message["blocks"]
    assert header["text"]["text"] == "🔴 Licensing deals"
    assert headline["text"]["text"].startswith("*<https://news.example/22/story|Konoya licenses CMG901")
    assert [one["text"] for one in facts["fields"]] == [
        "*Licensor*\nKonoya",
        "*Licensee*\nAstraZeneca",
        "*Asset*\nCMG901",
        "*Exclusive*\nyes",
        "*Territory*\nglobal",
        "*Total*\n1.2bn USD",
    ]
    assert quote["text"]["text"].startswith("> In February, Konoya \u200b*granted*\u200b AstraZeneca the ")
    assert origin["elements"][0]["text"] == (
        "<https://news.example/22/story|Chengdu High-tech Zone>, 23 Oct 2023\n"
        "Why: rule licensing-deal; 1.2bn USD is at least 10M USD"
    )
    assert message["text"] == (
        "Licensing deals: Konoya licenses CMG901 to AstraZeneca in a deal of up to 1.2 billion dollars "
        "(Konoya → AstraZeneca · CMG901 · 1.2bn USD · exclusive, global)"
    )


def test_an_update_says_so():
    message = payload(immediate(alert(partnership(), update=True)))
    assert message["blocks"][0]["text"]["text"] == "🟠 Update: City partnerships"
    assert message["text"].startswith("Update: City partnerships: Liangjiang and Seoul")


def test_a_digest_lists_every_event_under_its_rule():
    message = payload(five_seeds())
    check(message)
    said = texts(message["blocks"])
    assert message["blocks"][0]["text"]["text"] == "China biotech"
    assert [said.count(f"*{title}*") for title in ("Licensing deals", "Funding", "City partnerships")] == [1, 1, 1]
    assert "Chongqing ↔ Seoul · signed · 29 Jul 2024" in said
    assert "39 of 41 feeds checked. Not reached: Korea Biomed and BioCentury China" in said
    assert message["text"].startswith("China biotech: 5 events. ")


def test_an_empty_digest_and_a_notice_have_their_own_forms():
    assert "Nothing new for you this time" in texts(payload(digest())["blocks"])
    message = payload(digest(notice=Notice(subject="2 feeds fail", lines=("A: 403", "B: <dns>"))))
    check(message)
    assert message["blocks"][1]["text"]["text"] == "A: 403\nB: &lt;dns&gt;"


@pytest.mark.parametrize("words", ["short", "a long story about many things " * 40, "&" * 3000, "重庆" * 800])
def test_what_has_no_room_is_counted_and_nothing_is_cut_in_two(words):
    told = [
        alert(
            funding(id=number, title=words, snippets=(snippet(words, words[:4]),), sources=(source(words, words),) * 9)
        )
        for number in range(100)
    ]
    message = payload(digest(*told))
    check(message)
    shown = texts(message["blocks"]).count("Why: ")
    assert 1 <= shown < 20
    assert f"*and {100 - shown} more events* that this message has no room for" in texts(message["blocks"])


def test_one_event_of_the_largest_size_is_within_every_limit():
    amp = "&" * 5000
    facts = {f"f{number}": one for number, one in enumerate(event().facts.values())}
    huge = event(
        title=amp, rule_title=amp, facts=facts, snippets=(snippet(amp, "&" * 400),), sources=(source(amp, amp),)
    )
    for view in (immediate(alert(huge, reason=amp)), digest(alert(huge, reason=amp), left_out=(amp,) * 9)):
        check(payload(view))
    assert "Why: " in texts(payload(digest(alert(huge)))["blocks"])


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<!here> <@U123>", "&lt;!here&gt; &lt;@U123&gt;"),
        ("<http://evil.example|bank>", "&lt;http://evil.example|bank&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("*bold* _it_ ~no~ `x`", "∗bold∗ ˍitˍ ∼no∼ ˋxˋ"),
        ("GR_1803_b", "GR_1803_b"),
    ],
)
def test_foreign_text_is_inert(raw, shown):
    assert mrkdwn(raw) == shown


@pytest.mark.parametrize("limit", [6, 7, 11, 50])
def test_a_cut_leaves_whole_entities(limit):
    cut = fitted("a&b<c>d" * 20, limit)
    assert len(cut) <= limit
    assert cut.endswith("…")
    assert set(cut.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")) <= set("abcd…")


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://a.example/x?a=1&b=2", "<https://a.example/x?a=1&amp;b=2|W>"),
        ("https://a.example/a|b>c", "<https://a.example/a%7Cb%3Ec|W>"),
        ("javascript:x", "W"),
        ("https://a.example/" + "x" * 1500, "W"),
        (None, "W"),
    ],
)
def test_a_link_cannot_be_broken_out_of(url, made):
    assert link(url, "W", 100) == made


def test_the_limits_are_those_of_slack():
    assert (BLOCKS, SECTION, TOTAL) == (50, 3000, 13_000)


@dataclass
class Said:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "detail"),
    [
        (Said(200, b"ok"), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b""), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b'{"ok": true}'), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b"<html>thanks"), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b"accepted"), OutcomeKind.SENT, "http_200", ""),
        (Said(202, b"queued for later"), OutcomeKind.SENT, "http_202", ""),
        (Said(204, b""), OutcomeKind.SENT, "http_204", ""),
        (Said(400, b"invalid_blocks"), OutcomeKind.REJECTED, "http_400", "invalid_blocks"),
        (Said(400, b"no_text"), OutcomeKind.REJECTED, "http_400", "no_text"),
        (Said(403, b"action_prohibited"), OutcomeKind.CHANNEL_DOWN, "http_403", "action_prohibited"),
        (Said(404, b"no_service"), OutcomeKind.CHANNEL_DOWN, "http_404", "no_service"),
        (Said(410, b"channel_is_archived"), OutcomeKind.CHANNEL_DOWN, "http_410", "channel_is_archived"),
        (Said(500, b"rollup_error"), OutcomeKind.RETRY, "http_500", "rollup_error"),
        (Said(503, b"\xff<b>no"), OutcomeKind.RETRY, "http_503", "the receiver has trouble of its own"),
    ],
)
def test_slacks_answers_are_understood(answer, kind, reason, detail):
    told = outcome(answer, now=NOW)
    assert (told.kind, told.reason, told.detail) == (kind, reason, detail)


def test_slacks_request_to_wait_is_kept():
    assert outcome(Said(429, b"rate_limited", {"retry-after": "30"}), now=NOW).retry_after_s == 30
