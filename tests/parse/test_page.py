"""What is taken from article pages, what is refused, and what a hostile page costs."""

from __future__ import annotations

import base64
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from article_pages import BANNER, CHINESE, ENGLISH, RELATED, article_page, chinese_page, stub_page
from services.web import HttpSink

from watcher.errors import SandboxFailed
from watcher.parse import page
from watcher.parse.page import CPU_S, MAX_BYTES, Page, Refusal, Refused, joined, parse, refusal
from watcher.sandbox import Sandbox

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"
HTML = "text/html; charset=utf-8"
MB = 1_000_000


def test_an_english_article_is_found_whole_and_alone() -> None:
    found = parse(article_page(ENGLISH).encode(), HTML)
    assert found.text == "\n\n".join(ENGLISH)
    assert (found.title, found.language, found.paywalled) == ("Kestrel Bio pays for its next trials", "en", False)


def test_a_chinese_article_is_found_whole_and_alone() -> None:
    found = parse(chinese_page().encode(), HTML)
    assert found == Page(title="启明医药落户重庆国际生物城", text="\n\n".join(CHINESE), language="zh")


@pytest.mark.parametrize("odd", [BANNER, RELATED, "Script Corp", "A reader:", "Copyright", "Tweet", "About us"])
def test_what_is_around_the_article_is_left_out(odd: str) -> None:
    source = article_page(ENGLISH)
    assert odd in source
    assert odd not in parse(source.encode(), HTML).text


def test_lists_and_tables_of_an_article_stay_readable() -> None:
    extra = "<ul><li>First trial in 2027</li><li>Second site in Basel</li></ul>"
    extra += "<table><tr><th>Round</th><th>Amount</th></tr><tr><td>Series A</td><td>$12 million</td></tr></table>"
    source = article_page(ENGLISH).replace("</article>", f"{extra}<p>{ENGLISH[0]} Again.</p></article>")
    assert parse(source.encode(), HTML).text == (
        "\n\n".join(ENGLISH) + "\n- First trial in 2027\n- Second site in Basel\n\nRound Amount\n\n"
        f"Series A $12 million\n\n{ENGLISH[0]} Again."
    )


@pytest.mark.parametrize(
    ("charset", "content_type", "head"),
    [
        ("utf-8", "text/html; charset=utf-8", ""),
        ("utf-8", "text/html; charset=iso-8859-1", ""),
        ("utf-8", "text/html; charset=gb2312", ""),
        ("utf-8", "", ""),
        ("utf-8-sig", "text/html", ""),
        ("utf-16", "text/html", ""),
        ("gb18030", "text/html; charset=gbk", ""),
        ("gb18030", "text/html", '<meta charset="gb2312">'),
        ("gb18030", "text/html; charset=utf-8", "<meta http-equiv=Content-Type content='text/html; charset=GBK'>"),
        ("gb18030", "text/html; charset=ISO-8859-1", '<meta charset="gb2312">'),
        ("gb18030", "text/html; charset=gb2312", '<meta charset="utf-8">'),
        ("gb18030", "text/html", ""),
        ("gb18030", "text/html; charset=nonsense", '<meta charset="more nonsense">'),
    ],
)
def test_input_95_a_wrong_or_missing_charset_does_not_garble_a_page(charset: str, content_type: str, head: str) -> None:
    assert parse(chinese_page(head).encode(charset), content_type).text == "\n\n".join(CHINESE)


def test_western_pages_that_say_nothing_are_read_as_western() -> None:
    words = "Die Förderung für München beträgt fünf Millionen Euro, sagte der Geschäftsführer am Dienstag in Köln. " * 3
    found = parse(article_page([words.strip()], language="de").encode("cp1252"), "text/html")
    assert (found.text, found.language) == (words.strip(), "de")


