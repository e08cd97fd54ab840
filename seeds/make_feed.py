"""Make the seed feed (RSS 2.0, Atom 1.0, JSON Feed 1.1) from the seed articles beside this script.

The output depends on the articles alone, so a second run changes no byte. Run it after an article was edited:
`python seeds/make_feed.py`. The demo's feed server and the tests serve what it wrote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from html import escape
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml

HERE = Path(__file__).parent
SITE = "https://news.example/seeds"
TITLE = "Seed news"
ABOUT = "Five articles on biotechnology that exercise the whole line."
ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DUBLIN = "http://purl.org/dc/elements/1.1/"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
NOON = time(12, tzinfo=UTC)
"""An article dated by day only is published at noon UTC: the same date from UTC-12 to UTC+11."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    id: str
    title: str
    source: str
    url: str
    language: str
    published_at: datetime
    body: str
    """Markdown: paragraphs and `##` headings."""

    @property
    def guid(self) -> str:
        return f"tag:news.example,2025:seeds/{self.id}"

    @property
    def summary(self) -> str:
        return self.body.split("\n\n", 1)[0]

    @property
    def html(self) -> str:
        return "\n".join(_block(block) for block in self.body.split("\n\n"))


def _block(block: str) -> str:
    tag, words = ("h2", block.removeprefix("## ")) if block.startswith("## ") else ("p", block)
    language = ' lang="zh-Hans"' if any("\u4e00" <= char <= "\u9fff" for char in words) else ""
    return f"<{tag}{language}>{escape(words, quote=False)}</{tag}>"


def read_article(path: Path) -> Article:
    """One Markdown file with YAML front matter (id, title, source, date, language, url)."""
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    head = yaml.safe_load(front)
    dated = head["date"]
    published_at = dated if isinstance(dated, datetime) else datetime.combine(_day(dated), NOON)
    return Article(
        id=head["id"],
        title=head["title"],
        source=head["source"],
        url=head["url"],
        language=head["language"],
        published_at=published_at.astimezone(UTC),
        body=body.strip(),
    )


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise ValueError(f"the date of an article is a day or an instant, not {value!r}")
    return value


def articles(folder: Path = HERE) -> tuple[Article, ...]:
    """The seed articles, newest first as feeds list them."""
    found = (read_article(path) for path in folder.glob("[0-9][0-9][0-9]-*.md"))
    return tuple(sorted(found, key=lambda article: article.published_at, reverse=True))


def _add(parent: ET.Element, tag: str, words: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = words
    return element


def _document(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def rss(news: tuple[Article, ...]) -> str:
    """RSS 2.0 with full text in content:encoded (https://www.rssboard.org/rss-specification)."""
    root = ET.Element("rss", {"version": "2.0", "xmlns:content": CONTENT, "xmlns:dc": DUBLIN, "xmlns:atom": ATOM})
    channel = _add(root, "channel")
    _add(channel, "title", TITLE)
    _add(channel, "link", SITE)
    _add(channel, "description", ABOUT)
    _add(channel, "language", "en")
    _add(channel, "lastBuildDate", format_datetime(news[0].published_at, usegmt=True))
    _add(channel, "atom:link", href=f"{SITE}/feed.rss.xml", rel="self", type="application/rss+xml")
    for article in news:
        item = _add(channel, "item")
        _add(item, "title", article.title)
        _add(item, "link", article.url)
        _add(item, "guid", article.guid, isPermaLink="false")
        _add(item, "pubDate", format_datetime(article.published_at, usegmt=True))
        _add(item, "dc:creator", article.source)
        _add(item, "description", article.summary)
        _add(item, "content:encoded", article.html)
    return _document(root)


def atom(news: tuple[Article, ...]) -> str:
    """Atom 1.0 (RFC 4287)."""
    root = ET.Element("feed", {"xmlns": ATOM, XML_LANG: "en"})
    _add(root, "title", TITLE)
    _add(root, "subtitle", ABOUT)
    _add(root, "id", f"{SITE}/")
    _add(root, "link", href=SITE)
    _add(root, "link", href=f"{SITE}/feed.atom.xml", rel="self", type="application/atom+xml")
    _add(root, "updated", _instant(news[0].published_at))
    for article in news:
        entry = _add(root, "entry", **{XML_LANG: article.language})
        _add(entry, "title", article.title)
        _add(entry, "link", href=article.url)
        _add(entry, "id", article.guid)
        _add(entry, "published", _instant(article.published_at))
        _add(entry, "updated", _instant(article.published_at))
        _add(_add(entry, "author"), "name", article.source)
        _add(entry, "summary", article.summary)
        _add(entry, "content", article.html, type="html")
    return _document(root)


def json_feed(news: tuple[Article, ...]) -> str:
    """JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/)."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": TITLE,
        "description": ABOUT,
        "home_page_url": SITE,
        "feed_url": f"{SITE}/feed.json",
        "language": "en",
        "items": [
            {
                "id": article.guid,
                "url": article.url,
                "title": article.title,
                "summary": article.summary,
                "content_html": article.html,
                "date_published": _instant(article.published_at),
                "language": article.language,
                "authors": [{"name": article.source}],
            }
            for article in news
        ],
    }
    return json.dumps(feed, ensure_ascii=False, indent=2) + "\n"


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def make(folder: Path = HERE) -> dict[str, str]:
    """The three feeds by file name."""
    news = articles(folder)
    return {"feed.rss.xml": rss(news), "feed.atom.xml": atom(news), "feed.json": json_feed(news)}


if __name__ == "__main__":
    for name, words in make().items():
        (HERE / name).write_text(words, encoding="utf-8", newline="\n")
