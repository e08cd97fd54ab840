"""The overview: how the service stands, what the last day brought, what waits, what fails, what was found last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.model import DeliveryState, EventView
from watcher.pipeline import checks, reload_state, rule_names
from watcher.pipeline.reload_state import Files
from watcher.pipeline.rule_names import RuleName
from watcher.store import Connection, chart, feeds, overview
from watcher.web.console import charts, standing
from watcher.web.console.charts import Plan, Series
from watcher.web.console.desk import Desk, Page, span

HOURS = 24
EVENTS = 8
DELIVERIES = 8
TROUBLED = 6
_RULES = 6
_HABIT_FROM = 30
_STATE_KINDS = (
    (DeliveryState.SENT, "sent", "good"),
    (DeliveryState.PENDING, "waiting", "wait"),
    (DeliveryState.PARKED, "given up", "bad"),
    (DeliveryState.WITHHELD, "withheld", "six"),
    (DeliveryState.HELD, "held", "three"),
)


def show(desk: Desk) -> Response:
    """The page; with the reason alone (503) when the rows cannot be read."""
    rt, now = desk.rt, desk.now
    reasons = checks.run(rt)
    if reasons["database"]:
        return desk.page("told.html.j2", "The database does not answer", status=503, told=reasons["database"])
    with rt.database.read() as conn:
        rules, hours = rule_names.known(conn), chart.hours(now, HOURS)
        messages = chart.deliveries_by_hour(conn, hours)
        figures = _figures(conn, reasons, parked=sum(messages[DeliveryState.PARKED]), now=now)
        day = _day(conn, rules, messages, now)
        values: dict[str, Any] = {
            "troubled": overview.troubled_feeds(conn, limit=TROUBLED),
            "quiet": _quiet(conn, rules, now),
            "events": [_event(event) for event in overview.recent_events(conn, EVENTS)],
            "deliveries": overview.recent_deliveries(conn, DELIVERIES),
        }
    found = standing.findings(figures)
    return desk.page(
        "overview.html.j2",
        "Overview",
        grade=standing.grade(found),
        sentence=standing.sentence(figures, found),
        found=found,
        figures=figures,
        waiting=_waiting(figures),
        charts=day,
        **values,
    )


def _figures(conn: Connection, reasons: Mapping[str, str], *, parked: int, now: datetime) -> standing.Figures:
    newest, arrived = overview.canary(conn)
    config, rules = reload_state.read(conn, Files.CONFIG), reload_state.read(conn, Files.RULES)
    return standing.Figures(
        now=now,
        checks=reasons,
        backlog=overview.backlog(conn, now),
        canary=newest,
        arrived=arrived,
        feeds=feeds.healths(conn),
        failing_long=feeds.failing_since(conn, now - standing.FAILING_FOR),
        channels=overview.troubled_channels(conn, limit=4),
        parked=parked,
        newest_item_at=overview.newest_item_at(conn),
        rules_in_force=rules is None or bool(rules.version),
        mistakes=config.mistakes if config is not None else (),
    )


def _waiting(figures: standing.Figures) -> list[dict[str, Any]]:
    """Each step with what waits for it, those of which nothing waits too: that is the good news."""
    rows = []
    for step, (what, limit) in standing.STEPS.items():
        about = figures.backlog.get(step) or {"waiting": 0, "oldest_s": None}
        late = about["oldest_s"] is not None and about["oldest_s"] > limit.total_seconds()
        rows.append({"what": what, "count": about["waiting"], "oldest_s": about["oldest_s"], "late": late})
    return rows


# ── the last day ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _day(
    conn: Connection, rules: Sequence[RuleName], messages: Mapping[str, Sequence[int]], now: datetime
) -> dict[str, Any]:
    hours = chart.hours(now, HOURS)
    labels = [f"{at:%H:%M}" for at in hours]
    return {
        "items": _items(chart.items_by_hour(conn, hours), labels),
        "rules": _rules(chart.events_by_rule(conn, now - timedelta(hours=HOURS)), rules),
        "deliveries": _deliveries(messages, labels),
        "latency": _latency(chart.latencies(conn, hours[0]), hours, labels),
    }


def _items(counts: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    series = [Series(name="items", kind="one", values=counts)]
    most = max(range(len(counts)), key=counts.__getitem__)
    says = f"{charts.whole(sum(counts))} items in {HOURS} hours" + (
        f", the most, {charts.whole(counts[most])}, in the hour from {labels[most]} UTC." if sum(counts) else "."
    )
    plan = Plan(key="items", title="Items stored per hour", says=says, labels=labels, shown=charts.whole)
    return _drawn(charts.columns(plan, series), plan, series, total=sum(counts))


def _deliveries(states: Mapping[str, Sequence[int]], labels: Sequence[str]) -> dict[str, Any]:
    met = [one for one in _STATE_KINDS if sum(states[one[0]]) or one[0] is DeliveryState.SENT]
    series = [Series(name=name, kind=kind, values=states[state]) for state, name, kind in met]
    totals = {name: sum(states[state]) for state, name, _ in met}
    told = [f"{charts.whole(count)} {name}" for name, count in totals.items() if count]
    says = f"Messages made in {HOURS} hours: {', '.join(told) or 'none'}."
    plan = Plan(key="deliveries", title="Messages per hour", says=says, labels=labels, shown=charts.whole)
    return _drawn(charts.columns(plan, series), plan, series, total=sum(totals.values()))


def _latency(
    times: Sequence[tuple[datetime, float]], hours: Sequence[datetime], labels: Sequence[str]
) -> dict[str, Any]:
    by_hour: dict[datetime, list[float]] = {at: [] for at in hours}
    for sent_at, seconds in times:
        at = sent_at.replace(minute=0, second=0, microsecond=0)
        if at in by_hour:
            by_hour[at].append(seconds)
    series = [
        Series(name="half within", kind="one", values=[standing.percentile(by_hour[at], 0.5) for at in hours]),
        Series(name="95 % within", kind="two", values=[standing.percentile(by_hour[at], 0.95) for at in hours]),
    ]
    every = [seconds for _, seconds in times]
    half, most = standing.percentile(every, 0.5), standing.percentile(every, 0.95)
    says = f"Half of {len(every)} alerts were sent within {span(half)} of the item's arrival, 95 % within {span(most)}."
    plan = Plan(
        key="latency",
        title="From item to alert",
        says=says if every else "No alert was sent at once in this time.",
        labels=labels,
        shown=span,
    )
    drawn = charts.traces(plan, series, top_of=charts.nice_span)
    return _drawn(drawn, plan, series, total=len(every)) | {"half": half, "most": most}


def _drawn(picture: Any, plan: Plan, series: Sequence[Series], *, total: int) -> dict[str, Any]:
    return {
        "picture": picture,
        "says": plan.says,
        "total": total,
        "legend": [(one.name, one.kind) for one in series] if len(series) > 1 else [],
        "table": charts.table(plan, series, "Hour (UTC)"),
    }


def _rules(counts: Sequence[tuple[str, int]], rules: Sequence[RuleName]) -> dict[str, Any]:
    titles = {rule.id: rule.title for rule in rules}
    top = counts[0][1] if counts else 0
    rows = [
        {"id": rule, "title": titles.get(rule, rule), "count": count, "bar": charts.measure(count, top)}
        for rule, count in counts[:_RULES]
    ]
    rest = [count for _, count in counts[_RULES:]]
    return {"rows": rows, "total": sum(count for _, count in counts), "rest": sum(rest), "more": len(rest)}


def _quiet(conn: Connection, rules: Sequence[RuleName], now: datetime) -> list[dict[str, Any]]:
    heard = chart.rules_since(conn, now - standing.QUIET_AT_LEAST)
    since = overview.in_use_since(conn)
    rows = []
    for rule in rules:
        if rule.trial or rule.id in heard:
            continue
        times = chart.rule_times(conn, rule.id, limit=_HABIT_FROM)
        one = standing.quiet(rule.id, times, in_use_since=since, now=now)
        if one is not None:
            rows.append({"id": rule.id, "title": rule.title, "last_at": one.last_at, "habit": one.habit})
    return rows


# ── the newest ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _event(event: EventView) -> dict[str, Any]:
    first = event.sources[0] if event.sources else None
    return {
        "id": event.id,
        "rule": wording.one_line(event.rule_title, 80),
        "rule_id": event.rule_id,
        "level": str(event.level),
        "trial": str(event.status) == "experimental",
        "revision": event.revision,
        "title": wording.one_line(event.title, 200),
        "at": event.updated_at,
        "facts": wording.fact_rows(event)[:5],
        "feed": wording.one_line(first.feed, 60) if first else "",
        "sources": len(event.sources),
    }


PAGES = (Page(path="/", show=show),)
