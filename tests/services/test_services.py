"""The tests' own servers do what the tests rely on."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import httpx
import psycopg
import pytest

from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink


def _mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@test.example", "b@test.example", "药明 deal"
    message.set_content("text")
    return message


def test_the_inbox_keeps_a_mail_with_its_envelope(smtp_inbox: SmtpInbox) -> None:
    with smtplib.SMTP("127.0.0.1", smtp_inbox.port, timeout=5) as client:
        client.send_message(_mail())
    [mail] = smtp_inbox.mails
    assert (mail.sender, mail.recipients, mail.message["Subject"]) == (
        "a@test.example",
        ("b@test.example",),
        "药明 deal",
    )


def test_the_inbox_refuses_as_told_and_then_accepts(smtp_inbox: SmtpInbox) -> None:
    smtp_inbox.answer("DATA", "451 4.7.1 later", times=1)
    with smtplib.SMTP("127.0.0.1", smtp_inbox.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(_mail())
        assert refused.value.smtp_code == 451
        client.send_message(_mail())
    assert len(smtp_inbox.mails) == 1


def test_the_inbox_refuses_one_recipient_of_two(smtp_inbox: SmtpInbox) -> None:
    smtp_inbox.answer("RCPT", "550 5.1.1 nobody", address="b@test.example")
    with smtplib.SMTP("127.0.0.1", smtp_inbox.port, timeout=5) as client:
        refused = client.sendmail("a@test.example", ["b@test.example", "c@test.example"], "Subject: x\r\n\r\ny")
    assert refused == {"b@test.example": (550, b"5.1.1 nobody")}
    assert smtp_inbox.mails[0].recipients == ("c@test.example",)


def test_the_inbox_can_accept_a_mail_and_hang_up_without_saying_so(smtp_inbox: SmtpInbox) -> None:
    smtp_inbox.hang_up("DATA", keep=True)
    with smtplib.SMTP("127.0.0.1", smtp_inbox.port, timeout=5) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(_mail())
    assert len(smtp_inbox.mails) == 1


def test_the_sink_keeps_requests_and_answers_in_the_order_told(http_sink: HttpSink) -> None:
    http_sink.answer("/hook", status=503, headers={"Retry-After": "7"}, body=b"no", times=1)
    http_sink.answer("/hook", status=204, body=b"")
    with httpx.Client() as client:
        first = client.post(http_sink.url("/hook?a=1"), content=b"one", headers={"X-Test": "yes"})
        second = client.post(http_sink.url("/hook"), content=b"two")
    assert (first.status_code, first.headers["retry-after"], second.status_code) == (503, "7", 204)
    assert [(request.target, request.body) for request in http_sink.got("/hook")] == [
        ("/hook?a=1", b"one"),
        ("/hook", b"two"),
    ]
    assert http_sink.requests[0].headers["x-test"] == "yes"


def test_the_sink_can_hang_up_and_cut_an_answer_short(http_sink: HttpSink) -> None:
    http_sink.answer("/gone", hang_up=True)
    http_sink.answer("/short", headers={"Content-Length": "99"}, body=b"half")
    for path in ("/gone", "/short"):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(http_sink.url(path))


@pytest.mark.parametrize("name, validator", [("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")])
def test_a_feed_answers_304_to_its_own_validators(feed_server: HttpSink, name: str, validator: str) -> None:
    url = feed_server.serve("/feed", b"<rss/>")
    first = httpx.get(url)
    again = httpx.get(url, headers={name: first.headers[validator]})
    feed_server.serve("/feed", b"<rss></rss>", last_modified=None)
    changed = httpx.get(url, headers={name: first.headers[validator]})
    assert [first.status_code, again.status_code, changed.status_code] == [200, 304, 200]
    assert (feed_server.count("/feed", 200), feed_server.count("/feed", 304), again.content) == (2, 1, b"")


def test_a_valkey_starts_empty_and_never_evicts(valkey: Valkey) -> None:
    with valkey.client() as client:
        assert client.dbsize() == 0
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("left", "over")


def test_the_next_test_finds_valkey_empty_again(valkey: Valkey) -> None:
    with valkey.client() as client:
        assert client.dbsize() == 0


def test_each_postgres_url_is_a_new_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_chromium_renders_a_page(chromium) -> None:
    page = chromium.new_page()
    page.set_content("<h1>Guten Tag</h1>")
    assert page.inner_text("h1") == "Guten Tag"
    page.close()
