"""The tasks: one a step of the line, each a line around the pipeline. A message carries ids and nothing else."""

from __future__ import annotations

from watcher import pipeline
from watcher.pipeline import canary, canary_alarm, counting, reload
from watcher.runtime import Runtime
from workers.app import app
from workers.base import Task, without_long_queues


@app.task(bind=True, name="watcher.feeds")
def feeds(self: Task, ids: list[int]) -> None:
    self.step(pipeline.refresh_feeds, ids)


@app.task(bind=True, name="watcher.pushes")
def pushes(self: Task, ids: list[int]) -> None:
    self.step(pipeline.read_pushes, ids)


@app.task(bind=True, name="watcher.hubs")
def hubs(self: Task, ids: list[int]) -> None:
    self.step(pipeline.ask_hubs, ids)


@app.task(bind=True, name="watcher.items")
def items(self: Task, ids: list[int]) -> None:
    self.step(pipeline.classify_items, ids)


@app.task(bind=True, name="watcher.pages")
def pages(self: Task, ids: list[int]) -> None:
    self.step(pipeline.fetch_pages, ids)


@app.task(bind=True, name="watcher.events")
def events(self: Task, ids: list[int]) -> None:
    self.step(pipeline.raise_alerts, ids)


@app.task(bind=True, name="watcher.digests")
def digests(self: Task, ids: list[int]) -> None:
    self.step(pipeline.close_digests, ids)


@app.task(bind=True, name="watcher.deliveries")
def deliveries(self: Task, ids: list[int]) -> None:
    self.step(pipeline.deliver, ids)


@app.task(bind=True, name="watcher.sweep")
def sweep(self: Task) -> None:
    self.guard(watch_files)
    self.guard(lambda rt: without_long_queues(pipeline.due(rt)))
    self.guard(watch_over)


def watch_files(rt: Runtime) -> pipeline.Nudges:
    """Take a changed watcher.yml or rule folder into force; at once where somebody asked for it."""
    if reload.was_asked(rt):
        reload.reload(rt, by="asked", alone=True)
        return {}
    pipeline.apply_config(rt)
    pipeline.check_rules(rt)
    return {}


def watch_over(rt: Runtime) -> pipeline.Nudges:
    """Send a canary when it is time, look for the one under way, raise the alarm when it is late; count for metrics."""
    found = canary.tend(rt)
    canary_alarm.watch(rt)
    counting.count_up(rt)
    return found
