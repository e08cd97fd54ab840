import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from event_factories import alert, digest, event, five_seeds, funding, immediate, partnership, snippet, source

from watcher.deliver.blocks import TOTAL, as_text, faults, payload, size
from watcher.deliver.mrkdwn import fitted, link, mrkdwn, units
from watcher.deliver.parts import MESSAGES, parts
from watcher.deliver.slack import outcome
from watcher.model import AlertLinks, Change, ChangeWhy, ChannelKind, DigestLinks, Language, Notice, OutcomeKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TO_READER = DigestLinks(browser="https://w.example/d/D", preferences="https://w.example/p/P")


def linked(number: int) -> AlertLinks:
    at = f"https://w.example/{{}}/{number}.{'s' * 43}"
    return AlertLinks(event=at.format("e"), useful=at.format("v"), not_useful=at.format("v"), mute=at.format("m"))


def texts(blocks) -> str:
    return json.dumps(blocks, ensure_ascii=False)


# Slack's own limits, written down a second time from its reference and independent of the code.
_TEXT = {"header": 150, "section": 3000}
_SPAN = re.compile(r"<(https?://[^|<>\s]+)\|([^<>]*)>")


def length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check_words(element, most: int) -> None:
    assert set(element) <= {"type", "text", "emoji", "verbatim"}
    words = element["text"]
    assert 1 <= length(words) <= most
    words.encode()  # no half of a character
    if element["type"] == "mrkdwn":
        check_mrkdwn(words)


def check_mrkdwn(words: str) -> None:
    """What is left without its links and entities holds no sign that Slack would read."""
    bare = re.sub(r"^> ", "", _SPAN.sub(lambda found: found[2], words), flags=re.MULTILINE)
    assert not set("<>") & set(bare)
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt);)*", bare, re.DOTALL)
    assert words.count("*") % 2 == 0


def check_button(one) -> None:
    assert (one["type"], one["text"]["type"]) == ("button", "plain_text")
    assert 1 <= length(one["text"]["text"]) <= 75
    assert len(one["url"]) <= 3000
    assert one["url"].startswith("https://")


def check(message) -> None:
    blocks = message["blocks"]
    assert 1 <= len(blocks) <= 50
    assert 0 < len(message["text"]) <= 1000
    check_mrkdwn(message["text"])
    for block in blocks:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                check_words(block["text"], 150)
            case "section":
                assert "text" in block or block["fields"]
                for one in [block["text"]] if "text" in block else []:
                    check_words(one, 3000)
                assert len(block.get("fields", [])) <= 10
                for one in block.get("fields", []):
                    check_words(one, 2000)
                for one in [block["accessory"]] if "accessory" in block else []:
                    check_button(one)
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                for one in block["elements"]:
                    check_words(one, 2000)
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                assert len({one["action_id"] for one in block["elements"]}) == len(block["elements"])
                for one in block["elements"]:
                    check_button(one)
            case other:
                assert other == "divider"
    assert length(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) <= 13_000
    assert len(as_text(message)["text"]) <= 40_000


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
    assert "39 of 41 feeds checked. Not reached: Korea Biomed and BioCentury China." in said
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
    assert f"*and {100 - shown} more that this message has no room for*" in texts(message["blocks"])


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
        pytest.param(
            "<!here> <!channel> <!everyone>", "&lt;!here&gt; &lt;!channel&gt; &lt;!everyone&gt;", id="input-121"
        ),
        pytest.param("<@U123> <!subteam^S1>", "&lt;@\u200bU123&gt; &lt;!subteam^S1&gt;", id="input-121-people"),
        pytest.param("<http://evil.example|bank>", "&lt;http://evil.example|bank&gt;", id="input-121-link"),
        pytest.param("&lt;!here&gt;", "&amp;lt;!here&amp;gt;", id="input-121-decoded-twice"),
        pytest.param("@here @channel", "@\u200bhere @\u200bchannel", id="input-121-names"),
        pytest.param("a@b.example", "a@b.example", id="an-address-stays"),
        pytest.param("```x *bold* _it_ ~no~ `x`", "ˋˋˋx ∗bold∗ ˍitˍ ∼no∼ ˋxˋ", id="input-122"),
        pytest.param("*open _and `never closed", "∗open ˍand ˋnever closed", id="input-122-unbalanced"),
        pytest.param("GR_1803_b", "GR_1803_b", id="a-name-stays"),
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
        pytest.param("https://a.example/a|b>c", "<https://a.example/a%7Cb%3Ec|W>", id="input-123"),
        pytest.param('https://a.example/"<!here>', "<https://a.example/%22%3C!here%3E|W>", id="input-123-call"),
        pytest.param("https://a.example/a b", "W", id="input-123-space"),
        ("javascript:x", "W"),
        ("https://a.example/" + "x" * 1500, "W"),
        (None, "W"),
    ],
)
def test_a_link_cannot_be_broken_out_of(url, made):
    assert link(url, "W", 100) == made


