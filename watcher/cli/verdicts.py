"""`watcher rules verdicts export`: judged events as inline tests of their rules, ready to paste."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
import yaml

from watcher import pipeline, wording
from watcher.cli.ruleset import AsJson, Folder, engine_of
from watcher.cli.session import opened
from watcher.match.evaluate import Engine
from watcher.model import Fact, FactKind, Item, Match, NewsText, Sentence, TextField
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
        news: dict[str, Any] = {"title": self.news.title, "text": self.news.text, "language": self.news.language}
        news |= {"published": self.news.dated.isoformat() if self.news.dated else None, "feed": self.news.feed}
        news |= {"tags": list(self.news.tags)}
        kept = {name: value for name, value in news.items() if value}
        row: dict[str, Any] = {"no_match" if self.judged.verdict is Verdict.NOT_USEFUL else "match": kept}
        row |= {"facts": self.facts} if self.facts else {}
        return row | {"because": self.because}

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
        typer.echo(_yaml([one.row for one in mine]), nl=False)
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
    news, match = _shortest(engine, judged.rule_id, whole)
    facts = _facts(match) if judged.verdict is Verdict.USEFUL and match else {}
    return _Example(judged=judged, news=news, facts=facts)


def _shortest(engine: Engine, rule_id: str, whole: NewsText) -> tuple[NewsText, Match | None]:
    """The deciding sentences alone, with the headline, or all of it: the first that the rule finds the same in."""
    match = _match(engine, rule_id, whole)
    if match is None:
        return whole, None
    wanted = {name: fact.value for name, fact in match.facts.items()}
    for news in _cuts(engine, whole, match):
        found = _match(engine, rule_id, news)
        if found and {name: fact.value for name, fact in found.facts.items()} == wanted:
            return news, found
    return whole, match


def _match(engine: Engine, rule_id: str, news: NewsText) -> Match | None:
    return next((one for one in engine.matches(news) if one.rule_id == rule_id), None)


def _cuts(engine: Engine, whole: NewsText, match: Match) -> Iterator[NewsText]:
    view = engine.view(whole)
    spans = [*(one.span for one in match.evidence), *(fact.span for fact in match.facts.values() if fact.span)]
    cut = [piece for piece in view.sentences if piece.field is TextField.TEXT]
    deciding = [
        piece
        for piece in cut
        if any(span.field is piece.field and piece.start <= span.start < piece.end for span in spans)
    ]
    words = _joined(whole.text, deciding)
    in_title = any(span.field is TextField.TITLE for span in spans)
    for title in ("", whole.title) if not in_title else (whole.title,):
        yield NewsText(title=title, text=words, language=whole.language, dated=whole.dated)
    yield NewsText(
        title=whole.title, text=words, language=whole.language, dated=whole.dated, feed=whole.feed, tags=whole.tags
    )


def _joined(text: str, pieces: Sequence[Sentence]) -> str:
    """Sentences of a text as one text again, with what stands between neighbours."""
    words, end = "", None
    for piece in pieces:
        between = "" if end is None else text[end : piece.start]
        words += (between if not between.strip() else " ") + text[piece.start : piece.end]
        end = piece.end
    return words.strip()


def _facts(match: Match) -> dict[str, Any]:
    return {name: value for name, fact in match.facts.items() if (value := _fact(fact)) is not None}


def _fact(fact: Fact) -> Any:
    """A fact as an inline test writes it: amounts as "30M USD"."""
    if fact.kind is FactKind.MONEY:
        exact = isinstance(fact.value, int | float) and fact.currency
        return f"{fact.value:.0f} {fact.currency}" if exact else None
    return list(fact.value) if isinstance(fact.value, tuple) else fact.value


def _yaml(rows: list[dict[str, Any]]) -> str:
    """YAML that reads the same by YAML 1.1 and 1.2, two spaces in, as it stands under `tests:`."""
    text = yaml.safe_dump(rows, allow_unicode=True, sort_keys=False, width=110)
    return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())
