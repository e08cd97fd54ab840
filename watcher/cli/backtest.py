"""`watcher rules backtest` and `apply`: rules tried on the stored items, and a change of rules brought to old items."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from watcher import pipeline, wording
from watcher.cli.changes import Limits, MaxLost, MaxNew, Tally, told_change
from watcher.cli.ruleset import FOUND, AsJson, Folder, Params, folder_of, params_of
from watcher.cli.session import opened, output
from watcher.errors import CannotHelp
from watcher.match.compare import Change, Comparison
from watcher.match.evaluate import Engine
from watcher.match.language import load_files, load_rules
from watcher.match.rule import RuleSet
from watcher.model import Again, Item, Match
from watcher.pipeline.preview import Preview, Telling, amounts_by, messages, preview
from watcher.runtime import Runtime
from watcher.store import history

Days = Annotated[int, typer.Option("--days", min=1, help="Items first seen in so many days.")]
_BATCH = 200
SHOWN = 10
"""Items, and tellings, that the terminal names of each kind; --json names all."""


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command("backtest")(backtest)
    app.command("apply")(apply)


def backtest(
    days: Days = 30,
    rules: Folder = None,
    against: Annotated[Path | None, typer.Option(help="Rules to hold them against; else those that run.")] = None,
    param: Params = None,
    count_only: Annotated[bool, typer.Option("--count-only", help="Only the counts, without the items.")] = False,
    max_new: MaxNew = None,
    max_lost: MaxLost = None,
    as_json: AsJson = False,
) -> None:
    """Run rules on the stored items beside those that run: new, lost and kept matches, and who would hear more.

    Nothing is stored or sent. Status 3 when a match comes or goes, or more than --max-new or --max-lost allow.
    """
    with opened() as rt:
        candidate = load_rules(folder_of(rules))
        running = load_rules(against) if against else _running(rt, candidate)
        comparison = Comparison(running, candidate, params_of(param))
        trial = _try(rt, comparison, days=days, limit=None if as_json else SHOWN, why=not count_only)
        with rt.database.read() as conn:
            result = preview(conn, trial.new, trial.lost, amounts_by(comparison.new))
    if as_json:
        changes = [] if count_only else trial.tally.row()["changes"]
        row = trial.tally.row() | {"changes": changes, "days": days, "rules": list(comparison.rules)}
        typer.echo(json.dumps(row | preview_row(result, brief=count_only), ensure_ascii=False, default=str))
    else:
        _print_backtest(comparison, trial, result, days=days, brief=count_only)
    raise typer.Exit(FOUND if trial.tally.exceeds(Limits(max_new, max_lost)) else 0)


def apply(
    days: Days,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what would be sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the present rules to the items of the last days: says first what it would send, and does it with --yes.

    Old items never alert by themselves after a change of the rules. Events that are known are rewritten in silence.
    """
    with opened() as rt:
        engine = rt.rules.engine()
        since = rt.clock() - timedelta(days=days)
        with rt.database.read() as conn:
            ids = history.outdated(conn, since=since, version=engine.version)
        new = _matches(rt, engine, ids)
        with rt.database.read() as conn:
            result = preview(conn, new, {}, amounts_by(engine))
        done = bool(yes and ids)
        if done:
            pipeline.reclassify(rt, ids, Again.RULES)
    if as_json:
        row = {"items": len(ids), "matches": len(new), "applied": done} | preview_row(result, brief=False)
        typer.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    typer.echo(f"{wording.counted(len(ids), 'item')} of the last {days} days were classified by other rules")
    _print_preview(output(), result, brief=False, would="would" if not done else "will")
    if done:
        typer.echo(f"{wording.counted(len(ids), 'item')} wait to be classified again; the running service does it")
    elif ids:
        typer.echo("nothing was changed: --yes does it")


# ── trying rules on stored items ──


@dataclass(slots=True, kw_only=True)
class _Trial:
    """What two rule sets made of the stored items."""

    tally: Tally
    new: list[tuple[Item, Match]] = field(default_factory=list)
    lost: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def _running(rt: Runtime, candidate: RuleSet) -> RuleSet:
    """The rules that classified the newest items: from the configured folder or from what was kept of them.

    Raises CannotHelp when nothing was classified yet.
    """
    with rt.database.read() as conn:
        version = history.running_version(conn)
        kept = history.newest_rule_set(conn)
    if version is None:
        raise CannotHelp("no item was classified yet: there is nothing to hold the rules against")
    if version == candidate.version:
        typer.echo("these are the rules that run: nothing differs", err=True)
        return candidate
    if rt.rules.folder.is_dir() and (present := load_rules(rt.rules.folder)).version == version:
        return present
    with rt.database.read() as conn:
        files = history.rule_files(conn, version)
        if files is None and kept is not None:
            typer.echo("the files of the running rules were not kept: the newest kept ones are taken", err=True)
            files = history.rule_files(conn, kept)
    if files is None:
        raise CannotHelp("the files of the running rules were not kept: name them with --against")
    return load_files(files).rule_set


