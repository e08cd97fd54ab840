"""The demo's feed server, inbox and receivers, spoken to over real sockets."""

import json
import smtplib
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from watcher.demo.feeds import Document, FeedServer, seed_documents
from watcher.demo.inbox import Inbox
from watcher.demo.loopback import BODY_MAX, Loopback, Reply
from watcher.demo.receivers import Receivers, slack_refusal
from watcher.errors import CannotHelp

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
SECRET = "whsec_c2VlZHMgYXJlIHBsYW50ZWQgaW4gc3ByaW5n"
DOCUMENT = Document(
    body=b"<rss/>", content_type="application/rss+xml", modified_at=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
)


def ask(url: str, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def post(url: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(url, content=body, headers=dict(headers))


# ── feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_first_poll_gets_the_feed_with_both_validators() -> None:
    with FeedServer({"/feed": DOCUMENT}) as server:
        answer = ask(server.url + "/feed")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (
        200,
        b"<rss/>",
        "application/rss+xml",
    )
    assert answer.headers["Last-Modified"] == "Thu, 02 Jan 2025 03:04:05 GMT"
    assert answer.headers["ETag"] == DOCUMENT.etag


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": DOCUMENT.etag}, 304),
        ({"If_None_Match": f'"other", W/{DOCUMENT.etag}'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"other"'}, 200),
        ({"If_None_Match": '"other"', "If_Modified_Since": "Thu, 02 Jan 2025 03:04:05 GMT"}, 200),
        ({"If_Modified_Since": "Thu, 02 Jan 2025 03:04:05 GMT"}, 304),
        ({"If_Modified_Since": "Thu, 02 Jan 2025 03:04:04 GMT"}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({}, 200),
    ],
)
def test_a_conditional_poll_is_answered_by_its_validators(headers: dict[str, str], status: int) -> None:
    with FeedServer({"/feed": DOCUMENT}) as server:
        assert ask(server.url + "/feed", **headers).status_code == status
        assert server.count(status) == 1


def test_polls_are_kept_in_order_with_path_and_status() -> None:
    with FeedServer({"/feed": DOCUMENT}) as server:
        ask(server.url + "/feed")
        ask(server.url + "/feed", If_None_Match=DOCUMENT.etag)
        ask(server.url + "/nothing")
        assert [(poll.path, poll.status) for poll in server.polls] == [
            ("/feed", 200),
            ("/feed", 304),
            ("/nothing", 404),
        ]


def test_the_seed_feed_is_served_in_three_formats() -> None:
    documents = seed_documents(SEEDS)
    assert sorted(documents) == ["/feed.atom.xml", "/feed.json", "/feed.rss.xml"]
    with FeedServer(documents) as server:
        answers = [ask(url) for url in server.urls]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert all("CMG901" in answer.text for answer in answers)


def test_a_folder_without_the_seed_feed_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotHelp, match=r"holds no feed\.rss\.xml, feed\.atom\.xml, feed\.json"):
        seed_documents(tmp_path)


# ── every server ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_thread_and_no_port_is_left_after_stopping() -> None:
    before = threading.active_count()
    with FeedServer({"/feed": DOCUMENT}) as feeds, Inbox() as inbox, Receivers(SECRET) as receivers:
        ask(feeds.url + "/feed")
        connection = smtplib.SMTP("127.0.0.1", int(inbox.smtp_url.rsplit(":", 1)[1]), timeout=5)
        connection.ehlo()
        ask(receivers.hook_url)
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        ask(feeds.url)
    connection.close()


def test_a_server_that_never_started_can_be_stopped() -> None:
    Loopback(lambda _request: Reply(), name="idle").stop()
    Inbox().stop()


def test_a_body_over_the_limit_is_refused_unread() -> None:
    with Receivers(SECRET) as receivers:
        with socket.create_connection(("127.0.0.1", int(receivers.url.rsplit(":", 1)[1])), timeout=5) as client:
            client.sendall(f"POST /hook HTTP/1.0\r\nContent-Length: {BODY_MAX + 1}\r\n\r\n".encode())
            answer = client.makefile("rb").readline()
        assert receivers.hooks == ()
    assert answer == b"HTTP/1.0 413 Request Entity Too Large\r\n"


# ── inbox ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def letter() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Digest: 重庆"
    message["From"] = "Watcher <watcher@example.org>"
    message["To"] = "reader@example.org"
    message["Message-ID"] = "<one@example.org>"
    message.set_content("plain words\n")
    message.add_alternative("<p>marked words</p>\n", subtype="html")
    return message


def test_a_mail_is_kept_with_envelope_text_and_html() -> None:
    with Inbox() as inbox:
        port = int(inbox.smtp_url.rsplit(":", 1)[1])
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.send_message(letter())
        (mail,) = inbox.mails
    assert (mail.number, mail.sender, mail.recipients) == (1, "watcher@example.org", ("reader@example.org",))
    assert (mail.subject, mail.message_id) == ("Digest: 重庆", "<one@example.org>")
    assert (mail.text, mail.html) == ("plain words\n", "<p>marked words</p>\n")


def test_two_inboxes_take_mail_side_by_side() -> None:
    with Inbox() as one, Inbox() as two:
        for inbox in (one, two, two):
            with smtplib.SMTP("127.0.0.1", int(inbox.smtp_url.rsplit(":", 1)[1]), timeout=5) as client:
                client.send_message(letter())
        assert [len(one.mails), len(two.mails)] == [1, 2]
        assert [mail.number for mail in two.mails] == [1, 2]


# ── slack ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def section(words: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}}


def header(words: str, kind: str = "plain_text") -> dict[str, object]:
    return {"type": "header", "text": {"type": kind, "text": words}}


def fields(count: int, length: int) -> dict[str, object]:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * length}] * count}


