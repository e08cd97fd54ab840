"""Rules whose verdicts fell below their floor: since when, by which figures, and when that ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from watcher.store.dialect import insert
from watcher.store.schema import demotions


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """A rule that is below its floor, or was."""

    rule_id: str
    own_version: str
    """Of the rule itself, when it fell."""
    since: datetime
    reason: str
    ended_at: datetime | None


def below(conn: Connection) -> dict[str, Demotion]:
    """The rules that are below their floor now, by their id."""
    return {one.rule_id: one for one in listing(conn) if one.ended_at is None}


def listing(conn: Connection) -> list[Demotion]:
    """The last time that each rule fell, newest first; rules that never did are absent."""
    query = select(demotions).order_by(demotions.c.since.desc(), demotions.c.rule_id)
    return [
        Demotion(
            rule_id=row.rule_id,
            own_version=row.rules_version,
            since=row.since,
            reason=row.reason,
            ended_at=row.ended_at,
        )
        for row in conn.execute(query)
    ]


def fall(conn: Connection, rule_id: str, *, own_version: str, reason: str, now: datetime) -> None:
    """Note that the rule is below its floor from now on, and that this is being told."""
    values = {"rules_version": own_version, "since": now, "reason": reason, "told_at": now, "ended_at": None}
    statement = insert(conn, demotions).values(rule_id=rule_id, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["rule_id"], set_=values))


def rise(conn: Connection, rule_id: str, *, now: datetime) -> bool:
    """Note that the rule is not below its floor any more; False when it was not."""
    over = demotions.c.rule_id == rule_id, demotions.c.ended_at.is_(None)
    found = conn.execute(update(demotions).where(*over).values(ended_at=now).returning(demotions.c.rule_id))
    return found.first() is not None
