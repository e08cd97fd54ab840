"""Rules that are being written, tried on stored items beside those that run: what would be new, lost, changed and kept.

A draft is read and run in a sandbox child, a few items a call: it can be stopped, it cannot take this process down, and
the pages go on meanwhile. One run at a time; the last few stay to be looked at. Showing them is left to `web`.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from watcher import log, wire, wording
from watcher.errors import CannotHelp, SandboxFailed, TryAgain, WatcherError
from watcher.match.compare import Change
from watcher.model import Evidence, FactKind, Item, Match, Snippet
from watcher.pipeline.classify import news_text
from watcher.pipeline.preview import Preview, preview
from watcher.runtime import Runtime
from watcher.store import history
from watcher.story.snippets import snippets

MOST_ITEMS = 20_000
RUN_S = 60.0
"""A run looks at nothing more after so many seconds, and says how far it came."""
SHOWN = 40
"""Items of each rule and kind that are kept to be looked at; all are counted."""
_SLICE = 40
_OPEN_S, _CALL_S = 30.0, 20.0
_KEPT_RUNS = 8
_MODULE = "watcher.match.draft"
_log = log.get("workbench")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The text of a rule file that is being written; `name` is the file's in the rules folder."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to say of a line of a draft; line 0 means all of it."""

    line: int
    message: str
    instead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a draft comes to."""

    mistakes: tuple[Note, ...]
    failures: tuple[Note, ...]
    """Examples inside it that come out otherwise."""
    differs: tuple[str, ...]
    """How its rule differs from the one that runs, in words."""
    rule_id: str
    """Empty while there are mistakes."""
    status: str
    tests: int


class State(StrEnum):
    """How a run goes, or why it ended."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    CUT_TIME = "cut_time"
    CUT_ITEMS = "cut_items"
    """There are more items than one run looks at."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one rule on one item."""

    item_id: int
    title: str
    feed: str
    link: str | None
    language: str | None
    seen_at: datetime
    rule_id: str
    change: Change
    decided: str
    snippets: tuple[Snippet, ...]


@dataclass(slots=True, kw_only=True)
class Run:
    """One draft on the items of some days, and what it came to so far."""

    id: str
    draft: Draft
    days: int
    by: str
    started_at: datetime
    state: State = State.RUNNING
    why: str = ""
    total: int = 0
    seen: int = 0
    reached_at: datetime | None = None
    """When the oldest item that was looked at was first seen."""
    took_s: float = 0.0
    counts: Counter[tuple[str, Change]] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    preview: Preview | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def count(self, change: Change) -> int:
        return sum(number for (_, kind), number in self.counts.items() if kind is change)

    def of(self, change: Change) -> list[Row]:
        return [row for row in self.rows if row.change is change]


class Busy(TryAgain):
    """Another run is under way in this process."""


# ── reading a draft ──


def check(rt: Runtime, draft: Draft) -> Checked:
    """All mistakes of a draft at once, and the examples in it that fail. Raises SandboxFailed when reading it hangs."""
    answer = _ask(rt, "check", draft)
    rule = answer["rule"] or {"id": "", "status": "", "tests": 0}
    return Checked(
        mistakes=tuple(
            Note(line=one["line"], message=one["message"], instead=one["instead"]) for one in answer["mistakes"]
        ),
        failures=tuple(Note(line=one["line"], message=one["message"]) for one in answer["failures"]),
        differs=tuple(answer["differs"]),
        rule_id=rule["id"],
        status=rule["status"],
        tests=rule["tests"],
    )


def with_example(rt: Runtime, draft: Draft, item: Item, *, expect: bool, because: str) -> Draft:
    """The draft with the item as one more inline test; nothing else of its text is changed.

    Raises SandboxFailed, and CannotHelp for a draft with mistakes or with its tests written in one line.
    """
    answer = _ask(rt, "example", draft, news=wire.dump(news_text(item)), expect=expect, because=because)
    if "refused" in answer:
        raise CannotHelp(answer["refused"])
    return Draft(name=draft.name, text=answer["text"])


def _ask(rt: Runtime, function: str, draft: Draft, **more: Any) -> Any:
    """Call a function of the sandbox child, which is given the running rules when it does not know them."""
    engine = rt.rules.engine()
    payload = {"version": engine.version, "name": draft.name, "text": draft.text, **more}
    answer = rt.trial.call(f"{_MODULE}:{function}", payload, _CALL_S)
    if answer is None:
        rt.trial.call(f"{_MODULE}:open_rules", {"version": engine.version, "files": dict(rt.rules.files)}, _OPEN_S)
        answer = rt.trial.call(f"{_MODULE}:{function}", payload, _CALL_S)
    if answer is None:
        raise SandboxFailed("the rules could not be compiled for a trial")
    return answer


# ── running it ──


