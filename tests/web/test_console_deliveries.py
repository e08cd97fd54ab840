"""Deliveries and channels at the console, over real messages: what is found, shown and done, and what never is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from console_rows import HEADLINES, SIGNING_SECRET, SLACK_SECRET, Desked, desked, secrets
from reading import at_desk, hidden, rows
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher.model import DeliveryState, Envelope
from watcher.pipeline.links import links
from watcher.signing import Purpose
from watcher.store import channel_health, delivery_search
from watcher.store.delivery_search import Wanted
from watcher.store.schema import audit, channels, deliveries
from watcher.web.console.message import message
from watcher.web.console.reasons import in_words
from watcher.web.masking import masked, masked_address, without_tokens


@pytest.fixture
def service(
    database_url: str, tmp_path: Path, http_sink: HttpSink, smtp_inbox: SmtpInbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desked]:
    for name, value in secrets(http_sink, smtp_inbox).items():
        monkeypatch.setenv(name, value)
    with desked(database_url, tmp_path, http_sink, smtp_inbox) as opened:
        yield opened


@pytest.fixture
def client(service: Desked) -> Iterator[httpx.Client]:
    with at_desk(service.rt) as opened:
        yield opened


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def told(service: Desked, *headlines: str) -> None:
    """Let those happen, be told and be tried once, those in digests too."""
    for headline in headlines:
        service.line.happen(headline)
    service.line.tick()
    service.close_digests()
    service.send()


def listed(page: httpx.Response) -> list[int]:
    """The ids of the messages in a list, in its order."""
    assert page.status_code == 200
    return [int(one) for one in re.findall(r'<a href="/deliveries/(\d+)">', page.text)]


def of_channel(service: Desked, channel: str) -> list[dict[str, Any]]:
    return [row for row in rows(service.rt, deliveries) if row["channel_id"] == channel]


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"seal": hidden(client.get("/deliveries").text), **fields}, follow_redirects=True)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_messages_are_found_by_what_they_tell_to_whom_and_how_they_stand(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/dead", status=400)
    service.line.happen(HEADLINES[0])
    second = service.line.happen(HEADLINES[1], party="药明生物")
    told(service)
    every = listed(client.get("/deliveries"))
    assert every == sorted(every, reverse=True)
    assert len(every) == 7
    by_channel = {one: [row["id"] for row in of_channel(service, one)] for one in ("mail", "team", "hook", "dead")}
    mail = of_channel(service, "mail")[0]
    sought = {
        "?state=parked": by_channel["dead"],
        "?channel=hook": by_channel["hook"],
        "?subscription=urgent": by_channel["hook"],
        "?state=sent&channel=mail": by_channel["mail"],
        f"?event={second}": [one for one in every if one not in (by_channel["hook"][0], by_channel["dead"][0])],
        "?q=重庆": [one for one in every if one not in (by_channel["hook"][0], by_channel["dead"][0])],
        "?q=no such words": [],
        f"?q={mail['message_id']}": [mail["id"]],
        f"?q=%23{mail['id']}": [mail["id"]],
        f"?from={mail['created_at']:%Y-%m-%d}": every,
        f"?to={mail['created_at'] - timedelta(days=1):%Y-%m-%d}": [],
    }
    found = {query: sorted(listed(client.get(f"/deliveries{query}"))) for query in sought}
    assert found == {query: sorted(ids) for query, ids in sought.items()}


@only_sqlite
def test_a_page_begins_where_the_one_before_it_ended(service: Desked) -> None:
    told(service, *HEADLINES)
    with service.rt.database.read() as conn:
        whole = delivery_search.find(conn, Wanted(), limit=50)
        first = delivery_search.find(conn, Wanted(), limit=4)
        second = delivery_search.find(conn, Wanted(), limit=50, before=first.older)
    assert [row["id"] for row in (*first.rows, *second.rows)] == [row["id"] for row in whole.rows]
    assert (len(first.rows), second.older) == (4, None)


def test_what_is_written_at_the_edge_of_a_day_is_of_that_day(service: Desked) -> None:
    told(service, HEADLINES[0])
    newest = max(rows(service.rt, deliveries), key=lambda row: row["created_at"])
    edge = newest["created_at"]
    with service.rt.database.read() as conn:
        within = delivery_search.find(conn, Wanted(since=edge, until=edge + timedelta(days=1)), limit=50)
        before = delivery_search.find(conn, Wanted(until=edge), limit=50)
    assert newest["id"] in [row["id"] for row in within.rows]
    assert newest["id"] not in [row["id"] for row in before.rows]
    assert len(within.rows) + len(before.rows) == len(rows(service.rt, deliveries))


@only_sqlite
@pytest.mark.parametrize("query", ["event=x", "from=2026-13-01", "to=yesterday", "from=0001-01-01"])
def test_a_field_that_cannot_be_read_is_marked_and_the_rest_is_found(client: httpx.Client, query: str) -> None:
    page = client.get(f"/deliveries?{query}")
    assert page.status_code == 200
    assert page.text.count('aria-invalid="true"') == 1


@only_sqlite
@pytest.mark.parametrize("path", ["/deliveries/99", "/deliveries/x", "/deliveries/99/html", "/deliveries?before=x"])
def test_what_is_not_there_is_told_so(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == (200 if "?" in path else 404)


@only_sqlite
def test_nobody_sees_any_of_it_without_logging_in(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[0])
    stranger = httpx.Client(base_url=client.base_url, trust_env=False)
    for path in ("/deliveries", "/deliveries/1", "/deliveries/1/html", "/channels", "/subscribers", "/digests"):
        assert stranger.get(path).headers["location"].startswith("/login"), path
    assert stranger.post("/channels/hook", data={"do": "disable"}).status_code in (303, 401, 403)
    assert [row["disabled_reason"] for row in rows(service.rt, channels)] == [None] * 4


# ── one message ──────────────────────────────────────────────────────────────────────────────────────────────────────


@only_sqlite
def test_a_mail_is_shown_as_it_was_sent_in_a_frame_that_can_do_nothing(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[1])
    sent = of_channel(service, "mail")[0]
    page = client.get(f"/deliveries/{sent['id']}")
    assert f'<iframe src="/deliveries/{sent["id"]}/html"' in page.text
    assert re.search(r"<iframe [^>]*\bsandbox(?: |>)", page.text)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "frame-src" not in client.get("/deliveries").headers["content-security-policy"]
    inside = client.get(f"/deliveries/{sent['id']}/html")
    policy = inside.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline';")
    assert "allow-" not in policy
    assert HEADLINES[1] in inside.text
    assert "<script" not in inside.text
    for view, words in (("text", HEADLINES[1]), ("headers", "List-Unsubscribe"), ("source", "multipart/alternative")):
        assert words in client.get(f"/deliveries/{sent['id']}?show={view}").text


@only_sqlite
def test_a_message_shows_its_tries_its_events_and_where_it_went(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/hook", status=503)
    event = service.line.happen(HEADLINES[2])
    told(service)
    (waiting,) = of_channel(service, "hook")
    page = client.get(f"/deliveries/{waiting['id']}").text
    for words in ("The receiver is in trouble (503)", f'href="/events/{event}"', "urgent", "event.created", "retry"):
        assert words in page, words


@only_sqlite
def test_slack_and_webhook_are_shown_in_words_and_as_json(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[0])
    for channel in ("team", "hook"):
        (sent,) = of_channel(service, channel)
        page = client.get(f"/deliveries/{sent['id']}").text
        words = page[page.index('id="message"') :]
        assert HEADLINES[0] in words
        assert "&#34;" not in words
        assert "&#34;" in client.get(f"/deliveries/{sent['id']}?show=source").text


@only_sqlite
def test_erased_bytes_are_told_to_be_gone(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[0])
    with service.rt.database.write() as conn:
        conn.execute(deliveries.update().values(body=b""))
    assert "Its bytes are no longer kept" in client.get("/deliveries/1").text


# ── what must not be shown ───────────────────────────────────────────────────────────────────────────────────────────


@only_sqlite
def test_no_signed_address_on_any_page_of_a_message_works(service: Desked, client: httpx.Client) -> None:
    told(service, *HEADLINES)
    held = "".join(row["body"].decode().replace("=\r\n", "") for row in rows(service.rt, deliveries))
    assert len(re.findall(r"/[uvpmed]/(?:3D)?[\w.-]{40,}", held)) > 20
    for sent in rows(service.rt, deliveries):
        for view in ("", "/html", "?show=text", "?show=headers", "?show=source", "?show=words"):
            answer = client.get(f"/deliveries/{sent['id']}{view}")
            text = answer.text.replace("=\n", "")
            for token in re.findall(r"[\w.-]{20,}", text):
                for purpose in Purpose:
                    assert links(service.rt).read(purpose, token) is None, (sent["channel_id"], view)
            assert "desk@example.org" not in text, view


@only_sqlite
def test_marked_secrets_of_channels_stand_in_no_page(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/hook", status=503)
    service.sink.answer("/dead", status=410)
    told(service, *HEADLINES)
    numbers = [row["id"] for row in rows(service.rt, deliveries)]
    paths = ["/deliveries", "/deliveries?state=parked", "/channels", "/digests", "/subscribers", "/suppressions"]
    paths += [f"/subscribers/{name}" for name in ("desk", "urgent", "lost", "china")]
    paths += [f"/digests/{number}" for number in range(1, 9)] + ["/digests/preview/lost?show=source", "/audit"]
    paths += [f"/deliveries/{number}{view}" for number in numbers for view in ("", "?show=source", "?show=headers")]
    pages = {path: client.get(path).text for path in paths}
    pages["sample"] = post(client, "/channels/hook", do="test").text
    pages["slack"] = post(client, "/channels/team", do="test").text
    marks = (SLACK_SECRET, SIGNING_SECRET, SIGNING_SECRET.removeprefix("whsec_"), "URLTOKENMARK", "SMTPPASSWORDMARK")
    found = [(path, mark) for path, text in pages.items() for mark in marks if mark in text]
    assert found == []
    assert "kept in the variable TEST_SLACK" in pages["/channels"]


TOKEN = "eyJzIjoicmVhZGVyLTEifQ.opBiNg1lv-v0o9LyGMBSwY6OJGA"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"https://watch.example/u/{TOKEN}", "https://watch.example/u/hidden"),
        (f'<a href="https://watch.example/p/{TOKEN}">x</a>', '<a href="https://watch.example/p/hidden">x</a>'),
        (
            "https://w.example/d/.eJyrVipWslIqogNQqgUAyIAutg.8w0yv391BSmTENvYVV4y8SD7tTE",
            "https://w.example/d/hidden",
        ),
        ("mailto:unsubscribe+ab12.aaaabbbbccccdddd@w.example", "mailto:unsubscribe+hidden@w.example"),
        ("BOUNCE+ab12.AAAABBBBCCCCDDDD@w.example", "BOUNCE+hidden@w.example"),
        ("https://paper.example/p/a-long-slug-about-eyJewels.html", "https://paper.example/p/a-long-slug-about-eyJewels.html"),
        ("https://watch.example/events/12", "https://watch.example/events/12"),
    ],
    ids=["one click", "in markup", "compressed", "return path", "capitals", "publisher's", "plain"],
)  # fmt: skip
def test_tokens_are_taken_out_and_nothing_else(written: str, shown: str) -> None:
    assert without_tokens(written) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("Anna Schmidt <anna@example.org>", "a***@example.org"),
        ("anna@example.org", "a***@example.org"),
        ("nonsense", "***"),
    ],
)
def test_an_address_is_masked(address: str, shown: str) -> None:
    assert masked_address(address) == shown


def test_a_reader_quoted_by_a_server_is_masked_whatever_the_case() -> None:
    said = "550 5.1.1 <ANNA@Example.org>: user unknown"
    assert masked(said, "Anna <anna@example.org>") == "550 5.1.1 <a***@example.org>: user unknown"


def test_markup_of_a_publisher_is_inert_in_words() -> None:
    body = '{"type": "event.created", "data": {"event": {"title": "<img src=x onerror=alert(1)>", "sources": [{"link": "javascript:alert(1)"}]}}}'  # noqa: E501
    shown = message(Envelope(message_id="m", content_type="application/json", body=body.encode()), None)
    assert [piece.url for line in shown.lines for piece in line.pieces] == [None] * len(shown.lines)


# ── sending again, and the channels ──────────────────────────────────────────────────────────────────────────────────


def test_a_dead_letter_is_sent_again_by_its_button_under_the_same_id(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/hook", status=400, times=1)
    told(service, HEADLINES[0])
    (dead,) = of_channel(service, "hook")
    assert dead["state"] == DeliveryState.PARKED
    assert "Send again now" in client.get(f"/deliveries/{dead['id']}").text
    page = post(client, f"/deliveries/{dead['id']}")
    assert "It is due now" in page.text
    service.send()
    (again,) = of_channel(service, "hook")
    assert (again["state"], again["key"], again["attempt"]) == (DeliveryState.SENT, dead["key"], 2)
    first, second = service.sink.got("/hook")
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    (line,) = rows(service.rt, audit)
    assert (line["who"], line["action"], line["target"]) == ("admin", "deliveries.retry", f"delivery {dead['id']}")


@only_sqlite
def test_what_was_sent_is_not_sent_again(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[0])
    (sent,) = of_channel(service, "hook")
    assert "Send again now" not in client.get(f"/deliveries/{sent['id']}").text
    assert post(client, f"/deliveries/{sent['id']}").status_code == 409
    assert rows(service.rt, audit) == []


def test_all_dead_letters_of_one_channel_are_sent_again_and_of_no_other(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/hook", status=400)
    service.sink.answer("/dead", status=400)
    told(service, *HEADLINES)
    page = client.get("/deliveries?state=parked").text
    assert "Send all 3 of hook" in page
    assert "Send all 3 of dead" in page
    assert "3 messages are due now" in post(client, "/channels/hook", do="retry", back="deliveries").text
    states = {channel: {row["state"] for row in of_channel(service, channel)} for channel in ("hook", "dead")}
    assert states == {"hook": {"pending"}, "dead": {"parked"}}


@only_sqlite
def test_a_channel_that_was_disabled_says_why_and_is_enabled(service: Desked, client: httpx.Client) -> None:
    service.sink.answer("/dead", status=410, times=1)
    told(service, HEADLINES[0])
    page = client.get("/deliveries").text
    for words in ("1 channel in trouble, 3 sound", "the receiver answered 410", "when its channel is enabled"):
        assert words in page, words
    assert "dead sends again; 1 message is due now" in post(client, "/channels/dead", do="enable").text
    service.send()
    assert [row["state"] for row in of_channel(service, "dead")] == [DeliveryState.SENT]


@only_sqlite
def test_a_channel_is_disabled_by_hand_and_what_comes_for_it_waits(service: Desked, client: httpx.Client) -> None:
    assert "sends nothing until it is enabled" in post(client, "/channels/hook", do="disable").text
    told(service, HEADLINES[0])
    assert [row["state"] for row in of_channel(service, "hook")] == [DeliveryState.PENDING]
    assert service.sink.got("/hook") == []
    assert "by admin at the console" in client.get("/channels").text
    assert post(client, "/channels/hook", do="disable").status_code == 409


@only_sqlite
def test_a_sample_goes_through_the_real_channel_and_leaves_no_row(service: Desked, client: httpx.Client) -> None:
    assert "The sample was sent through hook" in post(client, "/channels/hook", do="test").text
    (got,) = service.sink.got("/hook")
    assert b'"id":"watcher-test"' in got.body
    assert rows(service.rt, deliveries) == []
    service.sink.answer("/dead", status=500)
    refused = post(client, "/channels/dead", do="test")
    assert refused.status_code == 409
    assert "trying again can help" in refused.text
    assert [row["detail"]["outcome"] for row in rows(service.rt, audit)] == ["http_200", "http_500"]


@only_sqlite
@pytest.mark.parametrize(("path", "do", "status"), [("/channels/none", "enable", 404), ("/channels/hook", "no", 422)])
def test_a_channel_form_that_makes_no_sense_is_refused(client: httpx.Client, path: str, do: str, status: int) -> None:
    assert post(client, path, do=do).status_code == status


def test_readers_channels_are_listed_only_when_in_trouble(service: Desked) -> None:
    with service.rt.database.write() as conn:
        config = {**conn.execute(channels.select().where(channels.c.id == "mail")).one().config}
        for number in range(3):
            name = f"reader-{number}"
            conn.execute(
                channels.insert().values(id=name, config={**config, "id": name}, origin="page", failures=number)
            )
    with service.rt.database.read() as conn:
        assert [one.config.id for one in channel_health.ours(conn, limit=9)] == ["dead", "hook", "mail", "team"]
        assert [one.config.id for one in channel_health.in_trouble(conn, limit=9)] == ["reader-1", "reader-2"]


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("new", "Waits for its first try"),
        ("http_429", "The receiver asks us to slow down (429)"),
        ("http_418", "The receiver refuses it (418)"),
        ("smtp_250", "The mail server took it (250)"),
        ("rejected: smtp_no_such_address", "Refused for good: nobody has that address"),
        ("uncertain: timeout", "It may have arrived: no answer came in time"),
        (
            "uncertain: it may have arrived (timeout), and is not sent once more",
            "It may have arrived (no answer came in time), and is not sent once more",
        ),
        ("gave up after 9 attempts over 72 h: timeout", "Gave up after 9 attempts over 72 h: no answer came in time"),
        ("bounced: 5.1.1", "It came back: 5.1.1"),
        ("retried by hand", "Retried by hand"),
        ("a word of tomorrow", "A word of tomorrow"),
    ],
)  # fmt: skip
def test_reasons_are_sentences(kept: str, shown: str) -> None:
    assert in_words(kept) == shown


@only_sqlite
def test_pages_of_deliveries_load_nothing_from_elsewhere(service: Desked, client: httpx.Client) -> None:
    told(service, HEADLINES[0])
    for path in ("/deliveries", "/deliveries/1", "/channels"):
        page = client.get(path).text
        loaded = re.findall(r'<(?:script|link|iframe|img)[^>]+(?:src|href)="([^"]+)"', page)
        assert all(not urlsplit(one).netloc for one in loaded)
        assert "style=" not in page
        assert " on" + "click" not in page
