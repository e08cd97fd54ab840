"""The description of the API (OpenAPI 3.1), made of the operations' own declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from watcher.web.api.operation import JSON_TYPE, PREFIX, Document, Operation, without_null
from watcher.web.api.problem import MEDIA_TYPE, STATUS, Kind, ProblemDetails
from watcher.web.operator import Scope

_REFS = "#/components/schemas/{model}"
_RETRY = {Kind.TOO_MANY, Kind.UNAVAILABLE}
_ABOUT = """News items, the events that rules found in them, who was told, and what is polled and sent to.

Every call needs a token (`watcher tokens add`) or, for reading, a login at the console. Lists come in pages: follow
`next`, or the `Link` header. Errors are problem details (RFC 9457) that name every mistake at once.
"""


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document as a JSON value."""
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(PREFIX + one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Biotech Watcher", "version": version("biotech-watcher"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"login": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(one.tag for one in operations)],
        "paths": paths,
        "components": {
            "schemas": schemas.shown,
            "responses": {_problem_name(kind): _problem(kind) for kind in Kind},
            "securitySchemes": _security(),
        },
    }


def _security() -> dict[str, Any]:
    scopes = ", ".join(scope.value for scope in Scope)
    return {
        "token": {"type": "http", "scheme": "bearer", "description": f"A token with scopes of: {scopes}."},
        "login": {
            "type": "apiKey",
            "in": "cookie",
            "name": "watcher-session",
            "description": "A login at the console, for GET only; `__Host-watcher-session` over HTTPS.",
        },
    }


class _Schemas:
    """The JSON Schemas of all models, under one name each."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        taken: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(ProblemDetails, "serialization"): None}
        for one in operations:
            taken[one.asked, "validation"] = None
            if isinstance(one.body, type):
                taken[one.body, "validation"] = None
            if isinstance(one.answer, type):
                taken[one.answer, "serialization"] = None
        self._refs, found = models_json_schema(list(taken), ref_template=_REFS)
        self._all: dict[str, Any] = found["$defs"]
        hidden = {self._name(one.asked, "validation") for one in operations}
        self.shown = {name: schema for name, schema in sorted(self._all.items()) if name not in hidden}

    def _name(self, model: type[BaseModel], mode: JsonSchemaMode) -> str:
        return str(self._refs[model, mode]["$ref"]).rpartition("/")[2]

    def of(self, model: type[BaseModel], mode: JsonSchemaMode) -> dict[str, Any]:
        """The reference to a model's schema."""
        return dict(self._refs[model, mode])

    def parameters(self, one: Operation) -> Iterable[dict[str, Any]]:
        schema = self._all[self._name(one.asked, "validation")]
        for name, told in schema.get("properties", {}).items():
            kind = without_null(told)
            kind.pop("title", None)
            parameter: dict[str, Any] = {"name": name, "in": "path" if name in one.in_path else "query"}
            if name in schema.get("required", ()):
                parameter["required"] = True
            if about := kind.pop("description", None):
                parameter["description"] = about
            yield parameter | {"schema": kind}


def _operation(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": f"{one.about}\n\nScope: `{one.scope}`.".strip(),
        "security": [{"token": []}] if one.changes else [{"token": []}, {"login": []}],
    }
    if parameters := list(schemas.parameters(one)):
        told["parameters"] = parameters
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": _taken(one.body, schemas)}
    answers = {str(status.value): _answer(one, status, schemas) for status in one.statuses}
    problems = {str(STATUS[kind][0].value): _problem_ref(kind) for kind in one.kinds}
    return told | {"responses": answers | problems}


def _taken(body: type[BaseModel] | Document, schemas: _Schemas) -> dict[str, Any]:
    if isinstance(body, Document):
        schema = {"type": "string", "description": body.about}
        return {kind: {"schema": schema} for kind in (body.media_type, *body.also)}
    return {JSON_TYPE: {"schema": schemas.of(body, "validation")}}


_HEADERS: Mapping[str, Any] = {
    "X-Request-Id": {"description": "By this the service's log knows the call.", "schema": {"type": "string"}}
}


def _answer(one: Operation, status: HTTPStatus, schemas: _Schemas) -> dict[str, Any]:
    headers = dict(_HEADERS)
    if one.creates:
        headers["Location"] = {"description": "Where it is.", "required": True, "schema": {"type": "string"}}
    told: dict[str, Any] = {"description": "It was made." if status is HTTPStatus.CREATED else "Done."}
    if one.creates and status is HTTPStatus.OK:
        told["description"] = "It was there before."
    told["headers"] = headers
    if isinstance(one.answer, Document):
        told["description"] = one.answer.about
        told["content"] = {one.answer.media_type: {"schema": {"type": "string"}}}
    elif one.answer is not None:
        told["content"] = {JSON_TYPE: {"schema": schemas.of(one.answer, "serialization")}}
        if "next" in one.answer.model_fields:
            headers["Link"] = {"description": 'rel="next" (RFC 8288), unless last.', "schema": {"type": "string"}}
    return told


def _problem_name(kind: Kind) -> str:
    return "".join(part.capitalize() for part in kind.value.split("-"))


def _problem_ref(kind: Kind) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_problem_name(kind)}"}


def _problem(kind: Kind) -> dict[str, Any]:
    headers = dict(_HEADERS)
    if kind in _RETRY:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "string"}}
    if kind is Kind.NOT_AUTHENTICATED:
        headers["WWW-Authenticate"] = {"description": "RFC 6750.", "required": True, "schema": {"type": "string"}}
    schema = {"$ref": _REFS.format(model=ProblemDetails.__name__)}
    return {"description": STATUS[kind][1], "headers": headers, "content": {MEDIA_TYPE: {"schema": schema}}}
