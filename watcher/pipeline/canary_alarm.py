"""What a late canary means: where the line stands, who is told, once, and when it is over.

`judge` decides; `watch` tells. Whoever lives watches: every sweep, and the web process with a clock of its own, so that
an alarm needs no worker. The notice to `ops:` travels like any message and needs one: when all workers stand still it
is written at once and sent when they are back. Until then the alarm is `/readyz`, the metrics and the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher import log
from watcher.model import Notice
from watcher.runtime import Runtime
from watcher.store import Connection, canaries, digests
from watcher.store.canaries import Canary

_log = log.get("canary")
_LOOK_BACK = 20
_STEPS = (
    ("feeds", "stored_at"),
    ("items", "event_at"),
    ("events", "alert_at"),
    ("digests", "written_at"),
    ("deliveries", "arrived_at"),
)
"""The queues in the order of the line, each with the column that says that the canary is through."""


class State(StrEnum):
    """How the newest canaries fare."""

    OFF = "off"
    NONE = "none"
    """None was ever sent."""
    WELL = "well"
    LATE = "late"
    """One is on its way for too long."""
    MISSING = "missing"
    """None was sent for too long: no sweep sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said of canaries now."""

    state: State
    step: str = ""
    """Of a late one: the queue in which it waits; `sweep` where none is sent."""
    canary_id: int | None = None
    """The one that is late, or after which none came."""
    since: datetime | None = None
    """When it was sent."""

    @property
    def bad(self) -> bool:
        return self.state in (State.LATE, State.MISSING, State.NONE)

    def words(self, now: datetime) -> str:
        """Why it is bad; empty when all is well."""
        age_s = (now - self.since).total_seconds() if self.since else 0.0
        match self.state:
            case State.LATE:
                return f"a canary was sent {age_s:.0f} s ago and has not passed the queue `{self.step}`"
            case State.MISSING:
                return f"no canary was sent for {age_s:.0f} s: does a worker take the queue `sweep`, does the beat run?"
            case State.NONE:
                return "no canary was ever sent: are a worker and the beat running?"
            case State.OFF | State.WELL:
                return ""


def judge(newest: Sequence[Canary], *, every_s: float, late_s: float, now: datetime) -> Verdict:
    """How canaries fare, from the newest of them, newest first. Pure."""
    if not every_s:
        return Verdict(state=State.OFF)
    if not newest:
        return Verdict(state=State.NONE)
    last = newest[0]
    lost = [one for one in newest if one.arrived_at is None and one.id > _arrived(newest)]
    first = lost[-1] if lost else None
    if first is not None and now - first.started_at > timedelta(seconds=late_s):
        return Verdict(state=State.LATE, step=stands_at(first), canary_id=first.id, since=first.started_at)
    if now - last.started_at > timedelta(seconds=every_s + late_s):
        return Verdict(state=State.MISSING, step="sweep", canary_id=last.id, since=last.started_at)
    return Verdict(state=State.WELL)


def _arrived(newest: Sequence[Canary]) -> int:
    return max((one.id for one in newest if one.arrived_at is not None), default=0)


def stands_at(canary: Canary) -> str:
    """The queue whose step the canary has not passed; empty when it has arrived."""
    return next((queue for queue, column in _STEPS if getattr(canary, column) is None), "")


def verdict(rt: Runtime, conn: Connection) -> Verdict:
    """`judge` for the rows of now."""
    chosen = rt.settings
    newest = canaries.newest(conn, limit=_LOOK_BACK)
    return judge(newest, every_s=chosen.canary_every_s, late_s=chosen.canary_late_s, now=rt.clock())


def watch(rt: Runtime) -> Verdict:
    """Raise the alarm when a canary is late or missing, and say when that is over; each once, whoever looks."""
    now = rt.clock()
    with rt.database.read() as conn:
        newest = canaries.newest(conn, limit=_LOOK_BACK)
    found = judge(newest, every_s=rt.settings.canary_every_s, late_s=rt.settings.canary_late_s, now=now)
    alarmed = [one for one in newest if one.alarmed_at is not None and one.over_at is None]
    if found.state in (State.LATE, State.MISSING) and not alarmed and found.canary_id is not None:
        _raise(rt, found.canary_id, found, now)
    for one in alarmed:
        if found.state is State.OFF or _came_after(newest, one):
            _end(rt, one, now)
    return found


def _came_after(newest: Sequence[Canary], alarmed: Canary) -> bool:
    """Whether any canary has arrived since the alarm: that one was sent again is no sign that the line moves."""
    told_at = alarmed.alarmed_at or alarmed.started_at
    return any(one.arrived_at is not None and one.arrived_at > told_at for one in newest)


def _raise(rt: Runtime, canary_id: int, found: Verdict, now: datetime) -> None:
    lines = (
        f"{found.words(now)[:1].upper()}{found.words(now)[1:]}.",
        "Real news waits there too. Look at the workers of that queue; `watcher health` and `/readyz` say more.",
        "This is said once; another message follows when the line moves again.",
    )
    with rt.database.write() as conn:
        if not canaries.alarm(conn, canary_id, now=now):
            return
        digests.add_notice(conn, f"canary:{canary_id}", Notice(subject="News stands still", lines=lines), now=now)
    _log.error("news stands still", canary=canary_id, step=found.step, why=found.words(now))


def _end(rt: Runtime, canary: Canary, now: datetime) -> None:
    lasted_s = (now - canary.started_at).total_seconds()
    lines = (f"A canary arrived again, {lasted_s:.0f} s after the one that was missed had been sent.",)
    with rt.database.write() as conn:
        if not canaries.end_alarm(conn, canary.id, now=now):
            return
        digests.add_notice(conn, f"canary-over:{canary.id}", Notice(subject="News moves again", lines=lines), now=now)
    _log.warning("news moves again", canary=canary.id, lasted_s=round(lasted_s, 1))
