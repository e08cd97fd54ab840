"""Promises P8, P9 and P10: what the other side does to a delivery costs no message and nobody else's time.

A worker and a beat as they are shipped, real receivers; `make drills` sets DRILL_FAULTS to the whole counts.
"""

from __future__ import annotations

import os
from collections import Counter
from email.message import EmailMessage
from email.utils import format_datetime

import pytest
from outbox import configure
from services.web import HttpSink
from sqlalchemy import select
from stage import Stage

from watcher.model import Envelope, Window
from watcher.store import deliveries, digests
from watcher.store.schema import attempts
from watcher.store.schema import deliveries as delivery_rows
from watcher.store.schema import digests as digest_rows

WHOLE = int(os.environ.get("DRILL_FAULTS", "1")) > 1
TIMES = 20 if WHOLE else 6
SICK = 100 if WHOLE else 40
DATABASES = ["sqlite", "postgresql"] if WHOLE else ["sqlite"]
STALLED_S, LATE_S = 900.0, 70.0
"""Our side waits sixty seconds for the answer to a mail's last line."""


def _mailboxes(stage: Stage, names: list[str]) -> None:
    """A channel for each address; all mail goes to the one inbox."""
    ways = "".join(
        f"  {name}: {{kind: email, to: {name}@example.org, sender: watcher@example.org, "
        f'smtp_url: "smtp://127.0.0.1:{stage.inbox.port}"}}\n'
        for name in names
    )
    configure(
        stage,
        f"feeds: []\nchannels:\n{ways}subscriptions:\n  now: {{channels: [{names[0]}], when: immediate}}\n",
    )


