"""Promises P6 and P10: one digest a reader and local day whatever dies, and one bad event among fifty.

Each scheduler is a process of its own with a clock that the test moves, so that days pass in seconds.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from outbox import configure
from row_factories import subscription
from services.process import start, stop
from sqlalchemy import select
from stage import Stage
from told import Line, open_runtime

from watcher import pipeline
from watcher.model import ChannelConfig, ChannelKind, Schedule
from watcher.pipeline import Step
from watcher.runtime import Runtime
from watcher.store import channels, digests
from watcher.store.schema import digests as digest_rows

WHOLE = int(os.environ.get("DRILL_FAULTS", "1")) > 1
ZONES = (
    "Asia/Shanghai",
    "Asia/Seoul",
    "Europe/Madrid",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)
SEASONS = [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 30, 12, tzinfo=UTC)]
"""Europe's clocks go forward on 29 March, New York's back on 1 November."""
DAYS = 4 if WHOLE else 1
FAULTS = ("none", "killed", "stopped", "away") if WHOLE else ("none", "killed", "stopped", "none", "killed", "away")
SCHEDULERS = 3


@dataclass(kw_only=True)
class Schedulers:
    """Processes that share a database and a clock."""

    stage: Stage
    folder: Path
    running: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=count)

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    def set(self, at: datetime) -> None:
        part = self.folder / "clock.part"
        part.write_text(at.isoformat())
        part.rename(self.clock)

    def start(self, number: int) -> None:
        for _ in range(number):
            seen = self.folder / f"seen-{next(self._names)}"
            argv = [sys.executable, str(Path(__file__).with_name("clocked.py")), str(self.clock), str(seen)]
            before = dict(os.environ)
            os.environ.update(self.stage.environ)
            try:
                process = start(argv, log=self.folder / "schedulers.log", ready=lambda: True)
            finally:
                os.environ.clear()
                os.environ.update(before)
            self.running.append((process, seen))

    def end(self, process: subprocess.Popen[bytes]) -> None:
        stop(process, signal.SIGKILL)
        self.running = [one for one in self.running if one[0] is not process]

    def wait(self, at: datetime) -> None:
        """Until every scheduler has found nothing more to do at that instant."""
        text = at.isoformat()
        self.stage.wait(
            lambda: all(seen.exists() and seen.read_text() == text for _, seen in self.running),
            what=f"the schedulers at {text}",
            within_s=90,
        )


@pytest.fixture
def schedulers(stage: Stage, tmp_path: Path) -> Iterator[Schedulers]:
    made = Schedulers(stage=stage, folder=tmp_path)
    yield made
    for process, _ in list(made.running):
        process.send_signal(signal.SIGCONT)
        made.end(process)


def _config(stage: Stage) -> str:
    ways = "".join(
        f"  {number}: {{kind: email, to: r{number}@example.org, sender: watcher@example.org, "
        f'smtp_url: "smtp://127.0.0.1:{stage.inbox.port}"}}\n'
        for number in (f"box-{one}" for one in range(len(ZONES)))
    )
    told = "".join(
        f"  reader-{number}: {{channels: [box-{number}], when: daily 08:00, zone: {zone}, empty: send}}\n"
        for number, zone in enumerate(ZONES)
    )
    return f"feeds: []\nchannels:\n{ways}subscriptions:\n{told}"


def _due(begin: datetime) -> list[datetime]:
    """Every instant within the days at which it is eight in the morning in one of the zones."""
    found = set()
    for zone in ZONES:
        for day in range(DAYS + 2):
            date = (begin.astimezone(ZoneInfo(zone)) + timedelta(days=day - 1)).date()
            at = datetime(date.year, date.month, date.day, 8, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            if begin < at <= begin + timedelta(days=DAYS):
                found.add(at)
    return sorted(found)


# SQLite alone: PostgreSQL judges what is due by its own clock, which no test moves
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("begin", SEASONS if WHOLE else SEASONS[:1], ids=lambda at: f"{at:%B}")
@pytest.mark.timeout(1200)
def test_p6_every_reader_gets_one_digest_a_local_day(schedulers: Schedulers, stage: Stage, begin: datetime) -> None:
    stage.runtime.clock = lambda: begin
    configure(stage, _config(stage))
    stage.environ |= {"WATCHER_LEASE_S": "60"}
    schedulers.set(begin)
    schedulers.start(SCHEDULERS)
    schedulers.wait(begin)
    chance, done = random.Random(6), Counter[str]()
    instants = _due(begin)
    for number, at in enumerate(instants):
        fault = FAULTS[number % len(FAULTS)]
        done[fault] += 1
        victim = chance.choice(schedulers.running)[0]
        if fault == "away":
            for process, _ in list(schedulers.running):
                schedulers.end(process)
        schedulers.set(at)
        if fault == "killed":
            stage.runtime.sleep(chance.uniform(0, 0.15))
            schedulers.end(victim)
            schedulers.start(1)
        elif fault == "stopped":
            victim.send_signal(signal.SIGSTOP)
        elif fault == "away":
            schedulers.set(at + timedelta(minutes=170))
            schedulers.start(SCHEDULERS)
        later = at + timedelta(minutes=2 if fault != "away" else 175)
        schedulers.set(later)
        if fault == "stopped":
            stage.runtime.sleep(0.5)  # the others find its lease ended, or wait for what it has locked
            victim.send_signal(signal.SIGCONT)
        schedulers.wait(later)
        later += timedelta(minutes=2)  # the leases of the dead have ended
        schedulers.set(later)
        schedulers.wait(later)
    _report(stage, begin, done)


def _report(stage: Stage, begin: datetime, faults: Counter[str]) -> None:
    expected = {
        (f"reader-{number}", f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d}")
        for number, zone in enumerate(ZONES)
        for at in _due(begin)
        if at.astimezone(ZoneInfo(zone)).hour == 8 and at.astimezone(ZoneInfo(zone)).minute == 0
    }
    with stage.runtime.database.read() as conn:
        closed = select(digest_rows.c.subscription_id, digest_rows.c.window).where(digest_rows.c.closed_at.is_not(None))
        rows = Counter((row.subscription_id, row.window) for row in conn.execute(closed))
    copies = Counter(mail.message["Message-ID"] for mail in stage.inbox.mails)
    again = sum(copies.values()) - len(copies)
    print(
        f"P6: {len(expected)} reader days over {dict(faults)}: {len(expected - rows.keys())} missing, "
        f"{sum(rows.values()) - len(rows)} doubled rows, {len(copies)} mails, {again} repeated"
    )
    assert rows.keys() == expected
    assert set(rows.values()) == {1}
    assert len(copies) == len(expected)
    assert again <= faults["killed"] + faults["stopped"]


# ── P10 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

POISON = {
    "input-107": "Hi\r\nBcc: v@x.example",
    "input-108": "One\u2028two\u0085three\x0bfour",
    "input-110": "Nothing\x00here",
    "input-111": "Acme \u202ednuF\u202c",
    "input-112": "=?utf-8?b?QmNj?=",
    "input-113": "long " * 400,
    "input-114": "<script>alert(1)</script><a href='javascript:x'>x</a>",
    "input-118": "</td></tr></table></body>",
}


@pytest.fixture
def rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_runtime(sqlite_url, tmp_path)
    yield opened
    opened.close()


def test_p10_a_poisoned_event_stops_none_of_the_other_forty_nine(rt: Runtime, smtp_inbox) -> None:
    line = Line(rt=rt)
    box = ChannelConfig(
        id="box", kind=ChannelKind.EMAIL, to="r@example.org", sender="w@example.org", smtp_url=smtp_inbox.url
    )
    with rt.database.write() as conn:
        channels.sync(conn, [box], now=rt.clock())
    told = [subscription(name, channels=("box",), schedule=Schedule()) for name in POISON]
    parties = {name: f"Party {number}" for number, name in enumerate(POISON)}
    line.subscribe(*told)
    for number in range(49):
        line.happen(f"Sound news {number}")
    for name, title in POISON.items():
        line.happen(title, party=parties[name])
    line.tick()
    with rt.database.write() as conn:
        for one in told:
            digests.close_now(conn, one.id, now=rt.clock())
    line.tick()
    while waiting := pipeline.due(rt).get(Step.DELIVERIES):
        pipeline.deliver(rt, waiting)
    mails = [mail.message for mail in smtp_inbox.mails]
    whole = [sum(f"Sound news {one}" in str(mail.get_body(("plain",))) for one in range(49)) for mail in mails]
    print(f"P10: {len(POISON)} kinds of poison in {len(mails)} digests, of 49 sound events told: {sorted(set(whole))}")
    assert len(mails) == len(told)
    assert set(whole) == {49}
    assert all(mail["Bcc"] is None and mail["To"] == "r@example.org" for mail in mails)
