"""Forms as they come: read within bounds, proved to be from our own page, and turned into what a reader chose.

A body is read by its own small parser, since the two kinds that browsers and mail programs send need no more.
"""

from __future__ import annotations

import asyncio
import re
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request

from watcher.web import multipart

BODY_BYTES = 32 * 1024
BODY_S = 10.0
FIELDS = 400
SEAL_S = 12 * 3600
SEAL = "seal"
TRAP = "website"
"""A field that people do not see and programs fill in."""
_ONE_CLICK = re.compile(
    r"""name="?List-Unsubscribe"?\r?\n(?:[^\r\n]+\r?\n){0,8}\r?\nOne-Click(?:\r?\n|$)|(?:^|&)List-Unsubscribe=One-Click(?:&|\s*$)"""
)


class Refused(Exception):
    """A body that is not read on; `status` is what its sender is answered."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of a POST in the order they came; nothing for a GET."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    """By the name of their field; only of forms that say `multipart/form-data`."""
    one_click: bool = False
    """The body is RFC 8058's, whatever its type says."""

    def one(self, name: str) -> str:
        """The field's only value, trimmed and without NUL, which PostgreSQL refuses; nothing when it is missing."""
        return (self.fields.get(name) or ("",))[-1].replace("\x00", "").strip()

    def every(self, name: str) -> tuple[str, ...]:
        return self.fields.get(name, ())


async def read(request: Request, *, limit: int = BODY_BYTES) -> Form:
    """The form of a POST of at most `limit` bytes; raises Refused with 408 or 413."""
    if request.method != "POST":
        return Form()
    try:
        body = await asyncio.wait_for(_body(request, limit), BODY_S)
    except TimeoutError:
        raise Refused(408) from None
    text = body.decode("utf-8", "replace")
    kind = request.headers.get("content-type", "")
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    try:
        if "urlencoded" in kind:
            for name, value in parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS):
                fields[name] = (*fields.get(name, ()), value)
        elif kind.startswith("multipart/form-data"):
            fields, files = multipart.parse(body, kind)
    except ValueError:
        raise Refused(413) from None
    return Form(fields=fields, files=files, one_click=bool(_ONE_CLICK.search(text)))


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413)
    return bytes(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Signs the forms of one page, so that a form of another page, site or day is told apart."""

    key: str
    page: str
    """What the form may do and for whom: another page's seal does not open it."""

    def make(self) -> str:
        """For a hidden field of the form."""
        return str(self._signer().dumps(int(clock.time())))

    def holds(self, sealed: str) -> bool | None:
        """Whether the form is of this page; None when it is, and too old."""
        try:
            made = self._signer().loads(sealed[:200])
        except (BadData, UnicodeError):
            return False
        if not isinstance(made, int):
            return False
        return True if clock.time() - made < SEAL_S else None

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt=f"watcher.form.{self.page}")


def foreign(request: Request, public_url: str | None) -> bool:
    """Whether a browser says that another site's page made this request.

    `Origin` must name us where it is there: by the address people use, or by the host that was asked. Programs that
    send none are held by the seal alone.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("origin")
    if origin is None:
        return False
    try:
        theirs, ours = urlsplit(origin), urlsplit(public_url or "")
    except ValueError:
        return True
    known = {(ours.scheme, ours.netloc.lower())} if ours.netloc else set()
    known |= {(scheme, request.headers.get("host", "").lower()) for scheme in ("http", "https")}
    return not theirs.netloc or (theirs.scheme, theirs.netloc.lower()) not in known
