"""The mail as Chromium shows it: contrast in light and dark, narrow and wide, with long words, without images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from event_factories import alert, digest, event, five_seeds, immediate, snippet, source
from playwright.sync_api import sync_playwright

from watcher.digest.render import HTML_LIMIT_BYTES, render
from watcher.model import AlertLinks, Change, ChangeWhy, Coverage, DigestLinks, DigestView, Language, Notice

AT = "https://watch.example/x/" + "t" * 90
LINKS = AlertLinks(event=AT, useful=AT, not_useful=AT, mute=AT)
FOOT = DigestLinks(browser=AT, preferences=AT, unsubscribe=AT, feed=AT)
CHANGED = (Change(fact="total", before="1bn USD", after="1.2bn USD", why=ChangeWhy.CORRECTED),)
HOSTILE = "العربية " + "ا" * 400 + "</td></tr>"
LONG = "Supercalifragilistic" * 20


def linked(view: DigestView) -> DigestView:
    return replace(view, links=FOOT, alerts=tuple(replace(one, links=LINKS) for one in view.alerts))


def views() -> dict[str, DigestView]:
    updated = alert(event(revision=2), update=True, changes=CHANGED)
    odd = event(
        id=7,
        title=HOSTILE,
        rule_title=LONG,
        sources=(source(HOSTILE, LONG, language="ar"),),
        snippets=(snippet(LONG, LONG),),
    )
    quiet = digest(coverage=Coverage(feeds_total=3, feeds_checked=1, failing=("A", LONG), silent=("B",)))
    letter = Notice(subject="Confirm your subscription", lines=("One step is left.",), action="Confirm", action_url=AT)
    seeds = linked(replace(five_seeds(), left_out=("event 9 could not be written",), notes=("It covers 2 days.",)))
    return {
        "five": seeds,
        "chinese": replace(seeds, language=Language.CHINESE),
        "one": linked(immediate(updated)),
        "fifty": linked(digest(*(alert(event(id=number)) for number in range(50)))),
        "poison": linked(digest(alert(odd), updated, subscription_title=LONG)),
        "quiet": linked(quiet),
        "notice": digest(notice=Notice(subject=LONG, lines=("A: http 403", LONG))),
        "letter": digest(notice=letter),
    }


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page()
        browser.close()


def show(page: Any, name: str, *, width: int = 800, scheme: str = "light") -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 600})
    page.set_content(render(views()[name]).html)


_CONTRASTS = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const channel = value => value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = one => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || one.closest('[aria-hidden]')) continue;
    if (!one.checkVisibility({opacityProperty: true})) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, walk.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", views())
def test_every_word_stands_out_by_four_and_a_half_to_one(page: Any, name: str, scheme: str) -> None:
    """WCAG 2.2, success criterion 1.4.3, over every text node and the colour behind it."""
    show(page, name, scheme=scheme)
    found = page.evaluate(_CONTRASTS)
    assert len(found) >= 3
    assert [(round(ratio, 2), words) for ratio, words in found if ratio < 4.5] == []


def test_light_and_dark_are_two_schemes(page: Any) -> None:
    seen = []
    for scheme in ("light", "dark"):
        show(page, "five", scheme=scheme)
        seen.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert seen == ["rgb(244, 243, 239)", "rgb(16, 21, 26)"]


@pytest.mark.parametrize("name", views())
def test_nothing_is_wider_than_a_telephone_and_600_px_is_the_widest(page: Any, name: str) -> None:
    for width in (360, 800):
        show(page, name, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        widest = page.evaluate("Math.max(...[...document.querySelectorAll('td.pad')].map(one => one.offsetWidth))")
        assert widest <= 600


def test_a_title_in_arabic_does_not_turn_what_stands_around_it(page: Any) -> None:
    show(page, "poison")
    directions = page.evaluate("[...document.querySelectorAll('a.t')].map(one => getComputedStyle(one).direction)")
    assert directions == ["rtl", "ltr"]
    assert page.evaluate("getComputedStyle(document.querySelector('td.c')).direction") == "ltr"


def test_no_address_is_asked_to_show_the_mail(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show(page, "five")
    assert asked == []


@pytest.mark.parametrize("name", views())
def test_the_mail_is_small_and_its_way_out_stands_before_any_clipping(name: str) -> None:
    view = views()[name]
    html = render(view).html
    assert len(html.encode()) <= HTML_LIMIT_BYTES
    if view.links.unsubscribe:
        assert html.index(">Unsubscribe<" if view.language is Language.ENGLISH else ">退订<") < 8_000
    if view.alerts:
        assert html.index('class="t"') < 10_000


def test_a_digest_of_fifty_fills_the_room_that_there_is() -> None:
    html = render(views()["fifty"]).html
    assert 0.9 * HTML_LIMIT_BYTES < len(html.encode()) <= HTML_LIMIT_BYTES
    assert html.count('class="t" href') == 50
