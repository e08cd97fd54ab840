from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from watcher.deliver.backoff import Spans, decide, expires_at, sent_again
from watcher.model import ChannelKind, DeliveryState, NextAttempt, Outcome, OutcomeKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SPANS = Spans(base_s=5, max_s=14_400, uncertain_s=600, attempts_max=100)
PENDING, PARKED = DeliveryState.PENDING, DeliveryState.PARKED


def decided(
    kind,
    *,
    attempt=1,
    key="k",
    retry_after_s=None,
    reason="http_503",
    first=None,
    now=NOW,
    until=None,
    uncertain=0,
    again=True,
    spans=SPANS,
):
    return decide(
        Outcome(kind=kind, reason=reason, retry_after_s=retry_after_s),
        attempt=attempt,
        first_attempt_at=first,
        now=now,
        expires_at=until,
        uncertain=uncertain,
        again=again,
        spans=spans,
        jitter_key=key,
    )


def wait_s(following: NextAttempt) -> float:
    return (following.next_attempt_at - NOW).total_seconds()


def test_a_sent_delivery_is_over():
    assert decided(OutcomeKind.SENT, reason="smtp_250") == NextAttempt(
        state=DeliveryState.SENT, next_attempt_at=None, reason="smtp_250"
    )


def test_a_rejected_delivery_is_parked_at_once():
    assert decided(OutcomeKind.REJECTED, reason="smtp_550") == NextAttempt(
        state=PARKED, next_attempt_at=None, reason="rejected: smtp_550"
    )


@pytest.mark.parametrize("kind", [OutcomeKind.RETRY, OutcomeKind.CHANNEL_DOWN])
@pytest.mark.parametrize(
    ("attempt", "expected_s"),
    [(1, 5), (2, 10), (3, 20), (5, 80), (8, 640), (12, 10_240), (13, 14_400), (30, 14_400), (99, 14_400)],
)
def test_waits_double_within_a_fifth(kind, attempt, expected_s):
    for key in "abcdefgh":
        again = decided(kind, attempt=attempt, key=key)
        assert again.state is PENDING
        assert 0.8 * expected_s <= wait_s(again) <= 1.2 * expected_s


def test_waits_differ_between_deliveries_and_repeat_for_one():
    waits = [wait_s(decided(OutcomeKind.RETRY, key=f"d{number}")) for number in range(50)]
    assert len(set(waits)) == 50
    assert decided(OutcomeKind.RETRY, key="d1") == decided(OutcomeKind.RETRY, key="d1")


def test_a_huge_attempt_number_waits_no_longer_than_the_longest():
    spans = Spans(base_s=5, max_s=14_400, uncertain_s=600, attempts_max=10**9)
    assert wait_s(decided(OutcomeKind.RETRY, attempt=100_000, spans=spans)) <= 1.2 * 14_400


@pytest.mark.parametrize("asked_s", [1, 45, 3600, 604_800])
def test_retry_after_is_obeyed_and_never_undercut(asked_s):
    for key in "abcdefgh":
        again = decided(OutcomeKind.RETRY, attempt=4, key=key, retry_after_s=asked_s, until=NOW + timedelta(days=3))
        assert asked_s <= wait_s(again) <= 1.2 * asked_s


def test_a_message_is_tried_a_last_time_when_its_time_is_up_and_then_parked():
    until = NOW + timedelta(seconds=60)
    again = decided(OutcomeKind.RETRY, attempt=12, until=until)
    assert (again.state, again.next_attempt_at) == (PENDING, until)
    first = NOW - timedelta(hours=72)
    assert decided(OutcomeKind.RETRY, attempt=30, until=NOW, first=first) == NextAttempt(
        state=PARKED, next_attempt_at=None, reason="gave up after 30 attempts over 72 h: http_503"
    )


def test_a_receiver_that_fails_for_three_days_is_asked_at_these_hours():
    now, until, asked = NOW, NOW + timedelta(days=3), [NOW]
    for attempt in range(1, 100):
        following = decided(OutcomeKind.RETRY, attempt=attempt, until=until, now=now, key="k")
        if following.state is PARKED:
            break
        now = following.next_attempt_at
        asked.append(now)
    hours = [(one - NOW).total_seconds() / 3600 for one in asked]
    assert hours[-1] == 72
    assert 27 <= len(asked) <= 33
    assert max(later - earlier for earlier, later in pairwise(hours)) <= 1.2 * 4
    assert sum(hour < 1 for hour in hours) == 10


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (None, "gave up after 100 attempts: http_503"),
        (NOW - timedelta(minutes=20), "gave up after 100 attempts over 20 min: http_503"),
        (NOW - timedelta(hours=9), "gave up after 100 attempts over 9 h: http_503"),
    ],
)
def test_after_the_last_attempt_it_is_parked_with_the_reason(first, words):
    assert decided(OutcomeKind.RETRY, attempt=99).state is PENDING
    parked = decided(OutcomeKind.RETRY, attempt=100, first=first)
    assert parked == NextAttempt(state=PARKED, next_attempt_at=None, reason=words)


def test_what_may_have_arrived_is_sent_again_once_after_ten_minutes_and_then_parked():
    again = decided(OutcomeKind.UNCERTAIN, reason="timeout", attempt=4, retry_after_s=1)
    assert (again.state, again.reason) == (PENDING, "uncertain: timeout")
    assert 600 <= wait_s(again) <= 720
    assert decided(OutcomeKind.UNCERTAIN, reason="timeout", uncertain=1) == NextAttempt(
        state=PARKED,
        next_attempt_at=None,
        reason="uncertain: it may have arrived (timeout), and is not sent once more",
    )


def test_what_must_not_come_twice_is_parked_when_it_may_have_arrived():
    assert decided(OutcomeKind.UNCERTAIN, reason="timeout", again=False).state is PARKED


@pytest.mark.parametrize(
    ("kind", "alert", "digest"),
    [
        (ChannelKind.WEBHOOK, True, True),
        (ChannelKind.EMAIL, True, True),
        (ChannelKind.SLACK, True, False),
        (ChannelKind.APPRISE, True, False),
    ],
)
def test_only_a_digest_in_a_chat_is_not_sent_twice(kind, alert, digest):
    assert (sent_again(kind, immediate=True), sent_again(kind, immediate=False)) == (alert, digest)


@pytest.mark.parametrize(
    ("kind", "immediate", "next_window", "hours"),
    [
        (ChannelKind.WEBHOOK, True, None, 72),
        (ChannelKind.WEBHOOK, False, NOW + timedelta(hours=7), 72),
        (ChannelKind.EMAIL, True, None, 24),
        (ChannelKind.SLACK, True, NOW + timedelta(hours=7), 24),
        (ChannelKind.EMAIL, False, NOW + timedelta(hours=7), 7),
        (ChannelKind.SLACK, False, NOW + timedelta(days=7), 168),
        (ChannelKind.APPRISE, False, None, 24),
    ],
)
def test_a_message_is_tried_as_long_as_it_is_of_use(kind, immediate, next_window, hours):
    until = expires_at(
        kind, immediate=immediate, created_at=NOW, next_window_at=next_window, webhook_s=259_200, alert_s=86_400
    )
    assert until - NOW == timedelta(hours=hours)