def context(count: int) -> dict[str, object]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * count}


@pytest.mark.parametrize(
    ("payload", "refusal"),
    [
        ({"text": "hello"}, None),
        ({"text": ""}, "no_text"),
        ({}, "no_text"),
        ([], "invalid_payload"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [section("x")] * 50}, None),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 3000)]}, None),
        ({"blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("")]}, "invalid_blocks"),
        ({"blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"blocks": [header("x" * 150)]}, None),
        ({"blocks": [header("x" * 151)]}, "invalid_blocks"),
        ({"blocks": [header("x", "mrkdwn")]}, "invalid_blocks"),
        ({"blocks": [fields(10, 2000)]}, None),
        ({"blocks": [fields(11, 1)]}, "invalid_blocks"),
        ({"blocks": [fields(1, 2001)]}, "invalid_blocks"),
        ({"blocks": [context(10), {"type": "divider"}]}, None),
        ({"blocks": [context(11)]}, "invalid_blocks"),
        ({"blocks": [context(0)]}, "invalid_blocks"),
        ({"blocks": [{"type": "marquee"}]}, "invalid_blocks"),
        ({"blocks": ["section"]}, "invalid_blocks"),
    ],
)
def test_slack_takes_only_what_is_within_its_limits(payload: object, refusal: str | None) -> None:
    assert slack_refusal("application/json; charset=utf-8", json.dumps(payload).encode()) == refusal


def test_slack_takes_nothing_but_json() -> None:
    assert slack_refusal("text/plain", b'{"text": "hello"}') == "invalid_payload"
    assert slack_refusal("application/json", b"\xff") == "invalid_payload"


def test_slack_answers_ok_and_keeps_the_payload() -> None:
    with Receivers(SECRET) as receivers:
        taken = post(receivers.slack_url, b'{"text": "hello"}', {"Content-Type": "application/json"})
        refused = post(receivers.slack_url, b'{"text": ""}', {"Content-Type": "application/json"})
        assert (taken.status_code, taken.text) == (200, "ok")
        assert (refused.status_code, refused.text) == (400, "no_text")
        assert [(kept.payload, kept.refused) for kept in receivers.slack] == [
            ({"text": "hello"}, None),
            ({}, "no_text"),
        ]


# ── webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("evt-1", now, body.decode())
    return {"webhook-id": "evt-1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


def test_a_signed_webhook_is_taken_and_kept_as_verified() -> None:
    with Receivers(SECRET) as receivers:
        assert (
            post(receivers.hook_url, b'{"type": "event.created"}', signed(b'{"type": "event.created"}')).status_code
            == 204
        )
        (kept,) = receivers.hooks
    assert (kept.id, kept.payload, kept.verified, kept.trouble) == ("evt-1", {"type": "event.created"}, True, "")


@pytest.mark.parametrize(
    ("headers", "trouble"),
    [
        (lambda: signed(b"{}", "whsec_YW5vdGhlciBzZWNyZXQ="), "No matching signature found"),
        (lambda: signed(b'{"a": 1}'), "No matching signature found"),
        (lambda: signed(b"{}") | {"webhook-timestamp": "1700000000"}, "Message timestamp too old"),
        (dict, "Missing required headers"),
    ],
)
def test_a_webhook_that_is_not_signed_right_is_refused(headers: Callable[[], dict[str, str]], trouble: str) -> None:
    with Receivers(SECRET) as receivers:
        assert post(receivers.hook_url, b"{}", headers()).status_code == 401
        (kept,) = receivers.hooks
    assert (kept.verified, kept.trouble) == (False, trouble)


def test_an_unknown_path_and_a_get_are_refused() -> None:
    with Receivers(SECRET) as receivers:
        assert ask(receivers.slack_url).status_code == 405
        assert post(receivers.url + "/elsewhere", b"{}", {}).status_code == 404
