"""Events: searched, shown whole, explained, judged."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from watcher.model import (
    Bound,
    ChangeWhy,
    DeliveryState,
    EventView,
    Fact,
    FactKind,
    Level,
    OtherValue,
    RuleStatus,
    TextField,
)
from watcher.pipeline.preview import offers
from watcher.store import event_search, events, history, listings, verdicts
from watcher.store.event_search import EventFilter
from watcher.store.verdicts import Verdict
from watcher.web.api.explanation import Explained, explanation
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Operation
from watcher.web.api.problem import Kind
from watcher.web.api.values import Answer, Asked, Id, Instant, Money, Name, NumberedList, Page, Text, Word, line
from watcher.web.operator import Scope

_ALERTS = 200
_EXPLAINED = 5
"""Items of one event whose reasons are walked through: each costs some milliseconds."""


class Source(Answer):
    """An item that tells the event; copies of it are left out."""

    item_id: int
    title: str
    link: str | None
    feed: str
    published_at: Instant | None
    language: str | None


class Judgement(Answer):
    """What somebody said of the event."""

    who: str
    verdict: Verdict
    note: str
    created_at: Instant
    rules_version: str


class EventRow(Answer):
    """An event in a list."""

    id: int
    rule_id: str
    rule_title: str
    level: Level
    status: RuleStatus
    revision: int
    title: str
    stage: str | None
    amount: Money | None = Field(description="Of the money fact that stands for the event.")
    languages: list[str]
    tags: list[str]
    sources: list[Source]
    story_id: int | None
    created_at: Instant
    updated_at: Instant
    verdicts: list[Judgement]


class Span(Answer):
    """A stretch of an item's title or text, in code points."""

    field: TextField
    start: int
    end: int


class OtherTelling(Answer):
    """What another item tells of the same fact, differently."""

    value: str | float | bool | list[str]
    text: str
    item_id: int | None
    money: Money | None


class EventFact(Answer):
    """One thing that the event tells, with the words it was read from."""

    name: str
    kind: FactKind
    value: str | float | bool | list[str]
    text: str
    money: Money | None = Field(description="With kind `money`.")
    high: float | None = Field(description="The upper end of a range.")
    bound: Bound | None
    rate_date: date | None
    item_id: int | None
    told_at: Instant | None
    span: Span | None
    others: list[OtherTelling]


class Mark(Answer):
    """`text[start:end]`, in code points."""

    start: int
    end: int


class Evidence(Answer):
    """A sentence with the words that decided."""

    text: str
    marks: list[Mark]


class FactChange(Answer):
    """What a revision did to one fact."""

    fact: str
    before: str
    after: str
    why: ChangeWhy


class EventRevision(Answer):
    """A revision after the first."""

    number: int
    at: Instant
    item_id: int | None
    changes: list[FactChange]


class Told(Answer):
    """A message that told somebody, and what became of it."""

    id: int
    channel_id: str
    state: DeliveryState
    reason: str
    finished_at: Instant | None


class Alert(Answer):
    """The event concerned a subscription, and why."""

    id: int
    subscription_id: str
    revision: int
    reason: str
    digest_id: int
    created_at: Instant
    deliveries: list[Told]


class Event(EventRow):
    """An event with everything that is known of it."""

    facts: list[EventFact]
    evidence: list[Evidence]
    revisions: list[EventRevision]
    alerts: list[Alert] = Field(description=f"The first {_ALERTS}.")


class EventsAsked(NumberedList):
    """What is looked for; all of it must hold."""

    rule: Word | None = Field(None, description="A rule's id.")
    place: Name | None = Field(None, description="A place in any language, with what lies inside it.")
    party: Name | None = Field(None, description="The beginning of a word of a party's name.")
    at_least_usd: Annotated[float, Field(ge=0, le=1e15)] | None = Field(
        None, description="The smallest amount; events without a known one are left out."
    )
    stage: Name | None = Field(None, description="The stage it has reached, as `signed`.")
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] | None = Field(
        None, description="Of an item that tells it."
    )
    since: Instant | None = Field(None, description="Found at this instant or later.")
    until: Instant | None = Field(None, description="Found before this instant.")
    text: Name | None = Field(None, description="Words that stand in its headlines, facts or evidence.")


class EventAsked(Asked):
    event_id: Id


class Said(Asked):
    """What somebody says of an event."""

    verdict: Verdict
    note: Text = ""


def search(call: Call, asked: EventsAsked) -> Page[EventRow]:
    """Events, newest first."""
    wanted = EventFilter(
        rule=asked.rule or "",
        place=asked.place or "",
        party=asked.party or "",
        at_least_usd=asked.at_least_usd,
        stance=asked.stage or "",
        language=asked.language or "",
        since=asked.since,
        until=asked.until,
        text=asked.text or "",
    )
    with call.rt.database.read() as conn:
        ids = event_search.search(conn, wanted, before=asked.cursor, limit=asked.limit + 1)
        views, said = events.views(conn, ids), listings.verdicts_of(conn, ids)
    rows = [{"id": one, "event": views[one], "said": said.get(one, [])} for one in ids]
    return call.page(rows, limit=asked.limit, show=lambda row: EventRow(**_row(row["event"], row["said"])))


