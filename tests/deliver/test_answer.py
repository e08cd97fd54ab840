from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from watcher.deliver.answer import classify, gone_for_good, post, retry_after_s
from watcher.errors import RefusedAddress
from watcher.model import ChannelKind, Outcome, OutcomeKind
from watcher.net.faults import BadAnswer, BadRequest, Unreachable

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Said:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


EXPECTED = {
    OutcomeKind.SENT: range(200, 300),
    OutcomeKind.CHANNEL_DOWN: (*range(300, 400), 401, 402, 403, 404, 405, 407, 410, 451),
    OutcomeKind.RETRY: (*range(100, 200), 408, 421, 425, 429, *range(500, 600)),
}


def expected(status: int) -> OutcomeKind:
    return next((kind for kind, statuses in EXPECTED.items() if status in statuses), OutcomeKind.REJECTED)


@pytest.mark.parametrize("status", [*range(100, 600), 0, 99, 600, 999])
def test_every_status_has_one_meaning(status):
    outcome = classify(Said(status), now=NOW)
    meant = expected(status) if 100 <= status < 600 else OutcomeKind.RETRY
    assert (outcome.kind, outcome.reason) == (meant, f"http_{status}")
    assert bool(outcome.detail) == (meant is not OutcomeKind.SENT)


@pytest.mark.parametrize(
    ("kind", "status", "disabled"),
    [
        (ChannelKind.WEBHOOK, 410, True),
        (ChannelKind.WEBHOOK, 404, False),
        (ChannelKind.WEBHOOK, 301, False),
        (ChannelKind.SLACK, 410, True),
        (ChannelKind.SLACK, 404, True),
        (ChannelKind.SLACK, 403, True),
        (ChannelKind.SLACK, 401, False),
        (ChannelKind.SLACK, 400, False),
        (ChannelKind.EMAIL, 410, False),
    ],
)
def test_a_receiver_that_is_gone_for_good_is_told_by_its_status(kind, status, disabled):
    assert gone_for_good(kind, classify(Said(status), now=NOW)) is disabled


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "١٢"}, None),
        ({"retry-after": "1000000000"}, 604_800),
        ({"retry-after": "9" * 5000}, 604_800),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, None),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT", "date": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT", "date": "nonsense"}, 60),
        ({"retry-after": "Sun, 99 Nov 99999 12:01:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers, seconds):
    assert retry_after_s(headers, now=NOW) == seconds


def test_retry_after_travels_with_a_retry_only():
    headers = {"retry-after": "9"}
    assert classify(Said(429, headers), now=NOW).retry_after_s == 9
    assert classify(Said(503, headers), now=NOW).retry_after_s == 9
    assert classify(Said(410, headers), now=NOW).retry_after_s is None


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("fault", "kind", "reason"),
    [
        (Unreachable("timeout", "x", sent=False), OutcomeKind.RETRY, "timeout"),
        (Unreachable("timeout", "x", sent=True), OutcomeKind.UNCERTAIN, "timeout"),
        (Unreachable("connection", "x", sent=True), OutcomeKind.UNCERTAIN, "connection"),
        (Unreachable("dns", "x"), OutcomeKind.RETRY, "dns"),
        (Unreachable("tls", "x"), OutcomeKind.RETRY, "tls"),
        (BadAnswer("too_large", "x"), OutcomeKind.UNCERTAIN, "too_large"),
        (BadRequest("x"), OutcomeKind.CHANNEL_DOWN, "bad_request"),
        (RefusedAddress("x"), OutcomeKind.CHANNEL_DOWN, "refused_address"),
    ],
)
def test_a_call_without_an_answer_is_classified_by_what_may_have_arrived(fault, kind, reason, repeatable):
    class Broken:
        def post(self, *_given, **_named):
            raise fault

    if repeatable and kind is OutcomeKind.UNCERTAIN:
        kind = OutcomeKind.RETRY
    outcome = post(Broken(), "https://hooks.example/SECRET", {}, b"", timeout_s=1, repeatable=repeatable)
    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert outcome.retry_after_s == (600 if kind is OutcomeKind.UNCERTAIN else None)
    assert "SECRET" not in outcome.detail
