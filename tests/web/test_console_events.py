"""The list of events and the page of one, over a real server: filters, live rows, verdicts, and hostile words."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from html import unescape
from pathlib import Path

import httpx
import pytest
from reading import at_desk, fill, hidden, open_service, rows, served
from row_factories import add_feed, draft, match, now, subscription

from watcher.model import (
    Change,
    ChangeWhy,
    Envelope,
    Evidence,
    Fact,
    FactKind,
    Mute,
    MuteKind,
    Origin,
    Span,
    TextField,
    Window,
)
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Purpose
from watcher.store import deliveries, digests, event_trail, events, items, mutes, stories
from watcher.store import subscriptions as subscription_rows
from watcher.store.event_search import EventFilter
from watcher.store.schema import audit, sessions, verdicts
from watcher.store.schema import items as item_rows
from watcher.web import event_query
from watcher.web.console import live
from watcher.web.console.passages import passages

TEXT = "Acme Bio said so on Monday.\nIt raised $5 million from Foo Capital.\nNothing else happened."
RAISED = "$5 million"


@pytest.fixture
def rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(sqlite_url, tmp_path, rules_dir=Path(__file__).parents[1] / "line" / "rules")
    yield opened
    opened.close()


@pytest.fixture
def desk(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as opened:
        yield opened


def tell(
    rt: Runtime, number: int, title: str = "", *, text: str = TEXT, rule_id: str = "funding", **facts: Fact
) -> int:
    """An event of its own story and item, whose match marks `RAISED`; its id."""
    database = rt.database
    with database.read() as conn:
        known = bool(conn.exec_driver_sql("SELECT count(*) FROM feeds").scalar_one())
    feed_id = 1 if known else add_feed(database, title="Park news")
    with database.write() as conn:
        news = draft(f"n{number}", title=title or f"Headline {number}", text=text)
        (item_id,) = items.insert_new(conn, feed_id, [news], history=lambda _: False, now=now())
        (item,) = items.claim(conn, [item_id], owner="w", lease_s=60, now=now())
        story = stories.ensure(conn, key=f"s{number}", title=item.title, now=now())
        start = text.find(RAISED)
        span = Span(field=TextField.TEXT, start=start, end=start + len(RAISED))
        evidence = (Evidence(clause="round", span=span, text=RAISED),) if start >= 0 else ()
        found = match(rule_id, evidence=evidence, **({"facts": facts} if facts else {}))
        made = events.create(conn, story_id=story, match=found, item=item, snippets=[], now=now())
        assert made is not None
        conn.execute(item_rows.update().where(item_rows.c.id == item_id).values(story_id=story, lease_owner=None))
        events.add_match(conn, item_id, found, now=now())
        events.add_source(conn, made, item_id, now=now())
    return made


def listed(page: httpx.Response) -> list[int]:
    return [int(one) for one in re.findall(r'<li class="event" id="event-(\d+)">', page.text)]


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_shows_headline_facts_rule_sources_and_how_many_were_told(rt: Runtime, desk: httpx.Client) -> None:
    assert "No events yet" in desk.get("/events").text
    made = tell(rt, 1, "Acme Bio raises $5 million")
    page = desk.get("/events")
    assert (page.status_code, listed(page)) == (200, [made])
    for words in ("Acme Bio raises $5 million", "Acme Bio · 5M USD", "Funding", "Park news", "told nobody"):
        assert words in page.text


def test_a_page_of_the_list_leads_to_the_older_one_and_says_what_is_newer(
    rt: Runtime, desk: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.web.console.events.PAGE", 2)
    made = [tell(rt, number) for number in range(5)]
    first = desk.get("/events", params={"rule": "funding"})
    assert listed(first) == made[:2:-1]
    older = unescape(re.search(r'<a href="([^"]+)" rel="next"', first.text)[1])  # type: ignore[index]
    assert older == f"/events?rule=funding&before={made[3]}"
    second = desk.get(older)
    assert listed(second) == made[2:0:-1]
    assert "2 newer</a>" in second.text and "sse-connect" not in second.text
    assert listed(desk.get("/events", params={"before": made[1]})) == [made[0]]
    assert "There are no older events" in desk.get("/events", params={"before": 1}).text
    assert "3 newer</a>" in desk.get("/events", params={"seen": made[1]}).text


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"at_least": "lots"}, {"at_least"}),
        ({"at_least": "100M XXX"}, {"at_least"}),
        ({"at_least": "1e999"}, {"at_least"}),
        ({"from": "yesterday", "to": "0000-00-00"}, {"from", "to"}),
        ({"from": "2026-02-02", "to": "2026-02-01"}, {"to"}),
        ({"to": "9999-12-31"}, {"to"}),
        ({"language": "<script>"}, {"language"}),
        ({"text": "%"}, {"text"}),
        ({"place": "…", "party": "\u202e"}, {"place"}),
        ({"text": "x" * 201}, {"text"}),
    ],
)
def test_what_cannot_be_read_is_named_at_its_field(desk: httpx.Client, query: dict[str, str], wrong: set[str]) -> None:
    page = desk.get("/events", params=query)
    assert page.status_code == 400
    assert set(re.findall(r'<p class="wrong" id="(\w+)-wrong">', page.text)) == wrong
    assert set(re.findall(r'aria-describedby="(\w+)-wrong"', page.text)) == wrong


@pytest.mark.parametrize(
    "query",
    [
        b"before=%00",
        b"before=-1",
        b"before=99999999999999999999",
        b"seen=x",
        b"rule=%00%ff",
        b"stance=%ed%a0%80",
        b"text=%00a",
        b"place=%F0%9F%A7%AC%20bio",
        b"text=a&text=b",
        b"party=%27%20OR%201=1",
        b"language=zh-Hant",
        b"from=",
        b"nothing=1",
    ],
)
def test_no_address_of_the_list_is_an_error_of_ours(desk: httpx.Client, query: bytes) -> None:
    assert desk.get(httpx.URL("/events", query=query)).status_code in (200, 400)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, EventFilter()),
        ({"at_least": "100M USD"}, EventFilter(at_least_usd=1e8)),
        ({"at_least": "at least 100M USD"}, EventFilter(at_least_usd=1e8)),
        ({"at_least": "≥ 5,000,000"}, EventFilter(at_least_usd=5e6)),
        ({"from": "2026-02-01", "to": "2026-02-01"}, EventFilter(
            since=datetime(2026, 2, 1, tzinfo=UTC), until=datetime(2026, 2, 2, tzinfo=UTC))),
        ({"language": "zh-Hans", "stance": "signed"}, EventFilter(language="zh", stance="signed")),
        ({"text": " 融资\u202e \n x ", "rule": "a b"}, EventFilter(text="融资 x", rule="a b")),
    ],
)  # fmt: skip
def test_an_address_is_read_into_a_filter(query: dict[str, str], asked: EventFilter) -> None:
    read = event_query.read(query, today=date(2026, 1, 5))
    assert (read.filter, read.wrong) == (asked, {})


def test_the_form_keeps_what_was_asked_and_nothing_of_it_is_markup(rt: Runtime, desk: httpx.Client) -> None:
    words = '"><script>alert(1)</script>'
    page = desk.get("/events", params={"party": words, "rule": words, "stance": words})
    assert "<script>alert" not in page.text
    assert page.text.count("&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert "No event passes this filter" in page.text


def test_pages_are_the_same_on_either_database(database_url: str, tmp_path: Path) -> None:
    rt = open_service(database_url, tmp_path)
    with at_desk(rt) as desk:
        made = tell(rt, 1, "恒瑞生物完成融资")
        deliver(rt, made)
        query = {
            "text": "融资",
            "party": "acme",
            "at_least": "1M",
            "rule": "funding",
            "from": "2026-01-01",
            "seen": "0",
        }
        page = desk.get("/events", params=query)
        assert (page.status_code, listed(page)) == (200, [made])
        one = desk.get(f"/events/{made}").text
        assert "Daily desk" in one and "<mark>$5 million</mark>" in one
        assert fill(desk, f"/events/{made}", {"verdict": "useful"}).status_code == 303
        with desk.stream("GET", "/events/live?after=0") as stream:
            assert next(one for one in messages(stream) if one.get("event") == "event")["id"] == str(made)
    rt.close()


# ── hostile rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE = (
    "Hi\r\nBcc: v@x",
    "a\u2028b\u0085c\x0bd",
    "bidi \u202egnp.exe\u202c \u2066x\u2069",
    "=?utf-8?b?QmNj?=",
    "long " + "x" * 2000,
    "<script>alert(1)</script> <img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)><math><mi>",
    "<style>@import url(//evil)</style>",
    "<form action=//evil><meta http-equiv=refresh><base href=//evil>",
    "</td></tr></table></li></ol></details>",
    '<img src="https://track.example/1.gif" width=1>',
    "<!--[if mso]><b>x</b><![endif]-->",
    "<!channel> <@U123> <http://evil|bank> &lt;!here&gt;",
    "``` *_~ @everyone",
    '\n{"level":"info"} \x1b[2J',
    '=cmd|"/c calc"!A1',
    "👩\u200d🔬" * 90,
    "ש" * 400,
    "javascript:alert(1)",
)
_OWN_TAGS = re.compile(r"<(script|img|svg|math|style|form|meta|base|b|mi)\b[^>]*>")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def test_words_of_publishers_are_only_ever_words(rt: Runtime, desk: httpx.Client) -> None:
    plain = tell(rt, 0, "plain")
    usual = {path: _OWN_TAGS.findall(desk.get(path).text) for path in ("/events", f"/events/{plain}")}
    for number, words in enumerate(HOSTILE, 1):
        party = Fact(name="recipient", kind=FactKind.PARTY, value=words, text=words)
        with_link = tell(rt, number, words, text=f"{words}\n{RAISED} {words}", recipient=party)
        with rt.database.write() as conn:
            conn.execute(item_rows.update().where(item_rows.c.id == number + 1).values(link="JaVa\tscript:alert(1)"))
        page = desk.get(f"/events/{with_link}")
        assert page.status_code == 200, words
        assert _OWN_TAGS.findall(page.text) == usual[f"/events/{plain}"], words
        assert not _UNSEEN.search(page.text), words
        assert not re.search(r'<a [^>]*href="(java|data)', page.text, re.IGNORECASE), words
    page = desk.get("/events")
    assert len(listed(page)) == len(HOSTILE) + 1
    assert _OWN_TAGS.findall(page.text) == usual["/events"]
    assert not _UNSEEN.search(page.text)
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_an_event_without_title_facts_or_text_has_pages_all_the_same(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1, "\u200b\u202e", text="")
    assert desk.get(f"/events/{made}").status_code == 200
    assert listed(desk.get("/events")) == [made]


# ── one event ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_shows_its_evidence_in_the_words_of_the_item(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1, "Acme Bio raises money")
    page = desk.get(f"/events/{made}").text
    assert "It raised <mark>$5 million</mark> from Foo Capital." in page
    assert "Nothing else happened." in page
    assert f'href="/api/v1/events/{made}"' in page
    assert desk.get(f"/api/v1/events/{made}").json()["title"] == "Acme Bio raises money"
    with rt.database.write() as conn:
        conn.execute(item_rows.update().values(text=""))
    assert "The text of this item is no longer kept" in desk.get(f"/events/{made}").text
    with rt.database.write() as conn:
        conn.execute(item_rows.update().values(text=TEXT))
        events.forget_matches(conn, 1)
    assert "does not match this item as it is now" in desk.get(f"/events/{made}").text


def test_an_event_shows_what_its_revisions_changed_and_why(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1)
    change = Change(fact="amount", before="5M USD", after="6M USD", why=ChangeWhy.CORRECTED)
    with rt.database.write() as conn:
        events.revise(conn, made, revision=2, facts=match().facts, snippets=[], changes=[change], item_id=1, now=now())
    page = desk.get(f"/events/{made}").text
    assert "amount corrected from 5M USD to 6M USD" in page and "Revision 2" in page


@pytest.mark.parametrize("path", ["/events/99", "/events/0", "/events/x", "/events/1%00", "/events/99/why"])
def test_an_event_that_is_not_there_is_not_found(rt: Runtime, desk: httpx.Client, path: str) -> None:
    tell(rt, 1)
    assert desk.get(path).status_code == 404
    assert desk.get("/events/1/why", params={"item": 77}).status_code == 404
    assert desk.get("/events/1/why", params={"item": "²"}).status_code in (200, 404)


def deliver(rt: Runtime, event_id: int) -> int:
    """An alert of `daily` on the event, sent by its webhook; the delivery's id."""
    with rt.database.write() as conn:
        subscription_rows.sync_subscriptions(conn, [subscription("daily", title="Daily desk")], ops=(), now=now())
        digest_id = digests.open_window(conn, "daily", Window(key="w", closes_at=now()), immediate=False, now=now())
        assert digest_id is not None
        told = {"daily": (digest_id, "rule funding")}
        digests.add_alerts(conn, told, event_id=event_id, revision=1, now=now())
        envelope = Envelope(message_id="m", content_type="application/json", body=b"{}")
        made = deliveries.add(conn, digest_id=digest_id, channel_id="other", key="k", envelope=envelope, now=now())
        assert made is not None
    return made


