"""Turns at hosts, for whoever is about to ask one: which rows start, which wait a moment, which come back later.

What a turn is stands in `watcher.fetch.spacing`. Hosts that somebody has allowed on purpose have no turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher.fetch.spacing import Admission, Turn, admit, closed_until, host_key, is_private
from watcher.model import FetchResult, HostState
from watcher.runtime import Runtime
from watcher.store import Connection, hosts

_LEAD_MAX_S = 16.0
"""A thread that waits for its turn holds up the rows that were claimed with its own."""
_HOLD_MARGIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that somebody wants to make. `host` is None where nobody counts."""

    host: str | None
    slot_at: datetime | None = None
    """The slot that an earlier visit was given and that is still to come, or was missed."""


def visit(rt: Runtime, url: str, *, slot_at: datetime | None = None) -> Visit:
    """What asking for `url` takes."""
    chosen = rt.settings
    counted = chosen.host_spacing_s > 0 and not is_private(url, chosen.allow_private)
    host = host_key(url, chosen.shared_hosts) if counted else ""
    return Visit(host=host or None, slot_at=slot_at)


def lead_s(rt: Runtime) -> float:
    """How long before its slot a row is due again: so long that the sweep finds it in time."""
    return min(rt.settings.sweep_every_s + 1, _LEAD_MAX_S)


def back_at(rt: Runtime, admission: Admission) -> datetime:
    """When a row that was told `later` is due again."""
    return admission.slot_at - timedelta(seconds=lead_s(rt))


def ask(rt: Runtime, conn: Connection, visits: Sequence[Visit], *, owner: str, now: datetime) -> list[Admission | None]:
    """The turn of each visit, in their order; None where nobody counts. Whoever starts holds its host as `owner`.

    One `owner` may hold many hosts and each of them once, so it frees what it holds and nothing else.
    """
    states = hosts.lock(conn, [one.host for one in visits if one.host], now=now)
    turned: dict[str, hosts.Turned] = {}
    admissions: list[Admission | None] = []
    for one in visits:
        if one.host is None:
            admissions.append(None)
            continue
        admission = _admit(rt, states[one.host], one, now)
        states[one.host] = admission.state
        holder = turned[one.host].by if one.host in turned else None
        by = owner if admission.turn is Turn.NOW else holder
        turned[one.host] = hosts.Turned(state=admission.state, by=by)
        admissions.append(admission)
    hosts.write(conn, turned)
    return admissions


def _admit(rt: Runtime, state: HostState, one: Visit, now: datetime) -> Admission:
    return admit(
        state,
        slot_at=one.slot_at,
        now=now,
        spacing_s=rt.settings.host_spacing_s,
        lead_s=lead_s(rt),
        hold_s=rt.settings.fetch_total_s + _HOLD_MARGIN_S,
    )


def free(conn: Connection, one: Visit, *, owner: str) -> None:
    """Let the next one ask the host. To be called last in a transaction: see `watcher.store.hosts.lock`."""
    if one.host is not None:
        hosts.release(conn, one.host, by=owner)


def heed(rt: Runtime, conn: Connection, url: str, result: FetchResult, *, now: datetime) -> None:
    """Leave the whole host alone as long as its answer asks; it is the host that answered in the end."""
    until = closed_until(result, now)
    if until is None:
        return
    answered = visit(rt, result.final_url or url)
    if answered.host is not None:
        hosts.close(conn, answered.host, until=until, now=now)
