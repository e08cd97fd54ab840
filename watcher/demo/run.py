"""`watcher demo`: the whole line on this machine, from three feeds to mail, Slack and webhook, in a few seconds.

The processes are those of `watcher up`; only the far ends are ours. What was promised is checked from rows and from
what arrived, and the exit status says whether it held.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from watcher import log, password, pipeline, runtime, wording
from watcher.demo import stage as staging
from watcher.demo.feeds import FeedServer, seed_documents
from watcher.demo.inbox import Inbox, Mail
from watcher.demo.page import InboxPage
from watcher.demo.receivers import Receivers
from watcher.demo.report import Account, Check, show
from watcher.demo.stage import Stage
from watcher.errors import WatcherError
from watcher.model import EventView, FetchOutcome
from watcher.runtime import Runtime
from watcher.store import overview
from watcher.supervisor import Supervisor

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
ARTICLES = 5
DEADLINE_S = 60.0
"""For the play as a whole. It takes 10 s on two free cores; a busy machine should be slow, not wrong."""
_LOOK_EVERY_S = 0.1
_CALM_S = 1.2
"""After the second poll we wait two sweeps longer, so that anything sent twice has the time to show."""
_TAIL_LINES, _TAIL_WIDTH = 15, 600
_SERVICES = ("worker", "beat")
_BACKLOGS = ("items", "events", "digests", "deliveries")


class NotInTime(WatcherError):
    """Something that the demo waited for did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The running parts of one demo."""

    stage: Stage
    feeds: FeedServer
    inbox: Inbox
    receivers: Receivers
    page: InboxPage
    rt: Runtime
    supervisor: Supervisor
    started_s: float
    """Monotonic."""

    @property
    def sent(self) -> int:
        """Messages that arrived anywhere."""
        return len(self.inbox.mails) + len(self.receivers.slack) + len(self.receivers.hooks)

    @property
    def digests(self) -> tuple[Mail, ...]:
        """Mails to the reader; the service's own notices go to another address."""
        return tuple(mail for mail in self.inbox.mails if staging.READER in mail.recipients)


def run(*, keep: bool, out: Console, seeds: Path = SEEDS, visit: Callable[[str, str], None] | None = None) -> int:
    """Play the demo and print its account; 0 only if every promise held. With `keep` it then runs until Ctrl-C.

    `visit` is called at the end, when all held, with the console's address and its password.
    """
    started_s = time.monotonic()
    log.configure(level="ERROR")
    folder = Path(tempfile.mkdtemp(prefix="watcher-demo-"))
    scene: Scene | None = None
    held = False
    try:
        with _playing(folder, seeds, started_s, with_console=keep or visit is not None) as scene:
            with out.status("Starting a private Valkey, a Celery worker and beat …") as status:
                account = _play(scene, status.update)
            held = account.held
            show(account, out)
            if visit and held:
                visit(*_console(scene))
            if keep:
                _keep(scene, out)
    except WatcherError as error:
        _explain(error, scene, folder, out)
    finally:
        _tidy(folder, with_logs=held)
    return 0 if held else 1


@contextmanager
def _playing(folder: Path, seeds: Path, started_s: float, *, with_console: bool) -> Iterator[Scene]:
    secret = staging.new_secret()
    feeds, inbox, receivers = FeedServer(seed_documents(seeds)), Inbox(), Receivers(secret)
    with feeds, inbox, receivers, InboxPage(inbox, receivers) as page:
        stage = staging.prepare(folder, feeds, inbox, receivers, secret=secret, console_port=_free_port())
        rt = runtime.open(stage.settings)
        services = (*_SERVICES, "web") if with_console else _SERVICES
        supervisor = Supervisor(stage.settings, services=services, logs=stage.logs)
        try:
            rt.database.migrate()
            password.made_in(stage.settings.data_dir)
            supervisor.start()
            rt.rules.engine()  # while the worker starts: mistakes in rule files end the demo here, each with its line
            yield Scene(
                stage=stage,
                feeds=feeds,
                inbox=inbox,
                receivers=receivers,
                page=page,
                rt=rt,
                supervisor=supervisor,
                started_s=started_s,
            )
        finally:
            supervisor.stop()
            rt.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _tidy(folder: Path, *, with_logs: bool) -> None:
    """Leave the digest's HTML, and after a failure the logs."""
    shutil.rmtree(folder / "var", ignore_errors=True)
    if with_logs:
        shutil.rmtree(folder / "logs", ignore_errors=True)
    for name in ("watcher.yml", *staging.SECRETS):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


