"""A body of JSON as it must come: small, in time, UTF-8, flat enough, every name once, numbers only (RFC 8259, I-JSON).

What it must say is left to the model that each operation declares.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from starlette.requests import Request

from watcher.web.api.problem import Kind, Problem, Wrong

BODY_BYTES = 256 * 1024
BODY_S = 10.0
DEPTH = 20
_EXACT = 2**53


async def read_bytes(request: Request, *, limit: int = BODY_BYTES) -> bytes:
    """The body; raises Problem for one that is too large, comes too slowly or is compressed."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Problem(Kind.MEDIA, "Send the body as it is, without a Content-Encoding.")
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > limit:
        raise _too_large(limit)
    try:
        return await asyncio.wait_for(_read(request, limit), BODY_S)
    except TimeoutError:
        raise Problem(Kind.TOO_SLOW, f"The body must be here within {BODY_S:.0f} seconds.") from None


async def _read(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Problem:
    return Problem(Kind.TOO_LARGE, f"At most {limit} bytes are read.")


def media_type(request: Request) -> str:
    """The media type of the body without its parameters, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def parse(body: bytes) -> Any:
    """The JSON value; raises Problem (400) with the place of the first mistake."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(Kind.UNREADABLE, f"The body is not UTF-8 (byte {error.start}).") from None
    if _too_deep(text):
        raise Problem(Kind.UNREADABLE, f"The body is nested more than {DEPTH} levels deep.")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(Kind.UNREADABLE, f"The body is not JSON: {error.msg} ({where}).") from None
    except ValueError:
        raise Problem(Kind.UNREADABLE, "The body holds a number that is too long or too large.") from None


def _too_deep(text: str) -> bool:
    """Counted before it is parsed, so that no parser has to go down there."""
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if quoted:
            quoted = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            quoted = True
        elif sign in "[{":
            depth += 1
            if depth > DEPTH:
                return True
        elif sign in "]}":
            depth -= 1
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Problem(Kind.UNREADABLE, wrong=[Wrong(detail=f"The name {name[:80]!r} stands twice in one object.")])
        found[name] = value
    return found


def _constant(name: str) -> Any:
    raise Problem(Kind.UNREADABLE, f"{name} is no JSON number.")


def _float(text: str) -> int | float:
    """A number; one without a fraction is an integer, however it is written (JSON Schema 2020-12, 4.2.3)."""
    value = float(text)
    if math.isinf(value):
        raise ValueError("beyond every float")
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
