"""Metrics in Prometheus's text form, read from rows at each scrape: every process sees the same, and none is lost.

Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for what only grows. Totals are a
minute behind (`watcher.store.tallies`) and never fall; labels are words of ours, never names of feeds or readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from watcher.errors import WatcherError
from watcher.pipeline import canary_alarm, checks, reload_state
from watcher.pipeline.canary_alarm import State
from watcher.pipeline.reload_state import Files
from watcher.runtime import Runtime
from watcher.store import Connection, canaries, demotions, feeds, gauges, hubs, overview, tallies

_TOTALS = {
    "items": "Items stored.",
    "events": "Events found.",
    "alerts": "Alerts raised.",
    "digests": "Digests opened.",
    "pushes_dropped": "Pushed documents not signed by their hub.",
}
_BY_ONE = {
    "polls": ("outcome", "Polls of feeds by outcome."),
    "classified": ("result", "Items that the rules have read: matched, or nothing was found."),
}


def show(request: Request) -> Response:
    """All metrics; only `watcher_database_up 0` and the build when the database cannot be read."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows(request.app.state.runtime))
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


class _Rows(Collector):
    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        reason = checks.database(self._rt)
        metrics: list[Metric] = []
        if not reason:
            try:
                with self._rt.database.read() as conn:
                    metrics = [*_present(conn, self._rt), *_watching(conn, self._rt), *_totals(tallies.totals(conn))]
            except WatcherError as error:
                reason = str(error)
        yield GaugeMetricFamily("watcher_database_up", "Whether the rows can be read.", value=0 if reason else 1)
        yield _info("watcher_build_info", "The program that answers.", {"version": _version()})
        yield from metrics


def _version() -> str:
    try:
        return version("biotech-watcher")
    except PackageNotFoundError:
        return "unknown"


# ── the present ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _present(conn: Connection, rt: Runtime) -> Iterator[Metric]:
    backlog = overview.backlog(conn, rt.clock())
    waiting = {step: about["waiting"] for step, about in backlog.items()}
    oldest = {step: about["oldest_s"] or 0.0 for step, about in backlog.items()}
    yield _by("watcher_backlog_rows", "Rows that are due for a step.", "step", waiting)
    yield _by("watcher_backlog_oldest_seconds", "Age of the oldest due row of a step.", "step", oldest)
    yield _by("watcher_feeds", "Live feeds by the outcome of their last poll.", "outcome", overview.feed_outcomes(conn))
    yield _by("watcher_feeds_health", "Live feeds by how they fare.", "state", feeds.healths(conn))
    yield _by("watcher_hubs", "Hubs that are asked to push, by state.", "state", hubs.states(conn))
    unsent = gauges.unsent(conn)
    yield _by("watcher_deliveries_unsent", "Messages that were not sent, by state.", "state", unsent)
    aside = gauges.parked(conn) | {"deliveries": unsent["parked"]}
    yield _by("watcher_dead_letters", "Rows put aside, by step: somebody has to look.", "step", aside)
    family = GaugeMetricFamily("watcher_channels", "Live channels by kind and state.", labels=["kind", "state"])
    for (kind, state), count in sorted(gauges.breakers(conn).items()):
        family.add_metric([kind, state], count)
    yield family
    below = len(demotions.below(conn))
    yield GaugeMetricFamily("watcher_rules_below_floor", "Rules whose precision is below their floor.", value=below)


def _watching(conn: Connection, rt: Runtime) -> Iterator[Metric]:
    now, beaten = rt.clock(), gauges.beaten(conn)
    ages = {name: _age_s(at, now) for name, at in beaten.items()}
    if "sweep" in ages:
        yield GaugeMetricFamily("watcher_sweep_age_seconds", "Time since the last sweep.", value=ages["sweep"])
    taken = {name.partition(":")[2]: age for name, age in ages.items() if name.startswith("queue:")}
    text = "Time since a worker last took what a canary asks at every queue."
    yield _by("watcher_queue_read_age_seconds", text, "queue", taken)
    yield from _canary(conn, rt, now)
    for files in Files:
        last = reload_state.read(conn, files)
        if last is None:
            continue
        name = f"watcher_{files}_last_reload"
        yield GaugeMetricFamily(f"{name}_successful", f"Whether the {files} as it is is in force.", value=last.ok)
        if last.good_at is not None:
            when = last.good_at.timestamp()
            yield GaugeMetricFamily(f"{name}_success_timestamp_seconds", "When it last was taken.", value=when)
        if files is Files.RULES:
            yield _info("watcher_rules_info", "The rules in force.", {"version": last.version[:12]})


def _canary(conn: Connection, rt: Runtime, now: datetime) -> Iterator[Metric]:
    found = canary_alarm.verdict(rt, conn)
    if found.state is State.OFF:
        return
    late = found.state in (State.LATE, State.MISSING)
    yield GaugeMetricFamily("watcher_canary_late", "Whether a canary is late or none was sent.", value=late)
    arrived = next((one for one in canaries.newest(conn, limit=canaries.KEPT) if one.arrived_at), None)
    if arrived is None or arrived.arrived_at is None:
        return
    travel_s = (arrived.arrived_at - arrived.started_at).total_seconds()
    age_s = _age_s(arrived.arrived_at, now)
    yield GaugeMetricFamily("watcher_canary_age_seconds", "Time since a canary last arrived.", value=age_s)
    yield GaugeMetricFamily("watcher_canary_travel_seconds", "How long the last one was on its way.", value=travel_s)


def _age_s(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())


# ── totals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _totals(found: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    for name, text in _TOTALS.items():
        yield CounterMetricFamily(f"watcher_{name}", text, value=found.get(name, {}).get("", 0))
    for name, (label, text) in _BY_ONE.items():
        family = CounterMetricFamily(f"watcher_{name}", text, labels=[label])
        for value, count in sorted(found.get(name, {}).items()):
            family.add_metric([value], count)
        yield family
    tried = CounterMetricFamily("watcher_attempts", "Attempts of deliveries.", labels=["kind", "outcome", "reason"])
    for label, count in sorted(found.get("attempts", {}).items()):
        tried.add_metric(label.split(tallies.SEPARATOR, 2), count)
    yield tried
    yield _latency(found.get(tallies.LATENCY, {}))


def _latency(found: Mapping[str, int]) -> Metric:
    text = "Time from the storing of an item to the delivery of an immediate alert of it."
    family = HistogramMetricFamily("watcher_alert_latency_seconds", text)
    up_to, buckets = 0, []
    for end in (*tallies.BUCKETS_S, "+Inf"):
        up_to += found.get(str(end), 0)
        buckets.append((str(float(end)) if end != "+Inf" else "+Inf", up_to))
    family.add_metric([], buckets=buckets, sum_value=found.get("sum_ms", 0) / 1000)
    return family


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _info(name: str, text: str, labels: Mapping[str, str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