def test_an_event_shows_who_was_told_and_what_the_answer_was(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1)
    assert "Nobody." in desk.get(f"/events/{made}").text
    delivery = deliver(rt, made)
    with rt.database.write() as conn:
        conn.exec_driver_sql("UPDATE deliveries SET state = 'sent', finished_at = created_at")
        conn.exec_driver_sql(
            "INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, reason, detail)"
            f" SELECT {delivery}, 1, created_at, created_at, 'sent', 'http_200', '' FROM deliveries"
        )
    page = desk.get(f"/events/{made}").text
    assert re.search(r'href="/subscribers/daily"><bdi>Daily desk</bdi></a>', page)
    assert f'<a href="/deliveries/{delivery}">other</a> <span class="state state-good">sent</span>' in page
    assert "(200)" in page
    assert "told 1 subscription" in desk.get("/events").text
    with rt.database.read() as conn:
        (told,) = event_trail.tellings(conn, made)
    assert (told.title, told.messages[0].tries, told.messages[0].answer) == ("Daily desk", 1, "http_200")


def test_a_mute_that_keeps_an_event_from_somebody_is_shown(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1)
    with rt.database.write() as conn:
        mutes.add(conn, "desk", Mute(kind=MuteKind.PARTY, value="acme bio", until=None), origin=Origin.PAGE, now=now())
    page = desk.get(f"/events/{made}").text
    assert "Held back by a mute" in page and "muted: party acme bio" in page


