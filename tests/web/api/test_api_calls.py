"""What every call is held to: who may ask, in which form, how often, and what refusals look like."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from asking import V1, Service, bearer
from reading import PASSWORD_HASH, everything
from starlette.responses import Response

from watcher.settings import with_values
from watcher.web import access
from watcher.web.api.allowance import Allowance

FEED = {"url": "https://new.example/feed.xml"}


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The problem details, which say the status and the kind."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["type"]) == (status, f"/api#{kind}")
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer wat_nobody"},
        {"authorization": "Basic dGVzdGVyOng="},
        {"authorization": "Bearer"},
    ],
)
def test_whoever_is_not_known_is_told_how_to_ask(service: Service, headers: dict[str, str]) -> None:
    answer = service.ask("GET", "/events", headers=headers)
    problem(answer, 401, "not-authenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="watcher"'


@pytest.mark.parametrize(
    "scopes, method, path, body",
    [
        (("judge",), "GET", "/events", None),
        (("read",), "PUT", "/events/1/verdict", {"verdict": "useful"}),
        (("read", "judge"), "POST", "/feeds", FEED),
        (("read",), "GET", "/audit", None),
        (("metrics",), "GET", "/status", None),
    ],
)
def test_a_token_does_what_its_scopes_say(
    service: Service, scopes: tuple[str, ...], method: str, path: str, body: Any
) -> None:
    header = service.token(f"of-{'-'.join(scopes)}-{method}{path.strip('/').replace('/', '-')}", *scopes)
    answer = service.ask(method, path, headers=header, json=body)
    told = problem(answer, 403, "not-allowed")
    assert told["detail"].startswith("This needs the scope ")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_a_login_may_read_and_change_nothing(service: Service) -> None:
    before, service.rt.settings = service.rt.settings, with_values(service.rt.settings, admin_password=PASSWORD_HASH)
    try:
        cookie = access.begin(service.rt, Response(), name="admin", client="127.0.0.1", secure=False)
        with httpx.Client(
            base_url=service.client.base_url, cookies={access.COOKIE: cookie}, trust_env=False
        ) as browser:
            assert browser.get(f"{V1}/events").status_code == 200
            told = problem(browser.post(f"{V1}/feeds", json=FEED), 403, "not-allowed")
            assert told["detail"] == "A login may read here; changes ask for a token."
            page = browser.get("/api")
            assert (page.status_code, "watcher tokens add" in page.text) == (200, True)
    finally:
        service.rt.settings = before


def test_the_page_for_people_asks_for_a_login(service: Service) -> None:
    answer = httpx.get(f"{str(service.client.base_url).rstrip('/')}/api")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/api")


def test_a_service_that_only_shows_changes_nothing(service: Service) -> None:
    before, service.rt.settings = service.rt.settings, with_values(service.rt.settings, read_only=True)
    try:
        told = problem(service.ask("POST", "/feeds", json=FEED), 403, "not-allowed")
        assert told["detail"] == "This service only shows: WATCHER_READ_ONLY is set."
        assert service.ask("GET", "/events").status_code == 200
    finally:
        service.rt.settings = before


@pytest.mark.parametrize(
    "body, status, said",
    [
        (b"{", 400, "The body is not JSON"),
        (b'{"url": "https://a.example/", "url": "https://b.example/"}', 400, ""),
        (b'{"url": NaN}', 400, "NaN is no JSON number."),
        (b'{"url": 1e999}', 400, "too long or too large"),
        (b'{"url": "\xff"}', 400, "not UTF-8 (byte 9)"),
        (b"[" * 30 + b"]" * 30, 400, "nested more than 20"),
        (b'{"url": "' + b"[" * 30 + b'"}', 422, ""),
        (b'{"url": "\\ud800"}', 422, ""),
        (b'"' + b"x" * 262_144 + b'"', 413, "At most 262144 bytes"),
    ],
)
def test_a_body_must_be_plain_json(service: Service, body: bytes, status: int, said: str) -> None:
    before = everything(service.rt)
    answer = service.ask("POST", "/feeds", content=body, headers={"content-type": "application/json"})
    kind = {400: "unreadable", 413: "too-large", 422: "invalid"}[status]
    assert said in problem(answer, status, kind).get("detail", "")
    after = everything(service.rt)
    assert {name: after[name] for name in before if name != "tokens"} == {
        name: before[name] for name in before if name != "tokens"
    }


def test_a_body_without_a_length_is_read_no_further_than_the_bound(service: Service) -> None:
    def endless() -> Any:
        for _ in range(100):
            yield b" " * 65_536

    answer = service.ask("POST", "/feeds", content=endless(), headers={"content-type": "application/json"})
    problem(answer, 413, "too-large")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": ""},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_a_body_of_another_kind_is_not_read(service: Service, headers: dict[str, str]) -> None:
    answer = service.ask("POST", "/feeds", content=gzip.compress(b"{}"), headers=headers)
    problem(answer, 415, "unsupported-media-type")


def test_all_mistakes_of_a_body_are_told_at_once(service: Service) -> None:
    body = {"url": "ftp://x.example/", "every_s": "often", "tags": [1], "colour": "red"}
    told = problem(service.ask("POST", "/feeds", json=body), 422, "invalid")
    assert sorted(one["pointer"] for one in told["errors"]) == ["#/colour", "#/every_s", "#/tags/0", "#/url"]
    assert "often" not in service.ask("POST", "/feeds", json=body).text


@pytest.mark.parametrize(
    "query, names",
    [
        ("limit=0", ["limit"]),
        ("limit=201&cursor=x", ["cursor", "limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("rule=", ["rule"]),
        ("colour=red&since=yesterday", ["colour", "since"]),
        ("since=2026-02-30T00:00:00Z", ["since"]),
        ("event_id=3", ["event_id"]),
        ("text=%00", ["text"]),
    ],
)
def test_wrong_parameters_are_named(service: Service, query: str, names: list[str]) -> None:
    told = problem(service.ask("GET", f"/events?{query}"), 422, "invalid")
    assert sorted({one["parameter"] for one in told["errors"]}) == names


@pytest.mark.parametrize(
    "path", ["/events/0", "/events/x", "/events/99999999999999999999", "/events/999999", "/nothing"]
)
def test_what_is_not_there_is_404(service: Service, path: str) -> None:
    problem(service.ask("GET", path), 404, "not-found")


def test_other_methods_are_told_which_there_are(service: Service) -> None:
    answer = service.ask("PATCH", "/feeds")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    options = service.ask("OPTIONS", "/feeds/1")
    assert (options.status_code, options.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")


def test_head_is_get_without_the_body(service: Service) -> None:
    head, get = service.ask("HEAD", "/feeds"), service.ask("GET", "/feeds")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    "accept, status",
    [
        ("application/json", 200),
        ("*/*;q=0.1", 200),
        ("text/html, application/*;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ],
)
def test_the_answer_is_of_a_kind_that_is_accepted(service: Service, accept: str, status: int) -> None:
    assert service.ask("GET", "/stories", headers={"accept": accept}).status_code == status


def test_a_request_id_comes_back_when_it_is_plain(service: Service) -> None:
    assert service.ask("GET", "/stories", headers={"x-request-id": "job-7"}).headers["x-request-id"] == "job-7"
    assert len(service.ask("GET", "/stories", headers={"x-request-id": "a b"}).headers["x-request-id"]) == 32


def test_a_token_that_asks_too_often_is_told_when_to_come_again(service: Service) -> None:
    before, service.rt.settings = service.rt.settings, with_values(service.rt.settings, api_per_minute=2)
    header = service.token("hasty", "read")
    try:
        answers = [service.ask("GET", "/stories", headers=header) for _ in range(3)]
    finally:
        service.rt.settings = before
    assert [one.status_code for one in answers] == [200, 200, 429]
    problem(answers[2], 429, "too-many-requests")
    assert int(answers[2].headers["retry-after"]) in range(25, 31)
    assert service.ask("GET", "/stories").status_code == 200  # others are not held up


def test_an_allowance_fills_by_the_minute() -> None:
    held = Allowance()
    assert [held.take("a", per_minute=60, now_s=0.0) for _ in range(61)] == [0.0] * 60 + [1]
    assert held.take("b", per_minute=60, now_s=0.0) == 0.0
    assert held.take("a", per_minute=60, now_s=0.5) == 1
    assert [held.take("a", per_minute=60, now_s=2.0) for _ in range(3)] == [0.0, 0.0, 1]


def test_a_revoked_token_lets_nobody_in(service: Service) -> None:
    header = service.token("short-lived", "read")
    assert service.ask("GET", "/stories", headers=header).status_code == 200
    assert service.ask("DELETE", "/tokens/short-lived").status_code == 204
    assert service.ask("DELETE", "/tokens/short-lived").status_code == 204
    problem(service.ask("GET", "/stories", headers=header), 401, "not-authenticated")
    problem(service.ask("DELETE", "/tokens/nobody"), 404, "not-found")


def test_pages_follow_one_another_until_the_last(service: Service) -> None:
    first = service.ask("GET", "/events", params={"limit": 1, "rule": "funding"})
    assert first.json()["next"] == "/api/v1/events?limit=1&rule=funding&cursor=2"
    assert first.headers["link"] == '</api/v1/events?limit=1&rule=funding&cursor=2>; rel="next"'
    last = service.client.get(first.json()["next"])
    assert ([one["id"] for one in last.json()["items"]], last.json()["next"]) == ([1], None)
    assert "link" not in last.headers


def test_a_bearer_header_goes_before_a_cookie(service: Service) -> None:
    cookies = {"cookie": f"{access.COOKIE}=anything"}
    assert service.ask("GET", "/stories", headers=cookies).status_code == 200
    assert service.ask("GET", "/stories", headers=cookies | bearer("wat_nobody")).status_code == 401
