"""A served console over rows that the real line made: a feed polled, two rules, events, a webhook and a mail sent.

The rules are few and small, so that a browser's tests do not wait for compiling; what they find is told for real.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path

import httpx
from console_rows import SIGNING_SECRET
from reading import PASSWORD, PASSWORD_HASH, served
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher import pipeline, runtime
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.settings import Settings

__all__ = ["FUNDING", "NEWS", "PASSWORD", "SIGNING_SECRET", "Newsroom", "newsroom"]

FUNDING = """id: funding
title: Funding
titles: {zh: 融资}
status: stable
level: high
selections:
  round:
    stance: asserted
    any:
      - raise|close ...6 <money>
      - 完成...10融资
condition: round
facts:
  amount: {kind: money}
  recipient: {kind: party, kinds: [company]}
tests:
  - match: Exampla Therapeutics has raised $30 million.
  - no_match: Exampla Therapeutics opened a laboratory.
"""
_OPENINGS = """id: openings
title: New plants
status: experimental
level: low
selections:
  opened:
    any:
      - open ...4 plant
condition: opened
tests:
  - match: Exampla Therapeutics has opened a plant in Porto.
  - no_match: Exampla Therapeutics closed an office in Porto.
"""
NEWS = (
    ("Acme Bio raises $40 million for its antibody", "Acme Bio raised $40 million from Foo Capital on Monday."),
    ("Kestrel Bio closes €12.5 million seed round", "Kestrel Bio closed €12.5 million of seed money on Friday."),
    ("Lyra Oncology lands SEK 150 million", "Lyra Oncology landed SEK 150 million from Novanta Fund in Lund."),
    ("示例生物宣布完成近3亿元人民币B轮融资", "示例生物今日宣布完成近3亿元人民币B轮融资，由北风资本领投。"),
    ("Merida Pharma opens a plant in Porto", "Merida Pharma opened a plant in Porto. Two hundred people work there."),
    ("Council discusses its roads", "The council discussed roads and parks, and went home early."),
)
"""What the feed tells: the rule finds the first, the second and the fourth."""
_CONFIG = """feeds:
  - {url: "%(web)s/feed", title: Biotech wire, alert_history: all}
  - {url: "%(web)s/nothing", title: A feed that fails}
channels:
  mail: {kind: email, to: desk@example.org, sender: Watcher <watcher@watch.example>, smtp_url: "smtp://%(smtp)s"}
  hook: {kind: webhook, url: "%(web)s/hook", secret: {env: TEST_WHSEC}, allow_private: true}
  dead: {kind: webhook, url: "%(web)s/dead", secret: {env: TEST_WHSEC}, allow_private: true}
subscriptions:
  desk: {channels: [mail], title: The desk, when: "daily 08:00", zone: Asia/Shanghai}
  urgent: {channels: [hook], title: At once, when: immediate}
  lost: {channels: [dead], title: Nobody takes it, when: immediate}
public_url: %(public)s
signup: {channel: mail}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """The service, where it is served, and the far ends of its line."""

    rt: Runtime
    client: httpx.Client
    base: str
    """The address of its pages, without a slash."""
    web: HttpSink
    inbox: SmtpInbox

    @property
    def rule_file(self) -> Path:
        return self.rt.rules.folder / "funding.yml"

    def publish(self, *news: tuple[str, str]) -> None:
        """Let the feed hold exactly these headlines and texts."""
        self.web.serve("/feed", _rss(news))

    def work(self, *, rounds: int = 8) -> None:
        """What workers do until nothing is due; a poll is asked for at the start."""
        pipeline.poll_now(self.rt)
        for _ in range(rounds):
            waiting = pipeline.due(self.rt)
            if not any(waiting.values()):
                return
            for step, run in pipeline.STEPS.items():
                run(self.rt, waiting.get(step, []))


@contextmanager
def newsroom(url: str, folder: Path, web: HttpSink, inbox: SmtpInbox) -> Iterator[Newsroom]:
    """The service after its first morning; the environment must hold TEST_WHSEC (`SIGNING_SECRET`)."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "funding.yml").write_text(FUNDING, "utf-8")
    (rules / "openings.yml").write_text(_OPENINGS, "utf-8")
    web.answer("/dead", status=410)
    web.answer("/nothing", status=500)
    rt = runtime.open(_settings(url, folder))
    links(rt)  # makes the key
    with served(rt) as client:
        base = str(client.base_url).rstrip("/")
        values = {"web": web.url("").rstrip("/"), "smtp": f"127.0.0.1:{inbox.port}", "public": base}
        (folder / "watcher.yml").write_text(_CONFIG % values, "utf-8")
        pipeline.apply_config(rt, at_once=True)
        pipeline.check_rules(rt)
        room = Newsroom(rt=rt, client=client, base=base, web=web, inbox=inbox)
        room.publish(*NEWS)
        room.work()
        pipeline.send_digest_now(rt, "desk")
        room.work()
        yield room
    rt.close()


def _settings(url: str, folder: Path) -> Settings:
    return Settings(
        database_url=url,
        data_dir=folder,
        config_path=folder / "watcher.yml",
        rules_dir=folder / "rules",
        rules_writable=True,
        admin_password=PASSWORD_HASH,
        allow_private=("127.0.0.0/8",),
        host_spacing_s=0.0,
        canary_every_s=0.0,
    )


def _rss(news: tuple[tuple[str, str], ...]) -> bytes:
    entries = "".join(
        f"<item><guid isPermaLink='false'>{escape(title)}</guid><title>{escape(title)}</title>"
        f"<link>https://news.example/{number}</link><description>{escape(text)}</description></item>"
        for number, (title, text) in enumerate(news)
    )
    return f"<rss version='2.0'><channel><title>Biotech wire</title>{entries}</channel></rss>".encode()