def test_other_items_and_events_of_the_story_are_shown(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1)
    with rt.database.write() as conn:
        (other,) = items.insert_new(conn, 1, [draft("o", title="又一篇")], history=lambda _: False, now=now())
        conn.execute(
            item_rows.update().where(item_rows.c.id == other).values(story_id=1, story_reason="the same names")
        )
    page = desk.get(f"/events/{made}").text
    assert "又一篇" in page and "the same names" in page


def test_why_each_rule_says_yes_or_no_is_told_clause_by_clause(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1, "Acme Bio raises $5 million", text="Acme Bio raised $5 million in a Series A round.")
    assert f'hx-get="/events/{made}/why"' in desk.get(f"/events/{made}").text
    whole = desk.get(f"/events/{made}/why", timeout=60)
    part = desk.get(f"/events/{made}/why", headers={"hx-request": "true"}, timeout=60)
    assert whole.status_code == part.status_code == 200
    assert "<html" in whole.text and "<html" not in part.text
    assert "why-rule" in part.text and "by the rules as they are now" in part.text
    assert "subscription not told, and why" in part.text and 'href="/subscribers/desk"' in part.text


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_verdict_is_kept_under_the_operators_name_and_the_last_one_counts(rt: Runtime, desk: httpx.Client) -> None:
    made = tell(rt, 1)
    path = f"/events/{made}"
    for word, note in (("useful", ""), ("wrong_facts", "6M, <b>not</b> 5\x00M")):
        assert fill(desk, path, {"verdict": word, "note": note}).status_code == 303
    (kept,) = rows(rt, verdicts)
    assert (kept["verdict"], kept["who"], kept["note"]) == ("wrong_facts", "admin", "6M, <b>not</b> 5M")
    assert [(one["action"], one["target"]) for one in rows(rt, audit)] == [("events.judge", f"event {made}")] * 2
    page = desk.get(path).text
    assert re.search(r'value="wrong_facts" class="main" aria-pressed="true"', page)
    assert "<b>not</b>" not in page


