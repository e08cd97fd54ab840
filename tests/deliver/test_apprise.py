"""Other services through Apprise, on a real server: Apprise's own `json://` posts to it."""

import json
import logging
import re
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from event_factories import alert, digest, event, five_seeds, funding, immediate, snippet, source

from watcher.deliver.apprise import AppriseChannel, outcome
from watcher.deliver.chat_text import TOTAL, inert, room, text
from watcher.deliver.parts import MESSAGES, parts
from watcher.model import AlertLinks, ChannelConfig, ChannelKind, DigestLinks, Language, Notice, OutcomeKind, Rendered

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NONE = Rendered(subject="", text="", html="")
PATH = "/hook/HIDDENTOKEN"


def length(words) -> int:
    return len(words.encode("utf-16-le")) // 2


@pytest.fixture
def channel(http_sink):
    def opened(*, url: str = "", timeout_s: float = 6) -> AppriseChannel:
        address = url or f"json://127.0.0.1:{http_sink.port}{PATH}"
        return AppriseChannel(
            ChannelConfig(id="chat", kind=ChannelKind.APPRISE, url=address),
            resolve=lambda secret: str(secret),
            timeout_s=timeout_s,
        )

    return opened


def send(channel, view=None):
    return channel.send(channel.compose(view or immediate(), NONE, key="k", now=NOW), attempt=1, now=NOW)


def test_an_alert_arrives_as_title_and_text(channel, http_sink):
    told = send(channel())
    assert (told.kind, told.reason) == (OutcomeKind.SENT, "apprise_sent")
    (request,) = http_sink.got(PATH)
    said = json.loads(request.body)
    assert said["title"].startswith("Licensing deals: Konoya licenses CMG901 to AstraZeneca")
    assert said["message"] == (
        "🔴 Konoya licenses CMG901 to AstraZeneca in a deal of up to 1.2 billion dollars\n"
        "Konoya → AstraZeneca · CMG901 · 1.2bn USD · exclusive, global\n"
        "Why: rule licensing-deal\n"
        "https://news.example/22/story"
    )


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        ({"status": 503}, OutcomeKind.RETRY, "apprise_failed"),
        ({"status": 404}, OutcomeKind.RETRY, "apprise_failed"),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, OutcomeKind.RETRY, "apprise_failed"),
        ({"hang_up": True}, OutcomeKind.RETRY, "apprise_failed"),
        ({"delay_s": 20}, OutcomeKind.UNCERTAIN, "timeout"),
    ],
)
def test_what_apprise_knows_of_an_answer_is_all_we_say(channel, http_sink, answer, kind, reason):
    http_sink.answer(PATH, **answer)
    began_at = time.monotonic()
    told = send(channel(timeout_s=5.5))
    assert (told.kind, told.reason) == (kind, reason)
    assert time.monotonic() - began_at < 7
    assert http_sink.got("/elsewhere") == []
    assert "HIDDEN" not in repr(told)


@pytest.mark.parametrize(
    ("status", "waited", "kind"),
    [
        ("SUCCESS", True, OutcomeKind.SENT),
        ("FAILURE", False, OutcomeKind.RETRY),
        ("FAILURE", True, OutcomeKind.UNCERTAIN),
        ("TIMEOUT", False, OutcomeKind.UNCERTAIN),
        ("PARTIAL", False, OutcomeKind.UNCERTAIN),
        ("NOMATCH", False, OutcomeKind.RETRY),
    ],
)
def test_a_failure_that_took_its_time_may_have_arrived(status, waited, kind):
    assert outcome(status, waited=waited).kind is kind


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host", "json://a.example, json://b.example", "tgram://short"])
def test_an_address_that_apprise_does_not_know_takes_the_channel_down(channel, url):
    told = send(channel(url=url))
    assert told.kind in (OutcomeKind.CHANNEL_DOWN, OutcomeKind.RETRY)
    assert url not in repr(told)


