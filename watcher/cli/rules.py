"""`watcher rules …`: lint, list, test, match and score rule files, through the engine that production uses.

Explaining, comparing and trying rules on stored items are in modules of their own, registered here.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from watcher import wording
from watcher.cli import backtest, diff, explain, learn, stats, verdicts
from watcher.cli.newslines import GoodLines, Line, sound_lines
from watcher.cli.ruleset import (
    FAILED,
    FOUND,
    AsJson,
    Folder,
    Params,
    Source,
    ending_well,
    engine_of,
    folder_of,
    match_row,
    params_of,
    two_digits,
)
from watcher.cli.session import opened, show
from watcher.errors import Mistake, Mistakes
from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.language import load_rules
from watcher.match.rule import RuleSet
from watcher.match.schema import rule_schema
from watcher.match.score import Counts, Judged, count
from watcher.match.tests import run_tests

app = typer.Typer(
    help="Rules: lint, test, explain, compare and try them on stored news.", no_args_is_help=True, add_completion=False
)
explain.register(app)
diff.register(app)
backtest.register(app)
learn.register(app)
app.add_typer(verdicts.app, name="verdicts")


@app.command()
def lint(rules: Folder = None, as_json: AsJson = False) -> None:
    """Check all rule files; every mistake with file, line and what to write instead. Status 3 when there is one."""
    with ending_well():
        folder = folder_of(rules)
    try:
        found: tuple[Mistake, ...] = ()
        rule_set = load_rules(folder)
    except Mistakes as mistakes:
        found, rule_set = mistakes.mistakes, RuleSet(rules=(), version="")
    if as_json:
        rows = [
            {"path": one.path, "line": one.line, "column": one.column, "message": one.message, "instead": one.instead}
            for one in found
        ]
        typer.echo(json.dumps({"mistakes": rows, "rules": len(rule_set.rules)}, ensure_ascii=False))
    else:
        for one in found:
            typer.echo(str(one))
        if not found:
            typer.echo(f"{wording.counted(len(rule_set.rules), 'rule')}, no mistakes", err=True)
    raise typer.Exit(FOUND if found else 0)


@app.command("list")
def list_rules(
    rules: Folder = None,
    with_stats: Annotated[bool, typer.Option("--stats", help="What each did on the stored items.")] = False,
    days: Annotated[int, typer.Option(min=1, help="With --stats: look back so many days.")] = 30,
    sample: Annotated[int, typer.Option(min=0, help="With --stats: newest items whose selections are tried.")] = 300,
    as_json: AsJson = False,
) -> None:
    """The rules with their level, status and parameters; with --stats what they did and what people said of it."""
    with ending_well():
        rule_set = load_rules(folder_of(rules))
    if with_stats:
        with opened() as rt:
            rows = stats.rows(rt, compile_rules(rule_set), days=days, sample=sample)
        for row in rows:
            if as_json:
                show([row], (), as_json=True, empty="")
            else:
                stats.print_row(row)
        return
    for rule in rule_set.rules:
        row = {
            "id": rule.id,
            "title": rule.title,
            "level": rule.level,
            "status": rule.status,
            "tags": list(rule.tags),
            "params": dict(rule.params),
            "facts": [spec.name for spec in rule.facts],
            "tests": len(rule.tests),
            "exceptions": len(rule.exceptions),
            "path": rule.path,
        }
        if as_json:
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            typer.echo(f"{rule.id:<20} {rule.level:<7} {rule.status:<13} {len(rule.tests):>3} tests  {rule.title}")


@app.command()
def schema() -> None:
    """The JSON Schema of a rule file, for editors: `# yaml-language-server: $schema=…`."""
    typer.echo(json.dumps(rule_schema(), indent=2, ensure_ascii=False))


@app.command()
def test(rules: Folder = None, param: Params = None, as_json: AsJson = False) -> None:
    """Run the examples inside the rules; prints what differs, and ends with status 1 if anything does."""
    with ending_well():
        rule_set = load_rules(folder_of(rules))
        failures = run_tests(rule_set, params_of(param))
    total = sum(len(rule.tests) for rule in rule_set.rules)
    if as_json:
        rows = [{"rule": one.rule_id, "path": one.path, "line": one.line, "message": one.message} for one in failures]
        typer.echo(json.dumps({"tests": total, "failures": rows}, ensure_ascii=False))
    else:
        for failure in failures:
            typer.echo(str(failure))
        typer.echo(f"{total - len(failures)} of {total} examples came out as written", err=True)
    raise typer.Exit(FAILED if failures else 0)


@app.command()
def match(
    source: Source = "-",
    rules: Folder = None,
    param: Params = None,
    as_json: AsJson = False,  # noqa: ARG001
) -> None:
    """One JSON line an item: the rules that match, their facts and the words that decided."""
    with ending_well():
        engine = engine_of(rules, param)
        lines = GoodLines(source)
        for line in lines:
            row = {"id": line.id, "matches": [match_row(one) for one in engine.matches(line.news)]}
            typer.echo(json.dumps(row, ensure_ascii=False))
    raise typer.Exit(FAILED if lines.failed else 0)


@app.command()
def score(
    source: Source = "-",
    rules: Folder = None,
    param: Params = None,
    ambiguous: Annotated[bool, typer.Option(help="Count items marked ambiguous too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Precision, recall and F1 on labelled lines (`labels`, with - or _), per rule and language, and the misses."""
    with ending_well():
        engine = engine_of(rules, param)
        judged: list[Judged] = []
        misses: list[dict[str, Any]] = []
        for line in sound_lines(source):
            if ambiguous or not line.raw.get("ambiguous"):
                judged.append(_judge(engine, line, misses))
    table = _table([rule.id for rule in engine.rule_set.rules], judged)
    if as_json:
        typer.echo(json.dumps({"items": len(judged), "scores": table, "misses": misses}, ensure_ascii=False))
        return
    for row in table:
        typer.echo(_score_line(row))
    for miss in misses:
        typer.echo(f"{miss['kind']:<6} {miss['rule']:<18} {miss['id']}: {miss['decided']}")


