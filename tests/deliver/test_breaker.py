from datetime import UTC, datetime, timedelta

import pytest

from watcher.deliver.breaker import FAILURES, Breaker, Sign, after, open_s, sign
from watcher.deliver.pace import Gate, free_at, gate, lane, proven, status
from watcher.model import ChannelConfig, ChannelKind, ChannelState, Outcome, OutcomeKind, Secret

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def outcome(kind: OutcomeKind, reason: str = "http_503") -> Outcome:
    return Outcome(kind=kind, reason=reason)


TIMEOUT = outcome(OutcomeKind.RETRY, "timeout")


def then(breaker: Breaker, said: Outcome, now: datetime = NOW) -> Breaker:
    return after(breaker, said, channel_id="hook", now=now, base_s=5, max_s=14_400)


def failed(times: int) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = then(breaker, TIMEOUT)
    return breaker


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (outcome(OutcomeKind.SENT, "http_200"), Sign.WORKS),
        (outcome(OutcomeKind.REJECTED, "http_400"), Sign.WORKS),
        (outcome(OutcomeKind.REJECTED, "smtp_550"), Sign.WORKS),
        (outcome(OutcomeKind.RETRY, "http_503"), Sign.FAILS),
        (outcome(OutcomeKind.RETRY, "connection"), Sign.FAILS),
        (outcome(OutcomeKind.UNCERTAIN, "timeout"), Sign.FAILS),
        (outcome(OutcomeKind.CHANNEL_DOWN, "smtp_535"), Sign.BROKEN),
        (outcome(OutcomeKind.CHANNEL_DOWN, "secret_missing"), Sign.BROKEN),
        (outcome(OutcomeKind.RETRY, "http_429"), Sign.NOTHING),
        (outcome(OutcomeKind.RETRY, "internal_error"), Sign.NOTHING),
        (outcome(OutcomeKind.UNCERTAIN, "internal_error"), Sign.NOTHING),
        (outcome(OutcomeKind.REJECTED, "worker_died"), Sign.NOTHING),
    ],
)
def test_only_the_channels_own_failures_count(said, expected):
    assert sign(said) is expected


def test_it_opens_after_three_failures_in_a_row_and_not_before():
    assert failed(FAILURES - 1).open_until is None
    opened = failed(FAILURES)
    assert (opened.failures, opened.fault, opened.failing_since) == (3, "timeout", NOW)
    assert 8 <= (opened.open_until - NOW).total_seconds() <= 12


def test_a_success_in_between_starts_the_count_anew():
    breaker = then(failed(FAILURES - 1), outcome(OutcomeKind.SENT))
    assert breaker == Breaker()
    assert then(breaker, TIMEOUT).failures == 1


def test_a_channel_that_somebody_must_mend_opens_it_at_once():
    opened = then(Breaker(), outcome(OutcomeKind.CHANNEL_DOWN, "http_401"))
    assert opened.open_until is not None
    assert (opened.failures, opened.fault) == (3, "http_401")


def test_what_says_nothing_of_the_channel_changes_nothing():
    opened = failed(7)
    assert then(opened, outcome(OutcomeKind.RETRY, "http_429")) == opened


@pytest.mark.parametrize(("failures", "seconds"), [(3, 10), (4, 20), (6, 80), (9, 640), (10, 900), (10_000, 900)])
def test_it_opens_for_longer_each_time_and_never_for_more_than_a_quarter_of_an_hour(failures, seconds):
    assert open_s(failures, base_s=5, max_s=14_400) == seconds


def test_channels_that_failed_together_do_not_try_together():
    openings = {
        after(failed(2), TIMEOUT, channel_id=f"c{number}", now=NOW, base_s=5, max_s=14_400).open_until
        for number in range(50)
    }
    assert len(openings) == 50


def test_a_failed_probe_opens_it_for_longer_and_keeps_since_when():
    opened = failed(FAILURES)
    later = opened.open_until + timedelta(seconds=1)
    again = then(opened, TIMEOUT, later)
    assert again.failing_since == NOW
    assert 16 <= (again.open_until - later).total_seconds() <= 24


# ── the gate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def standing(kind=ChannelKind.WEBHOOK, *, held=(), **more):
    config = ChannelConfig(id="hook", kind=kind, url="https://receiver.example/")
    return ChannelState(config=config, held_since=tuple(NOW - timedelta(seconds=one) for one in held), **more)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (standing(), Gate.FREE),
        (standing(held=[1]), Gate.BUSY),
        (standing(held=[1], worked_at=NOW), Gate.FREE),
        (standing(held=[1], worked_at=NOW, failures=1), Gate.BUSY),
        (standing(held=[1, 2], worked_at=NOW), Gate.BUSY),
        (standing(held=[4], worked_at=NOW), Gate.BUSY),
        (standing(ChannelKind.SLACK, held=[0.1]), Gate.BUSY),
        (standing(free_at=NOW + timedelta(seconds=1)), Gate.RATE),
        (standing(free_at=NOW), Gate.FREE),
        (standing(failures=4), Gate.FREE),
        (standing(failures=5, open_until=NOW + timedelta(seconds=1)), Gate.OPEN),
        (standing(failures=5, open_until=NOW), Gate.FREE),
        (standing(failures=5, open_until=NOW, held=[1]), Gate.PROBED),
        (standing(failures=5, open_until=NOW, free_at=NOW + timedelta(seconds=9)), Gate.RATE),
        (standing(disabled_reason="410"), Gate.DISABLED),
        (standing(retired=True), Gate.RETIRED),
    ],
)
def test_a_channel_is_sent_to_when_nothing_speaks_against_it(state, expected):
    assert gate(state, now=NOW) is expected


def test_slack_takes_one_message_a_second_and_a_webhook_as_many_as_it_can():
    assert free_at(standing(ChannelKind.SLACK), now=NOW) == NOW + timedelta(seconds=1)
    assert free_at(standing(), now=NOW) is None


def test_a_channel_is_proven_by_its_last_message():
    assert not proven(standing())
    assert proven(standing(worked_at=NOW))
    assert not proven(standing(worked_at=NOW, failures=1))


def test_mail_channels_of_one_server_share_a_lane():
    def mail(name, place):
        return ChannelConfig(id=name, kind=ChannelKind.EMAIL, to=f"{name}@x.example", smtp_url=place)

    one, two = mail("a", Secret(env="SMTP_URL")), mail("b", Secret(env="SMTP_URL"))
    assert lane(one) == lane(two) == "server SMTP_URL"
    assert lane(mail("c", "smtp://mail.example:25")) != lane(one)
    assert lane(standing().config) == "channel hook"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (standing(), "sends"),
        (standing(failures=1, failing_since=NOW, fault="http_503"), "1 failure since 11-22 12:00, last http_503"),
        (
            standing(failures=6, failing_since=NOW, fault="timeout", open_until=NOW + timedelta(minutes=1)),
            "paused until 12:01:00: 6 failures in a row since 11-22 12:00, last timeout",
        ),
        (
            standing(failures=6, failing_since=NOW, fault="timeout", open_until=NOW),
            "paused: the next one tries: 6 failures in a row since 11-22 12:00, last timeout",
        ),
        (standing(free_at=NOW + timedelta(hours=1)), "asked to wait until 11-22 13:00:00"),
        (standing(disabled_reason="the receiver answered 410"), "disabled: the receiver answered 410"),
    ],
)
def test_a_channel_says_in_words_how_it_stands(state, words):
    assert status(state, now=NOW) == words
