"""The inbox page of `watcher demo --keep`: everything that arrived, readable, served on loopback without a script.

A mail's own HTML is shown in a sandboxed frame under a policy of its own; everything else is escaped.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from watcher import wording
from watcher.deliver.slack_text import Line, lines
from watcher.demo.hook_text import told
from watcher.demo.inbox import Inbox, Mail
from watcher.demo.loopback import Loopback, Reply, Request
from watcher.demo.receivers import HookPost, Receivers, SlackPost

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"
_COMMON = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_PATH = re.compile(r"/(mail|slack|hook)/([1-9]\d{0,5})(?:/(html|text|source))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list at the left."""

    path: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    kind: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message, ready for the template."""

    path: str
    kind: str
    label: str
    title: str
    rows: tuple[tuple[str, str, str], ...]
    """Name, value, and `good`, `bad` or nothing."""
    tabs: tuple[tuple[str, str], ...] = ()
    tab: str = ""
    frame: str = ""
    lines: tuple[Line, ...] = ()
    source: str = ""


class InboxPage(Loopback):
    """Serves what `inbox` and `receivers` hold at the moment of each request."""

    def __init__(self, inbox: Inbox, receivers: Receivers) -> None:
        super().__init__(self._answer, name="demo-page")
        self._inbox = inbox
        self._receivers = receivers

    @cached_property
    def _template(self) -> Environment:
        loader = PackageLoader("watcher.demo", ".")
        return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)

    def _answer(self, request: Request) -> Reply:
        path = urlsplit(request.path).path
        if request.method != "GET":
            return Reply(status=405, body=b"only GET", headers={"Allow": "GET"})
        if path == "/style.css":
            body = files("watcher.demo").joinpath("page.css").read_bytes()
            return Reply(content_type="text/css; charset=utf-8", body=body, headers=_COMMON)
        if path == "/":
            return self._page(self._first(), chosen=False)
        found = _PATH.fullmatch(path)
        shown = self._shown(found[1], int(found[2]), found[3] or "html") if found else None
        if found and found[1] == "mail" and path.endswith("/html") and shown:
            return self._frame(int(found[2]))
        return self._page(shown, chosen=True) if shown else Reply(status=404, body=b"no such message")

    def _frame(self, number: int) -> Reply:
        headers = {**_COMMON, "Content-Security-Policy": FRAME_POLICY}
        html = self._inbox.mails[number - 1].html.encode()
        return Reply(content_type="text/html; charset=utf-8", body=html, headers=headers)

    def _page(self, shown: Shown | None, *, chosen: bool) -> Reply:
        template = self._template.get_template("page.html.j2")
        html = template.render(shown=shown, chosen=chosen, groups=self._groups())
        headers = {**_COMMON, "Content-Security-Policy": PAGE_POLICY}
        return Reply(content_type="text/html; charset=utf-8", body=html.encode(), headers=headers)

    def _first(self) -> Shown | None:
        """What a wide screen shows before anything is chosen: the newest mail, else whatever there is."""
        kept = (("mail", self._inbox.mails), ("slack", self._receivers.slack), ("hook", self._receivers.hooks))
        return next((self._shown(kind, len(all_), "html") for kind, all_ in kept if all_), None)

    def _groups(self) -> tuple[Group, ...]:
        mails = tuple(_mail_entry(mail) for mail in reversed(self._inbox.mails))
        slack = tuple(_slack_entry(number, post) for number, post in enumerate(self._receivers.slack, start=1))[::-1]
        hooks = tuple(_hook_entry(number, post) for number, post in enumerate(self._receivers.hooks, start=1))[::-1]
        return (
            Group(name="Mail", kind="mail", entries=mails),
            Group(name="Slack", kind="slack", entries=slack),
            Group(name="Webhook", kind="hook", entries=hooks),
        )

    def _shown(self, kind: str, number: int, tab: str) -> Shown | None:
        if kind == "mail" and number <= len(mails := self._inbox.mails):
            return _show_mail(mails[number - 1], tab)
        if kind == "slack" and number <= len(posts := self._receivers.slack):
            return _show_slack(number, posts[number - 1])
        if kind == "hook" and number <= len(calls := self._receivers.hooks):
            return _show_hook(number, calls[number - 1])
        return None


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S UTC")


def _mail_entry(mail: Mail) -> Entry:
    detail = f"to {', '.join(mail.recipients)}, {_clock(mail.at)}"
    return Entry(path=f"/mail/{mail.number}", title=wording.one_line(mail.subject, 120), detail=detail)


def _slack_title(post: SlackPost) -> str:
    """The first line of the body, since the header names the rule and many messages share it."""
    told_lines = [line for line in lines(post.payload) if line.words.strip()]
    best = next((line for line in told_lines if line.kind == "text"), told_lines[0] if told_lines else None)
    return wording.one_line(best.words, 120) if best else "empty message"


def _slack_entry(number: int, post: SlackPost) -> Entry:
    header = next((line.words for line in lines(post.payload) if line.kind == "header"), "")
    detail = ", ".join(filter(None, [wording.one_line(header, 60), _clock(post.at)]))
    return Entry(path=f"/slack/{number}", title=_slack_title(post), detail=detail)


def _hook_entry(number: int, post: HookPost) -> Entry:
    kind, what = told(post.payload)
    return Entry(path=f"/hook/{number}", title=wording.one_line(what, 120), detail=f"{kind}, {_clock(post.at)}")


def _show_mail(mail: Mail, tab: str) -> Shown:
    here = f"/mail/{mail.number}"
    sender = wording.one_line(str(mail.message["From"] or mail.sender), 120)
    source = {"text": mail.text, "source": mail.raw.decode("utf-8", "replace").replace("\r\n", "\n")}.get(tab, "")
    return Shown(
        path=here,
        kind="mail",
        label="Mail",
        title=wording.one_line(mail.subject, 200),
        rows=(("From", sender, ""), ("To", ", ".join(mail.recipients), ""), ("Arrived", _clock(mail.at), "")),
        tabs=(("HTML", here), ("Text", f"{here}/text"), ("Source", f"{here}/source")),
        tab={"html": "HTML", "text": "Text", "source": "Source"}[tab],
        frame=f"{here}/html" if tab == "html" else "",
        source=source,
    )


def _show_slack(number: int, post: SlackPost) -> Shown:
    answer = ("Slack's answer", post.refused or "ok", "bad" if post.refused else "good")
    return Shown(
        path=f"/slack/{number}",
        kind="slack",
        label="Slack",
        title=_slack_title(post),
        rows=(answer, ("Arrived", _clock(post.at), "")),
        lines=tuple(line for line in lines(post.payload) if line.kind == "divider" or line.words.strip()),
        source=json.dumps(post.payload, ensure_ascii=False, indent=2),
    )


def _show_hook(number: int, post: HookPost) -> Shown:
    kind, what = told(post.payload)
    signature = ("Signature", "verified", "good") if post.verified else ("Signature", post.trouble, "bad")
    return Shown(
        path=f"/hook/{number}",
        kind="hook",
        label=f"Webhook, {kind}",
        title=what,
        rows=(signature, ("webhook-id", post.id, ""), ("Arrived", _clock(post.at), "")),
        source=json.dumps(post.payload, ensure_ascii=False, indent=2),
    )
