import json
import re
from html.parser import HTMLParser

import pytest
from event_factories import alert, digest, event, five_seeds, funding, immediate, partnership, snippet, source
from jinja2.exceptions import SecurityError, UndefinedError

from watcher import wire
from watcher.digest import render as rendering
from watcher.digest.render import HTML_LIMIT_BYTES, render, render_json
from watcher.model import Coverage, Notice


class Page(HTMLParser):
    """The tags, the links and the shown words of an HTML document; `open` is what was never closed."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def links(self) -> list[str]:
        return [attrs["href"] for tag, attrs in self.tags if tag == "a"]


def test_the_seed_digest_tells_every_fact_in_both_bodies():
    rendered = render(five_seeds())
    assert rendered.subject == "China biotech: 5 events, 22 Nov 2026"
    for body in (Page(rendered.html).text, " ".join(rendered.text.split())):
        for words in (
            "Konoya → AstraZeneca",
            "CMG901",
            "1.2bn USD",
            "exclusive, global",
            "重庆国际生物城签约21个项目，总投资102亿元",
            "10.2bn CNY (≈ 1.43bn USD, rate of 15 Dec 2025)",
            "21 projects",
            "Chongqing ↔ Seoul",
            "29 Jul 2024",
            "Update",
            "Why: rule funding; 10.2bn CNY = 1.43bn USD is at least 10M USD",
            "39 of 41 feeds checked. Not reached: Korea Biomed and BioCentury China.",
            "Sunday 22 Nov 2026, 08:00 Asia/Shanghai",
        ):
            assert words in body.replace(" · ", " ").replace(" )", ")"), words


def test_the_html_is_whole_and_needs_nothing_from_outside():
    page = Page(render(five_seeds()).html)
    names = {tag for tag, _ in page.tags}
    assert page.open == []
    assert names.isdisjoint({"img", "script", "link", "iframe", "form", "base", "video", "object"})
    assert "url(" not in render(five_seeds()).html
    assert all(attrs.get("role") == "presentation" for tag, attrs in page.tags if tag == "table")
    assert dict(page.tags[0][1]) == {"lang": "en", "dir": "ltr"}
    assert {"name": "color-scheme", "content": "light dark"} in [attrs for tag, attrs in page.tags if tag == "meta"]
    assert "prefers-color-scheme:dark" in render(five_seeds()).html


def test_evidence_is_marked_and_a_title_names_its_language():
    rendered = render(digest(alert(funding())))
    marked = re.findall(r'<span class="m"[^>]*>([^<]*)</span>', rendered.html)
    assert marked == ["签约21个项目", "102亿元"]
    assert "“今年1至11月，重庆国际生物城[签约21个项目]，总投资[102亿元]" in rendered.text
    assert '<div dir="auto" lang="zh" style' in rendered.html


def test_titles_and_sources_link_to_the_news():
    links = Page(render(digest(alert(partnership()))).html).links
    assert links == [one.link for one in (partnership().sources[0], *partnership().sources)]


def test_an_immediate_alert_is_short_and_its_subject_is_the_news():
    rendered = render(immediate(alert(partnership(revision=2), update=True)))
    assert rendered.subject == (
        "Update: City partnerships: Liangjiang and Seoul sign a strategic agreement on life sciences"
    )
    assert "<h1" not in rendered.html
    assert rendered.text.startswith("CITY PARTNERSHIPS\n\n[Update] Liangjiang and Seoul")


def test_an_empty_digest_says_that_it_looked():
    rendered = render(digest())
    assert rendered.subject == "China biotech: nothing new, 22 Nov 2026"
    assert "Nothing new for you this time No event met your subscription." in Page(rendered.html).text
    assert "All 41 feeds checked." in rendered.text


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (Coverage(feeds_total=1, feeds_checked=1), "1 feed checked."),
        (Coverage(feeds_total=0, feeds_checked=0), "no feeds checked."),
        (Coverage(feeds_total=4, feeds_checked=3), "3 of 4 feeds checked."),
        (Coverage(feeds_total=2, feeds_checked=2, silent=("A",)), "All 2 feeds checked. Silent for long: A."),
        (Coverage(feeds_total=2, feeds_checked=1, failing=("A\r\nB",)), "1 of 2 feeds checked. Not reached: A B."),
    ],
)
def test_the_coverage_line_says_how_many_feeds_were_reached(coverage, words):
    assert words in render(digest(coverage=coverage)).text


def test_a_notice_is_told_in_its_own_words():
    rendered = render(digest(notice=Notice(subject="2 feeds fail", lines=("A: http 403", "B: dns"))))
    assert rendered.subject == "Watcher: 2 feeds fail"
    assert "A: http 403" in Page(rendered.html).text
    assert rendered.text.startswith("2 feeds fail\n\n  A: http 403\n  B: dns\n")


def test_the_html_stays_small_and_names_what_had_no_room():
    view = digest(*[alert(funding(id=number, title=f"Story {number} of a busy day")) for number in range(300)])
    rendered = render(view)
    shown = rendered.html.count("Why: ")
    assert len(rendered.html.encode()) <= HTML_LIMIT_BYTES
    assert 20 < shown < 100
    assert f"And {300 - shown} more" in Page(rendered.html).text
    assert f"and {260 - shown} more that this message has no room for" in rendered.text
    assert rendered.subject == "China biotech: 300 events, 22 Nov 2026"


def test_a_limit_too_small_for_any_event_still_gives_a_message():
    rendered = render(digest(*[alert(event(id=number)) for number in range(3)]), limit_bytes=1)
    assert "In short" in rendered.text
    assert "Why: " not in rendered.html


HOSTILE = (
    "Hi\r\nBcc: v@x.example",
    "a\u2028b\u0085c\x0bd",
    "lone \ud800 surrogate",
    "NUL \x00 here",
    "\u202egnp.exe",
    "=?utf-8?b?QmNj?=",
    "x" * 2000,
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "<style>@import url(//evil)</style>",
    "<form action=//evil><base href=//evil>",
    "</td></tr></table>",
    "<!--[if mso]><b>x</b><![endif]-->",
    "{{ 7*7 }}{% for x in y %}",
    "العربية " + "ا" * 500,
    "👨‍👩‍👧" * 400,
)


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_title_is_shown_as_text_and_harms_nothing(title):
    told = event(title=title, snippets=(snippet(title, title[:3]),), sources=(source(title, title),), rule_title=title)
    for view in (digest(alert(told), alert(partnership())), immediate(alert(told))):
        rendered = render(view)
        page = Page(rendered.html)
        assert page.open == []
        assert {tag for tag, _ in page.tags} <= {
            *("html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td"),
            *("h1", "h2", "a", "span", "b", "bdi"),
        }
        assert len(rendered.subject) <= 200
        assert "\n" not in rendered.subject
        for body in (rendered.subject, rendered.text, rendered.html):
            body.encode()
            assert not re.search("[\x00\r\u202e\u2028\u0085]", body)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "JaVa&#9;script:x", "data:text/html,x", "vbscript:x", None])
def test_a_link_that_is_no_web_address_is_left_out(link):
    told = event(sources=(source("t", "Feed", link=link),))
    rendered = render(digest(alert(told)))
    assert Page(rendered.html).links == []
    assert "Feed" in rendered.text


def test_the_sandbox_form_gives_the_same_through_json():
    view = five_seeds()
    payload = json.loads(json.dumps(rendering.payload(view)))
    assert render_json(payload) == wire.dump(render(view))


@pytest.mark.parametrize(
    "template",
    ["{{ ''.__class__ }}", "{{ 'a' * 500000000 }}", "{{ 2 ** 99999999 }}", "{{ '%s' % 1 }}", "{{ x.append(1) }}"],
)
def test_templates_cannot_reach_or_compute_what_they_should_not(template):
    with pytest.raises(SecurityError):
        rendering._environment().from_string(template).render(x=[])


@pytest.mark.parametrize("name", ["safe", "center", "replace", "indent", "format", "xmlattr", "pprint"])
def test_filters_that_undo_escaping_or_eat_memory_are_gone(name):
    assert name not in rendering._environment().filters


def test_a_missing_variable_is_an_error_and_not_an_empty_word():
    with pytest.raises(UndefinedError):
        rendering._environment().from_string("{{ nothing }}").render()
