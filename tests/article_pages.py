"""Article pages as publishers serve them: an article between menus, banners, scripts and lists of other articles."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from watcher.parse import page

ENGLISH = (
    "Kestrel Bio, a maker of kidney drugs in Basel, has told its shareholders how it will pay for its next trials.",
    "Kestrel Bio raised $36 million from Northwind Capital and Harbor Ventures, the company said on Tuesday.",
    "The money pays for a trial of its first compound in 240 patients and for a second laboratory.",
    "“We can now treat patients,” said the chief executive, who founded the company with two chemists.",
    "Founded in 2019, the company employs forty people and works on small molecules against fibrosis.",
)
CHINESE = (
    "重庆国际生物城近日与苏州启明医药签署合作协议，双方将共建抗体药物研发平台。",
    "根据协议，启明医药计划总投资12亿元人民币，在生物城建设抗体药物生产基地，预计明年年底投产。",
    "项目建成后，可年产抗体药物五百万支，并带动上下游企业二十余家落户园区。",
    "园区负责人表示，将在审批、人才和资金方面为企业提供全程服务，支持企业开展国际多中心临床试验。",
)
RELATED = "Osprey Therapeutics signs $900 million deal with Falcon Pharma"
BANNER = "We use cookies to give you the best experience and to measure how you use our pages."

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
TITLE = "Kestrel Bio pays for its next trials"
SUMMARY = "Kestrel Bio has told its shareholders how it will pay."
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a feed brings of an article: by default a summary that the English one holds."""

    name: str
    link: str
    title: str = TITLE
    text: str = SUMMARY
    at: datetime | None = NOON


def rss(*entries: Entry) -> bytes:
    """A feed that links to the pages of its entries."""
    told = "".join(
        f"<item><guid isPermaLink='false'>{one.name}</guid><title>{escape(one.title)}</title>"
        f"<link>{escape(one.link)}</link><description>{escape(one.text)}</description>"
        + (f"<pubDate>{format_datetime(one.at)}</pubDate>" if one.at else "")
        + "</item>"
        for one in entries
    )
    return f"<rss version='2.0'><channel><title>News</title>{told}</channel></rss>".encode()


def article_page(
    paragraphs: Sequence[str],
    *,
    title: str = "Kestrel Bio pays for its next trials",
    language: str = "en",
    head: str = "",
    after: str = "",
) -> str:
    """A whole page around the paragraphs, with everything that is not the article."""
    body = "".join(f"<p>{escape(one)}</p>\n" for one in paragraphs)
    others = "".join(f"<li><a href='/{n}'>{RELATED} {n}</a></li>" for n in range(4))
    menu = "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("Home", "News", "Deals", "Jobs", "About us"))
    return f"""<!DOCTYPE html>
<html lang="{language}"><head><title>{escape(title)} | Daily Bio</title>{head}
<meta property="og:title" content="{escape(title)}"><style>p {{ color: black }}</style>
<script>window.data = {{"p": "<p>Script Corp raised $77 million.</p>"}};</script></head>
<body><div id="cookie-banner" class="cookie-consent"><p>{BANNER}</p><button>Accept all</button></div>
<header><nav class="menu"><ul>{menu}</ul></nav></header>
<main><article><h1>{escape(title)}</h1>
<div class="share"><a href="#">Share</a> <a href="#">Tweet</a></div>
{body}</article>{after}
<aside class="related"><h3>Related articles</h3><ul>{others}</ul></aside>
<section class="comments" id="comments"><p>A reader: I would put in $5 million myself.</p></section></main>
<footer><p>Copyright Daily Bio. All rights reserved.</p></footer>
<script src="https://tracker.example/t.js"></script></body></html>"""


def chinese_page(head: str = "") -> str:
    """The Chinese article's page."""
    return article_page(CHINESE, title="启明医药落户重庆国际生物城", language="zh-CN", head=head)


def stub_page(lede: str, wall: str, head: str = "") -> str:
    """What a reader without a subscription is shown."""
    return article_page([lede, wall], head=head)


def read_timed(payload: Any) -> Any:
    """`page.read` with the processor seconds that it took; the first page of a process pays for the library."""
    page.read({"body_b64": base64.b64encode(article_page(ENGLISH).encode()).decode(), "content_type": "text/html"})
    begun = time.process_time()
    answer = page.read(payload)
    return {"answer": answer, "cpu_s": time.process_time() - begun}


def first_timed(source: str) -> float:
    """The processor seconds of a process's first page, once the library is there."""
    page._library()
    begun = time.process_time()
    page.parse(source.encode(), "text/html")
    return time.process_time() - begun
