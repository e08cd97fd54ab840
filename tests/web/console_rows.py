"""A service with messages in every state for tests of the console: real channels, real receivers, the real steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.smtp import SmtpInbox
from services.web import HttpSink
from told import Line, open_runtime

from watcher import pipeline
from watcher.config import read
from watcher.pipeline import Step, signup
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.sandbox import Sandbox
from watcher.store import channels, digests, overview, subscriptions

PUBLIC = "https://watch.example"
SLACK_SECRET, SIGNING_SECRET, SMTP_SECRET = "SLACKPATHMARK", "whsec_" + "TUFSS0VE" * 5, "SMTPPASSWORDMARK"
"""Marks that must not stand in any page."""
CONFIG = """feeds: []
channels:
  mail: {kind: email, to: Desk <desk@example.org>, sender: Watcher <watcher@watch.example>, smtp_url: {env: TEST_SMTP}}
  team: {kind: slack, url: {env: TEST_SLACK}, allow_private: true}
  hook: {kind: webhook, url: "%(hook)s", secret: {env: TEST_WHSEC}, allow_private: true}
  dead: {kind: webhook, url: "%(dead)s?token=URLTOKENMARK", secret: {env: TEST_WHSEC}, allow_private: true}
subscriptions:
  desk: {channels: [mail, team], title: The desk, when: "daily 08:00", zone: Asia/Shanghai, rules: [funding]}
  urgent: {channels: [hook], title: At once, when: immediate, at_least: 1M USD}
  lost: {channels: [dead], title: Nobody takes it, when: immediate}
  china: {channels: [mail], title: 每周摘要, when: "weekly Mon 09:00", zone: Asia/Shanghai, language: zh, empty: send}
ops: []
public_url: %(public)s
signup: {channel: mail}
"""
HEADLINES = (
    "Acme Bio raises $5 million to bring its first antibody to patients",
    "药明生物与重庆高新区签署战略合作协议，投资20亿元建设生物药基地",
    "Seoul Bio Hub and Basel Area sign a memorandum on start-up exchange",
)


@dataclass(kw_only=True)
class Desked:
    """A runtime with its line, and the receivers that its channels lead to."""

    rt: Runtime
    line: Line
    sink: HttpSink
    inbox: SmtpInbox

    def send(self) -> None:
        """Let everything that is due be sent once."""
        for _ in range(6):
            ids = pipeline.due(self.rt).get(Step.DELIVERIES, [])
            if not ids:
                return
            pipeline.deliver(self.rt, ids)

    def close_digests(self) -> None:
        """Send every open digest now, as its button does."""
        with self.rt.database.write() as conn:
            for one in subscriptions.active(conn):
                digests.close_now(conn, one.id, now=self.rt.clock())
        self.line.tick()


@contextmanager
def desked(url: str, folder: Path, sink: HttpSink, inbox: SmtpInbox) -> Iterator[Desked]:
    """The service over those receivers; the environment must hold `secrets(sink, inbox)`."""
    rt = open_runtime(url, folder)
    links(rt)  # makes the key
    line = Line(rt=rt)
    configure(rt, CONFIG % {"hook": sink.url("/hook"), "dead": sink.url("/dead"), "public": PUBLIC})
    own, rt.sandbox = rt.sandbox, _sandbox()
    yield Desked(rt=rt, line=line, sink=sink, inbox=inbox)
    rt.sandbox = own
    rt.close()


@cache
def _sandbox() -> Sandbox:
    """One child for all tests: starting one costs more than what it renders. It leaves with this process."""
    return Sandbox()


def secrets(sink: HttpSink, inbox: SmtpInbox) -> dict[str, str]:
    """The variables that the channels of `CONFIG` name."""
    return {
        "TEST_SMTP": f"smtp://127.0.0.1:{inbox.port}",
        "TEST_SLACK": sink.url(f"/services/{SLACK_SECRET}"),
        "TEST_WHSEC": SIGNING_SECRET,
    }


def configure(rt: Runtime, text: str) -> None:
    """Bring the rows in step with a watcher.yml of that text."""
    loaded, now = read("watcher.yml", text), rt.clock()
    with rt.database.write() as conn:
        overview.remember(conn, "public_url", loaded.public_url)
        channels.sync(conn, loaded.channels, now=now)
        subscriptions.sync_subscriptions(conn, loaded.subscriptions, ops=loaded.ops, now=now)
        signup.apply(conn, loaded, now=now)
