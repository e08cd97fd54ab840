"""Logging in and out at the served pages: who is let in, for how long, and how those are slowed who only try."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import PASSWORD, PASSWORD_HASH, configure, hidden, open_service, rows, served

from watcher import runtime
from watcher.pipeline.tokens import forget_access
from watcher.runtime import Runtime
from watcher.settings import Settings, with_values
from watcher.store.schema import audit, logins, sessions
from watcher.web import login_tries
from watcher.web.console.login import own_path


class Time:
    """A clock that a test moves."""

    def __init__(self, rt: Runtime) -> None:
        self.now = rt.clock()

    def __call__(self) -> Any:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path, admin_password=PASSWORD_HASH)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(sqlite_url, tmp_path, admin_password=PASSWORD_HASH, trusted_proxies=("127.0.0.1/32",))
    opened.clock = Time(opened)
    yield opened
    opened.close()


def log_in(client: httpx.Client, given: str = PASSWORD, **more: Any) -> httpx.Response:
    seal = hidden(client.get("/login", headers=more.get("headers")).text)
    fields = {"seal": seal, "password": given, **more.pop("fields", {})}
    return client.post("/login", data=fields, **more)


def actions(rt: Runtime) -> list[tuple[str, str]]:
    return [(row["who"], row["action"]) for row in rows(rt, audit)]


# ── being let in ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_password_lets_in_and_leads_back_to_where_somebody_wanted_to_go(rt: Runtime) -> None:
    with served(rt) as client:
        away = client.get("/audit?action=login&who=%E8%9E%8D")
        assert (away.status_code, away.headers["location"][:12]) == (303, "/login?next=")
        form = client.get(away.headers["location"])
        to = hidden(form.text, "next")
        answer = client.post("/login", data={"seal": hidden(form.text), "password": PASSWORD, "next": to})
        assert (answer.status_code, answer.headers["location"]) == (303, "/audit?action=login&who=%E8%9E%8D")
        assert client.get("/audit").status_code == 200
    (row,) = rows(rt, sessions)
    assert row["name"] == "admin"
    assert client.cookies["watcher-session"] not in str(row)
    assert actions(rt) == [("admin", "login.ok")]


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_over_https_from_sister_domains(
    sqlite_rt: Runtime,
) -> None:
    with served(sqlite_rt) as client:
        plain = log_in(client).headers.get_list("set-cookie")[0]
        assert plain.partition(";")[2] == " HttpOnly; Path=/; SameSite=lax"
    with served(sqlite_rt) as client:
        behind = {"x-forwarded-proto": "https", "host": "watch.example"}
        answer = log_in(client, headers=behind)
        cookie = answer.headers.get_list("set-cookie")[0]
        assert cookie.startswith("__Host-watcher-session=")
        assert cookie.partition(";")[2] == " HttpOnly; Path=/; SameSite=lax; Secure"
        value = cookie.partition("=")[2].partition(";")[0]
        tossed = {**behind, "cookie": f"watcher-session={value}"}
        assert client.get("/audit", headers=tossed).status_code == 303
        kept = {**behind, "cookie": f"__Host-watcher-session={value}"}
        assert client.get("/audit", headers=kept).status_code == 200


def test_a_proxy_that_nobody_trusts_is_not_believed_but_the_browsers_origin_is(rt: Runtime) -> None:
    with served(rt) as client:
        told = log_in(client, headers={"x-forwarded-proto": "https"}).headers.get_list("set-cookie")[0]
        assert told.startswith("watcher-session=")
    with served(rt) as client:
        https = {"origin": "https://watch.example", "host": "watch.example"}
        assert log_in(client, headers=https).headers.get_list("set-cookie")[0].startswith("__Host-")


def test_a_login_always_makes_a_new_session_and_ends_the_one_it_came_with(rt: Runtime) -> None:
    with served(rt) as client:
        form = client.get("/login")
        chosen = {"cookie": "watcher-session=chosen-by-somebody-else"}
        client.post("/login", data={"seal": hidden(form.text), "password": PASSWORD}, headers=chosen)
        first = client.cookies["watcher-session"]
        assert first != "chosen-by-somebody-else"
        assert client.get("/login").headers["location"] == "/"
        again = client.post("/login", data={"seal": hidden(form.text), "password": PASSWORD})
        assert again.headers.get_list("set-cookie")[0].startswith("watcher-session=")
        assert first not in again.headers["set-cookie"]
        assert len(rows(rt, sessions)) == 1
        client.cookies.clear()
        assert client.get("/audit", headers={"cookie": f"watcher-session={first}"}).status_code == 303


def test_a_session_ends_after_twelve_idle_hours_and_after_a_week_in_any_case(sqlite_rt: Runtime) -> None:
    clock: Any = sqlite_rt.clock
    with served(sqlite_rt) as client:
        log_in(client)
        clock.on(hours=11, minutes=59)
        assert client.get("/audit").status_code == 200
        clock.on(hours=12, seconds=1)
        assert client.get("/audit").status_code == 303
        client.cookies.clear()
        log_in(client)
        for _ in range(13):
            clock.on(hours=11.9)
            assert client.get("/audit").status_code == 200
        clock.on(days=7, hours=-11.9 * 13)
        assert client.get("/audit").status_code == 303
    with sqlite_rt.database.write() as conn:
        forget_access(conn, now=clock())
    assert rows(sqlite_rt, sessions) == []


def test_a_page_writes_the_sessions_row_at_most_once_a_minute(sqlite_rt: Runtime) -> None:
    clock: Any = sqlite_rt.clock
    with served(sqlite_rt) as client:
        log_in(client)
        begun = rows(sqlite_rt, sessions)
        clock.on(seconds=59)
        client.get("/audit")
        assert rows(sqlite_rt, sessions) == begun
        clock.on(seconds=1)
        client.get("/audit")
        assert rows(sqlite_rt, sessions)[0]["seen_at"] == clock()


def test_a_new_password_ends_every_session(sqlite_rt: Runtime) -> None:
    with served(sqlite_rt) as client:
        log_in(client)
        sqlite_rt.settings = with_values(sqlite_rt.settings, admin_password="another four random words")
        assert client.get("/audit").status_code == 303
        assert log_in(client).status_code == 401
        assert log_in(client, "another four random words").status_code == 303
        assert client.get("/audit").status_code == 200


def test_logging_out_ends_this_session_and_everywhere_ends_all(rt: Runtime) -> None:
    with served(rt) as one, httpx.Client(base_url=one.base_url, trust_env=False) as other:
        log_in(one)
        log_in(other)
        page = one.get("/audit").text
        assert one.post("/logout", data={"seal": "forged"}).status_code == 403
        answer = one.post("/logout", data={"seal": hidden(page)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?out=yes")
        assert one.get("/audit").status_code == 303
        assert other.get("/audit").status_code == 200
        log_in(one)
        seal = hidden(one.get("/audit").text)
        one.post("/logout", data={"seal": seal, "everywhere": "yes"})
        assert other.get("/audit").status_code == 303
    assert rows(rt, sessions) == []
    assert actions(rt)[-1] == ("admin", "login.out")


# ── nobody gets in ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_password_nobody_gets_in_and_the_page_says_what_to_set(database_url: str, tmp_path: Path) -> None:
    closed = open_service(database_url, tmp_path)
    with served(closed) as client:
        page = client.get("/login").text
        assert "<form" not in page
        assert "WATCHER_ADMIN_PASSWORD_FILE" in page
        from watcher.web.console.login import _seal

        seal = _seal(closed.signing_key()).make()
        for given in ("", "None", PASSWORD):
            assert client.post("/login", data={"seal": seal, "password": given}).status_code == 503
        assert client.get("/audit").status_code == 303
    assert rows(closed, sessions) == []
    closed.close()


def test_with_the_embedded_database_the_password_of_the_data_folder_opens(tmp_path: Path) -> None:
    own = runtime.open(Settings(data_dir=tmp_path))
    own.database.migrate()
    (tmp_path / "admin-password").write_text(f"{PASSWORD}\n")
    with served(own) as client:
        assert "admin-password" in client.get("/login").text
        assert log_in(client, "not the password").status_code == 401
        assert log_in(client).status_code == 303
        (tmp_path / "admin-password").write_text("another four random words\n")
        assert client.get("/audit").status_code == 303
    own.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_cannot_log_somebody_in(sqlite_rt: Runtime, headers: dict[str, str]) -> None:
    with served(sqlite_rt) as client:
        assert log_in(client, headers=headers).status_code == 403
        assert client.post("/login", data={"seal": "x", "password": PASSWORD}).status_code == 403
    assert rows(sqlite_rt, sessions) == []


@pytest.mark.parametrize(
    "text",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "HTTPS:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        "\t//evil.example",
        " //evil.example",
        "/a\\..\\..\\evil",
        "/\x00",
        "/\u2028",
        "/／evil.example",
        "evil.example",
        "",
        "/" + "a" * 2000,
        "/login",
        "/login/?next=/x",
        "/logout",
    ],
)
def test_the_way_back_leads_to_our_own_pages_only(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize(
    "text", ["/", "/events", "/events?text=%E8%9E%8D&before=7", "/feeds/3#health", "/a//b", "/@x:y"]
)
def test_a_path_of_ours_is_kept(text: str) -> None:
    assert own_path(text) == text


def test_a_login_goes_to_no_other_site_whatever_the_form_says(sqlite_rt: Runtime) -> None:
    with served(sqlite_rt) as client:
        for to in ("//evil.example", "/\\evil.example", "https://evil.example"):
            client.cookies.clear()
            assert hidden(client.get("/login", params={"next": to}).text, "next") == "/"
            assert log_in(client, fields={"next": to}).headers["location"] == "/"


# ── those who only try ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wrong_password_is_told_and_more_of_them_wait(sqlite_rt: Runtime) -> None:
    clock: Any = sqlite_rt.clock
    with served(sqlite_rt) as client:
        for _ in range(3):
            answer = log_in(client, "wrong wrong wrong")
            assert (answer.status_code, "That is not the password.</p>" in answer.text) == (401, True)
        answer = log_in(client, "wrong wrong wrong")
        assert "That is not the password. Try again in 2 seconds.</p>" in answer.text
        # even the right one is not looked at before its time
        answer = log_in(client)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        assert "Too many wrong passwords came from your address. Try again in 2 seconds." in answer.text
        clock.on(seconds=2)
        assert log_in(client).status_code == 303
    (everywhere,) = rows(sqlite_rt, logins)
    assert everywhere["failures"] == 4
    told = [action for _, action in actions(sqlite_rt)]
    assert told == ["login.failed"] * 4 + ["login.throttled", "login.ok"]


def test_a_flood_of_tries_is_no_flood_of_rows(sqlite_rt: Runtime) -> None:
    with served(sqlite_rt) as client:
        form = hidden(client.get("/login").text)
        for _ in range(30):
            client.post("/login", data={"seal": form, "password": "wrong wrong wrong"})
    assert [action for _, action in actions(sqlite_rt)] == ["login.failed"] * 4 + ["login.throttled"]
    assert len(rows(sqlite_rt, logins)) == 2


def test_addresses_are_counted_apart_and_a_64_of_ipv6_as_one(sqlite_rt: Runtime) -> None:
    with served(sqlite_rt) as client:
        for last in range(4):
            log_in(client, "wrong wrong wrong", headers={"x-forwarded-for": f"2001:db8:1:2::{last}"})
        same = {"x-forwarded-for": "2001:db8:1:2:ffff::9"}
        assert log_in(client, "wrong wrong wrong", headers=same).status_code == 429
        other = {"x-forwarded-for": "2001:db8:1:3::1"}
        assert log_in(client, "wrong wrong wrong", headers=other).status_code == 401
        assert log_in(client, headers={"x-forwarded-for": "198.51.100.7"}).status_code == 303


def test_many_addresses_slow_strangers_and_not_a_browser_in_which_somebody_worked(sqlite_rt: Runtime) -> None:
    clock: Any = sqlite_rt.clock
    with served(sqlite_rt) as client, httpx.Client(base_url=client.base_url, trust_env=False) as known:
        log_in(known)
        known.cookies.delete("watcher-session")
        clock.on(hours=13)
        for last in range(31):
            log_in(client, "wrong wrong wrong", headers={"x-forwarded-for": f"198.51.100.{last}"})
        stranger = log_in(client, headers={"x-forwarded-for": "203.0.113.1"})
        assert (stranger.status_code, "from everywhere" in stranger.text) == (429, True)
        assert log_in(known).status_code == 303
        # whoever takes the cookie along is counted for it, whatever address it comes from
        client.cookies.set("watcher-known", known.cookies["watcher-known"], path="/login")
        told = [
            log_in(client, "wrong wrong wrong", headers={"x-forwarded-for": f"203.0.113.{last}"}).status_code
            for last in range(6)
        ]
        assert told == [401, 401, 401, 401, 429, 429]


def test_tries_at_the_same_time_are_counted_before_any_is_compared(rt: Runtime) -> None:
    where = login_tries.Place(key="a" * 64, everywhere="b" * 64, client="198.51.100.7")
    found: list[str] = []

    def try_one() -> None:
        found.append(login_tries.attempt(rt, where, "wrong wrong wrong").reason.value)

    threads = [threading.Thread(target=try_one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count("failed") <= 4
    assert set(found) <= {"failed", "busy", "throttled"}
    assert {row["failures"] for row in rows(rt, logins)} == {found.count("failed")}


def test_no_more_than_two_passwords_are_compared_at_once(sqlite_rt: Runtime) -> None:
    where = login_tries.Place(key="a" * 64, everywhere="b" * 64, client="")
    for _ in range(login_tries.AT_ONCE):
        assert login_tries._comparing.acquire(blocking=False)
    try:
        assert login_tries.attempt(sqlite_rt, where, PASSWORD).reason.value == "busy"
        with served(sqlite_rt) as client:
            answer = log_in(client)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    finally:
        for _ in range(login_tries.AT_ONCE):
            login_tries._comparing.release()
    assert rows(sqlite_rt, logins) == []


def test_old_failures_and_old_lines_are_forgotten(sqlite_rt: Runtime) -> None:
    clock: Any = sqlite_rt.clock
    with served(sqlite_rt) as client:
        log_in(client, "wrong wrong wrong")
    clock.on(days=1)
    with sqlite_rt.database.write() as conn:
        forget_access(conn, now=clock())
    assert (len(rows(sqlite_rt, logins)), len(rows(sqlite_rt, audit))) == (2, 1)
    clock.on(days=1, seconds=1)
    with sqlite_rt.database.write() as conn:
        forget_access(conn, now=clock())
    assert (len(rows(sqlite_rt, logins)), len(rows(sqlite_rt, audit))) == (0, 1)
    clock.on(days=364)
    with sqlite_rt.database.write() as conn:
        forget_access(conn, now=clock())
    assert rows(sqlite_rt, audit) == []


def test_no_secret_stands_in_the_audit_log_or_in_the_rows_of_sessions(rt: Runtime) -> None:
    with served(rt) as client:
        log_in(client, "wrong wrong wrong")
        log_in(client)
        told = str(rows(rt, audit)) + str(rows(rt, sessions)) + str(rows(rt, logins))
    for secret in ("wrong wrong wrong", PASSWORD, PASSWORD_HASH, client.cookies["watcher-session"]):
        assert secret not in told


def test_the_login_page_is_small_and_says_nothing_of_what_is_inside(rt: Runtime) -> None:
    configure(rt, "feeds: []\npublic_url: https://watch.example\n")
    with served(rt) as client:
        page = client.get("/login")
    assert len(page.content) < 3000
    assert str(rt.settings.data_dir) not in page.text
    assert "script" not in page.text
