import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from event_factories import NOON, alert, digest, event, five_seeds, funding, immediate, partnership, snippet, source
from standardwebhooks import Webhook

from watcher.deliver.channel import Misconfigured
from watcher.deliver.webhook import BODY_BYTES, body, signature
from watcher.model import Coverage, Notice

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def told(view) -> dict:
    content = body(view, now=NOON)
    assert len(content) < BODY_BYTES
    return json.loads(content)


def test_a_new_event_is_told_with_its_facts_and_evidence():
    message = told(immediate(alert(funding(), reason="rule funding")))
    assert (message["type"], message["timestamp"]) == ("event.created", "2026-11-22T12:00:00.000Z")
    data = message["data"]
    assert (data["digest"], data["subscription"]) == ("dg_5f2c9a", {"id": "china-biotech", "title": "China biotech"})
    assert (data["reason"], data["update"]) == ("rule funding", False)
    assert data["event"] == {
        "id": 4,
        "revision": 1,
        "rule": {"id": "funding", "title": "Funding"},
        "level": "high",
        "title": "重庆国际生物城签约21个项目，总投资102亿元",
        "summary": (
            "Chongqing International Biopharmaceutical City · "
            "10.2bn CNY (≈ 1.43bn USD, rate of 15 Dec 2025) · 21 projects"
        ),
        "sources": [
            {
                "title": "重庆国际生物城签约21个项目，总投资102亿元",
                "link": "https://news.example/4/story",
                "feed": "新华财经",
                "language": "zh",
                "published_at": "2025-12-16T08:35:00.000Z",
            }
        ],
        "sources_total": 1,
        "created_at": "2026-11-22T12:00:00.000Z",
        "updated_at": "2026-11-22T12:00:00.000Z",
        "tags": ["biotech", "china"],
        "facts": {
            "recipient": {"kind": "party", "value": "Chongqing International Biopharmaceutical City"},
            "amount": {
                "kind": "money",
                "value": 10.2e9,
                "currency": "CNY",
                "usd": 1.4307e9,
                "rate_date": "2025-12-15",
            },
            "projects": {"kind": "text", "value": "21"},
        },
        "evidence": [
            [
                {"text": "今年1至11月，重庆国际生物城", "marked": False},
                {"text": "签约21个项目", "marked": True},
                {"text": "，总投资", "marked": False},
                {"text": "102亿元", "marked": True},
                {"text": "，到位资金38.33亿元。", "marked": False},
            ]
        ],
    }


def test_a_revised_event_is_an_update():
    message = told(immediate(alert(partnership(revision=2), update=True)))
    assert (message["type"], message["data"]["event"]["revision"]) == ("event.updated", 2)
    assert message["data"]["event"]["facts"]["places"]["value"] == ["Chongqing", "Seoul"]


def test_a_digest_tells_its_window_events_and_coverage():
    message = told(five_seeds())
    data = message["data"]
    assert message["type"] == "digest.closed"
    assert data["window"] == {"key": "2026-11-22", "closes_at": "2026-11-22T00:00:00.000Z", "zone": "Asia/Shanghai"}
    assert [one["event"]["id"] for one in data["events"]] == [1, 5, 4, 2, 3]
    assert (data["events_total"], data["left_out"]) == (5, [])
    assert data["coverage"] == {
        "feeds_total": 41,
        "feeds_checked": 39,
        "failing": ["Korea Biomed", "BioCentury China"],
        "silent": [],
    }


def test_an_empty_digest_and_a_notice_are_told_too():
    assert told(digest())["data"]["events"] == []
    message = told(digest(notice=Notice(subject="2 feeds fail", lines=("A", "B"))))
    assert (message["type"], message["data"]["lines"]) == ("service.notice", ["A", "B"])


@pytest.mark.parametrize("count", [10, 40, 400])
def test_a_large_digest_drops_detail_first_and_then_says_how_many_events(count):
    data = told(digest(*[alert(funding(id=number)) for number in range(count)]))["data"]
    assert data["events_total"] == count
    left = count - len(data["events"])
    assert data["left_out"] == ([f"{left} events had no room"] if left else [])
    assert len(data["events"]) >= 10


def test_hostile_and_huge_text_stays_small_and_clean():
    bad = "x\r\n\x00\ud800\u202e重" * 5000
    huge = event(
        title=bad, rule_title=bad, snippets=(snippet(bad, bad[:9]),) * 9, sources=(source(bad, bad, link=bad),) * 30
    )
    view = immediate(
        alert(huge, reason=bad),
        coverage=Coverage(feeds_total=1, feeds_checked=0, failing=(bad,) * 50),
        left_out=(bad,) * 90,
    )
    message = told(view)
    assert "\ud800" not in json.dumps(message, ensure_ascii=False)
    assert message["data"]["event"]["sources"][0]["link"] is None


def test_a_signature_is_verified_by_the_library_and_binds_id_time_and_body():
    now = datetime.now(UTC)
    content = body(five_seeds(), now=now)
    headers = signature(SECRET, "dg_1", content, now)
    assert Webhook(SECRET).verify(content, headers)["type"] == "digest.closed"
    for broken in (
        (content + b" ", headers),
        (content, {**headers, "webhook-id": "dg_2"}),
        (content, {**headers, "webhook-timestamp": str(int(now.timestamp()) + 1)}),
    ):
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(SECRET).verify(*broken)


def test_the_time_signed_is_the_instant_and_not_the_wall_clock():
    local = datetime.now(timezone(timedelta(hours=8)))
    headers = signature(SECRET, "dg_1", b"{}", local)
    assert headers == signature(SECRET, "dg_1", b"{}", local.astimezone(UTC))
    assert Webhook(SECRET).verify(b"{}", headers) == {}
    with pytest.raises(ValueError, match="aware"):
        signature(SECRET, "dg_1", b"{}", datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_@@@", "whsec_" + base64.b64encode(b"short").decode(), "plain", "whsec_é"]
)
def test_a_secret_that_is_none_is_refused_and_not_quoted(secret):
    with pytest.raises(Misconfigured, match="is not whsec_ and the base64") as caught:
        signature(secret, "dg_1", b"{}", NOON)
    assert caught.value.reason == "bad_secret"


def test_a_secret_without_padding_is_taken():
    secret = "whsec_" + base64.b64encode(b"x" * 25).decode().rstrip("=")
    assert signature(secret, "a", b"{}", NOON)["webhook-signature"].startswith("v1,")
