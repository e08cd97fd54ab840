"""Subscriptions: who is told what; made here in the words of watcher.yml, ended, resumed, muted for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from watcher import config as config_file
from watcher.errors import Mistakes
from watcher.model import EmptyDay, Language, Mute, MuteKind, Origin, SubscriptionConfig, UnknownAmount, When
from watcher.pipeline import rule_names
from watcher.pipeline.named_rules import unknown_rules
from watcher.pipeline.thresholds import with_dollars
from watcher.store import Connection, listings
from watcher.store import mutes as mute_rows
from watcher.store import subscriptions as subscription_rows
from watcher.web.api.digests import SubscriptionAsked
from watcher.web.api.frame import Call, Made, found
from watcher.web.api.operation import Operation
from watcher.web.api.problem import Kind, Problem, Wrong, invalid
from watcher.web.api.values import Answer, Asked, Id, Instant, NamedList, Page, Word, line
from watcher.web.operator import Scope

_Short = Annotated[str, Field(min_length=1, max_length=100, pattern="^[^\\u0000]*$")]
_Many = Annotated[list[_Short], Field(max_length=100)]
_Ids = Annotated[list[Word], Field(max_length=200)]
_Zone = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_+/-]*$", max_length=64)]


class Times(Answer):
    """When its digests close, in its own zone."""

    when: When
    at: str = Field(description="As 08:00.")
    weekday: int = Field(description="0 is Monday.")
    weekdays_only: bool
    zone: str


class Quiet(Answer):
    """Hours in which nothing is sent."""

    begins: str
    ends: str


class Most(Answer):
    """At most so many messages in so long a time."""

    messages: int
    per_s: int


class RuleTerms(Answer):
    """What it asks of one rule's events."""

    at_least: str | None
    unknown_amount: UnknownAmount | None


class MuteRow(Answer):
    """What it does not hear of; those of watcher.yml have no id and are changed there."""

    id: int | None
    kind: MuteKind
    value: str
    until: Instant | None
    origin: Origin
    created_at: Instant | None


class Subscription(Answer):
    """Who is told what and when."""

    id: str
    title: str
    origin: Origin
    state: Literal["active", "ended", "unconfirmed"]
    since: Instant
    ended_by: str | None
    channels: list[str]
    rules: list[str] = Field(description="Empty: all.")
    places: list[str]
    parties: list[str]
    languages: list[str]
    tags: list[str]
    at_least: str | None
    params: dict[str, RuleTerms]
    schedule: Times
    quiet: Quiet | None
    budget: Most | None
    empty: EmptyDay
    language: Language
    currency: str | None


class Terms(Asked):
    """A rule's terms."""

    at_least: _Short | None = None
    unknown_amount: UnknownAmount | None = None


class Wanted(Asked):
    """A subscription in the words of watcher.yml, and checked as there."""

    title: Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\u0000]*$")] | None = None
    channels: Annotated[list[Word], Field(min_length=1, max_length=20)]
    rules: _Ids = Field(default_factory=list)
    places: _Many = Field(default_factory=list)
    parties: _Many = Field(default_factory=list)
    languages: _Many = Field(default_factory=list)
    tags: _Many = Field(default_factory=list)
    at_least: _Short | None = Field(None, description="As `10M USD`.")
    params: Annotated[dict[Word, Terms], Field(max_length=100)] = Field(default_factory=dict)
    when: _Short = Field("daily 08:00", description="`immediate`, `hourly`, `daily 08:00`, `weekly mon 08:00`.")
    zone: _Zone = "UTC"
    quiet: _Short | None = Field(None, description="As `22:00-07:00`.")
    empty: EmptyDay = EmptyDay.SKIP
    budget: _Short | None = Field(None, description="As `20 per hour`.")
    language: Language = Language.ENGLISH
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None


class WantedAsked(Asked):
    subscription_id: Word


class NewMute(Asked):
    """What it shall not hear of, until an instant or for good."""

    kind: Literal["rule", "story", "party", "place"]
    value: Annotated[str, Field(min_length=1, max_length=200, pattern="^[^\\u0000]*$")] = Field(
        description="A rule's id, a story's number, or a name."
    )
    until: Instant | None = None


class MuteAsked(SubscriptionAsked):
    mute_id: Id


def listing(call: Call, asked: NamedList) -> Page[Subscription]:
    """Subscriptions by id, ended ones too."""
    with call.rt.database.read() as conn:
        ids = listings.subscription_ids(conn, limit=asked.limit + 1, after=asked.cursor)
        rows = listings.subscription_rows(conn, ids)
    return call.page(rows, limit=asked.limit, show=_subscription)


def one_subscription(call: Call, asked: SubscriptionAsked) -> Subscription:
    """The subscription."""
    with call.rt.database.read() as conn:
        return _one(conn, asked.subscription_id)


