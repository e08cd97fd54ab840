"""Everything the whole line needs, real and on this machine: feeds over HTTP, Valkey, workers, SMTP, two receivers."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from services.process import start, stop
from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink
from sqlalchemy import select

from watcher import pipeline, runtime, settings
from watcher.store import Connection, deliveries, feeds, items, overview
from watcher.store.schema import attempts, digests, events
from watcher.store.schema import deliveries as delivery_rows
from watcher.store.schema import feeds as feed_rows
from watcher.store.schema import items as item_rows

HERE = Path(__file__).resolve().parent / "line"
ROOT = HERE.parents[1]
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
_LEASED = (feed_rows, item_rows, events, digests, delivery_rows)


def rss(numbers: Sequence[int], *, title: str = "Rounds") -> bytes:
    """A feed with one item a number, each of which the line's rule finds."""
    entries = "".join(
        f"<item><guid isPermaLink='false'>round-{number}</guid><title>{escape(f'Acme {number} funded')}</title>"
        f"<link>https://news.example/rounds/{number}</link>"
        f"<description>Acme {number} closed a round of ${number} million.</description></item>"
        for number in numbers
    )
    return f"<rss version='2.0'><channel><title>{title}</title>{entries}</channel></rss>".encode()


@dataclass(kw_only=True)
class Stage:
    """One service with everything around it. `environ` is what its processes run with."""

    folder: Path
    database_url: str
    valkey: Valkey
    web: HttpSink
    inbox: SmtpInbox
    feeds: int = 4
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.feeds):
            self.publish(number, [])
        (self.folder / "watcher.yml").write_text(self._config(), "utf-8")
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "WATCHER_DATABASE_URL": self.database_url,
            "WATCHER_REDIS_URL": self.valkey.url,
            "WATCHER_DATA_DIR": str(self.folder),
            "WATCHER_CONFIG_PATH": str(self.folder / "watcher.yml"),
            "WATCHER_RULES_DIR": str(HERE / "rules"),
            "WATCHER_ALLOW_PRIVATE": "127.0.0.0/8",
            "WATCHER_SWEEP_EVERY_S": "0.5",
            "WATCHER_RETRY_BASE_S": "0.5",
            "WATCHER_CANARY_EVERY_S": "0",
            "LINE_TEST_SECRET": SECRET,
            "LINE_TEST_SLACK": self.web.url("/slack"),
        }
        self.runtime = runtime.open(settings.load(self.environ))

    def _config(self) -> str:
        listed = "".join(
            f"  - url: {self.web.url(f'/feed/{number}')}\n    alert_history: all\n" for number in range(self.feeds)
        )
        return f"""feeds:
{listed}channels:
  hook: {{kind: webhook, url: "{self.web.url("/hook")}", secret: {{env: LINE_TEST_SECRET}}, allow_private: true}}
  team: {{kind: slack, url: {{env: LINE_TEST_SLACK}}, allow_private: true}}
  me: {{kind: email, to: reader@example.org, sender: watcher@example.org, smtp_url: "smtp://127.0.0.1:{self.inbox.port}"}}
subscriptions:
  now: {{channels: [hook], when: immediate}}
  chat: {{channels: [team], when: immediate}}
  daily: {{channels: [me], when: "daily 08:00", zone: Asia/Shanghai}}
ops: [me]
"""

    def publish(self, feed: int, numbers: Sequence[int]) -> None:
        """Let a feed hold exactly these rounds."""
        self.web.serve(f"/feed/{feed}", rss(numbers, title=f"Rounds {feed}"))

    # ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def worker(self, *, point: str = "none", mark: Path | None = None) -> subprocess.Popen[bytes]:
        """A running worker, which dies at `point` if `mark` does not exist yet."""
        argv = [sys.executable, HERE / "killable_worker.py", point, mark or self.folder / "unused"]
        return self._start("worker", argv)

    def beat(self) -> subprocess.Popen[bytes]:
        """A running beat: it pokes the sweep twice a second."""
        return self._start("beat", [sys.executable, "-m", "workers", "beat"])

    def _start(self, name: str, argv: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        before = dict(os.environ)
        os.environ.update(self.environ)
        try:
            process = start(argv, log=self.folder / f"{name}.log", ready=lambda: True)
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.processes.append(process)
        return process

    def log(self, name: str = "worker") -> str:
        """The end of a process's log, for the message of a failed test."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def close(self) -> None:
        """End every process and connection."""
        for process in self.processes:
            stop(process, signal.SIGKILL)
        self.runtime.close()

    # ── time and waiting ─────────────────────────────────────────────────────────────────────────────────────────────

    def wait(self, met: Callable[[], bool], *, what: str, within_s: float = 40) -> None:
        """Look until `met()`; a failure says what was awaited and what the worker last logged."""
        give_up_at = time.monotonic() + within_s
        while not met():
            if time.monotonic() > give_up_at:
                raise AssertionError(f"{what}: not within {within_s} s\n{self.log()}")
            time.sleep(0.1)

    def let_leases_end(self) -> None:
        """As if their time had passed: what a dead worker held is free, and retries are due."""
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        with self.runtime.database.write() as conn:
            for table in _LEASED:
                conn.execute(table.update().where(table.c.lease_until.is_not(None)).values(lease_until=long_ago))

    def poll(self) -> None:
        """Make every feed due."""
        pipeline.poll_now(self.runtime)

    def send_digest(self) -> None:
        """Let the daily digest close now."""
        pipeline.send_digest_now(self.runtime, "daily")

    def quiet(self) -> bool:
        """Whether nothing waits in any step but the digests of later hours."""
        now = self.runtime.clock()
        with self.runtime.database.read() as conn:
            return not (
                feeds.due(conn, now=now, limit=1) or items.due(conn, now=now, limit=1) or self._outbox_waits(conn)
            )

    def _outbox_waits(self, conn: Connection) -> bool:
        return deliveries.states(conn).get("pending", 0) > 0

    # ── what arrived ─────────────────────────────────────────────────────────────────────────────────────────────────

    def hooked(self) -> Counter[str]:
        """Titles of the events that the webhook was sent, with how often."""
        return Counter(json.loads(request.body)["data"]["event"]["title"] for request in self.web.got("/hook"))

    def hook_ids(self) -> dict[str, set[str]]:
        """The webhook ids under which each event arrived."""
        found: dict[str, set[str]] = {}
        for request in self.web.got("/hook"):
            title = json.loads(request.body)["data"]["event"]["title"]
            found.setdefault(title, set()).add(request.headers["webhook-id"])
        return found

    def bodies(self, path: str) -> Counter[bytes]:
        """Every body that a receiver was sent, with how often."""
        return Counter(request.body for request in self.web.got(path))

    def unanswered(self) -> set[bytes]:
        """The bodies of messages of which an attempt never got its outcome: its worker died in between."""
        told = select(delivery_rows.c.body).join(attempts).where(attempts.c.outcome.is_(None))
        with self.runtime.database.read() as conn:
            return set(conn.execute(told).scalars())

    def counts(self) -> dict[str, int]:
        """Rows by table."""
        with self.runtime.database.read() as conn:
            return overview.counts(conn)