@pytest.mark.parametrize(("word", "status"), [("", 400), ("great", 400), ("useful", 403)])
def test_a_verdict_that_is_none_or_not_from_our_page_is_not_kept(
    rt: Runtime, desk: httpx.Client, word: str, status: int
) -> None:
    made = tell(rt, 1)
    seal = hidden(desk.get(f"/events/{made}").text) if status == 400 else "forged"
    assert desk.post(f"/events/{made}", data={"seal": seal, "verdict": word}).status_code == status
    assert rows(rt, verdicts) == []
    assert (
        fill(desk, f"/events/{made}", {"verdict": "useful"}, headers={"origin": "https://evil.example"}).status_code
        == 403
    )


def test_nobody_sees_events_without_a_login(rt: Runtime) -> None:
    tell(rt, 1)
    with served(rt) as stranger:
        for path in ("/events", "/events/1", "/events/1/why"):
            assert stranger.get(path).status_code == 303
        assert stranger.post("/events/1", data={"verdict": "useful"}).status_code == 303
        assert stranger.get("/events/live").status_code == 401
    assert rows(rt, verdicts) == []


def test_the_signed_page_shows_the_same_parts_and_nothing_of_who_was_told(rt: Runtime) -> None:
    made = tell(rt, 1)
    deliver(rt, made)
    with served(rt) as stranger:
        page = stranger.get(f"/{Purpose.EVENT}/{links(rt).token(Purpose.EVENT, e=made)}")
    assert page.status_code == 200
    assert "Acme Bio" in page.text and 'class="facts"' in page.text
    for secret in ("Daily desk", "daily", "/deliveries", "/subscribers", "webhook", "Foo Capital"):
        assert secret not in page.text


