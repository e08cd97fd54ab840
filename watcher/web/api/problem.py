"""Everything that can go wrong with a call, as problem details (RFC 9457); which calls there are is left to others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from watcher.errors import CannotHelp, Mistakes, RefusedAddress, TryAgain, WatcherError
from watcher.wording import one_line

MEDIA_TYPE = "application/problem+json"
SOON_S = 10
_MOST_WRONG = 100


class Kind(StrEnum):
    """The kinds of problems: what a program may decide by. Each is a heading of the page `/api`."""

    UNREADABLE = "unreadable"
    NOT_AUTHENTICATED = "not-authenticated"
    NOT_ALLOWED = "not-allowed"
    NOT_FOUND = "not-found"
    METHOD = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    TOO_SLOW = "too-slow"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    MEDIA = "unsupported-media-type"
    INVALID = "invalid"
    TOO_MANY = "too-many-requests"
    UNAVAILABLE = "unavailable"


STATUS: Mapping[Kind, tuple[HTTPStatus, str]] = {
    Kind.UNREADABLE: (HTTPStatus.BAD_REQUEST, "The body cannot be read."),
    Kind.NOT_AUTHENTICATED: (HTTPStatus.UNAUTHORIZED, "Nobody known asks."),
    Kind.NOT_ALLOWED: (HTTPStatus.FORBIDDEN, "Whoever asks may not do this."),
    Kind.NOT_FOUND: (HTTPStatus.NOT_FOUND, "What the address names is not there."),
    Kind.METHOD: (HTTPStatus.METHOD_NOT_ALLOWED, "This cannot be done with what the address names."),
    Kind.NOT_ACCEPTABLE: (HTTPStatus.NOT_ACCEPTABLE, "The answer has another media type than what is accepted."),
    Kind.TOO_SLOW: (HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly."),
    Kind.CONFLICT: (HTTPStatus.CONFLICT, "What is there does not allow it now."),
    Kind.TOO_LARGE: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large."),
    Kind.MEDIA: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body has a media type that is not read here."),
    Kind.INVALID: (HTTPStatus.UNPROCESSABLE_ENTITY, "The request says something that cannot be meant."),
    Kind.TOO_MANY: (HTTPStatus.TOO_MANY_REQUESTS, "This token asks too often."),
    Kind.UNAVAILABLE: (HTTPStatus.SERVICE_UNAVAILABLE, "The service cannot do this just now."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One mistake in a request: at a JSON pointer into the body (`#/url`), or in a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None


class Mistaken(BaseModel):
    """One mistake in a request."""

    model_config = ConfigDict(extra="forbid")
    detail: str
    pointer: str | None = Field(None, description="Where in the body, as a JSON pointer in a fragment (RFC 6901).")
    parameter: str | None = Field(None, description="Which parameter of the path or the query.")


class ProblemDetails(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(description="A heading of the page /api, by which a program may decide.")
    title: str
    status: int
    detail: str = ""
    request_id: str = Field("", description="As in the header X-Request-Id and in the service's log.")
    errors: list[Mistaken] = Field(default_factory=list, description="Every mistake that was found.")


class Problem(Exception):
    """A call that is answered with a problem. The texts are for people and hold no secret."""

    def __init__(
        self, kind: Kind, detail: str = "", *, wrong: Iterable[Wrong] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.wrong = tuple(wrong)[:_MOST_WRONG]
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return STATUS[self.kind][0].value

    def response(self, request_id: str) -> Response:
        """The answer, as `application/problem+json`."""
        status, title = STATUS[self.kind]
        body: dict[str, object] = {"type": f"/api#{self.kind}", "title": title, "status": status.value}
        if self.detail:
            body["detail"] = self.detail
        body["request_id"] = request_id
        if self.wrong:
            body["errors"] = [_row(one) for one in self.wrong]
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {**self.headers, "x-request-id": request_id}
        return Response(text, status.value, headers=headers, media_type=MEDIA_TYPE)


def _row(one: Wrong) -> dict[str, str]:
    told = {"detail": one.detail, "pointer": one.pointer, "parameter": one.parameter}
    return {name: value for name, value in told.items() if value is not None}


def not_found(what: str) -> Problem:
    """404 with a sentence: `what` is a noun and its name, as `event 12`."""
    return Problem(Kind.NOT_FOUND, f"There is no {one_line(what, 200)}.")


def invalid(pointer: str, detail: str) -> Problem:
    """422 for one member of the body that no schema can judge; `pointer` as `/url`."""
    return Problem(Kind.INVALID, wrong=[Wrong(detail=detail, pointer=f"#{pointer}")])


def wrong_members(error: ValidationError) -> list[Wrong]:
    """What pydantic found in a body, each with its pointer; what was written is not repeated."""
    return [
        Wrong(detail=_said(one["msg"]), pointer="#" + "".join(f"/{_escaped(part)}" for part in one["loc"]))
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def wrong_parameters(error: ValidationError) -> list[Wrong]:
    """What pydantic found in the parameters."""
    return [
        Wrong(detail=_said(one["msg"]), parameter=str(one["loc"][0]) if one["loc"] else None)
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _escaped(part: object) -> str:
    """RFC 6901, section 3."""
    return str(part).replace("~", "~0").replace("/", "~1")


def of_error(error: WatcherError) -> Problem:
    """An error that the program raises on purpose, as a problem: none of them is a 500."""
    if isinstance(error, TryAgain):
        return Problem(Kind.UNAVAILABLE, str(error), headers={"retry-after": str(SOON_S)})
    if isinstance(error, Mistakes):
        return Problem(Kind.INVALID, wrong=[Wrong(detail=str(one)) for one in error.mistakes])
    if isinstance(error, RefusedAddress):
        return Problem(Kind.INVALID, str(error))
    if isinstance(error, CannotHelp):
        return Problem(Kind.CONFLICT, str(error))
    return Problem(Kind.CONFLICT, str(error) or type(error).__name__)