# ── the play ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _play(scene: Scene, say: Callable[[str], None]) -> Account:
    count = len(scene.feeds.urls)
    say("Waiting for the worker to poll three feeds and classify their items …")
    _until(scene, "the first poll of every feed", lambda: _polled(scene) == count)
    _until(scene, "every item classified, every alert delivered", lambda: _settled(scene) and scene.sent > 0)
    say("Asking for the daily digest now instead of at 08:00 in Shanghai …")
    before_digest = len(scene.digests)
    closing = pipeline.send_digest_now(scene.rt, staging.DAILY)
    _until(scene, "the digest by mail", lambda: len(scene.digests) > before_digest and _settled(scene))
    say("Polling every feed again …")
    sent_once = scene.sent
    pipeline.poll_now(scene.rt)
    _until(scene, "the second poll of every feed", lambda: len(scene.feeds.polls) >= 2 * count)
    time.sleep(_CALM_S)
    _until(scene, "the line at rest", lambda: _settled(scene))
    return _account(scene, sent_once=sent_once, digests_due=closing)


def _until(scene: Scene, what: str, holds: Callable[[], bool]) -> None:
    while not holds():
        if time.monotonic() - scene.started_s > DEADLINE_S:
            raise NotInTime(f"waited {DEADLINE_S:g} s, and this did not come: {what}")
        time.sleep(_LOOK_EVERY_S)


def _polled(scene: Scene) -> int:
    """Feeds whose first answer is in the rows, items and all."""
    with scene.rt.database.read() as conn:
        return overview.feed_outcomes(conn).get(FetchOutcome.CHANGED.value, 0)


def _settled(scene: Scene) -> bool:
    """Is nothing waiting in any step, and nothing on its way?"""
    with scene.rt.database.read() as conn:
        waiting = overview.backlog(conn, scene.rt.clock())
        pending = overview.delivery_states(conn).get("pending", 0)
    return pending == 0 and all(waiting[step]["waiting"] == 0 for step in _BACKLOGS)


# ── the account ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _account(scene: Scene, *, sent_once: int, digests_due: int) -> Account:
    with scene.rt.database.read() as conn:
        events = overview.recent_events(conn, 50)
        rows = overview.counts(conn)
        states = overview.delivery_states(conn)
    html_path = _save_html(scene)
    return Account(
        events=_in_order(events),
        mails=scene.digests,
        slack=scene.receivers.slack,
        hooks=scene.receivers.hooks,
        polls=scene.feeds.polls,
        checks=(
            *_checks_of_the_line(scene, events, rows, states),
            *_checks_of_arrivals(scene, sent_once=sent_once, digests_due=digests_due),
        ),
        html_path=html_path,
        elapsed_s=time.monotonic() - scene.started_s,
    )


def _in_order(events: Sequence[EventView]) -> list[EventView]:
    def place(event: EventView) -> tuple[str, str, int]:
        newest = max((source.published_at.isoformat() for source in event.sources if source.published_at), default="")
        return event.rule_id, newest, event.id

    return sorted(sorted(events, key=place, reverse=True), key=lambda event: event.rule_id)


def _save_html(scene: Scene) -> Path | None:
    if not scene.digests:
        return None
    path = scene.stage.folder / "digest.html"
    path.write_text(scene.digests[-1].html, encoding="utf-8")
    return path


