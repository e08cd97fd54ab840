"""Rows for tests of the store and the line: a feed, an entry, a match, a subscription, each with sensible defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from watcher.model import (
    ChannelConfig,
    ChannelKind,
    Envelope,
    Evidence,
    Fact,
    FactKind,
    FeedConfig,
    ItemDraft,
    Level,
    Match,
    Origin,
    RuleStatus,
    Snippet,
    Span,
    SubscriptionConfig,
    TextField,
)
from watcher.store import channels, events, feeds, items, stories
from watcher.store.database import Database

WHO = "worker:1"
SNIPPET = Snippet(text="Acme Bio raised $5 million.", marks=((9, 15),))


def now() -> datetime:
    """The present: PostgreSQL takes lease times from its own clock, so rows must be due by it."""
    return datetime.now(UTC)


def draft(identity: str = "one", **changes: Any) -> ItemDraft:
    values: dict[str, Any] = {
        "identity": identity,
        "alias": f"alias:{identity}",
        "link": f"https://news.example/{identity}",
        "title": f"Title of {identity}",
        "summary": "",
        "text": f"Text of {identity}.",
        "author": None,
        "language": "en",
        "categories": (),
        "published_at": None,
        "updated_at": None,
        "content_hash": "0" * 64,
    }
    return ItemDraft(**(values | changes))


def match(rule_id: str = "funding", **changes: Any) -> Match:
    amount = Fact(name="amount", kind=FactKind.MONEY, value=5e6, currency="USD", usd=5e6, text="$5 million")
    recipient = Fact(name="recipient", kind=FactKind.PARTY, value="Acme Bio")
    values: dict[str, Any] = {
        "rule_id": rule_id,
        "rule_title": "Funding",
        "level": Level.MEDIUM,
        "status": RuleStatus.STABLE,
        "rules_version": "v1",
        "facts": {"recipient": recipient, "amount": amount},
        "evidence": (Evidence(clause="round", span=Span(field=TextField.TEXT, start=0, end=4), text="Text"),),
    }
    return Match(**(values | changes))


def add_feed(database: Database, url: str = "https://news.example/feed", **config: Any) -> int:
    """A live feed, due now; its id."""
    with database.write() as conn:
        feeds.add(conn, FeedConfig(url=url, **config), origin=Origin.CLI, now=now())
        return next(row["id"] for row in feeds.listing(conn) if row["url"] == url)


def add_items(database: Database, feed_id: int, *identities: str, history: bool = False) -> list[int]:
    """New items of a feed, waiting to be classified; their ids."""
    with database.write() as conn:
        drafts = [draft(one) for one in identities]
        return items.insert_new(conn, feed_id, drafts, history=lambda _: history, now=now())


def add_channel(database: Database, channel_id: str = "hook") -> None:
    """A live webhook channel."""
    config = ChannelConfig(id=channel_id, kind=ChannelKind.WEBHOOK, url="https://receiver.example/")
    with database.write() as conn:
        channels.sync(conn, [config], now=now())


def subscription(subscription_id: str = "daily", **changes: Any) -> SubscriptionConfig:
    values: dict[str, Any] = {"id": subscription_id, "title": subscription_id, "channels": ("hook",)}
    return SubscriptionConfig(**(values | changes))


def envelope(text: str = "{}") -> Envelope:
    return Envelope(message_id="m-1", content_type="application/json", body=text.encode())


def add_event(database: Database, *, history: bool = False, rule_id: str = "funding") -> int:
    """An event of one source that waits for its alerts; its id."""
    feed_id = add_feed(database, title="Park news")
    add_items(database, feed_id, "a", history=history)
    with database.write() as conn:
        (item,) = items.claim(conn, [1], owner=WHO, lease_s=60, now=now())
        story = stories.ensure(conn, key="k", title=item.title, now=now())
        made = events.create(conn, story_id=story, match=match(rule_id), item=item, snippets=[SNIPPET], now=now())
        assert made is not None
        events.add_source(conn, made, item.id, now=now())
    return made
