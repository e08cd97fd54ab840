import email
import email.policy
import re
from datetime import UTC, datetime

import pytest
from event_factories import alert, digest, event, five_seeds

from watcher.deliver.email import EmailChannel, subject
from watcher.digest.render import render
from watcher.errors import CannotHelp
from watcher.model import ChannelConfig, ChannelKind, Rendered

NOW = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)


def channel(to: str = "reader@example.org", sender: str = "Watcher 观察 <news@watch.example>") -> EmailChannel:
    config = ChannelConfig(id="mail", kind=ChannelKind.EMAIL, to=to, sender=sender, smtp_url="smtp://127.0.0.1")
    return EmailChannel(config, resolve=lambda _: "", timeout_s=5)


def composed(view=None, rendered=None, *, key="dg_5f2c9a", via=None):
    view = view or five_seeds()
    return (via or channel()).compose(view, rendered or render(view), key=key, now=NOW)


def parsed(envelope):
    return email.message_from_bytes(envelope.body, policy=email.policy.default)


def test_the_message_has_the_headers_of_automatic_mail():
    envelope = composed()
    message = parsed(envelope)
    assert envelope.message_id == "dg_5f2c9a@watch.example"
    assert envelope.content_type == "message/rfc822"
    assert {name: message[name] for name in message if name not in ("Content-Type", "MIME-Version")} == {
        "From": "Watcher 观察 <news@watch.example>",
        "To": "reader@example.org",
        "Subject": "China biotech: 5 events, 22 Nov 2026",
        "Date": "Sun, 22 Nov 2026 00:00:05 +0000",
        "Message-ID": "<dg_5f2c9a@watch.example>",
        "List-Id": "<china-biotech.watch.example>",
        "Feedback-ID": "digest:watch.example:watcher",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Precedence": "bulk",
        "Content-Language": "en",
    }


def test_the_bodies_are_text_and_then_html_as_rendered():
    view = five_seeds()
    message = parsed(composed(view))
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert {part["Content-Transfer-Encoding"] for part in (text, html)} == {"quoted-printable"}
    assert text.get_content().replace("\r\n", "\n") == render(view).text
    assert html.get_content().replace("\r\n", "\n").strip() == render(view).html


def test_the_bytes_are_seven_bit_in_short_lines_with_crlf():
    body = composed().body
    assert body.isascii()
    assert max(len(line) for line in body.split(b"\r\n")) <= 998
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_composing_twice_gives_the_same_bytes():
    assert composed() == composed()


def test_an_odd_key_becomes_a_hash_and_keeps_ids_apart():
    first, second = composed(key="a.b c@d"), composed(key="a.b c@e")
    assert re.fullmatch(r"[0-9a-f]{40}@watch\.example", first.message_id)
    assert first.message_id != second.message_id


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain", "plain"),
        ("Hi\r\nBcc: v@x.example", "Hi Bcc: v@x.example"),
        ("a\u2028b\u0085c\x0bd", "a b c d"),
        ("a\x00\ud800\u202eb", "ab"),
        ("=?utf-8?b?QmNj?= hello", "= ?utf-8?b?QmNj?= hello"),
        ("a =?utf-8?q?=0D=0ABcc?= z", "a = ?utf-8?q?=0D=0ABcc?= z"),
        ("is 2=?3", "is 2=?3"),
        ("", "(no subject)"),
        ("\r\n", "(no subject)"),
        ("x" * 2000, "x" * 199 + "…"),
        ("重庆" * 60, "重庆" * 60),
        ("👨‍👩‍👧 family " * 12, ("👨‍👩‍👧 family " * 12).strip()),
    ],
)
def test_a_subject_arrives_clean_and_never_becomes_a_header(raw, clean):
    assert subject(raw) == clean
    message = parsed(composed(rendered=Rendered(subject=raw, text="t", html="<p>h</p>")))
    assert message["Subject"] == clean
    assert message["Bcc"] is None
    assert len(message.keys()) == 13


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@",
        "@b.example",
        "a@b.example\r\nRCPT TO:<v@x.example>",
        "a@b.example\nBcc: v@x.example",
        "ü@b.example",
        "x" * 65 + "@b.example",
        "a@b..example",
        "a@" + "x" * 64 + ".example",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_quoted(to):
    with pytest.raises(CannotHelp, match="recipient's mail address cannot be used") as caught:
        composed(via=channel(to=to))
    assert "v@x" not in str(caught.value)


def test_an_international_domain_travels_in_ascii():
    envelope = composed(via=channel(to="leser@bücher.example", sender="news@bücher.example"))
    assert parsed(envelope)["To"] == "leser@xn--bcher-kva.example"
    assert envelope.message_id == "dg_5f2c9a@xn--bcher-kva.example"


def test_a_subscription_with_an_odd_name_still_has_a_list_id():
    view = digest(alert(event()), subscription_id="中文 & Co")
    assert parsed(composed(view))["List-Id"] == "<co.watch.example>"
