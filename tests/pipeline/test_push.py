"""WebSub over the real callback, a real hub and the real steps: what is published is stored, and only that."""

from __future__ import annotations

import select as multiplex
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from services.hub import Hub, Subscriber, sign
from services.web import HttpSink
from sqlalchemy import select, update

from watcher import pipeline, runtime, web
from watcher.model import AlertHistory, FeedConfig, Origin
from watcher.pipeline import STEPS, Step, tokens
from watcher.runtime import Runtime
from watcher.sandbox import Sandbox
from watcher.settings import Settings
from watcher.store import feed_details, feeds, hubs, overview
from watcher.store.database import Database
from watcher.store.schema import feeds as feed_rows
from watcher.store.schema import hubs as hub_rows
from watcher.store.schema import items as item_rows
from watcher.store.schema import pushes as push_rows
from watcher.web import push as callback

MAX_BYTES = 200_000


def rss(numbers: list[int], *, hub: str | None = None, topic: str | None = None) -> bytes:
    links = f'<atom:link rel="hub" href="{hub}"/>' if hub else ""
    links += f'<atom:link rel="self" href="{topic}"/>' if topic else ""
    entries = "".join(
        f"<item><guid isPermaLink='false'>n-{number}</guid><title>News {number}</title>"
        f"<link>https://news.example/{number}</link><description>Words of {number}.</description></item>"
        for number in numbers
    )
    head = '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title>'
    return f"{head}{links}{entries}</channel></rss>".encode()


class Scene:
    """A service with its callback on a real port, one feed, and the feed's hub."""

    def __init__(self, rt: Runtime, sink: HttpSink, hub: Hub, port: int) -> None:
        self.rt, self.sink, self.hub = rt, sink, hub
        self.home = f"http://127.0.0.1:{port}"
        self.topic = sink.url("/feed")
        self.announce([1])
        with rt.database.write() as conn:
            overview.remember(conn, "public_url", self.home)
            config = FeedConfig(url=self.topic, alert_history=AlertHistory.ALL)
            feeds.add(conn, config, origin=Origin.CLI, now=rt.clock())

    def announce(self, numbers: list[int], *, hub: str | None = "", topic: str | None = "") -> None:
        """Serve the feed with these items and, unless told otherwise, its hub and itself."""
        named = self.hub.url if hub == "" else hub
        self.sink.serve("/feed", rss(numbers, hub=named, topic=self.topic if topic == "" else topic))

    def work(self, *wanted: Step) -> None:
        """One sweep, and the named steps for what it found."""
        found = pipeline.due(self.rt)
        for step in wanted:
            STEPS[step](self.rt, found.get(step, []))

    def poll(self) -> None:
        with self.rt.database.write() as conn:
            feeds.poll_now(conn, now=self.rt.clock())
        self.work(Step.FEEDS)

    def ask(self) -> None:
        self.work(Step.HUBS)
        self.hub.settle()

    def subscribed(self) -> Subscriber:
        """Poll, ask, be verified; the hub's side of it."""
        self.poll()
        self.ask()
        (one,) = self.hub.subscribers.values()
        return one

    def read(self) -> None:
        self.work(Step.PUSHES)

    def rows(self, table: Any) -> list[Any]:
        with self.rt.database.read() as conn:
            return list(conn.execute(select(table).order_by(table.c.id)))

    def hub_row(self) -> Any:
        return self.rows(hub_rows)[-1]

    def feed_row(self) -> Any:
        return self.rows(feed_rows)[0]

    def titles(self) -> list[str]:
        return [row.title for row in self.rows(item_rows)]

    def set_hub(self, **values: Any) -> None:
        with self.rt.database.write() as conn:
            conn.execute(update(hub_rows).values(**values))

    def later(self, **ago: float) -> datetime:
        return self.rt.clock() + timedelta(**ago)


@pytest.fixture
def hub() -> Iterator[Hub]:
    opened = Hub()
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def parser() -> Iterator[Sandbox]:
    """One parsing child for all tests: starting one costs more than most of them."""
    with Sandbox() as shared:
        yield shared


