"""A service under load for the drills: messages waiting in the outbox, workers that get killed, and what arrived."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import and_, func, or_, select
from stage import Stage

from watcher import pipeline
from watcher.model import Envelope, Window
from watcher.store import deliveries, digests
from watcher.store.schema import attempts
from watcher.store.schema import deliveries as delivery_rows
from watcher.store.schema import digests as digest_rows

HOOKS = 6
CONFIG = """feeds: []
channels:
{hooks}  me: {{kind: email, to: reader@example.org, sender: watcher@example.org, smtp_url: "smtp://127.0.0.1:{smtp}"}}
subscriptions:
  now: {{channels: [hook-0], when: immediate}}
ops: [me]
"""


def configure(stage: Stage, text: str = "") -> None:
    """Put a watcher.yml of its own into force: several webhooks, since one channel is only sent a few at once."""
    hooks = "".join(
        f'  hook-{number}: {{kind: webhook, url: "{stage.web.url(f"/hook/{number}")}", '
        "secret: {env: LINE_TEST_SECRET}, allow_private: true}\n"
        for number in range(HOOKS)
    )
    path = stage.folder / "watcher.yml"
    path.write_text(text or CONFIG.format(hooks=hooks, smtp=stage.inbox.port), "utf-8")
    pipeline.apply_config(stage.runtime)


def fill(stage: Stage, numbers: range) -> set[str]:
    """Let so many messages wait, each with a body of its own; their keys."""
    now = stage.runtime.clock()
    keys = set()
    with stage.runtime.database.write() as conn:
        for number in numbers:
            window = Window(key=f"drill:{number}", closes_at=now)
            digest_id = digests.open_window(conn, "now", window, immediate=True, now=now)
            assert digest_id is not None
            key = deliveries.delivery_key(f"drill-{number}", "hook")
            body = json.dumps({"type": "event.created", "number": number}).encode()
            envelope = Envelope(message_id=key, content_type="application/json", body=body)
            channel = f"hook-{number % HOOKS}"
            deliveries.add(conn, digest_id=digest_id, channel_id=channel, key=key, envelope=envelope, now=now)
            keys.add(key)
        conn.execute(digest_rows.update().where(digest_rows.c.closed_at.is_(None)).values(closed_at=now))
    return keys


def arrived(stage: Stage) -> Counter[str]:
    """The ids that the webhooks were sent, with how often."""
    return Counter(request.headers["webhook-id"] for request in _hooked(stage))


def bytes_by_id(stage: Stage) -> dict[str, set[bytes]]:
    """The bodies under each id: one, whatever happened."""
    found: dict[str, set[bytes]] = {}
    for request in _hooked(stage):
        found.setdefault(request.headers["webhook-id"], set()).add(request.body)
    return found


def _hooked(stage: Stage) -> Iterator[object]:
    for number in range(HOOKS):
        yield from stage.web.got(f"/hook/{number}")


def kill_something(stage: Stage, chance: random.Random) -> str:
    """SIGKILL a process of the service, picked by chance: a worker's parent, or one of its pool; which it was."""
    living = [process for process in stage.processes if process.poll() is None]
    parents = [process.pid for process in living]
    victim = chance.choice([*parents, *(child for parent in parents for child in _children(parent))])
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    if victim not in parents:
        return "child"
    process = next(one for one in living if one.pid == victim)
    process.wait(10)
    with suppress(ProcessLookupError):  # its children go with it, as with a machine
        os.killpg(victim, signal.SIGKILL)
    return "parent"


def free_the_dead(stage: Stage) -> None:
    """As if the time of the leases of dead processes had passed; the living keep theirs, as they would."""
    with stage.runtime.database.write() as conn:
        held = select(delivery_rows.c.id, delivery_rows.c.lease_owner).where(delivery_rows.c.lease_owner.is_not(None))
        for one, owner in conn.execute(held).all():
            if not Path(f"/proc/{owner.split(':')[1]}").exists():
                gone = delivery_rows.update().where(delivery_rows.c.id == one, delivery_rows.c.lease_owner == owner)
                conn.execute(gone.values(lease_until=datetime(2000, 1, 1, tzinfo=UTC)))


def keep_up(stage: Stage, workers: int) -> None:
    """What a supervisor does: start a worker or the beat anew where one has gone."""
    names = [Path(str(process.args[1])).name for process in stage.processes if process.poll() is None]
    for _ in range(workers - names.count("killable_worker.py")):
        stage.worker()
    if "-m" not in names:
        stage.beat()


def _children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.append(int(path.parent.name))
    return found


def report(stage: Stage, what: str, expected: set[str]) -> None:
    """Say what was lost and repeated, and hold it against the promise."""
    got = arrived(stage)
    lost, strange = expected - set(got), set(got) - expected
    repeats = sum(got.values()) - len(got)
    print(f"{what}: {len(expected)} messages, {len(lost)} lost, {repeats} repeated, {len(strange)} never written")
    assert not lost
    assert not strange, "something was sent that no row knows"
    assert all(len(bodies) == 1 for bodies in bytes_by_id(stage).values()), "a repeat came with other bytes"
    unmarked = _unmarked(stage)
    twice = {key: times - 1 for key, times in got.items() if times > 1}
    assert all(again <= unmarked[key] for key, again in twice.items()), "a message was repeated that had been marked"


def _unmarked(stage: Stage) -> Counter[str]:
    """By key, attempts that were not marked when the next one began: what had to be sent again."""
    following = attempts.alias()
    query = (
        select(delivery_rows.c.key, func.count())
        .join(attempts, attempts.c.delivery_id == delivery_rows.c.id)
        .join(
            following, and_(following.c.delivery_id == delivery_rows.c.id, following.c.number == attempts.c.number + 1)
        )
        .where(or_(attempts.c.finished_at.is_(None), attempts.c.finished_at > following.c.started_at))
        .group_by(delivery_rows.c.key)
    )
    with stage.runtime.database.read() as conn:
        return Counter(dict(conn.execute(query).tuples().all()))
