"""The politeness checklist, F1 to F12, and the table of statuses: real requests of the real step, a moved clock."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from polled import Polled, rss
from services.web import Request

from watcher import pipeline
from watcher.fetch.schedule import jitter_s

MARCH = "Sun, 01 Mar 2026 10:00:00 GMT"
HOUR, DAY = 3600, 86400


def conditions(request: Request) -> tuple[str | None, str | None]:
    return request.headers["If-None-Match"], request.headers["If-Modified-Since"]


def gaps(times: list[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(times)]


def test_f1_at_most_one_request_an_hour_and_one_a_day_without_validators(polled: Polled) -> None:
    polled.web.serve("/feed", rss("a"))
    polled.web.serve("/bare", rss("a"), etag=None, last_modified=None)
    polled.add("/feed")
    polled.add("/bare")
    polled.run(hours=27)
    assert min(gaps(polled.times("/feed"))) >= timedelta(hours=1)
    assert len(polled.times("/feed")) in range(22, 28)
    assert min(gaps(polled.times("/bare"))) >= timedelta(days=1)
    assert len(polled.times("/bare")) == 2


def test_f1_who_sets_an_interval_for_a_feed_without_validators_gets_it(polled: Polled) -> None:
    polled.web.serve("/feed", rss("a"), etag=None, last_modified=None)
    polled.add("/feed", every_s=900)
    polled.run(hours=2)
    assert polled.row()["next_poll_reason"] == "interval"
    assert len(polled.times()) in (5, 6, 7)


def test_f2_one_unconditional_request_and_then_one_a_month_in_case_validators_lie(polled: Polled) -> None:
    polled.web.serve("/feed", rss("a"), etag='"same"')
    polled.add(every_s=DAY)
    polled.run(hours=24 * 29)
    assert [index for index, (_, request) in enumerate(polled.seen) if conditions(request) == (None, None)] == [0]
    polled.web.serve("/feed", rss("a", "b"), etag='"same"')
    polled.run(hours=24)
    assert polled.items() == 1
    polled.run(hours=24 * 29)
    assert [conditions(request) for _, request in polled.seen].count((None, None)) == 2
    assert polled.items() == 2


def test_f2_a_first_fetch_that_fails_is_unconditional_until_one_succeeds(polled: Polled) -> None:
    polled.web.answer("/feed", status=500, headers={"ETag": '"of the error"'}, times=2)
    polled.web.serve("/feed", rss("a"), etag='"1"')
    polled.add()
    polled.poll()
    for _ in range(3):
        polled.poll_again()
    sent = [conditions(request)[0] for _, request in polled.seen]
    assert sent == [None, None, None, '"1"']


@pytest.mark.parametrize(
    "last_modified",
    [MARCH, "Sun, 1 Mar 2026 9:00:00 gmt", "2026-03-01T10:00:00Z", "yesterday", "Thu, 01 Jan 2099 00:00:00 GMT", "0"],
)
def test_f3_if_modified_since_is_what_last_modified_was(polled: Polled, last_modified: str) -> None:
    polled.web.serve("/feed", rss("a"), etag=None, last_modified=last_modified)
    polled.add()
    polled.poll()
    (again,) = polled.poll_again()
    assert conditions(again) == (None, last_modified)
    assert polled.row()["last_outcome"] == "not_modified"


def test_f3_if_modified_since_is_never_invented_from_date_or_the_clock(polled: Polled) -> None:
    polled.web.serve("/feed", rss("a"), etag='"1"', last_modified=None, headers={"Expires": MARCH})
    polled.add()
    polled.poll()
    (again,) = polled.poll_again()
    assert conditions(again) == ('"1"', None)


@pytest.mark.parametrize(
    "etag", ['"abc"', 'W/"abc"', '"abc-gzip"', '"abc;br"', 'W/"a, b"', "unquoted", '""', '"\xe9\xff"', "W/'x'"]
)
def test_f4_if_none_match_is_what_the_etag_was_and_both_validators_go_out(polled: Polled, etag: str) -> None:
    polled.web.answer("/feed", headers={"ETag": etag, "Last-Modified": MARCH}, body=rss("a"))
    polled.add()
    polled.poll()
    (again,) = polled.poll_again()
    assert conditions(again) == (etag, MARCH)


def test_f5_both_validators_are_replaced_on_every_200_even_if_the_body_is_the_same(polled: Polled) -> None:
    other = "Mon, 02 Mar 2026 10:00:00 GMT"
    for etag, modified in (('"1"', MARCH), ('"2"', other), ('"3"', other), ('"3"', MARCH)):
        headers = {"ETag": etag, "Last-Modified": modified}
        polled.web.answer("/feed", headers=headers, body=rss("a"), times=1)
    polled.web.answer("/feed", status=304)
    polled.add()
    polled.poll()
    sent = [conditions(request) for _ in range(4) for request in polled.poll_again()]
    assert sent == [('"1"', MARCH), ('"2"', other), ('"3"', other), ('"3"', MARCH)]


def test_f6_a_validator_that_a_200_lacks_is_dropped_and_a_304_may_refresh_one(polled: Polled) -> None:
    answers: list[tuple[int, dict[str, str]]] = [
        (200, {"ETag": '"1"', "Last-Modified": MARCH}),
        (304, {"ETag": '"2"'}),
        (200, {"Last-Modified": MARCH}),
        (304, {}),
        (200, {"ETag": '"3"'}),
        (200, {}),
        (200, {}),
    ]
    for status, headers in answers:
        polled.web.answer("/feed", status=status, headers=headers, body=rss("a"), times=1)
    polled.add()
    polled.poll()
    sent = [conditions(request) for _ in range(6) for request in polled.poll_again()]
    assert sent == [('"1"', MARCH), ('"2"', MARCH), (None, MARCH), (None, MARCH), ('"3"', None), (None, None)]


def test_f6_an_error_leaves_both_validators_alone(polled: Polled) -> None:
    polled.web.answer("/feed", headers={"ETag": '"1"', "Last-Modified": MARCH}, body=rss("a"), times=1)
    wrong = {"ETag": '"wrong"', "Last-Modified": "Mon, 02 Mar 2026 10:00:00 GMT"}
    for status, body in ((500, b"no"), (404, b"no"), (200, b""), (200, b"<html>log in</html>"), (200, b"<rss><item>")):
        polled.web.answer("/feed", status=status, headers=wrong, body=body, times=1)
    polled.add()
    polled.poll()
    assert {conditions(request) for _ in range(6) for request in polled.poll_again()} == {('"1"', MARCH)}


def test_f7_no_cookie_no_referer_no_cache_buster_not_even_after_a_redirect(polled: Polled) -> None:
    polled.web.answer(
        "/feed", status=302, headers={"Location": "/real?page=1", "Set-Cookie": "a=b; Path=/", "Content-Length": "0"}
    )
    polled.web.serve("/real", rss("a"), headers={"Set-Cookie": "c=d; Path=/"})
    polled.add()
    polled.poll()
    polled.poll_again()
    assert [request.target for request in polled.web.requests] == ["/feed", "/real?page=1"] * 2
    for request in polled.web.requests:
        assert (request.headers["Cookie"], request.headers["Referer"]) == (None, None)
    assert polled.row()["last_outcome"] == "not_modified"


@pytest.mark.parametrize(
    ("contact", "agent"),
    [
        ("", "biotech-watcher/0.1 (feed reader; contact not set)"),
        ("https://example.org/bot", "biotech-watcher/0.1 (feed reader; +https://example.org/bot)"),
        ("ops@example.org", "biotech-watcher/0.1 (feed reader; +mailto:ops@example.org)"),
        ("ops@example.org)\r\nCookie: a=b", "biotech-watcher/0.1 (feed reader; +ops@example.orgCookie:a=b)"),
    ],
)
def test_f8_the_user_agent_says_what_this_is_and_whom_to_ask(polled: Polled, contact: str, agent: str) -> None:
    polled.environ["WATCHER_USER_AGENT_CONTACT"] = contact
    polled.restart()
    polled.web.serve("/feed", rss("a"))
    polled.add()
    (request,) = polled.poll()
    assert request.headers["User-Agent"] == agent


def test_f9_twenty_restarts_cause_no_extra_request(polled: Polled) -> None:
    for number in range(5):
        polled.web.serve(f"/{number}", rss("a"))
        polled.add(f"/{number}")
    assert len(polled.poll()) == 5
    for _ in range(20):
        polled.restart()
        polled.clock.forward(minutes=2)
        assert polled.poll() == []


def test_f10_two_workers_fetch_a_feed_once_and_nothing_but_the_feed(polled: Polled) -> None:
    polled.web.answer("/feed", headers={"ETag": '"1"'}, body=rss("a"), delay_s=0.3)
    polled.add()
    number = polled.row()["id"]
    other = polled.open()
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda rt: pipeline.refresh_feeds(rt, [number]), (polled.runtime, other)))
    finally:
        polled.end(other)
    polled.poll_again()
    assert [request.target for request in polled.web.requests] == ["/feed", "/feed"]


def test_f11_feeds_that_start_together_do_not_stay_together(polled: Polled) -> None:
    for number in range(30):
        polled.web.serve(f"/{number}", rss("a"))
        polled.add(f"/{number}")
    polled.poll()
    nexts = sorted(polled.row(f"/{number}")["next_poll_at"] for number in range(30))
    assert len({when.replace(microsecond=0) for when in nexts}) >= 28
    assert nexts[-1] - nexts[0] > timedelta(minutes=4)
    assert nexts[0] >= polled.clock() + timedelta(hours=1)


def test_f12_gzip_only_is_offered_and_understood(polled: Polled) -> None:
    polled.web.answer(
        "/feed", headers={"Content-Encoding": "gzip", "ETag": '"1-gzip"'}, body=gzip.compress(rss("a", "b"))
    )
    polled.add()
    (request,) = polled.poll()
    assert request.headers.get_all("Accept-Encoding") == ["gzip"]
    assert (polled.items(), polled.row()["etag"]) == (2, '"1-gzip"')


# ── the table of statuses ────────────────────────────────────────────────────────────────────────────────────────────

DOCUMENT = rss("a", "b")
STATUS_TABLE: dict[str, tuple[dict[str, Any], str, str, float]] = {
    "200": ({"body": DOCUMENT, "headers": {"ETag": '"2"'}}, "changed", "interval", HOUR),
    "200 with max-age": (
        {"body": DOCUMENT, "headers": {"ETag": '"2"', "Cache-Control": "max-age=7200"}},
        "changed",
        "max_age",
        2 * HOUR,
    ),
    "200 with Expires: 0 and no-cache": (
        {"body": DOCUMENT, "headers": {"ETag": '"2"', "Expires": "0", "Cache-Control": "no-cache, max-age=7200"}},
        "changed",
        "interval",
        HOUR,
    ),
    "200 with max-age less Age": (
        {"body": DOCUMENT, "headers": {"ETag": '"2"', "Cache-Control": "max-age=10800", "Age": "3600"}},
        "changed",
        "max_age",
        2 * HOUR,
    ),
    "200 with a huge max-age": (
        {"body": DOCUMENT, "headers": {"ETag": '"2"', "Cache-Control": f"max-age={'9' * 30}"}},
        "changed",
        "max_age",
        DAY,
    ),
    "200 with ttl": ({"body": rss("a", head="<ttl>120</ttl>"), "headers": {"ETag": '"2"'}}, "changed", "ttl", 2 * HOUR),
    "200 without validators": ({"body": DOCUMENT}, "changed", "no_validators", DAY),
    "200 with HTML": ({"body": b"<html><body>Please log in</body></html>"}, "not_a_feed", "back_off", HOUR),
    "200 with an empty body": ({"body": b""}, "empty_body", "back_off", HOUR),
    "200 cut short": ({"body": DOCUMENT, "headers": {"Content-Length": "9999"}}, "truncated", "back_off", HOUR),
    "200 with XML cut short": ({"body": DOCUMENT[:-40]}, "truncated", "back_off", HOUR),
    "204": ({"status": 204, "body": b""}, "unexpected_status", "back_off", HOUR),
    "226": ({"status": 226, "body": DOCUMENT}, "unexpected_status", "back_off", HOUR),
    "300": ({"status": 300}, "unexpected_status", "back_off", HOUR),
    "304": ({"status": 304}, "not_modified", "interval", HOUR),
    "304 with max-age": (
        {"status": 304, "headers": {"Cache-Control": "max-age=7200"}},
        "not_modified",
        "max_age",
        2 * HOUR,
    ),
    "301 in a circle": ({"status": 301, "headers": {"Location": "/feed"}}, "redirect_loop", "back_off", HOUR),
    "302 to nowhere": ({"status": 302}, "unexpected_status", "back_off", HOUR),
    "302 to a refused address": (
        {"status": 302, "headers": {"Location": "http://10.0.0.1/"}},
        "refused_address",
        "back_off",
        HOUR,
    ),
    "401": ({"status": 401}, "forbidden", "forbidden", 6 * HOUR),
    "403": ({"status": 403}, "forbidden", "forbidden", 6 * HOUR),
    "403 with a challenge": (
        {"status": 403, "headers": {"cf-mitigated": "challenge"}, "body": b"<html/>"},
        "forbidden",
        "forbidden",
        6 * HOUR,
    ),
    "404": ({"status": 404}, "not_found", "back_off", HOUR),
    "410": ({"status": 410}, "gone", "gone", DAY),
    "421": ({"status": 421}, "client_error", "back_off", HOUR),
    "429 with Retry-After": (
        {"status": 429, "headers": {"Retry-After": "18000"}},
        "rate_limited",
        "retry_after",
        5 * HOUR,
    ),
    "429 with a short Retry-After": (
        {"status": 429, "headers": {"Retry-After": "1"}},
        "rate_limited",
        "retry_after",
        HOUR,
    ),
    "429 with a negative Retry-After": (
        {"status": 429, "headers": {"Retry-After": "-18000"}},
        "rate_limited",
        "retry_after",
        HOUR,
    ),
    "429 with a Retry-After of 30 years": (
        {"status": 429, "headers": {"Retry-After": "1000000000"}},
        "rate_limited",
        "retry_after",
        7 * DAY,
    ),
    "429 without Retry-After": ({"status": 429}, "rate_limited", "rate_limited", 2 * HOUR),
    "451": ({"status": 451}, "forbidden", "forbidden", 6 * HOUR),
    "500": ({"status": 500}, "server_error", "back_off", HOUR),
    "503 with Retry-After": (
        {"status": 503, "headers": {"Retry-After": "18000"}},
        "server_error",
        "retry_after",
        5 * HOUR,
    ),
    "503 with Retry-After in the past": (
        {"status": 503, "headers": {"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}},
        "server_error",
        "retry_after",
        HOUR,
    ),
    "503 with garbage in Retry-After": (
        {"status": 503, "headers": {"Retry-After": "soon"}},
        "server_error",
        "retry_after",
        HOUR,
    ),
    "599": ({"status": 599}, "server_error", "back_off", HOUR),
    "a reset": ({"hang_up": True}, "connection", "back_off", HOUR),
    "an encoding that was not offered": (
        {"headers": {"Content-Encoding": "br"}},
        "bad_encoding",
        "back_off",
        HOUR,
    ),
}


@pytest.mark.parametrize("name", STATUS_TABLE)
def test_status_table(polled: Polled, name: str) -> None:
    answer, outcome, reason, wait_s = STATUS_TABLE[name]
    polled.web.serve("/feed", rss("a"), etag='"1"')
    polled.add()
    polled.poll()
    polled.web.answer("/feed", **answer)
    (request, *_) = polled.poll_again()
    assert conditions(request)[0] == '"1"'
    row = polled.row()
    failed = outcome not in ("changed", "not_modified")
    assert (row["last_outcome"], row["next_poll_reason"], row["error_count"]) == (outcome, reason, int(failed))
    assert row["next_poll_at"] == polled.clock() + timedelta(seconds=wait_s + jitter_s(row["id"], wait_s))
    assert (row["disabled_reason"] is not None, row["retired_at"]) == (outcome == "gone", None)
    assert row["etag"] == (answer.get("headers", {}).get("ETag") if outcome == "changed" else '"1"')
    assert polled.items() >= 1


def test_status_table_304_without_having_sent_validators(polled: Polled) -> None:
    polled.web.answer("/feed", status=304)
    polled.add()
    polled.poll()
    row = polled.row()
    assert (row["last_outcome"], row["error_count"], row["first_fetched_at"]) == ("unexpected_status", 1, None)
    assert row["last_error"] == "304 Not Modified although no validator was sent"


def test_status_table_retry_after_as_a_date_counts_from_the_servers_own_clock(polled: Polled) -> None:
    in_five_hours = format_datetime(datetime.now(UTC) + timedelta(hours=5), usegmt=True)
    polled.web.answer("/feed", status=503, headers={"Retry-After": in_five_hours})
    polled.add()
    polled.poll()
    row = polled.row()
    wait = row["next_poll_at"] - polled.clock() - timedelta(seconds=jitter_s(row["id"], 5 * HOUR))
    assert abs(wait - timedelta(hours=5)) < timedelta(seconds=3)


def test_status_table_a_404_is_asked_ever_more_rarely_and_never_deleted(polled: Polled) -> None:
    polled.web.answer("/feed", status=404)
    polled.add()
    polled.run(hours=24 * 40)
    hours = [round(gap.total_seconds() / HOUR) for gap in gaps(polled.times())]
    assert hours[:5] == [1, 2, 4, 8, 16]
    assert set(hours[5:]) == {24}
    assert (polled.row()["disabled_reason"], polled.row()["retired_at"]) == (None, None)
    polled.web.clear()
    polled.web.serve("/feed", rss("a"))
    polled.poll_again()
    row = polled.row()
    assert (row["error_count"], row["last_error"], row["next_poll_reason"]) == (0, None, "interval")


def test_status_table_a_feed_that_is_gone_is_asked_no_more_and_keeps_its_items(polled: Polled) -> None:
    polled.web.serve("/feed", rss("a"))
    polled.add()
    polled.poll()
    polled.web.answer("/feed", status=410)
    polled.poll_again()
    polled.run(hours=24 * 10)
    assert len(polled.times()) == 2
    assert polled.items() == 1


# ── what is learned ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_that_posts_weekly_is_asked_every_seven_hours(polled: Polled) -> None:
    dates = [polled.clock() - timedelta(days=7 * number + 1) for number in range(6)]
    polled.web.serve("/feed", rss(*"abcdef", dates=dates))
    polled.add()
    polled.poll()
    row = polled.row()
    assert (row["habit_s"], row["next_poll_reason"]) == (7.0 * DAY, "habit")
    assert row["next_poll_at"] == polled.clock() + timedelta(seconds=7 * HOUR + jitter_s(row["id"], 7 * HOUR))


def test_hours_that_the_publisher_skips_are_kept(polled: Polled) -> None:
    nights = "".join(f"<hour>{hour}</hour>" for hour in (13, 14, 15, 22, 23, 0, 1, 2, 3))
    polled.web.serve("/feed", rss("a", head=f"<skipHours>{nights}</skipHours>"))
    polled.add()
    polled.run(hours=24 * 3)
    asked = {when.hour for when in polled.times()[1:]}
    assert asked & {13, 14, 15, 22, 23, 0, 1, 2, 3} == set()
    assert len(asked) >= 10
