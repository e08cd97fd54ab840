"""Mails that come back: what they say, whom they stop, and that nobody can make them up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from row_factories import now, subscription
from typer.testing import CliRunner

from watcher import runtime, settings
from watcher.cli.bounces import app
from watcher.deliver import bounce, return_path
from watcher.deliver.bounce import Report, Said
from watcher.deliver.return_path import Box
from watcher.model import ChannelConfig, ChannelKind, Envelope, Outcome, OutcomeKind, Window
from watcher.pipeline import bounces
from watcher.runtime import Runtime
from watcher.store import channels, deliveries, digests, overview, subscriptions, suppressions
from watcher.store.database import Database
from watcher.store.schema import subscriptions as subscription_rows

SECRET = "a key of the service that is long enough"
KEY = deliveries.delivery_key("digest", "mail")
READER = "reader@example.org"


def returns(box: Box = Box.BOUNCE, key: str = KEY, secret: str = SECRET) -> str:
    made = return_path.address(box, key, domain="bounces.watch.example", secret=secret)
    assert made is not None
    return made


def dsn(to: str, *, status: str = "5.1.1", action: str = "failed", diagnostic: str = "") -> bytes:
    """A delivery status as Postfix writes it."""
    quoted = f"Diagnostic-Code: smtp; {diagnostic}\r\n" if diagnostic else ""
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {READER}\r\nAction: {action}\r\nStatus: {status}\r\n{quoted}\r\n"
        "--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: China biotech\r\n\r\nNews.\r\n--B--\r\n"
    ).encode()


def complaint(*, sender: str, kind: str = "abuse", quoted: str = "") -> bytes:
    """A feedback report as RFC 5965 has it."""
    return (
        "From: fbl@provider.example\r\nTo: postmaster@watch.example\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
        "--B\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: {kind}\r\nUser-Agent: Some/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <{sender}>\r\n\r\n"
        f"--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: News\r\n{quoted}\r\nNews.\r\n--B--\r\n"
    ).encode()


def read(raw: bytes, *recipients: str) -> Report:
    return bounce.read(raw, recipients=recipients, secret=SECRET)


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_return_address_names_its_delivery_and_fits_into_a_mail() -> None:
    made = returns()
    assert made.startswith(f"bounce+{KEY}.")
    assert made == returns()
    assert len(made.partition("@")[0]) <= 64
    assert return_path.read(f" <{made.upper()}>", secret=SECRET) == return_path.Returned(
        box=Box.BOUNCE, delivery_key=KEY
    )


@pytest.mark.parametrize(
    "changed",
    [
        returns().replace("bounce+", "unsubscribe+"),
        returns().replace(KEY, deliveries.delivery_key("digest", "other")),
        returns(secret="another key"),
        returns().replace(".", ".a", 1),
        f"bounce+{KEY}@bounces.watch.example",
        f"bounce+{KEY}.{'a' * 16}@bounces.watch.example",
        "",
        "bounce+.@",
    ],
)
def test_an_address_that_we_did_not_make_says_nothing(changed: str) -> None:
    assert return_path.read(changed, secret=SECRET) is None


# ── what a mail says ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "action", "diagnostic", "said", "reason"),
    [
        ("5.1.1", "failed", "", Said.HARD, "5.1.1"),
        ("5.1.1 (bad mailbox)", "Failed (really)", "", Said.HARD, "5.1.1"),
        ("5.0.0", "failed", "550 5.1.1 <reader@example.org>: unknown", Said.HARD, "5.1.1"),
        ("5.0.0", "failed", "550 no", Said.REFUSED, "5.0.0"),
        ("5.1.10", "failed", "", Said.REFUSED, "5.1.10"),
        ("5.2.1", "failed", "", Said.REFUSED, "5.2.1"),
        ("5.2.2", "failed", "", Said.REFUSED, "5.2.2"),
        ("4.4.7", "failed", "", Said.REFUSED, "4.4.7"),
        ("5.4.4", "failed", "", Said.REFUSED, "5.4.4"),
        ("", "failed", "", Said.REFUSED, "bounced"),
        ("5.7.1", "failed", "", Said.POLICY, "5.7.1"),
        ("5.3.4", "failed", "", Said.MESSAGE, "5.3.4"),
        ("5.6.1", "failed", "", Said.MESSAGE, "5.6.1"),
        ("4.4.1", "delayed", "", Said.DELAYED, "delayed"),
        ("2.0.0", "delivered", "", Said.OTHER, "delivered"),
        ("2.0.0", "relayed", "", Said.OTHER, "delivered"),
    ],
)
def test_a_delivery_status_says_whose_fault_it_is(
    status: str, action: str, diagnostic: str, said: Said, reason: str
) -> None:
    report = read(dsn(returns(), status=status, action=action, diagnostic=diagnostic))
    assert (report.said, report.reason, report.delivery_key) == (said, reason, KEY)


QMAIL = (
    "Hi. This is the qmail-send program at mx.example.\r\n"
    "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n"
    "<reader@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n--- Below this line is a copy.\r\n"
)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (f"From: MAILER-DAEMON@mx.example\r\nTo: {returns()}\r\n\r\n{QMAIL}", Said.REFUSED),
        (f"From: reader@example.org\r\nTo: {returns()}\r\nAuto-Submitted: auto-replied\r\n\r\nAway.", Said.OTHER),
        (f"To: {returns()}\r\n\r\n", Said.OTHER),
        ("", Said.FORGED),
        (f"To: {returns(Box.UNSUBSCRIBE)}\r\nSubject: unsubscribe\r\n\r\n", Said.UNSUBSCRIBE),
        (f"To: x@y.example\r\nDelivered-To: {returns()}\r\n\r\n{QMAIL}", Said.REFUSED),
        (f"To: {returns()}\r\n" + 'Content-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\n' * 80, Said.OTHER),
        (f"To: {returns()}\r\nContent-Type: multipart/report; boundary=\r\n\r\n--\x00\udcff", Said.OTHER),
    ],
    ids=["qmail", "away", "empty", "nothing", "unsubscribe", "delivered-to", "nested", "broken"],
)
def test_other_mails_to_a_return_path_are_told_apart(raw: str, said: Said) -> None:
    assert read(raw.encode("utf-8", "surrogateescape")).said is said


def test_the_envelopes_recipient_counts_where_the_headers_do_not_name_it() -> None:
    raw = dsn("undisclosed-recipients:;")
    assert read(raw).said is Said.FORGED
    assert read(raw, returns()).said is Said.HARD


@pytest.mark.parametrize(
    ("raw", "said", "reason"),
    [
        (complaint(sender=returns()), Said.COMPLAINT, "complaint_abuse"),
        (complaint(sender=returns(), kind="fraud"), Said.COMPLAINT, "complaint_fraud"),
        (complaint(sender=returns(), kind="not-spam"), Said.OTHER, "not-spam"),
        (
            complaint(sender="x@y.example", quoted=f"List-Unsubscribe: <mailto:{returns(Box.UNSUBSCRIBE)}?subject=u>"),
            Said.COMPLAINT,
            "complaint_abuse",
        ),
        (complaint(sender=returns(secret="made up")), Said.FORGED, "no_signed_address"),
        (complaint(sender="x@y.example"), Said.FORGED, "no_signed_address"),
    ],
)
def test_a_complaint_is_believed_when_it_quotes_what_we_signed(raw: bytes, said: Said, reason: str) -> None:
    assert (read(raw).said, read(raw).reason) == (said, reason)


@pytest.mark.parametrize(
    ("reason", "hard"),
    [("smtp_no_such_address", True), ("smtp_address_refused", False), ("smtp_550", None), ("smtp_554", None)],
)
def test_an_outcome_of_sending_counts_only_when_the_address_was_refused(reason: str, hard: bool | None) -> None:
    assert bounce.is_hard(Outcome(kind=OutcomeKind.REJECTED, reason=reason)) is hard


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A service with one mail that was sent."""
    opened = runtime.open(settings.Settings(database_url=database_url, data_dir=tmp_path, secret_key=SECRET))
    mail = ChannelConfig(
        id="mail", kind=ChannelKind.EMAIL, to=f"Reader <{READER}>", sender="news@watch.example", smtp_url="smtp://x"
    )
    with opened.database.write() as conn:
        channels.sync(conn, [mail], now=now())
        daily = subscription("daily", channels=("mail",))
        subscriptions.sync_subscriptions(conn, [daily], ops=("mail",), now=now())
        digest_id = digests.open_window(conn, "daily", Window(key="w", closes_at=now()), immediate=False, now=now())
        assert digest_id is not None
        sent = Envelope(message_id=f"{KEY}@watch.example", content_type="message/rfc822", body=b"Subject: x\r\n\r\n")
        deliveries.add(conn, digest_id=digest_id, channel_id="mail", key=KEY, envelope=sent, now=now())
    yield opened
    opened.close()