def _scene(url: str, sink: HttpSink, hub: Hub, parser: Sandbox, folder: Path) -> Iterator[Scene]:
    chosen = Settings(
        database_url=url,
        data_dir=folder,
        config_path=folder / "watcher.yml",
        allow_private=("127.0.0.0/8",),
        fetch_max_bytes=MAX_BYTES,
    )
    rt = runtime.open(chosen)
    rt.sandbox, own = parser, rt.sandbox
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(web.app(rt), log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Scene(rt, sink, hub, listening.getsockname()[1])
        server.should_exit = True
        thread.join()
    rt.sandbox = own
    rt.close()


@pytest.fixture
def scene(sqlite_url: str, feed_server: HttpSink, hub: Hub, parser: Sandbox, tmp_path: Path) -> Iterator[Scene]:
    yield from _scene(sqlite_url, feed_server, hub, parser, tmp_path)


@pytest.fixture
def both(database_url: str, feed_server: HttpSink, hub: Hub, parser: Sandbox, tmp_path: Path) -> Iterator[Scene]:
    """As `scene`, on SQLite and then on PostgreSQL."""
    yield from _scene(database_url, feed_server, hub, parser, tmp_path)


# ── the whole way ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_published_is_an_item_within_a_second_and_the_next_poll_knows_it(both: Scene) -> None:
    both.subscribed()
    assert both.hub_row().state == "active"
    begun = time.monotonic()
    (told,) = both.hub.publish(both.topic, rss([2]))
    both.read()
    took_s = time.monotonic() - begun
    assert (told.status, told.body) == (202, "")
    assert both.titles() == ["News 1", "News 2"]
    both.announce([1, 2])
    both.poll()
    assert both.titles() == ["News 1", "News 2"]
    print(f"from publishing to the stored item: {took_s * 1000:.0f} ms")
    assert took_s < 5


def test_the_request_holds_what_the_specification_asks_for_and_a_secret_of_its_own(scene: Scene) -> None:
    scene.subscribed()
    (asked,) = scene.hub.asked
    assert asked["hub.mode"] == "subscribe"
    assert asked["hub.topic"] == scene.topic
    assert asked["hub.lease_seconds"] == "864000"
    token = asked["hub.callback"].removeprefix(f"{scene.home}/push/")
    assert (len(token), len(asked["hub.secret"])) == (43, 43)
    assert token != asked["hub.secret"]


def test_the_verification_is_answered_with_the_challenge_as_plain_text(scene: Scene) -> None:
    scene.subscribed()
    (told,) = scene.hub.verified
    assert told.status == 200
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_hub_that_verifies_before_it_answers_is_active_all_the_same(both: Scene) -> None:
    both.hub.manners.before_answering = True
    both.subscribed()
    row = both.hub_row()
    assert (row.state, row.reason, row.tries, row.lease_owner) == ("active", "verified", 0, None)
    assert row.next_ask_at > both.later(days=7)


def test_every_method_of_signing_that_the_specification_names_is_taken(scene: Scene) -> None:
    one = scene.subscribed()
    for number, method in enumerate(("sha1", "sha256", "sha384", "sha512"), start=2):
        body = rss([number])
        scene.hub.distribute(one, body, signature=sign(body, one.secret, method))
    scene.read()
    assert scene.titles() == [f"News {number}" for number in range(1, 6)]


def test_a_fat_ping_of_one_entry_leaves_the_rest_and_the_validators_alone(scene: Scene) -> None:
    scene.announce(list(range(1, 11)))
    scene.subscribed()
    before = scene.feed_row()
    scene.hub.publish(scene.topic, rss([11]))
    scene.read()
    after = scene.feed_row()
    assert len(scene.titles()) == 11
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)
    assert after.first_fetched_at == before.first_fetched_at
    scene.poll()
    assert scene.sink.count("/feed", 304) == 1