def _judge(engine: Engine, line: Line, misses: list[dict[str, Any]]) -> Judged:
    labels = line.raw.get("labels")
    wanted = frozenset(str(one).replace("_", "-") for one in labels) if isinstance(labels, list) else frozenset()
    verdicts = engine.explain(line.news)
    matched = frozenset(verdict.rule_id for verdict in verdicts if verdict.match is not None)
    for verdict in verdicts:
        if (verdict.rule_id in wanted) != (verdict.match is not None):
            words = [f"{one.clause} ({one.text!r})" for one in verdict.match.evidence[:3]] if verdict.match else []
            kind = "false" if verdict.match else "missed"
            decided = "; ".join(words) or verdict.decided
            misses.append({"id": line.id, "rule": verdict.rule_id, "kind": kind, "decided": decided})
    return Judged(language=(line.news.language or "?")[:2], labels=wanted, matched=matched)


def _score_line(row: dict[str, Any]) -> str:
    precision, recall, f1 = (two_digits(row[name]) for name in ("precision", "recall", "f1"))
    low, high = row["f1_interval"] or (None, None)
    interval = f"[{two_digits(low)}, {two_digits(high)}]" if row["f1_interval"] else "no label"
    return (
        f"{row['rule']:<18} {row['language']:<6} P {precision:<4}  R {recall:<4}  F1 {f1:<4} {interval}  "
        f"{row['right']} right, {row['false']} false, {row['missed']} missed"
    )


def _table(rule_ids: list[str], judged: list[Judged]) -> list[dict[str, Any]]:
    """A row a rule, one more for each language in which it has labels or finds something, and the mean over rules."""
    languages = sorted({item.language for item in judged})
    rows = []
    every = [count(rule_id, judged) for rule_id in rule_ids]
    for rule_id, counts in zip(rule_ids, every, strict=True):
        rows.append(_row(rule_id, "all", counts))
        for language in languages:
            mine = count(rule_id, [one for one in judged if one.language == language])
            rows += [_row(rule_id, language, mine)] if mine.told else []
    known = [counts for counts in every if counts.told]
    return [*rows, _macro(known)] if known else rows


def _row(rule_id: str, language: str, counts: Counts) -> dict[str, Any]:
    """A row of the table; what nothing was said of is null: a rule without labels is neither good nor bad."""
    found, labelled = counts.right + counts.false, counts.right + counts.missed
    return {
        "rule": rule_id,
        "language": language,
        "precision": round(counts.precision, 4) if found else None,
        "recall": round(counts.recall, 4) if labelled else None,
        "f1": round(counts.f1, 4) if counts.told else None,
        "f1_interval": [round(one, 4) for one in counts.f1_interval] if counts.told else None,
        "right": counts.right,
        "false": counts.false,
        "missed": counts.missed,
    }


def _macro(counts: list[Counts]) -> dict[str, Any]:
    """The plain mean over rules with labels or finds, with the interval of all decisions taken together."""
    whole = Counts(
        right=sum(one.right for one in counts),
        false=sum(one.false for one in counts),
        missed=sum(one.missed for one in counts),
    )
    row, each = _row("macro", "all", whole), [_row("", "", one) for one in counts]
    for name in ("precision", "recall", "f1"):
        known = [one[name] for one in each if one[name] is not None]
        row[name] = round(sum(known) / len(known), 4) if known else None
    return row