FAMILY = "👩\u200d🔬\u200d👨\U0001f3fd\u200d⚕️🇨🇳🇰🇷"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(FAMILY * 400, id="input-127"),
        pytest.param("𝔸&" * 2000, id="input-127-astral"),
        pytest.param("\u202eابجد" + "ا" * 3000, id="input-128"),
        pytest.param("x" * 20_000, id="input-128-unbroken"),
        pytest.param("*_~`<!here>```|" * 400, id="input-122-long"),
    ],
)
def test_no_text_breaks_a_limit_or_is_torn_apart(words):
    told = alert(
        event(title=words, rule_title=words, snippets=(snippet(words, words[:6]),), sources=(source(words, words),)),
        reason=words,
        links=linked(1),
    )
    for view in (immediate(told), digest(told, subscription_title=words, notes=(words,) * 3, left_out=(words,))):
        message = payload(replace(view, links=TO_READER))
        check(message)
        for shown in (block["text"]["text"] for block in message["blocks"] if block["type"] == "header"):
            assert not shown.removesuffix("…").endswith("\u200d")
            assert "\u202e" not in shown


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 33])
def test_a_cut_by_utf16_never_halves_a_character(limit):
    for words in ("𝔸𝔹ℂ" * 20, FAMILY * 5, "a🇨🇳" * 20):
        assert units(fitted(words, limit)) <= limit


def test_an_alert_has_its_links_as_buttons_and_a_digest_beside_each_event():
    told = alert(event(), links=linked(1))
    alone = payload(replace(immediate(told), links=TO_READER))
    check(alone)
    (buttons,) = [block["elements"] for block in alone["blocks"] if block["type"] == "actions"]
    assert [one["text"]["text"] for one in buttons] == ["Open", "Useful", "Not useful", "Mute this story"]
    assert buttons[0]["url"] == told.links.event
    listed = payload(replace(digest(told), links=TO_READER))
    check(listed)
    assert [block["accessory"]["url"] for block in listed["blocks"] if "accessory" in block] == [told.links.event]
    assert "<https://w.example/d/D|View in browser> · <https://w.example/p/P|Preferences>" in texts(listed["blocks"])
    assert "unsubscribe" not in texts([alone, listed]).lower()


def test_without_a_public_address_there_are_no_buttons():
    message = payload(immediate())
    check(message)
    assert "button" not in texts(message["blocks"])


def test_an_update_tells_what_changed():
    moved = Change(fact="stage", before="exploring", after="signed", why=ChangeWhy.MOVED_ON)
    view = immediate(alert(partnership(), update=True, changes=(moved,)))
    assert "*Update:* Stage moved on from exploring to signed" in texts(payload(view)["blocks"])
    view = replace(view, language=Language.CHINESE)
    assert "*更新：* 日期" not in texts(payload(view)["blocks"])
    assert payload(view)["blocks"][0]["text"]["text"] == "🟠 更新：City partnerships"


def test_a_chinese_reader_reads_chinese():
    message = payload(replace(five_seeds(), language=Language.CHINESE))
    check(message)
    said = texts(message["blocks"])
    assert "5个事件 · 2026年11月22日星期日 08:00（Asia/Shanghai）" in said
    assert "共41个来源，已检查39个。未能连接：Korea Biomed和BioCentury China。" in said
    assert "入选原因：规则：licensing-deal；12亿美元，不低于1000万美元" in said
    assert not re.search(r"Why|Update|checked|events", said)


