"""Who asked for a subscription on the page, as hashes: how often an address, a client and a network did lately.

How much of it is too much is decided in `watcher.pipeline.signup_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from watcher.store import overview
from watcher.store.schema import signups

KEPT = timedelta(days=30)
"""How long a row is kept: the longest time that a limit looks back."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_TURN = "signup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One request to subscribe, as keyed hashes: of the mailbox, the client's address and its network."""

    limit: str
    client: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """What was asked before. `mailed_at`: the letters to that mailbox within 30 days, oldest first."""

    mailed_at: tuple[datetime, ...] = ()
    client_hour: int = 0
    client_day: int = 0
    network_hour: int = 0
    network_day: int = 0
    letters_hour: int = 0
    """Letters to anybody within the hour."""


def take_turn(conn: Connection, *, now: datetime) -> None:
    """Make other sign-ups wait until this transaction ends, so that two at once count one another."""
    overview.record_beat(conn, _TURN, now=now)


def lately(conn: Connection, keys: Keys, *, now: datetime) -> Lately:
    """What the limits look at, as of `now`."""

    def asked(column: str, key: str) -> tuple[int, int]:
        within_hour = func.count().filter(signups.c.asked_at > now - _HOUR)
        query = select(within_hour, func.count()).where(signups.c[column] == key, signups.c.asked_at > now - _DAY)
        hour, day = conn.execute(query).one()
        return hour, day

    mailed = select(signups.c.mailed_at).where(
        signups.c.limit_key == keys.limit, signups.c.asked_at > now - KEPT, signups.c.mailed_at.is_not(None)
    )
    letters = select(func.count()).where(signups.c.asked_at > now - _HOUR, signups.c.mailed_at.is_not(None))
    client_hour, client_day = asked("client_key", keys.client)
    network_hour, network_day = asked("network_key", keys.network)
    return Lately(
        mailed_at=tuple(conn.execute(mailed.order_by(signups.c.mailed_at)).scalars()),
        client_hour=client_hour,
        client_day=client_day,
        network_hour=network_hour,
        network_day=network_day,
        letters_hour=conn.execute(letters).scalar_one(),
    )


def add(conn: Connection, keys: Keys, *, reason: str, subscription_id: str | None, mailed: bool, now: datetime) -> int:
    """Note one request and what came of it; its id."""
    values = {
        "limit_key": keys.limit,
        "client_key": keys.client,
        "network_key": keys.network,
        "subscription_id": subscription_id,
        "reason": reason,
        "asked_at": now,
        "mailed_at": now if mailed else None,
    }
    made: int = conn.execute(signups.insert().values(**values).returning(signups.c.id)).scalar_one()
    return made


def confirmed(conn: Connection, subscription_id: str, *, now: datetime) -> None:
    """Note that the reader of the address confirmed."""
    mine = (signups.c.subscription_id == subscription_id, signups.c.confirmed_at.is_(None))
    conn.execute(update(signups).where(*mine).values(confirmed_at=now))


def forget(conn: Connection, *, now: datetime) -> int:
    """Drop what no limit looks at any more; how many rows."""
    return conn.execute(delete(signups).where(signups.c.asked_at < now - KEPT)).rowcount
