"""What one operation of the API declares, and the parameters and bodies read by that same declaration.

The description (`description`) is made of these values too, so that it cannot say anything else than what is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from watcher.web.api.problem import Kind, Problem, Wrong, wrong_members, wrong_parameters
from watcher.web.api.values import Asked
from watcher.web.operator import Scope

PREFIX = "/api/v1"
JSON_TYPE = "application/json"
_WHOLE = re.compile(r"(-?[0-9]{1,18})(\.0{1,3})?")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_PARAMETER = re.compile(r"\{([a-z_]+)\}")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A body or an answer that is no JSON: its media type, and how many bytes at most are read."""

    media_type: str
    about: str
    also: tuple[str, ...] = ()
    """Other media types under which the same is taken."""
    most_bytes: int = 256 * 1024


class Nothing(Asked):
    """No parameters."""


class Act(Protocol):
    """What an operation does: `(call, asked)`, and `(call, asked, body)` where it takes a body."""

    def __call__(self, call: Any, asked: Any, /, *body: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address: who may call it, what it takes, what it answers and what it does."""

    name: str
    """The operationId, unique."""
    method: str
    path: str
    """Below `PREFIX`, with `{parameters}`."""
    summary: str
    act: Callable[..., Any]
    answer: type[BaseModel] | Document | None = None
    """None: there is nothing to say, 204."""
    about: str = ""
    scope: Scope = Scope.READ
    asked: type[Asked] = Nothing
    """Parameters of path and query; those whose names stand in the path are the path's."""
    body: type[BaseModel] | Document | None = None
    creates: bool = False
    """It answers 201 with the new thing's address, or 200 when that was there before."""
    problems: tuple[Kind, ...] = ()
    """What can go wrong besides what can go wrong with every operation of its kind."""

    @property
    def tag(self) -> str:
        return self.path.strip("/").partition("/")[0]

    @property
    def in_path(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def statuses(self) -> tuple[HTTPStatus, ...]:
        """With which it answers when all is well."""
        if self.creates:
            return (HTTPStatus.OK, HTTPStatus.CREATED)
        return (HTTPStatus.NO_CONTENT if self.answer is None else HTTPStatus.OK,)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The problems that it may answer with, in order."""
        found = {Kind.NOT_AUTHENTICATED, Kind.NOT_ALLOWED, Kind.INVALID, Kind.TOO_MANY, Kind.UNAVAILABLE}
        found |= {Kind.NOT_ACCEPTABLE} if self.answer is not None else set()
        found |= {Kind.NOT_FOUND} if self.in_path else set()
        if self.body is not None:
            found |= {Kind.UNREADABLE, Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.MEDIA}
        found |= set(self.problems)
        return tuple(kind for kind in Kind if kind in found)

    @property
    def media_type(self) -> str | None:
        """Of the answer."""
        if self.answer is None:
            return None
        return self.answer.media_type if isinstance(self.answer, Document) else JSON_TYPE


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_parameters(operation: Operation, in_path: Mapping[str, str], query: Sequence[tuple[str, str]]) -> Any:
    """The declared parameters; raises Problem: 404 for a path that can name nothing, 422 with every other mistake."""
    kinds = _kinds(operation.asked)
    given: dict[str, Any] = {name: _value(kinds[name], text) for name, text in in_path.items()}
    wrong: list[Wrong] = []
    for name, text in query:
        kind = kinds.get(name)
        if kind is None or name in operation.in_path:
            wrong.append(Wrong(detail=_unknown(operation), parameter=name[:80]))
        elif kind == "array":
            given.setdefault(name, []).append(text)
        elif name in given:
            wrong.append(Wrong(detail="It is given twice.", parameter=name))
        else:
            given[name] = _value(kind, text)
    try:
        asked = operation.asked.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        found = wrong_parameters(error)
        if any(one.parameter in operation.in_path for one in found):
            raise Problem(Kind.NOT_FOUND, "Nothing can have this address.") from None
        wrong += found
    if wrong:
        raise Problem(Kind.INVALID, wrong=wrong)
    return asked


def _unknown(operation: Operation) -> str:
    known = [name for name in operation.asked.model_fields if name not in operation.in_path]
    return "There is no such parameter" + (f": there are {', '.join(known)}." if known else ", nor any other.")


def _value(kind: str, text: str) -> Any:
    """The JSON value that the text of a parameter stands for; the text itself where it stands for none."""
    if kind == "integer" and (whole := _WHOLE.fullmatch(text)):
        return int(whole[1])
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


@cache
def _kinds(asked: type[Asked]) -> Mapping[str, str]:
    """The JSON type of each parameter."""
    schema = asked.model_json_schema()
    return {name: str(without_null(one).get("type", "string")) for name, one in schema.get("properties", {}).items()}


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a parameter: what may be left out is never written as null."""
    told = {name: value for name, value in schema.items() if (name, value) != ("default", None)}
    choices = [one for one in told.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        del told["anyOf"]
        told = choices[0] | told
    return told


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_body(model: type[Model], value: Any) -> Model:
    """The declared body made of a JSON value; raises Problem (422) with every mistake."""
    try:
        return model.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise Problem(Kind.INVALID, wrong=wrong_members(error)) from None
