"""One POST and what its answer means: the one classifier of HTTP outcomes, for every channel that speaks HTTP.

Sources: the Standard Webhooks specification on statuses, RFC 9110 10.2.3 on Retry-After.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from watcher.deliver.channel import UNCERTAIN_RETRY_S, Misconfigured
from watcher.errors import RefusedAddress
from watcher.model import ChannelKind, Outcome, OutcomeKind
from watcher.net.faults import BadAnswer, BadRequest, Unreachable

RETRY_AFTER_MAX_S = 7 * 86400.0
_CHANNEL_DOWN = {
    401: "the receiver does not accept our credentials",
    402: "the receiver wants to be paid",
    403: "the receiver forbids us to post",
    404: "there is no receiver at this address",
    405: "the receiver takes no POST at this address",
    407: "a proxy before the receiver wants credentials",
    410: "the receiver is gone for good",
    451: "the receiver may not take messages for legal reasons",
}
_MOVED = "the receiver redirects, which is never followed"
_GONE = {
    ChannelKind.WEBHOOK: frozenset({"http_410"}),
    ChannelKind.SLACK: frozenset({"http_403", "http_404", "http_410"}),
}
"""After which answers a channel is disabled.

Standard Webhooks knows 410 only. Slack says of a webhook that was revoked, or whose channel or team is gone, 403
`invalid_token`, 404 `no_service` and 410 `channel_is_archived` (its page on incoming webhooks).
"""
_RETRY = frozenset({408, 421, 425, 429})


class Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class Poster(Protocol):
    """The part of `watcher.net.client.GuardedClient` that channels use."""

    def post(
        self, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *, total_s: float | None = None
    ) -> Answer: ...


def post(
    client: Poster, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float, repeatable: bool
) -> Answer | Outcome:
    """The answer, or the outcome of a call that got none. Details are our own words: an address may be a secret.

    `repeatable`: the receiver knows a repeat by its id, so that a lost answer is tried again like any other fault.
    """
    try:
        return client.post(url, headers=headers, body=body, total_s=timeout_s)
    except RefusedAddress:
        return Misconfigured("refused_address", "the address is one that we do not contact").outcome()
    except BadRequest:
        return Misconfigured("bad_request", "the address or a header cannot be sent").outcome()
    except Unreachable as error:
        # Bytes have left: the receiver may have acted on them although its answer was lost.
        uncertain, detail = error.sent and not repeatable, _UNREACHED.get(error.reason, "no answer came")
        return _unanswered(error.reason, detail, uncertain=uncertain)
    except BadAnswer as error:
        return _unanswered(error.reason, "the answer could not be read", uncertain=not repeatable)


def _unanswered(reason: str, detail: str, *, uncertain: bool) -> Outcome:
    if uncertain:
        return Outcome(kind=OutcomeKind.UNCERTAIN, reason=reason, detail=detail, retry_after_s=UNCERTAIN_RETRY_S)
    return Outcome(kind=OutcomeKind.RETRY, reason=reason, detail=detail)


_UNREACHED = {
    "timeout": "no answer came in time",
    "dns": "the receiver's name does not resolve",
    "tls": "no trusted connection could be made",
    "connection": "the connection could not be made, or broke",
    "truncated": "the answer ended too early",
}


def classify(answer: Answer, *, now: datetime) -> Outcome:
    """2xx sent; 408, 421, 425, 429, 5xx and what is no final status again; a receiver that refuses every message (3xx,
    401–405, 407, 410, 451) channel down; any other 4xx rejects this message.
    """
    status = answer.status
    if 200 <= status < 300:
        return Outcome(kind=OutcomeKind.SENT, reason=f"http_{status}")
    if status in _CHANNEL_DOWN or 300 <= status < 400:
        return Misconfigured(f"http_{status}", _CHANNEL_DOWN.get(status, _MOVED)).outcome()
    if status in _RETRY or not 300 <= status < 500:
        return Outcome(
            kind=OutcomeKind.RETRY,
            reason=f"http_{status}",
            detail="the receiver asks us to slow down" if status == 429 else "the receiver has trouble of its own",
            retry_after_s=retry_after_s(answer.headers, now=now),
        )
    return Outcome(kind=OutcomeKind.REJECTED, reason=f"http_{status}", detail="the receiver refuses this message")


def gone_for_good(kind: ChannelKind, outcome: Outcome) -> bool:
    """Whether a channel of that kind is to be disabled after the outcome."""
    return outcome.kind is OutcomeKind.CHANNEL_DOWN and outcome.reason in _GONE.get(kind, ())


def retry_after_s(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds to wait, from either form of Retry-After; a date counts from the answer's own Date.

    None when absent, past or not understood; at most seven days.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        # A number of 5,000 digits would raise in int().
        wait = float(value) if len(value) < 12 else RETRY_AFTER_MAX_S
    else:
        until = _instant(value)
        if until is None:
            return None
        wait = (until - (_instant(headers.get("date", "")) or now)).total_seconds()
    return min(wait, RETRY_AFTER_MAX_S) if wait > 0 else None


def _instant(value: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
