"""What each rule did lately, for the pages that show rules: how often it fired, when last, beside which others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select

from watcher.store.schema import events, verdicts

DAY, MONTH = timedelta(days=1), timedelta(days=30)
HABIT = timedelta(days=90)
"""How far back a rule's habit is looked at."""
_ENOUGH = 4
"""Events from which on a rule has a habit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """How often one rule fired."""

    day: int = 0
    month: int = 0
    last_at: datetime | None = None
    habit_s: float | None = None
    """Mean time between two of its events in the last 90 days; None of fewer than four."""


def activity(conn: Connection, *, now: datetime) -> dict[str, Activity]:
    """What each rule that ever fired did, by its id."""
    recent = {row.rule_id: row for row in conn.execute(_recent(now))}
    last = select(events.c.rule_id, func.max(events.c.created_at).label("at")).group_by(events.c.rule_id)
    return {row.rule_id: _activity(row.at, recent.get(row.rule_id)) for row in conn.execute(last)}


def _recent(now: datetime) -> Select[Any]:
    def since(length: timedelta) -> Any:
        return func.sum(case((events.c.created_at >= now - length, 1), else_=0))

    ends = (func.min(events.c.created_at).label("first"), func.max(events.c.created_at).label("last"))
    told = (since(DAY).label("day"), since(MONTH).label("month"), func.count().label("number"), *ends)
    return select(events.c.rule_id, *told).where(events.c.created_at >= now - HABIT).group_by(events.c.rule_id)


def _activity(last_at: datetime, row: Any) -> Activity:
    if row is None:
        return Activity(last_at=last_at)
    habit_s = (row.last - row.first).total_seconds() / (row.number - 1) if row.number >= _ENOUGH else None
    return Activity(day=row.day, month=row.month, last_at=last_at, habit_s=habit_s)


def newest(conn: Connection, rule_id: str, *, limit: int) -> list[dict[str, Any]]:
    """The rule's newest events, newest first: id, title, times, level, status, revision, and `verdicts` in words."""
    query = select(events.c.id, events.c.title, events.c.created_at, events.c.level, events.c.revision)
    mine = query.where(events.c.rule_id == rule_id).order_by(events.c.created_at.desc(), events.c.id.desc())
    rows = [dict(row._mapping) for row in conn.execute(mine.limit(limit))]
    said: dict[int, list[dict[str, Any]]] = {}
    query = select(verdicts).where(verdicts.c.event_id.in_([row["id"] for row in rows])).order_by(verdicts.c.id)
    for row in conn.execute(query).mappings():
        said.setdefault(row["event_id"], []).append(dict(row))
    return [row | {"verdicts": said.get(row["id"], [])} for row in rows]


# ── a rule on trial beside those that are told ──


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Stories that a rule on trial and another one told, each since the same instant."""

    rule_id: str
    both: int
    only_shadow: int
    only_live: int

    @property
    def agreement(self) -> float | None:
        """The share of all these stories that both told; None of none."""
        every = self.both + self.only_shadow + self.only_live
        return self.both / every if every else None


def beside(conn: Connection, shadow: str, live: Mapping[str, Any], *, since: datetime) -> list[Beside]:
    """The rule on trial beside each live one, the one it agrees with most first."""
    mine, theirs = events.alias(), events.alias()
    told = select(theirs.c.rule_id, func.count()).join_from(mine, theirs, theirs.c.story_id == mine.c.story_id)
    told = told.where(mine.c.rule_id == shadow, mine.c.created_at >= since, theirs.c.rule_id != shadow)
    both = {row[0]: int(row[1]) for row in conn.execute(told.group_by(theirs.c.rule_id))}
    number = select(events.c.rule_id, func.count()).where(events.c.created_at >= since).group_by(events.c.rule_id)
    every = {row[0]: int(row[1]) for row in conn.execute(number)}
    found = [
        Beside(
            rule_id=rule_id,
            both=both.get(rule_id, 0),
            only_shadow=max(0, every.get(shadow, 0) - both.get(rule_id, 0)),
            only_live=max(0, every.get(rule_id, 0) - both.get(rule_id, 0)),
        )
        for rule_id in live
        if rule_id != shadow
    ]
    return sorted(found, key=lambda one: (-(one.agreement or 0), one.rule_id))


def apart(conn: Connection, rule_id: str, other: str, *, since: datetime, limit: int) -> list[dict[str, Any]]:
    """The rule's newest events since then whose stories the other rule did not tell."""
    mine, theirs = events.alias(), events.alias()
    told = exists().where(theirs.c.story_id == mine.c.story_id, theirs.c.rule_id == other)
    query = select(mine.c.id, mine.c.title, mine.c.created_at).where(mine.c.rule_id == rule_id, ~told)
    query = query.where(mine.c.created_at >= since).order_by(mine.c.created_at.desc(), mine.c.id.desc()).limit(limit)
    return [dict(row._mapping) for row in conn.execute(query)]