def test_inputs_107_to_111_odd_characters_do_not_come_through() -> None:
    title = "Kestrel\u2028Bio\x00 \u202eraises\r\nBcc: a@b.example &#xD800;money"
    dirty = [f"\u202e{ENGLISH[0]}\x00", f"{ENGLISH[1]}\u2066 &#0;&#xD800;&#x202E;"]
    source = article_page(ENGLISH[2:]).replace("<article>", "<article>" + "".join(f"<p>{one}</p>" for one in dirty))
    source = source.replace("Kestrel Bio pays for its next trials", title)
    found = parse(source.encode(), HTML)
    assert ENGLISH[0] in found.text
    assert ENGLISH[1] in found.text
    for odd in ("\x00", "\u202e", "\u2066", "\u2028", "\ud800", "\r"):
        assert odd not in found.text + found.title
    assert "\n" not in found.title


def test_the_language_is_the_texts_and_not_a_templates() -> None:
    assert parse(chinese_page().replace("zh-CN", "en-US").encode(), HTML).language == "zh"
    assert parse(article_page(ENGLISH, language="").encode(), HTML).language == "en"


def test_a_text_is_at_most_64_kb() -> None:
    source = article_page([f"{number}: {ENGLISH[1]}" for number in range(1500)])
    assert 65_000 < len(parse(source.encode(), HTML).text.encode()) <= 65_536


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"%PDF-1.7 \x00\x01", "application/pdf", Refusal.NOT_HTML),
        (b"%PDF-1.7 \x00\x01", "", Refusal.NOT_HTML),
        (b"%PDF-1.7 <html>", "text/html", Refusal.NOT_HTML),
        (b'{"error": "no"}', "application/json", Refusal.NOT_HTML),
        (b"\x89PNG\r\n", "image/png", Refusal.NOT_HTML),
        (b"just words", "text/plain", Refusal.NOT_HTML),
        (gzip.compress(b"<html>", mtime=0), "application/gzip", Refusal.NOT_HTML),
        (b"", "text/html", Refusal.NO_ARTICLE),
        (b"<html></html>", "text/html", Refusal.NO_ARTICLE),
        (b"<!-- nothing -->", "text/html", Refusal.NO_ARTICLE),
        (b"<html>" + b" " * MAX_BYTES, "text/html", Refusal.TOO_LARGE),
    ],
)
def test_what_is_no_article_is_refused_with_its_reason(body: bytes, content_type: str, reason: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        parse(body, content_type)
    assert refused.value.reason is reason


# ── is the page better than the feed? ────────────────────────────────────────────────────────────────────────────────

LINK = "https://news.example/kestrel"


def judged(found: Page, *, title: str = "", brought: str = "", final_url: str = LINK) -> Refusal | None:
    return refusal(found, title=title, brought=brought, url=LINK, final_url=final_url)


@pytest.mark.parametrize(
    ("wall", "head"),
    [
        ("Subscribe to continue reading this story and all of our reporting on the business of new drugs.", ""),
        ("Already a subscriber? Please sign in with your address and your password to go on from here.", ""),
        ("This content is for members of the club that pays for our reporting on the business of drugs.", ""),
        ("本文为付费内容，请开通会员后阅读全文，感谢您对我们报道的支持。", ""),
        ("登录后阅读全文，感谢您对我们报道的支持与关注。", ""),
        (
            "The rest of this report tells who put in how much, and what the company will do with the money.",
            '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": "False"}</script>',
        ),
    ],
)
def test_a_stub_for_subscribers_is_refused(wall: str, head: str) -> None:
    found = parse(stub_page(ENGLISH[0], wall, head).encode(), HTML)
    assert judged(found, brought=ENGLISH[0]) is Refusal.PAYWALL


def test_a_whole_article_with_a_word_about_subscribing_is_taken() -> None:
    found = parse(article_page([*ENGLISH * 3, "Subscribe to read more such stories each week."]).encode(), HTML)
    assert found.paywalled
    whole = Page(title=found.title, text=found.text + " More." * 200, language="en", paywalled=True)
    assert judged(whole) is None


@pytest.mark.parametrize(
    ("found", "given", "verdict"),
    [
        (Page(title="", text="Short.", language="en"), {"brought": "A longer text than that."}, Refusal.SHORTER),
        (Page(title="", text="Same.", language="en"), {"brought": "Same."}, Refusal.SHORTER),
        (Page(title="", text="药" * 20, language="zh"), {"brought": "n" * 59}, None),
        (
            Page(title="", text="A front page.", language="en"),
            {"final_url": "https://news.example/"},
            Refusal.OTHER_PAGE,
        ),
        (
            Page(title="Page not found", text="We are sorry, nothing is here any more.", language="en"),
            {"title": "Kestrel Bio raises money for kidney drugs"},
            Refusal.OTHER_PAGE,
        ),
        (
            Page(title="", text="The kidney drugs of Kestrel are paid for.", language="en"),
            {"title": "Kestrel Bio raises money for kidney drugs"},
            None,
        ),
        (
            Page(title="页面不存在", text="您访问的页面不存在。", language="zh"),
            {"title": "启明医药落户重庆国际生物城"},
            Refusal.OTHER_PAGE,
        ),
        (Page(title="", text=CHINESE[0], language="zh"), {"title": "启明医药落户重庆国际生物城"}, None),
        (Page(title="", text="Another matter.", language="en"), {"title": "Deal news"}, None),
    ],
    ids=["shorter", "equal", "by bytes", "front page", "not found", "like it", "不存在", "像", "too few words to say"],
)
def test_a_page_must_say_more_than_the_feed_and_of_the_same(
    found: Page, given: dict[str, Any], verdict: Refusal | None
) -> None:
    assert judged(found, **given) is verdict


@pytest.mark.parametrize(
    ("brought", "kept"),
    [
        (ENGLISH[1], False),
        (ENGLISH[1][:60] + "…", False),
        (ENGLISH[1].upper(), False),
        ("", False),
        (CHINESE[1][:30] + "……", True),
        ("Kestrel Bio raised $36 million, and $400 million before.", True),
        ("An exclusive report on the plans that nobody else has seen.", True),
    ],
)
def test_what_the_feed_says_is_kept_where_the_page_lacks_it(brought: str, kept: bool) -> None:
    article = "\n\n".join(ENGLISH)
    assert joined(brought, article) == (f"{brought}\n\n{article}" if kept else article)


def test_what_a_chinese_feed_says_is_known_in_its_page() -> None:
    article = "\n\n".join(CHINESE)
    assert joined(CHINESE[1][:30] + "……", article) == article


# ── hostile pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def body(inside: str) -> str:
    return f"<html><body>{inside}</body></html>"


def fill(unit: str, size: int = MB) -> str:
    return unit * (size // len(unit))


HOSTILE = {
    "input-071 two megabytes of text": body("<p>" + fill("word ", 2 * MB)),
    "input-081 a title of 1 MB": f"<html><title>{'x' * MB}</title><body><p>text of a page</p></body></html>",
    "input-082 20,000 nested b": body("<b>" * 20_000 + "x" + "</b>" * 20_000),
    "input-083 100,000 attributes": body("<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x"),
    "nested div": body(fill("<div>")),
    "nested tables": body(fill("<table><tr><td>")),
    "nested lists": body("<ul><li>" * 150 + "x"),
    "short paragraphs": body(fill("<p>a</p>")),
    "line breaks": body(fill("<br>")),
    "links": body(fill("<a href=/x>l</a> ")),
    "tables": body(fill("<table><tr><td>x</td></tr></table>")),
    "rows": body("<table>" + fill("<tr><td>x<td>y")),
    "list items": body("<ul>" + fill("<li>abc def")),
    "spans": body("<article><p>" + fill("<span>word </span>")),
    "9,000 bold words": body("<article><p>" + "<b>word</b> " * 9000),
    "9,000 spans": body("<article><p>" + "<span>word </span>" * 9000),
    "3,000 tables": body("<table><tr><td>x</td></tr></table>" * 3000),
    "9,000 paragraphs 150 deep": body("<div>" * 150 + "<p>a</p>" * 9000),
    "one long class": body(f'<div class="{"a-" * 500_000}">x</div>'),
    "long classes": body(f'<div class="{"comment-share " * 200}">some words</div>' * 300),
    "an endless word": body("<p>" + "x" * MB),
    "spaces": body("<p>" + " " * MB + "x"),
    "angle brackets": body(fill("<")),
    "entities": body("<p>" + fill("&amp;")),
    "comments": body(fill("<!-- x -->")),
    "open comment": body("<!--" + fill("<p>a</p>")),
    "script": body("<script>" + fill("var a = '<p>x</p>';") + "</script><p>text</p>"),
    "json-ld": body('<script type="application/ld+json">' + fill("[") + "</script>"),
    "meta without end": "<meta " * 100_000,
    "subscribe": body("<p>" + fill("subscribe ")),
    "entity bomb": '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + body("<p>&b;"),
    "a thousand headlines": body(fill("<h1>word</h1>", 100_000)),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_costs_half_a_second_or_is_refused(sandbox: Sandbox, source: str) -> None:
    payload = {"body_b64": base64.b64encode(source.encode()).decode(), "content_type": "text/html"}
    try:
        timed = sandbox.call("article_pages:read_timed", payload, timeout_s=30)
    except SandboxFailed as failed:
        assert page.OUT_OF_TIME in str(failed)  # its half second ended in the middle of one call of the library
        return
    assert timed["cpu_s"] < CPU_S + 0.1
    assert "refused" in timed["answer"] or timed["answer"]["text"]


def test_after_a_hostile_page_the_next_one_is_read(sandbox: Sandbox) -> None:
    hostile, good = HOSTILE["9,000 bold words"], article_page(ENGLISH)
    for source in (hostile, good):
        payload = {"body_b64": base64.b64encode(source.encode()).decode(), "content_type": "text/html"}
        try:
            answer = sandbox.call("watcher.parse.page:read", payload, timeout_s=30)
        except SandboxFailed:
            answer = {"refused": "too_costly"}
    assert answer["text"] == "\n\n".join(ENGLISH)


def test_the_extractor_fits_into_the_default_sandbox_with_room_to_spare() -> None:
    with Sandbox(memory_mb=320) as small:
        payload = {"body_b64": base64.b64encode(article_page(ENGLISH).encode()).decode(), "content_type": "text/html"}
        assert small.call("watcher.parse.page:read", payload, timeout_s=30)["title"]


@pytest.mark.parametrize(
    "words", [["Kestrel Bio pays for trials."], ENGLISH, ["一句话。"]], ids=["short", "long", "zh"]
)
def test_the_first_page_of_a_process_pays_for_nothing_but_itself(words: list[str]) -> None:
    with Sandbox() as fresh:
        assert fresh.call("article_pages:first_timed", article_page(words), timeout_s=60) < CPU_S / 4


def test_a_page_makes_the_extractor_contact_nobody(http_sink: HttpSink) -> None:
    there = http_sink.url("/x")
    head = f"<base href='{there}'><link rel=canonical href='{there}'><meta http-equiv=refresh content='0; url={there}'>"
    head += f"<link rel=stylesheet href='{there}'><script src='{there}'></script>"
    source = article_page(ENGLISH, head=head, after=f"<img src='{there}'><iframe src='{there}'></iframe>")
    source = source.replace("<!DOCTYPE html>", f"<!DOCTYPE html SYSTEM '{there}' [<!ENTITY x SYSTEM '{there}'>]>")
    assert parse(source.replace("Kestrel Bio,", "&x;Kestrel Bio,", 1).encode(), HTML).text
    assert http_sink.requests == []


def test_a_missing_extractor_is_said_and_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    page._library.cache_clear()
    assert not page.available()
    payload = {"body_b64": base64.b64encode(article_page(ENGLISH).encode()).decode(), "content_type": "text/html"}
    assert page.read(payload) == {"refused": "no_extractor"}


# ── the seed articles ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seed articles are not here")
def test_the_seed_articles_come_out_of_a_page_as_they_went_in() -> None:
    for path in sorted(SEEDS.glob("*.txt")):
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if len(line.strip()) > 40]
        found = parse(article_page(lines[1:], title=lines[0]).encode(), HTML)
        lost = [line for line in lines[1:] if line not in found.text and " ".join(line.split()) not in found.text]
        assert (path.name, lost) == (path.name, [])
        assert RELATED not in found.text
