"""One visit to a page of the console: who asks, what they may do, and an answer in the console's own frame.

A page is a plain function over a `Desk`, run in a thread. Whoever is not logged in is led to the login; a form is acted
on only with this session's seal and from our own site, and by those whose scopes allow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from itsdangerous import BadData, URLSafeSerializer
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from watcher import wording
from watcher.errors import TryAgain, WatcherError
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.store import Connection, audit
from watcher.web import access, forms
from watcher.web.client_address import client_address
from watcher.web.forms import Form, Seal
from watcher.web.operator import Operator, Scope

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # not no-referrer: a browser would send our own forms with `Origin: null`
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}
NAVIGATION = (
    ("/", "Overview"),
    ("/events", "Events"),
    ("/rules", "Rules"),
    ("/feeds", "Feeds"),
    ("/deliveries", "Deliveries"),
    ("/subscribers", "Subscribers"),
    ("/digests", "Digests"),
    ("/settings", "Settings"),
)
LOGIN = "/login"
_SOON_S = "10"


class NotHere(Exception):
    """What the address names is not there."""


class Refused(Exception):
    """It is there and may not be done; the text says why and what would help, and `status` is the answer's."""

    def __init__(self, text: str, status: int = 403) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a page is asked, by whom, and with what it answers."""

    rt: Runtime
    request: Request
    operator: Operator
    form: Form
    now: datetime

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    @property
    def partial(self) -> bool:
        """htmx asks for a piece of the page: templates then leave the frame away (`{% extends frame %}`)."""
        return self.request.headers.get("hx-request") == "true" and "hx-boosted" not in self.request.headers

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the address, trimmed, at most 500 characters, without NUL, which PostgreSQL refuses."""
        return self.request.query_params.get(name, default).replace("\x00", "").strip()[:500]

    def path(self, name: str) -> str:
        """A part of the address. Raises NotHere for one that no row can have."""
        text = str(self.request.path_params[name])
        if "\x00" in text:
            raise NotHere
        return text

    def number(self, name: str) -> int:
        """A row's id in the address. Raises NotHere."""
        text = self.path(name)
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise NotHere
        return int(text)

    def note(self, conn: Connection, action: str, target: str = "", **detail: Any) -> None:
        """A line of the audit log, in the caller's transaction."""
        client = client_address(self.request, self.rt.settings.trusted_proxies) or ""
        audit.note(
            conn, who=self.operator.name, action=action, target=target, detail=detail, client=client, now=self.now
        )

    def page(self, template: str, title: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The template `console/NAME` in the frame; `title` is shown as the page's heading by the template."""
        shown = {
            "title": title,
            "operator": self.operator,
            "here": "/" + self.request.url.path.strip("/").partition("/")[0],
            "navigation": NAVIGATION,
            "read_only": self.rt.settings.read_only,
            "can_operate": self.operator.may(Scope.OPERATE),
            "can_judge": self.operator.may(Scope.JUDGE),
            "seal": seal(self.rt, self.operator.session_id).make(),
            "frame": "console/part.html.j2" if self.partial else "console/frame.html.j2",
            "done": _said(self.rt, self.query("done")),
            "now": self.now,
        }
        html = templates().get_template(f"console/{template}").render(**shown, **values)
        return HTMLResponse(html, status_code=status, headers=HEADERS)

    def go(self, path: str, *, done: str = "", **query: str) -> Response:
        """After a change: on to another page of ours (303), which shows the sentence `done` at its top."""
        told = _sayings(self.rt).dumps(done) if done else ""
        asked = {name: value for name, value in {**query, "done": told}.items() if value}
        return RedirectResponse(path + ("?" + urlencode(asked) if asked else ""), status_code=303)


Show = Callable[[Desk], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page's address and who may see it or act on it."""

    path: str
    show: Show
    methods: tuple[str, ...] = ("GET",)
    scope: Scope = Scope.READ
    """What a GET asks for."""
    act: Scope = Scope.OPERATE
    """What a POST asks for."""
    body_bytes: int = field(default=forms.BODY_BYTES)

    async def endpoint(self, request: Request) -> Response:
        """The page's endpoint. Who asks is known before a form is read: of strangers nothing is held or parsed."""
        try:
            operator = await run_in_threadpool(access.who, request)
            if operator is None:
                return _to_login(request)
            form = await forms.read(request, limit=self.body_bytes)
        except TryAgain as error:
            return Response(f"{error}\n", status_code=503, headers={"retry-after": _SOON_S})
        except forms.Refused as refused:
            return Response("The form is too large, or came too slowly.\n", status_code=refused.status)
        except ClientDisconnect:
            return Response(status_code=400)
        return await run_in_threadpool(self._answer, request, operator, form)

    def _answer(self, request: Request, operator: Operator, form: Form) -> Response:
        rt: Runtime = request.app.state.runtime
        desk = Desk(rt=rt, request=request, operator=operator, form=form, now=rt.clock())
        try:
            self._check(desk)
            return self.show(desk)
        except NotHere:
            return desk.page("told.html.j2", "Not here", status=404, told="There is nothing at this address.")
        except Refused as refused:
            return desk.page("told.html.j2", "Not done", status=refused.status, told=str(refused))
        except TryAgain as error:
            answer = desk.page("told.html.j2", "Try again", status=503, told=str(error))
            answer.headers["retry-after"] = _SOON_S
            return answer
        except WatcherError as error:
            return desk.page("told.html.j2", "This went wrong", status=500, told=str(error))

    def _check(self, desk: Desk) -> None:
        """Raises Refused for what this operator may not do, and for forms that are not of this session."""
        scope = self.act if desk.posted else self.scope
        if not desk.operator.may(scope):
            if desk.rt.settings.read_only and scope not in access.SHOWS_ONLY:
                raise Refused(access.READ_ONLY)
            raise Refused(f"This needs the scope {scope.value!r}, which you do not have.")
        if not desk.posted:
            return
        if forms.foreign(desk.request, links(desk.rt).public_url):
            raise Refused("This form came from another site and was not acted on.")
        held = seal(desk.rt, desk.operator.session_id).holds(desk.form.one(forms.SEAL))
        if held is False:
            raise Refused("This form is not of your session. Load the page again and repeat what you did.")
        if held is None:
            raise Refused("This form is older than twelve hours. Load the page again and repeat what you did.")


def seal(rt: Runtime, session_id: str) -> Seal:
    """Signs the forms of one session: a form of another session or site is told apart."""
    return Seal(key=links(rt).key, page=f"console.{session_id}")


def _sayings(rt: Runtime) -> URLSafeSerializer:
    """Signs what a page says at its top, so that nobody else's link can make it say anything."""
    return URLSafeSerializer(links(rt).key, salt="console.done")


def _said(rt: Runtime, signed: str) -> str:
    try:
        return str(_sayings(rt).loads(signed)) if signed else ""
    except (BadData, UnicodeError):
        return ""


def _to_login(request: Request) -> Response:
    """To the login and back to this page; a piece that htmx asked for makes the whole browser go."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = LOGIN + ("" if request.method == "POST" or here == "/" else f"?next={quote(here)}")
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"hx-redirect": LOGIN})
    return RedirectResponse(to, status_code=303)


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, or in how long, in the largest whole unit: `12 min ago`, `in 3 h`; a dash for never."""
    if at is None:
        return "–"
    seconds = (now - at).total_seconds()
    length = span(abs(seconds))
    return f"{length} ago" if seconds >= 0 else f"in {length}"


def span(seconds: float | None) -> str:
    """A duration in its largest whole unit: `40 s`, `12 min`, `3 h`, `5 d`."""
    if seconds is None:
        return "–"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def clock(at: datetime | None) -> str:
    """An instant for people: `14:05 UTC, 3 Mar 2026`; a dash for never."""
    return f"{at:%H:%M} UTC, {wording.day(at)}" if at else "–"


def tongue(text: object) -> str:
    """For the `lang` of words whose language nobody said: `zh` where they hold Han characters, else `en`."""
    return "zh" if re.search("[\u3400-\u9fff\uf900-\ufaff]", str(text)) else "en"


@cache
def templates() -> Environment:
    """The templates of the console, with its filters: `clock`, `ago(now)`, `span`, `day`, `line`, `tongue`."""
    environment = Environment(
        loader=PackageLoader("watcher.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clock": clock,
        "ago": ago,
        "span": span,
        "day": wording.day,
        "tongue": tongue,
        "web_link": wording.web_link,
        "line": lambda text, width=120: wording.one_line(str(text), width),
        "query": lambda values: urlencode([(name, value) for name, value in dict(values).items() if value]),
    }
    environment.globals |= {"counted": wording.counted, "segments": wording.segments}
    return environment
