"""The names that we are asked by, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from reading import PASSWORD_HASH, configure, open_service, served

from watcher.runtime import Runtime
from watcher.settings import with_values
from watcher.store import overview
from watcher.web.guard import host_name, is_ours


@pytest.fixture
def rt(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(
        sqlite_url, tmp_path, admin_password=PASSWORD_HASH, web_hosts=("watch.intern",), trusted_proxies=("127.0.0.1",)
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Watch.Example", "watch.example"),
        ("watch.example.:8443", "watch.example"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("web:8080", "web"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("", None),
        (":8080", None),
        ("watch.example:80:80", None),
        ("watch.example:", "watch.example"),
        ("watch.example:http", None),
        ("user@watch.example", None),
        ("watch.example/x", None),
        ("[watch.example]", None),
        ("[::1", None),
        ("watch..example", None),
        ("a" * 254, None),
    ],
)
def test_a_host_header_is_read_without_its_port_or_not_at_all(header: str, name: str | None) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("127.0.0.1", True),
        ("203.0.113.9", True),
        ("::1", True),
        ("localhost", True),
        ("console.localhost", True),
        ("web", True),
        ("watch.example", True),
        ("evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("localhost.evil.example", False),
        ("watch.example.evil.example", False),
        ("1.2.3", False),
    ],
)
def test_an_address_and_a_name_without_a_dot_cannot_be_rebound_and_any_other_must_be_known(
    name: str, ours: bool
) -> None:
    assert is_ours(name, frozenset({"watch.example"})) is ours


@pytest.mark.parametrize("path", ["/login", "/", "/metrics", "/subscribe", "/static/console.css", "/api/v1/events"])
def test_a_page_asked_for_by_a_strange_name_is_refused_and_says_what_to_set(rt: Runtime, path: str) -> None:
    with served(rt) as client:
        answer = client.get(path, headers={"host": "evil.example"})
        assert answer.status_code == 421
        assert "WATCHER_WEB_HOSTS" in answer.text
        assert "content-security-policy" in answer.headers
        for host in ("watch.example", "watch.example:443", "WATCH.INTERN", "localhost:8080", "web:8080"):
            assert client.get(path, headers={"host": host}).status_code != 421, host


def test_health_answers_by_any_name_since_load_balancers_have_their_own(rt: Runtime) -> None:
    with served(rt) as client:
        assert client.get("/healthz", headers={"host": "10-0-0-7.pods.cluster.example"}).status_code == 200


def test_a_new_public_address_is_known_after_a_few_seconds_and_strange_names_cost_no_more_than_a_look(
    rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    remembered = overview.remembered

    def counted(conn: object, name: str) -> object:
        looks.extend([name] if name == "public_url" else [])
        return remembered(conn, name)  # type: ignore[arg-type]

    with served(rt) as client:
        monkeypatch.setattr(overview, "remembered", counted)
        for number in range(20):
            assert client.get("/static/console.css", headers={"host": f"{number}.example"}).status_code == 421
        assert len(looks) == 1
        configure(rt, "feeds: []\npublic_url: https://news.example/watcher\n")
        monkeypatch.setattr("watcher.web.guard._LOOK_EVERY_S", 0)
        assert client.get("/static/console.css", headers={"host": "news.example"}).status_code == 200
        assert client.get("/static/console.css", headers={"host": "watch.example"}).status_code == 421


@pytest.mark.parametrize("path", ["/login", "/healthz", "/metrics", "/subscribe", "/static/htmx.js", "/nowhere", "/"])
def test_every_answer_forbids_frames_guessing_and_other_sites_windows(rt: Runtime, path: str) -> None:
    with served(rt) as client:
        headers = client.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy.get("script-src", "'self'") == "'self'"
    assert policy["style-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("camera=()")
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("told", ["https", "HTTPS", "https, http"])
def test_https_is_kept_to_once_a_trusted_proxy_speaks_it(rt: Runtime, told: str) -> None:
    with served(rt) as client:
        headers = {"x-forwarded-proto": told}
        assert client.get("/login", headers=headers).headers["strict-transport-security"] == "max-age=31536000"
        assert "strict-transport-security" not in client.get("/login", headers={"x-forwarded-proto": "http"}).headers
        rt.settings = with_values(rt.settings, trusted_proxies=("192.0.2.0/24",))
        assert "strict-transport-security" not in client.get("/login", headers=headers).headers
