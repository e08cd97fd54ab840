"""The workbench: a rule's YAML in the browser, its mistakes at their lines, and what it would find among stored items.

Reading and running a draft, and writing files, are `pipeline`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from watcher.errors import CannotHelp, Mistakes, SandboxFailed
from watcher.match.compare import Change
from watcher.pipeline import rule_files, workbench
from watcher.pipeline.preview import messages
from watcher.pipeline.workbench import Busy, Checked, Draft, Note, Run, Runs, State
from watcher.store import history
from watcher.strict_yaml import MAX_BYTES
from watcher.web.console.desk import Desk, NotHere, Page
from watcher.web.console.rules import as_file

DAYS = (1, 3, 7, 14, 30)
_NEW = "(new).yml"
"""Names no file: what is new replaces none."""
_FORM_BYTES = 3 * MAX_BYTES + 32 * 1024
"""A form writes each byte that is not ASCII as three."""
_WAIT_S = 2.0
"""So long a page waits for a run before it shows how far it has come."""
_FIRST_LINES = {"id": re.compile(r"^id:.*$", re.MULTILINE), "status": re.compile(r"^status:.*$", re.MULTILINE)}
_NEW_TEXT = """id: new-rule
title: New rule
status: experimental  # a shadow: recorded, never sent
level: low

selections:
  told:
    stance: asserted
    all:
      - open|inaugurate ...4 plant|factory
      - parties: {kind: company}

condition: told

