"""How long every page of the console takes over a database that has run for months.

Run: `python benchmarks/pages.py [--rounds 7] [--scale 1.0] [--only sqlite,postgresql] [--keep FOLDER]`.

100,000 items, 20,000 events, 2,000 feeds and 50,000 messages are made in bulk; every page that takes no more than a GET
is then asked for over HTTP from the served application, one request at a time, with a set of filters beside the plain
lists. Printed are processor milliseconds of this process (the server with SQLite, and the client that asks) and wall
time; the first line, a page that says there is nothing, is what any page costs. Pages over 100 ms are marked.
PostgreSQL works in processes of its own, and is left out where there is none.
"""

from __future__ import annotations

import argparse
import math
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from paged.months import Size, fill
from starlette.responses import Response

from watcher import runtime, settings, web
from watcher.runtime import Runtime
from watcher.store.database import Database
from watcher.web import access, console

ROOT = Path(__file__).resolve().parents[1]
LIMIT_MS = 100
_PASSWORD = "a password for no one to keep"
_WALKED = ("/events/{id}/why",)
"""They walk every rule over a text, which has a bound of its own."""
_NAMED = {
    "/rules": "funding",
    "/subscribers": "s3",
    "/channels": "c3",
    "/digests/preview": "s3",
    "/workbench/runs": "none",
}
"""What stands for a parameter that is a name; any other is a number."""
_NOTHING = "/events/999999999"
_ASKED = (
    "/events?rule=on-trial",
    "/events?place=China",
    "/events?place=Atlantis",
    "/events?party=astrazeneca",
    "/events?at_least=500M+USD&stance=signed",
    "/events?at_least=100bn+USD",
    "/events?text=融资",
    "/events?text=nothing+has+these+words",
    "/events?text=生物&language=zh&rule=funding&from=2026-01-01",
    "/events?before=10000",
    "/events?text=没有的词&before=19000",
    "/deliveries?state=parked",
    "/deliveries?text=融资",
    "/deliveries?channel=c3&state=sent",
    "/feeds?health=failing",
    "/feeds?text=重庆",
    "/subscribers?text=desk",
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7, help="requests a page, after two that are not counted")
    options.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    options.add_argument("--only", default="sqlite,postgresql", help="databases to measure")
    options.add_argument("--keep", type=Path, help="folder in which the SQLite file is made, or found and used again")
    chosen = options.parse_args()
    wanted = chosen.only.split(",")
    with tempfile.TemporaryDirectory() as made:
        folder = chosen.keep or Path(made)
        if "sqlite" in wanted:
            measure(f"sqlite:///{folder / 'pages.db'}", folder, chosen.scale, chosen.rounds)
        if "postgresql" in wanted:
            with _postgresql() as url:
                if url is None:
                    print("no PostgreSQL on this machine: left out")
                else:
                    measure(url, folder, chosen.scale, chosen.rounds)
    return 0


def measure(url: str, folder: Path, scale: float, rounds: int) -> None:
    """Make the rows where there are none, then ask for every page."""
    size = Size(
        items=int(100_000 * scale),
        events=int(20_000 * scale),
        feeds=max(40, int(2_000 * scale)),
        deliveries=int(50_000 * scale),
    )
    database = Database(url)
    fresh = url.startswith("postgresql") or not (folder / "pages.db").exists()
    began = time.perf_counter()
    if fresh:
        database.migrate()
        fill(database, size, now=datetime.now(UTC))
    database.close()
    made = f"made in {time.perf_counter() - began:.0f} s" if fresh else "found"
    print(f"\n{database.dialect}: {size.items:,} items, {size.events:,} events, {size.feeds:,} feeds,", end=" ")
    print(f"{size.deliveries:,} messages, {made}", flush=True)
    rt = runtime.open(
        settings.Settings(database_url=url, data_dir=folder, rules_dir=ROOT / "rules", admin_password=_PASSWORD)
    )
    try:
        with _served(rt) as client:
            _table(client, [_NOTHING, *_pages(size), *_ASKED], rounds)
    finally:
        rt.close()


def _pages(size: Size) -> Iterator[str]:
    """The address of every page that answers a GET, an example put in for each parameter."""
    for page in console.PAGES:
        if "GET" in page.methods and page.path not in _WALKED and page.path != "/logout":
            head, brace, rest = page.path.partition("/{")
            example = _NAMED.get(head, str(size.events - 9))
            yield head + (f"/{example}{rest.partition('}')[2]}" if brace else "")


def _table(client: httpx.Client, paths: Sequence[str], rounds: int) -> None:
    print(f"{'page':<58} {'answer':>6} {'CPU':>9} {'wall':>9} {'95 %':>9} {'bytes':>9}")
    slow = []
    for path in paths:
        wall, cpu, answer = [], [], httpx.Response(0)
        for number in range(rounds + 2):
            began, worked = time.perf_counter(), time.process_time()
            answer = client.get(path)
            if number >= 2:
                wall.append(1e3 * (time.perf_counter() - began))
                cpu.append(1e3 * (time.process_time() - worked))
        wall.sort()
        middle, most = wall[len(wall) // 2], wall[math.ceil(len(wall) * 0.95) - 1]
        over = "  over" if most > LIMIT_MS else ""
        slow += [path] if over else []
        size = len(answer.content)
        work = sorted(cpu)[len(cpu) // 2]
        times = f"{work:>6.1f} ms {middle:>6.1f} ms {most:>6.1f} ms"
        print(f"{path:<58} {answer.status_code:>6} {times} {size:>9,}{over}", flush=True)
    print(f"over {LIMIT_MS} ms: {', '.join(slow) or 'none'}")


@contextmanager
def _served(rt: Runtime) -> Iterator[httpx.Client]:
    """A logged-in client of the pages, served on a free port as the program serves them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # as asyncio does for a socket of its own; else each answer waits 40 ms for an acknowledgement
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = uvicorn.Server(uvicorn.Config(web.app(rt), log_config=None, lifespan="off", proxy_headers=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            cookie = access.begin(rt, Response(), name="admin", client="127.0.0.1", secure=False)
            with httpx.Client(base_url=address, trust_env=False, cookies={access.COOKIE: cookie}, timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _postgresql() -> Iterator[str | None]:
    """The URL of an empty database of a server of our own; None where there are no programs for one."""
    sys.path.insert(0, str(ROOT / "tests"))
    from services import postgres

    if postgres.programs() is None:
        yield None
        return
    cluster = postgres.open_cluster()
    try:
        yield cluster.url(cluster.create())
    finally:
        postgres.close_cluster(cluster)


if __name__ == "__main__":
    sys.exit(main())
