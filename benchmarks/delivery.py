"""How soon an alert is at its webhook, how many digests a core renders, and how many messages a worker sends.

Run: `python benchmarks/delivery.py [--seconds 10] [--channels 5] [--only latency,digests,sending]`. Linux only:
processor seconds are read from /proc. The service is the shipped one: a Celery worker of two processes, the beat, a
private Valkey, SQLite and the shipped rules; the receivers are a process of their own on this machine. The yardsticks
are one loop over a kept httpx connection and one over a kept smtplib connection, with the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import math
import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
from delivered import news
from polled import usage

from watcher import embedded, pipeline, runtime, settings
from watcher.digest.render import payload, render
from watcher.model import Envelope, FeedConfig, Origin, Rendered, Window
from watcher.pipeline import Step
from watcher.sandbox import Sandbox
from watcher.store import channels, deliveries, digests, feeds, items
from watcher.store.schema import digests as digest_rows
from watcher.store.schema import feeds as feed_rows
from workers import app, base

ROOT = Path(__file__).resolve().parents[1]
RATES = (20, 100)
"""Alerts a second."""
EVENTS = 50
MAILBOXES = 8
GIVE_UP_S = 15
"""What has not come so long after the last item was stored counts as missing."""
_WARM_S = 3.0
_OF_NO_NEWS = (-1,)
_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
_RENDER = "watcher.digest.render:render_json"


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ── the receivers ────────────────────────────────────────────────────────────────────────────────────────────────────


class Sinks:
    """The process that takes webhooks and mails."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "delivered.sinks"],
            cwd=ROOT / "benchmarks",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.hook_port, self.mail_port = json.loads(self.process.stdout.readline())

    def came(self) -> list[tuple[int, float]]:
        """What has come since the last look: the news' number and when."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return [(int(number), float(at)) for number, at in json.loads(self.process.stdout.readline())]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@contextlib.contextmanager
def sinks() -> Iterator[Sinks]:
    made = Sinks()
    try:
        yield made
    finally:
        made.close()


# ── the service ──────────────────────────────────────────────────────────────────────────────────────────────────────


def config(sinks: Sinks, channels: int) -> str:
    """So many webhooks, each with a subscription of its own, and mailboxes that only the last part sends to."""
    hooks = "".join(
        f'  hook-{n}: {{kind: webhook, url: "http://127.0.0.1:{sinks.hook_port}/{n}", secret: {{env: BENCH_SECRET}}, '
        "allow_private: true}\n"
        for n in range(channels)
    )
    boxes = "".join(
        f"  mail-{n}: {{kind: email, to: reader{n}@example.org, sender: watcher@example.org, "
        f'smtp_url: "smtp://127.0.0.1:{sinks.mail_port}"}}\n'
        for n in range(MAILBOXES)
    )
    told = "".join(f"  now-{n}: {{channels: [hook-{n}], when: immediate, rules: [funding]}}\n" for n in range(channels))
    return f"feeds: []\npublic_url: https://watcher.example\nchannels:\n{hooks}{boxes}subscriptions:\n{told}"


class Service:
    """Worker, beat, broker and database in a folder that does not outlive them."""

    def __init__(self, folder: Path, sinks: Sinks, channels: int) -> None:
        self.folder, self.sinks, self.channels = folder, sinks, channels
        (folder / "watcher.yml").write_text(config(sinks, channels), "utf-8")
        os.environ["BENCH_SECRET"] = _SECRET
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")} | {
            "PYTHONPATH": str(ROOT),
            "WATCHER_DATA_DIR": str(folder),
            "WATCHER_CONFIG_PATH": str(folder / "watcher.yml"),
            "WATCHER_RULES_DIR": str(ROOT / "rules"),
            "WATCHER_ALLOW_PRIVATE": "127.0.0.0/8",
        }
        self.settings = settings.load(self.environ)
        self.runtime = runtime.open(self.settings)
        self.runtime.database.migrate()
        pipeline.apply_config(self.runtime)
        with self.runtime.database.write() as conn:
            feeds.add(conn, FeedConfig(url="https://news.example/feed"), origin=Origin.CLI, now=self.runtime.clock())
            conn.execute(feed_rows.update().values(next_poll_at=self.runtime.clock() + timedelta(days=7)))
        self.rounds = news.rounds()
        app.configure(self.settings)
        broker = embedded.start(folder).process
        assert broker is not None
        self.broker = broker
        self.worker = self._start("worker")
        self.running = [broker, self.worker, self._start("beat")]

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "workers", name]
            return subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=log, stderr=log)

    def cpu_s(self) -> float:
        return usage.cpu_s(*(process.pid for process in self.running))

    def store_one(self) -> tuple[int, float]:
        """Store one item as a poll does, and tell the workers: its number, and when it was committed."""
        draft = next(self.rounds)
        with self.runtime.database.write() as conn:
            ids = items.insert_new(conn, 1, [draft], history=lambda _: False, now=self.runtime.clock())
        at = time.time()
        base.publish({Step.ITEMS: ids})
        return int(draft.identity), at

    def steadily(self, per_s: float, for_s: float) -> dict[int, float]:
        """Store items at that rate; by number when. A late one does not delay those after it."""
        stored, began = {}, time.monotonic()
        for turn in range(round(per_s * for_s)):
            time.sleep(max(0.0, began + turn / per_s - time.monotonic()))
            number, at = self.store_one()
            stored[number] = at
        return stored

    def collect(self, numbers: Container[int], expected: int) -> list[tuple[int, float]]:
        """What came of the news of these numbers, as soon as it is so much, or when it is time to give up."""
        came, give_up_at = list[tuple[int, float]](), time.monotonic() + GIVE_UP_S
        while len(came) < expected and time.monotonic() < give_up_at:
            if self.worker.poll() is not None:
                raise SystemExit((self.folder / "worker.log").read_text(errors="replace")[-3000:])
            time.sleep(0.05)
            came += [one for one in self.sinks.came() if one[0] in numbers]
        return came

    def warm_up(self) -> None:
        """Both processes compile the rules at their first item, and a channel is sent one at a time till it works."""
        for _ in range(2):
            stored = self.steadily(4, _WARM_S)
            self.collect(stored, len(stored) * self.channels)

    def close(self) -> None:
        base.close_runtime()
        self.runtime.close()
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.running):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def service(sinks: Sinks, channels: int) -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="delivery-") as folder:
        made = Service(Path(folder), sinks, channels)
        try:
            made.warm_up()
            yield made
        finally:
            made.close()


# ── from the item to the alert ───────────────────────────────────────────────────────────────────────────────────────


def latency(ours: Service, seconds: float) -> None:
    print(f"\nitem stored → alert at the webhook, {ours.channels} channels that are all told of every item (seconds)")
    print("  alerts/s wanted  stored at  alerts     p50     p90     p99  missing  CPU s  CPU ms an alert  p99 ≤ 2 s")
    for rate in RATES:
        cpu_s, began = ours.cpu_s(), time.monotonic()
        stored = ours.steadily(rate / ours.channels, seconds)
        expected = len(stored) * ours.channels
        achieved = expected / (time.monotonic() - began)
        waits = [at - stored[number] for number, at in ours.collect(stored, expected)]
        cpu_s, missing = ours.cpu_s() - cpu_s, max(0, expected - len(waits))
        p50, p90, p99 = (percentile([*waits, *[math.inf] * missing], share) for share in (0.5, 0.9, 0.99))
        print(
            f"  {rate:15} {achieved:10.1f} {len(waits):7} {p50:7.2f} {p90:7.2f} {p99:7.2f} {missing:8} {cpu_s:6.1f}"
            f" {1e3 * cpu_s / max(1, len(waits)):16.1f}  {'yes' if p99 <= 2 else 'no'}"
        )


# ── digests ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def rendering() -> None:
    view = news.digest(EVENTS)
    written = render(view)
    size, whole = len(written.html.encode()), written.html.count("the exclusive right to EX-101")
    print(f"\ndigests of {EVENTS} events rendered ({size:,} bytes of HTML, {whole} told whole, the others by title)")
    print("  way                  digests/s and core  ms CPU each  digests/s by the clock")
    with Sandbox() as sandbox:
        asked = payload(view)
        sandbox.call(_RENDER, asked, timeout_s=30)
        ways: dict[str, Callable[[], object]] = {
            "in process": lambda: render(view),
            "sandbox child": lambda: sandbox.call(_RENDER, payload(view), timeout_s=30),
        }
        for name, way in ways.items():
            children = [sandbox.pid] if sandbox.pid and name != "in process" else []
            _show_rendering(name, way, children)


def _show_rendering(name: str, way: Callable[[], object], children: Sequence[int]) -> None:
    began, cpu_s, count = time.perf_counter(), time.process_time() + usage.cpu_s(*children), 0
    while time.perf_counter() - began < 3 or count < 20:
        way()
        count += 1
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() + usage.cpu_s(*children) - cpu_s
    print(f"  {name:20} {count / cpu_s:18.0f} {1e3 * cpu_s / count:12.1f} {count / wall_s:23.0f}")


# ── deliveries ───────────────────────────────────────────────────────────────────────────────────────────────────────


def fill(ours: Service, kind: str, count: int, *, over: int, name: str) -> tuple[list[int], list[Envelope]]:
    """Let so many composed messages wait, for `over` channels in turn."""
    rt = ours.runtime
    with rt.database.read() as conn:
        found = {one.id: one for one in channels.configs(conn, [f"{kind}-{number}" for number in range(over)])}
    now = rt.clock()
    view = replace(news.digest(3), immediate=True)
    written = render(view) if kind == "mail" else Rendered(subject="", text="", html="")
    ids, envelopes, composed = [], [], dict[str, Envelope]()
    with rt.database.write() as conn:
        for number in range(count):
            window = Window(key=f"{name}:{kind}:{number}", closes_at=now)
            digest_id = digests.open_window(conn, "now-0", window, immediate=True, now=now)
            assert digest_id is not None
            channel = f"{kind}-{number % over}"
            key = deliveries.delivery_key(f"{name}-{number}", channel)
            if channel not in composed:
                composed[channel] = rt.channel(found[channel]).compose(view, written, key=key, now=now)
            envelope = replace(composed[channel], message_id=key)
            row = deliveries.add(conn, digest_id=digest_id, channel_id=channel, key=key, envelope=envelope, now=now)
            assert row is not None
            ids.append(row)
            envelopes.append(envelope)
        conn.execute(digest_rows.update().where(digest_rows.c.closed_at.is_(None)).values(closed_at=now))
    return ids, envelopes


def by_httpx(sinks: Sinks, envelopes: Sequence[Envelope]) -> None:
    with httpx.Client() as client:
        for one in envelopes:
            url = f"http://127.0.0.1:{sinks.hook_port}/0"
            client.post(url, content=one.body, headers={"Content-Type": one.content_type}).raise_for_status()


def by_smtplib(sinks: Sinks, envelopes: Sequence[Envelope]) -> None:
    with smtplib.SMTP("127.0.0.1", sinks.mail_port) as link:
        for one in envelopes:
            link.sendmail("watcher@example.org", ["reader@example.org"], one.body)


def sending(ours: Service, count: int) -> None:
    print(f"\n{count} composed messages sent: one worker of two processes, and a plain loop over one connection")
    print("  to        bytes each  worker/s  CPU ms each   loop/s  CPU ms each  worker : loop  arrived")
    ways = {"webhooks": ("hook", ours.channels, by_httpx), "mailboxes": ("mail", MAILBOXES, by_smtplib)}
    for name, (kind, over, plain) in ways.items():
        # a channel that was never tried is sent one message at a time
        first, _ = fill(ours, kind, over, over=over, name="first")
        base.publish({Step.DELIVERIES: first})
        ours.collect(_OF_NO_NEWS, over)
        ids, envelopes = fill(ours, kind, count, over=over, name="bench")
        cpu_s, began = ours.cpu_s(), time.perf_counter()
        base.publish({Step.DELIVERIES: ids[: 10 * over]})
        arrived = len(ours.collect(_OF_NO_NEWS, count))
        wall_s, cpu_s = time.perf_counter() - began, ours.cpu_s() - cpu_s
        loop_cpu_s, began = time.process_time(), time.perf_counter()
        plain(ours.sinks, envelopes)
        loop_s, loop_cpu_s = time.perf_counter() - began, time.process_time() - loop_cpu_s
        ours.sinks.came()
        size = sum(len(one.body) for one in envelopes) // count
        print(
            f"  {name:9} {size:10,} {arrived / wall_s:9.0f} {1e3 * cpu_s / max(1, arrived):12.1f} {count / loop_s:8.0f}"
            f" {1e3 * loop_cpu_s / count:12.1f} {arrived * loop_s / count / wall_s:14.2f} {arrived:8}"
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8, help="how long items are stored at each rate")
    options.add_argument("--channels", type=int, default=5, help="webhooks that are told of every item")
    options.add_argument("--messages", type=int, default=200, help="messages of each kind that are sent")
    options.add_argument("--only", default="latency,digests,sending")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends too
    parts = set(chosen.only.split(","))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before this")
    if "digests" in parts:
        rendering()
    if parts & {"latency", "sending"}:
        with sinks() as receivers, service(receivers, chosen.channels) as ours:
            if "sending" in parts:
                sending(ours, chosen.messages)
            if "latency" in parts:  # last: what did not come in time would disturb the others
                latency(ours, chosen.seconds)


if __name__ == "__main__":
    main()
