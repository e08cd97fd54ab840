"""How long 1,000 due feeds take, new and unchanged, and how many processor seconds; beside two other ways to poll.

Run: `python benchmarks/polling.py [--feeds 1000] [--rounds 3] [--reader-python PATH]`. Linux only: each feed is served
from a loopback address of its own, so that no host is asked twice in a round, and processes are measured in /proc.

*Ours* is the shipped service: two Celery worker processes and the beat, a private Valkey, the guarded client, the
sandbox, SQLite. First its workers take the feeds' queue alone (polled and stored, which is what the others do), then
another service takes all queues, with the shipped rules. A round is timed from "all due" to "all polled".
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from polled import usage

from watcher import embedded, runtime, settings
from watcher.model import FeedConfig, Origin
from watcher.store import feeds

ROOT = Path(__file__).resolve().parents[1]
WARM = 40
"""Feeds of a first round that nobody measures: every process has started and imported what it needs."""
GIVE_UP_S = 900
_LITTLE_S = 2.0
"""Processor seconds that a round of the warm-up may take once everything is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round took. `served` is what the server answered, by status."""

    name: str
    feeds: int
    wall_s: float
    cpu_s: float
    around_s: float = 0.0
    """Processor seconds of what works around the workers: the beat and the broker."""
    peak_mb: float
    items: int
    server_s: float
    served: dict[str, int]


# ── the server ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Server:
    """The process with the feeds."""

    def __init__(self, feeds: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polled.server", str(feeds)],
            cwd=ROOT / "benchmarks",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def url(self, number: int) -> str:
        """Of feed `number`: a loopback address each, from 127.1.0.1 on."""
        host = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        return f"http://{host}:{self.port}/feed/{number}.xml"

    def counts(self) -> dict[str, int]:
        """Answers by status since the last look."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts") as answer:
            return dict(json.load(answer))

    def cpu_s(self) -> float:
        return usage.cpu_s(self.process.pid)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@contextlib.contextmanager
def serving(feeds: int) -> Iterator[Server]:
    server = Server(feeds)
    try:
        yield server
    finally:
        server.close()


