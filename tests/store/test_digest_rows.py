"""Subscriptions, digests, deliveries and attempts as rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from row_factories import WHO, add_channel, add_event, envelope, now, subscription

from watcher.model import (
    ChannelConfig,
    ChannelKind,
    DeliveryState,
    NextAttempt,
    Notice,
    Outcome,
    OutcomeKind,
    Window,
)
from watcher.store import channels, deliveries, digests, subscriptions
from watcher.store.database import Database

SENT = Outcome(kind=OutcomeKind.SENT, reason="http_200")


def _open(database: Database, key: str = "2026-11-22") -> int:
    with database.write() as conn:
        window = Window(key=key, closes_at=now())
        digest_id = digests.open_window(conn, "daily", window, immediate=False, now=now())
    assert digest_id is not None
    return digest_id


def _outbox(database: Database) -> int:
    add_channel(database)
    digest_id = _open(database)
    with database.write() as conn:
        made = deliveries.add(conn, digest_id=digest_id, channel_id="hook", key="k", envelope=envelope(), now=now())
    assert made is not None
    return made


def test_a_window_is_one_digest_and_none_once_it_closed(database: Database) -> None:
    one = _open(database)
    assert _open(database) == one
    assert _open(database, "2026-11-23") != one
    with database.write() as conn:
        (claimed,) = digests.claim(conn, [one], owner=WHO, lease_s=60, now=now())
        assert digests.finish(conn, claimed, owner=WHO, now=now())
        window = Window(key="2026-11-22", closes_at=now())
        assert digests.open_window(conn, "daily", window, immediate=False, now=now()) is None


def test_a_digest_is_due_at_its_hour_and_not_before(database: Database) -> None:
    with database.write() as conn:
        window = Window(key="x", closes_at=now() + timedelta(hours=1))
        digests.open_window(conn, "daily", window, immediate=False, now=now())
        assert digests.due(conn, now=now(), limit=5) == []
        assert digests.claim(conn, [1], owner=WHO, lease_s=60, now=now()) == []
        assert digests.close_now(conn, "daily", now=now()) == 1
        assert digests.due(conn, now=now(), limit=5) == [1]


def test_an_event_is_told_once_to_a_subscription(database: Database) -> None:
    made = add_event(database)
    digest_id = _open(database)
    with database.write() as conn:
        for _ in range(2):
            digests.add_alert(
                conn,
                subscription_id="daily",
                event_id=made,
                revision=1,
                reason="because",
                digest_id=digest_id,
                now=now(),
            )
        assert [(row.event_id, row.reason) for row in digests.alerts_of(conn, digest_id)] == [(made, "because")]
        assert digests.alerted(conn, made) == {"daily": 1}
        later = _open_in(conn)
        assert digests.told_before(conn, "daily", [made], later) == {made: 1}


def _open_in(conn: object) -> int:
    window = Window(key="later", closes_at=now())
    opened = digests.open_window(conn, "daily", window, immediate=False, now=now())  # type: ignore[arg-type]
    assert opened is not None
    return opened


def test_ops_hear_the_same_trouble_once(database: Database) -> None:
    with database.write() as conn:
        notice = Notice(subject="Feed gone", lines=("https://x.example/",))
        assert digests.add_notice(conn, "gone:1", notice, now=now())
        assert not digests.add_notice(conn, "gone:1", notice, now=now())
        (claimed,) = digests.claim(conn, [1], owner=WHO, lease_s=60, now=now())
    assert (claimed.subscription_id, claimed.notice) == ("_ops", notice)


def test_a_put_off_digest_keeps_its_hour(database: Database) -> None:
    one = _open(database)
    with database.write() as conn:
        (claimed,) = digests.claim(conn, [one], owner=WHO, lease_s=60, now=now())
        assert digests.put_off(conn, claimed, owner=WHO, until=now() + timedelta(minutes=5))
        assert digests.due(conn, now=now(), limit=5) == []
        assert digests.claim(conn, [one], owner=WHO, lease_s=60, now=now()) == []
        assert digests.listing(conn, limit=5)[0]["closes_at"] == claimed.window.closes_at


def test_a_message_is_in_the_outbox_once_and_its_attempt_is_a_row_before_the_call(database: Database) -> None:
    made = _outbox(database)
    with database.write() as conn:
        again = deliveries.add(conn, digest_id=1, channel_id="hook", key="k", envelope=envelope(), now=now())
        assert again is None
        claimed = deliveries.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert claimed is not None
        assert (claimed.attempt, claimed.channel.kind, claimed.envelope) == (1, ChannelKind.WEBHOOK, envelope())
        assert deliveries.claim(conn, made, owner="other", lease_s=60, now=now()) is None
    with database.read() as conn:
        told = deliveries.show(conn, made)
    assert told is not None
    assert [(one["number"], one["outcome"]) for one in told["attempts"]] == [(1, None)]


@pytest.mark.parametrize("kind", [OutcomeKind.SENT, OutcomeKind.RETRY])
def test_an_outcome_is_written_with_what_follows(database: Database, kind: OutcomeKind) -> None:
    made = _outbox(database)
    later = now() + timedelta(minutes=1)
    outcome = Outcome(kind=kind, reason="http_xxx", detail="a line")
    following = (
        NextAttempt(state=DeliveryState.SENT, next_attempt_at=None, reason="sent")
        if kind is OutcomeKind.SENT
        else NextAttempt(state=DeliveryState.PENDING, next_attempt_at=later, reason="http_xxx")
    )
    with database.write() as conn:
        claimed = deliveries.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert claimed is not None
        assert deliveries.finish(conn, claimed, owner=WHO, outcome=outcome, following=following, now=now())
        assert deliveries.due(conn, now=now(), limit=5) == []
        told = deliveries.show(conn, made)
    assert told is not None
    assert (told["state"], told["next_attempt_at"]) == (following.state.value, following.next_attempt_at)
    assert told["attempts"][0]["outcome"] == kind.value


def test_a_disabled_channel_holds_its_messages_until_it_may_send_again(database: Database) -> None:
    made = _outbox(database)
    with database.write() as conn:
        assert channels.disable(conn, "hook", reason="410")
        assert not channels.disable(conn, "hook", reason="410")
        assert deliveries.due(conn, now=now(), limit=5) == []
        assert deliveries.claim(conn, made, owner=WHO, lease_s=60, now=now()) is None
        assert channels.enable(conn, "hook")
        assert deliveries.due(conn, now=now(), limit=5) == [made]


def test_a_removed_channel_parks_what_waits_for_it_and_retry_wakes_it(database: Database) -> None:
    made = _outbox(database)
    with database.write() as conn:
        channels.sync(conn, [], now=now())
        assert deliveries.park_unsendable(conn, now=now()) == 1
        assert deliveries.states(conn) == {"parked": 1}
    add_channel(database)
    with database.write() as conn:
        assert deliveries.retry(conn, [made], now=now()) == 1
        assert deliveries.due(conn, now=now(), limit=5) == [made]


def test_what_was_parked_for_a_removed_channel_goes_when_the_channel_is_back(database: Database) -> None:
    made = _outbox(database)
    with database.write() as conn:
        channels.sync(conn, [], now=now())
        deliveries.park_unsendable(conn, now=now())
    add_channel(database)
    with database.write() as conn:
        assert deliveries.due(conn, now=now(), limit=5) == [made]


def test_a_woken_message_has_all_its_tries_again(database: Database) -> None:
    made = _outbox(database)
    failed = Outcome(kind=OutcomeKind.RETRY, reason="http_503")
    parked = NextAttempt(state=DeliveryState.PARKED, next_attempt_at=None, reason="gave up")
    with database.write() as conn:
        first = deliveries.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert first is not None
        deliveries.finish(conn, first, owner=WHO, outcome=failed, following=parked, now=now())
        assert deliveries.retry(conn, [made], now=now()) == 1
        second = deliveries.claim(conn, made, owner=WHO, lease_s=60, now=now())
    assert second is not None
    assert (second.attempt, second.tries) == (2, 1)


def test_a_changed_channel_is_tried_again(database: Database) -> None:
    add_channel(database)
    moved = ChannelConfig(id="hook", kind=ChannelKind.WEBHOOK, url="https://elsewhere.example/")
    with database.write() as conn:
        channels.disable(conn, "hook", reason="410")
        assert channels.sync(conn, [moved], now=now()).changed == ("hook",)
        assert channels.listing(conn) == [{"id": "hook", "kind": "webhook", "disabled_reason": None}]


def test_subscriptions_follow_the_file_and_ops_is_not_one_of_them(database: Database) -> None:
    with database.write() as conn:
        both = [subscription("a"), subscription("b")]
        subscriptions.sync_subscriptions(conn, both, ops=("hook",), now=now())
        assert subscriptions.active(conn) == both
        assert subscriptions.get(conn, "_ops") is not None
        report = subscriptions.sync_subscriptions(conn, [subscription("a", rules=("funding",))], ops=(), now=now())
        assert (report.changed, sorted(report.retired)) == (("a",), ["_ops", "b"])
        assert subscriptions.get(conn, "b") is None
