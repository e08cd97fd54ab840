"""`watcher rules learn`: learns the model that a rule's `likeness:` clauses ask, from labelled news."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from watcher.cli.newslines import BadLine, read_lines
from watcher.cli.ruleset import AsJson, Folder, ending_well, folder_of
from watcher.errors import CannotHelp
from watcher.match.language import load_rules
from watcher.match.learn import FOLDS, Labelled, cross_validated, examples, learn, rows
from watcher.match.learned import write_model
from watcher.match.score import Counts, Judged, count

LIMITS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("learn")(learn_model)


def learn_model(
    rule: Annotated[str, typer.Argument(help="Id of the rule, which is also the label and the model's name.")],
    sources: Annotated[list[str], typer.Option("--input", help="Labelled JSON lines; may be given several times.")],
    rules: Folder = None,
    write: Annotated[bool, typer.Option(help="Write models/RULE.tsv; else only say how well it would do.")] = True,
    as_json: AsJson = False,
) -> None:
    """Learn the weights for `likeness: {model: RULE}` from labelled news and the examples inside the rules.

    Items marked `ambiguous` are left out. Says how well models do that were learned on four fifths of the items and
    asked about the last.
    """
    with ending_well():
        folder = folder_of(rules)
        rule_set = load_rules(folder, learned=False)
        items = [item for source in sources for item in _labelled(source)]
        known = rows(items, rule_set.lists)
        shown = rows(examples(rule_set), rule_set.lists)
        held = cross_validated(rule, known, shown)
        found = learn(rule, [*known, *shown])
        target = folder / "models" / f"{rule}.tsv"
        if write:
            target.parent.mkdir(exist_ok=True)
            about = f"learned by `watcher rules learn {rule}`: do not edit, learn anew"
            target.write_text(write_model(found.bias, found.weights, about), encoding="utf-8")
    table = [_row(rule, items, held, limit) for limit in LIMITS]
    if as_json:
        typer.echo(json.dumps({"items": len(items), "features": len(found.weights), "aside": table}))
        return
    typer.echo(f"{len(items)} items, {len(found.weights)} features" + (f": {target}" if write else ""))
    typer.echo(f"Learned without the item that is asked about ({FOLDS} folds), the model alone:")
    for row in table:
        typer.echo(
            f"  at_least {row['at_least']}: P {row['precision']:.2f}  R {row['recall']:.2f}  F1 {row['f1']:.2f}  "
            f"{row['right']} right, {row['false']} false, {row['missed']} missed"
        )


def _labelled(source: str) -> list[Labelled]:
    found = []
    for line in read_lines(source):
        if isinstance(line, BadLine):
            raise CannotHelp(str(line))
        labels, evidence = line.raw.get("labels"), line.raw.get("evidence")
        if line.raw.get("ambiguous") or not isinstance(labels, list):
            continue
        found.append(
            Labelled(
                id=f"{source}:{line.id}",
                news=line.news,
                labels=frozenset(str(label).replace("_", "-") for label in labels),
                evidence=evidence if isinstance(evidence, str) else "",
            )
        )
    return found


def _row(rule: str, items: list[Labelled], held: dict[str, float], limit: float) -> dict[str, Any]:
    judged = [
        Judged(
            language=item.news.language or "",
            labels=item.labels,
            matched=frozenset({rule} if held[item.id] >= limit else ()),
        )
        for item in items
    ]
    counts: Counts = count(rule, judged)
    scores = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    rounded = {name: round(value, 4) for name, value in scores.items()}
    return {"at_least": limit, **rounded, "right": counts.right, "false": counts.false, "missed": counts.missed}