def put(call: Call, asked: WantedAsked, body: Wanted) -> Made:
    """Make it, or change one that was made here; what has ended stays ended until it is resumed."""
    config = with_dollars(_read(asked.subscription_id, body), call.now)
    with call.rt.database.write() as conn:
        _check_names(conn, config)
        new = subscription_rows.put(conn, config, origin=Origin.API, now=call.now)
        if new is None:
            raise Problem(Kind.CONFLICT, "That id is taken by a subscription that was not made through the API.")
        target = f"subscription {config.id}"
        call.note(conn, "subscriptions.put", target, **body.model_dump(mode="json", exclude_defaults=True))
        return Made(value=_one(conn, config.id), path=f"/subscriptions/{config.id}", new=new)


def _read(subscription_id: str, body: Wanted) -> SubscriptionConfig:
    said = body.model_dump(mode="json", exclude_none=True)
    try:
        return config_file.read_subscription(subscription_id, said)
    except Mistakes as mistakes:
        wrong = [
            Wrong(detail=f"{one.message}{f' ({one.instead})' if one.instead else ''}", pointer=f"#{one.path}")
            for one in mistakes.mistakes
        ]
        raise Problem(Kind.INVALID, wrong=wrong) from None


def _check_names(conn: Connection, config: SubscriptionConfig) -> None:
    """Every name that would be silent for ever, at once: channels that are not ours, rules that nobody wrote."""
    ours = listings.of_the_service(conn, config.channels)
    wrong = [
        Wrong(detail=f"watcher.yml has no channel {name!r}", pointer=f"#/channels/{place}")
        for place, name in enumerate(config.channels)
        if name not in ours
    ]
    known = {rule.id for rule in rule_names.known(conn)}
    if known:
        wrong += [Wrong(detail=str(one), pointer="#/rules") for one in unknown_rules([config], known)]
    if wrong:
        raise Problem(Kind.INVALID, wrong=wrong)


def end(call: Call, asked: SubscriptionAsked) -> None:
    """Tell it nothing more, wherever it was made; a reload of watcher.yml does not undo it."""
    with call.rt.database.write() as conn:
        before = _one(conn, asked.subscription_id)
        if subscription_rows.end(conn, before.id, by=Origin.API.value, now=call.now):
            call.note(conn, "subscriptions.end", f"subscription {before.id}")


def resume(call: Call, asked: SubscriptionAsked) -> Subscription:
    """Tell it again what comes from now on; nothing happens to one that had not ended."""
    with call.rt.database.write() as conn:
        before = _one(conn, asked.subscription_id)
        if subscription_rows.resume(conn, before.id):
            call.note(conn, "subscriptions.resume", f"subscription {before.id}")
        return _one(conn, before.id)


def mutes(call: Call, asked: SubscriptionAsked) -> Page[MuteRow]:
    """All of them, ended ones too."""
    with call.rt.database.read() as conn:
        config = _config(conn, asked.subscription_id)
        rows = mute_rows.listing(conn, asked.subscription_id)
    of_file = [
        MuteRow(id=None, kind=one.kind, value=one.value, until=one.until, origin=Origin.FILE, created_at=None)
        for one in config.mutes
    ]
    return Page[MuteRow](items=[*of_file, *(MuteRow(**row) for row in rows)], next=None)


def one_mute(call: Call, asked: MuteAsked) -> MuteRow:
    """The mute."""
    with call.rt.database.read() as conn:
        _config(conn, asked.subscription_id)
        return _mute(conn, asked)


def mute(call: Call, asked: SubscriptionAsked, body: NewMute) -> Made:
    """Mute it; one of the same that was there before gets the new end."""
    wanted = Mute(kind=MuteKind(body.kind), value=body.value.strip(), until=body.until)
    with call.rt.database.write() as conn:
        _config(conn, asked.subscription_id)
        _check_mute(call, wanted)
        before = {(row["kind"], row["value"]) for row in mute_rows.listing(conn, asked.subscription_id)}
        mute_rows.add(conn, asked.subscription_id, wanted, origin=Origin.API, now=call.now)
        rows = mute_rows.listing(conn, asked.subscription_id)
        call.note(conn, "subscriptions.mute", f"subscription {asked.subscription_id}", **body.model_dump(mode="json"))
    key = (wanted.kind.value, wanted.value)
    row = next(one for one in rows if (one["kind"], one["value"]) == key)
    path = f"/subscriptions/{asked.subscription_id}/mutes/{row['id']}"
    return Made(value=MuteRow(**row), path=path, new=key not in before)


def _check_mute(call: Call, wanted: Mute) -> None:
    if not wanted.value:
        raise invalid("/value", "Name what is muted.")
    if wanted.kind is MuteKind.STORY and not (wanted.value.isascii() and wanted.value.isdigit()):
        raise invalid("/value", "Write a story's number.")
    if wanted.until is not None and wanted.until <= call.now:
        raise invalid("/until", "That has passed.")


