"""What a worker says of itself: it looks alive while it works, and not because its parent breathes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from celery.worker import state
from services.valkey import Valkey

from watcher.settings import Settings
from watcher.supervisor import pulse_file
from workers import alive
from workers.app import KEY_PREFIX, app, configure


@pytest.fixture
def settings(tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(state, "should_stop", None)
    chosen = Settings(data_dir=tmp_path, redis_url=valkey.broker_url, stall_s=2.0)
    configure(chosen)
    app._after_fork()
    app.amqp.queues.select(["items", "pages"])
    return chosen


def touched(pulse: alive.Pulse, settings: Settings) -> bool:
    """Whether a heartbeat of now says that the worker works."""
    pulse_file(settings.data_dir, "worker").unlink(missing_ok=True)
    pulse.beat()
    return pulse_file(settings.data_dir, "worker").exists()


def test_an_idle_worker_with_nothing_to_do_is_alive(settings: Settings) -> None:
    pulse = alive.Pulse(app, settings, ["items", "pages"])
    assert touched(pulse, settings)
    time.sleep(1.1)
    assert touched(pulse, settings)
    assert alive.path(settings).exists()


def test_a_worker_that_takes_nothing_while_messages_wait_is_not(settings: Settings, valkey: Valkey) -> None:
    pulse = alive.Pulse(app, settings, ["items", "pages"])
    with valkey.client() as client:
        client.lpush(KEY_PREFIX + "pages", "x")
        assert touched(pulse, settings)
        time.sleep(1.1)
        assert not touched(pulse, settings)
        state.all_total_count[0] += 1  # a process took a task
        assert touched(pulse, settings)


def test_a_worker_whose_consumer_was_cancelled_ends_after_a_while(settings: Settings) -> None:
    pulse = alive.Pulse(app, replace(settings, stall_s=1.0), ["items", "pages"])
    app.amqp.queues.deselect(["pages"])
    assert touched(pulse, settings)
    assert state.should_stop is None
    time.sleep(0.6)
    assert not touched(pulse, settings)
    assert state.should_stop == alive.EX_SOFTWARE
