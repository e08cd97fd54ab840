"""One visit to a reader's page: from the request to an answer, with the same refusals and headers for every page.

Pages are plain functions over a `Visit`, run in a thread; what they may do was proved by the token in the address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response

from watcher import wording
from watcher.errors import TryAgain
from watcher.model import Language
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Links, Purpose
from watcher.store import readers
from watcher.store.readers import Reader
from watcher.web import forms
from watcher.web.forms import Form, Seal
from watcher.web.words import LOCALES, say

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # not no-referrer: a browser would send our own forms with `Origin: null`
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}
_OTHER = {Language.ENGLISH: Language.CHINESE, Language.CHINESE: Language.ENGLISH}
_SOON_S, _LATER_S = "30", "3600"


class NotHere(Exception):
    """What the address names is not there, or is not its holder's: the same answer for every reason."""


class NotOurs(Exception):
    """A form that did not come from our own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a page is asked, and with what it answers."""

    rt: Runtime
    request: Request
    signer: Links
    value: Mapping[str, Any]
    """What the token of the address says; empty where there is none."""
    form: Form
    language: Language
    found: Reader | None = None
    """The subscription that the token is of, as it was when the visit began."""

    @property
    def posted(self) -> bool:
        return self.request.method == "POST"

    @property
    def seal(self) -> Seal:
        return Seal(key=self.signer.key, page=self.request.url.path)

    def text(self, name: str) -> str:
        """A text that the token says. Raises NotHere."""
        found = self.value.get(name)
        if not isinstance(found, str):
            raise NotHere
        return found

    def number(self, name: str) -> int:
        """A whole number that the token says. Raises NotHere."""
        found = self.value.get(name)
        if isinstance(found, bool) or not isinstance(found, int):
            raise NotHere
        return found

    def reader(self) -> Reader:
        """The subscription that the token is of. Raises NotHere when it is gone."""
        if self.found is None:
            raise NotHere
        return self.found

    def reader_now(self) -> Reader:
        """As `reader`, after something was done to it."""
        found = _reader(self.rt, self.value)
        if found is None:
            raise NotHere
        return found

    def say(self, phrase: str, **filled: Any) -> str:
        return say(phrase, self.language, **filled)

    def check_form(self) -> bool:
        """Whether the form may be acted on; False when it is ours and too old. Raises NotOurs for any other."""
        if forms.foreign(self.request, self.signer.public_url):
            raise NotOurs
        holds = self.seal.holds(self.form.one(forms.SEAL))
        if holds is False:
            raise NotOurs
        return holds is True

    def page(self, template: str, title: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The template as an answer; `title` is a phrase."""
        shown = {
            "t": self.say,
            "title": self.say(title),
            "language": self.language,
            "locale": LOCALES[self.language],
            "other": _OTHER[self.language].value,
            "seal": self.seal.make(),
        }
        return _answer(template, status, **shown, **values)

    def tell(self, title: str, lead: str, *, status: int = 200, note: str = "", link: str = "") -> HTMLResponse:
        """A page with a heading, which is a phrase, and sentences; `link` leads back to a page of the reader's."""
        return self.page("told.html.j2", title, status=status, lead=lead, note=note, link=link)

    def refuse(self, what: str, status: int) -> HTMLResponse:
        """A page that says why nothing was done: the phrases `what` and `what_title`."""
        return self.tell(f"{what}_title", self.say(what), status=status)

    def day(self, at: datetime) -> str:
        return wording.day(at, self.language)


Show = Callable[[Visit], Response]


def page(show: Show, purpose: Purpose | None = None) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for GET, HEAD and POST: reads the form and the token, then lets `show` answer in a thread."""

    async def endpoint(request: Request) -> Response:
        try:
            form = await forms.read(request)
        except forms.Refused as refused:
            return _refused(request, refused.status)
        except ClientDisconnect:
            return Response(status_code=400)
        return await run_in_threadpool(_visit, show, purpose, request, form)

    return endpoint


def _visit(show: Show, purpose: Purpose | None, request: Request, form: Form) -> Response:
    rt: Runtime = request.app.state.runtime
    visit = Visit(rt=rt, request=request, signer=Links(key=""), value={}, form=form, language=language_of(request))
    try:
        signer = links(rt)
        value = signer.read(purpose, str(request.path_params["token"])) if purpose else {}
        if value is None:
            raise NotHere
        found = _reader(rt, value)
        language = language_of(request, found.config.language if found else None)
        visit = Visit(rt=rt, request=request, signer=signer, value=value, form=form, language=language, found=found)
        return show(visit)
    except NotHere:
        return visit.refuse("gone", 404)
    except NotOurs:
        return visit.refuse("refused", 403)
    except TryAgain:
        answer = visit.refuse("away", 503)
        answer.headers["retry-after"] = _SOON_S
        return answer


def _reader(rt: Runtime, value: Mapping[str, Any]) -> Reader | None:
    subscription_id = value.get("s")
    if not isinstance(subscription_id, str):
        return None
    with rt.database.read() as conn:
        return readers.get(conn, subscription_id)


def language_of(request: Request, messages: Language | None = None) -> Language:
    """`?lang=`, else that of the reader's messages, else what the browser prefers and we speak, else English.

    Source: RFC 9110, 12.5.4 (Accept-Language).
    """
    asked = request.query_params.get("lang")
    if asked in set(Language):
        return Language(asked)
    if messages is not None:
        return messages
    weighed = []
    for place, part in enumerate(request.headers.get("accept-language", "")[:400].split(",")):
        tag, _, weight = part.strip().partition(";")
        _, _, number = weight.partition("=")
        try:
            share = float(number) if weight else 1.0
        except ValueError:
            share = 0.0
        weighed.append((-share, place, tag.split("-")[0].lower()))
    known = [tag for share, _, tag in sorted(weighed) if share and tag in set(Language)]
    return Language(known[0]) if known else Language.ENGLISH


def flooded(visit: Visit) -> Response:
    """429, with when to come back."""
    answer = visit.refuse("flood", 429)
    answer.headers["retry-after"] = _LATER_S
    return answer


def _refused(request: Request, status: int) -> Response:
    visit = Visit(
        rt=request.app.state.runtime,
        request=request,
        signer=Links(key=""),
        value={},
        form=Form(),
        language=language_of(request),
    )
    return visit.refuse("too_large", status)


def _answer(template: str, status: int, **values: Any) -> HTMLResponse:
    return HTMLResponse(_templates().get_template(template).render(**values), status_code=status, headers=HEADERS)


def style(_request: Request) -> Response:
    """The style sheet of the reader's pages."""
    return Response(_style(), media_type="text/css")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("watcher.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return resources.files("watcher.web").joinpath("reader.css").read_text("utf-8")
