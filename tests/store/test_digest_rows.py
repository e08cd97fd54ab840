"""Subscriptions, digests, deliveries and attempts as rows."""

from __future__ import annotations

from datetime import timedelta

from row_factories import WHO, add_event, envelope, now, subscription

from watcher.model import (
    Notice,
    Window,
)
from watcher.store import deliveries, digests, subscriptions
from watcher.store.database import Database


def _open(database: Database, key: str = "2026-11-22") -> int:
    with database.write() as conn:
        window = Window(key=key, closes_at=now())
        digest_id = digests.open_window(conn, "daily", window, immediate=False, now=now())
    assert digest_id is not None
    return digest_id


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
        assert digests.told_before(conn, "daily", [made], later) == {}  # no message has told it yet
        assert deliveries.add(conn, digest_id=digest_id, channel_id="hook", key="k", envelope=envelope(), now=now())
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


def test_subscriptions_follow_the_file_and_ops_is_not_one_of_them(database: Database) -> None:
    with database.write() as conn:
        both = [subscription("a"), subscription("b")]
        subscriptions.sync_subscriptions(conn, both, ops=("hook",), now=now())
        assert subscriptions.active(conn) == both
        assert subscriptions.get(conn, "_ops") is not None
        report = subscriptions.sync_subscriptions(conn, [subscription("a", rules=("funding",))], ops=(), now=now())
        assert (report.changed, sorted(report.retired)) == (("a",), ["_ops", "b"])
        assert subscriptions.get(conn, "b") is None
