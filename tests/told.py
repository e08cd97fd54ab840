"""Events told to subscriptions by the real steps, up to the message in the outbox: no worker, nothing sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from row_factories import SNIPPET, WHO, add_feed, draft, match
from sqlalchemy import func, select, update

from watcher import pipeline, runtime, settings
from watcher.model import ChannelConfig, ChannelKind, Fact, FactKind, Secret, SubscriptionConfig
from watcher.pipeline import Step
from watcher.runtime import RuleBook, Runtime
from watcher.store import channels, events, items, stories, subscriptions
from watcher.store import schema as tables


def open_runtime(url: str, folder: Path, clock: Callable[[], datetime] | None = None) -> Runtime:
    """One process's runtime; on PostgreSQL without a clock of its own, as leases take the server's."""
    environ = {
        "WATCHER_DATABASE_URL": url,
        "WATCHER_DATA_DIR": str(folder),
        "WATCHER_CONFIG_PATH": str(folder / "watcher.yml"),
    }
    opened = runtime.open(settings.load(environ), clock=clock)
    opened.rules = _shared_rules(opened)
    return opened


_rules: list[RuleBook] = []


def _shared_rules(opened: Runtime) -> RuleBook:
    """The shipped rules, compiled once for all tests."""
    if not _rules:
        opened.rules.engine()
        _rules.append(opened.rules)
    return _rules[0]


@dataclass(kw_only=True)
class Line:
    """A runtime, the events it is given and the messages it writes."""

    rt: Runtime
    _numbers: Any = field(default_factory=lambda: count(1))
    feed_id: int = 0

    def __post_init__(self) -> None:
        self.feed_id = add_feed(self.rt.database)
        hook = ChannelConfig(
            id="hook", kind=ChannelKind.WEBHOOK, url="https://receiver.example/", secret=Secret(env="WHSEC")
        )
        with self.rt.database.write() as conn:
            channels.sync(conn, [hook], now=self.rt.clock())

    def subscribe(self, *told: SubscriptionConfig) -> None:
        """What watcher.yml says from now on."""
        with self.rt.database.write() as conn:
            subscriptions.sync_subscriptions(conn, told, ops=(), now=self.rt.clock())

    def happen(self, title: str = "", *, rule_id: str = "funding", party: str = "Acme Bio", usd: float = 5e6) -> int:
        """A new event, of one source; its id."""
        number = next(self._numbers)
        title = title or f"Event {number}"
        at = self.rt.clock() - timedelta(seconds=1)  # the server's clock says what is due, not ours
        with self.rt.database.write() as conn:
            drafts = [draft(f"item-{number}", title=title)]
            (item_id,) = items.insert_new(conn, self.feed_id, drafts, history=lambda _: False, now=at)
            (item,) = items.claim(conn, [item_id], owner=WHO, lease_s=60, now=at)
            story = stories.ensure(conn, key=f"k{number}", title=title, now=at)
            facts = {
                "recipient": Fact(name="recipient", kind=FactKind.PARTY, value=party),
                "amount": Fact(name="amount", kind=FactKind.MONEY, value=usd, currency="USD", usd=usd),
            }
            told = match(rule_id, facts=facts)
            made = events.create(conn, story_id=story, match=told, item=item, snippets=[SNIPPET], now=at)
            assert made is not None
            events.add_source(conn, made, item.id, now=at)
            items.finish(conn, item, owner=WHO, rules_version="v1", now=at)
        return made

    def revise(self, event_id: int) -> None:
        """Something about the event changes."""
        with self.rt.database.write() as conn:
            columns = tables.events.c
            changed = update(tables.events).where(columns.id == event_id)
            conn.execute(changed.values(revision=columns.revision + 1, updated_at=self.rt.clock()))

    def tick(self) -> None:
        """The sweep and the two steps between an event and a message, until nothing waits."""
        for _ in range(5):
            waiting = pipeline.due(self.rt)
            closing = pipeline.raise_alerts(self.rt, waiting.get(Step.EVENTS, []))
            ids = [*closing.get(Step.DIGESTS, []), *waiting.get(Step.DIGESTS, [])]
            pipeline.close_digests(self.rt, ids)
            if not ids:
                return

    def tell(self, *titles: str, **about: Any) -> list[int]:
        """Let so many events happen and be told."""
        made = [self.happen(title, **about) for title in titles]
        self.tick()
        return made

    def messages(self, subscription_id: str | None = None) -> list[dict[str, Any]]:
        """What is in the outbox, oldest first: the webhook's `data`, its `type` and the window it is of."""
        query = select(tables.deliveries.c.body, tables.digests.c.window).join(tables.digests)
        if subscription_id is not None:
            query = query.where(tables.digests.c.subscription_id == subscription_id)
        with self.rt.database.read() as conn:
            found = conn.execute(query.order_by(tables.deliveries.c.id)).all()
        bodies = [(json.loads(row.body), row.window) for row in found]
        return [{**body["data"], "type": body["type"], "window": window} for body, window in bodies]

    def rows(self, subscription_id: str) -> list[Any]:
        """The subscription's digests, oldest first."""
        query = select(tables.digests).where(tables.digests.c.subscription_id == subscription_id)
        with self.rt.database.read() as conn:
            return list(conn.execute(query.order_by(tables.digests.c.id)).all())

    def count(self, table: str) -> int:
        with self.rt.database.read() as conn:
            return int(conn.execute(select(func.count()).select_from(tables.metadata.tables[table])).scalar_one())


def titles(message: dict[str, Any]) -> list[str]:
    """What a message tells, in its order."""
    told: Iterable[dict[str, Any]] = message.get("events", [message])
    return [one["event"]["title"] for one in told]
