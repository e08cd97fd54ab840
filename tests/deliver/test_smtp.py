import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from watcher.deliver.channel import Misconfigured
from watcher.deliver.smtp import FINAL_S, Server, Step, Tls, Transaction, classify, parse_server
from watcher.deliver.smtp_link import Link
from watcher.model import Outcome, OutcomeKind

MESSAGE = b"From: a@w.example\r\nSubject: x\r\n\r\nfirst\r\n.second\r\n..third\r\n.\r\nlast\r\n"


def sent(server: Server, timeout_s: float = 5, final_s: float = 5, tls: ssl.SSLContext | None = None):
    return Transaction(server, timeout_s=timeout_s, final_s=final_s, tls=tls).deliver(
        MESSAGE, sender="a@w.example", recipient="b@x.example"
    )


def plain(port: int, **rest) -> Server:
    return Server(host="127.0.0.1", port=port, tls=Tls.NONE, **rest)


def test_a_message_arrives_as_it_was_dots_included(smtp_inbox):
    outcome = sent(plain(smtp_inbox.port))
    (mail,) = smtp_inbox.mails
    assert (outcome.kind, outcome.reason) == (OutcomeKind.SENT, "smtp_250")
    assert (mail.sender, mail.recipients, mail.body) == ("a@w.example", ("b@x.example",), MESSAGE)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "kind", "reason"),
    [
        ("451 4.3.0 later", OutcomeKind.RETRY, "smtp_451"),
        ("421 4.3.2 closing", OutcomeKind.RETRY, "smtp_421"),
        ("450 4.2.0 greylisted", OutcomeKind.RETRY, "smtp_450"),
        ("452 4.2.2 over quota", OutcomeKind.RETRY, "smtp_452"),
        ("552 5.3.4 too big", OutcomeKind.REJECTED, "smtp_too_large"),
        ("550 5.7.1 policy", OutcomeKind.CHANNEL_DOWN, "smtp_550"),
        ("550 5.7.515 not authenticated", OutcomeKind.CHANNEL_DOWN, "smtp_550"),
        ("554 5.0.0 blocked", OutcomeKind.CHANNEL_DOWN, "smtp_554"),
        ("530 5.7.0 authenticate", OutcomeKind.CHANNEL_DOWN, "smtp_530"),
    ],
)
def test_a_refusal_means_the_same_at_every_verb(smtp_inbox, verb, reply, kind, reason):
    smtp_inbox.answer(verb, reply)
    outcome = sent(plain(smtp_inbox.port))
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert "too big" in reply or reply[4:] in outcome.detail
    assert smtp_inbox.mails == []


@pytest.mark.parametrize(
    ("verb", "reply", "kind", "reason"),
    [
        ("RCPT", "550 5.1.1 no such user", OutcomeKind.REJECTED, "smtp_no_such_address"),
        ("DATA", "550-5.1.1 The account\r\n550 5.1.1 does not exist", OutcomeKind.REJECTED, "smtp_no_such_address"),
        ("RCPT", "554 5.1.1 <b@x.example>: user unknown", OutcomeKind.REJECTED, "smtp_no_such_address"),
        ("RCPT", "550 5.1.10 no mail for it", OutcomeKind.REJECTED, "smtp_address_refused"),
        ("RCPT", "550 5.2.1 disabled", OutcomeKind.REJECTED, "smtp_address_refused"),
        ("RCPT", "550 5.4.1 access denied", OutcomeKind.REJECTED, "smtp_address_refused"),
        ("RCPT", "550 unknown user", OutcomeKind.REJECTED, "smtp_address_refused"),
        ("DATA", "550 do not like it", OutcomeKind.REJECTED, "smtp_550"),
        ("DATA", "554 5.6.0 broken MIME", OutcomeKind.REJECTED, "smtp_554"),
        ("DATA", "550 5.6.0 broken MIME", OutcomeKind.REJECTED, "smtp_550"),
        ("RCPT", "552 5.2.2 mailbox full", OutcomeKind.RETRY, "smtp_mailbox_full"),
        ("DATA", "552 exceeded storage allocation", OutcomeKind.REJECTED, "smtp_too_large"),
        ("DATA", "550 5.2.3 too long for this mailbox", OutcomeKind.REJECTED, "smtp_too_large"),
        ("RCPT", "550 5.1.8 bad sender domain", OutcomeKind.CHANNEL_DOWN, "smtp_550"),
        ("MAIL", "550 5.1.1 no such user", OutcomeKind.CHANNEL_DOWN, "smtp_sender_refused"),
        ("MAIL", "553 sender refused", OutcomeKind.CHANNEL_DOWN, "smtp_sender_refused"),
    ],
)
def test_a_permanent_refusal_is_the_senders_the_readers_or_the_messages(smtp_inbox, verb, reply, kind, reason):
    smtp_inbox.answer(verb, reply)
    outcome = sent(plain(smtp_inbox.port))
    assert (outcome.kind, outcome.reason) == (kind, reason)


