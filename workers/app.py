"""The Celery application: its queues, and every setting that keeps a nudge from being lost, doubled or stuck.

Nothing here connects. The settings and their reasons were measured; `check` refuses to run with others.
"""

from __future__ import annotations

from typing import Any

from celery import Celery

from watcher import embedded
from watcher.errors import CannotHelp
from watcher.pipeline import Step
from watcher.settings import Settings

SWEEP = "sweep"
QUEUES: tuple[str, ...] = (*(str(step) for step in Step), SWEEP)
"""One queue a step of the line, named like it, and the sweep's."""
SOFT_LIMIT_S = 130
HARD_LIMIT_S = 150
KEY_PREFIX = "watcher:"
_chosen: list[Settings] = []

app = Celery("watcher", task_cls="workers.base:Task", set_as_current=True)
app.conf.include = ("workers.tasks",)


def configure(settings: Settings) -> Celery:
    """The application with these settings; raises CannotHelp when something else has overridden one of them."""
    _chosen[:] = [settings]
    app.conf.update(configuration(settings))
    check(app, settings)
    return app


def settings() -> Settings:
    """The settings that `configure` was given."""
    if not _chosen:
        raise CannotHelp("this process has no settings yet: call workers.app.configure first")
    return _chosen[0]


def configuration(settings: Settings) -> dict[str, Any]:
    """Celery's configuration for these settings."""
    return {
        "broker_url": embedded.broker_url(settings),
        "broker_transport_options": transport_options(settings),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        # JSON and ids only: what is in a message is in the broker's memory, its files and its logs
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_backend": None,
        "task_ignore_result": True,
        "task_queues": {name: {"routing_key": name} for name in QUEUES},
        "task_routes": {f"watcher.{name}": {"queue": name} for name in QUEUES},
        "task_default_queue": SWEEP,
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_soft_time_limit": SOFT_LIMIT_S,
        "task_time_limit": HARD_LIMIT_S,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_soft_shutdown_timeout": 20,
        "worker_enable_soft_shutdown_on_idle": True,
        "worker_max_tasks_per_child": 500,
        "worker_max_memory_per_child": 400_000,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_send_task_events": False,
        "beat_scheduler": "workers.beat:Poker",
        "beat_max_loop_interval": min(5.0, settings.sweep_every_s),
        "beat_schedule": {SWEEP: _sweep_entry(settings)},
        "timezone": "UTC",
        "enable_utc": True,
    }


def transport_options(settings: Settings) -> dict[str, Any]:
    """What kombu's Redis transport needs to notice a half-open connection and to hand lost messages out again."""
    return {
        "visibility_timeout": settings.visibility_timeout_s,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 30,
        "global_keyprefix": KEY_PREFIX,
        # a publisher gives up at once, since the sweep finds what it could not tell
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.2,
    }


def _sweep_entry(settings: Settings) -> dict[str, Any]:
    # no expiry: it would be judged by the clock of another machine; the beat itself keeps the queue short
    return {
        "task": "watcher.sweep",
        "schedule": settings.sweep_every_s,
        "options": {"queue": SWEEP, "ignore_result": True},
    }


def check(application: Celery, settings: Settings) -> None:
    """Raise CannotHelp when a setting of the application is not ours, whoever changed it: a CELERY_… variable, say."""
    wanted = configuration(settings)
    wrong = [name for name, value in wanted.items() if getattr(application.conf, name) != value]
    if settings.visibility_timeout_s <= HARD_LIMIT_S:
        wrong.append("visibility_timeout (must exceed the hard time limit, or a running task is started again)")
    if settings.lease_s <= HARD_LIMIT_S:
        wrong.append("lease_s (must exceed the hard time limit, or two workers hold one row)")
    if wrong:
        raise CannotHelp(f"Celery's settings are not the required ones: {', '.join(sorted(wrong))}")
