"""Old messages, hosts and mutes: what is dropped of them once nobody can ask for it; how long is the pipeline's to say.

A message's row stays for good: its key is what keeps it from being sent twice, and it says who was told when.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, delete, select, update

from watcher.model import DeliveryState
from watcher.store import overview
from watcher.store.schema import attempts, deliveries, hosts, mutes

_MARK = "forgotten_messages"
FORGOTTEN = "given up; its text is no longer kept"
_DONE = (DeliveryState.SENT.value, DeliveryState.WITHHELD.value, DeliveryState.PARKED.value)


def forget_messages(conn: Connection, *, before: datetime, limit: int) -> int:
    """Empty the bytes of messages that ended, written before then, with their attempts; how many were looked at.

    A dead letter without its bytes can be sent no more, and says so. A mark keeps those from being looked at again;
    a message that still waits then keeps its bytes.
    """
    mark = int(overview.remembered(conn, _MARK) or 0)
    old = and_(deliveries.c.id > mark, deliveries.c.created_at < before)
    rows = conn.execute(
        select(deliveries.c.id, deliveries.c.state).where(old).order_by(deliveries.c.id).limit(limit)
    ).all()
    if not rows:
        return 0
    ended = [row.id for row in rows if row.state in _DONE]
    conn.execute(update(deliveries).where(deliveries.c.id.in_(ended)).values(body=b""))
    parked = and_(deliveries.c.id.in_(ended), deliveries.c.state == DeliveryState.PARKED.value)
    conn.execute(update(deliveries).where(parked).values(state=DeliveryState.WITHHELD.value, reason=FORGOTTEN))
    conn.execute(delete(attempts).where(attempts.c.delivery_id.in_(ended)))
    overview.remember(conn, _MARK, rows[-1].id)
    return len(rows)


def forget_hosts(conn: Connection, *, before: datetime, limit: int) -> int:
    """Drop hosts that nobody has asked since then, and that asked for no longer rest; how many."""
    idle = and_(hosts.c.free_at < before, hosts.c.opens_at < before, hosts.c.held_by.is_(None))
    some = select(hosts.c.host).where(idle).limit(limit)
    return conn.execute(delete(hosts).where(hosts.c.host.in_(some))).rowcount


def forget_mutes(conn: Connection, *, before: datetime, limit: int) -> int:
    """Drop mutes that ended before then; how many."""
    some = select(mutes.c.id).where(mutes.c.until_at < before).limit(limit)
    return conn.execute(delete(mutes).where(mutes.c.id.in_(some))).rowcount