def _mails(stage: Stage, channels: list[str]) -> dict[str, str]:
    """One mail that waits for each channel; the channel by Message-ID."""
    now, made = stage.runtime.clock(), {}
    with stage.runtime.database.write() as conn:
        for number, channel in enumerate(channels):
            message_id = f"<drill-{number}@example.org>"
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "watcher@example.org", f"{channel}@example.org", f"No. {number}"
            mail["Message-ID"], mail["Date"] = message_id, format_datetime(now)
            mail.set_content("A message of a drill.")
            envelope = Envelope(message_id=message_id, content_type="message/rfc822", body=mail.as_bytes())
            window = Window(key=f"drill:{number}", closes_at=now)
            digest_id = digests.open_window(conn, "now", window, immediate=True, now=now)
            assert digest_id is not None
            key = deliveries.delivery_key(f"drill-{number}", channel)
            deliveries.add(conn, digest_id=digest_id, channel_id=channel, key=key, envelope=envelope, now=now)
            made[message_id] = channel
        conn.execute(digest_rows.update().where(digest_rows.c.closed_at.is_(None)).values(closed_at=now))
    return made


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
@pytest.mark.timeout(1200)
def test_p8_a_server_that_takes_a_mail_and_does_not_say_so_gets_at_most_one_more_copy(stage: Stage) -> None:
    stage.environ |= {"WATCHER_DELIVER_TOTAL_S": "2", "WATCHER_UNCERTAIN_RETRY_S": "1"}
    ways = ("dropped", "stalled", "late") if WHOLE else ("dropped",)
    every = [f"{way}{number}" for way in ways for number in range(TIMES)]
    _mailboxes(stage, every)
    for name in every:
        if name.startswith("dropped"):
            stage.inbox.hang_up("DATA", keep=True, address=f"{name}@example.org")
        elif name.startswith("stalled"):
            stage.inbox.dawdle(STALLED_S, keep=False, address=f"{name}@example.org")
        else:
            stage.inbox.dawdle(LATE_S, keep=True, address=f"{name}@example.org")
    expected = _mails(stage, every)
    stage.worker()
    stage.beat()
    stage.wait(stage.quiet, what="an empty outbox", within_s=400)
    copies = Counter(mail.message["Message-ID"] for mail in stage.inbox.mails)
    bodies = {(mail.message["Message-ID"], mail.body) for mail in stage.inbox.mails}
    outcomes = _outcomes(stage)
    print(
        f"P8: {len(expected)} mails of which the server kept quiet: {len(expected.keys() - copies.keys())} lost, "
        f"{sum(copies.values()) - len(copies)} repeated, at most {max(copies.values())} copies of one"
    )
    assert copies.keys() == expected.keys()
    assert max(copies.values()) == 2
    assert len(bodies) == len(copies), "a second copy had other bytes"
    assert all(outcomes[channel] == ["uncertain", "sent"] for channel in every)
    assert _states(stage) == Counter(sent=len(expected))


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
@pytest.mark.timeout(600)
def test_p9_channels_that_hang_or_fail_keep_no_healthy_one_waiting(stage: Stage, feed_server: HttpSink) -> None:
    """`feed_server` stands for the sick receivers, so that the healthy ones do not share their threads."""
    stage.environ |= {"WATCHER_DELIVER_TOTAL_S": "10"}
    sick = [f"sick{number}" for number in range(SICK)]
    for number, name in enumerate(sick):
        if number % 2:
            feed_server.answer(f"/{name}", delay_s=60)
        else:
            feed_server.answer(f"/{name}", status=500)
    well = [f"well{number}" for number in range(5)]
    urls = {name: feed_server.url(f"/{name}") for name in sick} | {name: stage.web.url(f"/{name}") for name in well}
    ways = "".join(
        f'  {name}: {{kind: webhook, url: "{url}", secret: {{env: LINE_TEST_SECRET}}, allow_private: true}}\n'
        for name, url in urls.items()
    )
    stage.environ |= {"WATCHER_RETRY_BASE_S": "5"}
    configure(stage, f"feeds: []\nchannels:\n{ways}subscriptions:\n  now: {{channels: [{well[0]}], when: immediate}}\n")
    _hooks(stage, sick * 3, "sick")
    stage.worker()
    stage.beat()
    stage.wait(lambda: len(feed_server.requests) > SICK // 2, what="the sick ones to be tried")
    began = {}
    for turn in range(6):
        for one in _hooks(stage, well, f"well-{turn}"):
            began[one] = stage.runtime.clock()
        stage.wait(
            lambda: all(len(stage.web.got(f"/{name}")) > turn for name in well),  # noqa: B023
            what="the healthy ones",
            within_s=60,
        )
    waits = sorted(
        (request.received_at - began[request.headers["webhook-id"]]).total_seconds() for request in stage.web.requests
    )
    p95 = waits[int(0.95 * len(waits))]
    stage.wait(lambda: _open_breakers(stage) == SICK, what="all sick breakers to open", within_s=90)
    print(f"P9: {SICK} sick channels, their breakers open; {len(waits)} healthy messages, p95 {p95:.1f} s")
    assert len(waits) == 30
    assert p95 <= 5


def _hooks(stage: Stage, channels: list[str], name: str) -> list[str]:
    """One message that waits for each channel; their ids."""
    now, keys = stage.runtime.clock(), []
    with stage.runtime.database.write() as conn:
        for number, channel in enumerate(channels):
            window = Window(key=f"{name}:{number}", closes_at=now)
            digest_id = digests.open_window(conn, "now", window, immediate=True, now=now)
            assert digest_id is not None
            key = deliveries.delivery_key(f"{name}-{number}", channel)
            envelope = Envelope(message_id=key, content_type="application/json", body=b'{"type": "event.created"}')
            deliveries.add(conn, digest_id=digest_id, channel_id=channel, key=key, envelope=envelope, now=now)
            keys.append(key)
        conn.execute(digest_rows.update().where(digest_rows.c.closed_at.is_(None)).values(closed_at=now))
    return keys


def _open_breakers(stage: Stage) -> int:
    with stage.runtime.database.read() as conn:
        return len(conn.exec_driver_sql("SELECT id FROM channels WHERE open_until IS NOT NULL").all())


def _outcomes(stage: Stage) -> dict[str, list[str]]:
    query = (
        select(delivery_rows.c.channel_id, attempts.c.outcome)
        .join(attempts, attempts.c.delivery_id == delivery_rows.c.id)
        .order_by(attempts.c.number)
    )
    found: dict[str, list[str]] = {}
    with stage.runtime.database.read() as conn:
        for channel, outcome in conn.execute(query):
            found.setdefault(channel, []).append(outcome)
    return found


def _states(stage: Stage) -> Counter[str]:
    with stage.runtime.database.read() as conn:
        return Counter(conn.execute(select(delivery_rows.c.state)).scalars())
