"""One conditional GET of a feed: exact validators out, one `FetchResult` back whatever the world does.

When to look again is `watcher.fetch.schedule`'s duty, what the body means is `watcher.parse`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from watcher.config.values import OWN_HEADERS
from watcher.errors import RefusedAddress
from watcher.fetch.headers import freshness_s, retry_after_s
from watcher.fetch.hub import linked
from watcher.model import FetchOutcome, FetchResult, Validators
from watcher.net.client import GuardedClient, Response
from watcher.net.faults import BadAnswer, BadRequest, Unreachable

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_DOCUMENTS = frozenset({200, 203})
"""203 is a 200 that a proxy has changed (RFC 9110 section 15.3.4). 226 is none: we never ask for a delta."""
_STATUSES = {
    304: FetchOutcome.NOT_MODIFIED,
    401: FetchOutcome.FORBIDDEN,
    403: FetchOutcome.FORBIDDEN,
    404: FetchOutcome.NOT_FOUND,
    407: FetchOutcome.FORBIDDEN,
    410: FetchOutcome.GONE,
    429: FetchOutcome.RATE_LIMITED,
    451: FetchOutcome.FORBIDDEN,
}


def classify(status: int, *, body: bytes, conditional: bool) -> FetchOutcome:
    """What a final status comes to; 1xx and redirects are the client's matter and an error when they end up here.

    `conditional` says whether we sent any validator, without which a 304 is an error.
    """
    if status in _DOCUMENTS:
        return FetchOutcome.CHANGED if body.strip() else FetchOutcome.EMPTY_BODY
    if status == 304 and not conditional:
        return FetchOutcome.UNEXPECTED_STATUS
    if status in _STATUSES:
        return _STATUSES[status]
    if 400 <= status < 500:
        return FetchOutcome.CLIENT_ERROR
    return FetchOutcome.SERVER_ERROR if 500 <= status < 600 else FetchOutcome.UNEXPECTED_STATUS


def _request_headers(validators: Validators, headers: Mapping[str, str]) -> dict[str, str]:
    sent = {"accept": ACCEPT}
    sent.update({name.lower(): value for name, value in headers.items() if name.lower() not in OWN_HEADERS})
    if validators.etag:
        sent["if-none-match"] = validators.etag
    if validators.last_modified:
        sent["if-modified-since"] = validators.last_modified
    return sent


def _detail(response: Response, outcome: FetchOutcome) -> str:
    if outcome in (FetchOutcome.CHANGED, FetchOutcome.NOT_MODIFIED):
        return ""
    if outcome is FetchOutcome.EMPTY_BODY:
        return f"{response.status} with an empty body"
    try:
        words = f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        words = str(response.status)
    if response.status == 304:
        return f"{words} although no validator was sent"
    challenged = response.headers.get("cf-mitigated", "").lower() == "challenge"
    return f"{words} (a challenge page for browsers)" if challenged else words


def conditional_get(
    client: GuardedClient,
    url: str,
    validators: Validators,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = 10 * 1024 * 1024,
    *,
    force_full: bool = False,
    now: datetime | None = None,
) -> FetchResult:
    """Ask `url` whether it has changed since `validators` were received; at most `max_bytes` of body, raw and decoded.

    Both validators go out byte for byte as they came in; with `force_full` none does. `headers` are the feed's own
    (private feeds); they stay with their origin across redirects. Never raises for what the world does: see the
    outcome and its detail.
    """
    now = now or datetime.now(UTC)
    if force_full:
        validators = Validators()
    try:
        response = client.get(url, _request_headers(validators, headers or {}), max_bytes)
    except (RefusedAddress, Unreachable, BadAnswer, BadRequest) as fault:
        return FetchResult(outcome=FetchOutcome(fault.reason), detail=str(fault))
    conditional = bool(validators.etag or validators.last_modified)
    hub_url, self_url = linked(response.headers.get("link"))
    outcome = classify(response.status, body=response.body, conditional=conditional)
    return FetchResult(
        outcome=outcome,
        status=response.status,
        body=response.body if outcome is FetchOutcome.CHANGED else None,
        content_type=response.headers.get("content-type"),
        validators=Validators(
            etag=response.headers.get("etag") or None, last_modified=response.headers.get("last-modified") or None
        ),
        final_url=response.final_url,
        permanent_url=response.permanent_url,
        retry_after_s=retry_after_s(response.headers, now),
        max_age_s=freshness_s(response.headers, now),
        hub_url=hub_url,
        self_url=self_url,
        detail=_detail(response, outcome),
    )
