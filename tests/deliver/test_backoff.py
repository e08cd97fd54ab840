from datetime import UTC, datetime, timedelta

import pytest

from watcher.deliver.backoff import decide
from watcher.model import DeliveryState, NextAttempt, Outcome, OutcomeKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def decided(kind: OutcomeKind, *, attempt: int = 1, key: str = "k", retry_after_s=None, reason="http_503", first=None):
    return decide(
        Outcome(kind=kind, reason=reason, retry_after_s=retry_after_s),
        attempt=attempt,
        first_attempt_at=first,
        now=NOW,
        base_s=30,
        max_s=14_400,
        attempts_max=10,
        jitter_key=key,
    )


def wait_s(next_attempt: NextAttempt) -> float:
    return (next_attempt.next_attempt_at - NOW).total_seconds()


def test_a_sent_delivery_is_over():
    assert decided(OutcomeKind.SENT, reason="smtp_250") == NextAttempt(
        state=DeliveryState.SENT, next_attempt_at=None, reason="smtp_250"
    )


def test_a_rejected_delivery_is_parked_at_once():
    assert decided(OutcomeKind.REJECTED, reason="smtp_550") == NextAttempt(
        state=DeliveryState.PARKED, next_attempt_at=None, reason="rejected: smtp_550"
    )


@pytest.mark.parametrize(("attempt", "expected_s"), [(1, 30), (2, 60), (3, 120), (5, 480), (8, 3840), (9, 7680)])
def test_waits_double_within_a_fifth(attempt, expected_s):
    for key in "abcdefgh":
        again = decided(OutcomeKind.RETRY, attempt=attempt, key=key)
        assert again.state is DeliveryState.PENDING
        assert 0.8 * expected_s <= wait_s(again) <= 1.2 * expected_s


def test_waits_differ_between_deliveries_and_repeat_for_one():
    waits = [wait_s(decided(OutcomeKind.RETRY, key=f"d{number}")) for number in range(50)]
    assert len(set(waits)) == 50
    assert decided(OutcomeKind.RETRY, key="d1") == decided(OutcomeKind.RETRY, key="d1")


def test_a_huge_attempt_number_waits_no_longer_than_the_longest():
    again = decide(
        Outcome(kind=OutcomeKind.RETRY, reason="timeout"),
        attempt=100_000,
        first_attempt_at=None,
        now=NOW,
        base_s=30,
        max_s=14_400,
        attempts_max=10**9,
        jitter_key="k",
    )
    assert wait_s(again) <= 1.2 * 14_400


@pytest.mark.parametrize("asked_s", [1, 45, 3600, 604_800])
def test_retry_after_is_obeyed_and_never_undercut(asked_s):
    for key in "abcdefgh":
        again = decided(OutcomeKind.RETRY, attempt=4, key=key, retry_after_s=asked_s)
        assert asked_s <= wait_s(again) <= 1.2 * asked_s


def test_what_may_have_arrived_is_sent_again_twice_and_then_parked():
    for attempt in (1, 2):
        again = decided(OutcomeKind.UNCERTAIN, attempt=attempt, retry_after_s=600)
        assert again.state is DeliveryState.PENDING
        assert 600 <= wait_s(again) <= 720
    for attempt in (3, 10):
        assert decided(OutcomeKind.UNCERTAIN, attempt=attempt, retry_after_s=600) == NextAttempt(
            state=DeliveryState.PARKED,
            next_attempt_at=None,
            reason=f"uncertain: it may have arrived; tried {attempt} times",
        )


def test_a_channel_that_is_down_waits_long_and_loses_nothing():
    again = decided(OutcomeKind.CHANNEL_DOWN, reason="http_410")
    assert again.state is DeliveryState.PENDING
    assert 0.8 * 14_400 <= wait_s(again) <= 1.2 * 14_400


@pytest.mark.parametrize("kind", [OutcomeKind.RETRY, OutcomeKind.CHANNEL_DOWN])
@pytest.mark.parametrize(
    ("first", "words"),
    [
        (None, "gave up after 10 attempts: http_503"),
        (NOW - timedelta(minutes=20), "gave up after 10 attempts over 20 min: http_503"),
        (NOW - timedelta(hours=9), "gave up after 10 attempts over 9 h: http_503"),
    ],
)
def test_after_the_last_attempt_it_is_parked_with_the_reason(kind, first, words):
    assert decided(kind, attempt=9).state is DeliveryState.PENDING
    assert decided(kind, attempt=10, first=first) == NextAttempt(
        state=DeliveryState.PARKED, next_attempt_at=None, reason=words
    )
