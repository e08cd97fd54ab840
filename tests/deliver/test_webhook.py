import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources

import pytest
from event_factories import NOON, alert, digest, event, five_seeds, funding, immediate, partnership, snippet, source
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from watcher.deliver.channel import Misconfigured
from watcher.deliver.webhook import BODY_BYTES, body, signature
from watcher.deliver.webhook_schema import schema
from watcher.model import AlertLinks, Change, ChangeWhy, Coverage, DigestLinks, Language, Notice

WHOSE = {"id": "china-biotech", "title": "China biotech", "links": {}}
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def closed(part):
    """The schema with no room for fields that it does not name: what we send and do not publish is a mistake."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    shut = {name: closed(one) for name, one in part.items()}
    return shut | {"additionalProperties": False} if "required" in part and "data" not in part["properties"] else shut


STRICT = Draft202012Validator(closed(schema()))


def told(view) -> dict:
    content = body(view, now=NOON)
    assert len(content) < BODY_BYTES
    message = json.loads(content)
    STRICT.validate(message)
    return message


def linked(number: int) -> AlertLinks:
    at = f"https://w.example/{{}}/{number}.{'s' * 43}"
    return AlertLinks(event=at.format("e"), useful=at.format("v"), not_useful=at.format("v"), mute=at.format("m"))


def test_a_new_event_is_told_with_its_facts_and_evidence():
    message = told(immediate(alert(funding(), reason="rule funding")))
    assert (message["type"], message["timestamp"]) == ("event.created", "2026-11-22T12:00:00.000Z")
    data = message["data"]
    assert (data["digest"], data["subscription"]) == ("dg_5f2c9a", WHOSE)
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
    headers = signature([SECRET], "dg_1", content, now)
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
    headers = signature([SECRET], "dg_1", b"{}", local)
    assert headers == signature([SECRET], "dg_1", b"{}", local.astimezone(UTC))
    assert Webhook(SECRET).verify(b"{}", headers) == {}
    with pytest.raises(ValueError, match="aware"):
        signature([SECRET], "dg_1", b"{}", datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_@@@", "whsec_" + base64.b64encode(b"short").decode(), "plain", "whsec_é"]
)
def test_a_secret_that_is_none_is_refused_and_not_quoted(secret):
    with pytest.raises(Misconfigured, match="is not whsec_ and the base64") as caught:
        signature([secret], "dg_1", b"{}", NOON)
    assert caught.value.reason == "bad_secret"


def test_a_secret_without_padding_is_taken():
    secret = "whsec_" + base64.b64encode(b"x" * 25).decode().rstrip("=")
    assert signature([secret], "a", b"{}", NOON)["webhook-signature"].startswith("v1,")


def test_the_published_schema_is_the_one_that_bodies_follow():
    """`make schemas` writes it."""
    published = json.loads((resources.files("watcher.data") / "webhook.schema.json").read_text("utf-8"))
    assert published == schema()
    Draft202012Validator.check_schema(published)


@pytest.mark.parametrize("break_it", ["type", "data", "event", "level", "extra"])
def test_the_schema_refuses_what_is_no_body(break_it):
    message = told(immediate())
    match break_it:
        case "type":
            message["type"] = "digest.closed"
        case "level":
            message["data"]["event"]["level"] = "urgent"
        case "extra":
            message["data"]["event"]["secret"] = 1
        case "event":
            del message["data"]["event"]
        case "data":
            del message["data"]
    assert not STRICT.is_valid(message)


def test_signed_links_are_told_with_the_event_and_the_digest():
    links = DigestLinks(
        browser="https://w.example/d/D",
        preferences="https://w.example/p/P",
        unsubscribe="https://w.example/u/U",
        feed="https://w.example/f/F",
    )
    data = told(replace(immediate(alert(event(), links=linked(1))), links=links))["data"]
    assert data["links"] == {name: getattr(linked(1), name) for name in ("event", "useful", "not_useful", "mute")}
    assert list(data["subscription"]["links"]) == ["preferences", "unsubscribe", "feed"]
    data = told(replace(digest(alert(event(), links=linked(1))), links=links))["data"]
    assert data["links"] == {"browser": "https://w.example/d/D"}
    assert data["events"][0]["links"]["event"] == linked(1).event


def test_words_are_in_the_language_of_the_subscription():
    data = told(replace(immediate(), language=Language.CHINESE))["data"]
    assert data["event"]["summary"] == "Konoya → AstraZeneca · CMG901 · 12亿美元 · 独家、全球"


_WORDS = st.text(max_size=600) | st.sampled_from(
    ["\u202e\x00", "重" * 500, '"\\' * 300, "https://x.example/" + "a" * 1900]
)


@given(
    words=st.lists(_WORDS, min_size=1, max_size=6),
    count=st.integers(0, 80),
    update=st.booleans(),
    immediately=st.booleans(),
    notice=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_words_make_a_body_of_20_kb_or_one_against_the_schema(words, count, update, immediately, notice):
    long = "".join(words)
    change = Change(fact=long, before=long, after=long, why=ChangeWhy.CORRECTED)
    entries = [
        alert(
            funding(
                id=number,
                title=long,
                rule_title=long,
                tags=tuple(words) * 5,
                snippets=(snippet(long, long[:5]),) * 5,
                sources=tuple(source(one, one, link=one) for one in words) * 3,
            ),
            reason=long,
            update=update,
            changes=(change,) * 12 if update else (),
            links=linked(number),
        )
        for number in range(1 if immediately else count)
    ]
    view = digest(
        *entries,
        immediate=immediately,
        subscription_title=long,
        notes=tuple(words),
        left_out=tuple(words) * 4,
        coverage=Coverage(feeds_total=9, feeds_checked=1, failing=(long,) * 60, silent=(long,) * 60),
        notice=Notice(subject=long, lines=(long,) * 90, action=long, action_url=long) if notice else None,
    )
    data = told(view)["data"]
    if "events" in data:
        assert data["events_total"] == count
        untold = count - len(data["events"])
        assert not untold or data["left_out"][-1] == f"{untold} events had no room"


# ── receivers ────────────────────────────────────────────────────────────────────────────────────────────────────────

NEW_SECRET = "whsec_" + base64.b64encode(b"a new secret of 32 bytes or so..").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"somebody else's secret, 32 bytes").decode()


@pytest.mark.parametrize("receiver", [SECRET, NEW_SECRET])
def test_while_a_secret_is_changed_both_hold(receiver):
    content = body(five_seeds(), now=NOON)
    headers = signature([NEW_SECRET, SECRET], "dg_1", content, datetime.now(UTC))
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert Webhook(receiver).verify(content, headers)["type"] == "digest.closed"


def test_the_same_secret_twice_signs_once():
    headers = signature([SECRET, SECRET], "dg_1", b"{}", NOON)
    assert " " not in headers["webhook-signature"]


class Receiver:
    """What the README tells a receiver to do: verify with the reference library, and remember ids."""

    def __init__(self, secret: str) -> None:
        self.webhook, self.seen = Webhook(secret), set()

    def take(self, content: bytes, headers: dict) -> str:
        try:
            event = self.webhook.verify(content, headers)
        except WebhookVerificationError:
            return "refused"
        if headers["webhook-id"] in self.seen:
            return "known"
        self.seen.add(headers["webhook-id"])
        return str(event["type"])


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        pytest.param("the first time", "digest.closed", id="input-151-first"),
        pytest.param("the same bytes again", "known", id="input-151-replay"),
        pytest.param("our own retry, signed anew", "known", id="input-151-retry"),
        pytest.param("ten minutes old", "refused", id="input-151-old-timestamp"),
        pytest.param("from the future", "refused", id="input-151-future-timestamp"),
        pytest.param("old body under a fresh time", "refused", id="input-151-time-moved"),
        pytest.param("another body under a known id", "refused", id="input-151-reused-id"),
        pytest.param("known body under a new id", "refused", id="input-151-new-id"),
        pytest.param("wrong key", "refused", id="input-151-wrong-key"),
        pytest.param("two signatures, one of ours", "known", id="input-151-two-signatures"),
        pytest.param("two signatures, none of ours", "refused", id="input-151-two-wrong-signatures"),
    ],
)
def test_a_receiver_can_tell_a_replay(case, answer):
    now = datetime.now(UTC)
    content = body(five_seeds(), now=now)
    first = signature([SECRET], "dg_1", content, now)
    receiver = Receiver(SECRET)
    later = now + timedelta(seconds=30)
    if case != "the first time":
        receiver.take(content, first)
    sent = {
        "the first time": (content, first),
        "the same bytes again": (content, first),
        "our own retry, signed anew": (content, signature([SECRET], "dg_1", content, later)),
        "ten minutes old": (content, signature([SECRET], "dg_1", content, now - timedelta(minutes=10))),
        "from the future": (content, signature([SECRET], "dg_1", content, now + timedelta(minutes=10))),
        "old body under a fresh time": (content, first | {"webhook-timestamp": str(int(later.timestamp()))}),
        "another body under a known id": (content + b" ", first),
        "known body under a new id": (content, first | {"webhook-id": "dg_2"}),
        "wrong key": (content, signature([OTHER_SECRET], "dg_1", content, now)),
        "two signatures, one of ours": (content, signature([OTHER_SECRET, SECRET], "dg_1", content, now)),
        "two signatures, none of ours": (content, signature([OTHER_SECRET, NEW_SECRET], "dg_1", content, now)),
    }[case]
    assert receiver.take(*sent) == answer
