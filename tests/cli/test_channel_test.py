"""`watcher channels test`: the sample through real channels to real servers, and what is said of it."""

import base64
import json
import os
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook
from typer.testing import CliRunner

from watcher.cli.channels import app

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
YAML = """\
feeds: []
channels:
  team: {kind: slack, url: {env: SLACK_URL}, allow_private: true}
  hook: {kind: webhook, url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}, allow_private: true}
  guarded: {kind: webhook, url: {env: HOOK_URL}, secret: {env: HOOK_SECRET}}
  mail: {kind: email, to: reader@example.org, sender: news@watch.example, smtp_url: {env: SMTP_URL}}
  discord: {kind: apprise, url: {env: APPRISE_URL}}
subscriptions:
  all: {channels: [team], when: immediate}
"""


@pytest.fixture
def run(tmp_path, http_sink, smtp_inbox, monkeypatch):
    (tmp_path / "watcher.yml").write_text(YAML)
    environ = {
        "SLACK_URL": http_sink.url("/services/HIDDEN"),
        "HOOK_URL": http_sink.url("/hook/HIDDEN"),
        "HOOK_SECRET": SECRET,
        "SMTP_URL": smtp_inbox.url,
        "APPRISE_URL": f"json://127.0.0.1:{http_sink.port}/apprise/HIDDEN",
        "WATCHER_DATA_DIR": str(tmp_path / "data"),
    }
    for name in [one for one in os.environ if one.startswith("WATCHER_")]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_a_sample_goes_through_each_kind_of_channel_and_is_marked_as_a_test(run, http_sink, smtp_inbox):
    for name, kind, reason in (
        ("team", "slack", "http_200"),
        ("hook", "webhook", "http_200"),
        ("mail", "email", "smtp_250"),
        ("discord", "apprise", "apprise_sent"),
    ):
        ended = run("test", name)
        assert ended.exit_code == 0, ended.stderr
        assert ended.stdout.startswith(f"{name} ({kind}): sent ({reason})")
        assert "HIDDEN" not in ended.stdout + ended.stderr
    (slack,) = http_sink.got("/services/HIDDEN")
    assert json.loads(slack.body)["blocks"][0]["text"]["text"] == "⚪ Test message"
    (hook,) = http_sink.got("/hook/HIDDEN")
    message = Webhook(SECRET).verify(hook.body, dict(hook.headers.items()))
    assert (message["type"], message["data"]["subscription"]["id"]) == ("event.created", "watcher-test")
    published = json.loads((ROOT / "watcher/data/webhook.schema.json").read_text())
    Draft202012Validator(published).validate(message)
    (mail,) = smtp_inbox.mails
    assert "Test: Example Bio" in message_from_bytes(mail.body, policy=default)["subject"]
    (other,) = http_sink.got("/apprise/HIDDEN")
    assert "Test: Example Bio" in json.loads(other.body)["message"]


def test_a_digest_may_be_tried_too_and_in_chinese(run, http_sink):
    ended = run("test", "hook", "--digest", "--chinese", "--json")
    told = json.loads(ended.stdout)
    assert (told["outcome"], told["reason"], told["id"][:5]) == ("sent", "http_200", "test-")
    (hook,) = http_sink.got("/hook/HIDDEN")
    assert json.loads(hook.body)["type"] == "digest.closed"
    assert "2.5亿美元" in hook.body.decode()


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("hook", 410, "the channel cannot be used (http_410): the receiver is gone for good"),
        ("hook", 503, "not sent, trying again can help (http_503): the receiver has trouble of its own"),
        ("team", 404, "the channel cannot be used (http_404): no_service"),
    ],
)
def test_what_the_receiver_says_is_told_and_nothing_is_stored(run, http_sink, name, status, said):
    for path in ("/hook/HIDDEN", "/services/HIDDEN"):
        http_sink.answer(path, status=status, body=b"no_service")
    ended = run("test", name)
    assert (ended.exit_code, said in ended.stdout) == (1, True), ended.stdout
    listed = run("list", "--json")
    assert listed.stdout == ""


def test_the_guard_holds_for_a_test_too(run, http_sink):
    ended = run("test", "guarded")
    assert "(refused_address): the address is one that we do not contact" in ended.stdout
    assert http_sink.requests == []


def test_an_unknown_channel_is_said_to_be_unknown(run):
    ended = run("test", "nowhere")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "no channel is called 'nowhere'" in ended.stderr


def test_the_published_schema_is_printed(run):
    ended = run("schema")
    assert ended.stdout == (ROOT / "watcher/data/webhook.schema.json").read_text()
