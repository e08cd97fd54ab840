"""What every kind of channel promises, on real servers."""

import base64
import json
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from event_factories import alert, digest, five_seeds, immediate
from standardwebhooks import Webhook

from watcher.deliver.registry import open_channel
from watcher.digest.render import render
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, ChannelKind, OutcomeKind, Secret
from watcher.net.client import GuardedClient

NOW = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)
HIDDEN = "HIDDENTOKEN"
SIGNING = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
HTTP = (ChannelKind.SLACK, ChannelKind.WEBHOOK)


@pytest.fixture
def client():
    with GuardedClient(allow_private=("127.0.0.0/8",), connect_s=2, total_s=5) as opened:
        yield opened


class Way:
    """A channel of one kind at a server of its own, every address of it kept as a secret."""

    def __init__(self, kind: ChannelKind, address: str, client, timeout_s: float = 3) -> None:
        self.secrets = {"ADDRESS": address, "SIGNING": SIGNING}
        self.config = ChannelConfig(
            id="c",
            kind=kind,
            to="reader@example.org",
            sender="news@watch.example",
            smtp_url=Secret(env="ADDRESS"),
            url=Secret(env="ADDRESS"),
            secret=Secret(env="SIGNING"),
        )
        self.client, self.timeout_s = client, timeout_s

    def resolve(self, secret: Secret) -> str:
        if secret.env not in self.secrets:
            raise CannotHelp(f"{secret.env} is not set; the others are {self.secrets}")
        return self.secrets[secret.env]

    def open(self):
        return open_channel(self.config, client=self.client, resolve=self.resolve, timeout_s=self.timeout_s)

    def compose(self, view=None, key="dl_7"):
        view = view or five_seeds()
        return self.open().compose(view, render(view), key=key, now=NOW)

    def send(self, envelope=None, now=NOW, attempt=1):
        return self.open().send(envelope or self.compose(), attempt=attempt, now=now)


@pytest.fixture(params=list(ChannelKind))
def way(request, smtp_inbox, http_sink, client):
    if request.param is ChannelKind.EMAIL:
        return Way(request.param, f"smtp://reader:{HIDDEN}@127.0.0.1:{smtp_inbox.port}", client)
    return Way(request.param, http_sink.url(f"/services/{HIDDEN}"), client)


@pytest.fixture(params=HTTP)
def http_way(request, http_sink, client):
    return Way(request.param, http_sink.url(f"/services/{HIDDEN}"), client)


def silent(outcome) -> None:
    for told in (outcome.detail, outcome.reason, repr(outcome)):
        assert HIDDEN not in told
        assert SIGNING[6:] not in told
        assert "\n" not in told


def test_composing_needs_no_secret_and_gives_the_same_bytes_again(way):
    way.secrets = {}
    for view in (five_seeds(), digest(), immediate(alert())):
        assert way.compose(view) == way.compose(view)


def test_two_deliveries_have_two_ids(way):
    assert way.compose(key="dl_7").message_id != way.compose(key="dl_8").message_id


def test_a_missing_or_empty_secret_takes_the_channel_down_without_telling(way):
    envelope = way.compose()
    for secrets in ({"OTHER": HIDDEN}, {"ADDRESS": " ", "SIGNING": SIGNING}):
        way.secrets = secrets
        outcome = way.send(envelope)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "secret_missing")
        silent(outcome)


def test_a_channel_without_an_address_is_down(way):
    envelope = way.compose()
    way.config = replace(way.config, smtp_url=None, url=None)
    assert way.send(envelope).reason == "not_configured"


@pytest.mark.parametrize(
    "address", [f"ftp://{HIDDEN}@x.example/", f"https://u:{HIDDEN}@x.example/", f"nonsense {HIDDEN}"]
)
def test_an_address_that_cannot_be_used_takes_the_channel_down_without_telling(way, address):
    envelope = way.compose()
    way.secrets["ADDRESS"] = address
    outcome = way.send(envelope)
    assert outcome.kind is OutcomeKind.CHANNEL_DOWN
    silent(outcome)


