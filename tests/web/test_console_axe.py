"""Every page in a browser, light and dark, wide and narrow: axe finds nothing serious, and no body scrolls sideways."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from newsroom import FUNDING, SIGNING_SECRET, Newsroom, newsroom
from reading import asked, fill, hidden, rows
from services.smtp import SmtpInbox
from services.web import HttpSink
from starlette.responses import Response

from watcher.pipeline.links import links
from watcher.signing import Purpose
from watcher.store.schema import deliveries, digests, events, feeds, subscriptions
from watcher.web import access
from watcher.web.console import PAGES

WIDE, NARROW = 1280, 390
SERIOUS = ("serious", "critical")
ALL: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False, "preload": False}
LOOKS = [(NARROW, "dark", ALL)]
if "TESTS_WHOLE" in os.environ:
    LOOKS = [(width, scheme, ALL) for width in (WIDE, NARROW) for scheme in ("light", "dark")]
"""All that axe knows, on each page four times, is for the drills."""
NOT_SHOWN = ("/feeds.opml", "/rules/{id}/file")
"""Are saved and not shown."""
POSTED = ("/channels/{channel}", "/workbench/runs/{run}/stop", "/logout")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Newsroom]:
    """One service for all pages here: nothing is changed by looking."""
    folder = tmp_path_factory.mktemp("axe")
    (folder / "watcher.db").write_bytes(sqlite_template.read_bytes())
    web, inbox = HttpSink(), SmtpInbox()
    with ExitStack() as ends:
        for far_end in (web, inbox):
            far_end.start()
            ends.callback(far_end.stop)
        patch = ends.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TEST_WHSEC", SIGNING_SECRET)
        opened = ends.enter_context(newsroom(f"sqlite:///{folder / 'watcher.db'}", folder, web, inbox))
        fill(opened.client, "/subscribe", asked())
        yield opened


@pytest.fixture(scope="module")
def page(room: Newsroom, chromium: Any) -> Iterator[Any]:
    """A page that is logged in."""
    cookie = access.begin(room.rt, Response(), name="admin", client="127.0.0.1", secure=False)
    # colours that are on their way from one scheme to the other are none that anybody reads
    context = chromium.new_context(viewport={"width": WIDE, "height": 900}, reduced_motion="reduce")
    context.add_cookies([{"name": access.COOKIE, "value": cookie, "url": room.base}])
    room.client.cookies.set(access.COOKIE, cookie)
    opened = context.new_page()
    yield opened
    context.close()


# ── the addresses ────────────────────────────────────────────────────────────────────────────────────────────────────


def console_pages(room: Newsroom) -> list[str]:
    """Every page of the console that a GET shows, and some in another state."""
    kestrel = next(row["id"] for row in rows(room.rt, events) if "Kestrel" in row["title"])
    first = {name: rows(room.rt, table)[0]["id"] for name, table in (("feed_id", feeds), ("digests", digests))}
    mail = next(row["id"] for row in rows(room.rt, deliveries) if row["channel_id"] == "mail")
    values = {
        "/events/{id}": kestrel,
        "/rules/{id}": "funding",
        "/feeds/{feed_id}": first["feed_id"],
        "/deliveries/{id}": mail,
        "/digests/preview/{subscription}": "desk",
        "/digests/{id}": first["digests"],
        "/subscribers/{id}": "desk",
        "/workbench/runs/{run}": _run(room),
    }
    shown = [page.path for page in PAGES if "GET" in page.methods and page.path not in NOT_SHOWN]
    for pattern, value in values.items():
        head, _, _name = pattern.partition("{")
        shown = [path.replace(pattern, f"{head}{value}") if path.startswith(pattern) else path for path in shown]
    assert not [path for path in shown if "{" in path], shown
    failing = rows(room.rt, feeds)[1]["id"]
    return [*shown, "/events?from=never", "/deliveries?state=pending", f"/feeds/{failing}", "/rules/none", "/api"]


def _run(room: Newsroom) -> str:
    """A run of the workbench; its id."""
    changed = FUNDING.replace("raise|close", "raise|land")
    answer = fill(room.client, "/rules/funding/workbench", {"text": changed, "act": "run", "days": "7"}, timeout=60)
    return hidden(answer.text, "run")


def reader_pages(room: Newsroom) -> list[str]:
    """Every page of a subscriber."""
    kestrel = next(row["id"] for row in rows(room.rt, events) if "Kestrel" in row["title"])
    reader = next(row["id"] for row in rows(room.rt, subscriptions) if row["origin"] == "page")
    mailed = next(row["id"] for row in rows(room.rt, digests) if row["subscription_id"] == "desk")
    about = {"e": kestrel, "s": reader}
    values: dict[Purpose, dict[str, Any]] = {
        Purpose.EVENT: about,
        Purpose.DIGEST: {"d": mailed},
        Purpose.VOTE: {**about, "w": "useful"},
        Purpose.MUTE: about,
        Purpose.UNSUBSCRIBE: {"s": reader},
        Purpose.CONFIRM: {"s": reader},
        Purpose.PREFERENCES: {"s": reader},
    }
    signer = links(room.rt)
    signed = [f"/{purpose}/{signer.token(purpose, **value)}" for purpose, value in values.items()]
    return ["/subscribe", "/u/unknown", *signed, f"{signed[0]}?lang=zh", f"{signed[-1]}?lang=zh"]


# ── what axe says ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A page at one width in one scheme: axe's violations, and how wide the page is."""

    path: str
    width: int
    scheme: str
    findings: tuple[dict[str, Any], ...]
    taken_px: int

    @property
    def serious(self) -> list[str]:
        """Each with its rule and the first element that breaks it."""
        return [
            f"{self.path} at {self.width}, {self.scheme}: {one['id']}: {one['nodes'][0]['html'][:160]}"
            for one in self.findings
            if one["impact"] in SERIOUS
        ]


@pytest.fixture(scope="module")
def looks(room: Newsroom, page: Any) -> list[Look]:
    """All pages at both widths in both schemes."""
    script = Axe().axe_script
    found = []
    for path in [*console_pages(room), *reader_pages(room)]:
        page.set_viewport_size({"width": WIDE, "height": 900})
        page.emulate_media(color_scheme="light")
        show(room, page, path)
        page.evaluate(script)
        for width, scheme, options in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate("options => axe.run(options)", options)
            wide = page.evaluate("document.documentElement.scrollWidth")
            found.append(
                Look(path=path, width=width, scheme=scheme, findings=tuple(result["violations"]), taken_px=wide)
            )
    return found


def show(room: Newsroom, page: Any, path: str) -> None:
    """Open a page; what is served as a sandbox runs no script, not even axe, and is shown outside of it."""
    answer = room.client.get(path)
    if "sandbox" in answer.headers["content-security-policy"]:
        page.goto("about:blank")
        page.set_content(answer.text)
    else:
        page.goto(room.base + path)


def test_axe_finds_nothing_serious_on_any_page(looks: list[Look], capsys: pytest.CaptureFixture[str]) -> None:
    counted = Counter(one["impact"] for look in looks for one in look.findings)
    with capsys.disabled():
        print(f"\naxe: {len({one.path for one in looks})} pages, {len(looks)} looks: {dict(counted) or 'no findings'}")
    assert [words for look in looks for words in look.serious] == []


def test_no_page_scrolls_sideways(looks: list[Look]) -> None:
    assert [(one.path, one.width, one.taken_px) for one in looks if one.taken_px > one.width] == []
