"""What another way to poll the same feeds takes, in a process of its own: `python -m polled.rival KIND FOLDER`.

Each line of standard input is a list of URLs in JSON and starts a round, whose end is a line on standard output.
KIND is `reader`, the library with ten workers, or `plain`: httpx with ten threads, feedparser, and an INSERT into
SQLite. Needs nothing of ours, so it may run in an environment of its own.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WORKERS = 10
Poll = Callable[[Sequence[str]], int]
"""URLs → how many entries are stored now."""


def with_reader(folder: Path) -> Poll:
    from reader import make_reader

    reader = make_reader(str(folder / "reader.db"))
    known: set[str] = set()

    def poll(wanted: Sequence[str]) -> int:
        for url in set(wanted) - known:
            reader.add_feed(url)
        # it updates what is enabled: the warm-up's feeds are switched off before the first measured round
        for url in known - set(wanted):
            reader.disable_feed_updates(url)
        known.update(wanted)
        reader.update_feeds(workers=WORKERS, scheduled=False)
        return reader.get_entry_counts().total or 0

    return poll


def with_feedparser(folder: Path) -> Poll:
    import feedparser
    import httpx

    rows = sqlite3.connect(folder / "plain.db", check_same_thread=False)
    rows.executescript(
        "PRAGMA journal_mode=WAL; CREATE TABLE feeds (url PRIMARY KEY, etag, modified);"
        "CREATE TABLE items (feed, id, title, link, text, published, PRIMARY KEY (feed, id));"
    )
    client = httpx.Client(limits=httpx.Limits(max_connections=WORKERS, max_keepalive_connections=WORKERS))
    alone = threading.Lock()

    def one(url: str) -> None:
        with alone:
            kept = rows.execute("SELECT etag, modified FROM feeds WHERE url = ?", (url,)).fetchone()
        asked = {"If-None-Match": kept[0], "If-Modified-Since": kept[1]} if kept else {}
        answer = client.get(url, headers=asked)
        if answer.status_code != 200:
            return
        entries = feedparser.parse(answer.content).entries
        found = [(url, e.id, e.title, e.link, e.description, e.published) for e in entries]
        with alone, rows:
            rows.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?, ?, ?)", found)
            validators = (url, answer.headers["etag"], answer.headers["last-modified"])
            rows.execute("INSERT OR REPLACE INTO feeds VALUES (?, ?, ?)", validators)

    def poll(wanted: Sequence[str]) -> int:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(one, wanted))
        return int(rows.execute("SELECT count(*) FROM items").fetchone()[0])

    return poll


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    try:
        poll = {"reader": with_reader, "plain": with_feedparser}[kind](folder)
    except ImportError as missing:
        sys.exit(f"{missing.name} is not installed")
    for line in sys.stdin:
        wanted = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        items = poll(wanted)
        told = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu, "items": items}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
