"""The inbox page: shows what arrived, escapes it, and needs no script."""

import json
import re
import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest

from watcher.demo.inbox import Inbox
from watcher.demo.page import FRAME_POLICY, PAGE_POLICY, InboxPage
from watcher.demo.receivers import Receivers

SLACK = {
    "text": "fallback",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Licensing <deal>"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*<https://news.example/x|Konoya &amp; AZ>*"}},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "why: `CMG901`"}]},
    ],
}


@pytest.fixture
def site() -> Iterator[str]:
    with Inbox() as inbox, Receivers("whsec_c2VlZHM=") as receivers, InboxPage(inbox, receivers) as page:
        message = EmailMessage()
        message["Subject"] = "Digest <script>"
        message["From"] = "watcher@demo.example"
        message["To"] = "reader@demo.example"
        message.set_content("plain <b>words</b>")
        message.add_alternative("<p style='color:red'>marked words</p>", subtype="html")
        with smtplib.SMTP("127.0.0.1", int(inbox.smtp_url.rsplit(":", 1)[1]), timeout=5) as client:
            client.send_message(message)
        body = {"type": "event.created", "data": {"title": "Liangjiang <and> Seoul"}}
        with httpx.Client(trust_env=False) as sender:
            sender.post(receivers.slack_url, json=SLACK)
            sender.post(receivers.hook_url, content=json.dumps(body), headers={"webhook-id": "evt-7"})
        yield page.url


def get(url: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(url)


def test_the_first_page_lists_everything_and_shows_the_newest_mail(site: str) -> None:
    answer = get(site + "/")
    assert answer.status_code == 200
    for words in (
        "Digest &lt;script&gt;",
        "Licensing &lt;deal&gt;",
        "Liangjiang &lt;and&gt; Seoul",
        'src="/mail/1/html"',
    ):
        assert words in answer.text
    assert '<body class="home">' in answer.text


def test_no_page_needs_or_allows_a_script(site: str) -> None:
    for path in ("/", "/mail/1", "/mail/1/text", "/mail/1/source", "/slack/1", "/hook/1"):
        answer = get(site + path)
        assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (200, PAGE_POLICY)
        assert "<script" not in answer.text
        assert not re.search(r"<[^>]* (style|on\w+)=", answer.text)


def test_the_mail_s_own_html_is_framed_under_a_policy_of_its_own(site: str) -> None:
    answer = get(site + "/mail/1/html")
    assert answer.text.strip() == "<p style='color:red'>marked words</p>"
    assert answer.headers["Content-Security-Policy"] == FRAME_POLICY


def test_the_mail_s_text_is_escaped(site: str) -> None:
    assert "plain &lt;b&gt;words&lt;/b&gt;" in get(site + "/mail/1/text").text


def test_a_slack_message_is_shown_as_slack_would_and_as_it_was_sent(site: str) -> None:
    page = get(site + "/slack/1").text
    assert (
        '<a href="https://news.example/x" rel="noreferrer" target="_blank"><strong>Konoya &amp; AZ</strong></a>' in page
    )
    assert "why: <code>CMG901</code>" in page
    assert "&#34;divider&#34;" in page
    assert '<dd class="good">ok</dd>' in page


def test_a_webhook_shows_whether_its_signature_held(site: str) -> None:
    page = get(site + "/hook/1").text
    assert '<dd class="bad">Missing required headers</dd>' in page
    assert "evt-7" in page


@pytest.mark.parametrize("path", ["/mail/2", "/mail/0", "/slack/9", "/hook/x", "/../etc/passwd", "/mail/1/other"])
def test_what_is_not_there_is_not_found(site: str, path: str) -> None:
    assert get(site + path).status_code == 404


def test_an_empty_inbox_says_so() -> None:
    with Inbox() as inbox, Receivers("whsec_c2VlZHM=") as receivers, InboxPage(inbox, receivers) as page:
        assert "Nothing has arrived yet." in get(page.url).text
        assert get(page.url + "/style.css").headers["Content-Type"] == "text/css; charset=utf-8"
