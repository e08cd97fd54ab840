"""The Slack channel on a real server: what follows each of Slack's words."""

import json
import time
from datetime import UTC, datetime

import pytest
from event_factories import five_seeds, immediate

from watcher.deliver.answer import gone_for_good
from watcher.deliver.slack import SlackChannel
from watcher.model import ChannelConfig, ChannelKind, OutcomeKind, Rendered
from watcher.net.client import GuardedClient

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PATH = "/services/HIDDENTOKEN"


@pytest.fixture
def send(http_sink):
    with GuardedClient(allow_private=("127.0.0.0/8",), connect_s=2, total_s=5) as client:

        def sent(view=None, timeout_s=4.0):
            config = ChannelConfig(id="team", kind=ChannelKind.SLACK, url=http_sink.url(PATH))
            channel = SlackChannel(config, client=client, resolve=str, timeout_s=timeout_s)
            envelope = channel.compose(view or immediate(), Rendered(subject="", text="", html=""), key="k", now=NOW)
            return channel.send(envelope, attempt=1, now=NOW)

        yield sent


@pytest.mark.parametrize("word", [b"invalid_blocks", b"msg_blocks_too_long", b"invalid_payload\n"])
def test_blocks_that_slack_refuses_go_once_more_as_text(send, http_sink, word):
    http_sink.answer(PATH, status=400, body=word, times=1)
    told = send(five_seeds())
    assert (told.kind, told.reason) == (OutcomeKind.SENT, "sent_as_text")
    assert told.detail == f"as plain text, since Slack said {word.decode().strip()}"
    first, second = (json.loads(one.body) for one in http_sink.got(PATH))
    assert "blocks" in first
    assert "blocks" not in second
    assert "Konoya → AstraZeneca · CMG901" in second["text"]
    assert second["unfurl_links"] is False


def test_text_that_slack_refuses_too_is_not_sent_a_third_time(send, http_sink):
    http_sink.answer(PATH, status=400, body=b"invalid_blocks")
    told = send()
    assert (told.kind, told.reason, told.detail) == (OutcomeKind.REJECTED, "http_400", "invalid_blocks")
    assert len(http_sink.got(PATH)) == 2


@pytest.mark.parametrize(
    ("second", "kind", "reason"),
    [
        ({"status": 429, "headers": {"Retry-After": "30"}}, OutcomeKind.RETRY, "http_429"),
        ({"status": 503}, OutcomeKind.RETRY, "http_503"),
        ({"hang_up": True}, OutcomeKind.UNCERTAIN, "connection"),
    ],
)
def test_what_befalls_the_text_is_what_is_told(send, http_sink, second, kind, reason):
    http_sink.answer(PATH, status=400, body=b"invalid_blocks", times=1)
    http_sink.answer(PATH, **second)
    told = send()
    assert (told.kind, told.reason) == (kind, reason)


def test_both_posts_together_keep_the_time_of_one(send, http_sink):
    http_sink.answer(PATH, status=400, body=b"invalid_blocks", delay_s=1, times=1)
    http_sink.answer(PATH, delay_s=9)
    began_at = time.monotonic()
    assert send(timeout_s=2.5).reason == "timeout"
    assert time.monotonic() - began_at < 4


@pytest.mark.parametrize("word", [b"user_not_found", b"no_text", b"channel_is_full"])
def test_other_words_of_a_400_reject_the_message_at_once(send, http_sink, word):
    http_sink.answer(PATH, status=400, body=word)
    assert (send().kind, len(http_sink.got(PATH))) == (OutcomeKind.REJECTED, 1)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (403, "action_prohibited"),
        (403, "invalid_token"),
        (404, "channel_not_found"),
        (404, "no_service"),
        (404, "no_team"),
        (410, "channel_is_archived"),
    ],
)
def test_a_webhook_that_slack_took_away_disables_the_channel(send, http_sink, status, word):
    http_sink.answer(PATH, status=status, body=word.encode())
    told = send()
    assert (told.kind, told.reason, told.detail) == (OutcomeKind.CHANNEL_DOWN, f"http_{status}", word)
    assert gone_for_good(ChannelKind.SLACK, told)


def test_slack_asks_to_wait(send, http_sink):
    http_sink.answer(PATH, status=429, headers={"Retry-After": "17"}, body=b"rate_limited")
    told = send()
    assert (told.kind, told.retry_after_s, told.detail) == (OutcomeKind.RETRY, 17, "rate_limited")


def test_a_page_that_is_not_slack_s_counts_as_unknown(send, http_sink):
    http_sink.answer(PATH, body=b"<html>Sign in to the hotel's network")
    told = send()
    assert (told.kind, told.reason, told.retry_after_s) == (OutcomeKind.UNCERTAIN, "not_ok", 600)