def unmute(call: Call, asked: MuteAsked) -> None:
    """Tell it again."""
    with call.rt.database.write() as conn:
        _config(conn, asked.subscription_id)
        row = _mute(conn, asked)
        mute_rows.remove(conn, asked.subscription_id, asked.mute_id)
        target = f"subscription {asked.subscription_id}"
        call.note(conn, "subscriptions.unmute", target, kind=row.kind.value, value=row.value)


def _mute(conn: Connection, asked: MuteAsked) -> MuteRow:
    rows = mute_rows.listing(conn, asked.subscription_id)
    row = next((one for one in rows if one["id"] == asked.mute_id), None)
    return MuteRow(**found(row, f"mute {asked.mute_id} of {asked.subscription_id}"))


def _row(conn: Connection, subscription_id: str) -> Mapping[str, Any]:
    rows = listings.subscription_rows(conn, [subscription_id])
    return found(next(iter(rows), None), f"subscription {subscription_id}")


def _config(conn: Connection, subscription_id: str) -> SubscriptionConfig:
    config: SubscriptionConfig = _row(conn, subscription_id)["config"]
    return config


def _one(conn: Connection, subscription_id: str) -> Subscription:
    return _subscription(_row(conn, subscription_id))


def _subscription(row: Mapping[str, Any]) -> Subscription:
    config: SubscriptionConfig = row["config"]
    times, quiet, most = config.schedule, config.quiet, config.budget
    return Subscription(
        id=row["id"],
        title=line(config.title),
        origin=row["origin"],
        state=row["state"],
        since=row["since"],
        ended_by=row["by"],
        channels=list(config.channels),
        rules=list(config.rules),
        places=list(config.places),
        parties=list(config.parties),
        languages=list(config.languages),
        tags=list(config.tags),
        at_least=config.at_least,
        params={
            rule_id: RuleTerms(at_least=one.at_least, unknown_amount=one.unknown_amount)
            for rule_id, one in config.params.items()
        },
        schedule=Times(
            when=times.when,
            at=f"{times.at:%H:%M}",
            weekday=times.weekday,
            weekdays_only=times.weekdays_only,
            zone=times.zone,
        ),
        quiet=Quiet(begins=f"{quiet.begins:%H:%M}", ends=f"{quiet.ends:%H:%M}") if quiet else None,
        budget=Most(messages=most.messages, per_s=most.per_s) if most else None,
        empty=config.empty,
        language=config.language,
        currency=config.currency,
    )


_OPERATE: dict[str, Any] = {"scope": Scope.OPERATE, "asked": SubscriptionAsked}
OPERATIONS = (
    Operation(
        name="list_subscriptions",
        method="GET",
        path="/subscriptions",
        summary="List subscriptions.",
        act=listing,
        asked=NamedList,
        answer=Page[Subscription],
    ),
    Operation(
        name="get_subscription",
        method="GET",
        path="/subscriptions/{subscription_id}",
        summary="One subscription.",
        act=one_subscription,
        asked=SubscriptionAsked,
        answer=Subscription,
    ),
    Operation(
        name="put_subscription",
        method="PUT",
        path="/subscriptions/{subscription_id}",
        summary="Make a subscription, or change one that was made through the API.",
        about="Names of channels and rules that are not there are answered 422.",
        act=put,
        scope=Scope.OPERATE,
        asked=WantedAsked,
        body=Wanted,
        answer=Subscription,
        creates=True,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="end_subscription",
        method="DELETE",
        path="/subscriptions/{subscription_id}",
        summary="Tell it nothing more; it stays listed as ended and can be resumed.",
        act=end,
        **_OPERATE,
    ),
    Operation(
        name="resume_subscription",
        method="POST",
        path="/subscriptions/{subscription_id}/resume",
        summary="Tell an ended subscription again.",
        act=resume,
        answer=Subscription,
        **_OPERATE,
    ),
    Operation(
        name="list_mutes",
        method="GET",
        path="/subscriptions/{subscription_id}/mutes",
        summary="What it does not hear of.",
        act=mutes,
        asked=SubscriptionAsked,
        answer=Page[MuteRow],
    ),
    Operation(
        name="mute",
        method="POST",
        path="/subscriptions/{subscription_id}/mutes",
        summary="Tell it nothing of a rule, a story, a party or a place.",
        act=mute,
        body=NewMute,
        answer=MuteRow,
        creates=True,
        **_OPERATE,
    ),
    Operation(
        name="get_mute",
        method="GET",
        path="/subscriptions/{subscription_id}/mutes/{mute_id}",
        summary="One mute.",
        act=one_mute,
        asked=MuteAsked,
        answer=MuteRow,
    ),
    Operation(
        name="unmute",
        method="DELETE",
        path="/subscriptions/{subscription_id}/mutes/{mute_id}",
        summary="Tell it again.",
        act=unmute,
        scope=Scope.OPERATE,
        asked=MuteAsked,
    ),
)
