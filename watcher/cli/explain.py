"""`watcher rules explain`: why a rule matched an item, or what it missed, with the deciding words marked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from watcher import pipeline, wording
from watcher.cli.newslines import BadLine, read_lines
from watcher.cli.ruleset import AsJson, Folder, Params, ending_well, engine_of, match_row
from watcher.cli.session import opened, output
from watcher.errors import CannotHelp
from watcher.match.explain import ClauseTrace, Explanation, SelectionTrace, explain, spans
from watcher.model import NewsText, Span, Stance, TextField
from watcher.pipeline.preview import Offer, offers
from watcher.store import history

CONTEXT = 320
"""Code points of a sentence that are shown around its first marked word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is explained: a line of a file, or a stored item with what the line made of it."""

    id: str
    news: NewsText
    told: tuple[Offer, ...] = ()
    """What the subscriptions say of its events."""


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("explain")(explain_items)


def explain_items(
    item: Annotated[int | None, typer.Argument(help="Id of a stored item; else --input.")] = None,
    source: Annotated[str | None, typer.Option("--input", help="JSON lines {id, title?, text?}; - is stdin.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule, with all its selections.")] = None,
    rules: Folder = None,
    param: Params = None,
    as_json: AsJson = False,
) -> None:
    """Why each rule matched an item or not: clause by clause ✓ or ✗, and the nearest miss in words."""
    if (item is None) == (source is None):
        raise typer.BadParameter("name a stored item's id, or give --input FILE (- for standard input)")
    good = True
    with ending_well():
        engine = engine_of(rules, param)
        if rule is not None and engine.rule_set.rule(rule) is None:
            raise CannotHelp(f"no rule {rule!r}: {', '.join(one.id for one in engine.rule_set.rules)}")
        for one in _stored(item) if item is not None else _lines(source or "-"):
            if isinstance(one, BadLine):
                typer.echo(str(one), err=True)
                good = False
            elif as_json:
                typer.echo(json.dumps(_row(one, explain(engine, one.news, rule)), ensure_ascii=False, default=str))
            else:
                _print(one, explain(engine, one.news, rule), whole=rule is not None)
    raise typer.Exit(0 if good else 1)


def _lines(source: str) -> Iterator[_Shown | BadLine]:
    for line in read_lines(source):
        yield line if isinstance(line, BadLine) else _Shown(id=line.id, news=line.news)


def _stored(item_id: int) -> list[_Shown]:
    with opened() as rt, rt.database.read() as conn:
        item = history.item(conn, item_id)
        if item is None:
            raise CannotHelp(f"no item has the id {item_id}: see `watcher items list`")
        told = tuple(offers(rt, conn, item_id))
    return [_Shown(id=str(item_id), news=pipeline.news_text(item), told=told)]


# ── JSON ──


def _row(shown: _Shown, explanations: Iterable[Explanation]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": shown.id, "rules": [explanation_row(one, shown.news) for one in explanations]}
    return row | ({"subscriptions": [asdict(one) for one in shown.told]} if shown.told else {})


def explanation_row(explanation: Explanation, news: NewsText) -> dict[str, Any]:
    """The JSON form of what one rule came to; spans count code points of the field they name."""
    row: dict[str, Any] = {
        "rule": explanation.rule_id,
        "title": explanation.title,
        "status": explanation.status,
        "matched": explanation.match is not None,
        "decided": explanation.decided,
        "nearest": explanation.nearest,
        "nearest_in": list(explanation.nearest_in),
        "selections": [_selection_row(one, explanation, news) for one in explanation.selections],
    }
    return row | ({"match": match_row(explanation.match)} if explanation.match else {})


def _selection_row(trace: SelectionTrace, explanation: Explanation, news: NewsText) -> dict[str, Any]:
    return {
        "name": trace.name,
        "holds": trace.holds,
        "negated": trace.name in explanation.against,
        "why": trace.why,
        "places": trace.more + 1 if trace.holds else 0,
        "where": [_span_row(span, news) for span in trace.unit],
        "stance": trace.stance,
        "cue": trace.cue,
        "clauses": [_clause_row(group, news) for group in trace.groups],
    }


def _clause_row(trace: ClauseTrace, news: NewsText) -> dict[str, Any]:
    row: dict[str, Any] = {"clause": trace.label, "holds": trace.holds, "why": trace.why}
    row["found"] = [_span_row(span, news) for span in trace.found]
    return row | ({"clauses": [_clause_row(one, news) for one in trace.inner]} if trace.inner else {})


def _span_row(span: Span, news: NewsText) -> dict[str, Any]:
    text = _field(news, span.field)[span.start : span.end]
    return {"field": span.field, "start": span.start, "end": span.end, "text": text}


def _field(news: NewsText, field: TextField) -> str:
    return news.title if field is TextField.TITLE else news.text


# ── the terminal ──


def _print(shown: _Shown, explanations: Sequence[Explanation], *, whole: bool) -> None:
    console = output()
    title = wording.one_line(shown.news.title or shown.news.text, 100)
    console.print(Text.assemble((f"{shown.id}  ", "dim"), (title, "bold underline")))
    for explanation in explanations:
        _print_rule(console, explanation, shown.news, whole=whole)
    for told in shown.told:
        words = f"event {told.event_id} ({told.rule_id}) → {told.subscription_id}: {told.reason}"
        console.print(Padding(_mark(holds=told.chosen, depth=0).append(words), (0, 0, 0, 2), expand=False))
    console.print()


def _print_rule(console: Console, explanation: Explanation, news: NewsText, *, whole: bool) -> None:
    matched = explanation.match is not None
    head = Text("✓ " if matched else "✗ ", "bold green" if matched else "bold red")
    said = f"matches by {explanation.decided}" if matched else explanation.nearest
    head.append(explanation.rule_id, "bold").append(f": {said}", "" if matched else "yellow")
    if explanation.nearest_in:
        head.append(f"  ({', '.join(explanation.nearest_in)})", "dim")
    console.print(Padding(head, (0, 0, 0, 2), expand=False))
    for selection in explanation.selections:
        if whole or _tells(selection, explanation):
            _print_selection(console, selection, explanation, news, whole=whole)


def _tells(selection: SelectionTrace, explanation: Explanation) -> bool:
    """Whether a selection decided, or is what the nearest miss is about."""
    if not explanation.nearest_in:
        return selection.holds and selection.name not in explanation.against
    return selection.name in explanation.nearest_in


def _print_selection(
    console: Console, selection: SelectionTrace, explanation: Explanation, news: NewsText, *, whole: bool
) -> None:
    negated = selection.name in explanation.against
    good = selection.holds is not negated
    line = Text("✓ " if good else "✗ ", "green" if good else "red")
    line.append(f"{'not ' if negated else ''}{selection.name}", "bold")
    line.append(": it holds" if negated and not good else "", "yellow")
    if selection.holds and selection.stance and selection.stance is not Stance.ASSERTED:
        line.append(f"  {selection.stance}{f' ({selection.cue!r})' if selection.cue else ''}", "dim")
    if selection.more:
        line.append(f"  and in {selection.more} more place{'' if selection.more == 1 else 's'}", "dim")
    console.print(Padding(line, (0, 0, 0, 4), expand=False))
    if not selection.holds and not whole and selection.cost >= 1:
        return
    for text in _contexts(selection, news):
        console.print(Padding(text, (0, 0, 0, 8), expand=False))
    for group in selection.groups:
        for clause in _shown_clauses(group):
            console.print(Padding(clause, (0, 0, 0, 8), expand=False))


def _shown_clauses(group: ClauseTrace, depth: int = 0) -> Iterator[Text]:
    """The clauses of a group: all of an `all`, those that hold of an `any` and of a `none`; each with its words."""
    clauses = group.inner
    if group.label in ("any", "none") or not group.inner:
        clauses = tuple(one for one in group.inner if one.holds)
    if group.label == "any" and not clauses:
        several = f"any of {len(group.inner)} clauses: " if len(group.inner) > 1 else ""
        yield _mark(holds=False, depth=depth).append(several + group.why)
    for one in clauses:
        good = one.holds is not (group.label == "none")
        line = _mark(holds=good, depth=depth)
        if one.label in ("any", "all", "none") and one.inner:
            if one.label == "all" or (one.label == "none" and not one.holds):
                line.append(f"{one.label} of:")
                yield line
                yield from _shown_clauses(one, depth + 1)
            elif one.label == "any":
                yield from _shown_clauses(one, depth)
            continue
        line.append("none of: " if group.label == "none" else "", "dim")
        line.append(one.label if one.holds else one.why)
        if one.words:
            line.append(f"  {wording.one_line(one.words, 60)!r}", "cyan")
        yield line


def _mark(*, holds: bool, depth: int) -> Text:
    return Text("  " * depth).append("✓ " if holds else "✗ ", "green" if holds else "red")


def _contexts(selection: SelectionTrace, news: NewsText) -> Iterator[Text]:
    """The stretch that was looked at, the words found in it marked; of a whole item only the sentences around words."""
    found = sorted(
        {span for group in selection.groups for span in spans(group)}, key=lambda span: (span.field, span.start)
    )
    for unit in selection.unit:
        inside = [span for span in found if _within(span, unit)]
        text = _field(news, unit.field)[unit.start : unit.end]
        if text.strip() and (inside or len(selection.unit) == 1):
            yield _marked(text, [(span.start - unit.start, span.end - unit.start) for span in inside])


def _within(span: Span, unit: Span) -> bool:
    return span.field is unit.field and unit.start <= span.start and span.end <= unit.end


def _marked(text: str, marks: Sequence[tuple[int, int]]) -> Text:
    start = max(0, (marks[0][0] if marks else 0) - CONTEXT // 3)
    end = min(len(text), start + CONTEXT)
    covered = [any(left <= at < right for left, right in marks) for at in range(start, end)]
    line = Text("…" if start else "")
    for marked, run in groupby(range(start, end), key=lambda at: covered[at - start]):
        line.append("".join(text[at] for at in run).replace("\n", " "), "bold reverse" if marked else "")
    return line.append("…" if end < len(text) else "")
