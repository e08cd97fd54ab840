"""The pages behind signed links over a real server: what a GET shows, what a POST does, what tells nobody anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from event_factories import digest
from reading import CONFIG, PUBLIC, at, configure, everything, fill, hidden, open_service, rows, served
from row_factories import add_event, match, now

from watcher.model import Change, ChangeWhy, DigestLinks, Envelope, Fact, FactKind, Snippet, Window
from watcher.pipeline.compose import compose
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Links, Purpose
from watcher.store import channels as channel_rows
from watcher.store import deliveries, digests, events, outbox
from watcher.store import subscriptions as subscription_rows
from watcher.store.schema import digests as digest_rows
from watcher.store.schema import mutes, subscriptions, verdicts

ACTED_ON = (Purpose.VOTE, Purpose.MUTE, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
ONE_CLICK = "List-Unsubscribe=One-Click"


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path)
    add_event(opened.database)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with served(rt) as opened:
        yield opened


def path(rt: Runtime, purpose: Purpose, **value: Any) -> str:
    return f"/{purpose}/{links(rt).token(purpose, **value)}"


def value_of(purpose: Purpose, subscription_id: str = "desk") -> dict[str, Any]:
    about = {"e": 1, "s": subscription_id}
    return {
        Purpose.EVENT: about,
        Purpose.VOTE: {**about, "w": "useful"},
        Purpose.MUTE: about,
        Purpose.UNSUBSCRIBE: {"s": subscription_id},
        Purpose.PREFERENCES: {"s": subscription_id},
    }[purpose]


def ended(rt: Runtime) -> dict[str, str | None]:
    return {row["id"]: row["ended_by"] for row in rows(rt, subscriptions) if row["id"] != "_ops"}


# ── an event ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_shown_with_its_facts_its_words_its_sources_and_what_changed(
    rt: Runtime, client: httpx.Client
) -> None:
    with rt.database.write() as conn:
        events.revise(
            conn,
            1,
            revision=2,
            facts=match().facts,
            snippets=[Snippet(text="Acme Bio raised $5 million.", marks=((9, 15),))],
            now=at("2026-11-22T08:00+00:00"),
            changes=[Change(fact="amount", before="4M USD", after="5M USD", why=ChangeWhy.NEWER)],
            item_id=1,
        )
    page = client.get(path(rt, Purpose.EVENT, e=1, s="desk")).text
    assert '<h1 class="headline" dir="auto" lang="en">Title of a</h1>' in page
    assert '<dt>Amount</dt><dd dir="auto">5M USD</dd>' in page
    assert "Acme Bio <mark>raised</mark> $5 million." in page
    assert 'href="https://news.example/a" rel="noopener noreferrer nofollow"' in page
    assert "amount corrected from 4M USD to 5M USD by a newer source" in page
    assert "updated 22 Nov 2026" in page


def test_an_event_speaks_the_readers_language_or_the_one_that_is_asked_for(rt: Runtime, client: httpx.Client) -> None:
    page = client.get(path(rt, Purpose.EVENT, e=1, s="desk") + "?lang=zh").text
    assert '<html lang="zh-Hans">' in page
    assert ">融资</p>" in page
    assert '<dt>金额</dt><dd dir="auto">500万美元</dd>' in page


def test_what_publishers_write_is_text_on_every_page(rt: Runtime, client: httpx.Client) -> None:
    hostile = "<script>alert(1)</script>\u202e{{ 7*7 }}\x07"
    facts = {"party": Fact(name="party", kind=FactKind.PARTY, value=hostile)}
    snippet = Snippet(text=hostile, marks=((0, 8),))
    with rt.database.write() as conn:
        events.revise(conn, 1, revision=2, facts=facts, snippets=[snippet], now=now())
    for purpose in (Purpose.EVENT, Purpose.VOTE, Purpose.MUTE):
        page = client.get(path(rt, purpose, **value_of(purpose))).text
        assert "<script" not in page
        assert "\u202e" not in page
        assert "\x07" not in page
        assert "&lt;script&gt;" in page
        assert "49" not in page.replace("2049", "") or "{{ 7*7 }}" in page


# ── votes and mutes ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_vote_is_kept_by_the_button_repeated_harmlessly_and_changed(rt: Runtime, client: httpx.Client) -> None:
    address = path(rt, Purpose.VOTE, e=1, s="desk", w="not_useful")
    page = client.get(address).text
    assert 'value="not_useful" class="main"' in page
    assert rows(rt, verdicts) == []
    for word in ("not_useful", "not_useful", "useful"):
        answer = fill(client, address, {"verdict": word})
        assert answer.status_code == 200
        assert [(row["who"], row["verdict"]) for row in rows(rt, verdicts)] == [("reader:desk", word)]
    assert 'value="useful" class="main"' in client.get(address).text


@pytest.mark.parametrize("verdict", ["", "excellent", "USEFUL"])
def test_a_vote_of_another_word_is_none(rt: Runtime, client: httpx.Client, verdict: str) -> None:
    fill(client, path(rt, Purpose.VOTE, e=1, s="desk", w="useful"), {"verdict": verdict})
    assert rows(rt, verdicts) == []


@pytest.mark.parametrize(
    "what, kind, value",
    [("story", "story", "1"), ("rule", "rule", "funding"), ("party-0", "party", "Acme Bio")],
)
def test_a_mute_is_set_with_an_end_and_a_second_one_moves_it(
    rt: Runtime, client: httpx.Client, what: str, kind: str, value: str
) -> None:
    address = path(rt, Purpose.MUTE, e=1, s="desk")
    for days in ("7", "30"):
        page = fill(client, address, {"what": what, "days": days}).text
        assert "Muted until" in page
        (row,) = rows(rt, mutes)
        assert (row["kind"], row["value"], row["origin"]) == (kind, value, "page")
        assert abs(row["until_at"] - now() - timedelta(days=int(days))) < timedelta(minutes=1)


@pytest.mark.parametrize("fields", [{"what": "party-9", "days": "7"}, {"what": "rule", "days": "4000"}, {}])
def test_a_mute_of_what_is_not_offered_is_refused_beside_its_field(
    rt: Runtime, client: httpx.Client, fields: dict[str, str]
) -> None:
    page = fill(client, path(rt, Purpose.MUTE, e=1, s="desk"), fields).text
    assert 'class="wrong"' in page
    assert rows(rt, mutes) == []


# ── the end of a subscription ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body, content_type",
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (ONE_CLICK, "text/plain"),
        (
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_one_click_ends_a_subscription_with_no_cookie_no_seal_and_no_redirect(
    rt: Runtime, client: httpx.Client, body: str, content_type: str
) -> None:
    address = path(rt, Purpose.UNSUBSCRIBE, s="desk")
    headers = {"content-type": content_type, "origin": "https://mail.example"}
    for _ in range(2):
        answer = client.post(address, content=body, headers=headers)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert ended(rt) == {"desk": "one_click"}
    assert "You are unsubscribed" in answer.text


def test_the_button_ends_a_subscription_says_so_and_offers_to_undo(rt: Runtime, client: httpx.Client) -> None:
    address = path(rt, Purpose.UNSUBSCRIBE, s="desk")
    page = fill(client, address, {"do": "end"}).text
    assert "“The desk” has ended" in page
    assert ended(rt) == {"desk": "page"}
    again = fill(client, address, {"do": "resume"}).text
    assert "“The desk” goes on as before." in again
    assert ended(rt) == {"desk": None}


def test_ops_hear_when_a_reader_ends_what_stands_in_watcher_yml(rt: Runtime, client: httpx.Client) -> None:
    address = path(rt, Purpose.UNSUBSCRIBE, s="desk")
    for _ in range(2):
        client.post(address, content=ONE_CLICK)
    told = [row["notice"]["subject"] for row in rows(rt, digest_rows) if row["subscription_id"] == "_ops"]
    assert told == ["Subscription desk was ended by its reader"]


def test_a_reader_of_one_channel_leaves_and_comes_back_while_the_others_are_told(
    rt: Runtime, client: httpx.Client
) -> None:
    configure(rt, (CONFIG % (25, 25, PUBLIC)).replace("desk: {channels: [mail]", "desk: {channels: [mail, other]"))

    def told() -> tuple[str, ...]:
        with rt.database.read() as conn:
            found = subscription_rows.get(conn, "desk")
        return found.channels if found else ()

    mine = path(rt, Purpose.UNSUBSCRIBE, s="desk", c="mail")
    others = path(rt, Purpose.UNSUBSCRIBE, s="desk", c="other")
    for _ in range(2):
        assert "You are unsubscribed" in client.post(mine, content=ONE_CLICK).text
        assert (told(), ended(rt)) == (("other",), {"desk": None})
    assert "You are unsubscribed" in client.get(mine).text
    assert "This ends the subscription" in client.get(others).text
    with rt.database.write() as conn:
        assert outbox.standing(conn, "desk", None, channel_id="mail").stopped == "unsubscribed from this channel"
        assert outbox.standing(conn, "desk", None, channel_id="other").stopped is None

    client.post(others, content=ONE_CLICK)
    assert (told(), ended(rt)) == ((), {"desk": "one_click"})
    fill(client, others, {"do": "resume"})
    assert told() == ("other",)
    fill(client, mine, {"do": "resume"})
    assert told() == ("mail", "other")
    configure(rt, CONFIG % (25, 25, PUBLIC))
    assert told() == ("mail",)


def test_a_mail_names_the_channel_that_its_reader_would_leave(rt: Runtime) -> None:
    with rt.database.read() as conn:
        (way,) = channel_rows.configs(conn, ["mail"])
    view = digest(links=DigestLinks(unsubscribe="https://watch.example/u/x"), public_url=PUBLIC)
    mail = compose(rt, view, way, key="k", now=now()).body.decode()
    found = re.search(r"List-Unsubscribe: <https://watch\.example/u/([^>]+)>", mail)
    assert found is not None
    assert links(rt).read(Purpose.UNSUBSCRIBE, found[1]) == {"s": "china-biotech", "c": "mail"}


def test_a_reload_of_watcher_yml_does_not_begin_again_what_a_reader_ended(rt: Runtime, client: httpx.Client) -> None:
    client.post(path(rt, Purpose.UNSUBSCRIBE, s="desk"), content=ONE_CLICK)
    configure(rt, CONFIG.replace("The desk", "The new desk") % (25, 25, PUBLIC))
    assert ended(rt) == {"desk": "one_click"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_148_a_scanner_that_follows_every_link_a_thousand_times_changes_nothing(
    rt: Runtime, client: httpx.Client
) -> None:
    addresses = [path(rt, purpose, **value_of(purpose)) for purpose in ACTED_ON]
    unsubscribe = path(rt, Purpose.UNSUBSCRIBE, s="desk")
    before = everything(rt)
    scanner = HTTPConnection(client.base_url.host, client.base_url.port)
    for number in range(1000 if "TESTS_WHOLE" in os.environ else 150):
        address = addresses[number // 5 % 4] if number % 5 == 0 else unsubscribe
        scanner.request("HEAD" if number % 2 else "GET", address)
        with scanner.getresponse() as answer:
            assert (answer.status, answer.read() == b"") == (200, bool(number % 2))
    scanner.close()
    assert everything(rt) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_148_every_post_may_come_twice(rt: Runtime, client: httpx.Client) -> None:
    forms = {
        Purpose.VOTE: {"verdict": "useful"},
        Purpose.MUTE: {"what": "rule", "days": "7"},
        Purpose.UNSUBSCRIBE: {"do": "end"},
        Purpose.PREFERENCES: {"do": "pause", "days": "14"},
    }
    for purpose, fields in forms.items():
        address = path(rt, purpose, **value_of(purpose))
        sealed = {"seal": hidden(client.get(address).text), **fields}
        first = client.post(address, data=sealed)
        counts = {name: len(found) for name, found in everything(rt).items()}
        second = client.post(address, data=sealed)
        assert (first.status_code, second.status_code) == (200, 200)
        assert {name: len(found) for name, found in everything(rt).items()} == counts


def bad_tokens(rt: Runtime) -> dict[str, str]:
    good = links(rt).token(Purpose.UNSUBSCRIBE, s="desk")
    body, _, signature = good.partition(".")
    other = Links(key="another key of at least 32 characters")
    return {
        "tampered": f"{body[:-1]}{'A' if body[-1] != 'A' else 'B'}.{signature}",
        "cut": good[:-1],
        "unsigned": body,
        "another-key": other.token(Purpose.UNSUBSCRIBE, s="desk"),
        "another-purpose": links(rt).token(Purpose.PREFERENCES, s="desk"),
        "nobody": links(rt).token(Purpose.UNSUBSCRIBE, s="nobody"),
        "the-service": links(rt).token(Purpose.UNSUBSCRIBE, s="_ops"),
        "no-name": links(rt).token(Purpose.UNSUBSCRIBE),
        "not-a-name": links(rt).token(Purpose.UNSUBSCRIBE, s=["desk"]),
        "long": "x" * 5000,
        "odd": "%F0%9F%92%A9.%00",
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_148_a_token_that_is_not_ours_opens_one_and_the_same_page(rt: Runtime, client: httpx.Client) -> None:
    before, pages = everything(rt), set()
    for token in bad_tokens(rt).values():
        for answer in (client.get(f"/u/{token}"), client.post(f"/u/{token}", content=ONE_CLICK)):
            assert answer.status_code == 404
            pages.add(answer.text.replace(hidden_or_nothing(answer.text), ""))
    assert len(pages) == 1
    assert "desk" not in pages.pop()
    assert everything(rt) == before


def hidden_or_nothing(page: str) -> str:
    return hidden(page) if 'name="seal"' in page else "\x00"


@pytest.mark.parametrize("purpose", ACTED_ON)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_148_one_readers_token_never_acts_for_another(
    rt: Runtime, client: httpx.Client, purpose: Purpose
) -> None:
    """The form's own fields cannot name whom it is for, and another page's seal is refused."""
    mine, other = path(rt, purpose, **value_of(purpose)), path(rt, Purpose.UNSUBSCRIBE, s="desk")
    seal = hidden(client.get(other).text)
    if purpose is Purpose.UNSUBSCRIBE:
        mine = path(rt, purpose, s="desk", more="x")
    before = everything(rt)
    for do in ("resume", "pause", "erase_for_good"):
        answer = client.post(mine, data={"seal": seal, "s": "other", "do": do, "verdict": "useful", "days": "7"})
        assert answer.status_code in (200, 403)
    assert everything(rt) == before


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"], ids=["without", "foreign", "null"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_149_a_form_that_is_not_from_our_page_changes_nothing(
    rt: Runtime, client: httpx.Client, origin: str | None
) -> None:
    before = everything(rt)
    for purpose in ACTED_ON:
        address = path(rt, purpose, **value_of(purpose))
        seal = "" if origin is None else hidden(client.get(address).text)
        headers = {"origin": origin} if origin else {}
        do = "resume" if purpose is Purpose.UNSUBSCRIBE else "pause"
        fields = {"seal": seal, "do": do, "days": "7", "what": "rule", "verdict": "useful"}
        assert client.post(address, data=fields, headers=headers).status_code == 403
    assert everything(rt) == before


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_input_150_no_page_leads_where_an_address_says(rt: Runtime, client: httpx.Client, target: str) -> None:
    for purpose in (*ACTED_ON, Purpose.EVENT):
        address = path(rt, purpose, **value_of(purpose))
        for answer in (
            client.get(address, params={"next": target, "lang": target}),
            client.post(address, params={"next": target}, data={"next": target}),
        ):
            assert "location" not in answer.headers
            assert "evil" not in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_readers_pages_forbid_scripts_frames_guessing_and_telling_their_address(
    rt: Runtime, client: httpx.Client
) -> None:
    for address in (*(path(rt, one, **value_of(one)) for one in (*ACTED_ON, Purpose.EVENT)), "/u/x", "/subscribe"):
        headers = client.get(address).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
        }
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        assert "set-cookie" not in headers


# ── a digest ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MAIL = """<!DOCTYPE html><html><head><title>t</title><style>.h{color:red}</style>
<style>@import url(https://evil.example/x.css);</style></head>
<body class="p" style="background-color:#f4f3ef"><div class="h" onclick="x()">Digest of today</div>
<script>alert(1)</script><img src="https://evil.example/pixel.gif"><a href="javascript:alert(1)">bad</a>
<a href="https://news.example/a">good</a><form action="https://evil.example"><input></form>
<iframe src="https://evil.example"></iframe><svg onload="x()"></svg></body></html>"""


def add_digest(rt: Runtime, subscription_id: str, *, html: str | None) -> int:
    """A digest of one alert, sent by mail when there is HTML, else to a webhook; its id."""
    message = EmailMessage()
    message.set_content("text")
    message.add_alternative(html or "", subtype="html")
    body = message.as_bytes() if html else b"{}"
    kind = "message/rfc822" if html else "application/json"
    with rt.database.write() as conn:
        window = Window(key="2026-11-22", closes_at=now())
        digest_id = digests.open_window(conn, subscription_id, window, immediate=False, now=now())
        assert digest_id is not None
        about = {"subscription_id": subscription_id, "event_id": 1, "revision": 1, "reason": "rule funding"}
        digests.add_alert(conn, **about, digest_id=digest_id, now=now())
        envelope = Envelope(message_id="m", content_type=kind, body=body)
        deliveries.add(conn, digest_id=digest_id, channel_id="mail", key="k", envelope=envelope, now=now())
    return digest_id


def test_a_digest_in_the_browser_is_the_mail_without_anything_that_runs(rt: Runtime, client: httpx.Client) -> None:
    digest_id = add_digest(rt, "desk", html=MAIL)
    answer = client.get(path(rt, Purpose.DIGEST, d=digest_id))
    assert answer.status_code == 200
    page = answer.text
    assert '<div class="h">Digest of today</div>' in page
    assert ".h{color:red}" in page
    assert 'class="p" style="background-color:#f4f3ef"' in page
    assert 'href="https://news.example/a"' in page
    for bad in ("script", "evil", "onclick", "onload", "javascript", "<img", "<form", "<iframe", "<svg", "@import"):
        assert bad not in page
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; style-src 'unsafe-inline'" in policy
    assert "sandbox" in policy
    assert "script" not in policy


def test_a_digest_that_went_out_by_no_mail_is_a_list_of_its_events(rt: Runtime, client: httpx.Client) -> None:
    page = client.get(path(rt, Purpose.DIGEST, d=add_digest(rt, "desk", html=None))).text
    assert ">Title of a</h2>" in page
    assert "<dt>Amount</dt>" in page


def test_a_digest_that_is_not_there_is_not_told_from_one_that_never_was(rt: Runtime, client: httpx.Client) -> None:
    gone = client.get(path(rt, Purpose.DIGEST, d=99))
    never = client.get("/d/x")
    assert (gone.status_code, gone.text) == (never.status_code, never.text)
    assert gone.status_code == 404


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_without_end_is_refused(rt: Runtime, client: httpx.Client) -> None:
    address = path(rt, Purpose.UNSUBSCRIBE, s="desk")
    answer = client.post(address, content=b"x" * 200_000)
    assert answer.status_code == 413
    assert ended(rt) == {"desk": None}


def test_a_page_says_that_the_database_is_away(tmp_path: Path) -> None:
    from watcher import runtime
    from watcher.settings import Settings

    rt = runtime.open(Settings(database_url="postgresql+psycopg://u:hunter2@127.0.0.1:1/none", data_dir=tmp_path))
    with served(rt) as client:
        answers = [client.get("/u/x"), client.post("/u/x", content=ONE_CLICK), client.get("/subscribe")]
    rt.close()
    for answer in answers:
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "hunter2" not in answer.text