@pytest.mark.parametrize(
    ("code", "said", "step", "kind"),
    [
        (554, "no", Step.CONNECT, OutcomeKind.CHANNEL_DOWN),
        (421, "busy", Step.CONNECT, OutcomeKind.RETRY),
        (502, "no", Step.HELLO, OutcomeKind.CHANNEL_DOWN),
        (454, "no", Step.TLS, OutcomeKind.RETRY),
        (535, "no", Step.AUTH, OutcomeKind.CHANNEL_DOWN),
        (454, "no", Step.AUTH, OutcomeKind.RETRY),
        (571, "5.7.26 unauthenticated", Step.DATA, OutcomeKind.CHANNEL_DOWN),
        (-1, "", Step.RECIPIENT, OutcomeKind.RETRY),
        (-1, "", Step.FINAL, OutcomeKind.UNCERTAIN),
        (354, "go on", Step.FINAL, OutcomeKind.UNCERTAIN),
        (250, "ok", Step.FINAL, OutcomeKind.SENT),
    ],
)
def test_a_reply_is_classified_by_code_and_step(code, said, step, kind):
    assert classify(code, said, step=step).kind is kind


def test_what_a_server_says_becomes_one_clean_line():
    outcome = classify(451, b"later\r\n\x1b[2J\xff" + b"x" * 500, step=Step.DATA)
    assert outcome.detail.startswith("data: later [2J")
    assert len(outcome.detail) <= 200


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_connection_that_breaks_before_the_message_is_tried_again(smtp_inbox, verb):
    smtp_inbox.hang_up(verb)
    assert sent(plain(smtp_inbox.port)).kind is OutcomeKind.RETRY
    assert sent(plain(smtp_inbox.port)).kind is OutcomeKind.SENT


@pytest.mark.parametrize("keep", [False, True])
def test_a_connection_that_breaks_after_the_final_dot_is_uncertain(smtp_inbox, keep):
    smtp_inbox.hang_up("DATA", keep=keep)
    outcome = sent(plain(smtp_inbox.port))
    assert (outcome.kind, outcome.reason, outcome.retry_after_s) == (OutcomeKind.UNCERTAIN, "connection", 600)
    assert len(smtp_inbox.mails) == int(keep)


@contextlib.contextmanager
def script(*replies: bytes, pause_s: float = 0, last_pause_s: float = 0):
    """A server that greets with the first reply, answers each line with the next, and then says nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection, connection.makefile("rwb") as lines:
                    for left, reply in zip(range(len(replies), 0, -1), replies, strict=True):
                        time.sleep(pause_s if left > 1 or not last_pause_s else last_pause_s)
                        lines.write(reply)
                        lines.flush()
                        line = lines.readline()
                        while reply.startswith(b"354") and line not in (b".\r\n", b""):
                            line = lines.readline()
                    connection.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((), OutcomeKind.RETRY),
        ((b"220 hi\r\n",), OutcomeKind.RETRY),
        ((b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"), OutcomeKind.RETRY),
        ((b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"), OutcomeKind.UNCERTAIN),
    ],
    ids=["silent", "after the greeting", "after the sender", "after the final dot"],
)
def test_a_server_that_falls_silent_costs_one_deadline_in_all(replies, kind):
    with script(*replies) as port:
        started = time.monotonic()
        outcome = sent(plain(port), timeout_s=0.5, final_s=0.5)
        assert time.monotonic() - started < 2
    assert (outcome.kind, outcome.reason) == (kind, "timeout")


def test_a_server_that_is_slow_at_every_reply_costs_one_deadline_in_all():
    with script(b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", pause_s=0.3) as port:
        outcome = sent(plain(port), timeout_s=0.8)
    assert (outcome.kind, outcome.reason, outcome.detail) == (
        OutcomeKind.RETRY,
        "timeout",
        "sender: no reply came in time",
    )


ACCEPTED = (b"220 hi\r\n", *[b"250 ok\r\n"] * 3, b"354 go\r\n")


def test_a_server_may_think_longer_over_the_whole_message_than_everything_before_may_take():
    with script(*ACCEPTED, b"250 taken\r\n", last_pause_s=1.5) as port:
        outcome = sent(plain(port), timeout_s=1, final_s=5)
    assert outcome.kind is OutcomeKind.SENT, outcome
    assert FINAL_S == 60


def drip(reply: bytes):
    """A server that says `reply` again and again, so that what it says never ends."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                while True:
                    connection.sendall(reply)
                    time.sleep(0.1)

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize("reply", [b"2", b"220-hi\r\n"])
def test_a_reply_that_never_ends_costs_one_deadline(reply):
    with drip(reply) as listener:
        started = time.monotonic()
        outcome = sent(plain(listener.getsockname()[1]), timeout_s=0.5)
        assert time.monotonic() - started < 2
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "timeout")


def test_a_message_larger_than_the_server_takes_is_not_sent():
    with script(b"220 hi\r\n", b"250-hi\r\n250 SIZE 10\r\n") as port:
        assert sent(plain(port), timeout_s=2).reason == "smtp_too_large"