# ── live ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and heartbeats that a test can wait for."""
    monkeypatch.setattr(live, "Streams", partial(live.Streams, look_s=0.1, heartbeat_s=0.2))


def messages(stream: httpx.Response) -> Iterator[dict[str, str]]:
    """The messages of a stream as they come: id, event, data."""
    one: dict[str, str] = {}
    for line in stream.iter_lines():
        if not line and one:
            yield one
            one = {}
        name, _, words = line.partition(": ") if not line.startswith(":") else ("beat", "", "yes")
        if line:
            one[name] = one[name] + "\n" + words if name in one else words


@pytest.mark.usefixtures("quick")
def test_new_events_that_pass_the_filter_come_by_themselves(rt: Runtime, desk: httpx.Client) -> None:
    old = tell(rt, 1)
    page = desk.get("/events", params={"party": "acme"}).text
    address = unescape(re.search(r'sse-connect="([^"]+)"', page)[1])  # type: ignore[index]
    assert address == f"/events/live?party=acme&after={old}"
    with desk.stream("GET", address) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        coming = (one for one in messages(stream) if one.get("event") == "event")
        tell(rt, 2, "Not asked for", other=Fact(name="x", kind=FactKind.TEXT, value="y"))
        fresh = tell(rt, 3, "Acme again <b>")
        first = next(coming)
    assert first["id"] == str(fresh)
    assert f'id="event-{fresh}"' in first["data"] and "Acme again &lt;b&gt;" in first["data"]