def test_a_pushed_atom_entry_document_is_read_with_its_own_type(scene: Scene) -> None:
    scene.subscribed()
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>N</title><id>f</id><updated>2026-11-01T00:00:00Z</updated>'
        "<entry><id>tag:a</id><title>Pushed</title><updated>2026-11-01T00:00:00Z</updated>"
        '<link href="https://news.example/a"/></entry></feed>'
    )
    scene.hub.publish(scene.topic, atom.encode(), content_type="application/atom+xml")
    scene.read()
    assert scene.titles() == ["News 1", "Pushed"]


def test_a_document_that_was_read_keeps_no_bytes_and_is_forgotten_after_a_day(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([2]))
    scene.read()
    (row,) = scene.rows(push_rows)
    assert (row.body, row.reason, row.lease_owner) == (None, "1 new, 0 edited", None)
    with scene.rt.database.write() as conn:
        hubs.forget(conn, before=scene.later(days=-1), limit=10)
    assert len(scene.rows(push_rows)) == 1
    with scene.rt.database.write() as conn:
        hubs.forget(conn, before=scene.later(seconds=1), limit=10)
    assert scene.rows(push_rows) == []


# ── what is not taken ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_without_the_right_signature_is_answered_alike_dropped_and_counted(scene: Scene) -> None:
    one = scene.subscribed()
    body = rss([2])
    right = sign(body, one.secret)
    forged = {
        "missing": None,
        "zeros": "sha256=" + "0" * 64,
        "other secret": sign(body, "another secret"),
        "other body": sign(body + b" ", one.secret),
        "other method": right.replace("sha256=", "sha1="),
        "weak method": sign(body, one.secret, "md5"),
    }
    told = {name: scene.hub.distribute(one, body, signature=signature) for name, signature in forged.items()}
    scene.read()
    assert {name: (answer.status, answer.body) for name, answer in told.items()} == dict.fromkeys(forged, (202, ""))
    assert scene.titles() == ["News 1"]
    assert scene.rows(push_rows) == []
    assert scene.hub_row().dropped == len(forged)


def test_the_same_document_sent_again_is_taken_once(both: Scene) -> None:
    one = both.subscribed()
    body = rss([2])
    statuses = [both.hub.distribute(one, body).status for _ in range(3)]
    both.read()
    statuses.append(both.hub.distribute(one, body).status)
    both.read()
    assert statuses == [202, 202, 202, 202]
    assert len(both.rows(push_rows)) == 1
    assert both.titles() == ["News 1", "News 2"]


def test_a_guessed_address_is_not_there_whatever_is_asked_of_it(scene: Scene) -> None:
    one = scene.subscribed()
    with httpx.Client(base_url=scene.home, trust_env=False) as client:
        query = {"hub.mode": "subscribe", "hub.topic": one.topic, "hub.challenge": "c", "hub.lease_seconds": "60"}
        for token in ("A" * 43, "x", "A" * 5000, "%00" * 14 + "A", one.callback[-43:].swapcase()):
            got, posted = client.get(f"/push/{token}", params=query), client.post(f"/push/{token}", content=rss([2]))
            assert (got.status_code, got.content, posted.status_code, posted.content) == (404, b"", 404, b"")
        assert client.head(one.callback, params=query).status_code == 404
    assert scene.hub_row().dropped == 0


def test_a_body_that_is_too_large_is_refused_before_and_while_it_is_read(scene: Scene) -> None:
    one = scene.subscribed()
    large = b"x" * (MAX_BYTES + 1)
    assert scene.hub.distribute(one, large).status == 413
    with httpx.Client(trust_env=False) as client:
        chunked = client.post(one.callback, content=iter([large[:100_000], large[100_000:]]))
    assert chunked.status_code == 413
    assert scene.rows(push_rows) == []


def test_a_packed_body_is_refused_so_that_nothing_is_unpacked(scene: Scene) -> None:
    one = scene.subscribed()
    assert scene.hub.distribute(one, b"\x1f\x8b", headers={"content-encoding": "gzip"}).status == 415


