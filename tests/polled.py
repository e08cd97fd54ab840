"""Feeds polled by the real steps under a clock that tests move, without workers: SQLite, since its present is ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.web import HttpSink, Request
from sqlalchemy import func, select

from watcher import pipeline, runtime, settings
from watcher.model import FeedConfig, Origin
from watcher.pipeline import Step
from watcher.runtime import Runtime
from watcher.sandbox import Sandbox
from watcher.store import feeds
from watcher.store.schema import feeds as feed_rows
from watcher.store.schema import items as item_rows

WEDNESDAY_NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def rss(*titles: str, head: str = "", dates: Iterable[datetime] = ()) -> bytes:
    """A feed with one item a title, dated as long as there are `dates`."""
    said = [f"<pubDate>{when:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" for when in dates]
    said += [""] * (len(titles) - len(said))
    entries = "".join(
        f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title>{date}</item>"
        for title, date in zip(titles, said, strict=True)
    )
    return f"<rss version='2.0'><channel><title>News</title>{head}{entries}</channel></rss>".encode()


@dataclass(kw_only=True)
class VirtualClock:
    now: datetime = WEDNESDAY_NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@dataclass(kw_only=True)
class Polled:
    """One process's runtime, the feeds it polls, and what the server saw of it at which virtual time."""

    database_url: str
    folder: Path
    web: HttpSink
    clock: VirtualClock = field(default_factory=VirtualClock)
    sandbox: Sandbox | None = None
    """The parser's child, if it is to outlive the processes: to start one takes longer than hundreds of polls."""
    environ: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[datetime, Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runtime = self.open()

    def open(self) -> Runtime:
        """Another process on the same rows."""
        chosen = settings.load(
            {
                "WATCHER_DATABASE_URL": self.database_url,
                "WATCHER_DATA_DIR": str(self.folder),
                "WATCHER_CONFIG_PATH": str(self.folder / "watcher.yml"),
                "WATCHER_ALLOW_PRIVATE": "127.0.0.0/8",
                "WATCHER_HOST_SPACING_S": "0",
                "WATCHER_BATCH": "1",  # what waits in later steps is not worked on here: few of it need be found
                **self.environ,
            }
        )
        opened = runtime.open(chosen, clock=self.clock)
        opened.sandbox = self.sandbox or opened.sandbox
        return opened

    def end(self, process: Runtime) -> None:
        """Close what the process holds."""
        if self.sandbox is not None:
            process.sandbox = Sandbox()
        process.close()

    def restart(self) -> None:
        """End the process and start another."""
        self.end(self.runtime)
        self.runtime = self.open()

    def close(self) -> None:
        self.end(self.runtime)

    def add(self, path: str = "/feed", **config: Any) -> str:
        """Subscribe to a path of the server; gives its URL."""
        url = self.web.url(path)
        with self.runtime.database.write() as conn:
            feeds.add(conn, FeedConfig(url=url, **config), origin=Origin.CLI, now=self.clock())
        return url

    def poll(self) -> list[Request]:
        """Poll what is due now; the requests that came of it."""
        before = len(self.web.requests)
        ids = pipeline.due(self.runtime).get(Step.FEEDS, [])
        for start in range(0, len(ids), 10):
            pipeline.refresh_feeds(self.runtime, ids[start : start + 10])
        made = self.web.requests[before:]
        self.seen += [(self.clock(), request) for request in made]
        return made

    def next_at(self) -> datetime:
        """When the first live feed is due; the end of time without one."""
        live = feed_rows.c.disabled_reason.is_(None)
        with self.runtime.database.read() as conn:
            soonest = conn.execute(select(func.min(feed_rows.c.next_poll_at)).where(live)).scalar_one()
        return soonest or datetime(9000, 1, 1, tzinfo=UTC)

    def poll_again(self) -> list[Request]:
        """Let the time of the next poll come, and poll."""
        self.clock.now = max(self.clock.now, self.next_at())
        return self.poll()

    def run(self, *, hours: float, late_minutes: float = 5) -> None:
        """Let that time pass; whatever is due is polled so late, together with what becomes due meanwhile."""
        until = self.clock() + timedelta(hours=hours)
        while (at := max(self.clock(), self.next_at()) + timedelta(minutes=late_minutes)) <= until:
            self.clock.now = at
            self.poll()
        self.clock.now = until

    def row(self, path: str = "/feed") -> dict[str, Any]:
        with self.runtime.database.read() as conn:
            found = conn.execute(select(feed_rows).where(feed_rows.c.asked_url == self.web.url(path)))
            return dict(found.one()._mapping)

    def items(self) -> int:
        with self.runtime.database.read() as conn:
            return int(conn.execute(select(func.count()).select_from(item_rows)).scalar_one())

    def times(self, path: str = "/feed") -> list[datetime]:
        """When a path was asked, by the virtual clock."""
        return [when for when, request in self.seen if request.path == path]