def test_without_the_package_the_channel_waits_for_it(channel, monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    told = send(channel())
    assert (told.kind, told.reason) == (OutcomeKind.CHANNEL_DOWN, "apprise_missing")


def test_no_log_holds_the_address(channel, http_sink, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").disabled = False
    http_sink.answer(PATH, status=500, body=b"no: HIDDENTOKEN", times=1)
    send(channel())
    send(channel())
    assert "HIDDEN" not in "".join(one.getMessage() for one in caplog.records if one.name.startswith("apprise"))


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param("@everyone @here", "@\u200beveryone @\u200bhere", id="input-124"),
        pytest.param(
            "<@123> <@&456> <@!7>", "<\u200b@\u200b123> <\u200b@\u200b&456> <\u200b@\u200b!7>", id="input-124-id"
        ),
        pytest.param("<!here> <#C1>", "<\u200b!here> <\u200b#C1>", id="input-124-slack"),
        pytest.param("[bank](http://evil.example)", "[bank]\u200b(http://evil.example)", id="input-124-link"),
        pytest.param("<script>", "<\u200bscript>", id="a-tag"),
        pytest.param("5 < 6 @ noon", "5 < 6 @ noon", id="nothing-to-do"),
    ],
)
def test_foreign_words_call_nobody(raw, shown):
    assert inert(raw) == shown


def test_nothing_of_a_message_calls_anybody(channel, http_sink):
    bad = "@everyone <@1> [x](https://evil.example)"
    told = alert(
        event(title=bad, rule_title=bad, sources=(source(bad, bad, link="https://a.example/@everyone/x)"),)), reason=bad
    )
    send(channel(), digest(told, subscription_title=bad, notes=(bad,), left_out=(bad,)))
    (request,) = http_sink.got(PATH)
    said = json.loads(request.body)
    whole = said["title"] + said["message"]
    assert not re.search(r"@\w|<@|\]\(", whole)
    assert "https://a.example/%40everyone/x%29" in whole


@pytest.mark.parametrize(
    "words", ["word " * 900, "重庆" * 900, "👩\u200d🔬" * 500, "@a" * 900, "<b>" * 900, "x" * 9000]
)
def test_no_words_make_a_text_too_long_for_the_narrowest_service(words):
    links = AlertLinks(event="https://w.example/e/" + "t" * 300)
    told = alert(
        funding(title=words, rule_title=words, snippets=(snippet(words),), sources=(source(words, words),)),
        reason=words,
        links=links,
    )
    page = DigestLinks(browser="https://w.example/d/" + "t" * 200)
    for view in (
        immediate(told),
        digest(*[told] * 9, notes=(words,) * 3, left_out=(words,) * 3, links=page, subscription_title=words),
        digest(notice=Notice(subject=words, lines=(words,) * 40)),
        digest(),
    ):
        for part in parts(ChannelKind.APPRISE, view):
            said = text(part)
            assert 0 < length(said.title) + length(said.body) <= TOTAL
            assert not part.alerts or room(part) >= 1


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_digest_is_cut_between_events(count):
    view = digest(
        *[alert(funding(id=number)) for number in range(count)], links=DigestLinks(browser="https://w.example/d/D")
    )
    cut = parts(ChannelKind.APPRISE, view)
    assert [one.event.id for part in cut for one in part.alerts] == list(range(count))
    assert sum(text(part).body.count("Why: ") for part in cut) == count


def test_what_has_no_room_is_counted_and_can_be_read_elsewhere():
    view = digest(
        *[alert(funding(id=number)) for number in range(60)], links=DigestLinks(browser="https://w.example/d/D")
    )
    cut = parts(ChannelKind.APPRISE, view)
    shown = sum(text(part).body.count("Why: ") for part in cut)
    assert len(cut) == MESSAGES
    assert f"and {60 - shown} more that this message has no room for\nhttps://w.example/d/D" in text(cut[-1]).body


def test_a_chinese_reader_reads_chinese():
    said = text(replace(five_seeds(), language=Language.CHINESE))
    assert said.title.startswith("China biotech: 5个事件")
    assert "入选原因：规则：licensing-deal；12亿美元，不低于1000万美元" in said.body
    assert "更新：Liangjiang" in said.body


def test_a_service_that_takes_less_gets_several_messages_and_the_whole_text(channel, http_sink, monkeypatch):
    from apprise.plugins.custom_json import NotifyJSON

    monkeypatch.setattr(NotifyJSON, "body_maxlen", 200)
    assert send(channel(), five_seeds()).kind is OutcomeKind.SENT
    whole = text(five_seeds()).body
    said = "".join(json.loads(one.body)["message"] for one in http_sink.got(PATH))
    assert len(http_sink.got(PATH)) > 2
    assert "".join(said.split()) == "".join(whole.split())
