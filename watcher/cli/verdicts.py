"""`watcher rules verdicts export`: judged events as inline tests of their rules, ready to paste."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from watcher import pipeline, wording
from watcher.cli.ruleset import AsJson, Folder, engine_of
from watcher.cli.session import opened
from watcher.match.evaluate import Engine
from watcher.match.examples import as_yaml, example_row, facts_row, shortest
from watcher.model import Item, NewsText
from watcher.store import history, verdicts
from watcher.store.verdicts import Judged, Verdict

app = typer.Typer(help="Verdicts: what people said of a rule's events.", no_args_is_help=True, add_completion=False)


@app.callback()
def _verdicts() -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    """One judged event as a test of its rule."""

    judged: Judged
    news: NewsText
    facts: dict[str, Any]

    @property
    def row(self) -> dict[str, Any]:
        """The element of `tests:`."""
        expect = self.judged.verdict is not Verdict.NOT_USEFUL
        return example_row(self.news, expect=expect, facts=self.facts, because=self.because)

    @property
    def because(self) -> str:
        note = f": {self.judged.note}" if self.judged.note else ""
        return f"event {self.judged.event_id} was judged {self.judged.verdict.replace('_', ' ')}{note}"


@app.command()
def export(
    rule: Annotated[str | None, typer.Option("--rule", help="Only verdicts on this rule.")] = None,
    rules: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Judged events as inline tests, as short as they can be: not_useful must not match, the others must."""
    with opened() as rt:
        engine = engine_of(rules, None)
        with rt.database.read() as conn:
            found = list(_settled(verdicts.judged(conn, rule_id=rule)))
            items = {one.item_id: history.item(conn, one.item_id) for one in found}
        examples = [_example(engine, one, item) for one in found if (item := items[one.item_id]) is not None]
    by_rule: dict[str, list[_Example]] = defaultdict(list)
    for example in examples:
        by_rule[example.judged.rule_id].append(example)
    if as_json:
        for rule_id, mine in sorted(by_rule.items()):
            for one in mine:
                row = {"rule": rule_id, "event": one.judged.event_id, "verdict": one.judged.verdict, "test": one.row}
                typer.echo(json.dumps(row, ensure_ascii=False))
        return
    for rule_id, mine in sorted(by_rule.items()):
        typer.echo(f"# under tests: of the rule {rule_id}")
        typer.echo(as_yaml([one.row for one in mine]), nl=False)
    if not examples:
        about = f" of the rule {rule!r}" if rule else ""
        typer.echo(f"no settled verdict on an event{about}: see `watcher events list` and `judge`", err=True)
        return
    typer.echo(f"{wording.counted(len(examples), 'example')} of {wording.counted(len(by_rule), 'rule')}", err=True)


def _settled(every: Sequence[Judged]) -> Iterator[Judged]:
    """One verdict an event, the last; where people contradict one another the event proves nothing and is left out."""
    of: dict[int, list[Judged]] = defaultdict(list)
    for one in every:
        of[one.event_id].append(one)
    for told in of.values():
        if len({one.verdict is Verdict.NOT_USEFUL for one in told}) == 1:
            yield told[-1]


def _example(engine: Engine, judged: Judged, item: Item) -> _Example:
    whole = pipeline.news_text(item)
    news, match = shortest(engine, judged.rule_id, whole)
    facts = facts_row(match) if judged.verdict is Verdict.USEFUL and match else {}
    return _Example(judged=judged, news=news, facts=facts)
