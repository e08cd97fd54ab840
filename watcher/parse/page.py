"""An article's HTML to its text: what is refused before and after, and how much work a page may make us.

trafilatura (the extra `fulltext`) finds the article in the page; it is given a tree and never fetches. Fetching the
page and what becomes of its text are left to others. Runs in the sandbox: `read`.
"""

from __future__ import annotations

import base64
import codecs
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from types import FrameType
from typing import Any, NoReturn
from urllib.parse import urlsplit

from watcher import wire
from watcher.model import JSON
from watcher.parse.charset import decode
from watcher.parse.language import detect, language_of
from watcher.parse.plain import FIELD_BYTES, cut, one_line, paragraphs, shorten

INSTALL = "pip install 'biotech-watcher[fulltext]'"
MAX_BYTES = 2 * 1024 * 1024
MAX_ELEMENTS = 10_000
MAX_DEPTH = 200
CPU_S = 0.5
"""Processor seconds for one page. Beyond nine tenths of it the page is refused; at its end the child is killed, since
what runs then is one call of the HTML library, which listens to nothing."""
OUT_OF_TIME = signal.SIGPROF.name
"""How the sandbox names the end of a child whose page took all its time."""
STUB_BYTES = 1500
"""A page that says it is for subscribers is taken as its stub below so much text."""
_TITLE_CHARACTERS = 1000
# Below so many the extractor takes any text of the page; its own 250 are too many for what Chinese says in a few.
_ARTICLE_CHARACTERS = 80
_WARM_UP = "The first page of a process pays for tables and models that later ones find ready."
_HTML = re.compile(r"\s*(?:text/html|application/xhtml\+xml|text/plain|)\s*(?:;|$)", re.IGNORECASE)
_LOOKS_LIKE_PAGE = re.compile(rb"<\s*(?:!doctype\s+html|html|head|body|article|div|p|h1)\b", re.IGNORECASE)
_OTHER_FORMATS = (b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"RIFF")
_START_TAG = re.compile(r"<[A-Za-z]")
_META_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HTTP_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
# Characters of GB 2312 are two high bytes; letters with marks of a Western set stand alone.
_GB2312 = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]")
# Never part of an article, and most of a page's weight.
_SILENT = (
    *("script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "video", "audio"),
    *("nav", "dialog", "select"),
)
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?false', re.IGNORECASE)
_FOR_SUBSCRIBERS = re.compile(
    r"(?:subscribe|sign in|log in|register|become a member)\b.{0,40}\b(?:to|and) (?:continue|keep|read|unlock|view)"
    r"|already (?:a )?(?:subscriber|member|subscribed)|(?:subscribers?|members?)[- ]only|only (?:for|to) subscribers"
    r"|this (?:article|content|story) is (?:reserved )?for (?:our )?(?:paying )?(?:subscribers|members)"
    r"|登[录陆]后(?:可)?(?:阅读|查看)|订阅后(?:可)?(?:阅读|查看)|付费(?:后)?(?:阅读|内容|文章)|会员专享|本文为付费",
    re.IGNORECASE,
)
_WORD = re.compile("[\u4e00-\u9fff]{2}|[^\\W\\d_]{4,}")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LEAST_SHARED = 0.3
_MOST_SHARED = 0.8
_WORDS_TO_COMPARE = 3


class Refusal(StrEnum):
    """Why a page gives an item no text; stored, shown and counted."""

    NO_EXTRACTOR = "no_extractor"
    NOT_HTML = "not_html"
    TOO_LARGE = "too_large"
    TOO_MANY_ELEMENTS = "too_many_elements"
    TOO_DEEP = "too_deep"
    TOO_COSTLY = "too_costly"
    NO_ARTICLE = "no_article"
    PAYWALL = "paywall"
    SHORTER = "shorter_than_feed"
    OTHER_PAGE = "other_page"
    """It shares too few words with the item's title: a front page, a notice, a page for all that is gone."""


class Refused(Exception):
    """The page gives no text; `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class _TooSlow(BaseException):
    """The page's time is over. No Exception, so that no library takes it for a fault of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An article as found in its page. `text` is plain, with paragraphs, at most 64 KB."""

    title: str
    text: str
    language: str | None
    paywalled: bool = False
    """The page says that it is for subscribers."""


# ── before: what is worth reading ────────────────────────────────────────────────────────────────────────────────────


def available() -> bool:
    """Is the extractor installed?"""
    return find_spec("trafilatura") is not None


def is_html(body: bytes, content_type: str | None) -> bool:
    """Does the header say HTML, or nothing useful of what looks like HTML?"""
    said = (content_type or "").strip()
    if (said and not _HTML.match(said)) or body.startswith(_OTHER_FORMATS):
        return False
    return said.lower().startswith(("text/html", "application/xhtml")) or bool(_LOOKS_LIKE_PAGE.search(body[:4096]))


def _codec(label: str) -> str | None:
    try:
        return codecs.lookup(label).name
    except LookupError:
        return None


def _charset_hint(body: bytes, content_type: str) -> str:
    """The header, or in its place what the page says of itself where servers' defaults are known to lie.

    A header names a multi-byte set other than UTF-8 only on purpose; UTF-8 and the Western sets are defaults.
    """
    http, meta = _HTTP_CHARSET.search(content_type), _META_CHARSET.search(body[:4096])
    served = _codec(http[1]) if http else None
    if served is not None and served.startswith(("gb", "big5", "euc", "shift", "cp932", "cp949", "iso2022")):
        return content_type
    if meta and _codec(meta[1].decode("ascii")):
        return f"text/html; charset={meta[1].decode('ascii')}"
    return content_type if served else "text/html"


def text_of(body: bytes, content_type: str | None) -> str:
    """The page's source as text: by BOM, header and `<meta>`; unlabelled Chinese is known by what it decodes to."""
    hint = _charset_hint(body, content_type or "")
    text, name = decode(body, hint)
    if name == "cp1252" and "charset" not in hint and 2 * len(_GB2312.findall(body)) > 0.9 * len(_HIGH.findall(body)):
        return body.decode("gb18030", "replace")
    return text


# ── the tree ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _library() -> tuple[Any, Callable[[Any], Any]]:
    """lxml.html and the extractor, imported and tried once, since first pages cost half a second more.

    Raises Refused when the extra is not installed.
    """
    try:
        lxml_html, trafilatura = import_module("lxml.html"), import_module("trafilatura")
    except ImportError:
        raise Refused(Refusal.NO_EXTRACTOR) from None
    config = import_module("trafilatura.settings").use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_ARTICLE_CHARACTERS))
    extract = partial(trafilatura.bare_extraction, include_comments=False, config=config)
    for words in (_WARM_UP, "Short."):  # for a short text other finders are asked too
        extract(lxml_html.document_fromstring(f"<html><body><p>{words}</p></body></html>"))
    detect(_WARM_UP)
    return lxml_html, extract