# ── several messages ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", [0, 1, 6, 7, 20, 30])
def test_a_digest_is_cut_between_events_and_none_is_lost_or_told_twice(count):
    told = [alert(funding(id=number), links=linked(number)) for number in range(count)]
    view = digest(*told, notes=("Held during your quiet hours.",), left_out=("event 9 could not be written",))
    cut = parts(ChannelKind.SLACK, replace(view, links=TO_READER))
    assert [one.event.id for part in cut for one in part.alerts] == list(range(count))
    messages = [payload(part) for part in cut]
    for message in messages:
        check(message)
    shown = [number for message in messages for number in re.findall(r"example/e/(\d+)\.", texts(message))]
    assert [int(number) for number in shown] == list(range(count))
    assert len(cut) <= MESSAGES
    said = [texts(message["blocks"]) for message in messages]
    assert ["feeds checked" in one for one in said] == [False] * (len(cut) - 1) + [True]
    assert ["could not be written" in one for one in said] == [False] * (len(cut) - 1) + [True]
    assert ["quiet hours" in one for one in said] == [True] + [False] * (len(cut) - 1)
    if len(cut) > 1:
        titles = [message["blocks"][0]["text"]["text"] for message in messages]
        assert titles == [f"China biotech ({number}/{len(cut)})" for number in range(1, len(cut) + 1)]
        assert f"{count} events in {len(cut)} messages" in said[0]


def test_a_digest_beyond_all_messages_says_how_many_had_no_room_and_where_they_are():
    told = [alert(funding(id=number), links=linked(number)) for number in range(200)]
    cut = parts(ChannelKind.SLACK, replace(digest(*told), links=TO_READER))
    messages = [payload(part) for part in cut]
    assert len(cut) == MESSAGES
    shown = sum(len(re.findall(r"example/e/\d", texts(message))) for message in messages)
    assert f"*and {200 - shown} more that this message has no room for*" in texts(messages[-1])
    assert "View in browser" in texts(messages[-1])


def test_the_same_digest_is_cut_the_same_way_again():
    view = digest(*[alert(funding(id=number)) for number in range(40)])
    assert parts(ChannelKind.SLACK, view) == parts(ChannelKind.SLACK, view)


def test_what_breaks_a_limit_is_found_and_goes_as_text():
    message = payload(five_seeds())
    assert faults(message) == ()
    assert size(message["blocks"]) <= TOTAL
    (header, *rest) = message["blocks"]
    long = {**header, "text": {**header["text"], "text": "x" * 151}}
    assert faults({**message, "blocks": [long, *rest]}) == ("header text: 151 of 150",)
    assert faults({**message, "blocks": message["blocks"] * 3})[0].startswith("blocks: ")
    assert faults({**message, "text": ""}) == ("text is empty",)


def test_the_message_without_blocks_says_the_same():
    message = payload(replace(immediate(alert(event(), links=linked(1))), links=TO_READER))
    text = as_text(message)
    assert "blocks" not in text
    check_mrkdwn(text["text"])
    for words in (
        "*🔴 Licensing deals*",
        "*Licensor* Konoya",
        "Why: rule licensing-deal",
        "|Not useful>",
        "> In February",
    ):
        assert words in text["text"]


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Said:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)


REFUSED = "the receiver says that it did not take the message"
NOT_SLACK = "the answer is not Slack's ok: is the address that of an incoming webhook?"


@pytest.mark.parametrize(
    ("answer", "kind", "reason", "detail"),
    [
        (Said(200, b"ok"), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b"ok\n"), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b'{"ok": true}'), OutcomeKind.SENT, "http_200", ""),
        (Said(200, b'{"success":true}'), OutcomeKind.SENT, "http_200", ""),
        (Said(204, b""), OutcomeKind.SENT, "http_204", ""),
        (Said(200, b'{"ok": false, "error": "x"}'), OutcomeKind.REJECTED, "not_ok", REFUSED),
        (Said(200, b"invalid_blocks"), OutcomeKind.REJECTED, "not_ok", "invalid_blocks"),
        (Said(200, b""), OutcomeKind.UNCERTAIN, "not_ok", NOT_SLACK),
        (Said(200, b"<html>Please sign in"), OutcomeKind.UNCERTAIN, "not_ok", NOT_SLACK),
        (Said(202, b"queued for later"), OutcomeKind.UNCERTAIN, "not_ok", NOT_SLACK),
        (Said(200, b"[" * 9000), OutcomeKind.UNCERTAIN, "not_ok", NOT_SLACK),
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
