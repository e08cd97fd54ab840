"""Channels as rows: kept in step with watcher.yml, disabled and enabled, their faults, turns and rates noted.

What a fault means and when a channel may be sent to is decided by `watcher.deliver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select, update

from watcher import wire
from watcher.model import ChannelConfig, ChannelState
from watcher.store import database, deliveries, file_rows
from watcher.store.feeds import SyncReport
from watcher.store.schema import Instant, channels
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


def live(conn: Connection) -> list[ChannelConfig]:
    """Every live channel, disabled ones included, by id."""
    query = select(channels.c.config).where(channels.c.retired_at.is_(None)).order_by(channels.c.id)
    return [wire.load(ChannelConfig, config) for config in conn.execute(query).scalars()]


def disable(conn: Connection, channel_id: str, *, reason: str) -> bool:
    """Stop sending to a channel until watcher.yml changes it or somebody enables it; False when it was so already."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.disabled_reason.is_(None))
    return conn.execute(statement.values(disabled_reason=reason)).rowcount > 0


def enable(conn: Connection, channel_id: str) -> bool:
    """Let a channel send at once, as if it had never failed; False when there is no such live channel."""
    statement = update(channels).where(channels.c.id == channel_id, channels.c.retired_at.is_(None))
    return conn.execute(statement.values(disabled_reason=None, **_FRESH)).rowcount > 0


_LOCKED = select(channels).where(channels.c.id == bindparam("channel")).with_for_update()


def lock(conn: Connection, channel_id: str, *, lease_s: float, hand_s: float, now: datetime) -> ChannelState | None:
    """How the channel stands; until the transaction ends nobody else takes a message of it or tells how one went.

    Messages in hand for longer than `hand_s` are not counted: their worker died. None when there is no such channel.
    """
    row = conn.execute(_LOCKED, {"channel": channel_id}).one_or_none()
    if row is None:
        return None
    held = _held_since(conn, [channel_id], lease_s=lease_s, hand_s=hand_s, now=now)
    return state_of(row, held.get(channel_id, ()))


def _held_since(
    conn: Connection, channel_ids: Sequence[str], *, lease_s: float, hand_s: float, now: datetime
) -> dict[str, tuple[datetime, ...]]:
    given: dict[str, Any] = {"channels": list(channel_ids)}
    if conn.dialect.name == "sqlite":
        given["since"] = now + timedelta(seconds=lease_s - hand_s)
    else:
        given["seconds"] = lease_s - hand_s
    found: dict[str, tuple[datetime, ...]] = {}
    for name, until in conn.execute(_holding(conn.dialect.name), given):
        found[name] = (*found.get(name, ()), until - timedelta(seconds=lease_s))
    return found


@lru_cache(maxsize=2)
def _holding(dialect: str) -> Select[Any]:
    since = bindparam("since", type_=Instant()) if dialect == "sqlite" else database.server_clock(bindparam("seconds"))
    held, row = deliveries_table.c.lease_until, deliveries_table.c
    theirs = (row.channel_id.in_(bindparam("channels", expanding=True)), row.lease_owner.is_not(None), held > since)
    return select(row.channel_id, held).where(*theirs).order_by(held)


def state_of(row: Row[Any], held_since: tuple[datetime, ...] = ()) -> ChannelState:
    """A row as it stands; `held_since` is nothing where nobody asks what is being sent."""
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
    conn.execute(_TAKING, {"channel": channel_id, "free": free_at, "turn": now})


_TAKING = (
    update(channels)
    .where(channels.c.id == bindparam("channel"))
    .values(free_at=bindparam("free", type_=Instant()), turn_at=bindparam("turn", type_=Instant()))
)


def worked(conn: Connection, channel_id: str, *, now: datetime) -> bool:
    """Note that a message went through, to the minute; True when this closed the channel's breaker."""
    row = conn.execute(_CHANGING, {"channel": channel_id, "stale": now - _TO_THE_MINUTE}).one_or_none()
    if row is None:
        return False
    well = {"failures": 0, "failing_since": None, "fault": None, "open_until": None, "worked_at": now}
    conn.execute(update(channels).where(channels.c.id == channel_id).values(**well))
    return row.open_until is not None


_CHANGING = (
    select(channels.c.open_until)
    .where(
        channels.c.id == bindparam("channel"),
        or_(
            channels.c.failures > 0,
            channels.c.worked_at.is_(None),
            channels.c.worked_at < bindparam("stale", type_=Instant()),
        ),
    )
    .with_for_update()
)


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


def of_deliveries(
    conn: Connection, delivery_ids: Sequence[int], *, lease_s: float, hand_s: float, now: datetime
) -> list[ChannelState]:
    """How the channels of those messages stand, the longest neglected first; see `lock`."""
    wanted = select(deliveries_table.c.channel_id).where(deliveries_table.c.id.in_(list(delivery_ids)))
    query = select(channels).where(channels.c.id.in_(wanted)).order_by(channels.c.turn_at.nulls_first(), channels.c.id)
    rows = conn.execute(query).all()
    held = _held_since(conn, [row.id for row in rows], lease_s=lease_s, hand_s=hand_s, now=now)
    return [state_of(row, held.get(row.id, ())) for row in rows]


def states(conn: Connection) -> list[tuple[ChannelState, dict[str, int]]]:
    """Every live channel as it stands, with how many messages of it are in each state, by id of channel."""
    count = select(deliveries_table.c.channel_id, deliveries_table.c.state, func.count())
    counted: dict[str, dict[str, int]] = {}
    for channel_id, state, many in conn.execute(count.group_by(*count.selected_columns[:2])):
        counted.setdefault(channel_id, {})[state] = many
    query = select(channels).where(channels.c.retired_at.is_(None)).order_by(channels.c.id)
    return [(state_of(row), counted.get(row.id, {})) for row in conn.execute(query)]
