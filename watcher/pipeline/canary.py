"""Canaries: every minute or so an item of our own goes down the whole line, to see that the line moves.

A canary is polled, parsed, stored, classified, placed in a story, made an event, an alert, a digest and a message by
the functions, tasks, queues, threads and statements of real news. Four things are its own:

- its rows. They are in the same tables once more, in a place apart (`watcher.store.apart`): so no list, count, feed,
  ledger, story or reader can meet it, and none of the statements that show news needs a condition for it. Beside news,
  each of a hundred statements would need one, those of tomorrow too. How far it came is noted among the real rows;
- its feed, a document that its client prints instead of asking a network;
- its match, a fixed value: no file of ops and nothing to compile. The rules in force read its words all the same, and
  where there are none it waits like all news;
- its channel, which notes the arrival and sends nothing.

In a message its ids are negative; an older worker finds no rows of such ids and does nothing. An id of nought asks
whoever takes it from a queue to say so: that is how the queues no canary passes are known to be read.

One canary is under way at a time; before the next starts, what the last one left is removed, be it late or arrived.
What a late one means is `watcher.pipeline.canary_alarm`'s.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from weakref import WeakKeyDictionary

from watcher.deliver.channel import Channel
from watcher.match.evaluate import Engine
from watcher.model import (
    AlertHistory,
    ChannelConfig,
    ChannelKind,
    DigestView,
    Envelope,
    Evidence,
    FeedConfig,
    Level,
    Match,
    NewsText,
    Origin,
    Outcome,
    OutcomeKind,
    Rendered,
    RuleStatus,
    Schedule,
    Span,
    SubscriptionConfig,
    TextField,
    When,
)
from watcher.net.client import GET_BYTES, GuardedClient, Response
from watcher.pipeline.steps import Nudges, Step, nudges
from watcher.runtime import RuleBook, Runtime
from watcher.store import (
    Connection,
    apart,
    canaries,
    channels,
    deliveries,
    digests,
    events,
    feeds,
    items,
    overview,
    subscriptions,
)
from watcher.store.canaries import Canary
from watcher.store.database import Database

PRESENT = 0
"""The id that asks whoever takes it from a queue to say so."""
_ID = "canary"
_URL = "https://canary.invalid/feed"
_KEPT = ("feeds", "channels", "subscriptions")
_places: WeakKeyDictionary[Database, Database] = WeakKeyDictionary()


# ── in the tasks ─────────────────────────────────────────────────────────────────────────────────────────────────────


def travel(rt: Runtime, step: Callable[[Runtime, Sequence[int]], Nudges], ids: Sequence[int]) -> Nudges:
    """Let a step of the line work on rows of canaries, as on any; note how far they came. Negative ids, in and out."""
    there = _there(rt)
    found = step(there, [-one for one in ids])
    _note(rt, there)
    return _ours(found)


def present(rt: Runtime, queue: str) -> Nudges:
    """Note that somebody takes messages from the queue."""
    with rt.database.write() as conn:
        overview.record_beat(conn, f"queue:{queue}", now=rt.clock())
    return {}


def tend(rt: Runtime) -> Nudges:
    """The sweep's part: start a canary when it is time, or find the rows where the one under way waits."""
    every_s, now = rt.settings.canary_every_s, rt.clock()
    if not every_s:
        return {}
    with rt.database.read() as conn:
        last = next(iter(canaries.newest(conn, limit=1)), None)
    if last is not None and not _may_follow(rt, last, now):
        return {} if last.arrived_at else _ours(_waiting(rt, _there(rt), last))
    there = _there(rt)
    with rt.database.write() as conn:
        if canaries.start(conn, every_s=every_s, now=now) is None:
            return {}
    with there.database.write() as conn:
        apart.empty(conn, but=_KEPT)
        feed = _settle(conn, now)
    return {step: [PRESENT] for step in Step} | {Step.FEEDS: [PRESENT, -feed]}


def _may_follow(rt: Runtime, last: Canary, now: datetime) -> bool:
    """Whether it is time for another: a late one is given up, since its rows may wait for a dead worker's lease."""
    age_s, chosen = (now - last.started_at).total_seconds(), rt.settings
    return age_s >= chosen.canary_every_s and (last.arrived_at is not None or age_s > chosen.canary_late_s)


def _waiting(rt: Runtime, there: Runtime, canary: Canary) -> Nudges:
    """Where it waits, as `pipeline.due` finds news; its feed is due until the item is stored."""
    now = rt.clock()
    if canary.stored_at is None:
        with there.database.write() as conn:
            feed = _settle(conn, now)
            if not feeds.due(conn, now=now, limit=1):
                feeds.poll_now(conn, now=now, ids=[feed])
    with there.database.read() as conn:
        found = {
            Step.FEEDS: feeds.due(conn, now=now, limit=1) if canary.stored_at is None else [],
            Step.ITEMS: items.due(conn, now=now, limit=1),
            Step.EVENTS: events.due(conn, now=now, limit=1),
            Step.DIGESTS: digests.due(conn, now=now, limit=1),
            Step.DELIVERIES: deliveries.due(conn, now=now, limit=1),
        }
    return nudges(found)


