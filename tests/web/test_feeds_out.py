"""The feeds of events over the real application and real rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import feedparser
import httpx
import pytest
from reading import served
from row_factories import add_channel, add_event, now, subscription

from watcher import runtime
from watcher.model import Window
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.signing import Purpose
from watcher.store import digests, overview, subscriptions
from watcher.store.schema import events


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = runtime.open(Settings(database_url=database_url, data_dir=tmp_path))
    with opened.database.write() as conn:
        overview.remember(conn, "public_url", "https://watch.example")
        overview.remember(conn, "public_feed", True)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with served(rt) as opened:
        yield opened


def told(rt: Runtime, event_id: int) -> str:
    """The signed path of a subscription that was told the event."""
    add_channel(rt.database)
    with rt.database.write() as conn:
        subscriptions.sync_subscriptions(conn, [subscription(title="Mine")], ops=(), now=now())
        digest = digests.open_window(
            conn, "daily", Window(key="2026-11-22", closes_at=now()), immediate=False, now=now()
        )
        assert digest is not None
        digests.add_alert(
            conn, subscription_id="daily", event_id=event_id, revision=1, reason="rule", digest_id=digest, now=now()
        )
    return f"/f/{links(rt).token(Purpose.FEED, s='daily')}"


def test_all_events_are_there_where_watcher_yml_opens_them(rt: Runtime, client: httpx.Client) -> None:
    event_id = add_event(rt.database)
    answer = client.get("/events.atom")
    found = feedparser.parse(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert [entry.id for entry in found.entries] == [f"tag:watch.example,2026:event:{event_id}"]
    assert client.get("/events.json").json()["items"][0]["title"] == "Funding: Title of a"


def test_a_reader_that_knows_the_feed_gets_304(rt: Runtime, client: httpx.Client) -> None:
    add_event(rt.database)
    first = client.get("/events.atom")
    again = client.get("/events.atom", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_whole_feed_is_closed_by_default(rt: Runtime, client: httpx.Client) -> None:
    with rt.database.write() as conn:
        overview.remember(conn, "public_feed", False)
    assert client.get("/events.atom").status_code == 404


def test_what_is_recorded_and_never_sent_is_in_no_feed(rt: Runtime, client: httpx.Client) -> None:
    add_event(rt.database)
    with rt.database.write() as conn:
        conn.execute(events.update().values(status="experimental"))
    assert client.get("/events.json").json()["items"] == []


def test_a_subscription_has_a_feed_of_what_it_was_told(rt: Runtime, client: httpx.Client) -> None:
    path = told(rt, add_event(rt.database))
    found = feedparser.parse(io.BytesIO(client.get(path).content))
    assert (found.feed.title, len(found.entries)) == ("Mine", 1)
    assert client.get(f"{path}/json").json()["title"] == "Mine"
    assert client.get(path).headers["cache-control"].startswith("private")


def test_the_address_of_a_feed_cannot_be_guessed_and_ends_with_it(rt: Runtime, client: httpx.Client) -> None:
    path = told(rt, add_event(rt.database))
    assert client.get(f"{path[:-1]}").status_code == 404
    assert client.get(f"/f/{links(rt).token(Purpose.PREFERENCES, s='daily')}").status_code == 404
    with rt.database.write() as conn:
        subscriptions.end(conn, "daily", by="page", now=now())
    assert client.get(path).status_code == 404
