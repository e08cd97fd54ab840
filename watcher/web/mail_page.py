"""A digest in the browser: the HTML part of the mail that was sent, cleaned, and with nothing in it that can run.

A digest that went out by no mail is shown as the list of its events.
"""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage

import nh3
from starlette.responses import HTMLResponse, Response

from watcher.model import Language
from watcher.store import digests, events, readers
from watcher.web.signed import shown_event
from watcher.web.visit import NotHere, Visit
from watcher.web.words import LOCALES

HEADERS = {
    # the mail's own styles stand inside it; scripts, forms, frames and everything that is fetched do not run
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
}
_TAGS = {
    *("a", "b", "strong", "i", "em", "small", "br", "hr", "p", "div", "span", "bdi", "blockquote"),
    *("h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th"),
}
_LOOKS = {
    *("class", "style", "dir", "lang", "role", "align", "valign", "width", "height"),
    *("cellpadding", "cellspacing", "border", "aria-hidden"),
}
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_BODY = re.compile(r"<body([^>]*)>(.*)</body>", re.DOTALL | re.IGNORECASE)
_FETCHING = re.compile(r"@import|url\s*\(|[<\\]", re.IGNORECASE)


def digest(visit: Visit) -> Response:
    """The digest of the token. Raises NotHere when nobody has it any more."""
    digest_id = visit.number("d")
    with visit.rt.database.read() as conn:
        reader, mail = readers.of_digest(conn, digest_id), readers.mail_of(conn, digest_id)
        told = [one.event_id for one in digests.alerts_of(conn, digest_id)]
        views = events.views(conn, told)
    html = html_of(mail) if mail else None
    if reader is None or not (html or told):
        raise NotHere
    language = reader.config.language
    if html:
        return HTMLResponse(clean(html, language), headers=HEADERS)
    shown = [shown_event(views[one], visit.language) for one in dict.fromkeys(told)]
    return visit.page("digest_list.html.j2", "digest_title", events=shown)


def html_of(mail: bytes) -> str | None:
    """The HTML part of a mail of ours; None when it has none."""
    message = email.message_from_bytes(mail, EmailMessage, policy=email.policy.default)
    part = message.get_body(preferencelist=("html",))
    return None if part is None else str(part.get_content())


def clean(html: str, language: Language) -> str:
    """A whole page of the mail's own looks and words; only what a mail needs stays of its markup."""
    found = _BODY.search(html)
    looks, inside = (found[1], found[2]) if found else ("", html)
    body = nh3.clean(
        f"<div{looks}>{inside}</div>",
        tags=_TAGS,
        attributes={"*": _LOOKS, "a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        clean_content_tags={"script", "style", "title", "svg", "math", "noscript", "iframe", "form"},
    )
    styles = "\n".join(one for one in _STYLE.findall(html) if not _FETCHING.search(one))
    return (
        f'<!doctype html>\n<html lang="{LOCALES[language]}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title>Biotech Watcher</title>\n'
        f"<style>\nhtml,body{{margin:0;min-height:100%}}\n{styles}\n</style>\n</head>\n<body>{body}</body>\n</html>\n"
    )
