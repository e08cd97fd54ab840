"""The line itself: the steps in their order, each a function that is safe to repeat, and the transactions they run in.

A step claims rows by lease and commits, does its slow work outside any transaction, then writes what came of it in one
more transaction, fenced by the claim. It returns the ids that the next steps should look at; if nobody passes them on,
`due` finds the same rows. What is decided on the way is left to the pure modules of each step.

The checkpoints are where the drills kill the process: `claimed`, `committing`, `committed`, `sending`, `sent`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from watcher.pipeline.alert import raise_alerts
from watcher.pipeline.classify import classify_items, news_text, reclassify
from watcher.pipeline.close import close_digests
from watcher.pipeline.configure import Applied, apply_config, check_rules
from watcher.pipeline.hubs import ask_hubs, keep_in_step, read_pushes
from watcher.pipeline.pages import fetch_pages
from watcher.pipeline.refresh import refresh_feeds
from watcher.pipeline.retention import forget_old
from watcher.pipeline.send import deliver, park_unsendable
from watcher.pipeline.steps import Nudges, Step, batch_size, nudges
from watcher.pipeline.windows import keep_windows
from watcher.runtime import Runtime
from watcher.store import deliveries, digests, events, feeds, hubs, items, overview, pages, stories

__all__ = [
    "STEPS",
    "Applied",
    "Nudges",
    "Step",
    "apply_config",
    "ask_hubs",
    "batch_size",
    "check_rules",
    "classify_items",
    "close_digests",
    "deliver",
    "due",
    "fetch_pages",
    "news_text",
    "poll_now",
    "raise_alerts",
    "read_pushes",
    "reclassify",
    "refresh_feeds",
    "send_digest_now",
]

_DUE_BATCHES = 100
"""Messages of one sweep for one step: a thousand feeds that are due at once do not wait for five sweeps."""


def due(rt: Runtime) -> Nudges:
    """The sweep: rows that wait and that nobody holds, at most a hundred messages' worth a step; notes its beat."""
    now = rt.clock()
    backlogs = {
        Step.FEEDS: feeds.due,
        Step.PUSHES: hubs.unread,
        Step.HUBS: hubs.due,
        Step.ITEMS: items.due,
        Step.PAGES: pages.due,
        Step.EVENTS: events.due,
        Step.DIGESTS: digests.due,
        Step.DELIVERIES: deliveries.due,
    }
    with rt.database.write() as conn:
        overview.record_beat(conn, "sweep", now=now)
        park_unsendable(conn, now=now)
        keep_in_step(conn, now=now)
        stories.close_old(conn, older_than=timedelta(days=rt.settings.story_days), now=now)
    keep_windows(rt, now)
    forget_old(rt, now)
    with rt.database.read() as conn:
        found = {
            step: waiting(conn, now=now, limit=_DUE_BATCHES * batch_size(rt, step))
            for step, waiting in backlogs.items()
        }
    return nudges(found)


def poll_now(rt: Runtime) -> int:
    """Make every live feed due at once; how many. The sweep finds them."""
    with rt.database.write() as conn:
        return feeds.poll_now(conn, now=rt.clock())


def send_digest_now(rt: Runtime, subscription_id: str) -> int:
    """Let the subscription's open digests close now instead of at their hour; how many. The sweep finds them."""
    with rt.database.write() as conn:
        return digests.close_now(conn, subscription_id, now=rt.clock())


STEPS: dict[Step, Callable[[Runtime, Sequence[int]], Nudges]] = {
    Step.FEEDS: refresh_feeds,
    Step.PUSHES: read_pushes,
    Step.HUBS: ask_hubs,
    Step.ITEMS: classify_items,
    Step.PAGES: fetch_pages,
    Step.EVENTS: raise_alerts,
    Step.DIGESTS: close_digests,
    Step.DELIVERIES: deliver,
}
"""Each step's function, in the order of the line."""