# ── ours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Service:
    """Worker, beat, broker and database in a folder that does not outlive them."""

    def __init__(self, folder: Path, server: Server, count: int, *, processes: int, slow: bool = False) -> None:
        self.server, self.count, self.processes = server, count, processes
        self.folder = folder
        (folder / "watcher.yml").write_text("feeds: []\n")
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")} | {
            "PYTHONPATH": str(ROOT),
            "WATCHER_DATA_DIR": str(folder),
            "WATCHER_CONFIG_PATH": str(folder / "watcher.yml"),
            "WATCHER_RULES_DIR": str(ROOT / "rules"),
            "WATCHER_ALLOW_PRIVATE": "127.0.0.0/8",
        }
        self.runtime = runtime.open(settings.load(self.environ))
        self.runtime.database.migrate()
        urls = [server.url(number) for number in range(count + WARM)]
        urls += [f"http://127.250.0.1:{server.port}/slow"] * slow
        with self.runtime.database.write() as conn:
            for url in urls:
                feeds.add(conn, FeedConfig(url=url), origin=Origin.CLI, now=self.runtime.clock())
        self.rows = sqlite3.connect(folder / "watcher.db", isolation_level=None, timeout=30)
        self.rows.execute("UPDATE feeds SET next_poll_at = ? WHERE id <= ?", (_later(), count))
        self.measured = "id <= ?" if not slow else f"id <= ? AND id <> {count + WARM + 1}"
        broker = embedded.start(folder).process
        assert broker is not None
        self.processes_running = [broker]
        self.worker: subprocess.Popen[bytes] | None = None
        self.beat: subprocess.Popen[bytes] | None = None

    def start(self, queues: str | None) -> None:
        """A worker with these queues and a beat; returns when both have been seen to work."""
        chosen = ["--queues", queues] if queues else []
        self.worker = self._start("worker", ["worker", "--processes", str(self.processes), *chosen])
        self.beat = self._start("beat", ["beat"])

    def _start(self, name: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "workers", *words]
            process = subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=log, stderr=log)
        self.processes_running.append(process)
        return process

    def wait(self, met: Callable[[], bool], what: str) -> None:
        give_up_at = time.monotonic() + GIVE_UP_S
        while not met():
            if time.monotonic() > give_up_at or self.worker is None or self.worker.poll() is not None:
                log = (self.folder / "worker.log").read_text(errors="replace")[-3000:]
                raise SystemExit(f"{what}: not within {GIVE_UP_S} s\n{log}")
            time.sleep(0.05)

    def one(self, query: str, *values: object) -> int:
        return int(self.rows.execute(query, values).fetchone()[0])

    def polled_since(self, instant: str, *, low: int, high: int) -> int:
        query = "SELECT count(*) FROM feeds WHERE last_polled_at >= ? AND id BETWEEN ? AND ?"
        return self.one(query, instant, low, high)

    def warm_up(self) -> None:
        began = _instant(datetime(2000, 1, 1, tzinfo=UTC))
        low, high = self.count + 1, self.count + WARM
        self.wait(lambda: self.polled_since(began, low=low, high=high) == WARM, "the warm-up")
        assert self.worker is not None
        # every process compiles the rules at its first sweep, and starts a parser's child at its first document
        used, idle = 0.0, False
        while not idle:
            self.rows.execute("UPDATE feeds SET etag = NULL, last_modified = NULL WHERE id > ?", (self.count,))
            with self.runtime.database.write() as conn:
                feeds.poll_now(conn, now=self.runtime.clock(), ids=range(self.count + 1, self.count + WARM + 1))
            time.sleep(self.runtime.settings.sweep_every_s + 1)
            before, used = used, usage.cpu_s(self.worker.pid)
            idle = used - before < _LITTLE_S and self._parsers() == self.processes

    def _parsers(self) -> int:
        assert self.worker is not None
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in usage.tree(self.worker.pid)]
        return sum(b"watcher.sandbox" in command for command in commands)

    def poll(self, name: str) -> Round:
        """Make every feed due and wait until each has been polled."""
        assert self.worker is not None
        assert self.beat is not None
        self.server.counts()
        around = (self.beat.pid, self.processes_running[0].pid)
        before = usage.cpu_s(self.worker.pid), usage.cpu_s(*around), self.server.cpu_s()
        with usage.Peak(self.worker.pid) as peak:
            began, wall = _instant(datetime.now(UTC)), time.perf_counter()
            with self.runtime.database.write() as conn:
                feeds.poll_now(conn, now=self.runtime.clock(), ids=range(1, self.count + 1))
            self.wait(lambda: self.polled_since(began, low=1, high=self.count) == self.count, name)
            wall = time.perf_counter() - wall
            time.sleep(0.5)
        return Round(
            name=name,
            feeds=self.count,
            wall_s=wall,
            cpu_s=usage.cpu_s(self.worker.pid) - before[0],
            around_s=usage.cpu_s(*around) - before[1],
            server_s=self.server.cpu_s() - before[2],
            peak_mb=peak.mb,
            items=self.one("SELECT count(*) FROM items"),
            served=self.server.counts(),
        )

    def waiting_items(self) -> int:
        return self.one("SELECT count(*) FROM items WHERE classified_at IS NULL AND parked_reason IS NULL")

    def close(self) -> None:
        self.rows.close()
        self.runtime.close()
        for process in reversed(self.processes_running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes_running):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _instant(at: datetime) -> str:
    """As SQLite keeps it."""
    return at.isoformat(timespec="microseconds")[:26] + "Z"


def _later() -> str:
    return _instant(datetime.now(UTC) + timedelta(days=7))


@contextlib.contextmanager
def service(server: Server, count: int, *, processes: int, queues: str | None, slow: bool = False) -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="polling-") as folder:
        made = Service(Path(folder), server, count, processes=processes, slow=slow)
        try:
            made.start(queues)
            made.warm_up()
            yield made
        finally:
            made.close()


# ── the others ───────────────────────────────────────────────────────────────────────────────────────────────────────