def test_a_bomb_of_entities_is_put_aside_and_the_next_document_read(scene: Scene) -> None:
    scene.subscribed()
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{lol}]><r>&l11;</r>'.encode()
    assert scene.hub.publish(scene.topic, bomb)[0].status == 202
    assert scene.hub.publish(scene.topic, rss([2]))[0].status == 202
    scene.read()
    assert [row.reason for row in scene.rows(push_rows)] == ["XML, but not a feed", "1 new, 0 edited"]
    assert scene.titles() == ["News 1", "News 2"]


def test_a_hub_that_floods_is_told_to_wait(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "UNREAD_MAX", 3)
    one = scene.subscribed()
    told = [scene.hub.distribute(one, rss([number])) for number in range(2, 7)]
    assert [answer.status for answer in told] == [202, 202, 202, 429, 429]
    assert told[-1].headers["retry-after"] == "60"
    scene.read()
    assert scene.hub.distribute(one, rss([9])).status == 202


def test_the_bytes_of_one_hub_that_wait_are_bounded_too(scene: Scene) -> None:
    one = scene.subscribed()
    bodies = [bytes([65 + number]) * (MAX_BYTES - 1) for number in range(3)]
    assert [scene.hub.distribute(one, body).status for body in bodies] == [202, 202, 429]