def _tree(lxml_html: Any, source: str) -> Any:
    """The page's tree without what is never text. Raises Refused for what is too large to be an article."""
    if len(_START_TAG.findall(source)) > 3 * MAX_ELEMENTS:
        raise Refused(Refusal.TOO_MANY_ELEMENTS)
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        tree = lxml_html.document_fromstring(source.encode("utf-8", "ignore"), parser=parser)
    except (ValueError, lxml_html.etree.LxmlError):
        raise Refused(Refusal.NO_ARTICLE) from None
    for element in list(tree.iter(*_SILENT)):
        if element.getparent() is not None:
            element.drop_tree()
    _measure(lxml_html.etree, tree)
    return tree


def _measure(etree: Any, tree: Any) -> None:
    depth = count = 0
    for step, _element in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if step == "start" else -1
        count += step == "start"
        if depth > MAX_DEPTH:
            raise Refused(Refusal.TOO_DEEP)
        if count > MAX_ELEMENTS:
            raise Refused(Refusal.TOO_MANY_ELEMENTS)


def _title(tree: Any) -> str:
    for path in ("//meta[@property='og:title']/@content", "//h1//text()", "//title/text()"):
        found = one_line(" ".join(tree.xpath(path)[:20]))
        if found:
            return shorten(found, _TITLE_CHARACTERS)
    return ""


