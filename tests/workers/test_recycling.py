"""A process of the worker that is replaced, or told to stop, first ends what it is sending."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from services.process import stop
from stage import Stage

from watcher import pipeline
from watcher.model import Envelope, Window
from watcher.store import deliveries, digests
from workers.app import app, configure

HERE = Path(__file__).resolve().parent


def _put(stage: Stage, number: int, channel: str = "hook") -> int:
    """A message to the webhook, and a nudge to look at it."""
    now = stage.runtime.clock()
    with stage.runtime.database.write() as conn:
        window = Window(key=f"w{number}", closes_at=now)
        digest = digests.open_window(conn, "now", window, immediate=True, now=now)
        assert digest is not None
        envelope = Envelope(message_id=f"m{number}", content_type="application/json", body=b"{}")
        made = deliveries.add(conn, digest_id=digest, channel_id=channel, key=f"k{number}", envelope=envelope, now=now)
    assert made is not None
    app.send_task("watcher.deliveries", args=[[made]], queue="deliveries", ignore_result=True)
    return made


@pytest.fixture
def ready(stage: Stage) -> Stage:
    for _ in range(2):
        pipeline.apply_config(stage.runtime)
    configure(stage.runtime.settings)
    return stage


def _attempts(stage: Stage, one: int) -> list[tuple[str | None, str | None]]:
    with stage.runtime.database.read() as conn:
        told = deliveries.show(conn, one)
    assert told is not None
    return [(attempt["outcome"], attempt["reason"]) for attempt in told["attempts"]]


def test_a_process_that_is_replaced_ends_what_it_is_sending(ready: Stage) -> None:
    ready.web.answer("/hook", delay_s=6)
    ready._start("worker", [sys.executable, HERE / "recycled_worker.py"])
    slow = _put(ready, 1)
    ready.wait(lambda: len(ready.web.got("/hook")) == 1, what="the slow call")
    others = [_put(ready, number, "team") for number in range(2, 5)]
    ready.wait(lambda: all(_attempts(ready, one) == [("sent", "http_200")] for one in [slow, *others]), what="all sent")
    assert len(ready.web.got("/hook")) == 1


def test_a_worker_that_is_told_to_stop_ends_what_it_is_sending(ready: Stage) -> None:
    ready.web.answer("/hook", delay_s=6)
    worker = ready.worker()
    slow = _put(ready, 1)
    ready.wait(lambda: len(ready.web.got("/hook")) == 1, what="the slow call")
    stop(worker, signal.SIGTERM, within_s=30)
    assert _attempts(ready, slow) == [("sent", "http_200")]
