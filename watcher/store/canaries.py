"""Canaries as rows: when each was sent, behind which step it was seen when, and what was told of a missing one.

How far one has come is read from the rows of its own place (`watcher.store.apart`); what follows is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, literal, select, update

from watcher.store import overview
from watcher.store.schema import Instant, alerts, canaries, deliveries, event_sources, events, items

KEPT = 100
"""Canaries that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """One canary; its instants in the order of the line."""

    id: int
    started_at: datetime
    stored_at: datetime | None
    event_at: datetime | None
    alert_at: datetime | None
    written_at: datetime | None
    arrived_at: datetime | None
    alarmed_at: datetime | None
    over_at: datetime | None


def newest(conn: Connection, *, limit: int) -> list[Canary]:
    """The newest canaries, newest first."""
    rows = conn.execute(select(canaries).order_by(canaries.c.id.desc()).limit(limit))
    return [Canary(**row._mapping) for row in rows]


def start(conn: Connection, *, every_s: float, now: datetime) -> int | None:
    """A new canary, unless another one was started within `every_s`; its id. Forgets all but the newest hundred."""
    overview.record_beat(conn, "canary", now=now)  # locks its row: of two sweeps one starts a canary
    last = conn.execute(select(func.max(canaries.c.started_at))).scalar_one()
    if last is not None and last > now - timedelta(seconds=every_s):
        return None
    made: int = conn.execute(canaries.insert().values(started_at=now).returning(canaries.c.id)).scalar_one()
    old = select(canaries.c.id).order_by(canaries.c.id.desc()).offset(KEPT - 1).limit(1).scalar_subquery()
    conn.execute(delete(canaries).where(canaries.c.id < old))
    return made


def came(apart: Connection, identity: str) -> dict[str, datetime]:
    """When the item of that identity was seen behind each step but the last, by column; from its own place."""
    told = event_sources.join(events, events.c.id == event_sources.c.event_id)
    told = items.outerjoin(told, event_sources.c.item_id == items.c.id)
    told = told.outerjoin(alerts, alerts.c.event_id == events.c.id)
    told = told.outerjoin(deliveries, deliveries.c.digest_id == alerts.c.digest_id)
    row = apart.execute(
        select(
            items.c.first_seen_at.label("stored_at"),
            events.c.created_at.label("event_at"),
            alerts.c.created_at.label("alert_at"),
            deliveries.c.created_at.label("written_at"),
        )
        .select_from(told)
        .where(items.c.identity == identity)
        .limit(1)
    ).one_or_none()
    return {} if row is None else {name: at for name, at in row._mapping.items() if at is not None}


def note(conn: Connection, canary_id: int, seen: Mapping[str, datetime]) -> None:
    """Write when the canary was seen, where nothing is written yet."""
    if seen:
        instants = {name: literal(at, Instant()) for name, at in seen.items()}
        values = {name: func.coalesce(canaries.c[name], at, type_=Instant()) for name, at in instants.items()}
        conn.execute(update(canaries).where(canaries.c.id == canary_id).values(**values))


def alarm(conn: Connection, canary_id: int, *, now: datetime) -> bool:
    """Note that this canary is told to be missing; False when it was told before."""
    one = (canaries.c.id == canary_id, canaries.c.alarmed_at.is_(None))
    return conn.execute(update(canaries).where(*one).values(alarmed_at=now)).rowcount > 0


def end_alarm(conn: Connection, canary_id: int, *, now: datetime) -> bool:
    """Note that the alarm of this canary is over; False when somebody was faster."""
    one = (canaries.c.id == canary_id, canaries.c.alarmed_at.is_not(None), canaries.c.over_at.is_(None))
    return conn.execute(update(canaries).where(*one).values(over_at=now)).rowcount > 0
