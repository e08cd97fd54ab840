"""Metrics in Prometheus's text form, read from rows at each scrape: every process sees the same, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from watcher.errors import WatcherError
from watcher.pipeline import checks
from watcher.runtime import Runtime
from watcher.store import feeds, hubs, overview
from watcher.web import health

_TOTALS = {
    "items": "Items stored.",
    "events": "Events found.",
    "alerts": "Alerts raised.",
    "digests": "Digests opened.",
}


def show(request: Request) -> Response:
    """All metrics; only `watcher_database_up 0` when the database cannot be read."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(request.app.state.runtime))
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


class _Rows(Collector):
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        reason = health.database(self._rt)
        metrics: list[Metric] = []
        if not reason:
            try:
                metrics = list(self._read())
            except WatcherError as error:
                reason = str(error)
        yield GaugeMetricFamily("watcher_database_up", "Whether the rows can be read.", value=0 if reason else 1)
        yield from metrics

    def _read(self) -> Iterator[Metric]:
        with self._rt.database.read() as conn:
            backlog = overview.backlog(conn, self._rt.clock())
            counts = overview.counts(conn)
            outcomes = overview.feed_outcomes(conn)
            healths = feeds.healths(conn)
            pages = overview.page_outcomes(conn)
            states = overview.delivery_states(conn)
            hub_states, dropped = hubs.states(conn), hubs.dropped(conn)
        yield from _backlog(backlog)
        yield _by("watcher_feeds", "Live feeds by the outcome of their last poll.", "outcome", outcomes)
        yield _by("watcher_feeds_health", "Live feeds by how they fare.", "state", healths)
        yield _by("watcher_pages", "Article pages of 30 days: waiting, read, or why not.", "outcome", pages)
        yield _by("watcher_hubs", "Hubs that are asked to push, by state.", "state", hub_states)
        yield CounterMetricFamily("watcher_pushes_dropped", "Pushed documents not signed by their hub.", value=dropped)
        yield _by("watcher_deliveries", "Messages by state.", "state", states)
        for name, text in _TOTALS.items():
            yield CounterMetricFamily(f"watcher_{name}", text, value=counts.get(name, 0))
        yield GaugeMetricFamily("watcher_items_parked", "Items put aside.", value=counts.get("items_parked", 0))
        age_s = checks.beat_age_s(self._rt, "sweep")
        if age_s is not None:
            yield GaugeMetricFamily("watcher_sweep_age_seconds", "Time since the last sweep.", value=age_s)


def _backlog(backlog: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    waiting = {step: about["waiting"] for step, about in backlog.items()}
    oldest = {step: about["oldest_s"] or 0.0 for step, about in backlog.items()}
    yield _by("watcher_backlog_rows", "Rows that are due for a step.", "step", waiting)
    yield _by("watcher_backlog_oldest_seconds", "Age of the oldest due row of a step.", "step", oldest)


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
