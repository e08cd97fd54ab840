"""What operators look after: how the service stands, its settings, tokens, audit log, addresses that bounced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher import settings
from watcher.model import Health
from watcher.store import audit, feeds, listings, overview, suppressions, tokens
from watcher.web import health, masking
from watcher.web.api.frame import Call, found
from watcher.web.api.operation import Nothing, Operation
from watcher.web.api.values import Answer, Asked, Instant, Name, NamedList, NumberedList, Page
from watcher.web.operator import Scope

_TROUBLED = 50


class Backlog(Answer):
    """What waits for one step of the line."""

    waiting: int
    oldest_s: float | None


class Canary(Answer):
    """The newest item of our own that travels the whole line."""

    started_at: Instant
    arrived_at: Instant | None


class TroubledFeed(Answer):
    """A feed that does not fare well."""

    id: int
    url: str
    health: Health
    reason: str | None
    since: Instant | None


class TroubledChannel(Answer):
    """A channel that does not send."""

    id: str
    reason: str | None


class Status(Answer):
    """How the service stands."""

    ready: bool
    checks: dict[str, str] = Field(description="By part: `ok`, or what is wrong with it.")
    now: Instant
    newest_item_at: Instant | None
    backlog: dict[str, Backlog] = Field(description="By step of the line.")
    canary: Canary | None
    feeds: dict[Health, int]
    troubled_feeds: list[TroubledFeed] = Field(description=f"At most {_TROUBLED}, the worst first.")
    troubled_channels: list[TroubledChannel]


class SettingRow(Answer):
    """One setting of the environment."""

    variable: str
    value: str | int | float | bool | list[str] | None = Field(description="A secret is only said to be set.")
    default: str | int | float | bool | list[str] | None
    secret: bool
    unit: str
    about: str


class Settings(Answer):
    """Every setting."""

    items: list[SettingRow]


class Token(Answer):
    """A key of the API; its value is never shown again after it was made."""

    id: int
    name: str
    scopes: list[str]
    created_at: Instant
    ends_at: Instant | None
    used_at: Instant | None
    revoked_at: Instant | None


class TokenAsked(Asked):
    name: Name


class AuditLine(Answer):
    """Who did what to what, when."""

    id: int
    at: Instant
    who: str
    action: str
    target: str
    detail: dict[str, Any]
    client: str


class AuditAsked(NumberedList):
    who: Name | None = None
    action: Annotated[str, Field(pattern="^[a-z_-]+(\\.[a-z_-]+)?$", max_length=80)] | None = Field(
        None, description="One action, as `feeds.pause`, or all of a noun, as `feeds`."
    )


class Suppression(Answer):
    """An address that bounced or complained."""

    address_key: str
    address: str | None = Field(description="Masked without the scope `operate`; null where its reader had it erased.")
    bounces: int
    reason: str
    since: Instant
    suppressed_at: Instant | None = Field(description="Since when nothing is sent there.")


class SuppressionAsked(Asked):
    address_key: Annotated[str, Field(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]


def status(call: Call, _asked: Nothing) -> Status:
    """Of the service as a whole, as the overview shows it."""
    checks = {"database": health.database(call.rt), "broker": health.broker(call.rt), "sweep": health.sweep(call.rt)}
    with call.rt.database.read() as conn:
        backlog = overview.backlog(conn, call.now)
        newest, _ = overview.canary(conn)
        fare, at = feeds.healths(conn), overview.newest_item_at(conn)
        sick = overview.troubled_feeds(conn, limit=_TROUBLED)
        stopped = overview.troubled_channels(conn, limit=_TROUBLED)
    return Status(
        ready=not any(checks.values()),
        checks={name: reason or "ok" for name, reason in checks.items()},
        now=call.now,
        newest_item_at=at,
        backlog={step: Backlog(**about) for step, about in backlog.items()},
        canary=Canary(started_at=newest["started_at"], arrived_at=newest["arrived_at"]) if newest else None,
        feeds={Health(name): number for name, number in fare.items()},
        troubled_feeds=[_troubled(row) for row in sick],
        troubled_channels=[
            TroubledChannel(id=row["id"], reason=row["disabled_reason"] or row["fault"]) for row in stopped
        ],
    )


def _troubled(row: Mapping[str, Any]) -> TroubledFeed:
    named = {"reason": row["health_reason"], "since": row["health_since"]}
    return TroubledFeed(id=row["id"], url=row["url"], health=row["health"], **named)


def show_settings(call: Call, _asked: Nothing) -> Settings:
    """By their variables, secrets hidden."""
    values = settings.shown(call.rt.settings)
    return Settings(
        items=[
            SettingRow(
                variable=one.variable,
                value=_plain(values[one.variable]),
                default=None if one.secret else _plain(one.default),
                secret=one.secret,
                unit=one.unit,
                about=one.doc,
            )
            for one in settings.SETTINGS
        ]
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def show_tokens(call: Call, asked: NumberedList) -> Page[Token]:
    """Tokens, the newest first, revoked ones too."""
    with call.rt.database.read() as conn:
        rows = [row for row in tokens.listing(conn) if asked.cursor is None or row["id"] < asked.cursor]
    return call.page(rows[: asked.limit + 1], limit=asked.limit, show=lambda row: Token(**row))


def revoke(call: Call, asked: TokenAsked) -> None:
    """It lets nobody in from now on; a second time nothing happens."""
    with call.rt.database.write() as conn:
        found(next((row for row in tokens.listing(conn) if row["name"] == asked.name), None), f"token {asked.name}")
        if tokens.revoke(conn, asked.name, now=call.now):
            call.note(conn, "tokens.revoke", f"token {asked.name}")


def show_audit(call: Call, asked: AuditAsked) -> Page[AuditLine]:
    """Lines, newest first."""
    with call.rt.database.read() as conn:
        rows = audit.newest(
            conn, limit=asked.limit + 1, before=asked.cursor, who=asked.who or "", action=asked.action or ""
        )
    return call.page(rows, limit=asked.limit, show=lambda row: AuditLine(**row))


def show_suppressions(call: Call, asked: NamedList) -> Page[Suppression]:
    """Addresses, in the order of their keys."""
    with call.rt.database.read() as conn:
        rows = listings.of_suppressions(conn, limit=asked.limit + 1, after=asked.cursor)
    return call.page(rows, limit=asked.limit, show=lambda row: _suppression(call, row), key="address_key")


def _suppression(call: Call, row: Mapping[str, Any]) -> Suppression:
    address = row["address"]
    hidden = address if address is None or call.operates else masking.masked_address(address)
    return Suppression(**(dict(row) | {"address": hidden, "reason": masking.masked(row["reason"], _hide(call, row))}))


def _hide(call: Call, row: Mapping[str, Any]) -> str | None:
    return None if call.operates else row["address"]


def forgive(call: Call, asked: SuppressionAsked) -> None:
    """Forget what the address did, so that it is sent to again."""
    with call.rt.database.write() as conn:
        gone = suppressions.forgive_key(conn, asked.address_key)
        found(gone or None, f"suppression {asked.address_key}")
        call.note(conn, "suppressions.forgive", asked.address_key[:12])


OPERATIONS = (
    Operation(
        name="get_status",
        method="GET",
        path="/status",
        summary="How the service stands.",
        act=status,
        answer=Status,
    ),
    Operation(
        name="get_settings",
        method="GET",
        path="/settings",
        summary="The settings in force, secrets hidden.",
        act=show_settings,
        answer=Settings,
    ),
    Operation(
        name="list_tokens",
        method="GET",
        path="/tokens",
        summary="List the keys of the API.",
        about="They are made by `watcher tokens add`.",
        act=show_tokens,
        scope=Scope.OPERATE,
        asked=NumberedList,
        answer=Page[Token],
    ),
    Operation(
        name="revoke_token",
        method="DELETE",
        path="/tokens/{name}",
        summary="Let a token in no more.",
        act=revoke,
        scope=Scope.OPERATE,
        asked=TokenAsked,
    ),
    Operation(
        name="list_audit",
        method="GET",
        path="/audit",
        summary="Who changed what, newest first.",
        act=show_audit,
        scope=Scope.OPERATE,
        asked=AuditAsked,
        answer=Page[AuditLine],
    ),
    Operation(
        name="list_suppressions",
        method="GET",
        path="/suppressions",
        summary="Addresses to which nothing is sent, or soon nothing.",
        act=show_suppressions,
        asked=NamedList,
        answer=Page[Suppression],
    ),
    Operation(
        name="forgive_suppression",
        method="DELETE",
        path="/suppressions/{address_key}",
        summary="Send to the address again.",
        act=forgive,
        scope=Scope.OPERATE,
        asked=SuppressionAsked,
    ),
)