tests:
  - match: Exampla Therapeutics has opened a plant in Porto.
  - no_match: Exampla Therapeutics plans to open a plant in Porto.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A draft on the workbench, and what is known of it."""

    rule_id: str
    """Of the rule whose file it is; empty for a new one."""
    draft: Draft
    was: str
    """Digest of the text that it began with; empty for a new file."""
    windows: bool = False
    """Whether the file's lines end in CR LF: a browser's form cannot tell."""
    days: int = 7
    checked: Checked | None = None
    run: Run | None = None
    told: str = ""
    wrong: str = ""

    @property
    def text(self) -> str:
        """As the file has it."""
        return self.draft.text.replace("\n", "\r\n") if self.windows else self.draft.text

    @property
    def notes(self) -> Mapping[int, list[Note]]:
        """Mistakes and failed examples by line."""
        found: dict[int, list[Note]] = {}
        for note in (*self.checked.mistakes, *self.checked.failures) if self.checked else ():
            found.setdefault(note.line, []).append(note)
        return found

    @property
    def file_name(self) -> str:
        """Under which it is saved."""
        known = self.checked.rule_id if self.checked else ""
        return self.draft.name if self.draft.name != _NEW else f"{known or 'new-rule'}.yml"


def show(desk: Desk) -> Response:
    """A rule's file, or a new one, on the workbench; a POST does what its button says. Raises NotHere."""
    if not desk.posted:
        return _page(desk, _checked(desk, _opened(desk)))
    bench = _posted(desk)
    if len(bench.draft.text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return _page(desk, replace(bench, wrong=f"A rule file has at most {MAX_BYTES // 1024} KiB."), status=422)
    act, _, target = desk.form.one("act").partition(":")
    try:
        return _ACTS.get(act, _look)(desk, bench, target)
    except Busy as busy:
        return _page(desk, replace(bench, wrong=f"Busy: {busy}"), status=503)
    except CannotHelp as error:
        return _page(desk, replace(bench, wrong=_why(error)), status=422)


def _why(error: CannotHelp) -> str:
    if isinstance(error, SandboxFailed):
        return f"This draft could not be read: {error}. It was ended; nothing else was touched."
    return str(error)


# ── what is on it ──


def _opened(desk: Desk) -> Bench:
    rule_id = desk.request.path_params.get("id", "")
    if rule_id:
        file = rule_files.opened(desk.rt, rule_id)
        if file is None:
            raise NotHere
        windows = "\r\n" in file.text
        draft = Draft(name=file.name, text=file.text.replace("\r\n", "\n"))
        return Bench(rule_id=rule_id, draft=draft, was=file.digest, windows=windows)
    copied = rule_files.opened(desk.rt, desk.query("from")) if desk.query("from") else None
    text = _as_shadow(copied.text, desk.query("from")) if copied else _NEW_TEXT
    return Bench(rule_id="", draft=Draft(name=_NEW, text=text), was="")


def _as_shadow(text: str, rule_id: str) -> str:
    """A copy of a rule that runs beside it and is never sent."""
    text = _FIRST_LINES["id"].sub(f"id: {rule_id}-next", text.replace("\r\n", "\n"), count=1)
    return _FIRST_LINES["status"].sub("status: experimental", text, count=1)


def _posted(desk: Desk) -> Bench:
    rule_id = desk.request.path_params.get("id", "")
    rule = desk.rt.rules.engine().rule_set.rule(rule_id) if rule_id else None
    if rule_id and rule is None:
        raise NotHere
    text = (desk.form.every("text") or ("",))[-1].replace("\r\n", "\n").replace("\r", "\n")
    days = desk.form.one("days")
    return Bench(
        rule_id=rule_id,
        draft=Draft(name=rule.path.rpartition("/")[2] if rule else _NEW, text=text),
        was=desk.form.one("was")[:64],
        windows=desk.form.one("windows") == "1",
        days=int(days) if days in {str(one) for one in DAYS} else 7,
        run=_runs(desk).get(desk.form.one("run")),
    )


def _checked(desk: Desk, bench: Bench) -> Bench:
    try:
        return replace(bench, checked=workbench.check(desk.rt, bench.draft))
    except SandboxFailed as error:
        return replace(bench, wrong=_why(error))


def _runs(desk: Desk) -> Runs:
    """The runs of this process, the API's among them."""
    found: Runs = desk.request.app.state.runs
    return found


# ── what its buttons do ──


def _look(desk: Desk, bench: Bench, _target: str) -> Response:
    bench = _checked(desk, bench)
    return _page(desk, bench, status=422 if bench.wrong or (bench.checked and bench.checked.mistakes) else 200)


def _try(desk: Desk, bench: Bench, _target: str) -> Response:
    """Begin a run; when it is over at once its page shows what came of it."""
    bench = _checked(desk, bench)
    if bench.checked is None or bench.checked.mistakes:
        return _page(desk, bench, status=422)
    run = _runs(desk).start(desk.rt, bench.draft, days=bench.days, by=desk.operator.name)
    with desk.rt.database.write() as conn:
        desk.note(conn, "rules.try", bench.file_name, days=bench.days)
    run.ended.wait(_WAIT_S)
    return _page(desk, replace(bench, run=run))


def _add(expect: bool) -> Callable[[Desk, Bench, str], Response]:
    def add(desk: Desk, bench: Bench, target: str) -> Response:
        """Make the item a test of the draft."""
        number = int(target) if target.isascii() and target.isdigit() and len(target) < 19 else 0
        with desk.rt.database.read() as conn:
            item = history.item(conn, number)
        if item is None:
            raise CannotHelp("That item is not there any more.")
        because = f"item {item.id} was judged by {desk.operator.name}"
        draft = workbench.with_example(desk.rt, bench.draft, item, expect=expect, because=because)
        with desk.rt.database.write() as conn:
            desk.note(conn, "rules.example", bench.file_name, item=item.id, expect=expect)
        should = "should match" if expect else "should not match"
        told = f"Item {item.id} is now an example that {should}: save the file, or run it again."
        return _page(desk, _checked(desk, replace(bench, draft=draft, told=told)))

    return add


def _download(desk: Desk, bench: Bench, _target: str) -> Response:
    bench = _checked(desk, bench)
    return as_file(bench.file_name, bench.text)


def _write(desk: Desk, bench: Bench, _target: str) -> Response:
    bench = _checked(desk, bench)
    if bench.checked is None or bench.checked.mistakes:
        return _page(desk, bench, status=422)
    draft = Draft(name=bench.file_name, text=bench.text)
    try:
        rule_files.check(desk.rt, draft, was=bench.was)
    except Mistakes as mistakes:
        return _page(desk, replace(bench, wrong=f"Nothing was written. {mistakes}"), status=422)
    with desk.rt.database.write() as conn:
        written = rule_files.put(desk.rt, draft, was=bench.was)
        kept = str(written.before) if written.before else ""
        desk.note(conn, "rules.write", draft.name, was=bench.was, now=written.digest, before=kept)
    kept = f" Its former text is kept in {written.before}." if written.before else ""
    return desk.go("/rules", done=f"{draft.name} was written; the service takes it within seconds.{kept}")


_ACTS = {
    "check": _look,
    "run": _try,
    "match": _add(True),
    "no_match": _add(False),
    "download": _download,
    "write": _write,
}


# ── runs ──


def progress(desk: Desk) -> Response:
    """How a run goes, as a part of its page; without htmx the whole workbench. Raises NotHere."""
    run = _asked(desk)
    if desk.partial:
        return desk.page("workbench_run.html.j2", "Run", **_of_run(run), bench=None)
    rule = next((one for one in desk.rt.rules.engine().rule_set.rules if one.path.endswith(f"/{run.draft.name}")), None)
    file = rule_files.opened(desk.rt, rule.id) if rule else None
    bench = Bench(rule_id=rule.id if rule else "", draft=run.draft, was=file.digest if file else "", run=run)
    windows = bool(file and "\r\n" in file.text)
    return _page(desk, _checked(desk, replace(bench, windows=windows, days=run.days)))


def stop(desk: Desk) -> Response:
    """Let a run end where it is. Raises NotHere."""
    run = _asked(desk)
    run.stop.set()
    with desk.rt.database.write() as conn:
        desk.note(conn, "rules.stop", run.draft.name)
    run.ended.wait(_WAIT_S)
    return desk.go(f"/workbench/runs/{run.id}")


def _asked(desk: Desk) -> Run:
    run = _runs(desk).get(desk.path("run"))
    if run is None:
        raise NotHere
    return run


def _of_run(run: Run) -> dict[str, Any]:
    shown = [(change, run.count(change), run.of(change)) for change in Change]
    more = messages(run.preview.more) if run.preview else {}
    less = messages(run.preview.less) if run.preview else {}
    channels = [(name, more.get(name, {}), less.get(name, {})) for name in sorted({*more, *less})]
    return {"run": run, "going": run.state is State.RUNNING, "shown": shown, "channels": channels}


def _page(desk: Desk, bench: Bench, *, status: int = 200) -> Response:
    title = f"Workbench: {bench.rule_id}" if bench.rule_id else "Workbench: a new rule"
    of_run = _of_run(bench.run) if bench.run else {"run": None}
    return desk.page(
        "workbench.html.j2",
        title,
        status=status,
        bench=bench,
        lines=bench.draft.text.split("\n"),
        days=DAYS,
        writable=desk.rt.settings.rules_writable,
        **of_run,
    )


PAGES = (
    Page(path="/workbench", show=show, methods=("GET", "POST"), body_bytes=_FORM_BYTES),
    Page(path="/workbench/runs/{run}", show=progress),
    Page(path="/workbench/runs/{run}/stop", show=stop, methods=("POST",)),
    Page(path="/rules/{id}/workbench", show=show, methods=("GET", "POST"), body_bytes=_FORM_BYTES),
)
