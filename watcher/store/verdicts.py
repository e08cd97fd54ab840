"""What people said of events, kept under the rules that had told them: one word of each person, the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, select

from watcher.store.dialect import insert
from watcher.store.schema import event_sources, events, items, rule_sets, verdicts


class Verdict(StrEnum):
    """What a reader may say of an event."""

    USEFUL = "useful"
    NOT_USEFUL = "not_useful"
    WRONG_FACTS = "wrong_facts"
    """It is what the rule looks for, but a fact was misread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The verdicts on one rule."""

    useful: int = 0
    not_useful: int = 0
    wrong_facts: int = 0

    @property
    def judged(self) -> int:
        return self.useful + self.not_useful + self.wrong_facts

    @property
    def right(self) -> int:
        """Events that were what the rule looks for, whatever was read of them."""
        return self.useful + self.wrong_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An event with a verdict, and the first item that told it."""

    event_id: int
    rule_id: str
    rules_version: str
    verdict: Verdict
    who: str
    note: str
    item_id: int


def record(conn: Connection, event_id: int, verdict: Verdict, *, who: str, note: str, now: datetime) -> bool:
    """Keep what somebody says of an event; a later word of the same person replaces it. False without such an event.

    The one function behind every way of judging: commands, links in messages, the page.
    """
    query = select(events.c.rule_id, events.c.rules_version).where(events.c.id == event_id)
    row = conn.execute(query).one_or_none()
    if row is None:
        return False
    values = {
        "rule_id": row.rule_id,
        "rules_version": row.rules_version or "",
        "verdict": verdict.value,
        "note": note,
        "created_at": now,
    }
    statement = insert(conn, verdicts).values(event_id=event_id, who=who[:160], **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["event_id", "who"], set_=values))
    return True


def said_by(conn: Connection, event_id: int, *, who: str) -> Verdict | None:
    """What that person last said of the event; None when nothing."""
    query = select(verdicts.c.verdict).where(verdicts.c.event_id == event_id, verdicts.c.who == who)
    found = conn.execute(query).scalar_one_or_none()
    return None if found is None else Verdict(found)


def ledgers(conn: Connection, *, version: str | None = None) -> dict[str, Ledger]:
    """The verdicts by rule, of every version or of one."""
    query = select(verdicts.c.rule_id, verdicts.c.verdict, func.count().label("number"))
    query = query.group_by(verdicts.c.rule_id, verdicts.c.verdict)
    counts: dict[str, dict[str, int]] = {}
    for row in conn.execute(query if version is None else query.where(verdicts.c.rules_version == version)):
        counts.setdefault(row.rule_id, {})[row.verdict] = row.number
    return {rule_id: Ledger(**found) for rule_id, found in counts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """How often one word was said of the events that one version of the rules told."""

    rule_id: str
    rules_version: str
    own_version: str
    """Of the rule itself in that version; that version's where it was not kept."""
    verdict: Verdict
    number: int
    first_at: datetime
    last_at: datetime


def entries(conn: Connection, *, rule_id: str | None = None) -> list[Entry]:
    """The whole ledger, or one rule's: by rule, version and word."""
    key = (verdicts.c.rule_id, verdicts.c.rules_version, verdicts.c.verdict)
    told = (func.count().label("number"), func.min(verdicts.c.created_at), func.max(verdicts.c.created_at))
    query = select(*key, *told).group_by(*key).order_by(*key)
    rows = conn.execute(query if rule_id is None else query.where(verdicts.c.rule_id == rule_id)).all()
    kept = select(rule_sets.c.version, rule_sets.c.own).where(rule_sets.c.version.in_({row[1] for row in rows}))
    own = {version: of_rules or {} for version, of_rules in conn.execute(kept)}
    return [
        Entry(
            rule_id=rule,
            rules_version=version,
            own_version=own.get(version, {}).get(rule, version),
            verdict=Verdict(verdict),
            number=number,
            first_at=first_at,
            last_at=last_at,
        )
        for rule, version, verdict, number, first_at, last_at in rows
    ]


def judged(conn: Connection, *, rule_id: str | None = None) -> list[Judged]:
    """The judged events, oldest verdict first; where people differ, each of their words."""
    first = select(event_sources.c.event_id, func.min(event_sources.c.item_id).label("item_id"))
    first_item = first.group_by(event_sources.c.event_id).subquery()
    query = select(verdicts, first_item.c.item_id).join(first_item, first_item.c.event_id == verdicts.c.event_id)
    if rule_id is not None:
        query = query.where(verdicts.c.rule_id == rule_id)
    return [
        Judged(
            event_id=row.event_id,
            rule_id=row.rule_id,
            rules_version=row.rules_version,
            verdict=Verdict(row.verdict),
            who=row.who,
            note=row.note,
            item_id=row.item_id,
        )
        for row in conn.execute(query.order_by(verdicts.c.created_at, verdicts.c.id))
    ]


def listing(conn: Connection, *, rule_id: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest events with what was said of them, newest first."""
    query = select(
        events.c.id, events.c.rule_id, events.c.title, events.c.revision, events.c.created_at, events.c.status
    )
    query = query.add_columns(events.c.amount_usd, events.c.history, _sources().label("sources"))
    if rule_id is not None:
        query = query.where(events.c.rule_id == rule_id)
    rows = [dict(row._mapping) for row in conn.execute(query.order_by(events.c.id.desc()).limit(limit))]
    said = _said(conn, [row["id"] for row in rows])
    return [row | {"verdicts": said.get(row["id"], [])} for row in rows]


def _sources() -> Any:
    told = select(func.count()).select_from(event_sources.join(items, items.c.id == event_sources.c.item_id))
    return told.where(event_sources.c.event_id == events.c.id).correlate(events).scalar_subquery()


def _said(conn: Connection, event_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    query = select(verdicts).where(verdicts.c.event_id.in_(list(event_ids))).order_by(verdicts.c.id)
    for row in conn.execute(query):
        found.setdefault(row.event_id, []).append(f"{row.verdict} ({row.who})")
    return found
