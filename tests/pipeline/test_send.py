"""Deliveries on real servers: what is sent when, to whom nothing is sent any more, and what becomes of failures."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from row_factories import add_event, subscription
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher import runtime
from watcher.deliver.backoff import JITTER, expires_at
from watcher.deliver.webhook import WebhookChannel
from watcher.errors import TryAgain
from watcher.model import ChannelConfig, ChannelKind, Envelope, Mute, MuteKind, Origin, Secret, Window
from watcher.pipeline.send import deliver, park_unsendable
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.signing import address_key
from watcher.store import channels, deliveries, digests, mutes, outbox
from watcher.store import subscriptions as subscriptions_store
from watcher.store.database import Database
from watcher.store.schema import subscriptions, suppressions

SIGNING = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
MAIL = b"From: watcher@example.org\r\nTo: reader@example.org\r\nSubject: News\r\nMessage-ID: <m@x>\r\n\r\nNews.\r\n"


@dataclass(kw_only=True)
class Outbox:
    """A runtime, its channels, and a clock that a test may move."""

    rt: Runtime
    web: HttpSink
    inbox: SmtpInbox
    ahead: timedelta = timedelta()
    made: int = 0
    channels: list[ChannelConfig] = field(default_factory=list)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def channel(self, name: str, kind: ChannelKind = ChannelKind.WEBHOOK) -> str:
        """A live channel of that name and kind; a POST goes to the path of its name."""
        url = self.web.url(f"/{name}")
        more: dict[str, Any] = {"url": url, "allow_private": True}
        if kind is ChannelKind.WEBHOOK:
            more["secret"] = Secret(env="SEND_TEST_SECRET")
        if kind is ChannelKind.EMAIL:
            more = {"to": "reader@example.org", "sender": "watcher@example.org", "smtp_url": self.inbox.url}
        self.channels.append(ChannelConfig(id=name, kind=kind, **more))
        with self.rt.database.write() as conn:
            channels.sync(conn, self.channels, now=self.clock())
        return name

    def put(self, channel: str, *, subscription: str = "me", immediate: bool = True) -> int:
        """A message that waits for the channel; its id."""
        self.made += 1
        number, now = self.made, self.clock()
        kind = next(one.kind for one in self.channels if one.id == channel)
        body = MAIL if kind is ChannelKind.EMAIL else json.dumps({"number": number}).encode()
        envelope = Envelope(message_id=f"dl_{number}", content_type="application/json", body=body)
        more: dict[str, Any] = {"channel_id": channel, "key": f"k{number}", "envelope": envelope, "now": now}
        with self.rt.database.write() as conn:
            window = Window(key=f"w{number}", closes_at=now)
            digest = digests.open_window(conn, subscription, window, immediate=immediate, now=now)
            assert digest is not None
            until = expires_at(
                kind,
                immediate=immediate,
                created_at=now,
                next_window_at=now + timedelta(hours=12),
                webhook_s=self.rt.settings.webhook_retry_s,
                alert_s=self.rt.settings.alert_retry_s,
            )
            made = deliveries.add(conn, digest_id=digest, expires_at=until, **more)
        assert made is not None
        return made

    def subscribe(self, name: str = "me") -> None:
        with self.rt.database.write() as conn:
            values = {"id": name, "config": {}, "origin": "self", "created_at": self.clock()}
            conn.execute(subscriptions.insert().values(**values))

    def sweep(self) -> None:
        """Do what one sweep finds, and wait for it."""
        now = self.clock()
        with self.rt.database.write() as conn:
            park_unsendable(conn, now=now)
        with self.rt.database.read() as conn:
            due = deliveries.due(conn, now=now, limit=200)
        if due:
            deliver(self.rt, due)
            self.wait(lambda: not self.rt.senders.busy)

    def wait(self, met: Callable[[], bool], within_s: float = 30) -> None:
        give_up_at = time.monotonic() + within_s
        while not met():
            assert time.monotonic() < give_up_at
            time.sleep(0.01)

    def row(self, delivery_id: int) -> dict[str, Any]:
        with self.rt.database.read() as conn:
            found = deliveries.show(conn, delivery_id)
        assert found is not None
        return found

    def state(self, delivery_id: int) -> tuple[str, str]:
        row = self.row(delivery_id)
        return row["state"], row["reason"]

    def told_to_ops(self) -> list[str]:
        with self.rt.database.read() as conn:
            rows = conn.exec_driver_sql("SELECT notice FROM digests WHERE notice IS NOT NULL ORDER BY id").scalars()
            return [(json.loads(row) if isinstance(row, str) else row)["subject"] for row in rows]


def _open(url: str, web: HttpSink, inbox: SmtpInbox, folder: Path, **chosen: Any) -> Outbox:
    settings = Settings(
        database_url=url, data_dir=folder, config_path=folder / "watcher.yml", rules_dir=folder, **chosen
    )
    box = Outbox(rt=runtime.open(settings), web=web, inbox=inbox)
    box.rt.clock = box.clock
    return box


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEND_TEST_SECRET", SIGNING)


@pytest.fixture
def box(database_url: str, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path) -> Iterator[Outbox]:
    opened = _open(database_url, http_sink, smtp_inbox, tmp_path)
    yield opened
    opened.rt.close()


@pytest.fixture
def quick(sqlite_url: str, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path) -> Iterator[Outbox]:
    """On SQLite, whose clock is the one that the test moves."""
    opened = _open(sqlite_url, http_sink, smtp_inbox, tmp_path, deliver_total_s=1.0)
    yield opened
    opened.rt.close()


# ── the plain case ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_waits_is_sent_oldest_first_by_one_nudge_a_channel(box: Outbox) -> None:
    box.channel("hook")
    ids = [box.put("hook") for _ in range(7)]
    with box.rt.database.read() as conn:
        assert deliveries.due(conn, now=box.clock(), limit=50) == ids[:1]
    deliver(box.rt, ids[-1:])
    assert {box.state(one) for one in ids} == {("sent", "http_200")}
    numbers = [json.loads(request.body)["number"] for request in box.web.got("/hook")]
    # after the first there are two at once, so that neighbours may change places
    assert all(abs(number - place) <= 1 for place, number in enumerate(numbers, 1))
    assert {request.headers["webhook-id"] for request in box.web.got("/hook")} == {f"dl_{n}" for n in range(1, 8)}


def test_a_database_that_is_away_at_the_mark_does_not_send_twice(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    finish, failures = outbox.finish, [TryAgain("away")] * 2

    def hiccup(*args: Any, **more: Any) -> bool:
        if failures:
            raise failures.pop()
        return finish(*args, **more)

    monkeypatch.setattr(outbox, "finish", hiccup)
    box.channel("hook")
    one = box.put("hook")
    box.sweep()
    assert box.state(one) == ("sent", "http_200")
    assert len(box.web.got("/hook")) == 1


def test_a_fault_of_our_own_is_tried_again_for_a_webhook(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_more: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(WebhookChannel, "send", broken)
    box.channel("hook")
    one = box.put("hook")
    box.sweep()
    assert box.state(one) == ("pending", "internal_error")
    with box.rt.database.read() as conn:
        ((state, _),) = channels.states(conn)
    assert state.failures == 0


def test_a_message_that_kills_its_workers_is_parked_after_five(quick: Outbox) -> None:
    quick.channel("hook")
    one = quick.put("hook")
    for _ in range(5):
        with quick.rt.database.write() as conn:
            assert outbox.claim(conn, one, owner="dead", lease_s=180, now=quick.clock()) is not None
        quick.ahead += timedelta(seconds=200)
    quick.sweep()
    assert quick.state(one) == ("parked", "rejected: worker_died")
    assert quick.web.got("/hook") == []
    assert quick.told_to_ops() == ["A message to hook was parked"]


# ── who is sent nothing any more ─────────────────────────────────────────────────────────────────────────────────────


def test_p17_nothing_is_claimed_after_an_unsubscribe(box: Outbox) -> None:
    box.channel("mail", ChannelKind.EMAIL)
    box.subscribe()
    one = box.put("mail")
    with box.rt.database.write() as conn:
        conn.execute(subscriptions.update().values(ended_at=box.clock(), ended_by="reader"))
    box.sweep()
    row = box.row(one)
    assert (row["state"], row["reason"], row["attempts"]) == ("withheld", "unsubscribed (reader)", [])
    assert box.inbox.mails == []
    with box.rt.database.write() as conn:
        assert deliveries.retry(conn, [one], now=box.clock()) == 0


def test_p17_an_unsubscribe_waits_for_a_claim_that_came_before_it_and_not_the_other_way(
    postgres_migrated_url: str,
) -> None:
    database = Database(postgres_migrated_url)
    with database.write() as conn:
        values = {"id": "me", "config": {}, "origin": "self", "created_at": datetime.now(UTC)}
        conn.execute(subscriptions.insert().values(**values))
    ended = threading.Event()

    def end() -> None:
        with database.write() as conn:
            conn.execute(subscriptions.update().values(ended_at=datetime.now(UTC)))
        ended.set()

    with database.write() as conn:
        assert outbox.standing(conn, "me", None).stopped is None
        threading.Thread(target=end).start()
        assert not ended.wait(0.3)
    assert ended.wait(5)
    with database.write() as conn:
        assert outbox.standing(conn, "me", None).stopped == "unsubscribed"
    database.close()


def test_a_removed_subscription_is_sent_nothing(box: Outbox) -> None:
    box.channel("hook")
    box.subscribe()
    one = box.put("hook")
    with box.rt.database.write() as conn:
        conn.execute(subscriptions.update().values(retired_at=box.clock()))
    box.sweep()
    assert box.state(one) == ("withheld", "the subscription was removed")


def test_a_suppressed_address_is_sent_nothing_and_others_are(box: Outbox) -> None:
    box.channel("mail", ChannelKind.EMAIL)
    box.channel("hook")
    mail, hook = box.put("mail"), box.put("hook")
    with box.rt.database.write() as conn:
        values = {"address_key": address_key("Reader@Example.org"), "reason": "5.1.1 no such user"}
        conn.execute(suppressions.insert().values(**values, since=box.clock(), suppressed_at=box.clock()))
    box.sweep()
    assert box.state(mail) == ("withheld", "the address is suppressed: 5.1.1 no such user")
    assert box.state(hook) == ("sent", "http_200")
    assert box.inbox.mails == []


def test_an_address_that_bounced_once_is_not_suppressed_yet(box: Outbox) -> None:
    box.channel("mail", ChannelKind.EMAIL)
    one = box.put("mail")
    with box.rt.database.write() as conn:
        values = {"address_key": address_key("reader@example.org"), "reason": "5.2.1", "bounces": 1}
        conn.execute(suppressions.insert().values(**values, since=box.clock()))
    box.sweep()
    assert box.state(one)[0] == "sent"


def _alert(box: Outbox, delivery_id: int) -> int:
    """Let the message tell an event; its id."""
    event_id = add_event(box.rt.database)
    digest_id = box.row(delivery_id)["digest_id"]
    with box.rt.database.write() as conn:
        named = {"subscription_id": "me", "event_id": event_id, "revision": 1}
        digests.add_alert(conn, **named, reason="because", digest_id=digest_id, now=box.clock())
    return event_id


def _mute(box: Outbox, kind: MuteKind, value: str, **more: Any) -> None:
    with box.rt.database.write() as conn:
        mutes.add(conn, "me", Mute(kind=kind, value=value, **more), origin=Origin.PAGE, now=box.clock())


@pytest.mark.parametrize(
    ("kind", "value", "immediate", "state"),
    [
        (MuteKind.RULE, "funding", True, "withheld"),
        (MuteKind.PARTY, "acme bio", True, "withheld"),
        (MuteKind.RULE, "other", True, "sent"),
        (MuteKind.RULE, "funding", False, "sent"),
        (MuteKind.ALL, "all", False, "withheld"),
    ],
)
def test_a_mute_after_the_rendering_withholds_an_alert(
    box: Outbox, kind: MuteKind, value: str, immediate: bool, state: str
) -> None:
    box.channel("way")
    with box.rt.database.write() as conn:
        subscriptions_store.sync_subscriptions(conn, [subscription("me")], ops=(), now=box.clock())
    one = box.put("way", immediate=immediate)
    _alert(box, one)
    _mute(box, kind, value)
    box.sweep()
    assert box.state(one)[0] == state
    if state == "withheld":
        assert box.state(one)[1] == f"muted: {kind} {value}"
        assert box.web.got("/way") == []


def test_a_mute_that_has_ended_withholds_nothing(box: Outbox) -> None:
    box.channel("way")
    with box.rt.database.write() as conn:
        subscriptions_store.sync_subscriptions(conn, [subscription("me")], ops=(), now=box.clock())
    one = box.put("way")
    _alert(box, one)
    _mute(box, MuteKind.RULE, "funding", until=box.clock() - timedelta(seconds=1))
    box.sweep()
    assert box.state(one) == ("sent", "http_200")


# ── P11: retries ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _http_date(at: datetime) -> str:
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("form", "least_s", "most_s"),
    [
        ("seconds", 120, 145),
        ("date", 118, 145),
        ("past", 4, 6.1),
        ("garbage", 4, 6.1),
        ("1000000000", 604_800, 604_800 * 1.2 + 1),
    ],
)
def test_p11_nothing_is_sent_before_a_retry_after_in_any_form(
    quick: Outbox, status: int, form: str, least_s: float, most_s: float
) -> None:
    told = {
        "seconds": "120",
        "date": _http_date(datetime.now(UTC) + timedelta(seconds=120)),
        "past": _http_date(datetime.now(UTC) - timedelta(seconds=120)),
        "garbage": "soon",
    }.get(form, form)
    quick.channel("hook")
    quick.web.answer("/hook", status=status, headers={"Retry-After": told}, times=1)
    one = quick.put("hook")
    quick.sweep()
    waits_s = (quick.row(one)["next_attempt_at"] - quick.clock()).total_seconds()
    assert least_s - 1 <= waits_s <= most_s
    later = quick.put("hook")
    if least_s > 100:
        quick.sweep()
        quick.ahead += timedelta(seconds=least_s - 5)
        quick.sweep()
        # the channel is closed, not just the message
        assert len(quick.web.got("/hook")) == 1
        assert quick.state(later)[0] == "pending" if least_s < 200_000 else "parked"


ANSWERS: dict[str, dict[str, Any]] = {
    "408": {"status": 408},
    "425": {"status": 425},
    "500": {"status": 500},
    "502": {"status": 502},
    "504": {"status": 504},
    "301": {"status": 301, "headers": {"Location": "/elsewhere"}},
    "401": {"status": 401},
    "404": {"status": 404},
    "reset": {"hang_up": True},
    "hangs": {"delay_s": 5},
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_p11_a_failing_receiver_is_tried_on_schedule_with_the_same_id_and_bytes(quick: Outbox, answer: str) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", **ANSWERS[answer], times=4)
    one, waits_s = quick.put("hook"), []
    for _ in range(4):
        quick.sweep()
        row = quick.row(one)
        waits_s.append((row["next_attempt_at"] - row["attempts"][-1]["finished_at"]).total_seconds())
        quick.ahead = max(row["next_attempt_at"], _opens(quick)) - datetime.now(UTC)
    quick.sweep()
    assert quick.state(one) == ("sent", "http_200")
    for number, waited_s in enumerate(waits_s):
        assert (1 - JITTER) * 5 * 2**number <= waited_s <= (1 + JITTER) * 5 * 2**number
    got = quick.web.got("/hook")
    assert len(got) == 5
    assert {(request.headers["webhook-id"], request.body) for request in got} == {("dl_1", got[0].body)}
    assert quick.web.got("/elsewhere") == []


def test_p11_a_garbage_body_under_a_good_status_is_a_message_that_arrived(quick: Outbox) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", status=200, headers={"Content-Length": "999999"}, body=b"\x00\xff" * 10)
    one = quick.put("hook")
    quick.sweep()
    assert (quick.state(one), len(quick.web.got("/hook"))) == (("sent", "http_200"), 1)


def _opens(box: Outbox) -> datetime:
    with box.rt.database.read() as conn:
        ((state, _),) = channels.states(conn)
    return state.open_until or datetime.now(UTC)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
def test_p11_a_refused_message_is_parked_at_once_and_its_channel_goes_on(quick: Outbox, status: int) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", status=status, times=1)
    one, two = quick.put("hook"), quick.put("hook")
    quick.sweep()
    assert sorted([quick.state(one), quick.state(two)]) == [
        ("parked", f"rejected: http_{status}"),
        ("sent", "http_200"),
    ]


def test_p11_410_disables_the_channel_and_tells_ops_once(box: Outbox) -> None:
    box.channel("hook")
    box.web.answer("/hook", status=410, body=b"gone")
    first, second = box.put("hook"), box.put("hook")
    box.sweep()
    asked = len(box.web.got("/hook"))
    box.sweep()
    assert len(box.web.got("/hook")) == asked <= 2
    assert {box.state(first)[0], box.state(second)[0]} == {"pending"}
    assert box.told_to_ops() == ["Channel hook was disabled"]
    with box.rt.database.write() as conn:
        ((state, _),) = channels.states(conn)
        assert state.disabled_reason == "the receiver answered 410"
        assert channels.enable(conn, "hook")
        assert deliveries.wake_channel(conn, ["hook"], now=box.clock()) == 2


def test_p11_after_three_days_it_is_a_dead_letter_that_ops_hear_of_and_a_replay_keeps_its_id(quick: Outbox) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", status=503, times=100)
    one, began = quick.put("hook"), quick.clock()
    for _ in range(100):
        quick.sweep()
        if quick.row(one)["state"] != "pending":
            break
        quick.ahead = max(quick.row(one)["next_attempt_at"], _opens(quick)) - datetime.now(UTC)
    row = quick.row(one)
    assert (row["state"], row["reason"]) == (
        "parked",
        f"gave up after {len(row['attempts'])} attempts over 72 h: http_503",
    )
    assert timedelta(days=3) <= row["finished_at"] - began <= timedelta(days=3, minutes=20)
    assert quick.told_to_ops() == ["Channel hook has failed for an hour", "A message to hook was parked"]
    with quick.rt.database.write() as conn:
        channels.enable(conn, "hook")
        assert deliveries.retry(conn, [one], now=quick.clock()) == 1
    quick.web.clear()
    quick.sweep()
    (last,) = quick.web.got("/hook")
    assert (last.headers["webhook-id"], json.loads(last.body)) == ("dl_1", {"number": 1})
    assert quick.state(one) == ("sent", "http_200")


def test_what_waits_for_a_shut_channel_is_parked_when_its_time_is_up(quick: Outbox) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", status=410, times=1)
    one = quick.put("hook")
    quick.sweep()
    quick.ahead += timedelta(days=3, seconds=1)
    quick.sweep()
    assert quick.state(one) == ("parked", "expired: its channel took nothing in time")
    assert quick.told_to_ops() == ["Channel hook was disabled", "Messages to hook were parked"]


def test_a_missing_secret_is_an_outcome_with_its_place_and_without_its_value(
    box: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.channel("hook")
    one = box.put("hook")
    monkeypatch.delenv("SEND_TEST_SECRET")
    box.sweep()
    assert box.row(one)["state"] == "pending"
    assert "SEND_TEST_SECRET" in box.row(one)["attempts"][0]["detail"]


@pytest.mark.parametrize(
    ("kind", "immediate", "posts"),
    [(ChannelKind.SLACK, True, 2), (ChannelKind.SLACK, False, 1), (ChannelKind.WEBHOOK, False, 2)],
)
def test_what_may_have_arrived_is_sent_again_once_or_never(
    quick: Outbox, kind: ChannelKind, immediate: bool, posts: int
) -> None:
    quick.channel("way", kind)
    quick.channels[0] = ChannelConfig(
        id="way", kind=kind, url=quick.web.url("/way"), allow_private=True, secret=Secret(env="SEND_TEST_SECRET")
    )
    quick.web.answer("/way", hang_up=True, times=2)
    one = quick.put("way", immediate=immediate)
    quick.sweep()
    quick.ahead += timedelta(seconds=590)
    if kind is ChannelKind.SLACK:
        quick.sweep()
        assert len(quick.web.got("/way")) == 1
    quick.ahead += timedelta(seconds=200)
    quick.sweep()
    assert len(quick.web.got("/way")) == posts
    if kind is ChannelKind.SLACK:
        assert quick.state(one) == (
            "parked",
            "uncertain: it may have arrived (connection), and is not sent once more",
        )


# ── the breaker ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_open_breaker_spends_no_attempts_and_one_probe_lets_all_that_waits_go(quick: Outbox) -> None:
    quick.channel("hook")
    quick.web.answer("/hook", status=500)
    ids = [quick.put("hook") for _ in range(30)]
    quick.sweep()
    failed = len(quick.web.got("/hook"))
    assert failed == 3
    for _ in range(3):
        quick.sweep()
    assert len(quick.web.got("/hook")) == failed
    assert sum(len(quick.row(one)["attempts"]) for one in ids) == failed
    quick.ahead += timedelta(seconds=13)
    quick.sweep()
    assert len(quick.web.got("/hook")) == failed + 1
    quick.web.clear()
    quick.ahead += timedelta(seconds=60)
    quick.sweep()
    quick.sweep()
    assert {quick.state(one) for one in ids} == {("sent", "http_200")}
    assert len(quick.web.got("/hook")) == 30


def test_half_open_lets_exactly_one_message_try(quick: Outbox) -> None:
    quick.channel("hook")
    for _ in range(10):
        quick.put("hook")
    quick.web.answer("/hook", status=500)
    quick.sweep()
    failed = len(quick.web.got("/hook"))
    quick.web.clear()
    quick.web.answer("/hook", delay_s=0.5, times=1)
    quick.ahead += timedelta(seconds=30)
    with quick.rt.database.read() as conn:
        due = deliveries.due(conn, now=quick.clock(), limit=5)
    starts = [threading.Thread(target=deliver, args=(quick.rt, due)) for _ in range(4)]
    for one in starts:
        one.start()
    time.sleep(0.3)
    assert len(quick.web.got("/hook")) == 1
    for one in starts:
        one.join()
    quick.wait(lambda: not quick.rt.senders.busy)
    assert failed == 3


# ── rates and turns ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_slack_gets_one_message_a_second_while_a_webhook_gets_all_it_can(box: Outbox) -> None:
    box.channel("team", ChannelKind.SLACK)
    box.channel("hook")
    chat = [box.put("team") for _ in range(4)]
    hooks = [box.put("hook") for _ in range(20)]
    began = time.monotonic()
    deliver(box.rt, [chat[0], hooks[0]])
    assert time.monotonic() - began < 2.9
    assert len(box.web.got("/hook")) == 20
    box.wait(lambda: len(box.web.got("/team")) == 4)
    box.wait(lambda: {box.state(one) for one in chat} == {("sent", "http_200")})
    began_at = [box.row(one)["attempts"][0]["started_at"] for one in chat]
    assert min((later - earlier).total_seconds() for earlier, later in pairwise(began_at)) >= 1


def test_a_channel_with_a_long_queue_takes_one_turn_like_any_other(box: Outbox) -> None:
    box.channel("long")
    box.channel("short")
    first = box.put("long")
    for _ in range(50):
        box.put("long")
    short = box.put("short")
    with box.rt.database.read() as conn:
        assert deliveries.due(conn, now=box.clock(), limit=10) == [first, short]
    with box.rt.database.write() as conn:
        channels.took(conn, "long", free_at=None, now=box.clock())
    with box.rt.database.read() as conn:
        assert deliveries.due(conn, now=box.clock(), limit=1) == [short]


# ── bulkheads ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_does_not_wait_for_a_channel_that_hangs_and_its_message_is_marked_later(box: Outbox) -> None:
    box.channel("slow")
    box.channel("quick")
    box.web.answer("/slow", delay_s=4)
    slow, fast = box.put("slow"), box.put("quick")
    began = time.monotonic()
    deliver(box.rt, [slow, fast])
    assert time.monotonic() - began < 3
    assert box.state(fast)[0] == "sent"
    assert box.state(slow) == ("pending", "new")
    box.rt.senders.close(within_s=25)
    assert box.state(slow) == ("sent", "http_200")


def test_the_end_of_a_process_waits_for_what_is_being_sent_and_starts_nothing_more(box: Outbox) -> None:
    box.channel("slow")
    box.web.answer("/slow", delay_s=2.5)
    ids = [box.put("slow") for _ in range(3)]
    deliver(box.rt, ids)
    began = time.monotonic()
    box.rt.close()
    assert time.monotonic() - began < 3
    states = sorted(box.state(one)[0] for one in ids)
    assert states == ["pending", "pending", "sent"]
    with box.rt.database.read() as conn:
        assert deliveries.due(conn, now=box.clock(), limit=5) == ids[1:2]