def one_event(call: Call, asked: EventAsked) -> Event:
    """The event with its facts, evidence, revisions and alerts."""
    with call.rt.database.read() as conn:
        view = found(events.views(conn, [asked.event_id]).get(asked.event_id), f"event {asked.event_id}")
        said = listings.verdicts_of(conn, [view.id]).get(view.id, [])
        told = listings.alerts_of_event(conn, view.id, limit=_ALERTS)
    return Event(
        **_row(view, said),
        facts=[_fact(one) for one in view.facts.values()],
        evidence=[
            Evidence(text=one.text, marks=[Mark(start=start, end=end) for start, end in one.marks])
            for one in view.snippets
        ],
        revisions=[
            EventRevision(
                number=one.number,
                at=one.at,
                item_id=one.item_id,
                changes=[
                    FactChange(fact=done.fact, before=done.before, after=done.after, why=done.why)
                    for done in one.changes
                ],
            )
            for one in view.revisions
        ],
        alerts=[Alert(**(one | {"deliveries": [Told(**sent) for sent in one["deliveries"]]})) for one in told],
    )


def explain(call: Call, asked: EventAsked) -> Explained:
    """Why its rule says yes, for the first items that tell it, and what every subscription says of it."""
    with call.rt.database.read() as conn:
        view = found(events.views(conn, [asked.event_id]).get(asked.event_id), f"event {asked.event_id}")
        stored = history.some(conn, [one.item_id for one in view.sources[:_EXPLAINED]])
        mine = [one for one in offers(call.rt, conn, stored[0].id) if one.event_id == view.id] if stored else []
    return explanation(call.rt, stored, mine, rule_id=view.rule_id)


def judge(call: Call, asked: EventAsked, body: Said) -> Judgement:
    """Keep the caller's word; a later one of the same token replaces it."""
    with call.rt.database.write() as conn:
        kept = verdicts.record(
            conn, asked.event_id, body.verdict, who=call.operator.name, note=body.note.strip(), now=call.now
        )
        found(kept or None, f"event {asked.event_id}")
        call.note(conn, "events.judge", f"event {asked.event_id}", verdict=body.verdict.value)
        said = listings.verdicts_of(conn, [asked.event_id])[asked.event_id]
    return Judgement(**next(one for one in said if one["who"] == call.operator.name))


def money(fact: Fact | OtherValue) -> Money | None:
    """The amount of a money fact; None for any other."""
    told = isinstance(fact.value, int | float) and not isinstance(fact.value, bool)
    if not told or (fact.currency is None and fact.usd is None):
        return None
    return Money(amount=float(str(fact.value)), currency=fact.currency, usd=fact.usd)


def _row(view: EventView, said: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": view.id,
        "rule_id": view.rule_id,
        "rule_title": view.rule_title,
        "level": view.level,
        "status": view.status,
        "revision": view.revision,
        "title": line(view.title),
        "stage": view.stage,
        "amount": money(view.amount) if view.amount else None,
        "languages": list(view.languages),
        "tags": list(view.tags),
        "sources": [_source(one) for one in view.sources],
        "story_id": view.story_id,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "verdicts": [Judgement(**one) for one in said],
    }


def _source(one: Any) -> Source:
    return Source(
        item_id=one.item_id,
        title=line(one.title),
        link=one.link,
        feed=line(one.feed),
        published_at=one.published_at,
        language=one.language,
    )


def _fact(fact: Fact) -> EventFact:
    span = Span(field=fact.span.field, start=fact.span.start, end=fact.span.end) if fact.span else None
    return EventFact(
        name=fact.name,
        kind=fact.kind,
        value=_value(fact.value),
        text=fact.text,
        money=money(fact) if fact.kind is FactKind.MONEY else None,
        high=fact.high,
        bound=fact.bound,
        rate_date=fact.rate_date,
        item_id=fact.item_id,
        told_at=fact.told_at,
        span=span,
        others=[
            OtherTelling(value=_value(one.value), text=one.text, item_id=one.item_id, money=money(one))
            for one in fact.others
        ],
    )


def _value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


OPERATIONS = (
    Operation(
        name="search_events",
        method="GET",
        path="/events",
        summary="Search events, newest first.",
        act=search,
        asked=EventsAsked,
        answer=Page[EventRow],
    ),
    Operation(
        name="get_event",
        method="GET",
        path="/events/{event_id}",
        summary="One event: facts, evidence, revisions, sources, who was told.",
        act=one_event,
        asked=EventAsked,
        answer=Event,
    ),
    Operation(
        name="explain_event",
        method="GET",
        path="/events/{event_id}/explanation",
        summary="Why the rule says yes of the items that tell it, clause by clause.",
        act=explain,
        asked=EventAsked,
        answer=Explained,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="judge_event",
        method="PUT",
        path="/events/{event_id}/verdict",
        summary="Say whether the event was useful; the last word of a token counts.",
        act=judge,
        scope=Scope.JUDGE,
        asked=EventAsked,
        body=Said,
        answer=Judgement,
    ),
)
