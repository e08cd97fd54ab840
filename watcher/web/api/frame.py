"""One call from its request to its answer: who asks, what they ask, is it well formed, and the answer or the problem.

What an operation does stands with its noun; that every way to fail is a problem (RFC 9457) is decided here.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import structlog
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connected

from watcher import log
from watcher.errors import TryAgain, WatcherError
from watcher.runtime import Runtime
from watcher.store import Connection, audit
from watcher.web import access
from watcher.web.api import strict_json
from watcher.web.api.allowance import Allowance
from watcher.web.api.operation import JSON_TYPE, PREFIX, Document, Operation, read_body, read_parameters
from watcher.web.api.problem import Kind, Problem, not_found, of_error
from watcher.web.api.values import Answer, Page
from watcher.web.client_address import client_address
from watcher.web.operator import Operator, Proof, Scope

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = log.get("api")
Row = TypeVar("Row", bound=Answer)
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an operation may know of the call that it answers."""

    rt: Runtime
    request: Request
    operator: Operator
    now: datetime

    @property
    def operates(self) -> bool:
        """Whether the caller may see what only operators may: readers' addresses."""
        return self.operator.may(Scope.OPERATE)

    def note(self, conn: Connection, action: str, target: str = "", **detail: Any) -> None:
        """A line of the audit log, in the caller's transaction."""
        client = client_address(self.request, self.rt.settings.trusted_proxies) or ""
        audit.note(
            conn, who=self.operator.name, action=action, target=target, detail=detail, client=client, now=self.now
        )

    def page(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        limit: int,
        show: Callable[[Mapping[str, Any]], Row],
        key: str = "id",
    ) -> Page[Row]:
        """The page of `rows`, of which one more than `limit` was asked for: that one says that there is a next page."""
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            pairs = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
            following = f"{self.request.url.path}?{urlencode([*pairs, ('cursor', str(shown[-1][key]))])}"
        return Page[Row](items=[show(row) for row in shown], next=following)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The answer of an operation that creates: what is there now, its address, and whether it is new."""

    value: BaseModel
    path: str
    """Below `PREFIX`."""
    new: bool


def found(row: Kept | None, what: str) -> Kept:
    """The row; raises Problem (404) with its name when there is none."""
    if row is None:
        raise not_found(what)
    return row


class Endpoint:
    """The ASGI application of one address: all of its methods, and the refusal of all others."""

    def __init__(self, operations: Sequence[Operation], allowance: Allowance) -> None:
        self._operations = {one.method: one for one in operations}
        self._allowance = allowance
        methods = {*self._operations, "OPTIONS"} | ({"HEAD"} if "GET" in self._operations else set())
        self._allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Connected, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        given, began = request.headers.get("x-request-id", ""), time.perf_counter()
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                response = await self._answer(request)
            except Problem as problem:
                response = problem.response(request_id)
            except WatcherError as error:
                response = of_error(error).response(request_id)
            except ClientDisconnect:
                return
            response.headers["x-request-id"] = request_id
            response.headers.setdefault("vary", "Authorization, Cookie")
            ms = round((time.perf_counter() - began) * 1000, 1)
            about = {"method": request.method, "path": request.url.path, "status": response.status_code, "ms": ms}
            _log.info("call", who=getattr(request.state, "who", None), **about)
            await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"allow": self._allow})
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            raise Problem(Kind.METHOD, f"There is {self._allow}.", headers={"allow": self._allow})
        call = await run_in_threadpool(self._let_in, request, operation)
        request.state.who = call.operator.name
        _check_accept(request, operation)
        asked = read_parameters(operation, request.path_params, request.query_params.multi_items())
        body = await _body(request, operation)
        result = await run_in_threadpool(_act, operation, call, asked, body)
        return _response(operation, result)

    def _let_in(self, request: Request, operation: Operation) -> Call:
        """Who calls, if they may; raises Problem with 401, 403, 429 or 503."""
        rt: Runtime = request.app.state.runtime
        try:
            operator = access.who(request)
        except TryAgain as error:
            raise of_error(error) from error
        if operator is None:
            challenge = {"www-authenticate": 'Bearer realm="watcher"'}
            raise Problem(Kind.NOT_AUTHENTICATED, "Send `Authorization: Bearer TOKEN`.", headers=challenge)
        wait_s = self._allowance.take(
            f"{operator.proof}:{operator.name}", per_minute=rt.settings.api_per_minute, now_s=time.monotonic()
        )
        if wait_s:
            headers = {"retry-after": f"{wait_s:.0f}"}
            raise Problem(Kind.TOO_MANY, f"At most {rt.settings.api_per_minute} calls a minute.", headers=headers)
        _check_scope(rt, operator, operation)
        return Call(rt=rt, request=request, operator=operator, now=rt.clock())


def _check_scope(rt: Runtime, operator: Operator, operation: Operation) -> None:
    if rt.settings.read_only and operation.changes:
        raise Problem(Kind.NOT_ALLOWED, "This service only shows: WATCHER_READ_ONLY is set.")
    if operation.changes and operator.proof is Proof.SESSION:
        raise Problem(Kind.NOT_ALLOWED, "A login may read here; changes ask for a token.")
    if not operator.may(operation.scope):
        headers = {}
        if operator.proof is Proof.TOKEN:  # RFC 6750, section 3.1
            challenge = f'Bearer realm="watcher", error="insufficient_scope", scope="{operation.scope}"'
            headers["www-authenticate"] = challenge
        raise Problem(Kind.NOT_ALLOWED, f"This needs the scope {operation.scope.value!r}.", headers=headers)


def _check_accept(request: Request, operation: Operation) -> None:
    """RFC 9110, section 12.5.1; a weight of 0 refuses."""
    wanted = operation.media_type
    header = ",".join(request.headers.getlist("accept")).strip()
    if wanted is None or not header:
        return
    for part in header.split(","):
        kind, *parameters = (one.strip().lower() for one in part.split(";"))
        refused = any(re.fullmatch(r"q=0(\.0*)?", one) for one in parameters)
        if kind in ("*/*", wanted, f"{wanted.partition('/')[0]}/*") and not refused:
            return
    raise Problem(Kind.NOT_ACCEPTABLE, f"The answer is {wanted}.")


async def _body(request: Request, operation: Operation) -> Any:
    if operation.body is None:
        return None
    kind = strict_json.media_type(request)
    if isinstance(operation.body, Document):
        taken = (operation.body.media_type, *operation.body.also)
        if kind not in taken:
            raise Problem(Kind.MEDIA, f"Send it as {' or '.join(taken)}.")
        return await strict_json.read_bytes(request, limit=operation.body.most_bytes)
    if kind != JSON_TYPE:
        raise Problem(Kind.MEDIA, f"Send it as {JSON_TYPE}.")
    return read_body(operation.body, strict_json.parse(await strict_json.read_bytes(request)))


def _act(operation: Operation, call: Call, asked: Any, body: Any) -> Any:
    return operation.act(call, asked) if operation.body is None else operation.act(call, asked, body)


def _response(operation: Operation, result: Any) -> Response:
    if result is None:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    if isinstance(operation.answer, Document):
        return Response(result, media_type=operation.answer.media_type)
    headers, status, value = {}, HTTPStatus.OK, result
    if isinstance(result, Made):
        headers["location"] = PREFIX + quote(result.path)
        status, value = (HTTPStatus.CREATED if result.new else HTTPStatus.OK), result.value
    if isinstance(value, Page) and value.next:
        headers["link"] = f'<{value.next}>; rel="next"'
    return Response(value.model_dump_json(), status, headers=headers, media_type=JSON_TYPE)


class NotHere:
    """The ASGI application of every address that is no operation's."""

    async def __call__(self, scope: Connected, receive: Receive, send: Send) -> None:
        problem = not_found(f"address {scope['path'][:200]}: see /api")
        await problem.response(uuid.uuid4().hex)(scope, receive, send)
