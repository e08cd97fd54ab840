"""An item as an inline test of a rule: as short as the rule still finds the same in it, written as in rule files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from watcher.match.evaluate import Engine
from watcher.model import Fact, FactKind, Match, NewsText, Sentence, TextField

MOST_TEXT = 6000
"""Code points of a text that no rule found anything in: which of its sentences matter is not known."""


def example_row(news: NewsText, *, expect: bool, facts: Mapping[str, Any] | None, because: str) -> dict[str, Any]:
    """An element of `tests:`."""
    told: dict[str, Any] = {"title": news.title, "text": news.text, "language": news.language}
    told |= {"published": news.dated.isoformat() if news.dated else None, "feed": news.feed, "tags": list(news.tags)}
    row: dict[str, Any] = {"match" if expect else "no_match": {name: value for name, value in told.items() if value}}
    return row | ({"facts": dict(facts)} if facts else {}) | {"because": because}


def shortest(engine: Engine, rule_id: str, whole: NewsText) -> tuple[NewsText, Match | None]:
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


def facts_row(match: Match) -> dict[str, Any]:
    """The facts of a match as an inline test writes them: amounts as "30M USD"."""
    return {name: value for name, fact in match.facts.items() if (value := _fact(fact)) is not None}


def _fact(fact: Fact) -> Any:
    if fact.kind is FactKind.MONEY:
        exact = isinstance(fact.value, int | float) and fact.currency
        return f"{fact.value:.0f} {fact.currency}" if exact else None
    return list(fact.value) if isinstance(fact.value, tuple) else fact.value


def as_yaml(rows: Sequence[Mapping[str, Any]], *, indent: int = 2) -> str:
    """YAML that reads the same by YAML 1.1 and 1.2, as it stands under `tests:`."""
    text = yaml.safe_dump([dict(row) for row in rows], allow_unicode=True, sort_keys=False, width=110)
    return "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in text.splitlines())
