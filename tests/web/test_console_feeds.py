"""Feeds at the console: the list, one feed, what people may do, and lists as OPML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import at_desk, fill, hidden, open_service, rows, served
from row_factories import add_feed, add_items, now
from services.web import HttpSink

from watcher.model import FeedConfig, Origin
from watcher.runtime import Runtime
from watcher.store import feeds, schema
from watcher.web import multipart

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Park news</title>
<item><guid>1</guid><title>One</title><link>https://news.example/1</link></item></channel></rss>"""
PAGE = "<html><head><title>News</title>{links}</head><body>News</body></html>"
LINK = '<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'
OPML = """<?xml version="1.0" encoding="UTF-8"?><opml version="2.0"><head><title>Mine</title></head><body>
<outline text="China">
<outline type="rss" text="生物谷" xmlUrl="https://shengwu.example/feed"/>
<outline type="rss" text="Inside" xmlUrl="http://127.0.0.1/feed"/>
</outline>
<outline type="rss" text="Again" xmlUrl="https://shengwu.example/feed"/>
</body></opml>"""


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not ask the database anything of its own."""


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path, allow_private=("127.0.0.1",), host_spacing_s=0.0)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as opened:
        yield opened


def add(rt: Runtime, url: str, origin: Origin = Origin.PAGE, **config: Any) -> int:
    with rt.database.write() as conn:
        feeds.add(conn, FeedConfig(url=url, **config), origin=origin, now=now())
        return next(row["id"] for row in feeds.listing(conn) if row["url"] == url)


def feed(rt: Runtime, feed_id: int) -> dict[str, Any]:
    return next(row for row in rows(rt, schema.feeds) if row["id"] == feed_id)


def noted(rt: Runtime) -> list[tuple[str, str, str]]:
    return [(row["who"], row["action"], row["target"]) for row in rows(rt, schema.audit)]


def act(client: httpx.Client, feed_id: int, what: str, **fields: Any) -> httpx.Response:
    return fill(client, f"/feeds/{feed_id}", {"act": what, **fields})


def said(client: httpx.Client, answer: httpx.Response, kind: str = "done") -> str:
    """What a page says at its top after a form."""
    page = client.get(answer.headers["location"]).text if answer.status_code == 303 else answer.text
    found = re.search(rf'<p class="{kind}"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert found is not None, page
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip()


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
def test_nobody_sees_feeds_without_a_login(rt: Runtime) -> None:
    with served(rt) as stranger:
        asked = [stranger.get(path).status_code for path in ("/feeds", "/feeds/1", "/feeds.opml", "/feeds/import")]
        posted = stranger.post("/feeds", data={"url": "https://news.example/"}).status_code
    assert (asked, posted) == ([303] * 4, 303)


def test_the_list_says_how_each_feed_fares_and_when_and_why_it_is_polled_next(
    rt: Runtime, client: httpx.Client
) -> None:
    feed_id = add_feed(rt.database, "https://news.example/feed", title="药明康德")
    values = {"health": "failing", "health_reason": "3 polls in a row failed: 503", "next_poll_reason": "back_off"}
    with rt.database.write() as conn:
        conn.execute(schema.feeds.update().values(**values, next_poll_at=now() + timedelta(minutes=20, seconds=30)))
    page = client.get("/feeds").text
    assert f'<a href="/feeds/{feed_id}" lang="zh">药明康德</a>' in page
    assert '<span class="state state-wait">failing</span>' in page
    assert "3 polls in a row failed: 503" in page
    assert "in 20 min" in page
    assert "longer after each failure" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"alpha", "beta", "gamma", "delta"}),
        ("?state=trouble", {"beta"}),
        ("?state=healthy", {"gamma", "delta"}),
        ("?state=failing", {"beta", "alpha"}),
        ("?state=paused", {"alpha"}),
        ("?state=removed", {"omega"}),
        ("?text=GAMM", {"gamma"}),
        ("?text=100%25", set()),
        ("?text=news.example&state=healthy", {"gamma", "delta"}),
    ],
)
def test_the_list_is_filtered_by_state_and_by_words(
    rt: Runtime, client: httpx.Client, query: str, shown: set[str]
) -> None:
    healths = {"alpha": "failing", "beta": "failing", "gamma": "healthy", "delta": "healthy", "omega": "healthy"}
    with rt.database.write() as conn:
        for name, health in healths.items():
            feeds.add(conn, FeedConfig(url=f"https://news.example/{name}"), origin=Origin.CLI, now=now())
            conn.execute(schema.feeds.update().where(schema.feeds.c.url.endswith(name)).values(health=health))
        assert feeds.pause(conn, 1)
        feeds.retire(conn, "https://news.example/omega", now=now())
    found = re.findall(
        r'<a href="/feeds/\d+" lang="en">https://news.example/(\w+)</a>', client.get(f"/feeds{query}").text
    )
    assert set(found) == shown


def test_a_long_list_goes_on_behind_its_last_feed(rt: Runtime, client: httpx.Client) -> None:
    with rt.database.write() as conn:
        configs = [FeedConfig(url=f"https://news.example/{number}", title=f"Park {number}") for number in range(53)]
        feeds.add_all(conn, configs, origin=Origin.CLI, now=now())
    first = client.get("/feeds?text=Park").text
    (older,) = re.findall(r'<a href="([^"]+)" rel="next">Older</a>', first)
    second = client.get(unescape(older)).text
    count = [len(re.findall(r'<a href="/feeds/\d+" lang="en">Park', page)) for page in (first, second)]
    assert count == [50, 3]
    assert 'rel="next"' not in second


@ON_SQLITE
@pytest.mark.parametrize("path", ["/feeds/99", "/feeds/x", "/feeds/1%00", "/feeds?state=odd"])
def test_what_is_not_there_is_said_to_be_so(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


# ── one feed ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_shows_its_items_its_habit_and_its_address(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add_feed(rt.database, title="Park news", tags=("china",))
    add_items(rt.database, feed_id, "a", "b")
    page = client.get(f"/feeds/{feed_id}").text
    assert "2 items kept" in page
    assert "2 items in 30 days, at most 2 in one." in page
    assert re.search(
        r'<a href="https://news.example/b" rel="noopener noreferrer nofollow" lang="en">Title of b</a>', page
    )
    assert "<dd>china</dd>" in page


@ON_SQLITE
def test_headers_are_named_and_their_values_hidden(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    with rt.database.write() as conn:
        headers = {"X-Key": {"env": "HIDDENMARK", "file": None}}
        conn.execute(schema.feeds.update().values(headers=headers))
    page = client.get(f"/feeds/{feed_id}").text
    assert "X-Key" in page
    assert "HIDDENMARK" not in page


def test_a_feed_is_paused_and_resumed(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    assert said(client, act(client, feed_id, "pause")).startswith("Paused")
    assert feed(rt, feed_id)["disabled_reason"] == "paused"
    with rt.database.read() as conn:
        assert feeds.due(conn, now=now(), limit=9) == []
    assert said(client, act(client, feed_id, "pause"), "wrong") == "It is not polled anyway."
    assert said(client, act(client, feed_id, "poll"), "wrong") == "It is not polled: resume it first."
    assert said(client, act(client, feed_id, "resume")) == "Resumed; it is polled within seconds."
    with rt.database.read() as conn:
        assert feeds.due(conn, now=now() + timedelta(seconds=5), limit=9) == [feed_id]
    assert noted(rt) == [("admin", "feeds.pause", f"feed {feed_id}"), ("admin", "feeds.resume", f"feed {feed_id}")]


def test_a_feed_that_is_gone_is_tried_again_as_if_new(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    with rt.database.write() as conn:
        conn.execute(schema.feeds.update().values(disabled_reason="gone", health="gone", error_count=1))
    assert ">Try again</button>" in client.get(f"/feeds/{feed_id}").text
    act(client, feed_id, "resume")
    row = feed(rt, feed_id)
    assert (row["disabled_reason"], row["health"], row["error_count"]) == (None, "new", 0)


@ON_SQLITE
def test_a_feed_is_polled_now(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    with rt.database.write() as conn:
        conn.execute(schema.feeds.update().values(next_poll_at=now() + timedelta(hours=5)))
    act(client, feed_id, "poll")
    row = feed(rt, feed_id)
    assert row["next_poll_at"] <= rt.clock()
    assert row["next_poll_reason"] == "asked for"


def test_the_choices_of_a_feed_are_changed(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    act(client, feed_id, "settle", every="2h", tags="china, deals,, china", full_text="yes")
    row = feed(rt, feed_id)
    assert (row["every_s"], row["tags"], row["full_text"]) == (7200, ["china", "deals"], True)
    act(client, feed_id, "settle", every="", tags="")
    row = feed(rt, feed_id)
    assert (row["every_s"], row["tags"], row["full_text"]) == (None, [], False)


@ON_SQLITE
@pytest.mark.parametrize("every", ["soon", "5s", "99d", "-1h", "1e9"])
def test_a_pace_that_cannot_be_kept_is_refused_and_changes_nothing(
    rt: Runtime, client: httpx.Client, every: str
) -> None:
    feed_id = add(rt, "https://news.example/feed", tags=("kept",))
    answer = act(client, feed_id, "settle", every=every, tags="")
    assert answer.status_code == 422
    assert said(client, answer, "wrong").startswith("Not more often than: ")
    assert feed(rt, feed_id)["tags"] == ["kept"]
    assert noted(rt) == []


@ON_SQLITE
def test_a_feed_of_watcher_yml_is_changed_there_and_not_here(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed", Origin.FILE, tags=("kept",))
    assert "watcher.yml names this feed" in client.get(f"/feeds/{feed_id}").text
    assert act(client, feed_id, "settle", every="", tags="").status_code == 422
    assert act(client, feed_id, "remove").status_code == 422
    row = feed(rt, feed_id)
    assert (row["tags"], row["retired_at"]) == (["kept"], None)
    assert act(client, feed_id, "pause").status_code == 303


@ON_SQLITE
def test_a_feed_is_removed_and_its_items_stay(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    add_items(rt.database, feed_id, "a")
    assert said(client, act(client, feed_id, "remove")).startswith("Removed: it is polled no more")
    assert feed(rt, feed_id)["retired_at"] is not None
    page = client.get(f"/feeds/{feed_id}").text
    assert "1 item kept" in page
    assert "Poll now" not in page


def test_the_mark_of_a_republished_feed_is_taken_away_once_somebody_looked(rt: Runtime, client: httpx.Client) -> None:
    feed_id = add(rt, "https://news.example/feed")
    with rt.database.write() as conn:
        feeds.flag(conn, feed_id, "40 of 50 entries came under new ids", now=now())
    assert "40 of 50 entries came under new ids" in client.get(f"/feeds/{feed_id}").text
    act(client, feed_id, "unflag")
    assert feed(rt, feed_id)["flagged"] is None


@ON_SQLITE
@pytest.mark.parametrize("what", ["", "drop", "__class__"])
def test_what_no_button_says_is_not_done(rt: Runtime, client: httpx.Client, what: str) -> None:
    feed_id = add(rt, "https://news.example/feed")
    assert act(client, feed_id, what).status_code == 422


@ON_SQLITE
@pytest.mark.parametrize("seal", ["", "x", "eyJhIjoxfQ.x"])
def test_a_form_without_the_seal_of_its_session_does_nothing(rt: Runtime, client: httpx.Client, seal: str) -> None:
    feed_id = add(rt, "https://news.example/feed")
    for path, fields in (
        (f"/feeds/{feed_id}", {"act": "remove"}),
        ("/feeds", {"url": "https://other.example/", "unchecked": "yes"}),
        ("/feeds/import", {"opml": OPML}),
    ):
        assert client.post(path, data={**fields, "seal": seal}).status_code == 403
    assert [row["retired_at"] for row in rows(rt, schema.feeds)] == [None]


# ── adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_is_added_by_its_address(rt: Runtime, client: httpx.Client, feed_server: HttpSink) -> None:
    url = feed_server.serve("/rss", RSS)
    answer = fill(client, "/feeds", {"url": url, "tags": "parks", "full_text": "yes", "alert_history": "24h"})
    assert said(client, answer) == "Added; it is polled within seconds."
    (row,) = rows(rt, schema.feeds)
    assert (row["url"], row["origin"], row["tags"]) == (url, "page", ["parks"])
    assert (row["full_text"], row["alert_history"]) == (True, "24h")
    assert noted(rt) == [("admin", "feeds.add", f"feed {row['id']}")]
    assert said(client, fill(client, "/feeds", {"url": url})) == "This feed is known already."
    assert len(feed_server.requests) == 1


@ON_SQLITE
def test_of_several_feeds_that_a_page_names_a_person_chooses(
    rt: Runtime, client: httpx.Client, feed_server: HttpSink
) -> None:
    links = LINK.format(title="News", href="/rss") + LINK.format(title="论文", href="/papers")
    url = feed_server.serve("/", PAGE.format(links=links).encode(), content_type="text/html")
    page = fill(client, "/feeds", {"url": url, "tags": "parks"})
    assert "names 2 feeds. Nothing was added yet." in page.text
    assert '<span lang="zh">论文</span>' in page.text
    assert rows(rt, schema.feeds) == []
    chosen = re.findall(r'name="chosen" value="([^"]+)"', page.text)
    fields = {"seal": hidden(page.text), "chosen": chosen, "tags": hidden(page.text, "tags"), "alert_history": "none"}
    answer = client.post("/feeds", data=fields)
    assert said(client, answer) == "2 feeds added, 0 known already."
    assert [(row["url"], row["tags"]) for row in rows(rt, schema.feeds)] == [(one, ["parks"]) for one in chosen]


REFUSED = (
    "http://10.0.0.1/feed",
    "http://169.254.169.254/latest/meta-data/",
    "file:///etc/passwd",
    "http://redis:6379/",
    "http://localhost/",
    "http://127.0.0.1:8080/feed",
    "not an address",
)


@ON_SQLITE
@pytest.mark.parametrize("way", ["looked at", "unseen", "chosen"])
def test_what_the_guard_refuses_is_not_added_by_any_way(rt: Runtime, client: httpx.Client, way: str) -> None:
    rt.settings = replace(rt.settings, allow_private=())
    seal = hidden(client.get("/feeds").text)
    for url in REFUSED:
        fields = {"chosen": url, "url": "https://news.example/"} if way == "chosen" else {"url": url}
        fields |= {"unchecked": "yes"} if way == "unseen" else {}
        answer = client.post("/feeds", data={"seal": seal, **fields})
        assert (url, answer.status_code) == (url, 422)
        assert 'class="wrong"' in answer.text
    assert rows(rt, schema.feeds) == []
    assert client.post("/feeds", data={"seal": seal, "url": ""}).status_code == 422


@ON_SQLITE
def test_one_refused_address_among_those_chosen_adds_none_so_that_none_is_added_unnoted(
    rt: Runtime, client: httpx.Client
) -> None:
    rt.settings = replace(rt.settings, allow_private=())
    chosen = ["https://news.example/feed", "http://127.0.0.1/"]
    fields = {"seal": hidden(client.get("/feeds").text), "url": "https://news.example/", "chosen": chosen}
    assert client.post("/feeds", data=fields).status_code == 422
    assert rows(rt, schema.feeds) == rows(rt, schema.audit) == []


@ON_SQLITE
def test_what_cannot_be_reached_is_said_and_not_added(rt: Runtime, client: httpx.Client) -> None:
    url = "http://127.0.0.1:1/feed"
    refused = fill(client, "/feeds", {"url": url})
    assert refused.status_code == 422
    assert "Tick “add it unseen”" in refused.text
    assert rows(rt, schema.feeds) == []


@ON_SQLITE
def test_an_address_is_added_unseen_when_somebody_says_so(
    rt: Runtime, client: httpx.Client, feed_server: HttpSink
) -> None:
    url = feed_server.serve("/rss", RSS)
    fill(client, "/feeds", {"url": url, "unchecked": "yes"})
    assert [row["url"] for row in rows(rt, schema.feeds)] == [url]
    assert feed_server.requests == []


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@ON_SQLITE
@pytest.mark.parametrize("way", ["pasted", "file"])
def test_a_list_is_imported_and_what_became_of_each_feed_is_told(rt: Runtime, client: httpx.Client, way: str) -> None:
    fields, more = {"tags": "asia"}, {}
    if way == "file":
        more = {"files": {"file": ("feeds.opml", OPML.encode(), "text/x-opml")}}
    else:
        fields |= {"opml": OPML}
    page = fill(client, "/feeds/import", fields, **more).text
    assert "2 added" in page or "1 added" in page
    added = {row["url"]: row["tags"] for row in rows(rt, schema.feeds)}
    assert added["https://shengwu.example/feed"] == ["China", "asia"]
    assert "listed before" in page
    assert noted(rt) == [("admin", "feeds.import", "OPML")]


@ON_SQLITE
def test_a_dry_run_of_a_list_changes_nothing(rt: Runtime, client: httpx.Client) -> None:
    page = fill(client, "/feeds/import", {"opml": OPML, "dry_run": "yes"}).text
    assert "would be added" in page
    assert rows(rt, schema.feeds) == []
    assert noted(rt) == []


@ON_SQLITE
@pytest.mark.parametrize(
    "document",
    ["", "<html></html>", "{}", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml>&a;</opml>'],
)
def test_what_is_no_list_is_refused_with_a_reason(rt: Runtime, client: httpx.Client, document: str) -> None:
    answer = fill(client, "/feeds/import", {"opml": document})
    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text
    assert rows(rt, schema.feeds) == []


@ON_SQLITE
def test_a_list_larger_than_the_bound_is_not_read(client: httpx.Client) -> None:
    seal = hidden(client.get("/feeds/import").text)
    answer = client.post("/feeds/import", files={"file": ("x", b"x" * (4 * 1024 * 1024))}, data={"seal": seal})
    assert answer.status_code == 413


@ON_SQLITE
def test_every_feed_is_exported_without_its_secrets(rt: Runtime, client: httpx.Client) -> None:
    add(rt, "https://news.example/feed", title="Park news", tags=("china",))
    with rt.database.write() as conn:
        conn.execute(schema.feeds.update().values(headers={"X-Key": {"env": "HIDDENMARK", "file": None}}))
    answer = client.get("/feeds.opml")
    assert answer.headers["content-type"].startswith("text/x-opml")
    assert 'xmlUrl="https://news.example/feed"' in answer.text
    assert "HIDDENMARK" not in answer.text


# ── forms with files ─────────────────────────────────────────────────────────────────────────────────────────────────


def sent(*parts: bytes, boundary: str = "b") -> tuple[bytes, str]:
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return body, f'multipart/form-data; boundary="{boundary}"'


@pytest.mark.parametrize(
    ("parts", "fields", "files"),
    [
        ([b'Content-Disposition: form-data; name="a"\r\n\r\n1'], {"a": ("1",)}, {}),
        (
            [
                b'content-disposition: form-data; name="a"\r\n\r\n1',
                b'Content-Disposition: form-data; name="a"\r\n\r\n2',
            ],
            {"a": ("1", "2")},
            {},
        ),
        (
            [b'Content-Disposition: form-data; name="f"; filename="x.opml"\r\nContent-Type: x\r\n\r\n\x00\r\n--'],
            {},
            {"f": b"\x00\r\n--"},
        ),
        ([b'Content-Disposition: form-data; name="f"; filename=""\r\nContent-Type: x\r\n\r\n'], {}, {}),
        ([b'Content-Disposition: form-data; filename="x"; name="f"\r\n\r\nx'], {}, {"f": b"x"}),
        ([b"Content-Type: text/plain\r\n\r\nx"], {}, {}),
        ([b'Content-Disposition: form-data; name="a"'], {}, {}),
    ],
)
def test_a_form_with_files_is_read_part_by_part(parts: list[bytes], fields: Any, files: Any) -> None:
    assert multipart.parse(*sent(*parts)) == (fields, files)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other"]
)
def test_a_form_whose_boundary_is_not_there_has_no_fields(kind: str) -> None:
    body, _ = sent(b'Content-Disposition: form-data; name="a"\r\n\r\n1')
    assert multipart.parse(body, kind) == ({}, {})


def test_a_form_of_too_many_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 50 parts"):
        multipart.parse(*sent(*([b'Content-Disposition: form-data; name="a"\r\n\r\n1'] * 60)))