def test_nobody_listening_and_no_such_name_are_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refused = sent(plain(port))
    unknown = sent(Server(host="nobody.invalid", port=25, tls=Tls.NONE))
    assert (refused.kind, refused.reason) == (OutcomeKind.RETRY, "connection")
    assert (unknown.kind, unknown.reason) == (OutcomeKind.RETRY, "dns")


def test_starttls_that_is_not_offered_never_falls_back_to_plain(smtp_inbox):
    outcome = sent(Server(host="127.0.0.1", port=smtp_inbox.port, tls=Tls.UPGRADE))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "tls_not_offered")


def test_a_plain_server_behind_smtps_is_no_trusted_connection(smtp_inbox):
    outcome = sent(Server(host="127.0.0.1", port=smtp_inbox.port, tls=Tls.DIRECT), timeout_s=2)
    assert outcome.kind in (OutcomeKind.CHANNEL_DOWN, OutcomeKind.RETRY)
    assert smtp_inbox.mails == []


def test_hiding_a_password_changes_nothing_else():
    told = Outcome(kind=OutcomeKind.UNCERTAIN, reason="timeout", detail="final: p@ss", retry_after_s=600)
    link = Link(plain(25, user="u", password="p@ss"), tls=ssl.create_default_context)
    assert link._without_password(told) == replace(told, detail="final: ***")


# ── TLS and AUTH ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Secure:
    """aiosmtpd with a certificate for localhost, wanting a login."""

    def __init__(self, folder, *, direct: bool) -> None:
        self.bodies: list[bytes] = []
        key, certificate = folder / "key.pem", folder / "cert.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate, key)
        self.trusted = ssl.create_default_context(cafile=str(certificate))
        self.direct = direct
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _session(self) -> SMTP:
        return SMTP(
            self,
            loop=self.loop,
            tls_context=None if self.direct else self.context,
            require_starttls=not self.direct,
            auth_required=True,
            auth_require_tls=not self.direct,
            authenticator=lambda *args: AuthResult(success=args[-1].password == b"p@ss word", handled=False),
        )

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(
            self.loop.create_server(self._session, sock=self.listener, ssl=self.context if self.direct else None)
        )
        self.loop.run_forever()

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.bodies.append(envelope.original_content)
        return "250 ok"

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


@pytest.fixture(params=[Tls.UPGRADE, Tls.DIRECT])
def secure(request, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    server = Secure(tmp_path, direct=request.param is Tls.DIRECT)
    yield server, request.param
    server.stop()


def login(secure, password: str) -> Server:
    server, tls = secure
    return parse_server(f"{tls.value}://reader:{password}@localhost:{server.port}")


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_verified_connection_with_a_login_delivers(secure):
    outcome = sent(login(secure, "p%40ss%20word"), tls=secure[0].trusted)
    assert outcome.kind is OutcomeKind.SENT, outcome
    assert secure[0].bodies == [MESSAGE]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_takes_the_channel_down_and_is_not_told(secure):
    outcome = sent(login(secure, "WRONGPASSWORD"), tls=secure[0].trusted)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "smtp_535")
    assert "WRONGPASSWORD" not in outcome.detail


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_certificate_that_nobody_vouches_for_takes_the_channel_down(secure):
    outcome = sent(login(secure, "p%40ss%20word"))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.CHANNEL_DOWN, "tls")
    assert secure[0].bodies == []


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server(host="mail.example", port=25, tls=Tls.NONE)),
        ("smtp://[::1]:2525", Server(host="::1", port=2525, tls=Tls.NONE)),
        ("SMTPS://mail.example", Server(host="mail.example", port=465, tls=Tls.DIRECT)),
        (
            "smtp+starttls://me%40x:p%2Fw@mail.example",
            Server(host="mail.example", port=587, tls=Tls.UPGRADE, user="me@x", password="p/w"),
        ),
        ("smtp://u:p@localhost", Server(host="localhost", port=25, tls=Tls.NONE, user="u", password="p")),
    ],
)
def test_a_server_is_read_from_its_address(url, server):
    assert parse_server(url) == server
    assert "p/w" not in repr(parse_server(url))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mail.example", "bad_smtp_url"),
        ("http://mail.example", "bad_smtp_url"),
        ("smtp://", "bad_smtp_url"),
        ("smtp://mail.example:99999", "bad_smtp_url"),
        ("smtp://mail.example:SECRET", "bad_smtp_url"),
        ("smtp://u:SECRET@mail.example", "plaintext_auth"),
    ],
)
def test_an_address_that_is_no_safe_mail_server_is_refused_without_quoting_it(url, reason):
    with pytest.raises(Misconfigured) as caught:
        parse_server(url)
    assert caught.value.reason == reason
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_expired_deadline_sends_nothing(smtp_inbox):
    assert sent(plain(smtp_inbox.port), timeout_s=0).reason == "timeout"
    assert smtp_inbox.mails == []