def rival(kind: str, python: str, server: Server, count: int, rounds: int) -> list[Round]:
    """The rounds of `polled.rival`; none when it cannot run there, which is said."""
    asked = {
        "warm": [server.url(number) for number in range(count, count + WARM)],
        "measured": [server.url(number) for number in range(count)],
    }
    found: list[Round] = []
    line = ""
    with tempfile.TemporaryDirectory(prefix="polling-") as folder:
        process = subprocess.Popen(
            [python, "-m", "polled.rival", kind, folder],
            cwd=ROOT / "benchmarks",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for number in range(rounds + 1):
            with contextlib.suppress(BrokenPipeError), usage.Peak(process.pid) as peak:
                server.counts()
                server_s = server.cpu_s()
                process.stdin.write(json.dumps(asked["measured" if number else "warm"]) + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            if not line:
                break
            if number == 0:
                continue
            told = json.loads(line)
            found.append(
                Round(
                    name=_round_name(number - 1),
                    feeds=count,
                    wall_s=told["wall_s"],
                    cpu_s=told["cpu_s"],
                    peak_mb=peak.mb,
                    items=told["items"],
                    server_s=server.cpu_s() - server_s,
                    served=server.counts(),
                )
            )
        process.stdin.close()
        said = process.stderr.read().strip()
        if process.wait() != 0:
            print(f"WITHOUT {kind}: {said.splitlines()[-1] if said else 'it failed'} (see benchmarks/README.md)")
    return found


def _round_name(number: int) -> str:
    return "cold" if number == 0 else f"304 ({number})"


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def per_core(one: Round) -> float:
    return one.feeds / max(one.cpu_s + one.around_s, 0.01)


def show(title: str, rounds: Sequence[Round], against: dict[str, Sequence[Round]]) -> None:
    print(f"\n{title}")
    print("  round      wall s  CPU s  around  feeds/CPU s  server CPU s  peak MB   items  answers")
    for number, one in enumerate(rounds):
        answers = ", ".join(f"{count} × {status}" for status, count in sorted(one.served.items()) if count)
        print(
            f"  {one.name:9} {one.wall_s:7.1f} {one.cpu_s:6.1f} {one.around_s:7.1f} {per_core(one):12.0f}"
            f" {one.server_s:13.1f} {one.peak_mb:8.0f} {one.items:7}  {answers}"
        )
        ratios = {name: per_core(one) / per_core(other[number]) for name, other in against.items() if other[number:]}
        if ratios:
            print("            a core: " + ", ".join(f"{ratio:.1f} × {name}" for name, ratio in ratios.items()))


def line(server: Server, count: int, processes: int) -> None:
    """All queues and the shipped rules: until all is polled, and until the last item has been read."""
    with service(server, count, processes=processes, queues=None) as ours:
        ours.wait(lambda: ours.waiting_items() == 0, "the warm-up's items")
        assert ours.worker is not None
        began, cpu = time.perf_counter(), usage.cpu_s(ours.worker.pid)
        polled = ours.poll("cold")
        ours.wait(lambda: ours.waiting_items() == 0, "the items")
        wall, cpu = time.perf_counter() - began, usage.cpu_s(ours.worker.pid) - cpu
        matched = ours.one("SELECT count(DISTINCT item_id) FROM matches")
        print(
            f"\nthe whole line, {processes} processes: {count} feeds polled after {polled.wall_s:.1f} s (some of their"
            f" items read by then), all {polled.items} items read after {wall:.1f} s and {cpu:.1f} s of CPU;"
            f" {matched} matched a rule"
        )


def crawl(server: Server, count: int, processes: int) -> None:
    """One host that sends a byte a second among all the others."""
    with service(server, count, processes=processes, queues="feeds,sweep", slow=True) as ours:
        ours.rows.execute("UPDATE feeds SET next_poll_at = ? WHERE url LIKE '%/slow'", (_instant(datetime.now(UTC)),))
        show("ours, one more host sending a byte a second", [ours.poll("cold"), ours.poll("304")], {})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--feeds", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3, help="the first is cold, the others are all 304")
    options.add_argument("--processes", type=int, default=2, help="of the Celery worker")
    options.add_argument("--reader-python", default=sys.executable, help="a Python that has the library `reader`")
    options.add_argument("--no-rivals", dest="rivals", action="store_false", help="ours alone")
    options.add_argument("--no-ours", dest="ours", action="store_false", help="the others alone")
    options.add_argument("--line", type=int, default=200, help="feeds of the whole line; 0 leaves it out")
    options.add_argument("--slow", action="store_true", help="also with one host that sends a byte a second")
    chosen = options.parse_args()
    if sys.platform != "linux":
        raise SystemExit("this benchmark needs Linux: 127.0.0.0/8 and /proc")
    # or what it started would outlive it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with serving(chosen.feeds + WARM) as server:
        others: dict[str, Sequence[Round]] = {}
        if chosen.rivals:
            others["reader"] = rival("reader", chosen.reader_python, server, chosen.feeds, chosen.rounds)
            others["httpx + feedparser"] = rival("plain", sys.executable, server, chosen.feeds, chosen.rounds)
        for name, rounds in others.items():
            if rounds:
                show(name, rounds, {})
        if not chosen.ours:
            return
        with service(server, chosen.feeds, processes=chosen.processes, queues="feeds,sweep") as ours:
            polled = [ours.poll(_round_name(number)) for number in range(chosen.rounds)]
        show(f"ours, {chosen.processes} worker processes", polled, others)
        if chosen.slow:
            crawl(server, chosen.feeds, chosen.processes)
        if chosen.line:
            line(server, min(chosen.line, chosen.feeds), chosen.processes)


if __name__ == "__main__":
    main()
