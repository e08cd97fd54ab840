"""A service with rows of every noun, its API served by uvicorn, and tokens to ask with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from reading import served
from rule_factories import write_rules
from told import Line

from watcher import runtime, settings
from watcher.config import read
from watcher.model import AlertHistory, FeedConfig, Mute, MuteKind, Origin, Secret
from watcher.pipeline import rule_names, tokens
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.store import (
    channels,
    event_search,
    feeds,
    mutes,
    overview,
    subscriptions,
    suppressions,
    verdicts,
)
from watcher.store.verdicts import Verdict

V1 = "/api/v1"
OF_ONE = (
    "/events/1",
    "/events/1/explanation",
    "/items/1",
    "/items/1/explanation",
    "/stories/1",
    "/rules/funding",
    "/rules/funding/file",
    "/feeds/1",
    "/channels/hook",
    "/deliveries/1",
    "/subscriptions/desk",
    "/subscriptions/desk/mutes",
    "/subscriptions/desk/mutes/1",
    "/subscriptions/china/preview?days=3",
    "/digests/1",
)
"""An address of each thing that can be shown by itself."""
EVERY_SCOPE = ("read", "judge", "operate")
RULE = """id: funding
title: Funding
status: stable
level: medium
tags: [money]
selections:
  raised:
    any:
      - phrases: [raises, raised]
facts:
  amount: {kind: money}
condition: raised
tests:
  - match: Acme Bio raises $5 million
  - no_match: nothing of the kind
"""
CONFIG = """feeds: []
channels:
  mail: {kind: email, to: desk@example.org, sender: watcher@watch.example, smtp_url: "smtp://127.0.0.1:9"}
  hook: {kind: webhook, url: "https://receiver.invalid/in", secret: {env: WATCHER_TESTS_NO_SUCH_SECRET}}
subscriptions:
  desk: {channels: [hook], title: The desk, when: immediate}
  china: {channels: [mail, hook], title: 每周摘要, when: "weekly mon 09:00", zone: Asia/Shanghai, language: zh}
ops: []
public_url: https://watch.example
"""
HEADLINES = (
    "Acme Bio raises $5 million to bring its first antibody to patients",
    "药明生物与重庆高新区签署战略合作协议，投资20亿元建设生物药基地",
)


@dataclass(kw_only=True)
class Service:
    """The runtime, its rows, and a client of its served API that holds a token of every scope."""

    rt: Runtime
    events: list[int]
    client: httpx.Client

    def token(self, name: str, *scopes: str) -> dict[str, str]:
        """The header that a new token of those scopes is sent in."""
        return bearer(add_token(self.rt, name, scopes))

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A call below `/api/v1`."""
        return self.client.request(method, V1 + path, **more)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON of a call that goes well."""
        answer = self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def add_token(rt: Runtime, name: str, scopes: Sequence[str]) -> str:
    """A new token's value."""
    return tokens.make(rt, name, scopes, who="tests")


def open_service(url: str, folder: Path, **changes: str) -> Runtime:
    """A runtime over a rule folder of one rule."""
    rules = write_rules(folder / "rules", funding=RULE)
    environ = {
        "WATCHER_DATABASE_URL": url,
        "WATCHER_DATA_DIR": str(folder),
        "WATCHER_CONFIG_PATH": str(folder / "watcher.yml"),
        "WATCHER_RULES_DIR": str(rules),
        "WATCHER_API_PER_MINUTE": "1000000",
    }
    return runtime.open(settings.load(environ | changes))


def fill(rt: Runtime) -> list[int]:
    """Rows of every noun; the ids of the events."""
    links(rt)
    line = Line(rt=rt)
    loaded, now = read("watcher.yml", CONFIG), rt.clock()
    with rt.database.write() as conn:
        overview.remember(conn, "public_url", loaded.public_url)
        channels.sync(conn, loaded.channels, now=now)
        subscriptions.sync_subscriptions(conn, loaded.subscriptions, ops=loaded.ops, now=now)
    rule_names.keep(rt)
    made = line.tell(*HEADLINES)
    with rt.database.write() as conn:
        event_search.index(conn, made)
        headers = {"Authorization": Secret(env="WATCHER_TESTS_NO_SUCH_SECRET")}
        paper = FeedConfig(url="https://paper.example/rss", title="A paper", tags=("china",), headers=headers)
        feeds.add(conn, paper, origin=Origin.CLI, now=now)
        other = FeedConfig(url="https://file.example/rss", alert_history=AlertHistory.ALL)
        feeds.sync_file(conn, [other], now=now)
        verdicts.record(conn, made[0], Verdict.USEFUL, who="anna", note="good", now=now)
        mutes.add(conn, "desk", Mute(kind=MuteKind.RULE, value="trials"), origin=Origin.CLI, now=now)
        suppressions.record(conn, "gone@example.org", hard=True, reason="smtp_550", now=now)
    return made


@contextmanager
def asked(url: str, folder: Path, **changes: str) -> Iterator[Service]:
    """The service, filled and served."""
    rt = open_service(url, folder, **changes)
    try:
        made = fill(rt)
        with served(rt) as client:
            client.headers.update(bearer(add_token(rt, "tester", EVERY_SCOPE)))
            yield Service(rt=rt, events=made, client=client)
    finally:
        rt.close()
