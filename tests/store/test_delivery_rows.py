"""Deliveries, attempts and channels as rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from row_factories import WHO, add_channel, envelope, now

from watcher.model import (
    ChannelConfig,
    ChannelKind,
    DeliveryState,
    NextAttempt,
    Outcome,
    OutcomeKind,
    Window,
)
from watcher.store import channels, deliveries, digests, outbox
from watcher.store.database import Database


def _open(database: Database, key: str = "2026-11-22", subscription: str = "daily", immediate: bool = False) -> int:
    with database.write() as conn:
        window = Window(key=key, closes_at=now())
        digest_id = digests.open_window(conn, subscription, window, immediate=immediate, now=now())
    assert digest_id is not None
    return digest_id


def _outbox(database: Database) -> int:
    add_channel(database)
    digest_id = _open(database)
    with database.write() as conn:
        made = deliveries.add(conn, digest_id=digest_id, channel_id="hook", key="k", envelope=envelope(), now=now())
    assert made is not None
    return made


def test_a_message_is_in_the_outbox_once_and_its_attempt_is_a_row_before_the_call(database: Database) -> None:
    made = _outbox(database)
    with database.write() as conn:
        again = deliveries.add(conn, digest_id=1, channel_id="hook", key="k", envelope=envelope(), now=now())
        assert again is None
        claimed = outbox.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert claimed is not None
        assert (claimed.attempt, claimed.channel.kind, claimed.envelope) == (1, ChannelKind.WEBHOOK, envelope())
        assert outbox.claim(conn, made, owner="other", lease_s=60, now=now()) is None
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
        claimed = outbox.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert claimed is not None
        assert outbox.finish(conn, claimed, owner=WHO, outcome=outcome, following=following, now=now())
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
        assert outbox.claim(conn, made, owner=WHO, lease_s=60, now=now()) is None
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
        first = outbox.claim(conn, made, owner=WHO, lease_s=60, now=now())
        assert first is not None
        outbox.finish(conn, first, owner=WHO, outcome=failed, following=parked, now=now())
        assert deliveries.retry(conn, [made], now=now()) == 1
        second = outbox.claim(conn, made, owner=WHO, lease_s=60, now=now())
    assert second is not None
    assert (second.attempt, second.tries) == (2, 1)


def test_a_changed_channel_is_tried_again(database: Database) -> None:
    add_channel(database)
    moved = ChannelConfig(id="hook", kind=ChannelKind.WEBHOOK, url="https://elsewhere.example/")
    with database.write() as conn:
        channels.disable(conn, "hook", reason="410")
        assert channels.sync(conn, [moved], now=now()).changed == ("hook",)
        ((state, _),) = channels.states(conn)
    assert state.disabled_reason is None