class Runs:
    """The runs of one process: one at a time, the newest few kept."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, rt: Runtime, draft: Draft, *, days: int, by: str) -> Run:
        """Begin a run in a thread of its own; the draft has no mistakes. Raises Busy while another one goes."""
        with self._lock:
            going = next((one for one in self._runs.values() if one.state is State.RUNNING), None)
            if going is not None:
                raise Busy(f"{going.by} is trying {going.draft.name} on stored items: wait for it, or stop it")
            run = Run(id=uuid.uuid4().hex[:16], draft=draft, days=days, by=by, started_at=rt.clock())
            self._runs[run.id] = run
            while len(self._runs) > _KEPT_RUNS:
                self._runs.popitem(last=False)
        threading.Thread(target=_go, args=(rt, run), name="workbench", daemon=True).start()
        return run

    def get(self, run_id: str) -> Run | None:
        with self._lock:
            return self._runs.get(run_id)

    def stop_all(self) -> None:
        """Let no run go on."""
        with self._lock:
            for run in self._runs.values():
                run.stop.set()


def _go(rt: Runtime, run: Run) -> None:
    began = time.monotonic()
    state, why = State.FAILED, "it ended unexpectedly"
    try:
        state, why = _run(rt, run, began), ""
    except WatcherError as error:
        why = str(error)
    finally:
        run.took_s = time.monotonic() - began
        run.why, run.state = why, state
        run.ended.set()
        _log.info(
            "a draft was tried", draft=run.draft.name, state=run.state, items=run.seen, seconds=round(run.took_s, 1)
        )


def _run(rt: Runtime, run: Run, began: float) -> State:
    since = run.started_at - timedelta(days=run.days)
    with rt.database.read() as conn:
        ids = history.ids_since(conn, since=since, limit=MOST_ITEMS + 1)
    over, ids = len(ids) > MOST_ITEMS, ids[:MOST_ITEMS]
    run.total = len(ids)
    new: list[tuple[Item, Match]] = []
    lost: dict[str, list[int]] = defaultdict(list)
    state = State.CUT_ITEMS if over else State.DONE
    for start in range(0, len(ids), _SLICE):
        if run.stop.is_set():
            state = State.STOPPED
            break
        if time.monotonic() - began > RUN_S:
            state = State.CUT_TIME
            break
        with rt.database.read() as conn:
            items = history.some(conn, ids[start : start + _SLICE])
        _take(run, items, _tried(rt, run, items), new, lost)
        run.took_s = time.monotonic() - began
    tells = _tells_amounts(rt, run.draft)
    with rt.database.read() as conn:
        run.preview = preview(conn, new, lost, tells)
    return state


def _tried(rt: Runtime, run: Run, items: Sequence[Item]) -> list[dict[str, Any]]:
    rules = {rule_id for rule_id, _ in run.counts}
    full = {rule_id for rule_id in rules if run.counts[rule_id, Change.LOST] >= SHOWN}
    known = {rule.id for rule in rt.rules.engine().rule_set.rules}
    payload = [[item.id, wire.dump(news_text(item))] for item in items]
    answer = _ask(rt, "run", run.draft, items=payload, why=sorted((known | rules) - full))
    if "refused" in answer:
        raise CannotHelp(f"the rules were changed while the draft was tried: {answer['refused']}")
    found: list[dict[str, Any]] = answer["outcomes"]
    return found


def _take(
    run: Run,
    items: Sequence[Item],
    outcomes: Iterable[dict[str, Any]],
    new: list[tuple[Item, Match]],
    lost: dict[str, list[int]],
) -> None:
    by_id = {item.id: item for item in items}
    for one in outcomes:
        item, change = by_id[one["item"]], Change(one["change"])
        run.counts[one["rule"], change] += 1
        if run.counts[one["rule"], change] <= SHOWN:
            run.rows.append(_row(item, one, change))
        if change is Change.NEW:
            new.append((item, wire.load(Match, one["match"])))
        elif change is Change.LOST:
            lost[one["rule"]].append(item.id)
    run.seen += len(items)
    seen = [item.first_seen_at for item in items]
    run.reached_at = min([*seen, *([run.reached_at] if run.reached_at else [])], default=None)


def _row(item: Item, outcome: Mapping[str, Any], change: Change) -> Row:
    evidence = [wire.load(Evidence, one) for one in outcome["evidence"]]
    return Row(
        item_id=item.id,
        title=item.title or wording.one_line(item.text, 120),
        feed=item.feed_title or "",
        link=item.link,
        language=item.language,
        seen_at=item.first_seen_at,
        rule_id=outcome["rule"],
        change=change,
        decided=outcome["decided"],
        snippets=snippets(evidence, title=item.title, text=item.text),
    )


def _tells_amounts(rt: Runtime, draft: Draft) -> Any:
    rule = _ask(rt, "check", draft)["rule"]
    if rule is None:
        raise CannotHelp("the rules were changed while the draft was tried, and it does not fit to them any more")
    kinds = {rule["id"]: FactKind.MONEY in rule["facts"]}
    return lambda rule_id: kinds.get(rule_id, True)