def stopped(rt: Runtime, address: str = READER) -> bool:
    with rt.database.read() as conn:
        return suppressions.suppressed(conn, address)


def ops(rt: Runtime) -> list[str]:
    with rt.database.read() as conn:
        return [row["window"] for row in digests.listing(conn, limit=9) if row["subscription_id"] == "_ops"]


def test_an_address_that_does_not_exist_is_sent_nothing_more_and_ops_hear_of_it(rt: Runtime) -> None:
    taken = bounces.ingest(rt, dsn(returns()))
    assert (taken.report.said, taken.channel_id, taken.suppressed) == (Said.HARD, "mail", True)
    assert stopped(rt)
    assert stopped(rt, "READER@Example.org")
    assert [one.split(":")[1] for one in ops(rt)] == ["suppressed"]
    with rt.database.read() as conn:
        (row,) = deliveries.listing(conn, limit=1, states=[])
    assert row["reason"] == "bounced: 5.1.1"


def test_the_same_bounce_twice_counts_once(rt: Runtime) -> None:
    for _ in range(4):
        bounces.ingest(rt, dsn(returns(), status="5.2.1"))
    with rt.database.read() as conn:
        (row,) = suppressions.listing(conn, limit=9)
    assert (row["address"], row["bounces"], row["suppressed_at"]) == (READER, 1, None)


