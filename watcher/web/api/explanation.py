"""Why rules say yes or no of stored items: clause by clause, and what every subscription makes of the events."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from watcher import pipeline
from watcher.match.explain import ClauseTrace, SelectionTrace
from watcher.match.explain import Explanation as Walked
from watcher.model import Item, NewsText, RuleStatus, Span, Stance, TextField
from watcher.pipeline.explained import explained
from watcher.pipeline.preview import Offer
from watcher.runtime import Runtime
from watcher.web.api.problem import not_found
from watcher.web.api.values import Answer, line


class Words(Answer):
    """Words of the item, at their place in code points of the field."""

    field: TextField
    start: int
    end: int
    text: str


class Clause(Answer):
    """A clause, whether it holds, and else what it misses."""

    clause: str
    holds: bool
    why: str
    found: list[Words]
    clauses: list[Clause] = Field(description="Of a group: what it is made of.")


class Selection(Answer):
    """A selection of the rule, whether it holds, where, and in which stance."""

    name: str
    holds: bool
    negated: bool = Field(description="The rule says yes only where it does not hold.")
    why: str
    places: int = Field(description="In how many places it holds.")
    where: list[Words]
    stance: Stance | None
    cue: str
    clauses: list[Clause]


class RuleExplained(Answer):
    """What one rule comes to on one item."""

    rule_id: str
    title: str
    status: RuleStatus
    matched: bool
    decided: str = Field(description="By which clauses, in words.")
    nearest: str = Field(description="What was missing, in words; empty where it matched.")
    nearest_in: list[str]
    selections: list[Selection]


class ItemExplained(Answer):
    """The rules on one item."""

    item_id: int
    title: str
    rules: list[RuleExplained]


class Offered(Answer):
    """Whether an event concerns a subscription, and why or why not."""

    event_id: int
    rule_id: str
    subscription_id: str
    chosen: bool
    reason: str


class Explained(Answer):
    """By the rules in force now, which may be newer than those that found the event."""

    rules_version: str
    items: list[ItemExplained]
    subscriptions: list[Offered]


def explanation(rt: Runtime, items: Sequence[Item], offers: Sequence[Offer], *, rule_id: str | None) -> Explained:
    """What the rules in force, or one of them, say of the items, each within the bounds of `explained`.

    Raises Mistakes where there are no rules, TryAgain when too many ask, SandboxFailed when one takes too long.
    """
    engine = rt.rules.engine()
    if rule_id is not None and engine.rule_set.rule(rule_id) is None:
        raise not_found(f"rule {rule_id} among those in force")
    told = []
    for item in items:
        news = pipeline.news_text(item)
        rules = explained(rt, item).rules
        walked = [_rule(one, news) for one in rules if rule_id in (None, one.rule_id)]
        told.append(ItemExplained(item_id=item.id, title=line(item.title), rules=walked))
    offered = [
        Offered(
            event_id=one.event_id,
            rule_id=one.rule_id,
            subscription_id=one.subscription_id,
            chosen=one.chosen,
            reason=one.reason,
        )
        for one in offers
    ]
    return Explained(rules_version=engine.version, items=told, subscriptions=offered)


def _rule(one: Walked, news: NewsText) -> RuleExplained:
    return RuleExplained(
        rule_id=one.rule_id,
        title=one.title,
        status=one.status,
        matched=one.match is not None,
        decided=one.decided,
        nearest=one.nearest,
        nearest_in=list(one.nearest_in),
        selections=[_selection(trace, one, news) for trace in one.selections],
    )


def _selection(trace: SelectionTrace, whole: Walked, news: NewsText) -> Selection:
    return Selection(
        name=trace.name,
        holds=trace.holds,
        negated=trace.name in whole.against,
        why=trace.why,
        places=trace.more + 1 if trace.holds else 0,
        where=[_words(span, news) for span in trace.unit],
        stance=trace.stance,
        cue=trace.cue,
        clauses=[_clause(group, news) for group in trace.groups],
    )


def _clause(trace: ClauseTrace, news: NewsText) -> Clause:
    return Clause(
        clause=trace.label,
        holds=trace.holds,
        why=trace.why,
        found=[_words(span, news) for span in trace.found],
        clauses=[_clause(one, news) for one in trace.inner],
    )


def _words(span: Span, news: NewsText) -> Words:
    text = news.title if span.field is TextField.TITLE else news.text
    return Words(field=span.field, start=span.start, end=span.end, text=text[span.start : span.end])
