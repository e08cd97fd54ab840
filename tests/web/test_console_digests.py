"""Digests at the console: what became of each window, and a preview that is what would be sent, and harmless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from console_rows import HEADLINES, Desked, desked, secrets
from reading import at_desk, everything, hidden, rows
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher import pipeline
from watcher.model import Mute, MuteKind, Origin
from watcher.pipeline import digest_preview
from watcher.pipeline.links import links
from watcher.signing import Purpose
from watcher.store import digest_search, mutes, subscriptions
from watcher.store.digest_search import Fate
from watcher.store.schema import audit, digests
from watcher.web.console.digest_rows import fate


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


def happened(service: Desked, *headlines: str) -> list[int]:
    made = [service.line.happen(one) for one in headlines]
    service.line.tick()
    return made


def late(service: Desked, subscription: str) -> None:
    """Let the open window of the subscription have closed too long ago."""
    ago = service.rt.clock() - timedelta(days=9)
    with service.rt.database.write() as conn:
        mine = digests.update().where(digests.c.subscription_id == subscription, digests.c.closed_at.is_(None))
        conn.execute(mine.values(closes_at=ago, late_at=ago + timedelta(hours=12)))
    pipeline.due(service.rt)


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_windows_are_found_by_what_became_of_them(service: Desked, client: httpx.Client) -> None:
    happened(service, HEADLINES[0])
    service.close_digests()
    happened(service, HEADLINES[1])
    late(service, "desk")
    with service.rt.database.write() as conn:
        lost = digests.c.subscription_id == "lost"
        conn.execute(digests.update().where(lost).values(parked_reason="a template broke"))

    def found(which: Fate | None, subscription: str = "") -> list[tuple[str, int]]:
        with service.rt.database.read() as conn:
            every = digest_search.find(conn, limit=50, fate=which, subscription=subscription)
        return [(row["subscription_id"], row["told"]) for row in every]

    assert found(Fate.LATE) == [("desk", 0)]
    assert ("desk", 1) in found(Fate.OPEN)
    assert sorted(found(Fate.SENT, "desk")) == [("desk", 1)]
    assert found(Fate.PARKED) == [("lost", 1), ("lost", 1)]
    page = client.get("/digests").text
    for words in ("Late", "went into digest", "a template broke", "Open windows, the next to close first"):
        assert words in page, words
    assert "Write all parked digests again" in client.get("/digests?state=parked").text
    again = client.post("/digests", data={"seal": hidden(page)}, follow_redirects=True)
    assert "2 parked digests due now" in again.text
    assert [row["action"] for row in rows(service.rt, audit)] == ["digests.retry"]


def test_an_empty_day_is_told_apart_from_one_that_was_told(service: Desked) -> None:
    service.line.tick()
    service.close_digests()
    with service.rt.database.read() as conn:
        (row,) = digest_search.find(conn, limit=9, subscription="china", fate=Fate.SENT)
        assert digest_search.find(conn, limit=9, fate=Fate.EMPTY) == []
    assert (row["told"], len(row["messages"])) == (0, 1)
    with service.rt.database.write() as conn:
        (config,) = [one for one in subscriptions.active(conn) if one.id == "desk"]
        at = service.rt.clock() - timedelta(hours=1)
        empty = {"key": "e", "subscription_id": config.id, "window": "2020-01-01", "closes_at": at, "immediate": False}
        conn.execute(digests.insert().values(**empty, created_at=at, closed_at=at, late_at=at))
        (found,) = digest_search.find(conn, limit=9, fate=Fate.EMPTY)
    assert found["window"] == "2020-01-01"
    assert fate(found)[1] == "Nothing to tell"


@only_sqlite
def test_one_window_says_what_it_tells_why_and_by_which_messages(service: Desked, client: httpx.Client) -> None:
    (event,) = happened(service, HEADLINES[1])
    service.close_digests()
    service.send()
    with service.rt.database.read() as conn:
        (row,) = digest_search.find(conn, limit=1, subscription="desk", fate=Fate.SENT)
    page = client.get(f"/digests/{row['id']}").text
    assert f'href="/events/{event}"' in page
    assert "rule funding" in page
    for number, _, _ in row["messages"]:
        assert f'href="/deliveries/{number}"' in page
    assert client.get("/digests/999").status_code == 404
    assert client.get("/digests/x").status_code == 404


# ── a preview ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_is_the_message_that_is_then_sent(service: Desked, client: httpx.Client) -> None:
    happened(service, *HEADLINES)
    before = everything(service.rt)
    preview = client.get("/digests/preview/desk?show=text").text
    assert client.get("/digests/preview/desk/html?channel=mail").status_code == 200
    after = everything(service.rt)
    before.pop("sessions"), after.pop("sessions")
    assert after == before
    for headline in HEADLINES:
        assert headline in preview
    assert "3 events of the open window, as channel mail would send it now" in preview
    slack = client.get("/digests/preview/desk?channel=team").text
    assert HEADLINES[1] in slack
    assert "<iframe" not in slack
    hook = client.get("/digests/preview/urgent?days=7&show=source").text
    assert "digest.closed" in hook


@only_sqlite
def test_a_preview_in_a_frame_can_do_nothing_and_its_addresses_do_not_work(
    service: Desked, client: httpx.Client
) -> None:
    happened(service, *HEADLINES)
    framed = client.get("/digests/preview/desk/html")
    assert framed.headers["content-security-policy"].startswith("sandbox; default-src 'none'; img-src data:;")
    assert "allow-" not in framed.headers["content-security-policy"]
    for path in ("/html", "?show=text", "?show=source", "?show=headers", "?channel=team&show=source"):
        text = client.get(f"/digests/preview/desk{path}").text.replace("=\n", "")
        for token in re.findall(r"[\w.-]{20,}", text):
            assert not any(links(service.rt).read(purpose, token) for purpose in Purpose), path
        assert "desk@example.org" not in text


def test_what_is_left_out_is_said_with_its_reason(service: Desked, client: httpx.Client) -> None:
    happened(service, HEADLINES[0], HEADLINES[1])
    service.line.happen("A licence nobody asked for", rule_id="licensing-deal", party="Other Bio")
    service.line.tick()
    with service.rt.database.write() as conn:
        muted = Mute(kind=MuteKind.PARTY, value="Acme Bio")
        mutes.add(conn, "desk", muted, origin=Origin.CLI, now=service.rt.clock())
        (desk,) = [one for one in subscriptions.active(conn) if one.id == "desk"]
    left = {event.title: choice for event, choice in digest_preview.left_out(service.rt, desk, days=1)}
    assert (
        left["A licence nobody asked for"].reason == "rule licensing-deal is not subscribed"
        or left["A licence nobody asked for"].muted
    )
    assert left["A licence nobody asked for"].reason == "rule licensing-deal is not subscribed"
    assert left[HEADLINES[0]].muted
    assert digest_preview.preview_digest(service.rt, desk).alerts == ()
    page = client.get("/digests/preview/desk").text
    assert "No events of the open window" in page
    assert "Muted" in page


@only_sqlite
def test_a_preview_in_chinese_speaks_chinese(service: Desked, client: httpx.Client) -> None:
    happened(service, HEADLINES[1])
    assert "退订" in client.get("/digests/preview/desk?language=zh&show=text").text
    assert "退订" in client.get("/digests/preview/china/html?days=1").text


@only_sqlite
@pytest.mark.parametrize(
    "path", ["/digests/preview/nobody", "/digests/preview/_ops", "/digests/preview/desk/html?channel=team"]
)
def test_a_preview_of_nothing_is_not_here(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404