def test_input_152_a_forged_bounce_for_a_healthy_subscriber_changes_nothing(rt: Runtime) -> None:
    forged = [
        dsn(f"bounce+{KEY}.{'a' * 16}@bounces.watch.example"),
        dsn(returns(secret="guessed")),
        dsn("news@watch.example"),
        dsn(returns(Box.BOUNCE, "0" * 32)),
        complaint(sender=returns(secret="guessed")),
        dsn("news@watch.example") + f"X-Failed-Recipients: {READER}\r\n".encode(),
    ]
    for raw in forged:
        assert not bounces.ingest(rt, raw).suppressed
    assert not stopped(rt)
    assert ops(rt) == []
    with rt.database.read() as conn:
        assert suppressions.listing(conn, limit=9) == []


def test_a_complaint_stops_at_once(rt: Runtime) -> None:
    assert bounces.ingest(rt, complaint(sender=returns())).suppressed
    assert stopped(rt)


def test_a_policy_refusal_blames_us_and_not_the_reader(rt: Runtime) -> None:
    assert not bounces.ingest(rt, dsn(returns(), status="5.7.26")).suppressed
    assert not stopped(rt)
    assert [one.split(":")[1] for one in ops(rt)] == ["policy"]


def test_a_mail_to_the_unsubscribe_address_ends_the_subscription(rt: Runtime) -> None:
    bounces.ingest(rt, f"To: {returns(Box.UNSUBSCRIBE)}\r\n\r\n".encode())
    with rt.database.read() as conn:
        (row,) = conn.execute(subscription_rows.select().where(subscription_rows.c.id == "daily")).all()
    assert (row.ended_by, row.ended_at is not None) == ("mail", True)
    assert not stopped(rt)


def test_a_key_that_the_database_keeps_signs_as_well(rt: Runtime) -> None:
    rt.settings = settings.Settings(database_url=rt.settings.database_url, data_dir=rt.settings.data_dir)
    made = returns(secret=rt.signing_key())
    assert bounces.ingest(rt, dsn(made)).suppressed
    with rt.database.read() as conn:
        assert overview.remembered(conn, "signing_key") == rt.signing_key()


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def record(database: Database, *, hard: bool, at: datetime, address: str = READER) -> bool:
    with database.write() as conn:
        return suppressions.record(conn, address, hard=hard, reason="5.2.1", now=at)


