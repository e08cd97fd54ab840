"""A webhook whose address is one of our own pages: it changes nothing, and nothing goes round in circles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from event_factories import five_seeds
from reading import everything, open_service, served
from row_factories import add_event
from standardwebhooks import Webhook

from watcher.deliver.webhook import WebhookChannel
from watcher.model import ChannelConfig, ChannelKind, Outcome, OutcomeKind, Rendered, Secret
from watcher.net.client import GuardedClient
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Purpose

NEW, OLD = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "whsec_b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQ="


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path)
    add_event(opened.database)
    yield opened
    opened.close()


def post(url: str, *, private: bool = True) -> Outcome:
    secrets = {"NEW": NEW, "OLD": OLD}
    config = ChannelConfig(
        id="hook", kind=ChannelKind.WEBHOOK, url=url, secret=Secret(env="NEW"), old_secret=Secret(env="OLD")
    )
    now = datetime.now(UTC)
    with GuardedClient(allow_private=("127.0.0.0/8",) if private else ()) as client:
        channel = WebhookChannel(config, client=client, resolve=lambda one: secrets[one.env or ""], timeout_s=5)
        envelope = channel.compose(five_seeds(), Rendered(subject="", text="", html=""), key="dl_7", now=now)
        return channel.send(envelope, attempt=1, now=now)


def _pages(rt: Runtime) -> list[str]:
    def token(purpose: Purpose, **value: object) -> str:
        return f"/{purpose}/{links(rt).token(purpose, **value)}"

    return [
        "/",
        "/metrics",
        "/push/sometoken",
        "/subscribe",
        "/nowhere",
        token(Purpose.UNSUBSCRIBE, s="desk"),
        token(Purpose.PREFERENCES, s="desk"),
        token(Purpose.MUTE, e=1, s="desk"),
        token(Purpose.VOTE, e=1, s="desk", w="useful"),
    ]


def test_input_69_a_webhook_at_our_own_pages_changes_nothing(rt: Runtime) -> None:
    before = everything(rt)
    with served(rt) as client:
        base = str(client.base_url).rstrip("/")
        told = {path.split("/")[1]: post(base + path) for path in _pages(rt)}
    assert everything(rt) == before
    assert {path for path, outcome in told.items() if outcome.kind is OutcomeKind.SENT} <= {"push", "u"}
    assert told["nowhere"].reason == "http_404"


def test_input_69_the_guard_refuses_our_own_machine(rt: Runtime) -> None:
    with served(rt) as client:
        told = post(str(client.base_url) + "subscribe", private=False)
    assert (told.kind, told.reason) == (OutcomeKind.CHANNEL_DOWN, "refused_address")


def test_a_channel_with_an_old_secret_signs_with_both(http_sink) -> None:
    assert post(http_sink.url("/hook")).kind is OutcomeKind.SENT
    (request,) = http_sink.got("/hook")
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(request.body, dict(request.headers.items()))["type"] == "digest.closed"