def _note(rt: Runtime, there: Runtime) -> None:
    with rt.database.read() as conn:
        last = next(iter(canaries.newest(conn, limit=1)), None)
    if last is None or last.written_at is not None:
        return
    with there.database.read() as conn:
        seen = canaries.came(conn, _identity(last.id))
    with rt.database.write() as conn:
        canaries.note(conn, last.id, seen)


def _ours(found: Nudges) -> Nudges:
    return {step: [-one for one in ids] for step, ids in found.items()}


def _identity(canary_id: int) -> str:
    return f"{_ID}-{canary_id}"


# ── its own place ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class _There(Runtime):
    """The runtime of a process, but for what is the canary's own."""

    main: Runtime

    def channel(self, config: ChannelConfig) -> Channel:  # noqa: ARG002 -- there is one
        return _Arrival(self.main)


def _there(rt: Runtime) -> Runtime:
    """Raises CannotHelp or TryAgain when the place cannot be made."""
    place = _places.get(rt.database)
    if place is None:
        place = _places[rt.database] = apart.open_apart(rt.database, _ID)
    rt.signing_key()
    mine = {one.name: getattr(rt, one.name) for one in dataclasses.fields(rt) if one.init}
    mine |= {
        "database": place,
        "settings": dataclasses.replace(rt.settings, host_spacing_s=0.0),
        "client": _Printer(rt),
        "rules": _Rules(rt.rules),
        "templates": {},
    }
    return _There(**mine, main=rt)


def _settle(conn: Connection, now: datetime) -> int:
    """Its feed, channel and subscription, made where they are not there, and the feed due; the feed's id."""
    feed = FeedConfig(url=_URL, title="Canary", alert_history=AlertHistory.ALL)
    known = feeds.known_as(conn, _URL)
    if known is None:
        feeds.add(conn, feed, origin=Origin.SELF, now=now)
        known = feeds.known_as(conn, _URL)
        channels.sync(conn, [ChannelConfig(id=_ID, kind=ChannelKind.WEBHOOK)], now=now)
        told = SubscriptionConfig(
            id=_ID, title="Canary", channels=(_ID,), rules=(_ID,), schedule=Schedule(when=When.IMMEDIATE)
        )
        subscriptions.sync_subscriptions(conn, [told], ops=(), now=now)
    else:
        feeds.poll_now(conn, now=now, ids=[known.id])
    assert known is not None
    return int(known.id)


class _Printer(GuardedClient):
    """Prints the canary's feed: the entry of the one under way."""

    def __init__(self, rt: Runtime) -> None:
        super().__init__()
        self._rt = rt

    def get(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002
        max_bytes: int = GET_BYTES,  # noqa: ARG002
        *,
        total_s: float | None = None,  # noqa: ARG002
    ) -> Response:
        with self._rt.database.read() as conn:
            entries = "".join(_entry(one) for one in canaries.newest(conn, limit=1))
        body = f"<rss version='2.0'><channel><title>Canary</title>{entries}</channel></rss>".encode()
        return Response(status=200, headers={"content-type": "application/rss+xml"}, body=body, final_url=url)


def _entry(canary: Canary) -> str:
    return (
        f"<item><guid isPermaLink='false'>{_identity(canary.id)}</guid><title>Canary {canary.id} was sent</title>"
        f"<description>It left at {canary.started_at:%H:%M:%S} UTC and is awaited at the end of the line.</description>"
        f"<pubDate>{format_datetime(canary.started_at)}</pubDate></item>"
    )


class _Rules(RuleBook):
    """The rules in force, of which none has to find the canary."""

    def __init__(self, book: RuleBook) -> None:
        super().__init__(book.folder)
        self._book = book

    def engine(self) -> Engine:
        return _Finds(self._book.engine())

    @property
    def files(self) -> dict[str, str]:
        return {}

    def tells_amounts(self, rule_id: str) -> bool:  # noqa: ARG002
        return False


class _Finds(Engine):
    """Lets the rules in force read the words, and finds the canary whatever they say."""

    def __init__(self, engine: Engine) -> None:
        self.rule_set = engine.rule_set
        self._engine = engine

    def matches(self, news: NewsText) -> tuple[Match, ...]:
        self._engine.matches(news)
        words = Span(field=TextField.TITLE, start=0, end=len(_ID))
        return (
            Match(
                rule_id=_ID,
                rule_title="Canary",
                level=Level.LOW,
                status=RuleStatus.STABLE,
                rules_version=self.version,
                facts={},
                evidence=(Evidence(clause=_ID, span=words, text=news.title[: len(_ID)]),),
            ),
        )


class _Arrival:
    """The canary's way out: notes among the real rows that it arrived."""

    def __init__(self, main: Runtime) -> None:
        self._main = main

    def compose(self, view: DigestView, rendered: Rendered, *, key: str, now: datetime) -> Envelope:  # noqa: ARG002
        told = ",".join(alert.event.title.split()[1] for alert in view.alerts)
        return Envelope(message_id=key, content_type="text/plain", body=told.encode())

    def send(self, envelope: Envelope, *, attempt: int, now: datetime) -> Outcome:  # noqa: ARG002
        with self._main.database.write() as conn:
            for one in envelope.body.decode().split(","):
                canaries.note(conn, int(one), {"arrived_at": now})
        return Outcome(kind=OutcomeKind.SENT, reason="noted")
