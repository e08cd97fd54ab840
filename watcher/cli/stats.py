"""`watcher rules list --stats`: what each rule did, what people said of it, and which rules want looking at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.padding import Padding
from rich.text import Text

from watcher import pipeline, wording
from watcher.cli.backtest import progress
from watcher.cli.session import output
from watcher.match.evaluate import Engine
from watcher.match.firing import Firing
from watcher.match.rule import Rule
from watcher.match.score import wilson
from watcher.model import RuleStatus
from watcher.runtime import Runtime
from watcher.store import history, verdicts
from watcher.store.history import Fired
from watcher.store.verdicts import Ledger

OFTEN = 0.2
"""A rule that fires on more than this part of all items tells nobody anything."""
ENOUGH = 20
"""Items below which a rule is called neither dead nor too frequent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    days: int
    items: int
    """Items first seen in those days."""
    firing: Firing
    """What the selections did on the newest of them."""


def rows(rt: Runtime, engine: Engine, *, days: int, sample: int) -> list[dict[str, Any]]:
    """One row a rule: events and items in those days, last event, precision, overlap, and what to look at."""
    since = rt.clock() - timedelta(days=days)
    with rt.database.read() as conn:
        fired = history.fired(conn, since=since)
        ledgers = verdicts.ledgers(conn)
        items = history.count(conn, since=since)
    window = _Window(days=days, items=items, firing=_firing(rt, engine, since=since, sample=sample))
    never = Fired(rule_id="", events=0, items=0, last_at=None, shared={})
    return [
        _row(rule, fired.get(rule.id, never), ledgers.get(rule.id, Ledger()), window) for rule in engine.rule_set.rules
    ]


def _firing(rt: Runtime, engine: Engine, *, since: datetime, sample: int) -> Firing:
    firing = Firing(engine)
    with rt.database.read() as conn:
        found = history.newest(conn, since=since, limit=sample)
    with progress("looking at the selections", len(found)) as advance:
        for item in found:
            firing.see(pipeline.news_text(item))
            advance()
    return firing


def _row(rule: Rule, fired: Fired, ledger: Ledger, window: _Window) -> dict[str, Any]:
    low, high = wilson(ledger.right, ledger.judged)
    judged = ledger.judged > 0
    return {
        "rule": rule.id,
        "status": rule.status,
        "days": window.days,
        "fired": fired.events,
        "items": fired.items,
        "items_seen": window.items,
        "last_fired": fired.last_at,
        "precision": round(ledger.right / ledger.judged, 4) if judged else None,
        "precision_interval": [round(low, 4), round(high, 4)] if judged else None,
        "verdicts": {"useful": ledger.useful, "not_useful": ledger.not_useful, "wrong_facts": ledger.wrong_facts},
        "overlap": {other: round(number / fired.events, 4) for other, number in sorted(fired.shared.items())},
        "look_at": list(_notes(rule, fired, window)),
        "never_hold": list(window.firing.never(rule.id)) if window.firing.items else [],
    }


def print_row(row: dict[str, Any]) -> None:
    """A rule's row on the terminal: what it did, what was said of it, what to look at."""
    console = output()
    last = (
        f", last {row['last_fired']:%Y-%m-%d %H:%M}"
        if row["last_fired"]
        else ", never before"
        if not row["fired"]
        else ""
    )
    items = f"{row['items']} of {row['items_seen']} items"
    told = f"{wording.counted(row['fired'], 'event')} in {row['days']} days, from {items}"
    console.print(Text.assemble((row["rule"], "bold"), f" ({row['status']}): {told}{last}"))
    for style, line in (("", _precision(row)), ("dim", _overlap(row)), *(("yellow", note) for note in row["look_at"])):
        if line:
            console.print(Padding(Text(line, style), (0, 0, 0, 2), expand=False))


def _precision(row: dict[str, Any]) -> str:
    if row["precision"] is None:
        return ""
    low, high = row["precision_interval"]
    said = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in row["verdicts"].items() if number)
    return f"precision {row['precision']:.2f} [{low:.2f}, {high:.2f}]: {said}"


def _overlap(row: dict[str, Any]) -> str:
    shared = ", ".join(f"{share:.0%} with {other}" for other, share in row["overlap"].items())
    return f"shares stories: {shared}" if shared else ""


def _notes(rule: Rule, fired: Fired, window: _Window) -> Iterator[str]:
    if rule.status is RuleStatus.EXPERIMENTAL:
        yield "shadow: recorded, never sent"
    if not fired.events and window.items >= ENOUGH:
        yield f"dead: nothing in {window.days} days"
    if window.items >= ENOUGH and fired.items > OFTEN * window.items:
        yield f"too often: {fired.items / window.items:.0%} of all items"
    never = window.firing.never(rule.id)
    if never and window.firing.items >= ENOUGH:
        yield f"never held in {window.firing.items} items: {', '.join(never)}"
