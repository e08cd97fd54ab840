"""Metrics by Prometheus's rules, from totals that never fall and a few present rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from row_factories import add_channel, add_event, add_feed, add_items, envelope

from watcher import runtime
from watcher.model import Window
from watcher.pipeline import reload_state
from watcher.pipeline.reload_state import Files
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import canaries, deliveries, digests, overview, tallies
from watcher.store.schema import attempts, event_sources, items
from watcher.web import metrics

_UNITS = ("seconds", "bytes", "ratio")
_FOREIGN_UNITS = re.compile(r"_(ms|milliseconds|minutes|hours|days|kb|mb|mib|percent)(_|$)")
_LABELS = {"step", "outcome", "state", "kind", "reason", "result", "queue", "version", "le"}


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = runtime.open(Settings(database_url=database_url, data_dir=tmp_path))
    yield opened
    opened.close()


def scrape(rt: Runtime) -> str:
    request = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(runtime=rt)))
    return bytes(metrics.show(request).body).decode()  # type: ignore[arg-type]


def samples(rt: Runtime) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(scrape(rt))
        for sample in family.samples
    }


def fill(rt: Runtime) -> None:
    """A little of everything that a metric shows."""
    now = rt.clock()
    add_event(rt.database)
    add_channel(rt.database)
    deliver(rt, 1)
    reload_state.note(rt, Files.RULES, version="0123456789abcdef")
    with rt.database.write() as conn:
        for name in ("sweep", "queue:items"):
            overview.record_beat(conn, name, now=now - timedelta(seconds=3))
        made = canaries.start(conn, every_s=1, now=now - timedelta(seconds=4))
        assert made is not None
        canaries.note(conn, made, {"arrived_at": now - timedelta(seconds=1)})
        tallies.add(conn, "polls", {"changed": 2, "timeout": 1})
        tallies.add(conn, "classified", {"matched": 1, "nothing": 4})


def deliver(rt: Runtime, event_id: int, *, took_s: float = 4.0) -> None:
    """An immediate alert of the event, sent so many seconds after the item that told it was stored."""
    now = rt.clock()
    with rt.database.write() as conn:
        digest = digests.open_window(conn, "s", Window(key=f"w{event_id}", closes_at=now), immediate=True, now=now)
        assert digest is not None
        digests.add_alert(
            conn, subscription_id="s", event_id=event_id, revision=1, reason="all", digest_id=digest, now=now
        )
        made = deliveries.add(
            conn, digest_id=digest, channel_id="hook", key=f"k{event_id}", envelope=envelope(), now=now
        )
        row = {"delivery_id": made, "number": 1, "started_at": now, "outcome": "sent", "reason": "http_200"}
        told = items.update().where(items.c.id == event_sources.c.item_id, event_sources.c.event_id == event_id)
        conn.execute(told.values(first_seen_at=now))
        conn.execute(attempts.insert().values(**row, finished_at=now + timedelta(seconds=took_s)))


def settle(rt: Runtime, *, after_s: float = 61) -> None:
    with rt.database.write() as conn:
        tallies.settle(conn, now=rt.clock() + timedelta(seconds=after_s))


def test_names_and_labels_follow_the_rules_of_prometheus(rt: Runtime) -> None:
    fill(rt)
    settle(rt)
    families = list(text_string_to_metric_families(scrape(rt)))
    assert len(families) > 20
    for family in families:
        assert re.fullmatch(r"watcher_[a-z][a-z0-9_]*", family.name)
        assert family.documentation.endswith(".")
        assert not _FOREIGN_UNITS.search(family.name), family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") is (family.type == "counter"), sample.name
            assert set(sample.labels) <= _LABELS, sample
            assert all(len(value) <= 64 for value in sample.labels.values())
        if {"age", "oldest", "latency", "travel", "timestamp"} & set(family.name.split("_")):
            assert family.name.endswith(_UNITS), family.name


def test_what_is_shown_is_what_the_rows_say(rt: Runtime) -> None:
    fill(rt)
    settle(rt)
    found = samples(rt)
    expected = {
        ("watcher_database_up",): 1,
        ("watcher_items_total",): 1,
        ("watcher_events_total",): 1,
        ("watcher_alerts_total",): 1,
        ("watcher_polls_total", "changed"): 2,
        ("watcher_polls_total", "timeout"): 1,
        ("watcher_classified_total", "nothing"): 4,
        ("watcher_attempts_total", "webhook", "sent", "http_200"): 1,
        ("watcher_deliveries_unsent", "pending"): 1,
        ("watcher_dead_letters", "items"): 0,
        ("watcher_channels", "webhook", "working"): 1,
        ("watcher_rules_last_reload_successful",): 1,
        ("watcher_rules_info", "0123456789ab"): 1,
        ("watcher_canary_travel_seconds",): 3,
        ("watcher_canary_late",): 0,
        ("watcher_alert_latency_seconds_bucket", "2.0"): 0,
        ("watcher_alert_latency_seconds_bucket", "5.0"): 1,
        ("watcher_alert_latency_seconds_bucket", "+Inf"): 1,
        ("watcher_alert_latency_seconds_sum",): 4,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert 3 <= found["watcher_queue_read_age_seconds", "items"] < 30


def test_totals_count_each_row_once_and_not_before_a_minute(rt: Runtime) -> None:
    feed = add_feed(rt.database)
    add_items(rt.database, feed, "a", "b")
    settle(rt, after_s=30)
    assert samples(rt)["watcher_items_total",] == 0
    for _ in range(2):
        settle(rt)
    add_items(rt.database, feed, "c")
    settle(rt)
    assert samples(rt)["watcher_items_total",] == 3


def test_totals_stay_when_rows_are_removed(rt: Runtime) -> None:
    add_items(rt.database, add_feed(rt.database), "a", "b")
    settle(rt)
    with rt.database.write() as conn:
        conn.execute(items.delete())
    settle(rt)
    assert samples(rt)["watcher_items_total",] == 2


def test_only_that_the_database_is_down_is_said_while_it_is(tmp_path: Path) -> None:
    rt = runtime.open(Settings(data_dir=tmp_path / "none"))
    assert {name for name, *_ in samples(rt)} == {"watcher_database_up", "watcher_build_info"}
    assert samples(rt)["watcher_database_up",] == 0
    rt.close()