def test_nobody_listening_is_tried_again_without_telling(way):
    envelope = way.compose()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    scheme = {ChannelKind.EMAIL: "smtp", ChannelKind.APPRISE: "json"}.get(way.config.kind, "http")
    way.secrets["ADDRESS"] = f"{scheme}://127.0.0.1:{port}/{HIDDEN}"
    outcome = way.send(envelope)
    told = "apprise_failed" if way.config.kind is ChannelKind.APPRISE else "connection"
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, told)
    silent(outcome)


def test_a_mail_arrives_with_its_ids_and_the_same_bytes_at_every_attempt(smtp_inbox, client):
    way = Way(ChannelKind.EMAIL, smtp_inbox.url, client)
    envelope = way.compose()
    for attempt in (1, 2):
        assert way.send(envelope, NOW + timedelta(hours=attempt), attempt).kind is OutcomeKind.SENT
    first, second = smtp_inbox.mails
    assert first.body == second.body == envelope.body
    assert first.message["Message-ID"] == "<dl_7@watch.example>"
    assert (first.sender, first.recipients) == ("news@watch.example", ("reader@example.org",))


def test_a_post_arrives_with_the_same_body_at_every_attempt(http_way, http_sink):
    envelope = http_way.compose()
    for attempt in (1, 2):
        assert http_way.send(envelope, NOW + timedelta(hours=attempt), attempt).kind is OutcomeKind.SENT
    first, second = http_sink.got(f"/services/{HIDDEN}")
    assert first.method == "POST"
    assert first.body == second.body == envelope.body
    assert json.loads(first.body)
    assert first.headers["content-type"].startswith("application/json")
    assert first.headers["cookie"] is None


def test_a_webhook_keeps_its_id_and_signs_each_attempt_anew(http_sink, client):
    way = Way(ChannelKind.WEBHOOK, http_sink.url("/hook"), client)
    envelope = way.compose()
    now = datetime.now(UTC)
    for at in (now - timedelta(minutes=2), now):
        way.send(envelope, at)
    first, second = http_sink.got("/hook")
    for request in (first, second):
        assert request.headers["webhook-id"] == request.headers["idempotency-key"] == "dl_7"
        assert Webhook(SIGNING).verify(request.body, dict(request.headers.items()))["type"] == "digest.closed"
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 120


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, OutcomeKind.CHANNEL_DOWN),
        (400, OutcomeKind.REJECTED),
        (404, OutcomeKind.CHANNEL_DOWN),
        (408, OutcomeKind.RETRY),
        (410, OutcomeKind.CHANNEL_DOWN),
        (429, OutcomeKind.RETRY),
        (503, OutcomeKind.RETRY),
    ],
)
def test_a_status_is_classified_and_a_redirect_not_followed(http_way, http_sink, status, kind):
    path = f"/services/{HIDDEN}"
    headers = {"Retry-After": "17", "Location": http_sink.url("/elsewhere")}
    http_sink.answer(path, status=status, headers=headers, body=f"no: {http_sink.url(path)}".encode())
    outcome = http_way.send()
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")
    assert outcome.retry_after_s == (17 if kind is OutcomeKind.RETRY else None)
    assert http_sink.got("/elsewhere") == []
    silent(outcome)


def test_a_late_or_lost_answer_is_uncertain_where_a_repeat_would_be_seen_twice(http_way, http_sink):
    knows_repeats = http_way.config.kind is ChannelKind.WEBHOOK
    expected = (OutcomeKind.RETRY, None) if knows_repeats else (OutcomeKind.UNCERTAIN, 600)
    path = f"/services/{HIDDEN}"
    http_sink.answer(path, hang_up=True, times=1)
    outcome = http_way.send()
    assert ((outcome.kind, outcome.retry_after_s), outcome.reason) == (expected, "connection")
    http_way.timeout_s = 0.4
    http_sink.answer(path, delay_s=5, times=1)
    outcome = http_way.send()
    assert ((outcome.kind, outcome.retry_after_s), outcome.reason) == (expected, "timeout")
    silent(outcome)


def test_a_private_address_is_refused_by_the_guard(http_way, http_sink):
    envelope = http_way.compose()
    with GuardedClient(total_s=2) as guarded:
        http_way.client = guarded
        outcome = http_way.send(envelope)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "refused_address")
    assert http_sink.requests == []
    silent(outcome)
