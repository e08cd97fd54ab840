"""`watcher rules learn`: learns the model that a rule's `likeness:` clauses ask, from labelled news."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from watcher.cli.newslines import sound_lines
from watcher.cli.ruleset import AsJson, Folder, ending_well, folder_of, two_digits
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
        _refuse_one_sided(rule, items)
        known = rows(items, rule_set.lists)
        shown = rows(examples(rule_set), rule_set.lists)
        held = cross_validated(rule, known, rule_set.lists, shown)
        found = learn(rule, [*known, *shown], rule_set.lists)
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
            f"  at_least {row['at_least']}: P {two_digits(row['precision']):<4}  R {two_digits(row['recall']):<4}  "
            f"F1 {two_digits(row['f1']):<4}  "
            f"{row['right']} right, {row['false']} false, {row['missed']} missed"
        )


def _refuse_one_sided(rule: str, items: Sequence[Labelled]) -> None:
    """Raise CannotHelp when the examples inside the rules would be all there is to learn from, or on one side."""
    right = sum(rule in item.labels for item in items)
    if not right or right == len(items):
        raise CannotHelp(
            f"{rule}: {len(items)} labelled items, {right} of them with this label; some with it and some without it "
            'are needed, as lines {"id": …, "text": …, "labels": [' + json.dumps(rule) + "]}"
        )


def _labelled(source: str) -> list[Labelled]:
    found = []
    for line in sound_lines(source):
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
    found = counts.right + counts.false
    scores = {"precision": counts.precision if found else None, "recall": counts.recall, "f1": counts.f1}
    rounded = {name: None if value is None else round(value, 4) for name, value in scores.items()}
    return {"at_least": limit, **rounded, "right": counts.right, "false": counts.false, "missed": counts.missed}
