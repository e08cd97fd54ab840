"""Full text over the real steps: pages on a real server, what items become by them, and what a bad page costs."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from article_pages import CHINESE, ENGLISH, HTML, NOON, SUMMARY, Entry, article_page, chinese_page, rss, stub_page
from services.web import HttpSink
from sqlalchemy import select

from watcher import pipeline, runtime, settings
from watcher.model import AlertHistory, FeedConfig, Origin, Secret
from watcher.net.client import GuardedClient
from watcher.pipeline import Step
from watcher.sandbox import Sandbox
from watcher.store import feeds, overview, pages
from watcher.store.schema import items as item_rows
from watcher.store.schema import pages as page_rows


@dataclass(kw_only=True)
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass(kw_only=True)
class Reader:
    """One process that polls feeds with full text, under a clock that the tests move."""

    rt: runtime.Runtime
    web: HttpSink
    clock: Clock
    asked: list[tuple[datetime, str]] = field(default_factory=list)

    def follow(self, path: str = "/feed", **config: Any) -> None:
        with self.rt.database.write() as conn:
            chosen = FeedConfig(url=self.web.url(path), full_text=True, **{"alert_history": AlertHistory.ALL, **config})
            feeds.add(conn, chosen, origin=Origin.CLI, now=self.clock())

    def bring(self, *entries: Entry, path: str = "/feed", **config: Any) -> None:
        """Let the feed hold these entries, and poll it."""
        self.web.serve(path, rss(*entries))
        self.follow(path, **config)
        with self.rt.database.write() as conn:
            feeds.poll_now(conn, now=self.clock())
        pipeline.refresh_feeds(self.rt, pipeline.due(self.rt)[Step.FEEDS])

    def page(self, source: str | bytes, path: str = "/a", **answer: Any) -> str:
        """Serve a page; its URL."""
        body = source if isinstance(source, bytes) else source.encode()
        headers = {"Content-Type": HTML, **answer.pop("headers", {})}
        self.web.answer(path, body=body, headers=headers, **answer)
        return self.web.url(path)

    def read(self, **later: float) -> list[str]:
        """Let so much time pass and fetch what pages are due; the paths that were asked."""
        self.clock.now += timedelta(**later)
        before = len(self.web.requests)
        with self.rt.database.read() as conn:
            ids = pages.due(conn, now=self.clock(), limit=200)
        for start in range(0, len(ids), 10):
            pipeline.fetch_pages(self.rt, ids[start : start + 10])
        made = [request.path for request in self.web.requests[before:]]
        self.asked += [(self.clock(), path) for path in made]
        return made

    def item(self, number: int = 1) -> Any:
        with self.rt.database.read() as conn:
            return conn.execute(select(item_rows).where(item_rows.c.id == number)).one()

    def row(self, item: int = 1) -> Any:
        with self.rt.database.read() as conn:
            return conn.execute(select(page_rows).where(page_rows.c.item_id == item)).one_or_none()

    def told(self, item: int = 1) -> tuple[str, str, int]:
        row = self.row(item)
        return row.state, row.reason, row.tries


@pytest.fixture(scope="module")
def extractor() -> Iterator[Sandbox]:
    with Sandbox() as child:
        yield child


@pytest.fixture
def reader(sqlite_url: str, http_sink: HttpSink, tmp_path: Path, extractor: Sandbox) -> Iterator[Reader]:
    environ = {"WATCHER_DATABASE_URL": sqlite_url, "WATCHER_DATA_DIR": str(tmp_path)}
    environ |= {"WATCHER_CONFIG_PATH": str(tmp_path / "watcher.yml"), "WATCHER_ALLOW_PRIVATE": "127.0.0.0/8"}
    clock = Clock()
    rt = runtime.open(settings.load(environ), clock=clock)
    rt.sandbox.close()
    rt.sandbox = extractor
    yield Reader(rt=rt, web=http_sink, clock=clock)
    rt.client.close()
    rt.database.close()


# ── what an item becomes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_gets_the_text_of_its_page(reader: Reader) -> None:
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    before = reader.item()
    assert (before.text, before.from_page) == (SUMMARY, False)
    assert reader.read() == ["/a"]
    after = reader.item()
    assert (after.text, after.from_page) == ("\n\n".join(ENGLISH), True)
    assert (after.content_hash, after.summary) == (before.content_hash, before.summary)
    assert reader.told() == ("read", "read", 1)
    assert reader.read(hours=1) == []


def test_what_only_the_feed_says_stays_before_the_article(reader: Reader) -> None:
    said = "Kestrel Bio is said to be worth $400 million."
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH)), text=said))
    reader.read()
    assert reader.item().text == "\n\n".join([said, *ENGLISH])
    assert reader.row().text == "\n\n".join(ENGLISH)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [("utf-8", HTML), ("utf-8", "text/html; charset=iso-8859-1"), ("gb18030", "text/html; charset=utf-8")],
)
def test_a_chinese_page_is_read_whatever_its_header_says(reader: Reader, charset: str, content_type: str) -> None:
    source = chinese_page(f'<meta charset="{charset}">').encode(charset)
    link = reader.page(source, headers={"Content-Type": content_type})
    reader.bring(Entry(name="a", link=link, title="启明医药落户重庆国际生物城", text=CHINESE[0][:20] + "…"))
    reader.read()
    assert reader.item().text == "\n\n".join(CHINESE)


def test_a_gzipped_page_is_read(reader: Reader) -> None:
    link = reader.page(gzip.compress(article_page(ENGLISH).encode()), headers={"Content-Encoding": "gzip"})
    reader.bring(Entry(name="a", link=link))
    reader.read()
    assert reader.item().text == "\n\n".join(ENGLISH)


def test_a_page_that_moved_is_followed(reader: Reader) -> None:
    reader.web.answer("/old", status=302, headers={"Location": reader.page(article_page(ENGLISH))})
    reader.bring(Entry(name="a", link=reader.web.url("/old")))
    assert reader.read() == ["/old", "/a"]
    assert reader.item().from_page


def test_a_request_for_a_page_says_who_asks_and_nothing_of_the_feeds_own(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEED_TOKEN", "secret")
    link = reader.page(article_page(ENGLISH))
    reader.bring(Entry(name="a", link=link), headers={"Authorization": Secret(env="FEED_TOKEN")})
    reader.read()
    (request,) = reader.web.got("/a")
    assert request.headers["User-Agent"].startswith("biotech-watcher/")
    assert request.headers["Accept"].startswith("text/html")
    assert [name for name in ("Authorization", "Cookie", "Referer", "If-None-Match") if name in request.headers] == []


def test_a_feed_without_full_text_wants_no_pages(reader: Reader) -> None:
    link = reader.page(article_page(ENGLISH))
    reader.web.serve("/feed", rss(Entry(name="a", link=link)))
    with reader.rt.database.write() as conn:
        feeds.add(conn, FeedConfig(url=reader.web.url("/feed")), origin=Origin.CLI, now=NOON)
    pipeline.refresh_feeds(reader.rt, [1])
    assert reader.row() is None


def test_a_first_fetch_does_not_ask_for_pages_of_long_ago(reader: Reader) -> None:
    link = reader.page(article_page(ENGLISH))
    old = [Entry(name=f"old-{n}", link=f"{link}?{n}", at=NOON - timedelta(days=n)) for n in range(2, 40)]
    new = Entry(name="new", link=link, at=NOON - timedelta(hours=3))
    undated = Entry(name="undated", link=link, at=None)
    reader.bring(new, *old, undated, alert_history=AlertHistory.NONE)
    assert reader.read() == ["/a"]
    assert [reader.told(number)[1] for number in (1, 2, 39, 40)] == ["read", "history", "history", "history"]


def test_at_most_a_hundred_pages_of_one_document_are_wanted(reader: Reader) -> None:
    link = reader.page(article_page(ENGLISH))
    reader.bring(*(Entry(name=f"{n}", link=f"{link}?{n}", at=NOON - timedelta(minutes=n)) for n in range(120)))
    with reader.rt.database.read() as conn:
        rows = conn.execute(select(page_rows.c.state, page_rows.c.reason)).all()
    assert sorted((row.state, row.reason) for row in rows) == sorted(
        [("skipped", "too_many_at_once")] * 20 + [("waiting", "wanted")] * 100
    )


# ── what goes wrong costs the page alone ─────────────────────────────────────────────────────────────────────────────


def _html(source: str) -> dict[str, Any]:
    return {"body": source.encode(), "headers": {"Content-Type": HTML}}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 404, "body": b"gone"}, "not_found"),
        ({"status": 410, "body": b"gone"}, "gone"),
        ({"status": 403, "body": b"no"}, "forbidden"),
        ({"status": 402, "body": b"pay"}, "client_error"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "refused_address"),
        ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "refused_address"),
        ({"body": b"%PDF-1.7", "headers": {"Content-Type": "application/pdf"}}, "not_html"),
        ({"body": b"%PDF-1.7 \x00\x01\x02", "headers": {"Content-Type": "text/html"}}, "not_html"),
        (_html("<p>" + "Words and words. " * 300_000), "too_large"),
        (_html("<p>" * 1), "no_article"),
        (_html("<div>" * 200_000), "too_many_elements"),
        (_html("<html><body><article><p>" + "<b>word</b> " * 9000), "too_costly"),
        (_html(stub_page(ENGLISH[0], "Subscribe to continue reading this story and all others.")), "paywall"),
        (_html(article_page(["Kestrel Bio pays for trials."], title="Kestrel Bio trials")), "shorter_than_feed"),
        (_html(article_page(CHINESE * 3, title="另一件事")), "other_page"),
        ({"body": b"x", "headers": {"Content-Encoding": "br"}}, "bad_encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_page_that_gives_nothing_leaves_its_item_as_it_was(
    reader: Reader, answer: dict[str, Any], reason: str
) -> None:
    # one other port of this machine counts as a stranger's
    reader.rt.client = GuardedClient((f"127.0.0.1:{reader.web.port}",))
    reader.web.answer("/a", **answer)
    reader.bring(Entry(name="a", link=reader.web.url("/a"), text=SUMMARY + " It will say more on Friday."))
    before = reader.item()
    reader.read()
    assert reader.told() == ("failed", reason, 1)
    assert reader.item() == before
    assert reader.read(hours=48) == []


def test_a_page_that_fails_for_a_while_is_read_once_that_has_passed(reader: Reader) -> None:
    reader.web.answer("/a", status=503, times=2)
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    assert reader.read() == ["/a"]
    assert reader.told() == ("waiting", "server_error", 1)
    assert reader.read(minutes=11) == []
    assert reader.read(minutes=8) == ["/a"]
    assert reader.read(minutes=95) == []
    assert reader.read(minutes=50) == ["/a"]
    assert reader.told() == ("read", "read", 3)
    assert reader.item().from_page


def test_after_four_requests_a_page_is_given_up(reader: Reader) -> None:
    reader.web.answer("/a", hang_up=True)
    reader.bring(Entry(name="a", link=reader.web.url("/a")))
    asked = [path for _ in range(40) for path in reader.read(hours=1)]
    assert asked == ["/a"] * 4
    assert reader.told() == ("failed", "connection", 4)


def test_retry_after_of_a_page_is_kept(reader: Reader) -> None:
    reader.web.answer("/a", status=429, headers={"Retry-After": "7200"}, times=1)
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    reader.read()
    assert reader.read(minutes=119) == []
    assert reader.read(minutes=2) == ["/a"]
    assert reader.item().from_page


def test_a_page_that_kills_its_workers_is_given_up(reader: Reader) -> None:
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    with reader.rt.database.write() as conn:
        conn.execute(page_rows.update().values(attempt=reader.rt.settings.park_after))
    assert reader.read() == []
    assert reader.told() == ("failed", "worker_died", 0)


def test_without_the_extractor_items_keep_their_summaries_and_ops_hear_of_it_once(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    link = reader.page(article_page(ENGLISH))
    reader.bring(Entry(name="a", link=link), Entry(name="b", link=f"{link}?b"))
    assert reader.read() == []
    assert [reader.told(number) for number in (1, 2)] == [("failed", "no_extractor", 0)] * 2
    with reader.rt.database.read() as conn:
        notices = conn.exec_driver_sql("SELECT notice FROM digests WHERE notice IS NOT NULL").scalars().all()
    assert len(notices) == 1
    assert "pip install 'biotech-watcher[fulltext]'" in json.loads(notices[0])["lines"][1]


def test_a_child_that_fails_by_no_fault_of_the_page_gives_it_another_try(reader: Reader, extractor: Sandbox) -> None:
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    with Sandbox(memory_mb=64) as cramped:
        reader.rt.sandbox = cramped
        reader.read()
    assert reader.told() == ("waiting", "parser_failed", 1)
    reader.rt.sandbox = extractor
    reader.read(minutes=20)
    assert reader.told() == ("read", "read", 2)


def test_one_bad_page_does_not_stop_the_others(reader: Reader) -> None:
    reader.web.answer("/bad", hang_up=True)
    good, heavy = reader.page(article_page(ENGLISH)), reader.page("<p>" + "<b>w</b> " * 9000, "/heavy")
    entries = [Entry(name=name, link=link) for name, link in (("b", reader.web.url("/bad")), ("h", heavy), ("g", good))]
    reader.bring(*entries)
    reader.read()
    assert [reader.told(number)[0] for number in (1, 2, 3)] == ["waiting", "failed", "read"]


# ── politeness ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_feeds_that_link_to_one_page_ask_for_it_once_in_a_week(reader: Reader) -> None:
    link = reader.page(article_page(ENGLISH))
    reader.bring(Entry(name="a", link=link))
    assert reader.read() == ["/a"]
    reader.clock.now += timedelta(days=6)
    reader.bring(Entry(name="b", link=f"{link}?utm_source=rss", at=reader.clock()), path="/other")
    assert reader.read() == []
    assert reader.told(2) == ("read", "read_for_another_item", 0)
    assert reader.item(2).text == "\n\n".join(ENGLISH)
    reader.clock.now += timedelta(days=8)
    reader.bring(Entry(name="c", link=link, at=reader.clock()), path="/third")
    assert reader.read() == ["/a"]


def test_copies_of_texts_go_after_a_week_and_rows_after_a_month_and_items_keep_theirs(reader: Reader) -> None:
    reader.bring(Entry(name="a", link=reader.page(article_page(ENGLISH))))
    reader.read()
    for days, left in ((6, "\n\n".join(ENGLISH)), (2, None)):
        reader.clock.now += timedelta(days=days)
        pipeline.due(reader.rt)
        assert reader.row().text == left
    reader.clock.now += timedelta(days=23)
    pipeline.due(reader.rt)
    assert reader.row() is None
    assert reader.item().text == "\n\n".join(ENGLISH)


def test_what_came_of_pages_is_counted(reader: Reader) -> None:
    reader.web.answer("/404", status=404)
    reader.web.answer("/500", status=500)
    links = [reader.page(article_page(ENGLISH)), *map(reader.web.url, ("/404", "/500", "/x.pdf"))]
    reader.bring(*(Entry(name=link, link=link) for link in links))
    reader.read()
    with reader.rt.database.read() as conn:
        assert overview.page_outcomes(conn) == {"read": 1, "not_found": 1, "waiting": 1, "link_is_no_page": 1}


def test_a_page_is_no_edit_of_its_feeds_entry(reader: Reader) -> None:
    entry = Entry(name="a", link=reader.page(article_page(ENGLISH)))
    reader.bring(entry)
    reader.read()
    reader.clock.now += timedelta(hours=2)
    reader.bring(entry, Entry(name="b", link=reader.web.url("/b.pdf")))
    assert (reader.item().edits, reader.item().from_page) == (0, True)
    assert reader.read(hours=1) == []


def test_the_page_of_an_edited_entry_is_read_anew_and_not_from_the_copy(reader: Reader) -> None:
    link = reader.page(article_page(ENGLISH), times=1)
    reader.page(article_page([*ENGLISH, "Correction: the trial has 420 patients."]))
    reader.bring(Entry(name="a", link=link))
    reader.read()
    reader.clock.now += timedelta(hours=1)
    reader.bring(
        Entry(
            name="a",
            link=link,
            text="Kestrel Bio has told its shareholders how it will pay for trials in 420 patients.",
        )
    )
    assert reader.item().edits == 1
    assert reader.read(minutes=5) == []
    assert reader.read(minutes=6) == ["/a"]
    assert reader.item().text.endswith("Correction: the trial has 420 patients.")


def by_name(reader: Reader) -> str:
    """Let news.example be the server, a host that nobody has allowed by name: its turns count. The URL's beginning."""
    reader.rt.client = GuardedClient(("127.0.0.0/8",), resolver=lambda *_: ("127.0.0.1",))
    return f"http://news.example:{reader.web.port}"


