"""What hubs are asked and what their words come to, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from watcher.fetch import hub as webs
from watcher.fetch.hub import HubAnswer, HubReason, Intent
from watcher.fetch.schedule import PollReason, next_poll
from watcher.model import AlertHistory, Feed, FetchOutcome, FetchResult, Hub, HubMode, HubState, Validators, Wishes
from watcher.store.hubs import PUSHED

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOPIC = "https://news.example/feed?a=1&b=%20"


def hub(**changes: Any) -> Hub:
    values: dict[str, Any] = {
        "id": 7,
        "feed_id": 1,
        "hub_url": "https://hub.example/",
        "topic_url": TOPIC,
        "token": "t" * 43,
        "secret": "s" * 43,
        "state": HubState.WANTED,
        "tries": 0,
        "callback_url": None,
        "asked_mode": None,
        "asked_at": None,
        "slot_at": None,
        "expires_at": None,
        "attempt": 1,
    }
    return Hub(**(values | changes))


@pytest.mark.parametrize(
    "header, found",
    [
        ('<https://hub/>; rel="hub", <https://t/>; rel="self"', ("https://hub/", "https://t/")),
        ("<https://hub/>;rel=hub,<https://t/>;rel=self", ("https://hub/", "https://t/")),
        ('<http://hub/>; rel=hub, <https://hub/>; REL="HUB"', ("https://hub/", None)),
        ('<https://t/>; title="a, b"; rel="self alternate"', (None, "https://t/")),
        ('<https://t/>; rel="next"; rel="hub"', (None, None)),
        ("<>; rel=hub", (None, None)),
        ("https://hub/; rel=hub", (None, None)),
        ("<" * 100_000, (None, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_link_headers_name_hub_and_topic(header: str | None, found: tuple[str | None, str | None]) -> None:
    assert webs.linked(header) == found


@pytest.mark.parametrize(
    "link, found",
    [
        (TOPIC, TOPIC),
        ("https://News.Example/Feed#x", "https://News.Example/Feed#x"),
        ("/hub?x=1", "https://news.example/hub?x=1"),
        ("//hub.example/", "https://hub.example/"),
        ("ftp://hub.example/", None),
        ("javascript:alert(1)", None),
        ("https://user:pass@hub.example/", None),
        ("https://hub.example/a b", None),
        ("https://hub.example/\r\nX: y", None),
        ("https://hub.example/<script>", None),
        ("https://[::1", None),
        ("https://hub.example:99999/", None),
        ("https://hub.example:x/", None),
        ("https:///x", "https://news.example/x"),
        ("https://hub.example/" + "a" * 2048, None),
        ("", None),
        (None, None),
    ],
)
def test_an_address_is_taken_as_written_or_not_at_all(link: str | None, found: str | None) -> None:
    assert webs.absolute(link, "https://news.example/feed") == found


@pytest.mark.parametrize(
    "hub_url, topic, public_url, plain, reason",
    [
        ("https://h/", "https://t/", "https://me/", False, None),
        ("http://h/", "http://t/", "https://me/", False, None),
        ("http://h/", "https://t/", "https://me/", True, None),
        ("http://h:8080/", "https://t/", "https://me/", True, HubReason.PLAIN_HUB),
        ("https://h/", "https://t/", "http://me/", False, HubReason.PLAIN_ADDRESS),
        ("https://h/", "https://t/", "http://me/", True, None),
        ("https://h/", "https://t/", None, True, HubReason.NO_ADDRESS),
    ],
)
def test_a_hub_is_only_asked_where_the_secret_stays_one(
    hub_url: str, topic: str, public_url: str | None, plain: bool, reason: HubReason | None
) -> None:
    assert webs.unfit(hub(hub_url=hub_url, topic_url=topic), public_url, plain=plain) is reason


@pytest.mark.parametrize(
    "hub_url, topic, asked",
    [
        ("http://medium.superfeedr.com", "https://medium.com/feed", "https://medium.superfeedr.com"),
        ("http://h/a?b=c", "https://t/", "https://h/a?b=c"),
        ("http://h:8080/", "https://t/", None),
        ("http://h:8080/", "http://t/", "http://h:8080/"),
        ("https://h:8443/", "https://t/", "https://h:8443/"),
    ],
)
def test_the_hub_of_an_https_feed_is_asked_by_https(hub_url: str, topic: str, asked: str | None) -> None:
    assert webs.request_url(hub(hub_url=hub_url, topic_url=topic)) == asked


def test_the_form_of_a_request_is_that_of_the_specification() -> None:
    ours = webs.callback("https://me.example/watcher/", "t" * 43)
    form = parse_qs(webs.request_form(hub(), HubMode.SUBSCRIBE, ours).decode())
    assert form == {
        "hub.mode": ["subscribe"],
        "hub.topic": [TOPIC],
        "hub.callback": [f"https://me.example/watcher/push/{'t' * 43}"],
        "hub.secret": ["s" * 43],
        "hub.lease_seconds": ["864000"],
    }
    assert "hub.secret" not in webs.request_form(hub(), HubMode.UNSUBSCRIBE, ours).decode()


@pytest.mark.parametrize(
    "state, mode, tries, status, becomes",
    [
        (HubState.WANTED, HubMode.SUBSCRIBE, 0, 202, HubState.ASKED),
        (HubState.WANTED, HubMode.SUBSCRIBE, 0, 204, HubState.ASKED),
        (HubState.WANTED, HubMode.SUBSCRIBE, 0, 303, HubState.WANTED),
        (HubState.ASKED, HubMode.SUBSCRIBE, 3, 202, HubState.ASKED),
        (HubState.ASKED, HubMode.SUBSCRIBE, 3, None, HubState.WANTED),
        (HubState.DENIED, HubMode.SUBSCRIBE, 0, 202, HubState.ASKED),
        (HubState.DENIED, HubMode.SUBSCRIBE, 0, 403, HubState.WANTED),
        (HubState.ACTIVE, HubMode.SUBSCRIBE, 0, 500, HubState.ACTIVE),
        (HubState.LEAVING, HubMode.UNSUBSCRIBE, 0, 202, HubState.LEAVING),
        (HubState.LEAVING, HubMode.UNSUBSCRIBE, 0, 429, HubState.LEAVING),
        (HubState.LEAVING, HubMode.UNSUBSCRIBE, 0, 404, HubState.ENDED),
        (HubState.LEAVING, HubMode.UNSUBSCRIBE, 2, None, HubState.LEAVING),
        (HubState.LEAVING, HubMode.UNSUBSCRIBE, 3, None, HubState.ENDED),
    ],
)
def test_an_answer_moves_the_subscription(
    state: HubState, mode: HubMode, tries: int, status: int | None, becomes: HubState
) -> None:
    one = hub(state=state, tries=tries, expires_at=NOW + timedelta(days=2))
    assert webs.after_ask(one, mode, HubAnswer(status=status), now=NOW).state is becomes


@pytest.mark.parametrize(
    "tries, lease_left, retry_after_s, least, most",
    [
        (0, None, None, 3600, 3960),
        (3, None, None, 8 * 3600, 8.5 * 3600),
        (400, None, None, 86400, 86400 + 900),
        (0, None, 7200.0, 7200, 7200 + 900),
        (0, None, 1e9, 7 * 86400, 7 * 86400 + 900),
        (4, timedelta(hours=2), None, 3600, 3960),
        (4, timedelta(seconds=60), None, 300, 330),
    ],
)
def test_between_two_requests_lies_an_hour_to_a_day_but_a_lease_is_not_slept_through(
    tries: int, lease_left: timedelta | None, retry_after_s: float | None, least: float, most: float
) -> None:
    one = hub(state=HubState.ACTIVE, tries=tries, expires_at=NOW + lease_left if lease_left else None)
    answer = HubAnswer(status=None, retry_after_s=retry_after_s)
    wait_s = (webs.after_ask(one, HubMode.SUBSCRIBE, answer, now=NOW).next_ask_at - NOW).total_seconds()
    assert least <= wait_s <= most


@pytest.mark.parametrize(
    "params, read",
    [
        (
            {"hub.mode": "subscribe", "hub.topic": "t", "hub.challenge": "aZ0._~+/=:-", "hub.lease_seconds": "60"},
            Intent(mode="subscribe", topic="t", challenge="aZ0._~+/=:-", lease_s=60),
        ),
        (
            {"hub.mode": "unsubscribe", "hub.topic": "t", "hub.challenge": "c", "hub.lease_seconds": "soon"},
            Intent(mode="unsubscribe", topic="t", challenge="c"),
        ),
        (
            {"hub.mode": "denied", "hub.topic": "t", "hub.reason": "no\x00\u202e\n" + "y" * 500},
            Intent(mode="denied", topic="t", reason="no   " + "y" * 195),
        ),
        ({"hub.mode": "subscribe", "hub.topic": "t", "hub.challenge": "<b>"}, None),
        ({"hub.mode": "subscribe", "hub.topic": "t", "hub.challenge": "é"}, None),
        ({"hub.mode": "subscribe", "hub.topic": "t", "hub.challenge": "a\n"}, None),
        ({"hub.mode": "subscribe", "hub.topic": "t"}, None),
        ({"hub.mode": "subscribe", "hub.challenge": "c"}, None),
        ({"hub.mode": "subscribe", "hub.topic": "t" * 2049, "hub.challenge": "c"}, None),
        ({"hub.mode": "SUBSCRIBE", "hub.topic": "t", "hub.challenge": "c"}, None),
        ({}, None),
    ],
)
def test_what_a_hub_says_is_read_strictly(params: dict[str, str], read: Intent | None) -> None:
    assert webs.read_intent(params) == read


@pytest.mark.parametrize(
    "changes, intent, fits",
    [
        ({}, {}, True),
        ({}, {"topic": TOPIC + "/"}, False),
        ({}, {"mode": "unsubscribe"}, False),
        ({"asked_mode": HubMode.UNSUBSCRIBE}, {}, False),
        ({"asked_mode": HubMode.UNSUBSCRIBE}, {"mode": "unsubscribe"}, True),
        ({"asked_mode": None, "asked_at": None}, {}, False),
        ({"asked_at": NOW - timedelta(hours=25)}, {}, False),
        ({"state": HubState.ACTIVE}, {}, True),
    ],
)
def test_only_what_we_asked_for_is_confirmed(changes: dict[str, Any], intent: dict[str, str], fits: bool) -> None:
    asked = {"asked_mode": HubMode.SUBSCRIBE, "asked_at": NOW - timedelta(minutes=1)} | changes
    said = {"mode": "subscribe", "topic": TOPIC, "challenge": "c"} | intent
    assert webs.confirms(hub(**asked), Intent(**said), now=NOW) is fits


@pytest.mark.parametrize(
    "lease_s, expires_s, asked_after_s",
    [
        (864000, 864000, 864000 * 0.75),
        (None, 864000, 864000 * 0.75),
        (3600, 3600, 2700),
        (60, 60, 600),
        (10**10 - 1, 90 * 86400, 90 * 86400 * 0.75),
    ],
)
def test_a_lease_is_renewed_after_three_quarters_of_its_time(
    lease_s: int | None, expires_s: int, asked_after_s: float
) -> None:
    said = Intent(mode="subscribe", topic=TOPIC, challenge="c", lease_s=lease_s)
    step, expires_at = webs.after_verification(hub(), said, now=NOW)
    assert (step.state, expires_at) == (HubState.ACTIVE, NOW + timedelta(seconds=expires_s))
    assert asked_after_s - 900 <= (step.next_ask_at - NOW).total_seconds() <= asked_after_s


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256",
        "sha256=",
        "sha256=zz",
        "sha256=" + "0" * 64,
        "md5=2aa1d93e0a3b1f4b2a1a7f3e7f6a8c1d",
        "sha3_256=" + "0" * 64,
        "__class__=" + "0" * 64,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec38",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3844",
    ],
)
def test_a_signature_is_the_hmac_or_nothing(signature: str | None) -> None:
    assert not webs.signed(b"what do ya want for nothing?", signature, "Jefe")


@pytest.mark.parametrize(
    "method, digest",
    [
        ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("SHA256", "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"),
        (
            "sha384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ],
)
def test_the_vectors_of_rfc_2202_and_rfc_4231_hold(method: str, digest: str) -> None:
    body = b"what do ya want for nothing?"
    assert webs.signed(body, f" {method}={digest} ", "Jefe")
    assert not webs.signed(body + b"?", f"{method}={digest}", "Jefe")


def _feed(**changes: Any) -> Feed:
    values: dict[str, Any] = {
        "id": 1,
        "url": "https://news.example/feed",
        "asked_url": "https://news.example/feed",
        "title": None,
        "language": None,
        "tags": (),
        "alert_history": AlertHistory.ALL,
        "every_s": None,
        "headers": {},
        "validators": Validators(),
        "first_fetched_at": NOW,
        "last_full_at": NOW,
        "error_count": 0,
        "attempt": 1,
        "created_at": NOW,
    }
    return Feed(**(values | changes))


@pytest.mark.parametrize(
    "changes, hours, reason",
    [
        ({}, 1, "interval"),
        ({"pushed_until": NOW + timedelta(days=5)}, 6, "pushed"),
        ({"pushed_until": NOW + timedelta(hours=3)}, 3, "pushed"),
        ({"pushed_until": NOW - timedelta(seconds=1)}, 1, "interval"),
        ({"pushed_until": NOW + timedelta(days=5), "every_s": 3600}, 1, "interval"),
    ],
)
def test_a_feed_with_a_hub_is_polled_every_six_hours_but_within_its_lease(
    changes: dict[str, Any], hours: int, reason: str
) -> None:
    result = FetchResult(outcome=FetchOutcome.NOT_MODIFIED, status=304, validators=Validators(etag='"a"'))
    feed = _feed(**changes)
    following = next_poll(feed=feed, result=result, wishes=Wishes(), every_s=3600, max_s=86400, now=NOW)
    assert PollReason.PUSHED == PUSHED
    assert (following.next_poll_at - NOW) // timedelta(hours=1) == hours
    assert following.reason == reason
