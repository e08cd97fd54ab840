"""How channels stand, for people who look: those of the service, those in trouble, and what waits for each.

Readers who signed up have a channel each, thousands in all; of these only the ones in trouble are listed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, String, func, literal_column, select

from watcher.model import ChannelState, DeliveryState, Origin
from watcher.store.channels import state_of
from watcher.store.schema import channels, deliveries

_STATES = (DeliveryState.PENDING, DeliveryState.PARKED)
_UNSENT = deliveries.c.state != literal_column(f"'{DeliveryState.SENT.value}'", String())
"""Written out, as the partial index says it."""


def ours(conn: Connection, *, limit: int, after: str = "") -> list[ChannelState]:
    """The live channels of watcher.yml by id, those beyond `after`."""
    mine = (channels.c.origin == Origin.FILE.value, channels.c.id > after)
    return _states(conn, select(channels).where(*mine), limit)


def in_trouble(conn: Connection, *, limit: int) -> list[ChannelState]:
    """Live channels of anybody that are disabled or whose last message failed, by id."""
    found: dict[str, ChannelState] = {}
    for sick in (channels.c.disabled_reason.is_not(None), channels.c.failures > literal_column("0")):
        found |= {one.config.id: one for one in _states(conn, select(channels).where(sick), limit)}
    return [found[name] for name in sorted(found)][:limit]


def one(conn: Connection, channel_id: str) -> ChannelState | None:
    """A channel, one that was removed too."""
    row = conn.execute(select(channels).where(channels.c.id == channel_id)).one_or_none()
    return None if row is None else state_of(row)


def several(conn: Connection, channel_ids: Collection[str]) -> dict[str, ChannelState]:
    """Channels by id, those that were removed too."""
    rows = conn.execute(select(channels).where(channels.c.id.in_(list(channel_ids))))
    return {row.id: state_of(row) for row in rows}


def _states(conn: Connection, query: Select[Any], limit: int) -> list[ChannelState]:
    live = query.where(channels.c.retired_at.is_(None)).order_by(channels.c.id).limit(limit)
    return [state_of(row) for row in conn.execute(live)]


def left_over(conn: Connection, channel_ids: Collection[str]) -> dict[str, dict[DeliveryState, int]]:
    """How many messages wait and how many were given up, by channel."""
    columns = (deliveries.c.channel_id, deliveries.c.state, func.count())
    query = select(*columns).where(_UNSENT, deliveries.c.state.in_([one.value for one in _STATES]))
    query = query.where(deliveries.c.channel_id.in_(list(channel_ids)))
    found: dict[str, dict[DeliveryState, int]] = {}
    for channel_id, state, many in conn.execute(query.group_by(*columns[:2]).order_by(*columns[:2])):
        found.setdefault(channel_id, {})[DeliveryState(state)] = many
    return found


def most_parked(conn: Connection, *, limit: int) -> list[tuple[str, int]]:
    """The channels with the most messages that were given up, and how many each has."""
    parked = deliveries.c.state == DeliveryState.PARKED.value
    many = func.count()
    query = select(deliveries.c.channel_id, many).where(_UNSENT, parked).group_by(deliveries.c.channel_id)
    rows = conn.execute(query.order_by(many.desc(), deliveries.c.channel_id).limit(limit))
    return [(name, count) for name, count in rows]
