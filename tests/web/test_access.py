"""Tokens, read-only mode, the switch of the metrics, and that no page but the named ones opens without a login."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from reading import PASSWORD_HASH, at_desk, hidden, open_service, rows, served
from starlette.applications import Starlette
from starlette.routing import Route

from watcher import web
from watcher.errors import CannotHelp
from watcher.pipeline import tokens
from watcher.runtime import Runtime
from watcher.settings import with_values
from watcher.store import audit as lines
from watcher.store.schema import audit
from watcher.store.schema import tokens as token_rows
from watcher.web.console import PAGES
from watcher.web.operator import Scope

OPEN = {
    "/healthz",
    "/readyz",
    "/login",
    "/static/{name}",
    "/reader.css",
    # readers: sign-up, and addresses that are signed
    "/subscribe",
    "/e/{token}",
    "/d/{token}",
    "/v/{token}",
    "/m/{token}",
    "/u/{token}",
    "/p/{token}",
    "/c/{token}",
    "/f/{token}",
    "/f/{token}/json",
    # hubs: an address that cannot be guessed, and bodies that are signed
    "/push/{token}",
    # out by a switch of their own in watcher.yml
    "/events.atom",
    "/events.json",
    # what the API does not have
    "/api/{rest:path}",
}
"""Every route that answers strangers. Whoever adds one says here why it may."""
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(sqlite_url, tmp_path, admin_password=PASSWORD_HASH)
    yield opened
    opened.close()


def bearer(rt: Runtime, *scopes: str, name: str = "program", days: int | None = None) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens.make(rt, name, scopes, days=days, who='test')}"}


# ── every route ──────────────────────────────────────────────────────────────────────────────────────────────────────


def routes(application: Starlette) -> dict[str, set[str]]:
    """Every path with the methods that it says it answers: all of them where it says nothing."""
    found: dict[str, set[str]] = {}
    for route in application.routes:
        assert isinstance(route, Route), route
        found.setdefault(route.path, set()).update(route.methods or METHODS)
    return found


def concrete(path: str) -> str:
    """The path with something in the place of each parameter."""
    parts = [("1" if part.startswith("{") else part) for part in path.split("/")]
    return "/".join(parts)


def test_no_page_but_the_named_ones_answers_a_stranger(rt: Runtime) -> None:
    found = routes(web.app(rt))
    assert len(found) > 60
    wrong = []
    with served(rt) as client:
        for path in sorted(found.keys() - OPEN):
            told = set()
            for method in sorted(found[path] & METHODS):
                answer = client.request(method, concrete(path))
                login = answer.status_code == 303 and answer.headers["location"].partition("?")[0] == "/login"
                told.add("login" if login else str(answer.status_code))
            if not told & {"login", "401"} or told - {"login", "401", "405"}:
                wrong.append((path, told))
    assert wrong == []


def test_a_strangers_form_is_not_read_before_the_login(rt: Runtime) -> None:
    with served(rt) as client:
        port = client.base_url.port
        assert port is not None
        for path in ("/feeds/import", "/workbench", "/feeds"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as stranger:
                head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                stranger.sendall(f"{head}Content-Length: 4000000\r\n\r\n--b\r\n".encode())
                assert stranger.recv(4096).startswith(b"HTTP/1.1 303 "), path


def test_the_list_of_open_pages_names_no_page_that_is_gone(rt: Runtime) -> None:
    assert OPEN - routes(web.app(rt)).keys() == set()


def test_a_forged_cookie_and_a_forged_token_open_nothing(rt: Runtime) -> None:
    with served(rt) as client:
        for headers in (
            {"cookie": "watcher-session=" + "x" * 43},
            {"cookie": "watcher-session=" + "x" * 5000},
            {"cookie": "__Host-watcher-session="},
            {"authorization": "Bearer wat_" + "x" * 43},
            {"authorization": "Bearer"},
            {"authorization": "Basic YWRtaW46YWRtaW4="},
        ):
            assert client.get("/audit", headers=headers).status_code in (303, 401), headers


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_opens_what_its_scopes_allow_and_only_its_digest_is_kept(rt: Runtime) -> None:
    headers = bearer(rt, "read")
    assert headers["authorization"].startswith("Bearer wat_")
    with served(rt) as client:
        assert client.get("/settings", headers=headers).status_code == 200
        assert client.get("/metrics", headers=headers).status_code == 403
        assert client.get("/settings", headers={"authorization": headers["authorization"] + "x"}).status_code in (
            303,
            401,
        )
    assert headers["authorization"].removeprefix("Bearer ") not in str(rows(rt, token_rows)) + str(rows(rt, audit))


def test_a_token_comes_before_a_cookie(rt: Runtime) -> None:
    with at_desk(rt) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/metrics", headers=bearer(rt, "read")).status_code == 403
        assert client.get("/metrics", headers={"authorization": "Bearer wat_none"}).status_code == 401


def test_a_token_ends_when_it_is_revoked_and_when_its_days_are_over(rt: Runtime) -> None:
    revoked, short = bearer(rt, "read", name="one"), bearer(rt, "read", name="two", days=1)
    with served(rt) as client:
        assert client.get("/settings", headers=revoked).status_code == 200
        tokens.revoke(rt, "one", who="test")
        assert client.get("/settings", headers=revoked).status_code in (303, 401)
        later = rt.clock() + timedelta(days=1)
        assert client.get("/settings", headers=short).status_code == 200
        rt.clock = lambda: later
        assert client.get("/settings", headers=short).status_code in (303, 401)
    with pytest.raises(CannotHelp, match="there is no token 'one' that could be revoked"):
        tokens.revoke(rt, "one", who="test")
    assert [row["action"] for row in rows(rt, audit)] == ["tokens.add", "tokens.add", "tokens.revoke"]


def test_a_tokens_use_is_written_down_at_most_once_a_minute(rt: Runtime) -> None:
    headers, now = bearer(rt, "read"), rt.clock()
    with served(rt) as client:
        for seconds, seen in ((0, 0), (59, 0), (60, 60)):
            rt.clock = lambda seconds=seconds: now + timedelta(seconds=seconds)  # type: ignore[misc]
            client.get("/settings", headers=headers)
            assert rows(rt, token_rows)[0]["used_at"] == now + timedelta(seconds=seen)


@pytest.mark.parametrize(("scopes", "status"), [(["read"], 403), (["read", "judge"], 403), (["read", "operate"], 200)])
def test_the_audit_log_asks_of_a_token_what_the_api_asks(rt: Runtime, scopes: list[str], status: int) -> None:
    headers = bearer(rt, *scopes)
    with at_desk(rt) as client:
        for path in ("/audit", "/api/v1/audit", "/api/v1/tokens"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == status, path
            assert ("tokens.add" in answer.text) is (status == 200 and path != "/api/v1/tokens"), path
        assert client.get("/audit").status_code == 200


@pytest.mark.parametrize(
    ("name", "scopes", "days", "told"),
    [
        ("", ["read"], None, "is no name for a token"),
        ("a b", ["read"], None, "is no name for a token"),
        ("Admin", ["read"], None, "is no name for a token"),
        ("x" * 81, ["read"], None, "is no name for a token"),
        ("ci", [], None, "nothing is no scope: take some of read, judge, operate, metrics"),
        ("ci", ["write"], None, "write is no scope"),
        ("ci", ["read"], 0, "a token holds 1 to 3650 days"),
        ("taken", ["read"], None, "there is, or was, a token 'taken'"),
    ],
)
def test_a_token_that_cannot_be_made_is_told(
    rt: Runtime, name: str, scopes: list[str], days: int | None, told: str
) -> None:
    bearer(rt, "read", name="taken")
    tokens.revoke(rt, "taken", who="test")
    with pytest.raises(CannotHelp) as caught:
        tokens.make(rt, name, scopes, days=days, who="test")
    assert told in str(caught.value)


def test_a_token_has_no_session_that_it_could_end(rt: Runtime) -> None:
    with at_desk(rt) as client:
        headers = {**bearer(rt, "read"), "cookie": ""}
        seal = hidden(client.get("/settings", headers=headers).text)
        answer = client.post("/logout", data={"seal": seal, "everywhere": "yes"}, headers=headers)
        assert answer.status_code == 403
        assert client.get("/audit").status_code == 200


# ── read-only mode ───────────────────────────────────────────────────────────────────────────────────────────────────


def acting() -> list[str]:
    """Pages of the console that act on a POST."""
    return [page.path for page in PAGES if "POST" in page.methods and page.act not in (Scope.READ, Scope.METRICS)]


def test_in_read_only_mode_every_change_is_refused_with_the_reason_and_logging_out_is_not(rt: Runtime) -> None:
    rt.settings = with_values(rt.settings, read_only=True)
    with at_desk(rt) as client:
        page = client.get("/audit").text
        assert "read-only</span>" in page
        for path in acting():
            answer = client.post(concrete(path), data={"seal": hidden(page)})
            assert answer.status_code == 403, path
            assert "The service is in read-only mode" in answer.text, path
        assert client.post("/logout", data={"seal": hidden(page)}).status_code == 303


def test_in_read_only_mode_a_token_reads_and_does_no_more(rt: Runtime) -> None:
    headers = bearer(rt, "read", "operate", "judge", "metrics")
    rt.settings = with_values(rt.settings, read_only=True)
    with served(rt) as client:
        assert client.get("/metrics", headers=headers).status_code == 200
        page = client.get("/settings", headers=headers)
        for path in acting():
            answer = client.post(concrete(path), data={"seal": hidden(page.text)}, headers=headers)
            assert answer.status_code == 403, path


# ── metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("switch", "stranger", "token"), [("open", 200, 200), ("token", 401, 200), ("off", 404, 404)])
def test_the_metrics_have_a_switch_of_their_own(rt: Runtime, switch: str, stranger: int, token: int) -> None:
    headers = bearer(rt, "metrics")
    rt.settings = with_values(rt.settings, metrics=switch)
    with served(rt) as client:
        answer = client.get("/metrics")
        assert answer.status_code == stranger
        assert answer.headers.get("www-authenticate") == ("Bearer" if stranger == 401 else None)
        assert client.get("/metrics", headers=headers).status_code == token
        assert client.get("/audit", headers=headers).status_code == 403


def test_a_scraper_that_was_known_still_hears_that_the_database_is_away(rt: Runtime, tmp_path: Path) -> None:
    known, strange = bearer(rt, "metrics", name="one"), bearer(rt, "metrics", name="two")
    with served(rt) as client:
        assert "watcher_database_up 1.0" in client.get("/metrics", headers=known).text
        rt.database.close()
        for path in tmp_path.glob("watcher.db*"):
            path.unlink()
        (tmp_path / "watcher.db").mkdir()
        answer = client.get("/metrics", headers=known)
        assert (answer.status_code, "watcher_database_up 0.0" in answer.text) == (200, True)
        assert client.get("/metrics", headers=strange).status_code == 503


# ── the audit page ───────────────────────────────────────────────────────────────────────────────────────────────────


def add_lines(rt: Runtime, count: int) -> None:
    with rt.database.write() as conn:
        for number in range(count):
            who, action = ("admin", "feeds.pause") if number % 2 else ("ci", "feed%.add")
            lines.note(conn, who=who, action=action, target=f"feed {number}", detail={"n": number}, now=rt.clock())


def test_the_audit_page_shows_the_newest_lines_and_leads_to_the_older_ones(rt: Runtime) -> None:
    add_lines(rt, 120)
    with at_desk(rt) as client:
        seen: list[str] = []
        path: str | None = "/audit"
        while path:
            page = client.get(path).text
            seen += re.findall(r"feed (\d+)", page)
            older = re.search(r'href="([^"]+)">Older', page)
            path = unescape(older[1]) if older else None
        assert seen == [str(number) for number in reversed(range(120))]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"who": "ci"}, 3),
        ({"action": "feeds"}, 3),
        ({"action": "feeds.pause"}, 3),
        ({"action": "feed%"}, 3),
        ({"action": "feed"}, 0),
        ({"who": "ci", "action": "feeds"}, 0),
        ({"before": "nonsense"}, 6),
        ({"before": "9" * 40}, 6),
    ],
)
def test_the_audit_page_shows_one_name_or_one_kind_of_change(rt: Runtime, query: dict[str, str], count: int) -> None:
    add_lines(rt, 6)
    with at_desk(rt) as client:
        assert client.get("/audit", params=query).text.count("<time ") == count


def test_the_audit_page_says_details_as_people_would(rt: Runtime) -> None:
    detail = {"wait_s": 32, "scopes": ["read", "judge"], "days": None}
    with rt.database.write() as conn:
        lines.note(conn, who="somebody", action="login.throttled", detail=detail, now=rt.clock())
    with at_desk(rt) as client:
        page = client.get("/audit").text
    assert "wait: 32 s; scopes: read, judge; days: –" in page
    assert "tried a password too early</span>" in page


def test_what_somebody_else_wrote_is_text_in_the_audit_page(rt: Runtime) -> None:
    hostile: Any = '<script>alert(1)</script>"><img src=x>\u202e'
    with rt.database.write() as conn:
        lines.note(conn, who=hostile, action=hostile, target=hostile, detail={hostile: hostile}, now=rt.clock())
    with at_desk(rt) as client:
        page = client.get("/audit").text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page


def test_the_audit_page_names_who_is_logged_in_now_and_the_tokens(rt: Runtime) -> None:
    bearer(rt, "metrics", name="prometheus")
    with at_desk(rt) as client:
        page = client.get("/audit").text
        assert "this browser" in page
        assert ">prometheus</a>" in page