def test_three_refusals_within_thirty_days_suppress_and_one_of_nobody_does_at_once(database: Database) -> None:
    start = now()
    assert [record(database, hard=False, at=start + timedelta(days=day)) for day in (0, 9, 29, 29)] == [
        *(False, False, True, False)
    ]
    assert record(database, hard=True, at=start, address="Other <other@example.org>")
    with database.read() as conn:
        assert suppressions.suppressed(conn, "OTHER@example.org")


def test_refusals_further_apart_are_counted_anew(database: Database) -> None:
    start = now()
    assert not any(record(database, hard=False, at=start + timedelta(days=day)) for day in (0, 20, 40, 60, 80))


def test_a_forgiven_address_is_sent_to_again_and_counts_from_nothing(database: Database) -> None:
    assert record(database, hard=True, at=now())
    with database.write() as conn:
        assert suppressions.forgive(conn, "Reader@example.org")
        assert not suppressions.forgive(conn, "Reader@example.org")
        assert not suppressions.suppressed(conn, READER)
    assert not record(database, hard=False, at=now())


def test_the_condition_can_stand_in_another_statement(database: Database) -> None:
    record(database, hard=True, at=now())
    with database.write() as conn:
        for name, key in {"a": suppressions.key_of(READER), "b": suppressions.key_of("b@example.org")}.items():
            subscriptions.sync_subscriptions(conn, [subscription("a"), subscription("b")], ops=(), now=now())
            row = subscription_rows.c.id == name
            conn.execute(subscription_rows.update().where(row).values(address_key=key))
        held = suppressions.is_suppressed(subscription_rows.c.address_key)
        assert list(conn.execute(subscription_rows.select().with_only_columns(subscription_rows.c.id).where(held))) == [
            ("a",)
        ]


def test_an_attempt_that_the_server_refuses_for_the_address_counts(rt: Runtime) -> None:
    config = ChannelConfig(id="mail", kind=ChannelKind.EMAIL, to=READER)
    outcome = Outcome(kind=OutcomeKind.REJECTED, reason="smtp_no_such_address")
    policy = Outcome(kind=OutcomeKind.CHANNEL_DOWN, reason="smtp_554")
    with rt.database.write() as conn:
        bounces.refused(conn, config, policy, now())
        assert not suppressions.suppressed(conn, READER)
        bounces.refused(conn, config, outcome, now())
        assert suppressions.suppressed(conn, READER)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def watcher(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("WATCHER_DATABASE_URL", str(rt.settings.database_url))
    monkeypatch.setenv("WATCHER_SECRET_KEY", SECRET)
    monkeypatch.setenv("WATCHER_DATA_DIR", str(rt.settings.data_dir))
    return CliRunner()


def test_a_mail_server_pipes_bounces_in_and_gets_none_back(watcher: CliRunner) -> None:
    done = watcher.invoke(app, ["ingest", "-"], input=dsn(returns()))
    assert (done.exit_code, done.stdout) == (0, "hard (5.1.1) from channel mail, nothing more is sent there\n")
    listed = watcher.invoke(app, ["list", "--json"])
    assert (listed.exit_code, READER in listed.stdout) == (0, True)
    assert watcher.invoke(app, ["forgive", READER]).exit_code == 0
    assert watcher.invoke(app, ["forgive", READER]).exit_code == 1


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00\xff" * 50, dsn("stranger@x.example"), b"Subject: hi\r\n\r\nWho are you?"],
    ids=["empty", "binary", "stranger", "person"],
)
def test_whatever_is_piped_in_is_never_bounced_back(watcher: CliRunner, raw: bytes) -> None:
    assert watcher.invoke(app, ["ingest"], input=raw).exit_code == 0


def test_a_mail_waits_at_the_server_while_the_database_is_away(
    watcher: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHER_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:9/none")
    assert watcher.invoke(app, ["ingest"], input=dsn(returns())).exit_code == 75
