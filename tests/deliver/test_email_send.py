"""Mail on real servers: signed, on kept connections, with a way back, and short where it is too large."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dkim
import pytest
from event_factories import five_seeds
from services.smtp import Mail, SmtpInbox
from typer.testing import CliRunner

from watcher.cli.config import app as config_app
from watcher.deliver import dkim as signing
from watcher.deliver import return_path
from watcher.deliver.channel import Misconfigured
from watcher.deliver.email import EmailChannel, aligned
from watcher.deliver.return_path import Box
from watcher.deliver.short_mail import shortened
from watcher.deliver.smtp import Server, Tls, Transaction
from watcher.deliver.smtp_pool import POOL, Pool
from watcher.digest.render import render
from watcher.errors import CannotHelp
from watcher.model import (
    ChannelConfig,
    ChannelKind,
    DigestLinks,
    DigestView,
    Dkim,
    Envelope,
    Language,
    Notice,
    Outcome,
    OutcomeKind,
    Rendered,
    Secret,
)

NOW = datetime(2026, 11, 22, 0, 0, 5, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "a key of the service that is long enough"
LINKS = DigestLinks(
    browser="https://watch.example/d/TOKEN-" + "d" * 90, unsubscribe="https://watch.example/u/TOKEN-" + "u" * 90
)
BODIES = Rendered(subject="China biotech: 5 events", text="Five events.\n", html="<p>Five events.</p>")


@pytest.fixture(autouse=True)
def _no_connection_of_another_test() -> Iterator[None]:
    yield
    POOL.close()


@pytest.fixture(scope="module")
def rsa() -> str:
    return pem("RSA", "-pkeyopt", "rsa_keygen_bits:1024")


def pem(algorithm: str, *more: str) -> str:
    made = subprocess.run(
        ["openssl", "genpkey", "-algorithm", algorithm, *more], check=True, capture_output=True, text=True
    )
    return made.stdout


def channel(smtp_url: str = "smtp://127.0.0.1", *, key: str = "", **config: Any) -> EmailChannel:
    values: dict[str, Any] = {"to": "reader@example.org", "sender": "Watcher <news@watch.example>"} | config
    whole = ChannelConfig(id="mail", kind=ChannelKind.EMAIL, smtp_url=smtp_url, **values)
    return EmailChannel(whole, resolve=lambda _: key, timeout_s=5, signing_key=lambda: SECRET)


def view(**changes: Any) -> DigestView:
    return replace(five_seeds(), **({"links": LINKS} | changes))


def composed(via: EmailChannel, shown: DigestView | None = None, rendered: Rendered = BODIES) -> Envelope:
    return via.compose(shown or view(), rendered, key=KEY, now=NOW)


def sent(via: EmailChannel, envelope: Envelope | None = None) -> Outcome:
    return via.send(envelope or composed(via), attempt=1, now=NOW)


def fields(body: bytes) -> dict[str, str]:
    """The header as it stands on the wire, its lines unfolded."""
    head = body.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode("ascii")
    return dict(line.split(": ", 1) for line in head.split("\r\n"))


# ── the header ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_click_is_offered_over_https_with_addresses_left_whole() -> None:
    found = fields(composed(channel()).body)
    assert found["List-Unsubscribe"] == f"<{LINKS.unsubscribe}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found["Archived-At"] == f"<{LINKS.browser}>"


def test_by_plain_http_there_is_a_page_and_no_one_click() -> None:
    links = DigestLinks(unsubscribe="http://watcher.intern/u/TOKEN")
    found = fields(composed(channel(), view(links=links)).body)
    assert found["List-Unsubscribe"] == "<http://watcher.intern/u/TOKEN>"
    assert "List-Unsubscribe-Post" not in found
    assert "Archived-At" not in found


def test_with_a_return_path_a_mail_unsubscribes_as_well() -> None:
    found = fields(composed(channel(return_path="bounces.watch.example")).body)
    page, _, mail = found["List-Unsubscribe"].partition(", ")
    assert page == f"<{LINKS.unsubscribe}>"
    address = mail.removeprefix("<mailto:").removesuffix("?subject=unsubscribe>")
    assert return_path.read(address, secret=SECRET) == return_path.Returned(box=Box.UNSUBSCRIBE, delivery_key=KEY)


def test_a_letter_can_be_stopped_and_a_word_to_ops_cannot() -> None:
    notice = Notice(subject="Confirm", lines=("Please.",), action="Confirm", action_url="https://watch.example/c/T")
    via = channel(return_path="bounces.watch.example")
    letter = fields(composed(via, view(alerts=(), notice=notice)).body)
    assert letter["List-Unsubscribe"].startswith(f"<{LINKS.unsubscribe}>, <mailto:")
    assert letter["Feedback-ID"] == "letter:watch.example:watcher"
    told = fields(composed(via, view(alerts=(), notice=notice, links=DigestLinks())).body)
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post", "Archived-At"} & set(told)


def test_the_language_is_the_readers() -> None:
    assert fields(composed(channel(), view(language=Language.CHINESE)).body)["Content-Language"] == "zh"


def test_no_line_is_longer_than_a_mail_may_have_it_and_addresses_that_would_be_are_left_out() -> None:
    links = DigestLinks(browser="https://watch.example/" + "x" * 1200, unsubscribe="https://watch.example/" + "y" * 940)
    body = composed(channel(return_path="bounces.watch.example"), view(links=links)).body
    assert max(len(line) for line in body.split(b"\r\n")) <= 998


# ── inputs 107–113 and 147 on whole messages ─────────────────────────────────────────────────────────────────────────

SAFE_NAMES = {
    *("From", "To", "Subject", "Date", "Message-ID", "List-Id", "Feedback-ID", "Auto-Submitted", "Precedence"),
    *("X-Auto-Response-Suppress", "List-Unsubscribe", "List-Unsubscribe-Post", "Archived-At", "MIME-Version"),
    *("Content-Type", "Content-Language"),
}


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        pytest.param("Hi\r\nBcc: v@x.example", "Hi Bcc: v@x.example", id="input-107"),
        pytest.param("Hi\u2028Bcc: v@x.example\x85X: y", "Hi Bcc: v@x.example X: y", id="input-108"),
        pytest.param("Hi \ud800there", "Hi there", id="input-109"),
        pytest.param("Hi\x00 there", "Hi there", id="input-110"),
        pytest.param("Hi \u202egnp.exe", "Hi gnp.exe", id="input-111"),
        pytest.param("=?utf-8?b?QmNj?=", "= ?utf-8?b?QmNj?=", id="input-112"),
        pytest.param("x" * 2000, "x" * 199 + "…", id="input-113"),
    ],
)
def test_a_bad_title_reaches_the_reader_clean(smtp_inbox: SmtpInbox, title: str, subject: str) -> None:
    shown = view(subscription_title=title)
    rendered = Rendered(subject=title, text=render(shown).text, html=render(shown).html)
    via = channel(smtp_inbox.url)
    assert sent(via, composed(via, shown, rendered)).kind is OutcomeKind.SENT
    (mail,) = smtp_inbox.mails
    assert mail.recipients == ("reader@example.org",)
    assert mail.message["Subject"] == subject
    assert set(mail.message.keys()) == SAFE_NAMES
    assert mail.body.isascii()
    assert b"\n" not in mail.body.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "to",
    [
        "a@b.c\r\nRCPT TO:<v@x>",
        '"a\r\n b"@x.example',
        '"a b"@x.example',
        "x" * 300 + "@b.example",
        "a@b.example, v@x.example",
        "a@b.example>\r\nDATA",
        "用户@例子.example",
    ],
)
def test_input_147_an_address_that_would_speak_to_the_server_is_refused(smtp_inbox: SmtpInbox, to: str) -> None:
    with pytest.raises(CannotHelp):
        composed(channel(smtp_inbox.url, to=to))
    fine = composed(channel(smtp_inbox.url))
    outcome = channel(smtp_inbox.url, to=to).send(fine, attempt=1, now=NOW)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "bad_address")
    assert smtp_inbox.connections == 0


def test_input_147_an_international_domain_is_reached_in_ascii(smtp_inbox: SmtpInbox) -> None:
    assert sent(channel(smtp_inbox.url, to="a@bücher.example")).kind is OutcomeKind.SENT
    assert smtp_inbox.mails[0].recipients == ("a@xn--bcher-kva.example",)


# ── the way back ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_envelope_sender_names_the_delivery_and_is_the_same_at_every_attempt(smtp_inbox: SmtpInbox) -> None:
    via = channel(smtp_inbox.url, return_path="bounces.watch.example")
    envelope = composed(via)
    for attempt in (1, 2):
        assert via.send(envelope, attempt=attempt, now=NOW).kind is OutcomeKind.SENT
    first, second = smtp_inbox.mails
    assert (first.sender, first.body) == (second.sender, second.body)
    assert return_path.read(first.sender, secret=SECRET) == return_path.Returned(box=Box.BOUNCE, delivery_key=KEY)


def test_without_a_return_path_bounces_go_to_the_sender(smtp_inbox: SmtpInbox) -> None:
    sent(channel(smtp_inbox.url))
    assert smtp_inbox.mails[0].sender == "news@watch.example"


# ── DKIM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

DKIM = Dkim(domain="watch.example", selector="s1", key=Secret(env="DKIM_KEY"))


def dns(key: str) -> Callable[..., bytes]:
    """Answers with the public half of a private key, as the DNS would."""
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=key, check=True, capture_output=True, text=True).stdout
    record = "v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2])

    def answer(name: bytes, timeout: int = 5) -> bytes:
        assert (name, timeout) == (b"s1._domainkey.watch.example.", 5)
        return record.encode()

    return answer


def signed(inbox: SmtpInbox, key: str) -> Mail:
    assert sent(channel(inbox.url, dkim=DKIM, key=key)).kind is OutcomeKind.SENT
    return inbox.mails[-1]


def test_what_arrives_is_signed_over_the_fields_that_count(smtp_inbox: SmtpInbox, rsa: str) -> None:
    mail = signed(smtp_inbox, rsa)
    assert dkim.verify(mail.body, dnsfunc=dns(rsa))
    said = {one.split("=", 1)[0].strip(): one.split("=", 1)[1] for one in mail.message["DKIM-Signature"].split(";")}
    assert (said["d"], said["s"], said["a"], said["c"]) == ("watch.example", "s1", "rsa-sha256", "relaxed/relaxed")
    covered = {name.strip() for name in said["h"].split(":")}
    assert covered >= {
        *("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"),
        *("mime-version", "content-type"),
    }
    assert said["t"] == str(int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: China", b"Subject: Chile"),
        (b"Five events.", b"Four events."),
        (b"From: Watcher", b"From: Evil <e@x.example>\r\nFrom: Watcher"),
        (b"One-Click", b"Two-Click"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nReply-To: e@x.example\r\n"),
    ],
)
def test_what_is_changed_on_the_way_fails(smtp_inbox: SmtpInbox, rsa: str, old: bytes, new: bytes) -> None:
    mail = signed(smtp_inbox, rsa)
    changed = mail.body.replace(old, new, 1)
    assert changed != mail.body
    assert not dkim.verify(changed, dnsfunc=dns(rsa))


def test_the_signature_is_the_same_at_every_attempt_and_of_either_form_of_key(smtp_inbox: SmtpInbox, rsa: str) -> None:
    old_form = subprocess.run(
        ["openssl", "rsa", "-traditional"], input=rsa, check=True, capture_output=True, text=True
    ).stdout
    assert "BEGIN RSA PRIVATE KEY" in old_form
    keys = (rsa, rsa.replace("\n", "\r\n"), old_form)
    assert len({signed(smtp_inbox, key).body for key in keys}) == 1


@pytest.mark.parametrize(
    "key",
    [
        "nonsense",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nx",
        "é",
    ],
)
def test_a_bad_key_stops_the_channel_and_loses_no_message(smtp_inbox: SmtpInbox, rsa: str, key: str) -> None:
    envelope = composed(channel(smtp_inbox.url, dkim=DKIM, key=key))
    outcome = sent(channel(smtp_inbox.url, dkim=DKIM, key=key), envelope)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "bad_dkim_key")
    assert key not in outcome.detail
    assert sent(channel(smtp_inbox.url, dkim=DKIM, key=rsa), envelope).kind is OutcomeKind.SENT


def test_an_ed25519_key_signs_where_its_package_is_installed() -> None:
    key = pem("ED25519")
    try:
        algorithm, raw = signing.read_key(key)
    except Misconfigured as missing:
        assert "PyNaCl" in str(missing)
    else:
        assert (algorithm, len(raw)) == (b"ed25519-sha256", 44)


@pytest.mark.parametrize(
    ("sender", "domain", "whether"),
    [
        ("news@watch.example", "watch.example", True),
        ("news@mail.watch.example", "watch.example", True),
        ("news@watch.example", "mail.watch.example", False),
        ("news@notwatch.example", "watch.example", False),
        ("news@bücher.example", "xn--bcher-kva.example", True),
    ],
)
def test_a_signature_counts_for_its_own_domain_and_those_below(sender: str, domain: str, whether: bool) -> None:
    config = ChannelConfig(id="m", kind=ChannelKind.EMAIL, sender=sender, dkim=replace(DKIM, domain=domain))
    assert aligned(config) is whether


@pytest.mark.parametrize(
    ("sender", "good", "found"),
    [
        ("news@watch.example", True, []),
        ("news@other.example", True, ["the sender is not of the domain that signs"]),
        ("news@watch.example", False, ["the DKIM key is no private RSA"]),
    ],
)
def test_config_check_tells_of_a_signature_that_would_not_count(
    tmp_path: Path, rsa: str, sender: str, good: bool, found: list[str]
) -> None:
    (tmp_path / "key.pem").write_text(rsa if good else "nothing")
    file = tmp_path / "watcher.yml"
    file.write_text(
        "feeds: [{url: https://news.example/feed}]\n"
        f"channels:\n  mail:\n    kind: email\n    to: reader@example.org\n    sender: {sender}\n"
        "    smtp_url: smtp://localhost\n    dkim: {domain: watch.example, selector: s1, key: {file: key.pem}}\n"
    )
    done = CliRunner().invoke(config_app, ["check", str(file)])
    lines = [line for line in done.stdout.split("\n") if "channel mail" in line]
    assert len(lines) == len(found), done.stdout
    assert all(words in line for words, line in zip(found, lines, strict=True))
    assert done.exit_code == (3 if found else 0), done.stdout


# ── too large ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_message_that_is_too_large_goes_out_as_a_short_one_with_a_link(
    smtp_inbox: SmtpInbox, rsa: str, verb: str
) -> None:
    smtp_inbox.answer(verb, "552 5.3.4 message too big", times=1)
    via = channel(smtp_inbox.url, dkim=DKIM, key=rsa)
    outcome = sent(via)
    (mail,) = smtp_inbox.mails
    assert (outcome.kind, outcome.detail.startswith("too large, so a short one")) == (OutcomeKind.SENT, True)
    assert dkim.verify(mail.body, dnsfunc=dns(rsa))
    assert mail.message.get_content_type() == "text/plain"
    assert mail.message["Message-ID"] == f"<{KEY}@watch.example>"
    assert mail.message["Subject"] == BODIES.subject
    text = mail.message.get_content()
    assert str(LINKS.browser) in text
    assert str(LINKS.unsubscribe) in text
    assert smtp_inbox.connections == 1


def test_a_short_version_is_made_once_and_only_where_there_is_a_page(smtp_inbox: SmtpInbox) -> None:
    smtp_inbox.answer("DATA", "552 5.3.4 message too big")
    via = channel(smtp_inbox.url)
    assert (sent(via).kind, sent(via).reason) == (OutcomeKind.REJECTED, "smtp_too_large")
    without = composed(via, view(links=DigestLinks()))
    assert sent(via, without).reason == "smtp_too_large"
    assert shortened(without.body) is None
    assert smtp_inbox.mails == []


def test_the_short_version_speaks_the_readers_language() -> None:
    short = shortened(composed(channel(), view(language=Language.CHINESE)).body)
    assert short is not None
    assert short.isascii()
    assert b"Content-Language: zh" in short
    assert b"Content-Type: text/plain" in short
    assert b"multipart" not in short


# ── connections ──────────────────────────────────────────────────────────────────────────────────────────────────────

MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


def deliver(inbox: SmtpInbox, pool: Pool, recipient: str = "b@x.example") -> Outcome:
    server = Server(host="127.0.0.1", port=inbox.port, tls=Tls.NONE)
    transaction = Transaction(server, timeout_s=5, final_s=5, pool=pool)
    return transaction.deliver(MESSAGE, sender="a@w.example", recipient=recipient)


def test_messages_follow_each_other_on_one_connection_up_to_its_limit(smtp_inbox: SmtpInbox) -> None:
    pool = Pool(messages=3)
    assert {deliver(smtp_inbox, pool).kind for _ in range(7)} == {OutcomeKind.SENT}
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (7, 3)


def test_a_refused_message_leaves_nothing_behind_for_the_next(smtp_inbox: SmtpInbox) -> None:
    pool = Pool()
    smtp_inbox.answer("RCPT", "550 5.1.1 nobody", address="gone@x.example")
    smtp_inbox.answer("DATA", "451 4.3.0 later", times=1)
    kinds = [deliver(smtp_inbox, pool, to).kind for to in ("gone@x.example", "b@x.example", "c@x.example")]
    assert kinds == [OutcomeKind.REJECTED, OutcomeKind.RETRY, OutcomeKind.SENT]
    assert [mail.recipients for mail in smtp_inbox.mails] == [("c@x.example",)]
    assert smtp_inbox.connections == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_kept_connection_that_breaks_before_the_message_costs_it_nothing(smtp_inbox: SmtpInbox, verb: str) -> None:
    pool = Pool()
    deliver(smtp_inbox, pool)
    smtp_inbox.hang_up(verb)
    assert deliver(smtp_inbox, pool).kind is OutcomeKind.SENT
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (2, 2)


def test_a_kept_connection_on_which_the_server_says_goodbye_is_replaced(smtp_inbox: SmtpInbox) -> None:
    pool = Pool()
    deliver(smtp_inbox, pool)
    smtp_inbox.answer("MAIL", "421 4.4.2 idle too long", times=1)
    assert deliver(smtp_inbox, pool).kind is OutcomeKind.SENT
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (2, 2)


def test_a_new_connection_that_breaks_is_an_outcome_like_any_other(smtp_inbox: SmtpInbox) -> None:
    smtp_inbox.hang_up("MAIL")
    assert deliver(smtp_inbox, Pool()).kind is OutcomeKind.RETRY


@pytest.mark.parametrize("keep", [False, True])
def test_what_may_have_been_taken_is_never_sent_again_by_itself(smtp_inbox: SmtpInbox, keep: bool) -> None:
    pool = Pool()
    deliver(smtp_inbox, pool)
    smtp_inbox.hang_up("DATA", keep=keep)
    outcome = deliver(smtp_inbox, pool)
    assert (outcome.kind, outcome.retry_after_s) == (OutcomeKind.UNCERTAIN, 600)
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (1 + keep, 1)


def test_a_connection_that_idled_too_long_is_not_used(smtp_inbox: SmtpInbox) -> None:
    pool = Pool(idle_s=0.05)
    deliver(smtp_inbox, pool)
    threading.Event().wait(0.2)
    deliver(smtp_inbox, pool)
    assert smtp_inbox.connections == 2


def test_many_threads_share_a_few_connections_and_never_one_at_once(smtp_inbox: SmtpInbox) -> None:
    pool = Pool(per_server=3)
    outcomes: list[Outcome] = []

    def work(number: int) -> None:
        outcomes.extend(deliver(smtp_inbox, pool, f"r{number}-{turn}@x.example") for turn in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.kind for one in outcomes} == {OutcomeKind.SENT}
    assert {mail.recipients[0] for mail in smtp_inbox.mails} == {
        f"r{number}-{turn}@x.example" for number in range(8) for turn in range(10)
    }
    assert len(smtp_inbox.mails) == 80
    assert smtp_inbox.connections <= 3


def test_connections_of_other_credentials_are_not_shared(smtp_inbox: SmtpInbox) -> None:
    pool = Pool()
    deliver(smtp_inbox, pool)
    other = Server(host="localhost", port=smtp_inbox.port, tls=Tls.NONE)
    Transaction(other, timeout_s=5, pool=pool).deliver(MESSAGE, sender="a@w.example", recipient="b@x.example")
    assert smtp_inbox.connections == 2


def test_a_forked_child_leaves_the_parents_connection_alone(smtp_inbox: SmtpInbox) -> None:
    deliver(smtp_inbox, POOL)
    child = os.fork()
    if child == 0:
        os._exit(0 if deliver(smtp_inbox, POOL).kind is OutcomeKind.SENT else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert deliver(smtp_inbox, POOL).kind is OutcomeKind.SENT
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (3, 2)


def test_closing_takes_leave_and_the_next_message_opens_anew(smtp_inbox: SmtpInbox) -> None:
    pool = Pool()
    deliver(smtp_inbox, pool)
    pool.close()
    deliver(smtp_inbox, pool)
    assert (len(smtp_inbox.mails), smtp_inbox.connections) == (2, 2)