def _plain(text: str, title: str) -> str:
    """The extractor's lines as paragraphs; rows of tables lose their bars, and a headline on top goes."""
    made = ""
    for line in text.splitlines():
        if line.startswith("|"):
            line = " ".join(cell.strip() for cell in line.strip("|").split("|") if cell.strip("- "))
        line = one_line(line)
        if line and not (not made and line.casefold() == title.casefold()):
            made += ("\n" if line.startswith("- ") else "\n\n") + line
    return cut(paragraphs(made), FIELD_BYTES).strip()


def parse(body: bytes, content_type: str | None) -> Page:
    """The article in an HTML page (English, Chinese and what else trafilatura reads). Raises Refused.

    `content_type` is the HTTP header. Menus, banners, comments and lists of other articles are left out.
    """
    if len(body) > MAX_BYTES:
        raise Refused(Refusal.TOO_LARGE)
    if not is_html(body, content_type):
        raise Refused(Refusal.NOT_HTML)
    lxml_html, extract = _library()
    source = text_of(body, content_type).replace("\x00", "")
    tree = _tree(lxml_html, source)
    title, said = _title(tree), one_line(tree.get("lang") or "")
    try:
        found = extract(tree)
    except RecursionError:
        raise Refused(Refusal.TOO_DEEP) from None
    text = _plain(found.text or "", title) if found is not None else ""
    if not text:
        raise Refused(Refusal.NO_ARTICLE)
    paywalled = bool(_NOT_FREE.search(source) or _FOR_SUBSCRIBERS.search(text))
    return Page(title=title, text=text, language=language_of(said, "", text), paywalled=paywalled)


# ── after: is it what the feed spoke of? ─────────────────────────────────────────────────────────────────────────────


def _size(text: str) -> int:
    """Bytes of UTF-8: a Chinese character, three bytes, says about as much as three Latin letters."""
    return len(text.encode("utf-8", "ignore"))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def refusal(page: Page, *, title: str, brought: str, url: str, final_url: str) -> Refusal | None:
    """Why `page` is no better than what the feed brought of the item, or None when it is.

    `title` and `brought` are the feed's; `url` was asked for and `final_url` answered.
    """
    if page.paywalled and _size(page.text) < STUB_BYTES:
        return Refusal.PAYWALL
    if _size(page.text) <= _size(brought):
        return Refusal.SHORTER
    if urlsplit(final_url).path in ("", "/") and urlsplit(url).path not in ("", "/"):
        return Refusal.OTHER_PAGE
    asked = _words(title)
    if len(asked) < _WORDS_TO_COMPARE:
        return None
    told = f"{page.title} {page.text}".casefold()
    shared = sum(word in told for word in asked)
    return Refusal.OTHER_PAGE if shared < _LEAST_SHARED * len(asked) else None


def joined(brought: str, article: str) -> str:
    """The article, after what the feed brought where it lacks some of it: a standfirst, a number. At most 64 KB."""
    there = article.casefold()
    asked = _words(brought)
    told = sum(word in there for word in asked) >= _MOST_SHARED * len(asked)
    if told and all(number in there for number in _NUMBER.findall(brought)):
        return article
    return cut(f"{brought}\n\n{article}", FIELD_BYTES).strip()


# ── in the sandbox ───────────────────────────────────────────────────────────────────────────────────────────────────


def _out_of_time(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _TooSlow


@contextmanager
def _bounded(cpu_s: float) -> Iterator[None]:
    """Refuse what takes longer than that; kill this process if it cannot even be told."""
    signal.signal(signal.SIGVTALRM, _out_of_time)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.9 * cpu_s)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        yield
    except _TooSlow:
        raise Refused(Refusal.TOO_COSTLY) from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def read(payload: JSON) -> JSON:
    """`parse` for the sandbox: `{"body_b64", "content_type"}` in, `Page`'s wire form or `{"refused": why}` out."""
    body = base64.b64decode(payload["body_b64"])
    try:
        _library()
        with _bounded(CPU_S):
            page = parse(body, payload.get("content_type"))
    except Refused as refused:
        return {"refused": refused.reason.value}
    return wire.dump(page)