def test_a_hundred_pages_of_one_host_are_asked_for_apart(reader: Reader) -> None:
    site = by_name(reader)
    reader.page(article_page(ENGLISH))
    for number in range(100):
        reader.page(article_page(ENGLISH[:2]), f"/{number}", status=404 if number % 2 else 200)
    reader.bring(*(Entry(name=f"{n}", link=f"{site}/{n}") for n in range(100)))
    while len(reader.asked) < 100 and reader.clock.now < NOON + timedelta(hours=1):
        reader.read(seconds=reader.rt.settings.sweep_every_s)
    times = [when for when, _path in reader.asked]
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(times)]
    assert len({path for _when, path in reader.asked}) == 100
    assert min(gaps) >= 2
    assert max(gaps) <= 10


def test_a_host_that_asks_to_be_left_alone_is_for_all_its_pages(reader: Reader) -> None:
    site = by_name(reader)
    reader.web.answer("/0", status=429, headers={"Retry-After": "3600"}, times=1)
    for number in range(3):
        reader.page(article_page(ENGLISH), f"/{number}")
    reader.bring(*(Entry(name=f"{n}", link=f"{site}/{n}") for n in range(3)))
    first = [path for _ in range(60) for path in reader.read(seconds=1)]
    asked_before = first.index("/0") + 1
    assert first[asked_before:] == []
    reader.clock.now += timedelta(minutes=57)
    assert reader.read() == []
    assert sorted(first + [path for _ in range(60) for path in reader.read(seconds=10)]) == ["/0", "/0", "/1", "/2"]
