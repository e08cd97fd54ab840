"""The Celery application: the settings that were measured to matter, and what happens to whoever changes them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from watcher.deliver.smtp import FINAL_S, QUIT_S
from watcher.errors import CannotHelp
from watcher.pipeline import Step
from watcher.settings import SETTINGS as SETTING_TABLE
from watcher.settings import Settings
from workers import app as application
from workers import tasks  # noqa: F401 -- registers the tasks
from workers.app import HARD_LIMIT_S, QUEUES, app, check, configure

SETTINGS = Settings(redis_url="redis://broker.example:6379/0")


@pytest.fixture(autouse=True)
def _configured() -> None:
    configure(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("broker_url", "redis://broker.example:6379/0"),
        ("result_backend", None),
        ("task_ignore_result", True),
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("accept_content", ["json"]),
        ("worker_prefetch_multiplier", 1),
        ("worker_disable_prefetch", True),
        ("task_soft_time_limit", 130),
        ("task_time_limit", 150),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("broker_channel_error_retry", True),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
        ("worker_soft_shutdown_timeout", 20),
        ("worker_enable_soft_shutdown_on_idle", True),
        ("task_create_missing_queues", False),
        ("beat_max_loop_interval", 5.0),
    ],
)
def test_a_setting_is_the_measured_one(name: str, value: Any) -> None:
    assert getattr(app.conf, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("visibility_timeout", 300),
        ("socket_timeout", 10),
        ("socket_connect_timeout", 5),
        ("socket_keepalive", True),
        ("health_check_interval", 10),
        ("unacked_restore_interval", 5),
        ("unacked_restore_throttle", 1),
        ("unacked_mutex_expire", 30),
    ],
)
def test_a_transport_option_is_the_measured_one(name: str, value: Any) -> None:
    assert app.conf.broker_transport_options[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [("task_acks_late", False), ("worker_prefetch_multiplier", 4), ("result_backend", "rpc://")],
)
def test_a_setting_that_somebody_changed_is_refused(name: str, value: Any) -> None:
    app.conf.update({name: value})
    with pytest.raises(CannotHelp, match=name):
        check(app, SETTINGS)


def test_a_broker_forced_by_a_celery_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://elsewhere/0")
    with pytest.raises(CannotHelp, match="broker_url"):
        check(app, SETTINGS)


@pytest.mark.parametrize(("changed", "named"), [({"lease_s": 60.0}, "lease_s")])
def test_limits_that_let_two_workers_do_one_task_are_refused(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(CannotHelp, match=named):
        configure(Settings(redis_url=SETTINGS.redis_url, **changed))


def test_the_slowest_send_that_settings_allow_ends_before_its_task_is_killed() -> None:
    (longest_s,) = [setting.high for setting in SETTING_TABLE if setting.name == "deliver_total_s"]
    assert longest_s is not None
    assert longest_s + FINAL_S + QUIT_S < HARD_LIMIT_S


def test_there_is_a_task_of_its_own_name_for_every_queue() -> None:
    assert QUEUES == ("feeds", "pushes", "hubs", "items", "pages", "events", "digests", "deliveries", "sweep")
    ours = {name for name in app.tasks if name.startswith("watcher.")}
    assert ours == {f"watcher.{queue}" for queue in QUEUES}
    assert set(app.amqp.queues) == set(QUEUES)


def test_the_beat_pokes_only_the_sweep_and_its_pokes_do_not_expire() -> None:
    assert app.conf.beat_schedule == {
        "sweep": {
            "task": "watcher.sweep",
            "schedule": 5.0,
            "options": {"queue": "sweep", "ignore_result": True},
        }
    }


def test_every_step_of_the_line_has_its_queue() -> None:
    assert set(QUEUES) == {str(step) for step in Step} | {"sweep"}


def test_importing_the_tasks_connects_to_nothing_and_reads_no_settings() -> None:
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('connected')\n"
        "socket.socket.connect = refuse\n"
        "import workers.tasks, workers.main\n"
        "from workers import app\n"
        "sys.exit(len(app._chosen))"
    )
    environ = {"PATH": "/usr/bin:/bin", "WATCHER_BATCH": "nonsense"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_are_asked_for_only_after_they_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "_chosen", [])
    with pytest.raises(CannotHelp, match="no settings yet"):
        application.settings()
