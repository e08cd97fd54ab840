"""Channels as rows: kept in step with watcher.yml, disabled and enabled, their faults, turns and rates noted.

What a fault means and when a channel may be sent to is decided by `watcher.deliver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, update

from watcher import wire
from watcher.model import ChannelConfig, ChannelState
from watcher.store import database, deliveries, file_rows
from watcher.store.feeds import SyncReport
from watcher.store.schema import channels
from watcher.store.schema import deliveries as deliveries_table

_TO_THE_MINUTE = timedelta(minutes=1)
_FRESH = {"failures": 0, "failing_since": None, "fault": None, "open_until": None, "free_at": None}


def sync(conn: Connection, configs: Sequence[ChannelConfig], *, now: datetime) -> SyncReport:
    """Make the `file` rows equal to watcher.yml. What waits for a changed channel, disabled or not, goes at once."""
    report = file_rows.sync(conn, channels, {config.id: wire.dump(config) for config in configs}, now=now)
    if report.changed:
        conn.execute(update(channels).where(channels.c.id.in_(report.changed)).values(**_FRESH))
        deliveries.wake_channel(conn, report.changed, now=now)
    return report


def configs(conn: Connection, ids: Sequence[str]) -> list[ChannelConfig]:
    """The live channels of those ids, disabled ones included (what is addressed to them waits)."""
    query = select(channels.c.config).where(channels.c.id.in_(ids), channels.c.retired_at.is_(None))
    return [wire.load(ChannelConfig, config) for config in conn.execute(query.order_by("id")).scalars()]


def disable(conn: Connection, channel_id: str, *, reason: str) -> bool:
    """Stop sending to a channel until watcher.yml changes it or somebody enables it; False when it was so already."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_(None))
    return conn.execute(statement.values(disabled_reason=reason)).rowcount > 0


def enable(conn: Connection, channel_id: str) -> bool:
    """Let a channel send at once, as if it had never failed; False when there is no such live channel."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.retired_at.is_(None))
    return conn.execute(statement.values(disabled_reason=None, **_FRESH)).rowcount > 0


def lock(conn: Connection, channel_id: str, *, lease_s: float, hand_s: float, now: datetime) -> ChannelState | None:
    """How the channel stands; until the transaction ends nobody else takes a message of it or tells how one went.

    Messages in hand for longer than `hand_s` are not counted: their worker died. None when there is no such channel.
    """
    row = conn.execute(select(channels).where(channels.c.id == channel_id).with_for_update()).one_or_none()
    if row is None:
        return None
    return _state(row, tuple(_held_since(conn, channel_id, lease_s=lease_s, hand_s=hand_s, now=now)))


def _held_since(conn: Connection, channel_id: str, *, lease_s: float, hand_s: float, now: datetime) -> list[datetime]:
    held = deliveries_table.c.lease_until
    mine = (deliveries_table.c.channel_id == channel_id, deliveries_table.c.lease_owner.is_not(None))
    since = held > database.later_sql(conn, now, lease_s - hand_s)
    query = select(held).where(*mine, since).order_by(held)
    return [until - timedelta(seconds=lease_s) for until in conn.execute(query).scalars()]


def _state(row: Row[Any], held_since: tuple[datetime, ...] = ()) -> ChannelState:
    return ChannelState(
        config=wire.load(ChannelConfig, row.config),
        disabled_reason=row.disabled_reason,
        retired=row.retired_at is not None,
        free_at=row.free_at,
        failures=row.failures,
        failing_since=row.failing_since,
        fault=row.fault,
        open_until=row.open_until,
        worked_at=row.worked_at,
        held_since=held_since,
    )


def took(conn: Connection, channel_id: str, *, free_at: datetime | None, now: datetime) -> None:
    """Note that a message of the channel is in hand now, and when the next one may go."""
    conn.execute(update(channels).where(channels.c.id == channel_id).values(free_at=free_at, turn_at=now))


def worked(conn: Connection, channel_id: str, *, now: datetime) -> bool:
    """Note that a message went through, to the minute; True when this closed the channel's breaker."""
    stale = or_(channels.c.worked_at.is_(None), channels.c.worked_at < now - _TO_THE_MINUTE)
    query = select(channels.c.open_until).where(channels.c.id == channel_id, or_(channels.c.failures > 0, stale))
    row = conn.execute(query.with_for_update()).one_or_none()
    if row is None:
        return False
    well = {"failures": 0, "failing_since": None, "fault": None, "open_until": None, "worked_at": now}
    conn.execute(update(channels).where(channels.c.id == channel_id).values(**well))
    return row.open_until is not None


def failed(
    conn: Connection,
    channel_id: str,
    *,
    failures: int,
    failing_since: datetime | None,
    fault: str | None,
    open_until: datetime | None,
    free_at: datetime | None,
) -> None:
    """Write how a failing channel stands; `lock` it before."""
    values = {"failures": failures, "failing_since": failing_since, "fault": fault, "open_until": open_until}
    conn.execute(update(channels).where(channels.c.id == channel_id).values(**values, free_at=free_at))


def with_due(
    conn: Connection, delivery_ids: Sequence[int], *, now: datetime, most: int
) -> list[tuple[ChannelState, int]]:
    """The channels of those messages that have any due, with how many, counted up to `most`."""
    wanted = select(deliveries_table.c.channel_id).where(deliveries_table.c.id.in_(list(delivery_ids)))
    query = select(channels).where(channels.c.id.in_(wanted)).order_by(channels.c.turn_at.nulls_first(), channels.c.id)
    found = []
    for row in conn.execute(query).all():
        first = deliveries.due_of(conn, row.id, now=now, limit=most)
        if first:
            found.append((_state(row), len(first)))
    return found


def states(conn: Connection) -> list[tuple[ChannelState, dict[str, int]]]:
    """Every live channel as it stands, with how many messages of it are in each state, by id of channel."""
    count = select(deliveries_table.c.channel_id, deliveries_table.c.state, func.count())
    counted: dict[str, dict[str, int]] = {}
    for channel_id, state, many in conn.execute(count.group_by(*count.selected_columns[:2])):
        counted.setdefault(channel_id, {})[state] = many
    query = select(channels).where(channels.c.retired_at.is_(None)).order_by(channels.c.id)
    return [(_state(row), counted.get(row.id, {})) for row in conn.execute(query)]