@pytest.mark.usefixtures("quick")
def test_a_stream_goes_on_after_the_last_event_that_its_page_has_seen(rt: Runtime, desk: httpx.Client) -> None:
    made = [tell(rt, number) for number in range(3)]
    with desk.stream("GET", "/events/live?after=1", headers={"last-event-id": str(made[1])}) as stream:
        coming = (one for one in messages(stream) if one.get("event") == "event")
        first = next(coming)
    assert first["id"] == str(made[2]) and "hx-swap-oob" not in first["data"]
    with desk.stream("GET", f"/events/live?after={made[0]}") as stream:
        coming = (one for one in messages(stream) if one.get("event") == "event")
        again = [next(coming), next(coming)]
    assert [one["id"] for one in again] == [str(made[1]), str(made[2])]
    assert f'<li id="event-{made[1]}" hx-swap-oob="delete"></li>' in again[0]["data"]


@pytest.mark.usefixtures("quick")
def test_a_stream_ends_with_its_session(rt: Runtime, desk: httpx.Client) -> None:
    with desk.stream("GET", "/events/live") as stream:
        coming = messages(stream)
        assert [sorted(next(coming)) for _ in range(3)] == [["retry"], ["data", "event"], ["beat"]]
        with rt.database.write() as conn:
            conn.execute(sessions.delete())
        left = list(coming)
    assert [one["event"] for one in left if "event" in one] == ["state", "over"]


@pytest.mark.usefixtures("quick")
def test_so_many_pages_of_a_session_listen_and_each_gives_its_place_back(rt: Runtime, desk: httpx.Client) -> None:
    opened = [desk.stream("GET", "/events/live") for _ in range(live.MOST_OF_ONE)]
    for one in opened:
        assert one.__enter__().status_code == 200
    full = desk.get("/events/live")
    assert (full.status_code, full.headers["retry-after"]) == (503, "60")
    for one in opened:
        one.__exit__(None, None, None)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        with desk.stream("GET", "/events/live") as stream:
            if stream.status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("no place was given back")


def test_a_stream_asks_for_a_filter_that_can_be_read(desk: httpx.Client) -> None:
    refused = desk.get("/events/live", params={"at_least": "lots"})
    assert (refused.status_code, refused.text.partition(":")[0]) == (400, "at_least")


# ── passages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def text_span(start: int, end: int) -> Span:
    return Span(field=TextField.TEXT, start=start, end=end)


def test_marks_that_cross_paragraphs_or_do_not_fit_are_cut() -> None:
    found = passages("ab cd\nef gh", [text_span(3, 8), text_span(9, 900), text_span(50, 60), text_span(-4, 1)])
    assert found.paragraphs == (
        (("a", True), ("b ", False), ("cd", True)),
        (("ef", True), (" ", False), ("gh", True)),
    )


def test_a_long_text_is_shown_where_it_holds_evidence() -> None:
    text = "\n".join(f"Paragraph {number} " + "word " * 40 for number in range(100))
    start = text.index("Paragraph 50")
    found = passages(text, [text_span(start, start + 12)])
    assert [one[0] for one in found.paragraphs] == [("Paragraph 50", True)]
    assert found.left_out == 99
    assert ("x" * 10, True) in passages("x" * 50_000, [text_span(49_000, 49_010)]).paragraphs[0]