def test_a_body_that_never_ends_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback, "BODY_S", 0.3)
    one = scene.subscribed()
    host, port = scene.home.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as slow:
        path = one.callback.removeprefix(scene.home)
        slow.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_more_bodies_than_are_held_at_once_are_told_to_come_back(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    one = scene.subscribed()
    host, port = scene.home.removeprefix("http://").split(":")
    path = one.callback.removeprefix(scene.home)
    held = [socket.create_connection((host, int(port)), timeout=5) for _ in range(callback.BODIES_AT_ONCE + 1)]
    for slow in held:
        slow.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc".encode())
    (refused,), _, _ = multiplex.select(held, [], [], 10)
    assert refused.recv(100).startswith(b"HTTP/1.1 503")
    told = scene.hub.distribute(one, rss([2]))
    for slow in held:
        slow.close()
    assert (told.status, told.headers["retry-after"]) == (503, "5")


# ── verification ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_not_asked_for_is_not_confirmed(scene: Scene) -> None:
    one = scene.subscribed()
    query = {"hub.mode": "subscribe", "hub.topic": one.topic, "hub.challenge": "abc", "hub.lease_seconds": "60"}
    assert scene.hub.ask(one.callback, query).body == "abc"
    for changed in (
        {"hub.topic": "http://127.0.0.1/other"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": "publish"},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": ""},
        {"hub.challenge": "a" * 513},
    ):
        told = scene.hub.ask(one.callback, query | changed)
        assert (told.status, told.body) == (404, "")
    assert scene.hub_row().state == "active"


def test_a_verification_long_after_the_request_is_not_confirmed(scene: Scene) -> None:
    one = scene.subscribed()
    scene.set_hub(asked_at=scene.later(hours=-25))
    query = {"hub.mode": "subscribe", "hub.topic": one.topic, "hub.challenge": "abc", "hub.lease_seconds": "60"}
    assert scene.hub.ask(one.callback, query).status == 404


def test_a_hub_that_denies_is_believed_and_asked_again_after_a_day(both: Scene) -> None:
    both.subscribed()
    both.hub.publish(both.topic, rss([2]))
    both.read()
    assert both.feed_row().pushed_until is not None
    (told,) = both.hub.deny(both.topic, "not\r\nfor\x00 you")
    row = both.hub_row()
    assert told.status in range(200, 300)
    assert (row.state, row.reason, row.expires_at) == ("denied", "denied: not  for  you", None)
    assert both.later(hours=23) < row.next_ask_at < both.later(hours=25)
    assert both.feed_row().pushed_until is None
    assert both.hub.ask(f"{both.home}/push/{row.token}", {"hub.mode": "denied", "hub.topic": "http://x/"}).status == 404
    both.set_hub(next_ask_at=both.later())
    both.ask()
    assert both.hub_row().state == "active"


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hub_that_is_down_is_asked_again_after_an_hour_then_more_and_more_rarely(scene: Scene) -> None:
    scene.hub.manners.hang_up = True
    scene.poll()
    waits = []
    for _ in range(7):
        scene.set_hub(next_ask_at=scene.later())
        scene.ask()
        waits.append((scene.hub_row().next_ask_at - scene.rt.clock()).total_seconds() / 3600)
    assert [round(wait) for wait in waits[:5]] == [1, 2, 4, 8, 16]
    assert all(23.9 < wait < 24.3 for wait in waits[5:])
    row = scene.hub_row()
    assert (row.state, row.tries) == ("wanted", 7)
    assert row.reason.startswith("unreachable: ")
    scene.hub.manners.hang_up = False
    scene.set_hub(next_ask_at=scene.later())
    scene.ask()
    assert (scene.hub_row().state, scene.hub_row().tries) == ("active", 0)


def test_a_hub_that_refuses_is_quoted_in_one_line(scene: Scene) -> None:
    scene.hub.manners.status = 404
    scene.poll()
    scene.ask()
    row = scene.hub_row()
    assert (row.state, row.reason) == ("wanted", "refused: 404 no such topic here <b>sorry</b>")
    assert scene.titles() == ["News 1"]


def test_a_hub_that_says_when_to_come_back_is_not_asked_before(scene: Scene) -> None:
    scene.hub.manners.status, scene.hub.manners.headers = 503, {"Retry-After": "7200"}
    scene.poll()
    scene.ask()
    assert scene.hub_row().next_ask_at > scene.later(seconds=7190)


def test_a_hub_that_has_moved_is_followed_once(scene: Scene, hub: Hub) -> None:
    scene.sink.answer("/hub", status=307, headers={"Location": hub.url}, times=1)
    scene.sink.answer("/hub", status=308, headers={"Location": scene.sink.url("/hub")}, times=1)
    scene.sink.answer("/hub", status=308, headers={"Location": scene.sink.url("/hub")}, times=1)
    scene.announce([1], hub=scene.sink.url("/hub"))
    scene.subscribed()
    assert scene.hub_row().state == "active"
    scene.set_hub(next_ask_at=scene.later(), expires_at=scene.later())
    scene.ask()
    assert len(scene.sink.got("/hub")) == 3
    assert scene.hub_row().reason == "refused: 308"


def test_a_hub_on_a_refused_address_is_never_contacted(scene: Scene) -> None:
    scene.announce([1], hub="http://169.254.169.254/latest/meta-data")
    scene.poll()
    scene.ask()
    row = scene.hub_row()
    assert row.state == "wanted"
    assert row.reason.startswith("unreachable: ")


def test_nobody_is_asked_while_our_own_address_is_unknown_and_all_are_once_it_is_known(scene: Scene) -> None:
    with scene.rt.database.write() as conn:
        overview.remember(conn, "public_url", None)
    scene.poll()
    scene.ask()
    assert (scene.hub.asked, scene.hub_row().reason) == ([], "no public_url")
    with scene.rt.database.write() as conn:
        overview.remember(conn, "public_url", scene.home + "/")
    pipeline.due(scene.rt)
    scene.ask()
    assert scene.hub.asked[0]["hub.callback"].startswith(f"{scene.home}/push/")
    assert scene.hub_row().state == "active"


def test_a_new_address_of_ours_is_told_to_the_hub_at_the_next_sweep(scene: Scene) -> None:
    scene.subscribed()
    with scene.rt.database.write() as conn:
        overview.remember(conn, "public_url", scene.home.replace("127.0.0.1", "127.0.0.2"))
    pipeline.due(scene.rt)
    scene.work(Step.HUBS)
    assert scene.hub.asked[-1]["hub.callback"].startswith("http://127.0.0.2:")


def test_a_lease_is_renewed_before_it_ends_under_the_same_address(both: Scene) -> None:
    both.hub.manners.lease_s = 4000
    both.subscribed()
    first = both.hub_row()
    wait_s = (first.next_ask_at - both.rt.clock()).total_seconds()
    assert 0.6 * 4000 < wait_s <= 0.75 * 4000
    both.hub.publish(both.topic, rss([2]))
    both.read()
    both.set_hub(next_ask_at=both.later(), expires_at=both.later(seconds=100))
    both.ask()
    second = both.hub_row()
    assert second.expires_at > both.later(seconds=3900)
    assert both.feed_row().pushed_until == second.expires_at
    assert (second.token, second.secret, second.state) == (first.token, first.secret, "active")
    assert len(both.hub.subscribers) == 1


def test_a_subscription_whose_renewal_failed_ends_with_its_lease_and_is_asked_for_anew(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.manners.status = 500
    scene.set_hub(next_ask_at=scene.later(), expires_at=scene.later(hours=2))
    scene.ask()
    row = scene.hub_row()
    assert row.state == "active"
    assert row.next_ask_at < scene.later(minutes=70)
    scene.set_hub(next_ask_at=scene.later(), expires_at=scene.later(seconds=-1))
    scene.ask()
    assert scene.hub_row().state == "wanted"
    scene.hub.manners.status = 202
    scene.set_hub(next_ask_at=scene.later())
    scene.ask()
    assert scene.hub_row().state == "active"


def test_feeds_that_share_a_hub_wait_for_one_another(scene: Scene) -> None:
    with scene.rt.database.write() as conn:
        config = FeedConfig(url=scene.sink.url("/other"), alert_history=AlertHistory.ALL)
        feeds.add(conn, config, origin=Origin.CLI, now=scene.rt.clock())
    body = rss([1], hub="http://192.0.2.1/hub")
    scene.sink.serve("/feed", body)
    scene.sink.serve("/other", body)
    scene.poll()
    scene.ask()
    reasons = [(row.reason.partition(":")[0], row.tries, row.slot_at is None) for row in scene.rows(hub_rows)]
    assert sorted(reasons) == [("announced", 0, False), ("unreachable", 1, True)]


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_retired_feed_is_unsubscribed_and_what_still_comes_is_gone(both: Scene) -> None:
    one = both.subscribed()
    with both.rt.database.write() as conn:
        feeds.retire(conn, both.topic, now=both.rt.clock())
    pipeline.due(both.rt)
    assert both.hub_row().state == "leaving"
    assert both.hub.distribute(one, rss([2])).status == 410
    both.ask()
    assert both.hub.asked[-1]["hub.mode"] == "unsubscribe"
    assert "hub.secret" not in both.hub.asked[-1]
    assert (both.hub_row().state, both.hub_row().reason, both.hub.subscribers) == ("ended", "left", {})
    assert both.hub.distribute(one, rss([2])).status == 410
    pipeline.due(both.rt)
    both.ask()
    assert len(both.hub.asked) == 2


def test_a_hub_that_cannot_be_left_is_given_up_after_four_requests(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.manners.hang_up = True
    with scene.rt.database.write() as conn:
        feeds.retire(conn, scene.topic, now=scene.rt.clock())
    pipeline.due(scene.rt)
    states = []
    for _ in range(4):
        scene.set_hub(next_ask_at=scene.later())
        scene.ask()
        states.append(scene.hub_row().state)
    assert states == ["leaving", "leaving", "leaving", "ended"]


def test_a_feed_that_names_no_hub_any_more_is_unsubscribed_and_comes_back_with_a_new_secret(scene: Scene) -> None:
    first = scene.subscribed()
    scene.announce([1, 2], hub=None)
    scene.poll()
    scene.ask()
    assert (scene.hub_row().state, scene.hub.subscribers) == ("ended", {})
    scene.announce([1, 2, 3])
    scene.poll()
    scene.ask()
    second = next(iter(scene.hub.subscribers.values()))
    assert (second.callback == first.callback, second.secret == first.secret) == (False, False)
    assert [row.state for row in scene.rows(hub_rows)] == ["ended", "active"]


def test_a_feed_that_names_another_topic_leaves_the_old_one(both: Scene) -> None:
    both.subscribed()
    both.announce([1], topic="http://127.0.0.1/elsewhere")
    both.poll()
    both.ask()
    assert [row.state for row in both.rows(hub_rows)] == ["ended", "active"]
    assert {one.topic for one in both.hub.subscribers.values()} == {"http://127.0.0.1/elsewhere"}


def test_a_304_says_nothing_about_the_hub(scene: Scene) -> None:
    scene.subscribed()
    scene.poll()
    assert scene.sink.count("/feed", 304) == 1
    assert scene.hub_row().state == "active"


def test_link_headers_go_before_the_document(scene: Scene) -> None:
    other = scene.sink.url("/topic-of-the-header")
    links = {"Link": f'<{scene.hub.url}>; rel="hub", </topic-of-the-header>; rel=self'}
    body = rss([1], hub="http://127.0.0.1:1/other", topic=scene.topic)
    scene.sink.serve("/feed", body, headers=links)
    scene.subscribed()
    assert scene.hub.asked[0]["hub.topic"] == other


# ── trust ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_polled_rarely_once_its_hub_has_pushed_and_as_before_once_it_missed_something(scene: Scene) -> None:
    scene.subscribed()
    scene.poll()
    assert scene.feed_row().next_poll_at < scene.later(hours=2)
    scene.hub.publish(scene.topic, rss([2]))
    scene.read()
    assert scene.feed_row().pushed_until == scene.hub_row().expires_at
    scene.poll()
    row = scene.feed_row()
    assert row.next_poll_reason == "pushed"
    assert row.next_poll_at > scene.later(hours=5)
    scene.announce([1, 2, 3])
    scene.set_hub(pushed_at=scene.later(minutes=-6))
    scene.poll()
    row = scene.feed_row()
    assert row.pushed_until is None
    assert row.next_poll_at < scene.later(minutes=61)


def test_a_poll_that_only_overtook_a_push_is_no_reason_for_distrust(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([2]))
    scene.read()
    scene.announce([1, 2, 3])
    scene.poll()
    assert scene.feed_row().pushed_until is not None


# ── when things go wrong in between ──────────────────────────────────────────────────────────────────────────────────


def test_two_pushes_and_a_poll_at_once_store_every_item_once(both: Scene) -> None:
    both.subscribed()
    both.announce([1, 2, 3, 4])
    both.hub.publish(both.topic, rss([2, 3]))
    both.hub.publish(both.topic, rss([3, 4]))
    with both.rt.database.write() as conn:
        feeds.poll_now(conn, now=both.rt.clock())
    found = pipeline.due(both.rt)
    first, second = found[Step.PUSHES]
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(STEPS[Step.PUSHES], both.rt, [first]),
            pool.submit(STEPS[Step.FEEDS], both.rt, found[Step.FEEDS]),
            pool.submit(STEPS[Step.PUSHES], both.rt, [second]),
        ]
        told = [one for job in jobs for one in job.result().get(Step.ITEMS, [])]
    assert sorted(both.titles()) == ["News 1", "News 2", "News 3", "News 4"]
    assert len(told) == len(set(told)) == 3
    assert all(row.done_at is not None for row in both.rows(push_rows))


def test_a_document_whose_worker_died_is_read_again_and_in_the_end_put_aside(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([2]))
    (row,) = scene.rows(push_rows)
    for _ in range(scene.rt.settings.park_after):
        with scene.rt.database.write() as conn:
            claim = hubs.claim_pushes
            now = scene.rt.clock()
            taken = claim(conn, [row.id], owner="dead", lease_s=60, now=now) or claim(
                conn, [row.id], owner="dead", lease_s=60, now=now, before=True
            )
            assert len(taken) == 1
            conn.execute(update(push_rows).values(lease_until=scene.later(seconds=-1)))
    scene.read()
    (row,) = scene.rows(push_rows)
    assert (row.body, row.reason) == (None, "a worker died 5 times on this document")
    assert scene.titles() == ["News 1"]


class _Killed(BaseException):
    """What no step may catch."""


def _kill_at(rt: Runtime, point: str) -> None:
    def explode(reached: str) -> None:
        if reached == point:
            raise _Killed

    rt.checkpoint = explode


@pytest.mark.parametrize("point", ["claimed", "committing", "committed"])
def test_a_kill_while_pushes_are_read_loses_nothing_and_repeats_nothing(scene: Scene, point: str) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([2, 3]))
    _kill_at(scene.rt, f"pushes:{point}")
    with pytest.raises(_Killed):
        scene.read()
    _kill_at(scene.rt, "nowhere")
    with scene.rt.database.write() as conn:
        conn.execute(update(push_rows).values(lease_until=scene.later(seconds=-1)))
    scene.read()
    assert scene.titles() == ["News 1", "News 2", "News 3"]
    assert [row.reason for row in scene.rows(push_rows)] == ["2 new, 0 edited"]


@pytest.mark.parametrize("point", ["claimed", "committing", "committed"])
def test_a_kill_while_hubs_are_asked_leaves_one_subscription(scene: Scene, point: str) -> None:
    scene.poll()
    _kill_at(scene.rt, f"hubs:{point}")
    with pytest.raises(_Killed):
        scene.ask()
    scene.hub.settle()
    _kill_at(scene.rt, "nowhere")
    scene.set_hub(lease_until=scene.later(seconds=-1))
    scene.ask()
    assert scene.hub_row().state == "active"
    assert len(scene.hub.subscribers) == 1
    assert len(scene.hub.asked) == 1


def test_the_hub_of_a_feed_is_shown_and_counted(scene: Scene) -> None:
    scene.hub.manners.status = 500
    scene.poll()
    scene.ask()
    with scene.rt.database.read() as conn:
        told = feed_details.described(conn, 1)["hub"]
    assert (told["hub_url"], told["state"]) == (scene.hub.url, "wanted")
    assert told["reason"] == "refused: 500 no such topic here <b>sorry</b>"
    token = tokens.make(scene.rt, "scraper", ["metrics"], who="tests")
    with httpx.Client(base_url=scene.home, trust_env=False, headers={"authorization": f"Bearer {token}"}) as client:
        metrics = client.get("/metrics").text
    assert 'watcher_hubs{state="wanted"} 1.0' in metrics
    assert "watcher_pushes_dropped_total 0.0" in metrics


def test_a_document_of_a_feed_that_was_retired_meanwhile_is_not_read(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([2]))
    with scene.rt.database.write() as conn:
        feeds.retire(conn, scene.topic, now=scene.rt.clock())
    scene.read()
    assert scene.titles() == ["News 1"]
    assert scene.rows(push_rows)[0].reason == "the feed is not followed any more"


def test_a_document_that_a_poll_overtook_takes_no_words_back(scene: Scene) -> None:
    scene.subscribed()
    scene.hub.publish(scene.topic, rss([1]).replace(b"Words of", b"Long corrected old words of"))
    now_told = rss([1], hub=scene.hub.url, topic=scene.topic).replace(b"Words of", b"Quite other new words about")
    scene.sink.serve("/feed", now_told)
    scene.poll()
    scene.read()
    assert [row.text for row in scene.rows(item_rows)] == ["Quite other new words about 1."]
    assert scene.rows(push_rows)[0].reason == "0 new, 0 edited"
    scene.hub.publish(scene.topic, rss([1]).replace(b"Words of", b"What the publisher says at last of"))
    scene.read()
    assert [row.text for row in scene.rows(item_rows)] == ["What the publisher says at last of 1."]


def test_a_database_that_is_away_makes_the_hub_try_again(scene: Scene) -> None:
    one = scene.subscribed()
    query = {"hub.mode": "subscribe", "hub.topic": one.topic, "hub.challenge": "abc", "hub.lease_seconds": "60"}
    database, scene.rt.database = scene.rt.database, Database("sqlite:////nowhere/at/all.db")
    told, asked = scene.hub.distribute(one, rss([2])), scene.hub.ask(one.callback, query)
    scene.rt.database = database
    assert (told.status, told.headers["retry-after"], asked.status, asked.body) == (503, "5", 503, "")
