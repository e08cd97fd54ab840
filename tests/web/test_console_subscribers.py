"""Subscribers at the console: who is told what and when, what is done for a reader, and whose address nobody sees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from console_rows import HEADLINES, Desked, desked, secrets
from reading import asked, at_desk, fill, hidden, rows
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher import wording
from watcher.model import Mute, MuteKind, Origin
from watcher.signing import address_key
from watcher.store import mutes as mute_rows
from watcher.store import readers, subscriber_search, suppressions
from watcher.store.schema import audit, digests, mutes, subscriptions
from watcher.store.schema import suppressions as suppression_rows
from watcher.store.subscriber_search import Standing

ANNA = "anna.schmidt@example.org"


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


def signed_up(service: Desked, client: httpx.Client, *, confirmed: bool = True, **changes: Any) -> str:
    fill(client, "/subscribe", asked(ANNA, places="Chongqing, Basel", **changes))
    (made,) = [row["id"] for row in rows(service.rt, subscriptions) if row["origin"] == "page"]
    if confirmed:
        with service.rt.database.write() as conn:
            readers.confirm(conn, made)
    return str(made)


def act(client: httpx.Client, subscription: str, **fields: str) -> httpx.Response:
    path = f"/subscribers/{subscription}"
    return client.post(path, data={"seal": hidden(client.get(path).text), **fields}, follow_redirects=True)


def noted(service: Desked) -> list[tuple[str, str]]:
    return [(row["action"], row["target"]) for row in rows(service.rt, audit)]


# ── who is told what ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_what_each_is_told_when_and_how_the_last_digest_went(
    service: Desked, client: httpx.Client
) -> None:
    service.line.happen(HEADLINES[0])
    service.line.tick()
    service.close_digests()
    service.send()
    made = signed_up(service, client, confirmed=False)
    page = client.get("/subscribers")
    assert page.status_code == 200
    ids = re.findall(r'<a href="/subscribers/([a-z0-9-]+)"', page.text)
    assert ids[0] == made
    assert sorted(ids[1:]) == ["china", "desk", "lost", "urgent"]
    for words in ("每周摘要", "Once a week, Monday 09:00", "Asia/Shanghai", "in Chongqing and Basel", "Not confirmed"):
        assert words in page.text, words
    desk = page.text[page.text.index('href="/subscribers/desk"') :]
    desk = desk[: desk.index("</tr>")]
    assert "1 event" in desk
    assert "Sent" in desk


def test_rows_are_chosen_by_origin_state_and_words_and_pages_join_without_a_gap(
    service: Desked, client: httpx.Client
) -> None:
    made = signed_up(service, client)
    with service.rt.database.read() as conn:

        def find(**wanted: Any) -> list[str]:
            return [one.id for one in subscriber_search.find(conn, limit=9, **wanted)]

        whole = find()
        assert len(whole) == 5
        assert find(origin=Origin.PAGE) == [made]
        assert find(standing=Standing.ENDED) == []
        assert find(words="The de") == ["desk"]
        assert find(words="read") == [made]
        assert find(words="Biotech") == []
        first = subscriber_search.find(conn, limit=2)
        rest = find(before=(first[-1].created_at, first[-1].id))
        assert [*(one.id for one in first), *rest] == whole


@only_sqlite
def test_one_subscription_shows_everything_and_its_next_windows_in_its_own_zone(
    service: Desked, client: httpx.Client
) -> None:
    made = signed_up(service, client, when="weekly", weekday="2", at_least="10M USD")
    page = client.get(f"/subscribers/{made}").text
    for words in ("Once a week, Wednesday 08:00", "Chongqing and Basel", "10M USD", ">Wed "):
        assert words in page, words
    assert "a***@example.org" in page
    assert client.get("/subscribers/nobody").status_code == 404


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_found_only_whole_and_stands_in_no_page(service: Desked, client: httpx.Client) -> None:
    made = signed_up(service, client)
    with service.rt.database.write() as conn:
        suppressions.record(conn, ANNA, hard=True, reason="smtp_no_such_address", now=service.rt.clock())
    for path in ("/subscribers", f"/subscribers/{made}", "/suppressions", "/subscribers?q=anna", "/channels", "/audit"):
        text = client.get(path).text
        assert "anna" not in text.lower().replace('value="anna"', ""), path
    seal = {"seal": hidden(client.get("/subscribers").text)}
    for written, found in ((ANNA.upper(), [made]), ("anna.s@example.org", []), ("desk@example.org", ["china", "desk"])):
        page = client.post("/subscribers", data={**seal, "address": written}, follow_redirects=True)
        ids = [str(page.url.path).rpartition("/")[2]] if len(page.history) else []
        ids = ids or re.findall(r'<a href="/subscribers/([a-z0-9-]+)" lang', page.text)
        assert sorted(ids) == found, written
    assert client.post("/subscribers", data={**seal, "address": "anna"}).status_code == 422


@only_sqlite
def test_an_address_is_shown_once_to_who_asks_and_the_asking_is_noted(service: Desked, client: httpx.Client) -> None:
    made = signed_up(service, client)
    page = act(client, made, do="reveal")
    assert ANNA in page.text
    assert (page.status_code, page.history) == (200, [])
    assert noted(service) == [("subscribers.reveal", f"subscription {made}")]
    assert ANNA not in json.dumps(rows(service.rt, audit), default=str)
    assert ANNA not in client.get(f"/subscribers/{made}").text


def test_a_suppression_is_shown_and_lifted(service: Desked, client: httpx.Client) -> None:
    made = signed_up(service, client)
    with service.rt.database.write() as conn:
        suppressions.record(conn, ANNA, hard=True, reason="smtp_no_such_address", now=service.rt.clock())
    assert "Nobody has that address" in client.get(f"/subscribers/{made}").text
    assert f'href="/subscribers/{made}"' in client.get("/suppressions").text
    other = act(client, "desk", do="lift", address_key=address_key(ANNA))
    assert other.status_code == 409
    assert "is sent to again" in act(client, made, do="lift", address_key=address_key(ANNA)).text
    assert rows(service.rt, suppression_rows) == []
    assert noted(service) == [("subscribers.lift", f"subscription {made}")]


@only_sqlite
def test_a_suppression_whose_address_was_erased_is_lifted_too(service: Desked, client: httpx.Client) -> None:
    with service.rt.database.write() as conn:
        suppressions.record(conn, ANNA, hard=True, reason="complaint_abuse", now=service.rt.clock())
        conn.execute(suppression_rows.update().values(address=None))
    seal = hidden(client.get("/suppressions").text)
    fields = {"seal": seal, "address_key": address_key(ANNA)}
    assert client.post("/suppressions", data=fields).status_code == 303
    assert client.post("/suppressions", data=fields).status_code == 409
    assert noted(service) == [("suppressions.lift", f"address {address_key(ANNA)[:12]}")]


# ── mutes, pauses, ends ──────────────────────────────────────────────────────────────────────────────────────────────


def test_something_is_muted_for_a_while_and_unmuted(service: Desked, client: httpx.Client) -> None:
    page = act(client, "desk", do="mute", kind="party", value="药明生物", days="30").text
    assert "Everything about 药明生物" in page
    (kept,) = rows(service.rt, mutes)
    assert (kept["kind"], kept["value"], kept["origin"]) == ("party", "药明生物", "cli")
    assert timedelta(days=29, hours=23) < kept["until_at"] - service.rt.clock() <= timedelta(days=30)
    assert "It hears of that again" in act(client, "desk", do="unmute", mute=str(kept["id"])).text
    assert rows(service.rt, mutes) == []
    assert act(client, "desk", do="unmute", mute=str(kept["id"])).status_code == 409
    assert noted(service) == [("subscribers.mute", "subscription desk"), ("subscribers.unmute", "subscription desk")]


@only_sqlite
@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "party", "value": "", "days": "7"},
        {"kind": "all", "value": "x", "days": "7"},
        {"kind": "party", "value": "Acme", "days": "8"},
        {"kind": "story", "value": "one", "days": "7"},
    ],
    ids=["no name", "unknown kind", "unknown time", "a story without number"],
)
def test_a_mute_that_makes_no_sense_is_refused(service: Desked, client: httpx.Client, fields: dict[str, str]) -> None:
    assert act(client, "desk", do="mute", **fields).status_code == 422
    assert (rows(service.rt, mutes), noted(service)) == ([], [])


@only_sqlite
def test_a_pause_shows_and_goes(service: Desked, client: httpx.Client) -> None:
    assert "Paused" in act(client, "desk", do="pause", days="7").text
    assert "Paused" in client.get("/subscribers").text
    (kept,) = rows(service.rt, mutes)
    assert "Go on now" in client.get("/subscribers/desk").text
    act(client, "desk", do="unmute", mute=str(kept["id"]))
    assert "Pause for" in client.get("/subscribers/desk").text


@only_sqlite
def test_mutes_of_the_file_are_shown_and_cannot_be_ended_here(service: Desked, client: httpx.Client) -> None:
    with service.rt.database.write() as conn:
        (row,) = conn.execute(subscriptions.select().where(subscriptions.c.id == "desk")).all()
        held = {**row.config, "mutes": [{"kind": "place", "value": "Seoul"}]}
        conn.execute(subscriptions.update().where(subscriptions.c.id == "desk").values(config=held))
        ended = Mute(kind=MuteKind.PARTY, value="Long ago", until=service.rt.clock() - timedelta(days=1))
        mute_rows.add(conn, "desk", ended, origin=Origin.CLI, now=service.rt.clock() - timedelta(days=9))
    page = client.get("/subscribers/desk").text
    assert "Everything in Seoul" in page
    assert "Long ago" not in page
    assert "Unmute" not in page


def test_a_reader_is_ended_and_told_again_and_the_file_is_left_true(service: Desked, client: httpx.Client) -> None:
    made = signed_up(service, client)
    assert "It has ended" in act(client, made, do="end").text
    (row,) = [row for row in rows(service.rt, subscriptions) if row["id"] == made]
    assert row["ended_by"] == "console"
    assert "Ended" in client.get("/subscribers?state=ended").text
    assert "It is told again" in act(client, made, do="resume").text
    assert act(client, "desk", do="end").status_code == 409
    assert act(client, "desk", do="resume").status_code == 409
    assert noted(service) == [(f"subscribers.{one}", f"subscription {made}") for one in ("end", "resume")]


def test_the_digest_is_sent_now(service: Desked, client: httpx.Client) -> None:
    assert act(client, "desk", do="send").status_code == 409
    service.line.happen(HEADLINES[0])
    service.line.tick()
    page = act(client, "desk", do="send").text
    assert "1 digest closed" in page
    service.line.tick()
    service.send()
    day = wording.day(service.rt.clock().astimezone(ZoneInfo("Asia/Shanghai")))
    assert [mail.message["Subject"] for mail in service.inbox.mails] == ["The desk: 1 event, " + day]
    (closed,) = [row for row in rows(service.rt, digests) if row["subscription_id"] == "desk"]
    assert closed["closed_at"] is not None


def test_a_reader_is_erased_after_a_second_question_and_the_file_is_not(service: Desked, client: httpx.Client) -> None:
    made = signed_up(service, client)
    assert "Erase for good" not in client.get(f"/subscribers/{made}").text
    assert "Erase for good" in client.get(f"/subscribers/{made}?erase=1").text
    page = act(client, made, do="erase")
    assert page.url.path == "/subscribers"
    assert "Erased: the address" in page.text
    assert made not in [row["id"] for row in rows(service.rt, subscriptions)]
    assert client.get(f"/subscribers/{made}").status_code == 404
    assert act(client, "desk", do="erase").status_code == 409
    assert "Erase for good" not in client.get("/subscribers/desk?erase=1").text
    assert noted(service) == [("subscribers.erase", f"subscription {made}")]


@only_sqlite
def test_a_form_of_another_session_does_nothing(service: Desked, client: httpx.Client) -> None:
    answer = client.post("/subscribers/desk", data={"seal": "made.up", "do": "pause", "days": "7"})
    assert answer.status_code == 403
    assert (rows(service.rt, mutes), noted(service)) == ([], [])