def _try(rt: Runtime, comparison: Comparison, *, days: int, limit: int | None, why: bool) -> _Trial:
    trial = _Trial(tally=Tally(limit=limit))
    if not comparison.rules:
        return trial
    for item in _stored(rt, days):
        trial.tally.items += 1
        for outcome in comparison.outcomes(
            pipeline.news_text(item), why=lambda rule_id: why and trial.tally.has_room(rule_id)
        ):
            trial.tally.add(str(item.id), item.title or item.text, outcome)
            if outcome.change is Change.NEW and outcome.new is not None:
                trial.new.append((item, outcome.new))
            elif outcome.change is Change.LOST:
                trial.lost[outcome.rule_id].append(item.id)
    return trial


def _stored(rt: Runtime, days: int) -> Iterator[Item]:
    """The items of the last days, a batch a transaction, with a progress bar on standard error."""
    since = rt.clock() - timedelta(days=days)
    with rt.database.read() as conn:
        total = history.count(conn, since=since)
    with progress("trying the rules", total) as advance:
        after = 0
        while True:
            with rt.database.read() as conn:
                found = history.batch(conn, since=since, after=after)
            if not found:
                return
            for item in found:
                yield item
                advance()
            after = found[-1].id


def _matches(rt: Runtime, engine: Engine, ids: Sequence[int]) -> list[tuple[Item, Match]]:
    found: list[tuple[Item, Match]] = []
    with progress("running the rules", len(ids)) as advance:
        for start in range(0, len(ids), _BATCH):
            with rt.database.read() as conn:
                stored = history.some(conn, ids[start : start + _BATCH])
            for item in stored:
                found += [(item, match) for match in engine.matches(pipeline.news_text(item))]
                advance()
    return found


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error, where that is a terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


# ── showing it ──


def _print_backtest(comparison: Comparison, trial: _Trial, result: Preview, *, days: int, brief: bool) -> None:
    console = output()
    for change in () if brief else comparison.changes:
        told_change(change, most=6)
    if comparison.rules:
        console.print(
            f"{trial.tally.items} items of the last {days} days; unchanged and not run: "
            + _or_none(comparison.unchanged)
        )
        trial.tally.print(items=not brief)
        _print_preview(console, result, brief=brief, would="would have")
    else:
        console.print("no rule finds anything else: nothing was run")


def _or_none(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"


def _print_preview(console: Console, result: Preview, *, brief: bool, would: str) -> None:
    new = wording.counted(len(result.events), "new event")
    known = f"; {wording.counted(result.joined, 'match', 'matches')} of known events" if result.joined else ""
    silent = f"; {result.silent} of feeds' history, never told" if result.silent else ""
    console.print(Text.assemble((new, "bold"), f"{known}{silent}"))
    more, less = messages(result.more), messages(result.less)
    for channel in sorted({*more, *less}):
        console.print(Text(f"  {channel}: {_more_or_less(more.get(channel, {}), less.get(channel, {}))}"))
    if not more and not less:
        console.print(f"  nobody {would} hear{'d' if would.endswith('have') else ''} more or less")
    for sign, style, tellings in (("+", "green", result.more), ("−", "red", result.less)):
        for one in () if brief else tellings[:SHOWN]:
            line = Text.assemble(
                (f"{sign} ", style), (one.subscription.id, "bold"), f": {wording.one_line(one.event.title, 100)}"
            )
            console.print(Padding(line, (0, 0, 0, 4), expand=False))
            console.print(
                Padding(Text(f"{wording.facts_line(one.event)} [{one.reason}]", "dim"), (0, 0, 0, 8), expand=False)
            )
        if not brief and len(tellings) > SHOWN:
            console.print(Text(f"    and {len(tellings) - SHOWN} more: --json tells them all", "dim"))


def _more_or_less(more: dict[str, int], less: dict[str, int]) -> str:
    parts = []
    for kind, one, where in (("messages", "message", ""), ("entries", "entry", " in digests")):
        for number, word in ((more.get(kind, 0), "more"), (less.get(kind, 0), "less")):
            if number:
                parts.append(f"{wording.counted(number, one, kind)} {word}{where}")
    return ", ".join(parts)


def preview_row(result: Preview, *, brief: bool) -> dict[str, Any]:
    """The JSON form of what people would be sent."""
    row: dict[str, Any] = {
        "events": len(result.events),
        "joined": result.joined,
        "silent": result.silent,
        "channels": {"more": messages(result.more), "less": messages(result.less)},
    }
    return (
        row
        if brief
        else row | {"more": [_telling(one) for one in result.more], "less": [_telling(one) for one in result.less]}
    )


def _telling(one: Telling) -> dict[str, Any]:
    return {
        "subscription": one.subscription.id,
        "rule": one.event.rule_id,
        "title": one.event.title,
        "facts": wording.facts_line(one.event),
        "items": [source.item_id for source in one.event.sources],
        "event": one.event.id or None,
        "reason": one.reason,
    }