def _checks_of_the_line(
    scene: Scene, events: Sequence[EventView], rows: dict[str, int], states: dict[str, int]
) -> tuple[Check, ...]:
    feeds = len(scene.feeds.urls)
    rules = {event.rule_id for event in events}
    stories = {source.link for event in events for source in event.sources}
    told = {(event.rule_id, source.link) for event in events for source in event.sources}
    once = len(told) == len(events) == sum(len(event.sources) for event in events)
    return (
        _check(
            "Every feed was polled and gave its items",
            rows["items"] == ARTICLES * feeds,
            f"{rows['items']} items of {feeds} feeds",
        ),
        _check(
            "No item and no message was put aside",
            not rows["items_parked"] and not states.get("parked"),
            _states(states),
        ),
        _check(
            "Each of the three rules found something",
            len(rules) == 3,
            f"{len(events)} events in {len(stories)} articles",
        ),
        _check("The copies of a story made one event", once, f"{feeds} copies of each, named once"),
    )


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _checks_of_arrivals(scene: Scene, *, sent_once: int, digests_due: int) -> tuple[Check, ...]:
    slack, hooks, polls = scene.receivers.slack, scene.receivers.hooks, scene.feeds
    feeds, ids = len(polls.urls), [post.id for post in hooks]
    unchanged = polls.count(304)
    message_ids = [mail.message_id for mail in scene.inbox.mails]
    once = scene.sent == sent_once and len(set(ids)) == len(ids) and len(set(message_ids)) == len(message_ids)
    return (
        _check(
            "Slack took every alert",
            bool(slack) and all(post.refused is None for post in slack),
            f"{len(slack)} messages",
        ),
        _check("Every webhook was signed", bool(hooks) and all(post.verified for post in hooks), f"{len(hooks)} calls"),
        _check(
            "The daily digest came by mail, once", len(scene.digests) == digests_due == 1, f"{len(scene.digests)} mail"
        ),
        _check("The second poll brought nothing new", unchanged == feeds, f"{unchanged} answers 304"),
        _check("Nothing was sent twice", once, f"{scene.sent} messages in all"),
    )


def _check(promise: str, held: bool, detail: str) -> Check:
    return Check(promise=promise, held=held, detail=detail)


# ── staying, and failing ─────────────────────────────────────────────────────────────────────────────────────────────


def _keep(scene: Scene, out: Console) -> None:
    kept = f"Everything keeps running; watcher.yml is {scene.stage.settings.config_path}. Ctrl-C ends it."
    try:
        out.print(Text.assemble("\nThe inbox page: ", (scene.page.url, f"bold cyan link {scene.page.url}")))
        console, opens = _console(scene)
        out.print(Text.assemble("The console: ", (console, f"bold cyan link {console}"), f" · its password: {opens}"))
        out.print(Text(kept, "dim"))
        while True:
            time.sleep(1.0)  # not for ever: a signal that another thread was given is seen only between two waits
    except KeyboardInterrupt:
        out.print("\nStopping …")


def _console(scene: Scene) -> tuple[str, str]:
    """The console's address and what opens it."""
    chosen = scene.stage.settings
    return f"http://{chosen.web_host}:{chosen.web_port}/", password.read_in(chosen.data_dir) or ""


def _explain(error: WatcherError, scene: Scene | None, folder: Path, out: Console) -> None:
    out.print(Text(f"The demo failed: {error}", style="bold red"))
    if scene is None:
        return
    for name in _SERVICES:
        tail = scene.supervisor.log_tail(name, lines=_TAIL_LINES).splitlines()
        out.print(Text(f"\nThe end of the log of the {name}:", style="bold"))
        out.print(Text("\n".join(wording.one_line(line, _TAIL_WIDTH) for line in tail) or "(empty)"))
    out.print(Text(f"\nThe whole logs are in {folder / 'logs'}", style="dim"))
